/*
 * The part of iphlpapi that Wine lacks, or that a test must rule: a PC's interfaces, addresses, routes and name
 * servers. The rest is forwarded to a renamed copy of Wine's own DLL.
 *
 * The PC's own network is what the test says in "network.txt", one thing a line (HOME in tests/support/wine.ts is an
 * example), and can change at any time. What programs set is kept in "network_set.txt", so that it outlives them as it would on a
 * real PC; it goes with its interface. A line "delete NUMBER PREFIX" of the test takes away a route that a program
 * has added, once for each number; "ipv6off INDEX" switches IPv6 off on an interface.
 */
#define _WIN32_WINNT 0x0A00
#include <winsock2.h>
#include <ws2tcpip.h>
#include <iphlpapi.h>
#include "fake_log.h"

#define WORLD L"Z:\\mnt\\network.txt"
#define SET L"Z:\\mnt\\network_set.txt"
#define TEXT_BYTES 16384
#define ROWS 64
#define POLL_MS 20
#define PENDING_MAX 8
#define INDEX_OF_LAN 3
#define INDEX_OF_TAP 7

static const GUID guid_of_lan = {0x99999999, 0, 0, {0}};
static const GUID guid_of_tap = {0x11111111, 0x2222, 0x3333, {0x44, 0x44, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55}};

struct network { SOCKADDR_INET address; unsigned bits; };
struct settings { ULONG automatic, metric, mtu, no_default, routers, managed, other, forwarding, weak; BOOL set; };
struct adapter { ULONG index; char name[64]; struct settings of[2]; BOOL no_ipv6; };
struct address { ULONG index; struct network network; BOOL added; };
struct route { ULONG index; struct network network; SOCKADDR_INET hop; ULONG metric; BOOL added; };

/* The PC at this moment; everything below works on it between load() and store(). */
static struct {
    struct adapter interfaces[ROWS];
    struct address addresses[ROWS], servers[ROWS];
    struct route routes[ROWS], removed[ROWS];
    unsigned interface_count, address_count, server_count, route_count, removed_count;
    unsigned deleted;
} pc;

/* What SET holds. */
static char set[TEXT_BYTES];
static HANDLE mutex;
/* Settings that are not taken yet, where a file of the test's says so ("interface": "late"). */
static unsigned late_left = 2;

/* ---- addresses ---------------------------------------------------------------------------------------------- */

static void *bytes_of(const SOCKADDR_INET *address)
{
    return address->si_family == AF_INET6 ? (void *)&address->Ipv6.sin6_addr : (void *)&address->Ipv4.sin_addr;
}

static unsigned length_of(const SOCKADDR_INET *address)
{
    return address->si_family == AF_INET6 ? 16 : 4;
}

static BOOL parse_address(const char *text, SOCKADDR_INET *address)
{
    memset(address, 0, sizeof *address);
    address->si_family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
    return inet_pton(address->si_family, text, bytes_of(address)) == 1;
}

static BOOL parse_network(const char *text, struct network *network)
{
    char address[64];
    return sscanf(text, "%63[^/]/%u", address, &network->bits) == 2 && parse_address(address, &network->address);
}

static const char *address_text(const SOCKADDR_INET *address, char *text, size_t length)
{
    return inet_ntop(address->si_family == AF_INET6 ? AF_INET6 : AF_INET, bytes_of(address), text, length);
}

static BOOL same_address(const SOCKADDR_INET *one, const SOCKADDR_INET *other)
{
    return one->si_family == other->si_family && memcmp(bytes_of(one), bytes_of(other), length_of(one)) == 0;
}

static BOOL contains(const struct network *network, const SOCKADDR_INET *address)
{
    const unsigned char *one = bytes_of(&network->address), *other = bytes_of(address);
    if (network->address.si_family != address->si_family) return FALSE;
    for (unsigned bit = 0; bit < network->bits; bit++) {
        if (((one[bit / 8] ^ other[bit / 8]) >> (7 - bit % 8)) & 1) return FALSE;
    }
    return TRUE;
}

static BOOL same_route(const struct route *one, const struct route *other)
{
    return one->index == other->index && one->network.bits == other->network.bits &&
           same_address(&one->network.address, &other->network.address) && same_address(&one->hop, &other->hop);
}

/* ---- the state ---------------------------------------------------------------------------------------------- */

static void read_file(const WCHAR *path, char *text)
{
    DWORD length = 0;
    HANDLE file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                              OPEN_EXISTING, 0, NULL);
    text[0] = 0;
    if (file == INVALID_HANDLE_VALUE) return;
    ReadFile(file, text, TEXT_BYTES - 1, &length, NULL);
    text[length] = 0;
    CloseHandle(file);
}

static struct adapter *find_interface(ULONG index)
{
    for (unsigned i = 0; i < pc.interface_count; i++) {
        if (pc.interfaces[i].index == index) return &pc.interfaces[i];
    }
    return NULL;
}

