/*
 * The first handshake message as msquic itself reads it, before its TLS library does and before anything is known
 * of the sender: names and protocols that it finds must lie inside the message.
 */
#include "fuzz.h"

static BOOLEAN lies_in(const void* start, size_t length, const uint8_t* bytes, size_t size) {
    const uint8_t* at = start;
    return at >= bytes && length <= size && at + length <= bytes + size;
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t length) {
    if (length > 2000) return -1;
    uint8_t* bytes = exact_copy(data, length);
    static QUIC_CONNECTION connection;
    connection.Stats.QuicVersion = QUIC_VERSION_1;
    REQUIRE(QuicCryptoTlsGetCompleteTlsMessagesLength(bytes, (uint32_t)length) <= length);
    QUIC_NEW_CONNECTION_INFO info;
    memset(&info, 0, sizeof(info));
    if (QuicCryptoTlsReadInitial(&connection, bytes, (uint32_t)length, &info) == QUIC_STATUS_SUCCESS) {
        REQUIRE(lies_in(info.ClientAlpnList, info.ClientAlpnListLength, bytes, length));
        if (info.ServerName != NULL) REQUIRE(lies_in(info.ServerName, info.ServerNameLength, bytes, length));
        /* As the listener goes through the protocols. */
        const uint8_t* list = info.ClientAlpnList;
        uint16_t left = info.ClientAlpnListLength;
        while (left != 0) {
            REQUIRE(left >= 1u + list[0]);
            left -= 1 + list[0];
            list += 1 + list[0];
        }
        QUIC_TLS_SECRETS secrets;
        REQUIRE(QUIC_SUCCEEDED(QuicCryptoTlsReadClientRandom(bytes, (uint32_t)length, &secrets)));
    }
    if (connection.PeerTransportParams.VersionInfo != NULL) {
        CXPLAT_FREE(connection.PeerTransportParams.VersionInfo, QUIC_POOL_VERSION_INFO);
    }
    memset(&connection.PeerTransportParams, 0, sizeof(connection.PeerTransportParams));
    free(bytes);
    return 0;
}
