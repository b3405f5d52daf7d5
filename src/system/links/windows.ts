/**
 * Links on Windows: a key of the user's own among the classes of files and links
 * (https://learn.microsoft.com/previous-versions/windows/internet-explorer/ie-developer/platform-apis/aa767914(v=vs.85)).
 *
 * ```
 *  HKEY_CURRENT_USER\\Software\\Classes\\lanparty    "URL:lanparty", URL Protocol = ""
 *    shell\\open\\command                            "C:\\…\\lanparty-client.exe" open-link -- "%1"
 * ```
 *
 * @module
 */
import { RegistryKey } from "../registry/mod.ts";
import type { Links } from "./mod.ts";

/** See {@linkcode Links}. */
export function windowsLinks(scheme: string, command: string): Links {
  const path = `Software\\Classes\\${scheme}`;
  const commandPath = `${path}\\shell\\open\\command`;
  const isRegistered = () => {
    using key = RegistryKey.open(commandPath, undefined, "user");
    return key?.text("")?.includes(`" ${command} -- "`) ?? false;
  };
  return {
    isRegistered,
    register: (executable) => {
      using key = RegistryKey.createForUser(path);
      key.setText("", `URL:${scheme}`);
      key.setText("URL Protocol", "");
      using start = RegistryKey.createForUser(commandPath);
      start.setText("", `"${executable}" ${command} -- "%1"`);
    },
    unregister: () => {
      const isOurs = isRegistered();
      if (isOurs) RegistryKey.removeForUser(path);
      return isOurs;
    },
  };
}