static int find_route(const struct route *wanted)
{
    for (unsigned i = 0; i < pc.route_count; i++) {
        if (same_route(&pc.routes[i], wanted)) return (int)i;
    }
    return -1;
}

static void drop_route(unsigned at)
{
    memmove(&pc.routes[at], &pc.routes[at + 1], (--pc.route_count - at) * sizeof pc.routes[0]);
}

static void take_interface(ULONG index, ULONG metric, const char *name)
{
    struct adapter *one = &pc.interfaces[pc.interface_count];
    if (pc.interface_count == ROWS) return;
    pc.interface_count++;
    one->index = index;
    lstrcpynA(one->name, name, sizeof one->name);
    one->of[0] = (struct settings){TRUE, metric, 1500, FALSE, RouterDiscoveryDhcp, FALSE, FALSE, TRUE, TRUE, FALSE};
    one->of[1] = (struct settings){TRUE, metric, 1500, FALSE, RouterDiscoveryEnabled, TRUE, TRUE, TRUE, TRUE, FALSE};
}

static void take_route(const char *word, ULONG index, const char *prefix, const char *hop, ULONG metric)
{
    struct route route = {.index = index, .metric = metric, .added = strcmp(word, "added") == 0};
    int at;
    if (!parse_network(prefix, &route.network) || !parse_address(hop, &route.hop)) return;
    if (find_interface(index) == NULL) return; /* it has taken its routes along */
    at = find_route(&route);
    if (strcmp(word, "removed") == 0) {
        if (pc.removed_count < ROWS) pc.removed[pc.removed_count++] = route;
        if (at >= 0 && !pc.routes[at].added) drop_route((unsigned)at);
    } else if (at < 0 && pc.route_count < ROWS) pc.routes[pc.route_count++] = route;
}

static void take_line(const char *line)
{
    char word[16] = "", first[80] = "", second[80] = "";
    ULONG index = 0, numbers[10] = {0};
    struct adapter *one;
    if (sscanf(line, "%15s %lu", word, &index) != 2) return;
    if (strcmp(word, "interface") == 0) {
        if (sscanf(line, "%*s %*u %lu %79[^\r\n]", numbers, first) == 2) take_interface(index, numbers[0], first);
    } else if (strcmp(word, "ipv6off") == 0) {
        one = find_interface(index);
        if (one != NULL) one->no_ipv6 = TRUE;
    } else if (strcmp(word, "settings") == 0) {
        one = find_interface(index);
        if (one != NULL && sscanf(line, "%*s %*u %lu %lu %lu %lu %lu %lu %lu %lu %lu %lu", numbers, numbers + 1,
                                  numbers + 2, numbers + 3, numbers + 4, numbers + 5, numbers + 6, numbers + 7,
                                  numbers + 8, numbers + 9) == 10) {
            one->of[numbers[0] & 1] = (struct settings){numbers[1], numbers[2], numbers[3], numbers[4],
                                                        numbers[5], numbers[6], numbers[7], numbers[8],
                                                        numbers[9], TRUE};
        }
    } else if (strcmp(word, "address") == 0 || strcmp(word, "fixed") == 0 || strcmp(word, "dns") == 0) {
        BOOL is_server = strcmp(word, "dns") == 0;
        struct address address = {.index = index, .added = strcmp(word, "fixed") == 0};
        if (sscanf(line, "%*s %*u %79s", first) != 1 || find_interface(index) == NULL) return;
        if (is_server ? !parse_address(first, &address.network.address) : !parse_network(first, &address.network)) {
            return;
        }
        if (is_server && pc.server_count < ROWS) pc.servers[pc.server_count++] = address;
        if (!is_server && pc.address_count < ROWS) pc.addresses[pc.address_count++] = address;
    } else if (strcmp(word, "route") == 0 || strcmp(word, "added") == 0 || strcmp(word, "removed") == 0) {
        if (sscanf(line, "%*s %*u %79s %79s %lu", first, second, numbers) == 3) {
            take_route(word, index, first, second, numbers[0]);
        }
    } else if (strcmp(word, "deleted") == 0) pc.deleted = index;
    else if (strcmp(word, "delete") == 0 && index > pc.deleted) {
        struct network network;
        if (sscanf(line, "%*s %*u %79s", first) != 1 || !parse_network(first, &network)) return;
        pc.deleted = index;
        for (unsigned i = pc.route_count; i-- > 0;) {
            if (pc.routes[i].network.bits == network.bits &&
                same_address(&pc.routes[i].network.address, &network.address)) drop_route(i);
        }
    }
}

static void take_text(const char *text, BOOL deletions)
{
    for (const char *line = text; line != NULL && *line != 0; line = strchr(line, '\n')) {
        if (*line == '\n') line++;
        if ((strncmp(line, "delete ", 7) == 0) == deletions) take_line(line);
    }
}

