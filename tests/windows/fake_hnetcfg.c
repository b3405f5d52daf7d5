/*
 * A firewall in the place of Wine's: its component objects write down what they are asked for. What the firewall is
 * like is read from a file: "gone" (its service does not run), "policy" (a company's policy is above what is set
 * here), "shut" (it lets nobody in, whatever the rules), "off"; without the file it is on. Another file says that it has
 * rules of other programs' ("blocked"): such as a cancelled question leaves.
 */
#define COBJMACROS
#define CINTERFACE
#define INITGUID
#include <windows.h>
#include <netfw.h>
#include "fake_log.h"

#define NOT_REGISTERED ((HRESULT)0x800706d9) /* EPT_S_NOT_REGISTERED */

static char state(void)
{
    return word_of_test(L"Z:\\mnt\\firewall");
}

/* One object of each kind is enough: nobody has two at a time. */
static HRESULT STDMETHODCALLTYPE query(void *self, REFIID id, void **out)
{
    (void)id;
    *out = self;
    return S_OK;
}

static ULONG STDMETHODCALLTYPE reference(void *self)
{
    (void)self;
    return 1;
}

#define UNKNOWN (void *)query, (void *)reference, (void *)reference

#define NAME_MAX_WCHARS 128
#define RULES_MAX 8

/* The name of the rule that was made last. */
static WCHAR rule_name[NAME_MAX_WCHARS];

