/*
 * A connection's datagrams (our patches 0005 and 0006): queued by many at a time, flushed, written into packets,
 * cancelled by a smaller path or the connection's end; received ones go to the log's slots or to the callback. Each
 * ends exactly once, in order, with its own bytes.
 */
#include "fuzz.h"

#define DATAGRAMS 256
#define BYTES_MAX 64
#define ENTRIES 16
#define SLOTS 8
#define SLOT_BYTES 80
#define HEADROOM 8

static QUIC_CONNECTION* connection;
static QUIC_PARTITION partition;
static uint8_t contents[DATAGRAMS][BYTES_MAX];
static QUIC_BUFFER buffers[DATAGRAMS];

/* Those under way, in order; and of each how it ended. */
static uint32_t queue[DATAGRAMS], queued, done;
static enum { NOT_SENT, WAITING, SENT, CANCELED } state[DATAGRAMS];

/* As patch 0005 has it. */
static struct {
    uint32_t Count, CountMax, FreeCount, SlotBytes, HeadroomBytes, Reserved;
    uint32_t (*Entries)[4];
    uint32_t* FreeSlots;
    uint8_t* Slab;
} datagram_log;
static uint32_t received_by_callback;
static QUIC_BUFFER received;

BOOLEAN QUIC_API MsQuicDatagramLog(void* Log);

static void end(uint32_t index, int how) {
    REQUIRE(index < DATAGRAMS && state[index] == WAITING);
    state[index] = how;
}

static void* handler_stub;

QUIC_STATUS QuicConnIndicateEvent(QUIC_CONNECTION* Connection, QUIC_CONNECTION_EVENT* Event) {
    (void)Connection;
    if (Event->Type == QUIC_CONNECTION_EVENT_DATAGRAM_RECEIVED) {
        received_by_callback++;
        received = *Event->DATAGRAM_RECEIVED.Buffer;
    } else if (Event->Type == QUIC_CONNECTION_EVENT_DATAGRAM_SEND_STATE_CHANGED) {
        uint32_t index = (uint32_t)(uintptr_t)Event->DATAGRAM_SEND_STATE_CHANGED.ClientContext - 1;
        if (Event->DATAGRAM_SEND_STATE_CHANGED.State == QUIC_DATAGRAM_SEND_SENT) end(index, SENT);
        else end(index, CANCELED);
    }
    return QUIC_STATUS_SUCCESS;
}
QUIC_OPERATION* QuicOperationAlloc(QUIC_PARTITION* Partition, QUIC_OPERATION_TYPE Type) { return NULL; }
void QuicConnQueueOper(QUIC_CONNECTION* Connection, QUIC_OPERATION* Oper) {}
BOOLEAN QuicSendSetSendFlag(QUIC_SEND* Send, uint32_t SendFlag) { Send->SendFlags |= SendFlag; return TRUE; }
void QuicSendClearSendFlag(QUIC_SEND* Send, uint32_t SendFlag) { Send->SendFlags &= ~SendFlag; }

static void read_log(void) {
    for (uint32_t i = 0; i < datagram_log.Count; i++) {
        const uint32_t* entry = datagram_log.Entries[i];
        REQUIRE(entry[0] == 77);
        if (entry[1] == 2) end(entry[2] - 1, SENT);
        else datagram_log.FreeSlots[datagram_log.FreeCount++] = entry[2];
    }
    datagram_log.Count = 0;
}

static void send_many(INPUT* input) {
    uint32_t indices[16], count = take_byte(input) % 16, wanted = 0;
    for (uint32_t i = 0; i < count && queued + wanted < DATAGRAMS; i++) {
        uint32_t index = queued + wanted;
        buffers[index].Buffer = contents[index];
        buffers[index].Length = take_byte(input) % (BYTES_MAX + 1);
        memset(contents[index], (int)(index * 31 + 1), BYTES_MAX);
        indices[wanted++] = index;
    }
    uint32_t before = connection->Datagram.MaxSendLength;
    uint32_t taken = QuicDatagramQueueSendMany(&connection->Datagram, buffers, indices, wanted);
    REQUIRE(taken <= wanted);
    REQUIRE(taken == wanted || !connection->Datagram.SendEnabled || buffers[indices[taken]].Length > before);
    for (uint32_t i = 0; i < taken; i++) state[indices[i]] = WAITING;
    for (uint32_t i = 0; i < taken; i++) queue[queued++] = indices[i];
}

/* Those that have ended leave the front; what is sent behind one that waits is out of order. */
static void check_order(uint32_t from) {
    BOOLEAN has_waiting = FALSE;
    for (uint32_t i = from; i < queued; i++) {
        if (state[queue[i]] == WAITING) has_waiting = TRUE;
        else REQUIRE(!has_waiting || state[queue[i]] == CANCELED);
    }
    while (done < queued && state[queue[done]] != WAITING) done++;
}

