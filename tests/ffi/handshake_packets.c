/*
 * What msquic's own code makes of the first packets of a connection, and of transport parameters and tickets.
 *
 * usage: handshake_packets CASE
 */
#include "msquic_stubs.h"

#include <arpa/inet.h>

extern void QuicConnRecvVerNeg(QUIC_CONNECTION* Connection, const QUIC_RX_PACKET* const Packet);
extern void QuicConnRecvRetry(QUIC_CONNECTION* Connection, QUIC_RX_PACKET* Packet);
extern CXPLAT_TLS_RECEIVE_TICKET_CALLBACK QuicConnRecvResumptionTicket;
extern BOOLEAN QuicPacketBuilderPrepare(
    QUIC_PACKET_BUILDER* Builder, QUIC_PACKET_KEY_TYPE Key, BOOLEAN IsTailLossProbe, BOOLEAN IsPathMtuDiscovery);

const QUIC_VERSION_INFO QuicSupportedVersionList[4];

static const char* supported;

void QuicPacketLogDrop(const void* Owner, const QUIC_RX_PACKET* Packet, const char* Reason) {
    (void)Owner; (void)Packet; (void)Reason;
    printf("dropped ");
}
BOOLEAN QuicVersionNegotiationExtIsVersionClientSupported(QUIC_CONNECTION* Connection, uint32_t Version) {
    (void)Connection; (void)Version;
    if (supported == NULL) return FALSE;
    printf("%s\n", supported);
    exit(0);
}
QUIC_STATUS QuicCryptoEncodeClientTicket(
    QUIC_CONNECTION* Connection, uint32_t TicketLength, const uint8_t* Ticket,
    const QUIC_TRANSPORT_PARAMETERS* ServerTP, uint32_t QuicVersion,
    const uint8_t** ClientTicket, uint32_t* ClientTicketLength
) {
    (void)Connection; (void)Ticket; (void)ServerTP; (void)QuicVersion; (void)ClientTicket; (void)ClientTicketLength;
    printf("%u bytes ", TicketLength);
    return QUIC_STATUS_OUT_OF_MEMORY;
}

/* A Version Negotiation packet for a client that has asked a server by the name "serverid". */
static void version_negotiation(const char* server_cid, uint32_t version, BOOLEAN answered) {
    QUIC_CONNECTION* connection = new_connection(QUIC_HANDLE_TYPE_CONNECTION_CLIENT);
    connection->Stats.QuicVersion = QUIC_VERSION_1;
    connection->State.GotFirstServerResponse = answered;
    connection->Paths[0].DestCid = QuicCidNewDestination(8, (const uint8_t*)"serverid");

    uint8_t bytes[64] = {0x80, 0, 0, 0, 0, 0};
    const uint8_t length = (uint8_t)strlen(server_cid);
    bytes[6] = length;
    memcpy(bytes + 7, server_cid, length);
    memcpy(bytes + 7 + length, &version, sizeof(version));
    QUIC_RX_PACKET packet = {0};
    packet.AvailBuffer = bytes;
    packet.AvailBufferLength = (uint16_t)(7 + length + sizeof(version));
    packet.DestCid = bytes + 6;
    packet.SourceCid = bytes + 7;
    packet.SourceCidLen = length;
    supported = "believed";
    QuicConnRecvVerNeg(connection, &packet);
    printf(connection->Stats.VersionNegotiation ? "remembered" : "forgotten");
}

static void retry(void) {
    QUIC_CONNECTION* connection = new_connection(QUIC_HANDLE_TYPE_CONNECTION_CLIENT);
    uint8_t bytes[64] = {0xF0, 'n', 'o', 'n', 'e'};
    QUIC_RX_PACKET packet = {0};
    packet.AvailBuffer = bytes;
    packet.AvailBufferLength = sizeof(bytes);
    packet.HeaderLength = 20;
    QuicConnRecvRetry(connection, &packet);
}

static void ticket(uint32_t length) {
    QUIC_CONNECTION* connection = new_connection(QUIC_HANDLE_TYPE_CONNECTION_CLIENT);
    printf(QuicConnRecvResumptionTicket(connection, length, calloc(1, length)) ? "taken" : "refused");
}

