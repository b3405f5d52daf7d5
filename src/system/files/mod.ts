/**
 * Files that are whole or absent, whose they are, and where state is kept.
 *
 * @module
 */
export {
  copyFileAtomic,
  exists,
  isFile,
  OWNER_ONLY_MODE,
  pathIn,
  patiently,
  readFileIfThere,
  removeFileIfThere,
  removeFolderIfThere,
  writeFileAtomic,
  writeFileAtomicLater,
} from "./files.ts";
export { findCredential, readOwnFile, UnsafePathError, whyReadByOthers } from "./own_files.ts";
export { reasonOf } from "./reason.ts";
export { ownStateFolder, stateFolder } from "./state_folder.ts";
export { placeLibrary, removeLibraries } from "./windows_library_file.ts";
