/*
 * The timers of a worker's connections (our patch 0009, a heap) against a plain search: set, moved, taken out, and
 * time passes. Each operation is a byte, with what it needs behind it.
 */
#include "fuzz.h"

/* More than the heap has room for at first. */
#define CONNECTIONS 150

static QUIC_CONNECTION* connections[CONNECTIONS];
static BOOLEAN is_set[CONNECTIONS], is_used[CONNECTIONS];

void QuicConnFree(QUIC_CONNECTION* Connection) { (void)Connection; abort(); }

static uint64_t earliest(void) {
    uint64_t time = UINT64_MAX;
    for (int i = 0; i < CONNECTIONS; i++) {
        if (is_set[i] && connections[i]->EarliestExpirationTime < time) time = connections[i]->EarliestExpirationTime;
    }
    return time;
}

static void expire(QUIC_TIMER_WHEEL* wheel, uint64_t now) {
    CXPLAT_LIST_ENTRY expired;
    CxPlatListInitializeHead(&expired);
    QuicTimerWheelGetExpired(wheel, now, &expired);
    while (!CxPlatListIsEmpty(&expired)) {
        CXPLAT_LIST_ENTRY* entry = CxPlatListRemoveHead(&expired);
        entry->Flink = NULL;
        QUIC_CONNECTION* connection = CXPLAT_CONTAINING_RECORD(entry, QUIC_CONNECTION, TimerLink);
        int i = (int)(uintptr_t)connection->ClientContext;
        REQUIRE(is_set[i] && connection->EarliestExpirationTime <= now);
        is_set[i] = FALSE;
        connection->EarliestExpirationTime = UINT64_MAX;
        connection->RefCount--;
    }
    for (int i = 0; i < CONNECTIONS; i++) REQUIRE(!is_set[i] || connections[i]->EarliestExpirationTime > now);
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t length) {
    INPUT input = { data, data + length };
    for (int i = 0; i < CONNECTIONS; i++) {
        /* They are large: those that the input before did not touch are as they were. */
        if (connections[i] == NULL) connections[i] = calloc(1, sizeof(QUIC_CONNECTION));
        else if (is_used[i]) memset(connections[i], 0, sizeof(QUIC_CONNECTION));
        is_used[i] = FALSE;
        connections[i]->ClientContext = (void*)(uintptr_t)i;
        connections[i]->EarliestExpirationTime = UINT64_MAX;
        connections[i]->RefCount = 1;
        is_set[i] = FALSE;
    }
    QUIC_TIMER_WHEEL wheel;
    REQUIRE(QUIC_SUCCEEDED(QuicTimerWheelInitialize(&wheel)));
    uint64_t now = 1000000;
    while (!is_empty(&input)) {
        uint32_t what = take_byte(&input);
        int i = (int)(take_byte(&input) % CONNECTIONS);
        is_used[i] = TRUE;
        if (what < 150) {
            /* Also what is due already, and what is due in hours. */
            connections[i]->EarliestExpirationTime = now - 1000 + ((uint64_t)take_word(&input) << (what % 24));
            is_set[i] = TRUE;
            QuicTimerWheelUpdateConnection(&wheel, connections[i]);
        } else if (what < 180) {
            connections[i]->EarliestExpirationTime = UINT64_MAX;
            is_set[i] = FALSE;
            QuicTimerWheelUpdateConnection(&wheel, connections[i]);
        } else if (what < 210) {
            is_set[i] = FALSE;
            QuicTimerWheelRemoveConnection(&wheel, connections[i]);
        } else {
            now += (uint64_t)take_word(&input) << (what % 20);
            expire(&wheel, now);
        }
        REQUIRE(wheel.NextExpirationTime == earliest());
    }
    for (int i = 0; i < CONNECTIONS; i++) QuicTimerWheelRemoveConnection(&wheel, connections[i]);
    REQUIRE(wheel.ConnectionCount == 0 && wheel.NextConnection == NULL);
    for (int i = 0; i < CONNECTIONS; i++) REQUIRE(connections[i]->RefCount == 1);
    QuicTimerWheelUninitialize(&wheel);
    return 0;
}