static HRESULT STDMETHODCALLTYPE put_name(INetFwRule *self, BSTR text)
{
    (void)self;
    record_call("INetFwRule put_Name %ls", text);
    lstrcpynW(rule_name, text, NAME_MAX_WCHARS);
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE put_description(INetFwRule *self, BSTR text)
{
    (void)self;
    record_call("INetFwRule put_Description %ls", text);
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE put_protocol(INetFwRule *self, LONG protocol)
{
    (void)self;
    record_call("INetFwRule put_Protocol %ld", protocol);
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE put_ports(INetFwRule *self, BSTR text)
{
    (void)self;
    record_call("INetFwRule put_LocalPorts %ls", text);
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE put_icmp(INetFwRule *self, BSTR text)
{
    (void)self;
    record_call("INetFwRule put_IcmpTypesAndCodes %ls", text);
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE put_remote(INetFwRule *self, BSTR text)
{
    (void)self;
    record_call("INetFwRule put_RemoteAddresses %ls", text);
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE put_direction(INetFwRule *self, NET_FW_RULE_DIRECTION direction)
{
    (void)self;
    record_call("INetFwRule put_Direction %d", direction);
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE put_interfaces(INetFwRule *self, VARIANT list)
{
    VARIANT *elements;
    LONG low, high;
    (void)self;
    if (list.vt != (VT_ARRAY | VT_VARIANT) || SafeArrayGetDim(list.parray) != 1) return E_INVALIDARG;
    SafeArrayGetLBound(list.parray, 1, &low);
    SafeArrayGetUBound(list.parray, 1, &high);
    if (SafeArrayAccessData(list.parray, (void **)&elements) != S_OK) return E_INVALIDARG;
    for (LONG i = 0; i <= high - low; i++) {
        if (elements[i].vt != VT_BSTR) return E_INVALIDARG;
        record_call("INetFwRule put_Interfaces %ld of %ld: %ls", i + 1, high - low + 1, elements[i].bstrVal);
    }
    SafeArrayUnaccessData(list.parray);
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE put_enabled(INetFwRule *self, VARIANT_BOOL enabled)
{
    (void)self;
    record_call("INetFwRule put_Enabled %d", enabled);
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE put_profiles(INetFwRule *self, LONG profiles)
{
    (void)self;
    record_call("INetFwRule put_Profiles %ld", profiles);
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE put_action(INetFwRule *self, NET_FW_ACTION action)
{
    (void)self;
    record_call("INetFwRule put_Action %d", action);
    return S_OK;
}

static INetFwRuleVtbl rule_methods = {
    UNKNOWN,
    .put_Name = put_name,
    .put_Description = put_description,
    .put_Protocol = put_protocol,
    .put_LocalPorts = put_ports,
    .put_RemoteAddresses = put_remote,
    .put_IcmpTypesAndCodes = put_icmp,
    .put_Direction = put_direction,
    .put_Interfaces = put_interfaces,
    .put_Enabled = put_enabled,
    .put_Profiles = put_profiles,
    .put_Action = put_action,
};
static INetFwRule rule = {&rule_methods};

/* Names of the rules that this process has added: what another one did is not known here. */
static WCHAR added_names[RULES_MAX][NAME_MAX_WCHARS];

static HRESULT STDMETHODCALLTYPE add_rule(INetFwRules *self, INetFwRule *added)
{
    (void)self;
    record_call("INetFwRules Add %s", added == &rule ? "rule" : "?");
    record_journal("windows-inbound");
    if (state() == 'g') return NOT_REGISTERED;
    for (int i = 0; i < RULES_MAX; i++) {
        if (added_names[i][0] != 0) continue;
        lstrcpyW(added_names[i], rule_name);
        return S_OK;
    }
    return E_OUTOFMEMORY;
}

static HRESULT STDMETHODCALLTYPE remove_rule(INetFwRules *self, BSTR name)
{
    (void)self;
    record_call("INetFwRules Remove %ls", name);
    for (int i = 0; i < RULES_MAX; i++) {
        if (lstrcmpW(added_names[i], name) != 0) continue;
        added_names[i][0] = 0;
        return S_OK;
    }
    return HRESULT_FROM_WIN32(ERROR_FILE_NOT_FOUND);
}

/* ---- rules that are there -------------------------------------------------------------------------------------- */

struct found { INetFwRuleVtbl *methods; const WCHAR *name, *program; int direction, enabled, action; long profiles; };

static const struct found *found_of(INetFwRule *self)
{
    return (const struct found *)(void *)self;
}

static HRESULT STDMETHODCALLTYPE get_name(INetFwRule *self, BSTR *out)
{
    *out = SysAllocString(found_of(self)->name);
    return S_OK;
}

/* A rule for all programs has none. */
static HRESULT STDMETHODCALLTYPE get_program(INetFwRule *self, BSTR *out)
{
    *out = found_of(self)->program == NULL ? NULL : SysAllocString(found_of(self)->program);
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE get_direction(INetFwRule *self, NET_FW_RULE_DIRECTION *out)
{
    *out = (NET_FW_RULE_DIRECTION)found_of(self)->direction;
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE get_rule_enabled(INetFwRule *self, VARIANT_BOOL *out)
{
    *out = found_of(self)->enabled ? VARIANT_TRUE : VARIANT_FALSE;
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE get_profiles(INetFwRule *self, long *out)
{
    *out = found_of(self)->profiles;
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE get_action(INetFwRule *self, NET_FW_ACTION *out)
{
    *out = (NET_FW_ACTION)found_of(self)->action;
    return S_OK;
}

static INetFwRuleVtbl found_methods = {
    UNKNOWN,
    .get_Name = get_name,
    .get_ApplicationName = get_program,
    .get_Direction = get_direction,
    .get_Enabled = get_rule_enabled,
    .get_Profiles = get_profiles,
    .get_Action = get_action,
};

static struct found found[] = {
    {&found_methods, L"Quake III Arena", L"C:\\Games\\quake3.exe", 1, 1, NET_FW_ACTION_BLOCK, NET_FW_PROFILE2_PUBLIC},
    {&found_methods, L"Quake III Arena", L"C:\\Games\\quake3.exe", 1, 1, NET_FW_ACTION_BLOCK, NET_FW_PROFILE2_PUBLIC},
    {&found_methods, L"OpenTTD", L"C:\\Games\\openttd.exe", 1, 1, NET_FW_ACTION_ALLOW, NET_FW_PROFILE2_ALL},
    {&found_methods, L"Doom", L"C:\\Games\\doom.exe", 1, 0, NET_FW_ACTION_BLOCK, NET_FW_PROFILE2_ALL},
    {&found_methods, L"At home", L"C:\\Games\\home.exe", 1, 1, NET_FW_ACTION_BLOCK, NET_FW_PROFILE2_PRIVATE},
    {&found_methods, L"All programs", NULL, 1, 1, NET_FW_ACTION_BLOCK, NET_FW_PROFILE2_ALL},
};
static unsigned next_found;

static HRESULT STDMETHODCALLTYPE next_rule(IEnumVARIANT *self, ULONG count, VARIANT *out, ULONG *fetched)
{
    (void)self;
    *fetched = 0;
    if (count != 1) return E_INVALIDARG;
    if (word_of_test(L"Z:\\mnt\\blocked") == ' ' || next_found == sizeof found / sizeof *found) return S_FALSE;
    out->vt = VT_DISPATCH;
    out->pdispVal = (IDispatch *)(void *)&found[next_found++];
    *fetched = 1;
    return S_OK;
}

static IEnumVARIANTVtbl enumerator_methods = {UNKNOWN, .Next = next_rule};
static IEnumVARIANT enumerator = {&enumerator_methods};

static HRESULT STDMETHODCALLTYPE each_rule(INetFwRules *self, IUnknown **out)
{
    (void)self;
    next_found = 0;
    *out = (IUnknown *)(void *)&enumerator;
    return S_OK;
}

static INetFwRulesVtbl rules_methods = {UNKNOWN, .Add = add_rule, .Remove = remove_rule, .get__NewEnum = each_rule};
static INetFwRules rules = {&rules_methods};

static HRESULT STDMETHODCALLTYPE get_rules(INetFwPolicy2 *self, INetFwRules **out)
{
    (void)self;
    if (state() == 'g') return NOT_REGISTERED;
    *out = &rules;
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE get_enabled(INetFwPolicy2 *self, NET_FW_PROFILE_TYPE2 profile, VARIANT_BOOL *out)
{
    (void)self, (void)profile;
    *out = state() == 'o' ? VARIANT_FALSE : VARIANT_TRUE;
    return state() == 'g' ? NOT_REGISTERED : S_OK;
}

static HRESULT STDMETHODCALLTYPE get_blocks(INetFwPolicy2 *self, NET_FW_PROFILE_TYPE2 profile, VARIANT_BOOL *out)
{
    (void)self, (void)profile;
    *out = state() == 's' ? VARIANT_TRUE : VARIANT_FALSE;
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE get_modify(INetFwPolicy2 *self, NET_FW_MODIFY_STATE *out)
{
    (void)self;
    *out = state() == 'p' ? NET_FW_MODIFY_STATE_GP_OVERRIDE : NET_FW_MODIFY_STATE_OK;
    return S_OK;
}

static INetFwPolicy2Vtbl policy_methods = {
    UNKNOWN,
    .get_Rules = get_rules,
    .get_FirewallEnabled = get_enabled,
    .get_BlockAllInboundTraffic = get_blocks,
    .get_LocalPolicyModifyState = get_modify,
};
static INetFwPolicy2 policy = {&policy_methods};

static HRESULT STDMETHODCALLTYPE create_policy(IClassFactory *self, IUnknown *outer, REFIID id, void **out)
{
    (void)self, (void)outer;
    if (!IsEqualIID(id, &IID_INetFwPolicy2)) return E_NOINTERFACE;
    *out = &policy;
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE create_rule(IClassFactory *self, IUnknown *outer, REFIID id, void **out)
{
    (void)self, (void)outer;
    if (!IsEqualIID(id, &IID_INetFwRule)) return E_NOINTERFACE;
    *out = &rule;
    return S_OK;
}

static IClassFactoryVtbl policy_class_methods = {UNKNOWN, .CreateInstance = create_policy};
static IClassFactory policy_class = {&policy_class_methods};
static IClassFactoryVtbl rule_class_methods = {UNKNOWN, .CreateInstance = create_rule};
static IClassFactory rule_class = {&rule_class_methods};

HRESULT WINAPI DllGetClassObject(REFCLSID id, REFIID type, void **out)
{
    (void)type;
    if (IsEqualCLSID(id, &CLSID_NetFwPolicy2)) *out = &policy_class;
    else if (IsEqualCLSID(id, &CLSID_NetFwRule)) *out = &rule_class;
    else return CLASS_E_CLASSNOTAVAILABLE;
    return S_OK;
}
