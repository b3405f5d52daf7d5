/*
 * The payload of a packet as msquic takes it apart: each frame by its decoder, one behind the other. What is
 * decoded must lie inside the packet, and be the same when it is encoded and decoded again.
 */
#include "fuzz.h"

/* Whether bytes that a frame refers to lie in the packet. */
static BOOLEAN lies_in(const uint8_t* bytes, uint64_t length, const uint8_t* packet, uint16_t size) {
    return bytes >= packet && length <= size && bytes + length <= packet + size;
}

/* Encodes a frame and decodes that: the same, and nothing is left. */
#define REPEAT(Type, Name, ...) \
    do { \
        uint8_t again[2048]; \
        uint16_t written = 0, read = 0; \
        Type second; \
        memset(&second, 0, sizeof(second)); \
        REQUIRE(Quic##Name##FrameEncode(&frame, &written, sizeof(again), again)); \
        QUIC_VAR_INT type; \
        REQUIRE(QuicVarIntDecode(written, again, &read, &type)); \
        REQUIRE(Quic##Name##FrameDecode(__VA_ARGS__ written, again, &read, &second)); \
        REQUIRE(read == written); \
        REQUIRE(memcmp(&frame, &second, sizeof(frame)) == 0); \
    } while (0)

#define SIMPLE(Type, Name) \
    do { \
        Type frame; \
        memset(&frame, 0, sizeof(frame)); \
        if (!Quic##Name##FrameDecode(size, packet, &offset, &frame)) return FALSE; \
        REPEAT(Type, Name, ); \
    } while (0)

static BOOLEAN decode_ack(QUIC_FRAME_TYPE type, const uint8_t* packet, uint16_t size, uint16_t* offset) {
    QUIC_RANGE ranges;
    QUIC_ACK_ECN_EX ecn;
    uint64_t delay;
    BOOLEAN invalid;
    QuicRangeInitialize(QUIC_MAX_RANGE_DECODE_ACKS, &ranges);
    BOOLEAN decoded =
        QuicAckFrameDecode(type, size, packet, offset, &invalid, &ranges, &ecn, &delay);
    if (decoded) {
        REQUIRE(QuicRangeSize(&ranges) != 0);
        uint64_t free_from = 0;
        for (uint32_t i = 0; i < QuicRangeSize(&ranges); i++) {
            const QUIC_SUBRANGE* range = QuicRangeGet(&ranges, i);
            REQUIRE(range->Count != 0 && range->Low >= free_from);
            REQUIRE(range->Low + range->Count - 1 <= QUIC_VAR_INT_MAX);
            free_from = range->Low + range->Count + 1;
        }
    }
    QuicRangeUninitialize(&ranges);
    return decoded;
}

static BOOLEAN decode_stream(QUIC_FRAME_TYPE type, const uint8_t* packet, uint16_t size, uint16_t* offset) {
    QUIC_STREAM_EX frame;
    if (!QuicStreamFrameDecode(type, size, packet, offset, &frame)) return FALSE;
    REQUIRE(lies_in(frame.Data, frame.Length, packet, size));
    REQUIRE(frame.Offset <= QUIC_VAR_INT_MAX && frame.StreamID <= QUIC_VAR_INT_MAX);
    return TRUE;
}

static BOOLEAN decode_with_bytes(
    QUIC_FRAME_TYPE type, const uint8_t* packet, uint16_t size, uint16_t* offset
) {
    if (type == QUIC_FRAME_CRYPTO) {
        QUIC_CRYPTO_EX frame;
        if (!QuicCryptoFrameDecode(size, packet, offset, &frame)) return FALSE;
        REQUIRE(lies_in(frame.Data, frame.Length, packet, size));
    } else if (type == QUIC_FRAME_NEW_TOKEN) {
        QUIC_NEW_TOKEN_EX frame;
        if (!QuicNewTokenFrameDecode(size, packet, offset, &frame)) return FALSE;
        REQUIRE(lies_in(frame.Token, frame.TokenLength, packet, size));
    } else if (type == QUIC_FRAME_CONNECTION_CLOSE || type == QUIC_FRAME_CONNECTION_CLOSE_1) {
        QUIC_CONNECTION_CLOSE_EX frame;
        if (!QuicConnCloseFrameDecode(type, size, packet, offset, &frame)) return FALSE;
        if (frame.ReasonPhraseLength != 0) {
            REQUIRE(lies_in((const uint8_t*)frame.ReasonPhrase, frame.ReasonPhraseLength, packet, size));
        }
    } else {
        QUIC_DATAGRAM_EX frame;
        if (!QuicDatagramFrameDecode(type, size, packet, offset, &frame)) return FALSE;
        REQUIRE(lies_in(frame.Data, frame.Length, packet, size));
    }
    return TRUE;
}

static BOOLEAN decode_new_cid(const uint8_t* packet, uint16_t size, uint16_t* offset) {
    QUIC_NEW_CONNECTION_ID_EX frame;
    memset(&frame, 0, sizeof(frame));
    if (!QuicNewConnectionIDFrameDecode(size, packet, offset, &frame)) return FALSE;
    REQUIRE(frame.Length >= 1 && frame.Length <= QUIC_MAX_CONNECTION_ID_LENGTH_V1);
    REQUIRE(frame.RetirePriorTo <= frame.Sequence);
    return TRUE;
}

/* One frame; FALSE: it is malformed. */
static BOOLEAN decode(QUIC_FRAME_TYPE type, const uint8_t* packet, uint16_t size, uint16_t* at) {
    uint16_t offset = *at;
    switch (type) {
    case QUIC_FRAME_ACK:
    case QUIC_FRAME_ACK_1:
        if (!decode_ack(type, packet, size, &offset)) return FALSE;
        break;
    case QUIC_FRAME_RESET_STREAM: SIMPLE(QUIC_RESET_STREAM_EX, ResetStream); break;
    case QUIC_FRAME_RELIABLE_RESET_STREAM: SIMPLE(QUIC_RELIABLE_RESET_STREAM_EX, ReliableReset); break;
    case QUIC_FRAME_STOP_SENDING: SIMPLE(QUIC_STOP_SENDING_EX, StopSending); break;
    case QUIC_FRAME_MAX_DATA: SIMPLE(QUIC_MAX_DATA_EX, MaxData); break;
    case QUIC_FRAME_MAX_STREAM_DATA: SIMPLE(QUIC_MAX_STREAM_DATA_EX, MaxStreamData); break;
    case QUIC_FRAME_DATA_BLOCKED: SIMPLE(QUIC_DATA_BLOCKED_EX, DataBlocked); break;
    case QUIC_FRAME_STREAM_DATA_BLOCKED: SIMPLE(QUIC_STREAM_DATA_BLOCKED_EX, StreamDataBlocked); break;
    case QUIC_FRAME_RETIRE_CONNECTION_ID: SIMPLE(QUIC_RETIRE_CONNECTION_ID_EX, RetireConnectionID); break;
    case QUIC_FRAME_ACK_FREQUENCY: SIMPLE(QUIC_ACK_FREQUENCY_EX, AckFrequency); break;
    case QUIC_FRAME_TIMESTAMP: SIMPLE(QUIC_TIMESTAMP_EX, Timestamp); break;
    case QUIC_FRAME_MAX_STREAMS:
    case QUIC_FRAME_MAX_STREAMS_1: {
        QUIC_MAX_STREAMS_EX frame;
        memset(&frame, 0, sizeof(frame));
        if (!QuicMaxStreamsFrameDecode(type, size, packet, &offset, &frame)) return FALSE;
        REPEAT(QUIC_MAX_STREAMS_EX, MaxStreams, type,);
        break;
    }
    case QUIC_FRAME_STREAMS_BLOCKED:
    case QUIC_FRAME_STREAMS_BLOCKED_1: {
        QUIC_STREAMS_BLOCKED_EX frame;
        memset(&frame, 0, sizeof(frame));
        if (!QuicStreamsBlockedFrameDecode(type, size, packet, &offset, &frame)) return FALSE;
        REPEAT(QUIC_STREAMS_BLOCKED_EX, StreamsBlocked, type,);
        break;
    }
    case QUIC_FRAME_NEW_CONNECTION_ID:
        if (!decode_new_cid(packet, size, &offset)) return FALSE;
        break;
    case QUIC_FRAME_PATH_CHALLENGE:
    case QUIC_FRAME_PATH_RESPONSE: {
        QUIC_PATH_CHALLENGE_EX frame;
        if (!QuicPathChallengeFrameDecode(size, packet, &offset, &frame)) return FALSE;
        break;
    }
    case QUIC_FRAME_PADDING:
    case QUIC_FRAME_PING:
    case QUIC_FRAME_HANDSHAKE_DONE:
    case QUIC_FRAME_IMMEDIATE_ACK:
        break;
    default:
        if (type >= QUIC_FRAME_STREAM && type <= QUIC_FRAME_STREAM_7) {
            if (!decode_stream(type, packet, size, &offset)) return FALSE;
        } else if (!decode_with_bytes(type, packet, size, &offset)) return FALSE;
    }
    REQUIRE(offset >= *at && offset <= size);
    *at = offset;
    return TRUE;
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t length) {
    if (length > 1500) return -1;
    uint16_t size = (uint16_t)length;
    uint8_t* packet = exact_copy(data, length);
    uint16_t offset = 0;
    while (offset < size) {
        QUIC_VAR_INT type;
        if (!QuicVarIntDecode(size, packet, &offset, &type) || !QUIC_FRAME_IS_KNOWN(type)) break;
        if (!decode((QUIC_FRAME_TYPE)type, packet, size, &offset)) break;
    }
    free(packet);
    return 0;
}
