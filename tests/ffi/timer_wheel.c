/*
 * Plays connections' timers by msquic's own code, compiled from its source: sets them, takes some out, lets
 * time pass, and holds what expires against a plain search. Says "ok", and how long so many updates took, ns
 * each; or what went wrong.
 *
 * usage: timer_wheel CONNECTIONS UPDATES
 */
#include "precomp.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void* CxPlatAlloc(size_t ByteCount, uint32_t Tag) { (void)Tag; return malloc(ByteCount); }
void CxPlatFree(void* Memory, uint32_t Tag) { (void)Tag; free(Memory); }
void quic_bugcheck(const char* File, int Line, const char* Expression) {
    fprintf(stderr, "%s:%d: %s\n", File, Line, Expression);
    abort();
}
void CxPlatLogAssert(const char* File, int Line, const char* Expression) {
    quic_bugcheck(File, Line, Expression);
}
void QuicConnFree(QUIC_CONNECTION* Connection) { (void)Connection; abort(); }

static uint32_t random_state = 1;

static uint32_t random_below(uint32_t bound) {
    random_state = random_state * 1664525u + 1013904223u;
    return (uint32_t)(((uint64_t)random_state * bound) >> 32);
}

static void fail(const char* what, int step) {
    printf("%s at step %d\n", what, step);
    exit(1);
}

/* The earliest timer that is set; UINT64_MAX for none. */
static uint64_t earliest(QUIC_CONNECTION** connections, const BOOLEAN* set, int count) {
    uint64_t time = UINT64_MAX;
    for (int i = 0; i < count; i++) {
        if (set[i] && connections[i]->EarliestExpirationTime < time) {
            time = connections[i]->EarliestExpirationTime;
        }
    }
    return time;
}

static void expire(
    QUIC_TIMER_WHEEL* wheel, QUIC_CONNECTION** connections, BOOLEAN* set, int count, uint64_t now, int step
) {
    CXPLAT_LIST_ENTRY expired;
    CxPlatListInitializeHead(&expired);
    QuicTimerWheelGetExpired(wheel, now, &expired);
    while (!CxPlatListIsEmpty(&expired)) {
        CXPLAT_LIST_ENTRY* entry = CxPlatListRemoveHead(&expired);
        entry->Flink = NULL;
        QUIC_CONNECTION* connection = CXPLAT_CONTAINING_RECORD(entry, QUIC_CONNECTION, TimerLink);
        int i = (int)(uintptr_t)connection->ClientContext;
        if (!set[i] || connection->EarliestExpirationTime > now) fail("too early", step);
        set[i] = FALSE;
        connection->EarliestExpirationTime = UINT64_MAX;
        connection->RefCount--;
    }
    for (int i = 0; i < count; i++) {
        if (set[i] && connections[i]->EarliestExpirationTime <= now) fail("too late", step);
    }
}

static void play(QUIC_TIMER_WHEEL* wheel, QUIC_CONNECTION** connections, BOOLEAN* set, int count) {
    uint64_t now = 1000000;
    for (int step = 0; step < 20000; step++) {
        int i = (int)random_below((uint32_t)count);
        uint32_t what = random_below(10);
        if (what < 7) {
            connections[i]->EarliestExpirationTime =
                now + random_below(what < 5 ? 30000 : 40000000);
            set[i] = TRUE;
            QuicTimerWheelUpdateConnection(wheel, connections[i]);
        } else if (what == 7) {
            connections[i]->EarliestExpirationTime = UINT64_MAX;
            set[i] = FALSE;
            QuicTimerWheelUpdateConnection(wheel, connections[i]);
        } else if (what == 8) {
            set[i] = FALSE;
            QuicTimerWheelRemoveConnection(wheel, connections[i]);
        } else {
            now += random_below(20000);
            expire(wheel, connections, set, count, now, step);
        }
        if (wheel->NextExpirationTime != earliest(connections, set, count)) fail("wrong next", step);
    }
    for (int i = 0; i < count; i++) QuicTimerWheelRemoveConnection(wheel, connections[i]);
    if (wheel->ConnectionCount != 0 || wheel->NextConnection != NULL) fail("not empty", 0);
    for (int i = 0; i < count; i++) {
        if (connections[i]->RefCount != 1) fail("a reference too many or too few", i);
    }
}

/* As at play: each connection in turn is due some ms from now, and again before that. In CPU time: others on this machine do not count. */
static double nanoseconds(QUIC_TIMER_WHEEL* wheel, QUIC_CONNECTION** connections, int count, int updates) {
    struct timespec start, end;
    uint64_t now = 100000000;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    for (int update = 0; update < updates; update++) {
        QUIC_CONNECTION* connection = connections[update % count];
        now += 20;
        connection->EarliestExpirationTime = now + (random_below(2) ? 5000 : 40000 + random_below(20000));
        QuicTimerWheelUpdateConnection(wheel, connection);
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    return ((end.tv_sec - start.tv_sec) * 1e9 + (end.tv_nsec - start.tv_nsec)) / updates;
}

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    int count = atoi(argv[1]);
    int updates = atoi(argv[2]);
    QUIC_CONNECTION** connections = calloc((size_t)count, sizeof(QUIC_CONNECTION*));
    BOOLEAN* set = calloc((size_t)count, sizeof(BOOLEAN));
    for (int i = 0; i < count; i++) {
        connections[i] = calloc(1, sizeof(QUIC_CONNECTION));
        connections[i]->ClientContext = (void*)(uintptr_t)i;
        connections[i]->EarliestExpirationTime = UINT64_MAX;
        connections[i]->RefCount = 1;
    }
    QUIC_TIMER_WHEEL wheel;
    if (QUIC_FAILED(QuicTimerWheelInitialize(&wheel))) fail("no wheel", 0);
    play(&wheel, connections, set, count < 300 ? count : 300);
    printf("ok %.0f\n", nanoseconds(&wheel, connections, count, updates));
    for (int i = 0; i < count; i++) QuicTimerWheelRemoveConnection(&wheel, connections[i]);
    QuicTimerWheelUninitialize(&wheel);
    return 0;
}
