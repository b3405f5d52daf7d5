/*
 * Packet numbers that are left out, and who acknowledges them, and ranges that are split, by msquic's own code.
 *
 * usage: skipped_numbers CASE
 */
#include "msquic_stubs.h"

void QuicConnCloseLocally(QUIC_CONNECTION* Connection, uint32_t Flags, uint64_t ErrorCode, const char* ErrorMsg) {
    (void)Connection; (void)Flags; (void)ErrorMsg;
    printf("error 0x%x ", (int)ErrorCode);
}
QUIC_PATH* QuicConnGetPathByID(QUIC_CONNECTION* Connection, uint8_t ID, uint8_t* Index) {
    (void)ID;
    *Index = 0;
    return &Connection->Paths[0];
}

static uint64_t take_number(QUIC_SEND* send) {
#ifdef QUIC_FIRST_SKIP_DISTANCE_MAX
    return QuicSendTakePacketNumber(send);
#else
    return send->NextPacketNumber++;
#endif
}

static QUIC_CONNECTION* new_sender(void) {
    QUIC_CONNECTION* connection = new_connection(QUIC_HANDLE_TYPE_CONNECTION_SERVER);
    QuicSendInitialize(&connection->Send, &connection->Settings);
    QuicLossDetectionInitialize(&connection->LossDetection);
    QuicRangeInitialize(QUIC_MAX_RANGE_DECODE_ACKS, &connection->DecodedAckRanges);
    return connection;
}

/* How the numbers of a million packets are left out, for a hundred connections. */
static void spread(void) {
    int late = 0, few = 0, many = 0;
    for (int c = 0; c < 100; c++) {
        QUIC_CONNECTION* connection = new_sender();
        uint64_t skipped = 0, first = 0;
        for (uint64_t i = 0; i < 1000000; i++) {
            const uint64_t gap = take_number(&connection->Send) - i - skipped;
            if (gap > 0 && skipped == 0) first = i;
            skipped += gap;
        }
        late += skipped == 0 || first > 64;
        few += skipped < 1000000 / 8192;
        many += skipped > 1000;
        free(connection->Partition);
        free(connection);
    }
    printf("late %d, few %d, many %d", late, few, many);
}

/* A peer acknowledges packets up to the last one, but for those that are named; "all": none is. */
static void acknowledge(BOOLEAN all, int skips) {
    QUIC_CONNECTION* connection = new_sender();
    uint64_t number = 0, before = 0, left_out = 0;
    for (int found = 0; found < skips;) {
        number = take_number(&connection->Send);
        if (number != 0 && number != before + 1) {
            left_out = number - 1;
            found++;
        }
        before = number;
        if (number > 1000000) break;
    }
    connection->LossDetection.LargestSentPacketNumber = number;

    /* Largest, delay, further blocks, first block, then gap and block (RFC 9000, section 19.3). */
    uint8_t frame[64];
    uint8_t* end = QuicVarIntEncode(number, frame);
    end = QuicVarIntEncode(0, end);
    end = QuicVarIntEncode(all ? 0 : 1, end);
    if (all) {
        end = QuicVarIntEncode(number, end);
    } else {
        end = QuicVarIntEncode(number - left_out - 1, end);
        end = QuicVarIntEncode(0, end);
        end = QuicVarIntEncode(left_out - 1, end);
    }
    uint16_t offset = 0;
    BOOLEAN invalid = FALSE;
    QUIC_RX_PACKET packet = {0};
    const BOOLEAN result = QuicLossDetectionProcessAckFrame(
        &connection->LossDetection, &connection->Paths[0], &packet, QUIC_ENCRYPT_LEVEL_1_RTT, QUIC_FRAME_ACK,
        (uint16_t)(end - frame), frame, &offset, &invalid);
    printf(result ? "taken" : invalid ? "invalid" : "refused");
}

/* Sixteen ranges fill an array of their own; one is split, so that it must grow. */
static void split(void) {
    QUIC_RANGE range;
    QuicRangeInitialize(QUIC_MAX_RANGE_ALLOC_SIZE, &range);
    for (uint64_t i = 0; i < 16; i++) {
        BOOLEAN updated;
        QuicRangeAddRange(&range, i * 100, 10, &updated);
    }
    printf("%u of %u, ", range.UsedLength, range.AllocLength);
    QuicRangeRemoveRange(&range, 504, 3);
    for (uint32_t i = 4; i < 8; i++) {
        const QUIC_SUBRANGE* sub = QuicRangeGet(&range, i);
        printf("%llu+%llu ", (unsigned long long)sub->Low, (unsigned long long)sub->Count);
    }
}

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    const char* name = argv[1];
    if (strcmp(name, "spread") == 0) spread();
    else if (strcmp(name, "ack-honest") == 0) acknowledge(FALSE, 1);
    else if (strcmp(name, "ack-all") == 0) acknowledge(TRUE, 1);
    else if (strcmp(name, "ack-all-later") == 0) acknowledge(TRUE, 20);
    else if (strcmp(name, "split") == 0) split();
    else return 2;
    printf("\n");
    return 0;
}
