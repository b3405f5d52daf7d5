/**
 * Windows' component objects: making them and calling them.
 *
 * @module
 */
export { AutomationString, ComObject, TextList, withCom } from "./windows.ts";
