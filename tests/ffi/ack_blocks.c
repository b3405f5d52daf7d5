/*
 * Decodes ACK frames (RFC 9000, section 19.3) by msquic's own decoder, compiled from its source, and says
 * for each what became of it: "ok" and the ranges acknowledged, or "invalid".
 *
 * Every frame is given as the numbers that it is made of: largest, first block, then (gap, block) pairs.
 */
#include "precomp.h"

#include <stdio.h>
#include <stdlib.h>

void* CxPlatAlloc(size_t ByteCount, uint32_t Tag) { (void)Tag; return malloc(ByteCount); }
void CxPlatFree(void* Memory, uint32_t Tag) { (void)Tag; free(Memory); }
void quic_bugcheck(const char* File, int Line, const char* Expression) {
    fprintf(stderr, "%s:%d: %s\n", File, Line, Expression);
    abort();
}
void CxPlatLogAssert(const char* File, int Line, const char* Expression) {
    quic_bugcheck(File, Line, Expression);
}

static void decode(const uint64_t* numbers, int count) {
    uint8_t frame[256];
    uint8_t* end = frame;
    end = QuicVarIntEncode(numbers[0], end);
    end = QuicVarIntEncode(0, end);
    end = QuicVarIntEncode((uint64_t)(count - 2) / 2, end);
    for (int i = 1; i < count; i++) end = QuicVarIntEncode(numbers[i], end);

    QUIC_RANGE ranges;
    QuicRangeInitialize(QUIC_MAX_RANGE_DECODE_ACKS, &ranges);
    uint16_t offset = 0;
    uint64_t delay;
    QUIC_ACK_ECN_EX ecn;
    BOOLEAN invalid = FALSE;
    BOOLEAN decoded = QuicAckFrameDecode(
        QUIC_FRAME_ACK, (uint16_t)(end - frame), frame, &offset, &invalid, &ranges, &ecn, &delay);
    printf("%s", decoded ? "ok" : invalid ? "invalid" : "failed");
    for (uint32_t i = 0; decoded && i < QuicRangeSize(&ranges); i++) {
        const QUIC_SUBRANGE* range = QuicRangeGet(&ranges, i);
        printf(" %llu+%llu", (unsigned long long)range->Low, (unsigned long long)range->Count);
    }
    printf("\n");
    QuicRangeUninitialize(&ranges);
}

/* One frame per line of standard input. */
int main(void) {
    char line[512];
    while (fgets(line, sizeof(line), stdin)) {
        uint64_t numbers[32];
        int count = 0;
        for (char* at = line; count < 32; count++) {
            char* next;
            numbers[count] = strtoull(at, &next, 10);
            if (next == at) break;
            at = next;
        }
        decode(numbers, count);
    }
    return 0;
}