static void lock(void)
{
    if (mutex == NULL) mutex = CreateMutexW(NULL, FALSE, L"lanparty-fake-network");
    WaitForSingleObject(mutex, INFINITE);
}

static void unlock(void)
{
    ReleaseMutex(mutex);
}

static void store(void)
{
    static char text[TEXT_BYTES];
    char prefix[64], hop[64];
    int at = 0;
    DWORD written;
    HANDLE file;
    at += snprintf(text + at, TEXT_BYTES - at, "deleted %u\n", pc.deleted);
    for (unsigned i = 0; i < pc.interface_count; i++) {
        for (int version = 0; version < 2; version++) {
            const struct settings *one = &pc.interfaces[i].of[version];
            if (!one->set) continue;
            at += snprintf(text + at, TEXT_BYTES - at, "settings %lu %d %lu %lu %lu %lu %lu %lu %lu %lu %lu\n",
                           pc.interfaces[i].index, version, one->automatic, one->metric, one->mtu, one->no_default,
                           one->routers, one->managed, one->other, one->forwarding, one->weak);
        }
    }
    for (unsigned i = 0; i < pc.address_count; i++) {
        const struct address *address = &pc.addresses[i];
        if (!address->added) continue;
        at += snprintf(text + at, TEXT_BYTES - at, "fixed %lu %s/%u\n", address->index,
                       address_text(&address->network.address, prefix, sizeof prefix), address->network.bits);
    }
    for (unsigned i = 0; i < pc.route_count + pc.removed_count; i++) {
        const struct route *route = i < pc.route_count ? &pc.routes[i] : &pc.removed[i - pc.route_count];
        if (i < pc.route_count && !route->added) continue;
        at += snprintf(text + at, TEXT_BYTES - at, "%s %lu %s/%u %s %lu\n", i < pc.route_count ? "added" : "removed",
                       route->index, address_text(&route->network.address, prefix, sizeof prefix),
                       route->network.bits, address_text(&route->hop, hop, sizeof hop), route->metric);
    }
    if (strcmp(text, set) == 0) return;
    strcpy(set, text);
    file = CreateFileW(SET, GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, CREATE_ALWAYS, 0, NULL);
    if (file == INVALID_HANDLE_VALUE) return;
    WriteFile(file, text, (DWORD)at, &written, NULL);
    CloseHandle(file);
}

/* Reads the PC's state; ends with unlock(). */
static void load(void)
{
    static char world[TEXT_BYTES];
    lock();
    memset(&pc, 0, sizeof pc);
    read_file(WORLD, world);
    read_file(SET, set);
    take_text(world, FALSE);
    take_text(set, FALSE);
    take_text(world, TRUE);
    /* What went away with its interface must not come back with it. */
    if (set[0] != 0 || pc.deleted != 0) store();
}

/* ---- interfaces --------------------------------------------------------------------------------------------- */

static ULONG64 luid_of(ULONG index)
{
    ULONG64 type = index == INDEX_OF_TAP ? IF_TYPE_PROP_VIRTUAL : IF_TYPE_ETHERNET_CSMACD;
    return type << 48 | (ULONG64)index << 24;
}

static ULONG index_of(const NET_LUID *luid)
{
    return (ULONG)(luid->Value >> 24) & 0xffffff;
}

static BOOL is_there(ULONG index)
{
    BOOL found;
    load();
    found = find_interface(index) != NULL;
    unlock();
    return found;
}

DWORD WINAPI ConvertInterfaceGuidToLuid(const GUID *guid, NET_LUID *luid)
{
    ULONG index = memcmp(guid, &guid_of_tap, sizeof *guid) == 0   ? INDEX_OF_TAP
                  : memcmp(guid, &guid_of_lan, sizeof *guid) == 0 ? INDEX_OF_LAN
                                                                  : 0;
    if (index == 0 || !is_there(index)) return ERROR_INVALID_PARAMETER;
    luid->Value = luid_of(index);
    return NO_ERROR;
}

DWORD WINAPI ConvertInterfaceLuidToIndex(const NET_LUID *luid, NET_IFINDEX *index)
{
    if (!is_there(index_of(luid)) || luid->Value != luid_of(index_of(luid))) return ERROR_INVALID_PARAMETER;
    *index = index_of(luid);
    return NO_ERROR;
}

DWORD WINAPI ConvertInterfaceIndexToLuid(NET_IFINDEX index, NET_LUID *luid)
{
    if (!is_there(index)) return ERROR_FILE_NOT_FOUND;
    luid->Value = luid_of(index);
    return NO_ERROR;
}

void WINAPI InitializeIpInterfaceEntry(MIB_IPINTERFACE_ROW *row)
{
    memset(row, 0, sizeof *row);
}

