/*
 * When a server's application hears that its peer is at another address, by msquic's own code (patch 0040). Says after
 * each step which address the active path has, and which one the application was told of.
 *
 * usage: peer_address CASE
 */
#include "msquic_stubs.h"

static QUIC_CID_LIST_ENTRY cids[QUIC_MAX_PATH_COUNT];
static QUIC_CONNECTION* connection;

BOOLEAN QuicSendSetSendFlag(QUIC_SEND* Send, uint32_t Flags) {
    Send->SendFlags |= Flags;
    return TRUE;
}
void QuicDatagramOnSendStateChanged(QUIC_DATAGRAM* Datagram) { (void)Datagram; }
void QuicMtuDiscoveryPeerValidated(QUIC_MTU_DISCOVERY* MtuDiscovery, QUIC_CONNECTION* Connection) {
    (void)MtuDiscovery;
    (void)Connection;
}
uint64_t QuicLossDetectionComputeProbeTimeout(QUIC_LOSS_DETECTION* LossDetection, const QUIC_PATH* Path, uint32_t Count) {
    (void)LossDetection;
    (void)Path;
    return Count * 60000ull;
}
void QuicTimerWheelUpdateConnection(QUIC_TIMER_WHEEL* TimerWheel, QUIC_CONNECTION* Connection) {
    (void)TimerWheel;
    (void)Connection;
}
static void reset_congestion(QUIC_CONGESTION_CONTROL* Cc, BOOLEAN FullReset) { (void)Cc; (void)FullReset; }

static QUIC_STATUS hear(HQUIC Connection, void* Context, QUIC_CONNECTION_EVENT* Event) {
    (void)Connection;
    (void)Context;
    if (Event->Type == QUIC_CONNECTION_EVENT_PEER_ADDRESS_CHANGED)
        printf("told=%u ", Event->PEER_ADDRESS_CHANGED.Address->Ipv4.sin_addr.s_addr);
    return QUIC_STATUS_SUCCESS;
}

/* A path that nothing has come by yet, from an address that is known by its number. */
static void add_path(uint32_t address) {
    int i = connection->PathsCount++;
    QUIC_PATH* path = &connection->Paths[i];
    *path = connection->Paths[0];
    path->ID = (uint8_t)i;
    path->IsActive = path->IsPeerValidated = path->GotValidPacket = FALSE;
    path->DestCid = &cids[i];
    path->Route.RemoteAddress.Ipv4.sin_addr.s_addr = address;
}

/* A packet comes by a path: one that only asks for the path, or one of the peer's own making. */
static void come_by(int index, BOOLEAN is_probe) {
    QUIC_RX_PACKET packet;
    memset(&packet, 0, sizeof(packet));
    packet.HasNonProbingFrame = !is_probe;
    packet.NewLargestPacketNumber = TRUE;
    QUIC_PATH* path = &connection->Paths[index];
    QuicConnRecvPostProcessing(connection, &path, &packet);
    printf("active=%u ", connection->Paths[0].Route.RemoteAddress.Ipv4.sin_addr.s_addr);
}

static void prove(int index) {
    QuicPathSetValid(connection, &connection->Paths[index], QUIC_PATH_VALID_PATH_RESPONSE);
}

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    const char* name = argv[1];
    connection = new_connection(QUIC_HANDLE_TYPE_CONNECTION_SERVER);
    connection->CongestionControl.QuicCongestionControlReset = reset_congestion;
    connection->ClientCallbackHandler = hear;
    connection->Paths[0].DestCid = &cids[0];
    connection->Paths[0].Route.RemoteAddress.Ipv4.sin_addr.s_addr = 1;
    add_path(2);

    if (strcmp(name, "forged") == 0) {
        come_by(1, FALSE);
    } else if (strcmp(name, "proved") == 0) {
        come_by(1, FALSE);
        prove(0);
    } else if (strcmp(name, "forged-and-back") == 0) {
        come_by(1, FALSE);
        prove(1);
        come_by(1, FALSE);
    } else if (strcmp(name, "proved-before") == 0) {
        come_by(1, TRUE);
        prove(1);
        come_by(1, FALSE);
    } else {
        return 2;
    }
    printf("\n");
    return 0;
}