static void write_packet(INPUT* input) {
    if (!(connection->Send.SendFlags & QUIC_CONN_SEND_FLAG_DATAGRAM)) return;
    uint8_t bytes[1024];
    QUIC_BUFFER datagram = { (uint32_t)(BYTES_MAX + 40 + take_byte(input) * 3), bytes };
    QUIC_PACKET_BUILDER* builder = calloc(1, sizeof(QUIC_PACKET_BUILDER));
    builder->Metadata = &builder->MetadataStorage.Metadata;
    builder->Metadata->Flags.KeyType = QUIC_PACKET_KEY_1_RTT;
    builder->EncryptionOverhead = 16;
    builder->Datagram = &datagram;
    builder->DatagramLength = 20;
    uint32_t next = done;
    QuicDatagramWriteFrame(&connection->Datagram, builder);
    read_log();
    REQUIRE(builder->DatagramLength <= datagram.Length - 16);
    /* The frames are the next ones of the queue. */
    uint16_t offset = 20;
    while (offset < builder->DatagramLength) {
        QUIC_VAR_INT type;
        QUIC_DATAGRAM_EX frame;
        REQUIRE(QuicVarIntDecode(builder->DatagramLength, bytes, &offset, &type));
        REQUIRE(QuicDatagramFrameDecode(type, builder->DatagramLength, bytes, &offset, &frame));
        while (next < queued && state[queue[next]] == CANCELED) next++;
        REQUIRE(next < queued && state[queue[next]] == SENT);
        REQUIRE(frame.Length == buffers[queue[next]].Length);
        REQUIRE(memcmp(frame.Data, contents[queue[next]], frame.Length) == 0);
        next++;
    }
    free(builder);
}

static void receive(INPUT* input) {
    uint8_t frame[128];
    uint32_t length = take_byte(input) % 100;
    frame[0] = (uint8_t)length;
    if (length > 63) { frame[0] = 0x40; frame[1] = (uint8_t)length; }
    uint16_t start = length > 63 ? 2 : 1, offset = 0;
    for (uint32_t i = 0; i < length; i++) frame[start + i] = (uint8_t)(i * 5 + length);
    uint32_t before = received_by_callback, slots = datagram_log.FreeCount, entries = datagram_log.Count;
    QUIC_RX_PACKET packet;
    memset(&packet, 0, sizeof(packet));
    uint8_t* exact = exact_copy(frame, start + length);
    BOOLEAN valid = QuicDatagramProcessFrame(
        &connection->Datagram, &packet, QUIC_FRAME_DATAGRAM_1, (uint16_t)(start + length), exact, &offset);
    REQUIRE(valid && offset == start + length);
    BOOLEAN is_logged = datagram_log.Count == entries + 1;
    REQUIRE(is_logged == (slots != 0 && entries < ENTRIES && length <= SLOT_BYTES - HEADROOM));
    REQUIRE(received_by_callback == before + !is_logged);
    if (is_logged) {
        const uint32_t* entry = datagram_log.Entries[entries];
        REQUIRE(entry[1] == 1 && entry[2] < SLOTS && entry[3] == length);
        REQUIRE(memcmp(datagram_log.Slab + entry[2] * SLOT_BYTES + HEADROOM, exact + start, length) == 0);
    } else REQUIRE(received.Length == length);
    free(exact);
}

static void begin(void) {
    memset(state, 0, sizeof(state));
    queued = done = 0;
    connection = calloc(1, sizeof(QUIC_CONNECTION));
    connection->Partition = &partition;
    connection->ClientContext = (void*)77;
    connection->ClientCallbackHandler = (QUIC_CONNECTION_CALLBACK_HANDLER)&handler_stub;
    connection->State.PeerTransportParameterValid = TRUE;
    connection->Settings.DatagramReceiveEnabled = TRUE;
    CxPlatPoolInitialize(FALSE, sizeof(QUIC_SEND_REQUEST), QUIC_POOL_SEND_REQUEST, &partition.SendRequestPool);
    QuicDatagramInitialize(&connection->Datagram);
    datagram_log.Entries = calloc(ENTRIES, sizeof(*datagram_log.Entries));
    datagram_log.FreeSlots = calloc(SLOTS, sizeof(uint32_t));
    datagram_log.Slab = calloc(SLOTS, SLOT_BYTES);
    datagram_log.Count = 0;
    datagram_log.CountMax = ENTRIES;
    datagram_log.SlotBytes = SLOT_BYTES;
    datagram_log.HeadroomBytes = HEADROOM;
    datagram_log.FreeCount = SLOTS;
    for (uint32_t i = 0; i < SLOTS; i++) datagram_log.FreeSlots[i] = i;
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t length) {
    INPUT input = { data, data + length };
    begin();
    if (take_byte(&input) % 4 != 0) REQUIRE(MsQuicDatagramLog(&datagram_log));
    else datagram_log.FreeCount = 0;
    while (!is_empty(&input)) {
        uint32_t from = done;
        uint32_t what = take_byte(&input) % 16;
        if (what < 6) send_many(&input);
        else if (what < 9) QuicDatagramSendFlush(&connection->Datagram);
        else if (what < 13) write_packet(&input);
        else if (what < 14) receive(&input);
        else if (what < 15) read_log();
        else if (take_byte(&input) == 0) QuicDatagramSendShutdown(&connection->Datagram);
        read_log();
        check_order(from);
    }
    QuicDatagramSendShutdown(&connection->Datagram);
    read_log();
    for (uint32_t i = 0; i < queued; i++) REQUIRE(state[queue[i]] == SENT || state[queue[i]] == CANCELED);
    QuicDatagramUninitialize(&connection->Datagram);
    CxPlatPoolUninitialize(&partition.SendRequestPool);
    MsQuicDatagramLog(NULL);
    free(datagram_log.Entries);
    free(datagram_log.FreeSlots);
    free(datagram_log.Slab);
    free(connection);
    return 0;
}