static struct settings *settings_of(const MIB_IPINTERFACE_ROW *row)
{
    ULONG index = row->InterfaceLuid.Value != 0 ? index_of(&row->InterfaceLuid) : row->InterfaceIndex;
    struct adapter *one = find_interface(index);
    if (one == NULL || (row->Family != AF_INET && row->Family != AF_INET6)) return NULL;
    if (row->Family == AF_INET6 && one->no_ipv6) return NULL;
    return &one->of[row->Family == AF_INET6];
}

static void fill_interface(MIB_IPINTERFACE_ROW *row, const struct adapter *one, ADDRESS_FAMILY family)
{
    const struct settings *settings = &one->of[family == AF_INET6];
    row->Family = family;
    row->InterfaceLuid.Value = luid_of(one->index);
    row->InterfaceIndex = one->index;
    row->UseAutomaticMetric = settings->automatic != 0;
    row->Metric = settings->metric;
    row->NlMtu = settings->mtu;
    row->Connected = TRUE;
    row->DisableDefaultRoutes = settings->no_default != 0;
    row->RouterDiscoveryBehavior = settings->routers;
    row->ManagedAddressConfigurationSupported = settings->managed != 0;
    row->OtherStatefulConfigurationSupported = settings->other != 0;
    row->ForwardingEnabled = settings->forwarding != 0;
    row->WeakHostReceive = settings->weak != 0;
    row->SitePrefixLength = 64;
}

DWORD WINAPI GetIpInterfaceEntry(MIB_IPINTERFACE_ROW *row)
{
    DWORD result = ERROR_NOT_FOUND;
    load();
    if (settings_of(row) != NULL) {
        fill_interface(row, find_interface(index_of(&row->InterfaceLuid)), row->Family);
        result = NO_ERROR;
        record_read("GetIpInterfaceEntry %s interface=%lu: automatic=%u metric=%lu mtu=%lu noDefault=%u "
                    "routers=%d managed=%u other=%u forwarding=%u weak=%u",
                    row->Family == AF_INET ? "ipv4" : "ipv6", row->InterfaceIndex, row->UseAutomaticMetric,
                    row->Metric, row->NlMtu, row->DisableDefaultRoutes, (int)row->RouterDiscoveryBehavior,
                    row->ManagedAddressConfigurationSupported, row->OtherStatefulConfigurationSupported,
                    row->ForwardingEnabled, row->WeakHostReceive);
    }
    unlock();
    return result;
}

DWORD WINAPI SetIpInterfaceEntry(MIB_IPINTERFACE_ROW *row)
{
    struct settings *settings;
    DWORD result = NO_ERROR;
    record_call("SetIpInterfaceEntry %s automatic=%u metric=%lu mtu=%lu noDefault=%u routers=%d managed=%u other=%u "
                "forwarding=%u weak=%u",
                row->Family == AF_INET ? "ipv4" : "ipv6", row->UseAutomaticMetric, row->Metric, row->NlMtu,
                row->DisableDefaultRoutes, (int)row->RouterDiscoveryBehavior,
                row->ManagedAddressConfigurationSupported, row->OtherStatefulConfigurationSupported,
                row->ForwardingEnabled, row->WeakHostReceive);
    record_journal("windows-interface");
    load();
    settings = settings_of(row);
    if (settings == NULL) result = ERROR_NOT_FOUND;
    /* An interface that is just coming up. */
    else if (word_of_test(L"Z:\\mnt\\interface") == 'l' && row->Family == AF_INET && late_left > 0) {
        late_left--;
        result = ERROR_NOT_FOUND;
    }
    else if (row->Family == AF_INET && row->SitePrefixLength != 0) result = ERROR_INVALID_PARAMETER;
    else {
        *settings = (struct settings){row->UseAutomaticMetric, row->Metric, row->NlMtu, row->DisableDefaultRoutes,
                                      row->RouterDiscoveryBehavior, row->ManagedAddressConfigurationSupported,
                                      row->OtherStatefulConfigurationSupported, row->ForwardingEnabled,
                                      row->WeakHostReceive, TRUE};
        store();
    }
    unlock();
    return result;
}

/* ---- tables ------------------------------------------------------------------------------------------------- */

static BOOL is_wanted(ADDRESS_FAMILY wanted, ADDRESS_FAMILY family)
{
    return wanted == AF_UNSPEC || wanted == family;
}

/* What FreeMibTable gives back is of Wine's DLL, too. */
static void *allocate(size_t length)
{
    return HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, length);
}

void WINAPI FreeMibTable(void *table)
{
    HeapFree(GetProcessHeap(), 0, table);
}

