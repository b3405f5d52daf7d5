/*
 * What becomes of a connection's paths when their validation fails, by msquic's own code. Says how many paths there
 * are afterwards, which ID the first one has, whether it is the active one, and what was done.
 *
 * usage: path_validation CASE
 */
#include "msquic_stubs.h"

/* Only with the patch. */
extern void QuicPathProcessValidationTimer(QUIC_CONNECTION* Connection, uint64_t TimeNow) __attribute__((weak));

static QUIC_CID_LIST_ENTRY cids[QUIC_MAX_PATH_COUNT];
static QUIC_CONNECTION* connection;
static BOOLEAN timer_set;

BOOLEAN QuicSendSetSendFlag(QUIC_SEND* Send, uint32_t Flags) {
    Send->SendFlags |= Flags;
    return TRUE;
}
void QuicConnTimerSetEx(QUIC_CONNECTION* Connection, QUIC_CONN_TIMER_TYPE Type, uint64_t Delay, uint64_t TimeNow) {
    Connection->ExpirationTimes[Type] = TimeNow + Delay;
    timer_set = TRUE;
}
QUIC_STATUS QuicConnIndicateEvent(QUIC_CONNECTION* Connection, QUIC_CONNECTION_EVENT* Event) {
    (void)Connection;
    if (Event->Type == QUIC_CONNECTION_EVENT_PEER_ADDRESS_CHANGED) printf("address-changed ");
    return QUIC_STATUS_SUCCESS;
}
/* How often datagrams were told that others may fit. */
static int sizes_told;
void QuicDatagramOnSendStateChanged(QUIC_DATAGRAM* Datagram) {
    (void)Datagram;
    sizes_told++;
}
static void reset_congestion(QUIC_CONGESTION_CONTROL* Cc, BOOLEAN FullReset) { (void)Cc; (void)FullReset; }

static void add_path(BOOLEAN validated, uint64_t since_us) {
    int i = connection->PathsCount++;
    QUIC_PATH* path = &connection->Paths[i];
    *path = connection->Paths[0];
    path->ID = (uint8_t)i;
    path->IsActive = FALSE;
    path->IsPeerValidated = validated;
    path->PathValidationStartTime = since_us;
    path->DestCid = &cids[i];
    path->Route.RemoteAddress.Ipv4.sin_addr.s_addr = (uint32_t)i + 1;
}

/* A packet with a PATH_CHALLENGE of a path is lost. */
static void lose_challenge(uint8_t path_id) {
    QUIC_SENT_PACKET_METADATA* packet = calloc(1, SIZEOF_QUIC_SENT_PACKET_METADATA(1));
    packet->PathId = path_id;
    packet->FrameCount = 1;
    packet->Frames[0].Type = QUIC_FRAME_PATH_CHALLENGE;
    extern BOOLEAN QuicLossDetectionRetransmitFrames(
        QUIC_LOSS_DETECTION* LossDetection, QUIC_SENT_PACKET_METADATA* Packet, BOOLEAN ReleasePacket);
    QuicLossDetectionRetransmitFrames(&connection->LossDetection, packet, FALSE);
}

static void challenge_first(uint64_t since_us) {
    connection->Paths[0].IsPeerValidated = FALSE;
    connection->Paths[0].PathValidationStartTime = since_us;
}

/* The peer's packets come from another port, or another address, and the path of those becomes the active one. */
static void tell_size_after_move(BOOLEAN is_port_alone) {
    connection->Paths[0].Mtu = 1492;
    add_path(FALSE, 0);
    QUIC_PATH* path = &connection->Paths[1];
    path->Mtu = 1248;
    QuicAddrSetFamily(&connection->Paths[0].Route.RemoteAddress, QUIC_ADDRESS_FAMILY_INET);
    QuicAddrSetFamily(&path->Route.RemoteAddress, QUIC_ADDRESS_FAMILY_INET);
    if (is_port_alone) path->Route.RemoteAddress.Ipv4.sin_addr = connection->Paths[0].Route.RemoteAddress.Ipv4.sin_addr;
    QuicPathSetActive(connection, path);
    printf("size=%u told=%d ", connection->Paths[0].Mtu, sizes_told);
}

static void expire(void) { QuicPathProcessValidationTimer(connection, now_us); }

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    const char* name = argv[1];
    connection = new_connection(QUIC_HANDLE_TYPE_CONNECTION_SERVER);
    connection->CongestionControl.QuicCongestionControlReset = reset_congestion;
    connection->Paths[0].DestCid = &cids[0];
    const uint64_t long_ago = now_us - 60000000;
    const uint64_t just_now = now_us - 1000;

    if (strcmp(name, "lost") == 0) {
        challenge_first(long_ago);
        add_path(FALSE, long_ago);
        lose_challenge(0);
        lose_challenge(1);
    } else if (strcmp(name, "lost-last") == 0) {
        challenge_first(long_ago);
        lose_challenge(0);
    } else if (strcmp(name, "remove-last") == 0) {
        QuicPathRemove(connection, 0);
    } else if (strcmp(name, "remove-first") == 0) {
        add_path(FALSE, just_now);
        add_path(TRUE, 0);
        QuicPathRemove(connection, 0);
    } else if (strcmp(name, "fallback") == 0) {
        challenge_first(long_ago);
        add_path(FALSE, just_now);
        add_path(TRUE, 0);
        expire();
    } else if (strcmp(name, "unproven-fallback") == 0) {
        challenge_first(long_ago);
        add_path(FALSE, just_now);
        expire();
    } else if (strcmp(name, "last") == 0) {
        challenge_first(long_ago);
        expire();
    } else if (strcmp(name, "others") == 0) {
        add_path(FALSE, long_ago);
        add_path(FALSE, just_now);
        add_path(FALSE, long_ago);
        expire();
    } else if (strcmp(name, "other-port") == 0) {
        tell_size_after_move(TRUE);
    } else if (strcmp(name, "other-address") == 0) {
        tell_size_after_move(FALSE);
    } else if (strcmp(name, "closed") == 0) {
        challenge_first(long_ago);
        add_path(TRUE, 0);
        connection->State.ClosedRemotely = TRUE;
        expire();
    } else {
        return 2;
    }

    printf("paths=%d first=%d active=%d", connection->PathsCount, connection->Paths[0].ID, connection->Paths[0].IsActive);
    if (connection->Send.SendFlags & QUIC_CONN_SEND_FLAG_PATH_CHALLENGE) printf(" challenge");
    if (timer_set) printf(" timer");
    printf("\n");
    return 0;
}
