/**
 * Windows' devices (cfgmgr32): finding one by its instance id, whether it is disabled, and restarting it.
 *
 * @module
 */

/** Constants of cfgmgr32.h, by their names there. */
export const DeviceConstant = {
  CR_SUCCESS: 0,
  CR_NO_SUCH_DEVNODE: 13,
  CR_REMOVE_VETOED: 23,
  CR_ACCESS_DENIED: 51,
  CM_LOCATE_DEVNODE_NORMAL: 0,
  CM_DISABLE_UI_NOT_OK: 4,
  DN_HAS_PROBLEM: 0x400,
  CM_PROB_DISABLED: 0x16,
} as const;

const SYMBOLS = {
  CM_Locate_DevNodeW: {
    parameters: ["buffer", /* pdnDevInst, out */ "buffer", /* pDeviceID */ "u32" /* ulFlags */],
    result: "u32",
  },
  CM_Get_DevNode_Status: {
    parameters: [
      "buffer", /* pulStatus, out */
      "buffer", /* pulProblemNumber, out */
      "u32", /* dnDevInst */
      "u32", /* ulFlags */
    ],
    result: "u32",
  },
  CM_Disable_DevNode: {
    parameters: ["u32", /* dnDevInst */ "u32" /* ulFlags */],
    result: "u32",
  },
  CM_Enable_DevNode: {
    parameters: ["u32", /* dnDevInst */ "u32" /* ulFlags */],
    result: "u32",
  },
} as const satisfies Deno.ForeignLibraryInterface;

/** Every function of this file, for the table of what is called. */
export const WINDOWS_DEVICE_SYMBOLS = { "cfgmgr32.dll": SYMBOLS } as const;
