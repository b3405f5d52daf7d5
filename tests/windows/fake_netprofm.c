/*
 * The list of networks in the place of Wine's: one connection, the fake adapter's. What its network counts as is read
 * from a file, "public" or "private"; without the file Windows does not know the network.
 */
#define COBJMACROS
#define CINTERFACE
#define INITGUID
#include <windows.h>
#include <netlistmgr.h>

static const GUID adapter = {0x11111111, 0x2222, 0x3333, {0x44, 0x44, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55}};
static BOOL is_told;

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

static int category(void)
{
    char text[2] = "";
    DWORD bytes;
    HANDLE file = CreateFileW(L"Z:\\mnt\\network", GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    if (file == INVALID_HANDLE_VALUE) return -1;
    ReadFile(file, text, 2, &bytes, NULL);
    CloseHandle(file);
    return text[1] == 'r' ? NLM_NETWORK_CATEGORY_PRIVATE : NLM_NETWORK_CATEGORY_PUBLIC;
}

static HRESULT STDMETHODCALLTYPE get_category(INetwork *self, NLM_NETWORK_CATEGORY *out)
{
    (void)self;
    *out = category();
    return S_OK;
}

static INetworkVtbl network_methods = {UNKNOWN, .GetCategory = get_category};
static INetwork network = {&network_methods};

static HRESULT STDMETHODCALLTYPE get_network(INetworkConnection *self, INetwork **out)
{
    (void)self;
    *out = &network;
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE get_adapter(INetworkConnection *self, GUID *out)
{
    (void)self;
    *out = adapter;
    return S_OK;
}

static INetworkConnectionVtbl connection_methods = {
    UNKNOWN,
    .GetNetwork = get_network,
    .GetAdapterId = get_adapter,
};
static INetworkConnection connection = {&connection_methods};

static HRESULT STDMETHODCALLTYPE next(IEnumNetworkConnections *self, ULONG count, INetworkConnection **out, ULONG *got)
{
    (void)self, (void)count;
    *got = 0;
    if (is_told || category() < 0) return S_FALSE;
    is_told = TRUE;
    *out = &connection;
    *got = 1;
    return S_OK;
}

static IEnumNetworkConnectionsVtbl list_methods = {UNKNOWN, .Next = next};
static IEnumNetworkConnections list = {&list_methods};

static HRESULT STDMETHODCALLTYPE get_connections(INetworkListManager *self, IEnumNetworkConnections **out)
{
    (void)self;
    is_told = FALSE;
    *out = &list;
    return S_OK;
}

static INetworkListManagerVtbl manager_methods = {UNKNOWN, .GetNetworkConnections = get_connections};
static INetworkListManager manager = {&manager_methods};

static HRESULT STDMETHODCALLTYPE create(IClassFactory *self, IUnknown *outer, REFIID id, void **out)
{
    (void)self, (void)outer;
    if (!IsEqualIID(id, &IID_INetworkListManager)) return E_NOINTERFACE;
    *out = &manager;
    return S_OK;
}

static IClassFactoryVtbl class_methods = {UNKNOWN, .CreateInstance = create};
static IClassFactory manager_class = {&class_methods};

HRESULT WINAPI DllGetClassObject(REFCLSID id, REFIID type, void **out)
{
    (void)type;
    if (!IsEqualCLSID(id, &CLSID_NetworkListManager)) return CLASS_E_CLASSNOTAVAILABLE;
    *out = &manager_class;
    return S_OK;
}
