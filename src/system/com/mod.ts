/** Windows' component objects: making them and calling them. */
export { AutomationString, ComObject, TextList, withCom } from "./objects.ts";
