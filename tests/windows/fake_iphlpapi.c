/*
 * The part of iphlpapi that Wine lacks, over a state of its own: the fake adapter's interface, as both versions of
 * IP see it. The rest is forwarded to a renamed copy of Wine's own DLL.
 */
#define _WIN32_WINNT 0x0A00
#include <winsock2.h>
#include <ws2tcpip.h>
#include <iphlpapi.h>
#include "fake_log.h"

#define LUID_OF_TAP 0x0035000007000000ull
#define INDEX_OF_TAP 7
#define INDEX_OF_LAN 3

struct settings { BOOLEAN automatic; ULONG metric, mtu; BOOLEAN no_default; };

/* The state of a PC outlives a program's process, but not the DLL's: each process starts with the defaults. */
static struct settings of_v4 = {TRUE, 25, 1500, FALSE}, of_v6 = {TRUE, 25, 1500, FALSE};

#define LUID_OF_LAN 0x0006000003000000ull

static const GUID guid_of_lan = {0x99999999, 0, 0, {0}};
static const GUID guid_of_tap = {0x11111111, 0x2222, 0x3333, {0x44, 0x44, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55}};

DWORD WINAPI ConvertInterfaceGuidToLuid(const GUID *guid, NET_LUID *luid)
{
    if (memcmp(guid, &guid_of_tap, sizeof *guid) == 0) luid->Value = LUID_OF_TAP;
    else if (memcmp(guid, &guid_of_lan, sizeof *guid) == 0) luid->Value = LUID_OF_LAN;
    else return ERROR_INVALID_PARAMETER;
    return NO_ERROR;
}

DWORD WINAPI ConvertInterfaceLuidToIndex(const NET_LUID *luid, NET_IFINDEX *index)
{
    if (luid->Value != LUID_OF_TAP && luid->Value != LUID_OF_LAN) return ERROR_INVALID_PARAMETER;
    *index = luid->Value == LUID_OF_TAP ? INDEX_OF_TAP : INDEX_OF_LAN;
    return NO_ERROR;
}

void WINAPI InitializeIpInterfaceEntry(MIB_IPINTERFACE_ROW *row)
{
    memset(row, 0, sizeof *row);
}

static struct settings *settings_of(const MIB_IPINTERFACE_ROW *row)
{
    if (row->InterfaceLuid.Value != LUID_OF_TAP) return NULL;
    if (row->Family == AF_INET) return &of_v4;
    return row->Family == AF_INET6 ? &of_v6 : NULL;
}

DWORD WINAPI GetIpInterfaceEntry(MIB_IPINTERFACE_ROW *row)
{
    const struct settings *settings = settings_of(row);
    if (settings == NULL) return ERROR_NOT_FOUND;
    row->InterfaceIndex = INDEX_OF_TAP;
    row->UseAutomaticMetric = settings->automatic;
    row->Metric = settings->metric;
    row->NlMtu = settings->mtu;
    row->DisableDefaultRoutes = settings->no_default;
    row->SitePrefixLength = 64;
    return NO_ERROR;
}

DWORD WINAPI SetIpInterfaceEntry(MIB_IPINTERFACE_ROW *row)
{
    struct settings *settings = settings_of(row);
    record_call("SetIpInterfaceEntry %s automatic=%u metric=%lu mtu=%lu noDefault=%u",
                row->Family == AF_INET ? "ipv4" : "ipv6", row->UseAutomaticMetric, row->Metric, row->NlMtu,
                row->DisableDefaultRoutes);
    if (settings == NULL) return ERROR_NOT_FOUND;
    /* As Windows does, against its own documentation. */
    if (row->Family == AF_INET && row->SitePrefixLength != 0) return ERROR_INVALID_PARAMETER;
    settings->automatic = row->UseAutomaticMetric;
    settings->metric = row->Metric;
    settings->mtu = row->NlMtu;
    settings->no_default = row->DisableDefaultRoutes;
    return NO_ERROR;
}

static const char *address_text(const SOCKADDR_INET *address, char *text, size_t length)
{
    const void *bytes = address->si_family == AF_INET6 ? (const void *)&address->Ipv6.sin6_addr
                                                       : (const void *)&address->Ipv4.sin_addr;
    return inet_ntop(address->si_family == AF_INET6 ? AF_INET6 : AF_INET, (void *)bytes, text, length);
}

DWORD WINAPI GetBestRoute2(NET_LUID *luid, NET_IFINDEX index, const SOCKADDR_INET *source,
                           const SOCKADDR_INET *destination, ULONG options, MIB_IPFORWARD_ROW2 *route,
                           SOCKADDR_INET *best_source)
{
    char text[64];
    (void)luid, (void)index, (void)source, (void)options;
    record_call("GetBestRoute2 %s", address_text(destination, text, sizeof text));
    memset(route, 0, sizeof *route);
    memset(best_source, 0, sizeof *best_source);
    route->InterfaceIndex = INDEX_OF_LAN;
    route->InterfaceLuid.Value = LUID_OF_LAN;
    route->DestinationPrefix.Prefix.si_family = destination->si_family;
    route->NextHop.si_family = destination->si_family;
    route->NextHop.Ipv4.sin_addr.s_addr = htonl(0x0a5c0001);
    best_source->si_family = destination->si_family;
    route->Metric = 25;
    return NO_ERROR;
}

void WINAPI InitializeIpForwardEntry(MIB_IPFORWARD_ROW2 *row)
{
    memset(row, 0, sizeof *row);
    row->ValidLifetime = row->PreferredLifetime = 0xffffffff;
    row->Metric = 0xffffffff;
    row->Protocol = MIB_IPPROTO_NETMGMT;
}

static void record_route(const char *call, const MIB_IPFORWARD_ROW2 *row)
{
    char prefix[64], hop[64];
    record_call("%s %s/%u via %s interface=%lu metric=%lu", call,
                address_text(&row->DestinationPrefix.Prefix, prefix, sizeof prefix),
                row->DestinationPrefix.PrefixLength, address_text(&row->NextHop, hop, sizeof hop),
                row->InterfaceIndex, row->Metric);
}

DWORD WINAPI CreateIpForwardEntry2(const MIB_IPFORWARD_ROW2 *row)
{
    record_route("CreateIpForwardEntry2", row);
    return NO_ERROR;
}

DWORD WINAPI DeleteIpForwardEntry2(const MIB_IPFORWARD_ROW2 *row)
{
    record_route("DeleteIpForwardEntry2", row);
    return NO_ERROR;
}
