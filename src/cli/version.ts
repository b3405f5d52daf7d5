/**
 * The version that `--version` prints and that a hello's `agent` carries.
 *
 * @module
 */
export const VERSION = "0.1.0";
