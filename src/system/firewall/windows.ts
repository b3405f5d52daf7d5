/**
 * Windows' firewall, by its component objects (`HNetCfg.FwPolicy2`).
 *
 * @module
 */

import { ComConstant, IEnumVARIANT, IID_IEnumVARIANT } from "../../ffi/windows_com.ts";
import {
  CLSID_NetFwPolicy2,
  CLSID_NetFwRule,
  FirewallConstant,
  IID_INetFwPolicy2,
  IID_INetFwRule,
  INetFwPolicy2,
  INetFwRule,
  INetFwRules,
} from "../../ffi/windows_firewall.ts";
import { WindowsError } from "../../ffi/windows_kernel.ts";
import { AutomationString, ComObject, eachObject, TextList, withCom } from "../com/mod.ts";
import type {
  Firewall,
  FirewallState,
  InboundRule,
  InboundTraffic,
  NetworkKind,
  ProgramRule,
} from "./firewall.ts";
import { networkKind } from "./windows_networks.ts";

/** `HRESULT_FROM_WIN32(ERROR_FILE_NOT_FOUND)`: the firewall has no such rule. */
const NO_SUCH_RULE = 0x80070002;

/** Numbers of IP protocols for which icftypes.h has no name (IANA's list). */
const IPPROTO_ICMP = 1;
const IPPROTO_ICMPV6 = 58;

const PROTOCOLS: Readonly<Record<InboundTraffic["protocol"], number>> = {
  TCP: FirewallConstant.NET_FW_IP_PROTOCOL_TCP,
  UDP: FirewallConstant.NET_FW_IP_PROTOCOL_UDP,
  ICMPv4: IPPROTO_ICMP,
  ICMPv6: IPPROTO_ICMPV6,
};

const PROFILES: Readonly<Record<NetworkKind, number>> = {
  public: FirewallConstant.NET_FW_PROFILE2_PUBLIC,
  private: FirewallConstant.NET_FW_PROFILE2_PRIVATE,
  domain: FirewallConstant.NET_FW_PROFILE2_DOMAIN,
};

const KINDS = ["public", "private", "domain"] as const;
/** Rules that are looked through; a PC has some hundreds. */
const RULES_MAX = 4096;

function openPolicy(): ComObject<typeof INetFwPolicy2> {
  return ComObject.create(CLSID_NetFwPolicy2, IID_INetFwPolicy2, INetFwPolicy2);
}

/**
 * Adds a rule, in all of the firewall's profiles; one of the same name is replaced.
 *
 * @throws {WindowsError} with an HRESULT: the firewall does not run, or takes no rules
 */
function addRule(wanted: InboundRule): void {
  const { name, description, interfaceName, traffic, remoteAddresses } = wanted;
  withCom(() => {
    const c = FirewallConstant;
    using policy = openPolicy();
    using rules = policy.get("get_Rules", INetFwRules);
    using rule = ComObject.create(CLSID_NetFwRule, IID_INetFwRule, INetFwRule);
    using nameText = new AutomationString(name);
    using descriptionText = new AutomationString(description);
    using addresses = new AutomationString(remoteAddresses);
    using what = new AutomationString("ports" in traffic ? traffic.ports : traffic.types);
    using interfaces = new TextList([interfaceName]);
    rule.call("put_Name", nameText.pointer);
    rule.call("put_Description", descriptionText.pointer);
    // Ports and types are taken only after the protocol.
    rule.call("put_Protocol", PROTOCOLS[traffic.protocol]);
    rule.call("ports" in traffic ? "put_LocalPorts" : "put_IcmpTypesAndCodes", what.pointer);
    rule.call("put_RemoteAddresses", addresses.pointer);
    rule.call("put_Direction", c.NET_FW_RULE_DIR_IN);
    rule.call("put_Interfaces", interfaces.variant);
    rule.call("put_Enabled", ComConstant.VARIANT_TRUE);
    rule.call("put_Profiles", c.NET_FW_PROFILE2_ALL);
    rule.call("put_Action", c.NET_FW_ACTION_ALLOW);
    // Rules are told apart by an id that Windows gives them: a name can be there twice.
    removeIfThere(rules, nameText);
    rules.call("Add", rule.pointer);
  });
}

/** Removes a rule; one that is not there is removed already. @throws {WindowsError} */
function removeRule(name: string): void {
  withCom(() => {
    using policy = openPolicy();
    using rules = policy.get("get_Rules", INetFwRules);
    using text = new AutomationString(name);
    removeIfThere(rules, text);
  });
}

function removeIfThere(rules: ComObject<typeof INetFwRules>, name: AutomationString): void {
  try {
    rules.call("Remove", name.pointer);
  } catch (error) {
    if (!(error instanceof WindowsError) || error.code !== NO_SUCH_RULE) throw error;
  }
}

/** The firewall's state. @throws {WindowsError} */
function stateOf(kind: NetworkKind): FirewallState {
  const profile = PROFILES[kind];
  return withCom(() => {
    using policy = openPolicy();
    const enabled = new Int16Array(1);
    policy.call("get_FirewallEnabled", profile, enabled);
    const blocksAll = new Int16Array(1);
    policy.call("get_BlockAllInboundTraffic", profile, blocksAll);
    const modify = new Int32Array(1);
    policy.call("get_LocalPolicyModifyState", modify);
    return {
      enabled: enabled[0] !== 0,
      blocksAll: blocksAll[0] !== 0,
      takesRules: modify[0] === FirewallConstant.NET_FW_MODIFY_STATE_OK,
    };
  });
}

/** The rules that are for programs. @throws {WindowsError} */
function programRules(): ProgramRule[] {
  return withCom(() => {
    using policy = openPolicy();
    using rules = policy.get("get_Rules", INetFwRules);
    using unknown = rules.get("get__NewEnum", IEnumVARIANT);
    using enumerator = unknown.as(IID_IEnumVARIANT, IEnumVARIANT);
    const found: ProgramRule[] = [];
    let count = 0;
    for (const rule of eachObject(enumerator, IID_INetFwRule, INetFwRule)) {
      if (++count > RULES_MAX) break;
      const program = rule.text("get_ApplicationName");
      if (program !== "") found.push(describeRule(rule, program));
    }
    return found;
  });
}

function describeRule(rule: ComObject<typeof INetFwRule>, program: string): ProgramRule {
  const c = FirewallConstant;
  const read = (name: "get_Direction" | "get_Profiles" | "get_Action") => {
    const out = new Int32Array(1);
    rule.call(name, out);
    return out[0];
  };
  const enabled = new Int16Array(1);
  rule.call("get_Enabled", enabled);
  const profiles = read("get_Profiles");
  return {
    name: rule.text("get_Name"),
    program,
    isEnabled: enabled[0] !== 0,
    isInbound: read("get_Direction") === c.NET_FW_RULE_DIR_IN,
    isBlocking: read("get_Action") === c.NET_FW_ACTION_BLOCK,
    kinds: KINDS.filter((kind) => (profiles & PROFILES[kind]) !== 0),
  };
}

/** See the module. Failures are `WindowsError`s. */
export const windowsFirewall: Firewall = {
  addRule,
  removeRule,
  state: stateOf,
  programRules,
  networkKind,
  failureOf: (error) => error instanceof WindowsError ? error.message : undefined,
};
