/*
 * What every fuzz target needs of msquic's platform, and a reader that takes numbers off an input.
 *
 * The targets are compiled from msquic's source with our patches, its debug assertions on, under
 * AddressSanitizer and UndefinedBehaviorSanitizer. What they do not reach is not linked.
 */
#include "precomp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void* CxPlatAlloc(size_t ByteCount, uint32_t Tag) { (void)Tag; return malloc(ByteCount); }
void CxPlatFree(void* Memory, uint32_t Tag) { (void)Tag; free(Memory); }
int32_t CxPlatGetAllocFailDenominator(void) { return 0; }
void quic_bugcheck(const char* File, int Line, const char* Expression) {
    fprintf(stderr, "%s:%d: %s\n", File, Line, Expression);
    abort();
}
void CxPlatLogAssert(const char* File, int Line, const char* Expression) {
    quic_bugcheck(File, Line, Expression);
}

/* What must hold, in any build. */
#define REQUIRE(Expression) \
    do { if (!(Expression)) quic_bugcheck(__FILE__, __LINE__, #Expression); } while (0)

/* An input that is taken apart into numbers; behind its end there are zeros. */
typedef struct INPUT {
    const uint8_t* at;
    const uint8_t* end;
} INPUT;

static inline uint32_t take_byte(INPUT* input) {
    return input->at < input->end ? *input->at++ : 0;
}

static inline uint32_t take_word(INPUT* input) {
    uint32_t high = take_byte(input);
    return high << 8 | take_byte(input);
}

static inline BOOLEAN is_empty(const INPUT* input) { return input->at == input->end; }

/* A copy of bytes that ends where its memory ends, so that reading on is found out. */
static inline uint8_t* exact_copy(const uint8_t* data, size_t size) {
    uint8_t* copy = malloc(size == 0 ? 1 : size);
    if (size != 0) memcpy(copy, data, size);
    return copy;
}