DWORD WINAPI GetIpInterfaceTable(ADDRESS_FAMILY family, MIB_IPINTERFACE_TABLE **out)
{
    MIB_IPINTERFACE_TABLE *table = allocate(sizeof *table + 2 * ROWS * sizeof table->Table[0]);
    record_read("GetIpInterfaceTable %u", family);
    load();
    for (unsigned i = 0; i < pc.interface_count; i++) {
        for (int version = 0; version < 2; version++) {
            ADDRESS_FAMILY one = version == 0 ? AF_INET : AF_INET6;
            if (version == 1 && pc.interfaces[i].no_ipv6) continue;
            if (is_wanted(family, one)) fill_interface(&table->Table[table->NumEntries++], &pc.interfaces[i], one);
        }
    }
    unlock();
    *out = table;
    return NO_ERROR;
}

DWORD WINAPI GetUnicastIpAddressTable(ADDRESS_FAMILY family, MIB_UNICASTIPADDRESS_TABLE **out)
{
    MIB_UNICASTIPADDRESS_TABLE *table = allocate(sizeof *table + ROWS * sizeof table->Table[0]);
    record_read("GetUnicastIpAddressTable %u", family);
    load();
    for (unsigned i = 0; i < pc.address_count; i++) {
        MIB_UNICASTIPADDRESS_ROW *row = &table->Table[table->NumEntries];
        if (!is_wanted(family, pc.addresses[i].network.address.si_family)) continue;
        table->NumEntries++;
        row->Address = pc.addresses[i].network.address;
        row->InterfaceIndex = pc.addresses[i].index;
        row->InterfaceLuid.Value = luid_of(row->InterfaceIndex);
        row->OnLinkPrefixLength = (UINT8)pc.addresses[i].network.bits;
        row->DadState = IpDadStatePreferred;
    }
    unlock();
    *out = table;
    return NO_ERROR;
}

static void fill_route(MIB_IPFORWARD_ROW2 *row, const struct route *route)
{
    memset(row, 0, sizeof *row);
    row->InterfaceIndex = route->index;
    row->InterfaceLuid.Value = luid_of(route->index);
    row->DestinationPrefix.Prefix = route->network.address;
    row->DestinationPrefix.PrefixLength = (UINT8)route->network.bits;
    row->NextHop = route->hop;
    row->Metric = route->metric;
    row->ValidLifetime = row->PreferredLifetime = 0xffffffff;
    row->Protocol = route->added ? MIB_IPPROTO_NETMGMT : MIB_IPPROTO_LOCAL;
}

DWORD WINAPI GetIpForwardTable2(ADDRESS_FAMILY family, MIB_IPFORWARD_TABLE2 **out)
{
    MIB_IPFORWARD_TABLE2 *table = allocate(sizeof *table + ROWS * sizeof table->Table[0]);
    record_read("GetIpForwardTable2 %u", family);
    load();
    for (unsigned i = 0; i < pc.route_count; i++) {
        if (!is_wanted(family, pc.routes[i].network.address.si_family)) continue;
        fill_route(&table->Table[table->NumEntries++], &pc.routes[i]);
    }
    unlock();
    *out = table;
    return NO_ERROR;
}

/* ---- routes ------------------------------------------------------------------------------------------------- */

/* The longest prefix, then the least sum of metrics; NULL: there is none. */
static const struct route *best_route(const SOCKADDR_INET *destination)
{
    const struct route *best = NULL;
    ULONG best_metric = 0;
    int version = destination->si_family == AF_INET6;
    for (unsigned i = 0; i < pc.route_count; i++) {
        const struct route *route = &pc.routes[i];
        const struct settings *settings = &find_interface(route->index)->of[version];
        ULONG metric = route->metric + settings->metric;
        if (!contains(&route->network, destination)) continue;
        if (route->network.bits == 0 && settings->no_default) continue;
        if (best == NULL || route->network.bits > best->network.bits ||
            (route->network.bits == best->network.bits && metric < best_metric)) {
            best = route;
            best_metric = metric;
        }
    }
    return best;
}

DWORD WINAPI GetBestRoute2(NET_LUID *luid, NET_IFINDEX index, const SOCKADDR_INET *source,
                           const SOCKADDR_INET *destination, ULONG options, MIB_IPFORWARD_ROW2 *row,
                           SOCKADDR_INET *best_source)
{
    char text[64], prefix[64], hop[64], own_text[64];
    const struct route *route;
    (void)luid, (void)index, (void)source, (void)options;
    record_call("GetBestRoute2 %s", address_text(destination, text, sizeof text));
    load();
    route = best_route(destination);
    memset(best_source, 0, sizeof *best_source);
    if (route != NULL) {
        fill_route(row, route);
        for (unsigned i = 0; i < pc.address_count; i++) {
            const struct address *own = &pc.addresses[i];
            if (own->index == route->index && own->network.address.si_family == destination->si_family) {
                *best_source = own->network.address;
                break;
            }
        }
        record_read("GetBestRoute2 %s: from %s by %s/%u via %s interface=%lu", text,
                    address_text(best_source, own_text, sizeof own_text),
                    address_text(&route->network.address, prefix, sizeof prefix), route->network.bits,
                    address_text(&route->hop, hop, sizeof hop), route->index);
    }
    unlock();
    return route == NULL ? ERROR_NETWORK_UNREACHABLE : NO_ERROR;
}

