/**
 * Windows' component objects: making them and calling them.
 *
 * @module
 */
export { AutomationString, ComObject, eachObject, TextList, withCom } from "./windows.ts";
