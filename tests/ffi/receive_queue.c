/*
 * How a connection takes packets from its queue, and what it says to those that come after its end, by msquic's own
 * code.
 *
 * usage: receive_queue CASE
 */
#include "msquic_stubs.h"

static int returned;
static int close_frames;

QUIC_PATH* QuicConnGetPathForPacket(QUIC_CONNECTION* Connection, const QUIC_RX_PACKET* Packet) {
    (void)Connection; (void)Packet;
    return NULL; /* It is dropped, then: what counts here is which packets come this far. */
}
void QuicPacketLogDrop(const void* Owner, const QUIC_RX_PACKET* Packet, const char* Reason) {
    (void)Owner; (void)Packet; (void)Reason;
}
void CxPlatRecvDataReturn(CXPLAT_RECV_DATA* Chain) {
    for (; Chain != NULL; Chain = Chain->Next) returned++;
}
BOOLEAN QuicSendSetSendFlag(QUIC_SEND* Send, uint32_t Flags) {
    (void)Send;
    if (Flags & QUIC_CONN_SEND_FLAG_CONNECTION_CLOSE) close_frames++;
    return TRUE;
}
QUIC_PATH* QuicConnGetPathByID(QUIC_CONNECTION* Connection, uint8_t ID, uint8_t* Index) {
    (void)ID;
    *Index = 0;
    return &Connection->Paths[0];
}

/* The first packet is the longest, as if its sender had wanted the count of bytes to be wrong. */
static void queue(QUIC_CONNECTION* connection, int count) {
    connection->ReceiveQueueTail = &connection->ReceiveQueue;
    for (int i = 0; i < count; i++) {
        QUIC_RX_PACKET* packet = calloc(1, sizeof(QUIC_RX_PACKET));
        packet->BufferLength = i == 0 ? 1400 : 50;
        *connection->ReceiveQueueTail = packet;
        connection->ReceiveQueueTail = (QUIC_RX_PACKET**)&packet->Next;
        connection->ReceiveQueueCount++;
        connection->ReceiveQueueByteCount += packet->BufferLength;
    }
}

static void flush(int count) {
    QUIC_CONNECTION* connection = new_connection(QUIC_HANDLE_TYPE_CONNECTION_SERVER);
    connection->Stats.Recv.ValidPackets = 1;
    queue(connection, count);
    for (BOOLEAN all = FALSE; !all;) {
        returned = 0;
        all = QuicConnFlushRecv(connection);
        const int left = (int)connection->ReceiveQueueCount;
        printf("%d taken, %d left (%d B) ", returned, left, (int)connection->ReceiveQueueByteCount);
    }
}

/* A PING comes to a connection that has been closed. */
static void ping(BOOLEAN local, BOOLEAN remote, BOOLEAN closing_period) {
    QUIC_CONNECTION* connection = new_connection(QUIC_HANDLE_TYPE_CONNECTION_SERVER);
    connection->State.ClosedLocally = local;
    connection->State.ClosedRemotely = remote;
    if (closing_period) connection->ExpirationTimes[QUIC_CONN_TIMER_SHUTDOWN] = now_us + 1000;
    uint8_t bytes[] = {QUIC_FRAME_PING};
    QUIC_RX_PACKET packet = {0};
    packet.AvailBuffer = bytes;
    packet.PayloadLength = sizeof(bytes);
    packet.KeyType = QUIC_PACKET_KEY_1_RTT;
    extern BOOLEAN QuicConnRecvFrames(
        QUIC_CONNECTION* Connection, QUIC_PATH* Path, QUIC_RX_PACKET* Packet, CXPLAT_ECN_TYPE ECN);
    QuicConnRecvFrames(connection, &connection->Paths[0], &packet, CXPLAT_ECN_NON_ECT);
    printf("close-frames=%d", close_frames);
}

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    const char* name = argv[1];
    if (strncmp(name, "flush-", 6) == 0) flush(atoi(name + 6));
    else if (strcmp(name, "open") == 0) ping(FALSE, FALSE, FALSE);
    else if (strcmp(name, "closing") == 0) ping(TRUE, FALSE, TRUE);
    else if (strcmp(name, "draining") == 0) ping(FALSE, TRUE, TRUE);
    else if (strcmp(name, "closing-then-draining") == 0) ping(TRUE, TRUE, TRUE);
    else if (strcmp(name, "silent") == 0) ping(TRUE, FALSE, FALSE);
    else return 2;
    printf("\n");
    return 0;
}
