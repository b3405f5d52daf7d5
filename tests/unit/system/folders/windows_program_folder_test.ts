/** Who may write to a folder, as Windows' security descriptors say it. */
import { assertEquals, assertMatch } from "@std/assert";
import {
  FOLDER_SECURITY,
  writersOf,
} from "../../../../src/system/folders/windows_program_folder.ts";

const TRUSTED_INSTALLER = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464";

Deno.test("owner and whoever is allowed more than to read may write", () => {
  const table: [string, string[]][] = [
    // What the client makes.
    [FOLDER_SECURITY, ["BA", "SY"]],
    // What a folder inherits from Program Files.
    [
      `O:BAD:AI(A;ID;FA;;;${TRUSTED_INSTALLER})(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)` +
      "(A;OICIID;0x1200a9;;;BU)(A;OICIIOID;GA;;;CO)(A;OICIID;0x1200a9;;;AC)",
      ["BA", TRUSTED_INSTALLER, "SY"],
    ],
    // Users may change what is there.
    ["O:BAD:(A;OICI;FA;;;BA)(A;OICI;0x1301bf;;;BU)", ["BA", "BU"]],
    ["O:BAD:(A;;FRFX;;;BU)(A;;FRFW;;;WD)", ["BA", "WD"]],
    ["O:BAD:(A;;GRGX;;;AU)(A;;GA;;;IU)", ["BA", "IU"]],
    ["O:BAD:(A;;WD;;;BU)", ["BA", "BU"]], // may write the list itself
    ["O:BAD:(A;;WO;;;BU)", ["BA", "BU"]], // may take the folder over
    // A player is its owner, and may change the list at any time.
    ["O:S-1-5-21-1-2-3-1001D:PAI(A;OICI;FA;;;BA)", ["S-1-5-21-1-2-3-1001", "BA"]],
    // Denials are not believed.
    ["O:SYD:(D;;FA;;;BU)(A;;FA;;;BU)", ["SY", "BU"]],
    // No list, or one that says that there is none.
    ["O:BA", ["WD"]],
    ["O:BAD:NO_ACCESS_CONTROL", ["WD"]],
    ["", ["WD"]],
    // An empty list: nobody but the owner.
    ["O:BAD:P", ["BA"]],
  ];
  for (const [sddl, expected] of table) assertEquals(writersOf(sddl), expected, sddl);
});

Deno.test("the client's folder inherits nothing, and all in it is as it is", () => {
  assertMatch(FOLDER_SECURITY, /^O:BAG:BAD:P/);
  for (const [, flags] of FOLDER_SECURITY.matchAll(/\(A;([^;]*);/g)) assertEquals(flags, "OICI");
});