void WINAPI InitializeIpForwardEntry(MIB_IPFORWARD_ROW2 *row)
{
    memset(row, 0, sizeof *row);
    row->ValidLifetime = row->PreferredLifetime = 0xffffffff;
    row->Metric = 0xffffffff;
    row->Protocol = MIB_IPPROTO_NETMGMT;
}

static struct route record_route(const char *call, const MIB_IPFORWARD_ROW2 *row)
{
    char prefix[64], hop[64];
    struct route route = {.index = row->InterfaceLuid.Value != 0 ? index_of(&row->InterfaceLuid)
                                                                 : row->InterfaceIndex,
                          .network = {row->DestinationPrefix.Prefix, row->DestinationPrefix.PrefixLength},
                          .hop = row->NextHop, .metric = row->Metric, .added = TRUE};
    record_call("%s %s/%u via %s interface=%lu metric=%lu", call,
                address_text(&row->DestinationPrefix.Prefix, prefix, sizeof prefix),
                row->DestinationPrefix.PrefixLength, address_text(&row->NextHop, hop, sizeof hop),
                route.index, row->Metric);
    record_journal("windows-route");
    return route;
}

DWORD WINAPI CreateIpForwardEntry2(const MIB_IPFORWARD_ROW2 *row)
{
    struct route route = record_route("CreateIpForwardEntry2", row);
    DWORD result = NO_ERROR;
    load();
    if (find_interface(route.index) == NULL) result = ERROR_NOT_FOUND;
    /* It would be gone at once. */
    else if (row->ValidLifetime != 0xffffffff || row->PreferredLifetime != 0xffffffff) result = ERROR_INVALID_PARAMETER;
    else if (find_route(&route) >= 0) result = ERROR_OBJECT_ALREADY_EXISTS;
    else if (pc.route_count == ROWS) result = ERROR_NOT_ENOUGH_MEMORY;
    else {
        pc.routes[pc.route_count++] = route;
        store();
    }
    unlock();
    return result;
}

DWORD WINAPI DeleteIpForwardEntry2(const MIB_IPFORWARD_ROW2 *row)
{
    struct route route = record_route("DeleteIpForwardEntry2", row);
    int at;
    load();
    at = find_route(&route);
    if (at >= 0) {
        /* One of the PC's own must be remembered, else the test's file would bring it back. */
        if (!pc.routes[at].added && pc.removed_count < ROWS) pc.removed[pc.removed_count++] = pc.routes[at];
        drop_route((unsigned)at);
        store();
    }
    unlock();
    return at < 0 ? ERROR_NOT_FOUND : NO_ERROR;
}

/* ---- adapters ----------------------------------------------------------------------------------------------- */

#define ADAPTER_BYTES 4096

/* One adapter and what it points at, in one piece of memory. */
static void fill_adapter(unsigned char *memory, const struct adapter *one, ULONG flags)
{
    IP_ADAPTER_ADDRESSES *adapter = (IP_ADAPTER_ADDRESSES *)memory;
    unsigned char *rest = memory + sizeof *adapter;
    IP_ADAPTER_UNICAST_ADDRESS **next = &adapter->FirstUnicastAddress;
    IP_ADAPTER_DNS_SERVER_ADDRESS **next_server = &adapter->FirstDnsServerAddress;
    adapter->Length = sizeof *adapter;
    adapter->IfIndex = adapter->Ipv6IfIndex = one->index;
    adapter->Luid.Value = luid_of(one->index);
    adapter->IfType = (ULONG)(adapter->Luid.Value >> 48);
    adapter->OperStatus = IfOperStatusUp;
    adapter->Mtu = one->of[0].mtu;
    adapter->Ipv4Metric = one->of[0].metric;
    adapter->Ipv6Metric = one->of[1].metric;
    adapter->PhysicalAddressLength = 6;
    adapter->PhysicalAddress[0] = 2;
    adapter->PhysicalAddress[5] = (BYTE)one->index;
    adapter->AdapterName = (char *)rest;
    rest += 64;
    snprintf(adapter->AdapterName, 64, "{fake-%lu}", one->index);
    adapter->Description = adapter->DnsSuffix = adapter->FriendlyName = (WCHAR *)rest;
    rest += 2 * MultiByteToWideChar(CP_UTF8, 0, one->name, -1, adapter->FriendlyName, 64);
    rest = (unsigned char *)(((ULONG_PTR)rest + 15) & ~(ULONG_PTR)15);
    for (unsigned i = 0; i < pc.address_count && rest - memory < ADAPTER_BYTES - 256; i++) {
        IP_ADAPTER_UNICAST_ADDRESS *own = (IP_ADAPTER_UNICAST_ADDRESS *)rest;
        if (pc.addresses[i].index != one->index || (flags & GAA_FLAG_SKIP_UNICAST) != 0) continue;
        memcpy(rest + sizeof *own, &pc.addresses[i].network.address, sizeof(SOCKADDR_INET));
        own->Length = sizeof *own;
        own->Address.lpSockaddr = (SOCKADDR *)(rest + sizeof *own);
        own->Address.iSockaddrLength = sizeof(SOCKADDR_INET);
        own->OnLinkPrefixLength = (UINT8)pc.addresses[i].network.bits;
        own->DadState = IpDadStatePreferred;
        own->ValidLifetime = own->PreferredLifetime = own->LeaseLifetime = 0xffffffff;
        *next = own;
        next = &own->Next;
        rest += (sizeof *own + sizeof(SOCKADDR_INET) + 15) & ~15u;
    }
    for (unsigned i = 0; i < pc.server_count && rest - memory < ADAPTER_BYTES - 128; i++) {
        IP_ADAPTER_DNS_SERVER_ADDRESS *server = (IP_ADAPTER_DNS_SERVER_ADDRESS *)rest;
        if (pc.servers[i].index != one->index || (flags & GAA_FLAG_SKIP_DNS_SERVER) != 0) continue;
        memcpy(rest + sizeof *server, &pc.servers[i].network.address, sizeof(SOCKADDR_INET));
        server->Length = sizeof *server;
        server->Address.lpSockaddr = (SOCKADDR *)(rest + sizeof *server);
        server->Address.iSockaddrLength = sizeof(SOCKADDR_INET);
        *next_server = server;
        next_server = &server->Next;
        rest += (sizeof *server + sizeof(SOCKADDR_INET) + 15) & ~15u;
    }
}

