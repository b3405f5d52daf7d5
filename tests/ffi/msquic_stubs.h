/*
 * What programs that are compiled with single files of msquic need of its platform: memory that is counted, and
 * overwritten when it is freed; a clock that the program sets; and assertions that end it.
 */
#include "precomp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

QUIC_LIBRARY MsQuicLib;

/* Pieces of memory that are not freed, their bytes, and which one to refuse, counted from now on; 0 for none. */
static int allocated;
static size_t allocated_bytes;
static int refused;

typedef struct MEMORY_HEADER {
    size_t size;
    size_t padding;
} MEMORY_HEADER;

void* CxPlatAlloc(size_t ByteCount, uint32_t Tag) {
    (void)Tag;
    if (refused > 0 && --refused == 0) return NULL;
    MEMORY_HEADER* header = malloc(sizeof(MEMORY_HEADER) + ByteCount);
    if (header == NULL) abort();
    header->size = ByteCount;
    memset(header + 1, 0xA5, ByteCount);
    allocated++;
    allocated_bytes += ByteCount;
    return header + 1;
}

void CxPlatFree(void* Memory, uint32_t Tag) {
    (void)Tag;
    if (Memory == NULL) return;
    MEMORY_HEADER* header = (MEMORY_HEADER*)Memory - 1;
    memset(Memory, 0xDD, header->size);
    allocated--;
    allocated_bytes -= header->size;
    /* Never given back to malloc, so that a read of it afterwards sees what was written here. */
}

void quic_bugcheck(const char* File, int Line, const char* Expression) {
    fprintf(stderr, "%s:%d: %s\n", File, Line, Expression);
    abort();
}

void CxPlatLogAssert(const char* File, int Line, const char* Expression) {
    quic_bugcheck(File, Line, Expression);
}

static uint64_t now_us = 1000000000;
uint64_t CxPlatTimeUs64(void) { return now_us; }

static uint32_t random_state = 1;
QUIC_STATUS CxPlatRandom(uint32_t BufferLen, void* Buffer) {
    for (uint32_t i = 0; i < BufferLen; i++) {
        random_state = random_state * 1664525u + 1013904223u;
        ((uint8_t*)Buffer)[i] = (uint8_t)(random_state >> 24);
    }
    return QUIC_STATUS_SUCCESS;
}

/* A connection with one path, which is the active one and whose peer has proved its address. */
static inline QUIC_CONNECTION* new_connection(QUIC_HANDLE_TYPE type) {
    QUIC_CONNECTION* connection = calloc(1, sizeof(QUIC_CONNECTION));
    connection->Type = type;
    connection->Partition = calloc(1, sizeof(QUIC_PARTITION));
    MsQuicLib.Partitions = connection->Partition;
    MsQuicLib.PartitionCount = 1;
    connection->Settings.InitialRttMs = 333;
    connection->PathsCount = 1;
    QUIC_PATH* path = &connection->Paths[0];
    path->InUse = path->IsActive = path->IsPeerValidated = path->GotValidPacket = TRUE;
    path->Allowance = UINT32_MAX;
    path->SmoothedRtt = 20000;
    path->RttVariance = 1000;
    path->Mtu = 1280;
    for (int i = 0; i < QUIC_CONN_TIMER_COUNT; i++) connection->ExpirationTimes[i] = UINT64_MAX;
    connection->EarliestExpirationTime = UINT64_MAX;
    return connection;
}
