/*
 * The peer's transport parameters, which come before anybody is known: decoded as a server does and as a client
 * does. What was taken must be within its bounds, and the same when it is encoded and decoded again.
 */
#include "fuzz.h"

/* Of the TLS library's part of msquic: what it wants left free in front of them. */
uint16_t CxPlatTlsTPHeaderSize = 0;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t length) {
    if (length < 1 || length > 1200) return -1;
    const BOOLEAN is_server = data[0] & 1;
    const uint16_t size = (uint16_t)(length - 1);
    uint8_t* bytes = exact_copy(data + 1, size);
    QUIC_TRANSPORT_PARAMETERS first;
    memset(&first, 0, sizeof(first));
    if (QuicCryptoTlsDecodeTransportParameters(NULL, is_server, bytes, size, &first)) {
        REQUIRE(first.AckDelayExponent <= QUIC_TP_ACK_DELAY_EXPONENT_MAX);
        REQUIRE(first.MaxAckDelay <= QUIC_TP_MAX_ACK_DELAY_MAX);
        REQUIRE(first.MaxUdpPayloadSize >= QUIC_TP_MAX_UDP_PAYLOAD_SIZE_MIN);
        REQUIRE(first.InitialMaxBidiStreams <= QUIC_TP_MAX_STREAMS_MAX);
        REQUIRE(first.InitialMaxUniStreams <= QUIC_TP_MAX_STREAMS_MAX);
        REQUIRE(first.ActiveConnectionIdLimit >= QUIC_TP_ACTIVE_CONNECTION_ID_LIMIT_MIN);
        REQUIRE(first.InitialSourceConnectionIDLength <= QUIC_MAX_CONNECTION_ID_LENGTH_V1);
        REQUIRE(first.OriginalDestinationConnectionIDLength <= QUIC_MAX_CONNECTION_ID_LENGTH_V1);
        REQUIRE(first.RetrySourceConnectionIDLength <= QUIC_MAX_CONNECTION_ID_LENGTH_V1);
        REQUIRE(is_server || !(first.Flags & QUIC_TP_FLAG_STATELESS_RESET_TOKEN));
        REQUIRE(is_server || !(first.Flags & QUIC_TP_FLAG_ORIGINAL_DESTINATION_CONNECTION_ID));
        REQUIRE(is_server || !(first.Flags & QUIC_TP_FLAG_RETRY_SOURCE_CONNECTION_ID));
        QUIC_TRANSPORT_PARAMETERS copy;
        REQUIRE(QUIC_SUCCEEDED(QuicCryptoTlsCopyTransportParameters(&first, &copy)));
        uint32_t encoded_size;
        const uint8_t* encoded =
            QuicCryptoTlsEncodeTransportParameters(NULL, is_server, &copy, NULL, &encoded_size);
        REQUIRE(encoded != NULL);
        QUIC_TRANSPORT_PARAMETERS second;
        memset(&second, 0, sizeof(second));
        REQUIRE(QuicCryptoTlsDecodeTransportParameters(
            NULL, is_server, encoded + CxPlatTlsTPHeaderSize,
            (uint16_t)(encoded_size - CxPlatTlsTPHeaderSize), &second));
        REQUIRE(first.Flags == second.Flags);
        REQUIRE(first.VersionInfoLength == second.VersionInfoLength);
        CXPLAT_FREE(encoded, QUIC_POOL_TLS_TRANSPARAMS);
        QuicCryptoTlsCleanupTransportParameters(&second);
        QuicCryptoTlsCleanupTransportParameters(&copy);
    }
    /* Also after a failure: what was allocated before it is given back here, as a connection does. */
    if (first.VersionInfo != NULL) CXPLAT_FREE(first.VersionInfo, QUIC_POOL_VERSION_INFO);
    free(bytes);
    return 0;
}
