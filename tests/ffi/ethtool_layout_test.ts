import * as ethtool from "../../src/ffi/ethtool_layouts.ts";
import { assertConstants, assertLayouts } from "../support/layout_probe.ts";

const HEADERS = {
  preamble: [
    "#include <linux/types.h>",
    "#include <linux/ethtool.h>",
    "#include <linux/sockios.h>",
  ],
};

Deno.test("the structs of ethtool are laid out as the system's headers say", async () => {
  await assertLayouts(ethtool.ETHTOOL_LAYOUTS, HEADERS);
});

Deno.test("the constants of ethtool have the values of the system's headers", async () => {
  await assertConstants({
    SIOCETHTOOL: Number(ethtool.SIOCETHTOOL),
    ETHTOOL_GDRVINFO: ethtool.EthtoolCommand.getDriverInfo,
    ETHTOOL_GSTRINGS: ethtool.EthtoolCommand.getStrings,
    ETHTOOL_GSSET_INFO: ethtool.EthtoolCommand.getStringSetInfo,
    ETHTOOL_GFEATURES: ethtool.EthtoolCommand.getFeatures,
    ETHTOOL_SFEATURES: ethtool.EthtoolCommand.setFeatures,
    ETH_SS_FEATURES: ethtool.ETH_SS_FEATURES,
    ETH_GSTRING_LEN: ethtool.ETH_GSTRING_LEN,
  }, HEADERS);
});