ULONG WINAPI GetAdaptersAddresses(ULONG family, ULONG flags, void *reserved, IP_ADAPTER_ADDRESSES *out, ULONG *size)
{
    unsigned char *memory = (unsigned char *)out;
    ULONG needed, result = NO_ERROR;
    (void)family, (void)reserved;
    load();
    needed = pc.interface_count * ADAPTER_BYTES;
    if (pc.interface_count == 0) result = ERROR_NO_DATA;
    else if (out == NULL || *size < needed) result = ERROR_BUFFER_OVERFLOW;
    else {
        memset(memory, 0, needed);
        for (unsigned i = 0; i < pc.interface_count; i++) {
            fill_adapter(memory + i * ADAPTER_BYTES, &pc.interfaces[i], flags);
            if (i > 0) ((IP_ADAPTER_ADDRESSES *)(memory + (i - 1) * ADAPTER_BYTES))->Next =
                (IP_ADAPTER_ADDRESSES *)(memory + i * ADAPTER_BYTES);
        }
    }
    *size = needed;
    unlock();
    return result;
}

/* ---- notices ------------------------------------------------------------------------------------------------ */

static struct pending { OVERLAPPED *overlapped; BOOL of_routes; } pending[PENDING_MAX];
static CRITICAL_SECTION pending_section;
static HANDLE watcher;

/* What the test's file says of IPv4, as a number: these notices know of nothing else, as Windows' do not. */
static ULONG64 world_of_ipv4(void)
{
    static char text[TEXT_BYTES];
    ULONG64 hash = 14695981039346656037ull;
    read_file(WORLD, text);
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (strchr(line, ':') != NULL) continue;
        for (; *line != 0; line++) hash = (hash ^ (unsigned char)*line) * 1099511628211ull;
    }
    return hash;
}

static unsigned count_of_ipv4_routes(void)
{
    unsigned count = 0;
    load();
    for (unsigned i = 0; i < pc.route_count; i++) count += pc.routes[i].network.address.si_family == AF_INET;
    unlock();
    return count;
}

/* Routes change with everything, addresses only with the PC's network. */
static void tell(BOOL routes_only)
{
    EnterCriticalSection(&pending_section);
    for (int i = 0; i < PENDING_MAX; i++) {
        if (pending[i].overlapped == NULL || (routes_only && !pending[i].of_routes)) continue;
        SetEvent(pending[i].overlapped->hEvent);
        pending[i].overlapped = NULL;
    }
    LeaveCriticalSection(&pending_section);
}

/*
 * Tells of changes of the test's file, and of the routes that programs have added or taken away; Windows, too, tells
 * a program of its own changes.
 */
static DWORD CALLBACK watch(void *argument)
{
    ULONG64 world = world_of_ipv4(), now;
    unsigned routes = count_of_ipv4_routes(), count;
    (void)argument;
    for (;;) {
        Sleep(POLL_MS);
        now = world_of_ipv4();
        if (now != world) tell(FALSE);
        world = now;
        count = count_of_ipv4_routes();
        if (count != routes) tell(TRUE);
        routes = count;
    }
    return 0;
}

