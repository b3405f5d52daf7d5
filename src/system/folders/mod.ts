/**
 * The client's folder among Windows' programs, which only administrators can write.
 *
 * @module
 */
export { programFolder, programFolderPath, UnsafeFolderError } from "./windows_program_folder.ts";
