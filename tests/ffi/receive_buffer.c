/*
 * What is in a stream's receive buffer after writes that overlap, and how it grows, by msquic's own code.
 *
 * usage: receive_buffer CASE
 */
#include "msquic_stubs.h"

#include <sys/resource.h>
#include <time.h>

static QUIC_RECV_BUFFER buffer;
static QUIC_BUFFER in_use;

static void write_at(uint64_t offset, const char* bytes) {
    uint64_t limit = UINT32_MAX;
    BOOLEAN ready;
    QUIC_STATUS status = QuicRecvBufferWrite(
        &buffer, offset, (uint16_t)strlen(bytes), (const uint8_t*)bytes, &limit, &ready);
    if (status != QUIC_STATUS_SUCCESS) printf("status-%u ", status);
}

/* Prints what can be read, and keeps it as an application does that has not finished with it. */
static void read_all(void) {
    uint64_t offset;
    QUIC_BUFFER pieces[3];
    uint32_t count = 3;
    QuicRecvBufferRead(&buffer, &offset, &count, pieces);
    for (uint32_t i = 0; i < count; i++) printf("%.*s", (int)pieces[i].Length, pieces[i].Buffer);
    printf(" ");
    in_use = pieces[0];
}

static void open_buffer(QUIC_RECV_BUF_MODE mode, uint32_t allocated_bytes, uint32_t virtual_bytes) {
    if (QUIC_FAILED(QuicRecvBufferInitialize(&buffer, allocated_bytes, virtual_bytes, mode, NULL))) exit(1);
}

/* A chunk of 2 GiB, without its memory: a write behind it asks for the double. */
static void grow(void) {
    open_buffer(QUIC_RECV_BUF_MODE_CIRCULAR, 64, UINT32_MAX);
    QUIC_RECV_CHUNK* chunk = CXPLAT_CONTAINING_RECORD(buffer.Chunks.Flink, QUIC_RECV_CHUNK, Link);
    chunk->AllocLength = 0x80000000;
    write_at(0x80000000, "x");
}

/* Single bytes with gaps in between, behind a first one that never comes. */
static void write_pieces(uint32_t count, uint32_t step) {
    open_buffer(QUIC_RECV_BUF_MODE_CIRCULAR, 4096, 65536);
    for (uint32_t i = 0; i < count; i++) write_at(1 + step * i, "x");
}

static uint64_t cpu_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* CPU time of a byte that has come already, at its least: others may have the processor's caches in between. */
static uint64_t cost_of(uint64_t offset) {
    uint64_t least = UINT64_MAX;
    for (int round = 0; round < 50; round++) {
        const uint64_t before = cpu_ns();
        for (int i = 0; i < 1000; i++) write_at(offset, "x");
        const uint64_t needed = cpu_ns() - before;
        if (needed < least) least = needed;
    }
    return least;
}

BOOLEAN QuicSendSetStreamSendFlag(QUIC_SEND* Send, QUIC_STREAM* Stream, uint32_t Flags, BOOLEAN Delay) {
    (void)Send; (void)Stream; (void)Flags; (void)Delay;
    return TRUE;
}
BOOLEAN QuicSendSetSendFlag(QUIC_SEND* Send, uint32_t Flags) { (void)Send; (void)Flags; return TRUE; }

/* The application has read a whole window at once, so that it may grow. */
static void deliver(uint32_t window_bytes) {
    QUIC_STREAM* stream = calloc(1, sizeof(QUIC_STREAM));
    stream->Connection = new_connection(QUIC_HANDLE_TYPE_CONNECTION_SERVER);
    stream->Connection->Settings.ConnFlowControlWindow = UINT32_MAX;
    stream->RecvBuffer.VirtualBufferLength = window_bytes;
    stream->RecvWindowLastUpdate = now_us;
    extern void QuicStreamOnBytesDelivered(QUIC_STREAM* Stream, uint64_t BytesDelivered);
    QuicStreamOnBytesDelivered(stream, window_bytes);
    printf("%u", stream->RecvBuffer.VirtualBufferLength);
}

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    const char* name = argv[1];
    const QUIC_RECV_BUF_MODE mode =
        strstr(name, "single") ? QUIC_RECV_BUF_MODE_SINGLE :
        strstr(name, "multiple") ? QUIC_RECV_BUF_MODE_MULTIPLE : QUIC_RECV_BUF_MODE_CIRCULAR;
    if (strcmp(name, "grow") == 0) {
        /* Without the patch it looks for a size for ever: a second of CPU time is enough. */
        setrlimit(RLIMIT_CPU, &(struct rlimit){1, 1});
        grow();
        printf("done\n");
        return 0;
    }
    if (strncmp(name, "window-", 7) == 0) {
        deliver((uint32_t)strtoul(name + 7, NULL, 10));
        printf("\n");
        return 0;
    }
    if (strncmp(name, "pieces-", 7) == 0) {
        write_pieces((uint32_t)strtoul(name + 7, NULL, 10), 2);
        printf("done\n");
        return 0;
    }
    if (strncmp(name, "memory-", 7) == 0) {
        const uint32_t count = (uint32_t)strtoul(name + 7, NULL, 10);
        write_pieces(count, 65535 / count);
        printf("%zu\n", allocated_bytes);
        return 0;
    }
    if (strcmp(name, "again") == 0) {
        write_pieces(1000, 2);
        const uint64_t first = cost_of(1), last = cost_of(1 + 2 * 999);
        printf(last < 5 * first ? "the last costs what the first does\n" : "the last costs much more\n");
        return 0;
    }
    open_buffer(mode, 16, 64);
    if (strncmp(name, "tail", 4) == 0) {
        write_at(0, "abcd");
        write_at(2, "XXef");
    } else if (strncmp(name, "front", 5) == 0) {
        write_at(4, "efgh");
        write_at(0, "abcdXXXX");
    } else if (strncmp(name, "holes", 5) == 0) {
        write_at(2, "c");
        write_at(5, "f");
        write_at(9, "jk");
        write_at(0, "abXdeXghiXXl");
    } else if (strncmp(name, "same", 4) == 0) {
        write_at(0, "abcd");
        write_at(0, "XXXX");
    } else if (strncmp(name, "in-use", 6) == 0) {
        write_at(0, "abcd");
        read_all();
        write_at(0, "XXXXefgh");
        printf("still %.*s ", (int)in_use.Length, in_use.Buffer);
        QuicRecvBufferDrain(&buffer, 0);
    } else if (strncmp(name, "drained", 7) == 0) {
        write_at(0, "abcd");
        read_all();
        QuicRecvBufferDrain(&buffer, 4);
        write_at(6, "gh");
        write_at(2, "XXefXXij");
    } else if (strncmp(name, "grown", 5) == 0) {
        write_at(10, "klmn");
        write_at(0, "abcdefghijXXXXopqrstuvwxyz");
    } else {
        return 2;
    }
    read_all();
    printf("\n");
    return 0;
}
