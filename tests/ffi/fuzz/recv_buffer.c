/*
 * A stream's bytes as they come in pieces, again and with other values, overlapping, out of order, one here and one
 * there; read and drained in between. What is read must be what came first for each place. `mode, size`, and
 * operations: a byte says which.
 */
#include "fuzz.h"

#define STREAM_BYTES 8192
/* Of what is scattered, so much in an input. */
#define SCATTERED_BYTES 1536

typedef struct MODEL {
    uint8_t bytes[STREAM_BYTES];
    BOOLEAN has[STREAM_BYTES];
    uint32_t drained;
    /* What was handed out and not drained yet, in bytes. */
    uint32_t pending;
    /* Writes so far: each brings other values. */
    uint32_t writes;
    /* There were too many gaps. A connection ends then, and nothing is read any more. */
    BOOLEAN over;
} MODEL;

static void write_piece(QUIC_RECV_BUFFER* buffer, MODEL* model, uint32_t offset, uint32_t length) {
    if (model->over || offset + length > STREAM_BYTES) return;
    uint8_t* piece = malloc(length);
    model->writes++;
    for (uint32_t i = 0; i < length; i++) piece[i] = (uint8_t)((offset + i) * 7 + model->writes * 31);
    uint64_t limit = STREAM_BYTES;
    BOOLEAN ready;
    QUIC_STATUS status = QuicRecvBufferWrite(buffer, offset, (uint16_t)length, piece, &limit, &ready);
    model->over = status == QUIC_STATUS_ABORTED;
    REQUIRE(model->over == (QuicRangeSize(&buffer->WrittenRanges) > QUIC_MAX_RECV_BUFFER_PIECES));
    if (QUIC_SUCCEEDED(status)) {
        for (uint32_t i = 0; i < length; i++) {
            if (model->has[offset + i]) continue;
            model->has[offset + i] = TRUE;
            model->bytes[offset + i] = piece[i];
        }
    }
    free(piece);
}

/* Single bytes with gaps in between, upwards or downwards; how many. */
static uint32_t scatter(QUIC_RECV_BUFFER* buffer, MODEL* model, uint32_t offset, INPUT* input) {
    const uint32_t count = 1 + 4 * take_byte(input);
    const uint32_t how = take_byte(input);
    const uint32_t step = 2 + how % 4;
    for (uint32_t i = 0; i < count; i++) {
        write_piece(buffer, model, offset + step * (how & 0x80 ? count - 1 - i : i), 1);
    }
    return count;
}

/* Reads what there is and compares it. */
static void read_all(QUIC_RECV_BUFFER* buffer, MODEL* model, BOOLEAN is_multiple) {
    if (model->over) return;
    uint32_t available = 0;
    while (model->drained + available < STREAM_BYTES && model->has[model->drained + available]) available++;
    REQUIRE(QuicRecvBufferHasUnreadData(buffer) == (available > model->pending));
    if (available <= model->pending || (model->pending != 0 && !is_multiple)) return;
    QUIC_BUFFER parts[3];
    uint32_t count = QuicRecvBufferReadBufferNeededCount(buffer);
    REQUIRE(count >= 1 && count <= 3);
    uint64_t offset;
    QuicRecvBufferRead(buffer, &offset, &count, parts);
    REQUIRE(offset == model->drained + model->pending);
    uint32_t at = (uint32_t)offset;
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < parts[i].Length; j++, at++) {
            REQUIRE(at < STREAM_BYTES && model->has[at] && parts[i].Buffer[j] == model->bytes[at]);
        }
    }
    REQUIRE(at == model->drained + available);
    model->pending = available;
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t length) {
    INPUT input = { data, data + length };
    static const QUIC_RECV_BUF_MODE modes[] = {
        QUIC_RECV_BUF_MODE_SINGLE, QUIC_RECV_BUF_MODE_CIRCULAR, QUIC_RECV_BUF_MODE_MULTIPLE
    };
    uint32_t kind = take_byte(&input);
    const QUIC_RECV_BUF_MODE mode = modes[kind % 3];
    const BOOLEAN is_multiple = mode == QUIC_RECV_BUF_MODE_MULTIPLE;
    static MODEL model;
    memset(&model, 0, sizeof(model));
    QUIC_RECV_BUFFER buffer;
    const uint32_t window = kind & 0x80 ? 4096 : 1024;
    REQUIRE(QUIC_SUCCEEDED(QuicRecvBufferInitialize(&buffer, 8u << (kind / 3 % 4), window, mode, NULL)));
    uint32_t scattered = 0;
    for (int steps = 0; steps < 300 && !is_empty(&input); steps++) {
        uint32_t what = take_byte(&input);
        if (what < 160) {
            /* Near what was drained: there a window is open, of 1024 bytes at least. */
            uint32_t offset = model.drained + take_word(&input) % 1100;
            write_piece(&buffer, &model, offset - offset % 2 * (offset > 16 ? 16 : 0), 1 + take_byte(&input));
        } else if (what < 210) {
            read_all(&buffer, &model, is_multiple);
        } else if (what >= 240) {
            if (scattered < SCATTERED_BYTES) {
                scattered += scatter(&buffer, &model, model.drained + take_word(&input) % 1100, &input);
            }
        } else if (model.pending != 0 && !model.over) {
            uint32_t part = what < 230 ? model.pending : take_word(&input) % (model.pending + 1);
            /* A single buffer is drained whole or as far as the application took it. */
            QuicRecvBufferDrain(&buffer, part);
            model.drained += part;
            model.pending = is_multiple ? model.pending - part : 0;
        }
    }
    read_all(&buffer, &model, is_multiple);
    QuicRecvBufferUninitialize(&buffer);
    return 0;
}
