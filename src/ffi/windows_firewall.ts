/**
 * Windows' firewall, by its component objects (`HNetCfg.FwPolicy2`).
 *
 * @module
 */

import type { ComInterface } from "./windows_com.ts";

/** The firewall's classes and interfaces (netfw.h). */
export const CLSID_NetFwPolicy2 = "{E2B3C97F-6AE1-41AC-817A-F6F92166D7DD}";
export const IID_INetFwPolicy2 = "{98325047-C671-4174-8D81-DEFCD3F03186}";
export const CLSID_NetFwRule = "{2C5BC43E-3369-4C33-AB0C-BE9469677AF4}";
export const IID_INetFwRule = "{AF230D27-BABA-4E42-ACED-F524F22CFCE2}";

/** Constants of icftypes.h, by their names there. */
export const FirewallConstant = {
  NET_FW_RULE_DIR_IN: 1,
  NET_FW_ACTION_BLOCK: 0,
  NET_FW_ACTION_ALLOW: 1,
  NET_FW_IP_PROTOCOL_TCP: 6,
  NET_FW_IP_PROTOCOL_UDP: 17,
  NET_FW_PROFILE2_DOMAIN: 1,
  NET_FW_PROFILE2_PRIVATE: 2,
  NET_FW_PROFILE2_PUBLIC: 4,
  NET_FW_PROFILE2_ALL: 0x7fffffff,
  NET_FW_MODIFY_STATE_OK: 0,
  NET_FW_MODIFY_STATE_GP_OVERRIDE: 1,
  NET_FW_MODIFY_STATE_INBOUND_BLOCKED: 2,
} as const;

const PAGE = "https://learn.microsoft.com/windows/win32/api/netfw/nf-netfw";

/** The firewall's settings and rules. */
export const INetFwPolicy2 = {
  name: "INetFwPolicy2",
  header: "netfw.h",
  page: `${PAGE}-inetfwpolicy2`,
  methods: {
    get_FirewallEnabled: { slot: 8, parameters: ["NET_FW_PROFILE_TYPE2", "VARIANT_BOOL *"] },
    get_BlockAllInboundTraffic: {
      slot: 12,
      parameters: ["NET_FW_PROFILE_TYPE2", "VARIANT_BOOL *"],
    },
    get_Rules: { slot: 18, parameters: ["INetFwRules **"] },
    get_LocalPolicyModifyState: { slot: 28, parameters: ["NET_FW_MODIFY_STATE *"] },
  },
} as const satisfies ComInterface;

/** The list of rules. */
export const INetFwRules = {
  name: "INetFwRules",
  header: "netfw.h",
  page: `${PAGE}-inetfwrules`,
  methods: {
    Add: { slot: 8, parameters: ["INetFwRule *"] },
    Remove: { slot: 9, parameters: ["BSTR"] },
    get__NewEnum: { slot: 11, parameters: ["IUnknown **"] },
  },
} as const satisfies ComInterface;

/** One rule. */
export const INetFwRule = {
  name: "INetFwRule",
  header: "netfw.h",
  page: `${PAGE}-inetfwrule`,
  methods: {
    get_Name: { slot: 7, parameters: ["BSTR *"] },
    put_Name: { slot: 8, parameters: ["BSTR"] },
    put_Description: { slot: 10, parameters: ["BSTR"] },
    get_ApplicationName: { slot: 11, parameters: ["BSTR *"] },
    put_Protocol: { slot: 16, parameters: ["LONG"] },
    put_LocalPorts: { slot: 18, parameters: ["BSTR"] },
    put_RemoteAddresses: { slot: 24, parameters: ["BSTR"] },
    put_IcmpTypesAndCodes: { slot: 26, parameters: ["BSTR"] },
    get_Direction: { slot: 27, parameters: ["NET_FW_RULE_DIRECTION *"] },
    put_Direction: { slot: 28, parameters: ["NET_FW_RULE_DIRECTION"] },
    put_Interfaces: { slot: 30, parameters: ["VARIANT"] },
    get_Enabled: { slot: 33, parameters: ["VARIANT_BOOL *"] },
    put_Enabled: { slot: 34, parameters: ["VARIANT_BOOL"] },
    get_Profiles: { slot: 37, parameters: ["long *"] },
    put_Profiles: { slot: 38, parameters: ["LONG"] },
    get_Action: { slot: 41, parameters: ["NET_FW_ACTION *"] },
    put_Action: { slot: 42, parameters: ["NET_FW_ACTION"] },
  },
} as const satisfies ComInterface;