static DWORD begin(HANDLE *handle, OVERLAPPED *overlapped, BOOL of_routes)
{
    DWORD result = ERROR_NOT_ENOUGH_MEMORY;
    if (handle == NULL || overlapped == NULL) return ERROR_INVALID_PARAMETER;
    EnterCriticalSection(&pending_section);
    if (watcher == NULL) watcher = CreateThread(NULL, 0, watch, NULL, 0, NULL);
    for (int i = 0; i < PENDING_MAX && result != ERROR_IO_PENDING; i++) {
        if (pending[i].overlapped != NULL) continue;
        pending[i] = (struct pending){overlapped, of_routes};
        result = ERROR_IO_PENDING;
    }
    LeaveCriticalSection(&pending_section);
    *handle = watcher;
    return result;
}

DWORD WINAPI NotifyAddrChange(HANDLE *handle, OVERLAPPED *overlapped)
{
    return begin(handle, overlapped, FALSE);
}

DWORD WINAPI NotifyRouteChange(HANDLE *handle, OVERLAPPED *overlapped)
{
    return begin(handle, overlapped, TRUE);
}

BOOL WINAPI CancelIPChangeNotify(OVERLAPPED *overlapped)
{
    BOOL found = FALSE;
    EnterCriticalSection(&pending_section);
    for (int i = 0; i < PENDING_MAX; i++) {
        if (pending[i].overlapped != overlapped) continue;
        pending[i].overlapped = NULL;
        found = TRUE;
    }
    LeaveCriticalSection(&pending_section);
    return found;
}

/* Nobody answers here: the test's own DHCP client does that. Windows would ask for a minute. */
#define RENEWAL_MS 2000

DWORD WINAPI IpReleaseAddress(IP_ADAPTER_INDEX_MAP *adapter)
{
    record_call("IpReleaseAddress %lu %ls", adapter->Index, adapter->Name);
    return NO_ERROR;
}

DWORD WINAPI IpRenewAddress(IP_ADAPTER_INDEX_MAP *adapter)
{
    record_call("IpRenewAddress %lu %ls", adapter->Index, adapter->Name);
    Sleep(RENEWAL_MS);
    return ERROR_TIMEOUT;
}

BOOL APIENTRY DllMain(HINSTANCE instance, DWORD reason, void *reserved)
{
    (void)instance, (void)reserved;
    if (reason == DLL_PROCESS_ATTACH) InitializeCriticalSection(&pending_section);
    return TRUE;
}

void WINAPI InitializeUnicastIpAddressEntry(MIB_UNICASTIPADDRESS_ROW *row)
{
    memset(row, 0, sizeof *row);
    row->ValidLifetime = row->PreferredLifetime = 0xffffffff;
}

static struct address record_address(const char *call, const MIB_UNICASTIPADDRESS_ROW *row)
{
    char text[64];
    struct address address = {.index = row->InterfaceLuid.Value != 0 ? index_of(&row->InterfaceLuid)
                                                                     : row->InterfaceIndex,
                              .network = {row->Address, row->OnLinkPrefixLength}, .added = TRUE};
    record_call("%s %s/%u interface=%lu dad=%d lifetime=0x%lx", call,
                address_text(&row->Address, text, sizeof text), row->OnLinkPrefixLength, address.index,
                row->DadState, row->ValidLifetime);
    return address;
}

static int find_address(const struct address *wanted)
{
    for (unsigned i = 0; i < pc.address_count; i++) {
        if (pc.addresses[i].index == wanted->index &&
            same_address(&pc.addresses[i].network.address, &wanted->network.address)) return (int)i;
    }
    return -1;
}

DWORD WINAPI CreateUnicastIpAddressEntry(const MIB_UNICASTIPADDRESS_ROW *row)
{
    struct address address = record_address("CreateUnicastIpAddressEntry", row);
    DWORD result = NO_ERROR;
    load();
    if (find_interface(address.index) == NULL) result = ERROR_NOT_FOUND;
    else if (find_address(&address) >= 0) result = ERROR_OBJECT_ALREADY_EXISTS;
    else if (pc.address_count == ROWS) result = ERROR_NOT_ENOUGH_MEMORY;
    else {
        pc.addresses[pc.address_count++] = address;
        store();
    }
    unlock();
    return result;
}

/* One of the PC's own stays, since the test's file would bring it back; the call is written down. */
DWORD WINAPI DeleteUnicastIpAddressEntry(const MIB_UNICASTIPADDRESS_ROW *row)
{
    struct address address = record_address("DeleteUnicastIpAddressEntry", row);
    int at;
    load();
    at = find_address(&address);
    if (at >= 0 && pc.addresses[at].added) {
        memmove(&pc.addresses[at], &pc.addresses[at + 1], (--pc.address_count - at) * sizeof pc.addresses[0]);
        store();
    }
    unlock();
    return at < 0 ? ERROR_NOT_FOUND : NO_ERROR;
}