/* Version information, then one parameter more; 16 bytes of memory are left with the version information. */
static void parameters(const uint8_t* last, uint16_t last_length, int refuse) {
    uint8_t bytes[64] = {0x11, 8, 0, 0, 0, 1, 0, 0, 0, 1};
    memcpy(bytes + 10, last, last_length);
    QUIC_TRANSPORT_PARAMETERS decoded = {0};
    refused = refuse;
    const BOOLEAN result =
        QuicCryptoTlsDecodeTransportParameters(NULL, TRUE, bytes, 10 + last_length, &decoded);
    printf("%s, %d pieces of memory", result ? "accepted" : "invalid", allocated);
    printf(decoded.Flags & QUIC_TP_FLAG_VERSION_NEGOTIATION ? " with versions" : "");
}

BOOLEAN QuicCryptoDiscardKeys(QUIC_CRYPTO* Crypto, QUIC_PACKET_KEY_TYPE KeyType) {
    QUIC_CONNECTION* connection = CXPLAT_CONTAINING_RECORD(Crypto, QUIC_CONNECTION, Crypto);
    if (Crypto->TlsState.WriteKeys[KeyType] == NULL) return FALSE;
    Crypto->TlsState.WriteKeys[KeyType] = NULL;
    connection->CongestionControl.Cubic.BytesInFlight = 0;
    return TRUE;
}
static uint32_t send_allowance(QUIC_CONGESTION_CONTROL* Cc, uint64_t Time, BOOLEAN Valid) {
    (void)Time; (void)Valid;
    return 12000 - Cc->Cubic.BytesInFlight;
}

/* The path on which a packet is sent. */
static uint8_t path_id;

/* The window is full of Initial packets. What may a packet of this kind carry? */
static void packet(QUIC_HANDLE_TYPE type, QUIC_PACKET_KEY_TYPE key_type, uint32_t path_allowance) {
    QUIC_CONNECTION* connection = new_connection(type);
    connection->Stats.QuicVersion = QUIC_VERSION_1;
    connection->CongestionControl.QuicCongestionControlGetSendAllowance = send_allowance;
    connection->CongestionControl.Cubic.BytesInFlight = 12000;
    connection->Paths[0].DestCid = QuicCidNewDestination(8, (const uint8_t*)"serverid");
    connection->Paths[0].Allowance = path_allowance;
    connection->Paths[0].ID = path_id;
    connection->Paths[0].Route.RemoteAddress.Ip.sa_family = QUIC_ADDRESS_FAMILY_INET;
    static QUIC_PACKET_KEY keys[QUIC_PACKET_KEY_COUNT];
    for (int i = 0; i < QUIC_PACKET_KEY_COUNT; i++) connection->Crypto.TlsState.WriteKeys[i] = &keys[i];
    static QUIC_PACKET_SPACE space;
    for (int i = 0; i < QUIC_ENCRYPT_LEVEL_COUNT; i++) connection->Packets[i] = &space;

    static uint8_t bytes[1280];
    QUIC_BUFFER datagram = {sizeof(bytes), bytes};
    QUIC_PACKET_BUILDER builder = {0};
    builder.Connection = connection;
    builder.Path = &connection->Paths[0];
    builder.Datagram = &datagram;
    builder.Metadata = &builder.MetadataStorage.Metadata;
    builder.SourceCid = QuicCidNewNullSource(connection);
    builder.PacketType = UINT8_MAX;
    if (!QuicPacketBuilderPrepare(&builder, key_type, FALSE, FALSE)) printf("no packet ");
    printf("%u bytes", builder.SendAllowance);
    printf(connection->Crypto.TlsState.WriteKeys[QUIC_PACKET_KEY_INITIAL] ? ", Initial keys" : "");
    if (path_id != 0) printf(", path %u", builder.Metadata->PathId);
}

#ifdef QUIC_VERSION_NEGOTIATION_SLOTS
extern BOOLEAN QuicBindingMayNegotiateVersion(
    QUIC_BINDING* Binding, const QUIC_ADDR* RemoteAddress, uint32_t TimeMs);

/* Which of these addresses are sent Version Negotiation at these times, ms. */
static void rate(int count, const char* const addresses[], const uint32_t times[]) {
    QUIC_BINDING binding = {0};
    binding.VersionNegotiationSeed = 0x9E3779B97F4A7C15;
    for (int i = 0; i < count; i++) {
        QUIC_ADDR address = {0};
        const int family = strchr(addresses[i], ':') ? AF_INET6 : AF_INET;
        address.Ip.sa_family = family;
        address.Ipv4.sin_port = (uint16_t)(1000 + i);
        inet_pton(family, addresses[i],
            family == AF_INET ? (void*)&address.Ipv4.sin_addr : (void*)&address.Ipv6.sin6_addr);
        printf(QuicBindingMayNegotiateVersion(&binding, &address, times[i]) ? "yes " : "no ");
    }
}

