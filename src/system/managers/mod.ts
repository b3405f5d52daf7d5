/**
 * Programs that manage all of a Linux system's networks, and how they are kept off an adapter.
 *
 * @module
 */
export { findManagers, HandsOff, MANAGER_FILE_CHANGE, undoManagerFile } from "./hands_off.ts";
