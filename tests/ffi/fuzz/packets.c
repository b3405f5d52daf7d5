/*
 * The unencrypted headers of a datagram's packets, the first thing that strangers' bytes meet: as a server's and a
 * client's binding reads them, with the token of an Initial and the list of a Version Negotiation.
 */
#include "fuzz.h"

QUIC_LIBRARY MsQuicLib;
static QUIC_PARTITION partition;
static QUIC_BINDING owner;
static CXPLAT_ROUTE route;

static BOOLEAN lies_in(const uint8_t* bytes, size_t length, const uint8_t* datagram, size_t size) {
    return bytes >= datagram && length <= size && bytes + length <= datagram + size;
}

static void read_token(const QUIC_RX_PACKET* packet, const uint8_t* token, uint16_t size) {
    if (token == NULL) return;
    REQUIRE(lies_in(token, size, packet->AvailBuffer, packet->AvailBufferLength));
    const uint8_t* again;
    uint16_t again_size;
    QuicPacketDecodeRetryTokenV1(packet, &again, &again_size);
    REQUIRE(again == token && again_size == size);
}

static void read_versions(const QUIC_RX_PACKET* packet) {
    const uint16_t size = packet->AvailBufferLength - packet->HeaderLength;
    QUIC_CONNECTION* connection = calloc(1, sizeof(QUIC_CONNECTION));
    QUIC_VERSION_INFORMATION_V1 versions;
    for (int is_server = 0; is_server < 2; is_server++) {
        ((QUIC_HANDLE*)connection)->Type = is_server ? QUIC_HANDLE_TYPE_CONNECTION_SERVER : QUIC_HANDLE_TYPE_CONNECTION_CLIENT;
        uint8_t* copy = exact_copy(packet->AvailBuffer + packet->HeaderLength, size);
        if (QUIC_SUCCEEDED(QuicVersionNegotiationExtParseVersionInfo(connection, copy, size, &versions))) {
            const size_t bytes = versions.AvailableVersionsCount * sizeof(uint32_t);
            REQUIRE(lies_in((const uint8_t*)versions.AvailableVersions, bytes, copy, size));
        }
        free(copy);
    }
    free(connection);
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t length) {
    if (length < 3 || length > 1500) return -1;
    const BOOLEAN is_server = data[0] & 1, is_shared = (data[0] >> 1) & 1, ignore_fixed = (data[0] >> 2) & 1;
    MsQuicLib.CidTotalLength = 9;
    MsQuicLib.Partitions = &partition;
    /* An Initial is at least 1200 bytes long; that need not be in the input. */
    const size_t size = (data[0] & 8) != 0 && length < 1201 ? 1200 : length - 1;
    uint8_t* datagram = calloc(1, size);
    memcpy(datagram, data + 1, length - 1);
    QUIC_RX_PACKET packet;
    memset(&packet, 0, sizeof(packet));
    packet.Route = &route;
    packet.AvailBuffer = datagram;
    packet.AvailBufferLength = (uint16_t)size;
    uint16_t left = (uint16_t)size;
    while (QuicPacketValidateInvariant(&owner, &packet, is_shared)) {
        REQUIRE(lies_in(packet.DestCid, packet.DestCidLen, datagram, size));
        if (packet.SourceCid != NULL) REQUIRE(lies_in(packet.SourceCid, packet.SourceCidLen, datagram, size));
        REQUIRE(packet.HeaderLength <= packet.AvailBufferLength);
        if (packet.IsShortHeader) {
            if (QuicPacketValidateShortHeaderV1(&owner, &packet, ignore_fixed)) {
                REQUIRE(packet.HeaderLength + packet.PayloadLength == packet.AvailBufferLength);
            }
            break;
        }
        const uint32_t version = packet.LH->Version;
        const BOOLEAN is_v2 = version == QUIC_VERSION_2;
        if (version == QUIC_VERSION_VER_NEG) {
            read_versions(&packet);
            break;
        }
        if (version != QUIC_VERSION_1 && !is_v2 && version != QUIC_VERSION_DRAFT_29) break;
        if (packet.LH->Type == (is_v2 ? QUIC_RETRY_V2 : QUIC_RETRY_V1)) break;
        const uint8_t* token;
        uint16_t token_size;
        if (!QuicPacketValidateLongHeaderV1(
                &owner, is_server, &packet, &token, &token_size, ignore_fixed)) break;
        REQUIRE(packet.AvailBufferLength <= left);
        REQUIRE(packet.HeaderLength + packet.PayloadLength == packet.AvailBufferLength);
        read_token(&packet, token, token_size);
        /* The next packet of the datagram, as a binding goes on to it. */
        left -= packet.AvailBufferLength;
        if (left == 0) break;
        packet.AvailBuffer += packet.AvailBufferLength;
        packet.AvailBufferLength = left;
        packet.ValidatedHeaderInv = packet.ValidatedHeaderVer = FALSE;
    }
    free(datagram);
    return 0;
}