/* How many of 100,000 addresses are answered within a second. */
static void flood(void) {
    QUIC_BINDING binding = {0};
    binding.VersionNegotiationSeed = 0x9E3779B97F4A7C15;
    int answered = 0;
    for (uint32_t i = 0; i < 100000; i++) {
        QUIC_ADDR address = {0};
        address.Ip.sa_family = AF_INET;
        address.Ipv4.sin_addr.s_addr = i * 2654435761u;
        answered += QuicBindingMayNegotiateVersion(&binding, &address, 5000 + i / 101);
    }
    printf("%d", answered);
}
#else /* As it is without patch 0027. */
static void rate(int count, const char* const addresses[], const uint32_t times[]) {
    for (int i = 0; i < count; i++) printf("yes ");
}
static void flood(void) { printf("100000"); }
#endif

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    const char* name = argv[1];
    const uint32_t other = 0x01020304;
    const uint8_t good[] = {0x0E, 1, 4}, invalid[] = {0x0E, 1, 1};
    if (strcmp(name, "vn-first") == 0) version_negotiation("serverid", other, FALSE);
    else if (strcmp(name, "vn-current") == 0) version_negotiation("serverid", QUIC_VERSION_1, FALSE);
    else if (strcmp(name, "vn-later") == 0) version_negotiation("serverid", other, TRUE);
    else if (strcmp(name, "vn-other-id") == 0) version_negotiation("stranger", other, FALSE);
    else if (strcmp(name, "vn-short-id") == 0) version_negotiation("server", other, FALSE);
    else if (strcmp(name, "vn-no-id") == 0) version_negotiation("", other, FALSE);
    else if (strcmp(name, "retry") == 0) retry();
    else if (strcmp(name, "ticket") == 0) ticket(300);
    else if (strcmp(name, "ticket-longest") == 0) ticket(65535);
    else if (strcmp(name, "ticket-too-long") == 0) ticket(65535 + 300);
    else if (strcmp(name, "tp") == 0) parameters(good, sizeof(good), 0);
    else if (strcmp(name, "tp-no-memory") == 0) parameters(good, sizeof(good), 1);
    else if (strcmp(name, "tp-invalid") == 0) parameters(invalid, sizeof(invalid), 0);
    else if (strcmp(name, "client-handshake") == 0)
        packet(QUIC_HANDLE_TYPE_CONNECTION_CLIENT, QUIC_PACKET_KEY_HANDSHAKE, UINT32_MAX);
    else if (strcmp(name, "client-handshake-unproven") == 0)
        packet(QUIC_HANDLE_TYPE_CONNECTION_CLIENT, QUIC_PACKET_KEY_HANDSHAKE, 3600);
    else if (strcmp(name, "client-initial") == 0)
        packet(QUIC_HANDLE_TYPE_CONNECTION_CLIENT, QUIC_PACKET_KEY_INITIAL, UINT32_MAX);
    else if (strcmp(name, "server-handshake") == 0)
        packet(QUIC_HANDLE_TYPE_CONNECTION_SERVER, QUIC_PACKET_KEY_HANDSHAKE, UINT32_MAX);
    else if (strcmp(name, "other-path") == 0) {
        path_id = 3;
        packet(QUIC_HANDLE_TYPE_CONNECTION_SERVER, QUIC_PACKET_KEY_HANDSHAKE, UINT32_MAX);
    }
    else if (strcmp(name, "rate-address") == 0)
        rate(4, (const char*[]){"192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.1"}, (uint32_t[]){0, 0, 998, 1001});
    else if (strcmp(name, "rate-others") == 0)
        rate(4, (const char*[]){"192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8:0:1::1"}, (uint32_t[]){5, 5, 5, 5});
    else if (strcmp(name, "rate-prefix") == 0)
        rate(2, (const char*[]){"2001:db8::1", "2001:db8::dead:beef"}, (uint32_t[]){5, 5});
    else if (strcmp(name, "rate-wrap") == 0)
        rate(3, (const char*[]){"192.0.2.1", "192.0.2.1", "192.0.2.1"}, (uint32_t[]){UINT32_MAX - 10, 500, 1500});
    else if (strcmp(name, "rate-flood") == 0) flood();
    else return 2;
    printf("\n");
    return 0;
}
