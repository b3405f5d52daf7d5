/*
 * A path that carries IP packets up to some size, with a round trip of 100 ms, and what msquic's own code makes of it:
 * the search for that size.
 *
 * usage: path_size CASE
 */
#include "sent_packets.h"

#define ROUND_TRIP_US 100000
#define SEARCH_MAX_US (20 * ROUND_TRIP_US)
#define PACKETS_MAX 4096
#define SMALL_BYTES 100

static QUIC_PATH* path;
static QUIC_MTU_DISCOVERY* discovery;
/* What the path carries now. */
static uint16_t carried = 1500;
static int probes_sent, probes_lost;
/* When packets are acknowledged, by their number; 0 for those that got lost. */
static uint64_t acknowledged_us[PACKETS_MAX];
static uint64_t acknowledged_next;

void QuicDatagramOnSendStateChanged(QUIC_DATAGRAM* Datagram) { (void)Datagram; }

#ifdef QUIC_DPLPMTUD_INCREMENT /* as it was */
#define PROBES_ASK FALSE
static uint16_t probe_size(void) { return discovery->ProbeSize; }
static void probe_sent(void) { connection->Send.SendFlags &= ~QUIC_CONN_SEND_FLAG_DPLPMTUD; }
#else
#define PROBES_ASK TRUE
static uint16_t probe_size(void) { return QuicMtuDiscoveryGetProbeSize(discovery); }
static void probe_sent(void) { QuicMtuDiscoveryOnProbeSent(discovery, connection); }
#endif

static void open_path(QUIC_ADDRESS_FAMILY family) {
    open_connection();
    connection->Settings.MinimumMtu = 1248;
    connection->Settings.MaximumMtu = 1500;
    connection->Settings.MtuDiscoveryMissingProbeCount = QUIC_DPLPMTUD_MAX_PROBES;
    connection->Settings.MtuDiscoverySearchCompleteTimeoutUs = QUIC_DPLPMTUD_RAISE_TIMER_TIMEOUT;
    connection->Settings.DisconnectTimeoutMs = 15000;
    connection->PeerTransportParams.MaxAckDelay = 6;
    loss->LargestAckEncryptLevel = QUIC_ENCRYPT_LEVEL_1_RTT;
    path = &connection->Paths[0];
    path->Mtu = 1248;
    path->LocalMtu = 1500;
    path->SmoothedRtt = path->LatestRttSample = ROUND_TRIP_US;
    path->GotFirstRttSample = TRUE;
    QuicAddrSetFamily(&path->Route.RemoteAddress, family);
    discovery = &path->MtuDiscovery;
}

static void send_packet(uint16_t bytes, BOOLEAN is_probe) {
    QUIC_MAX_SENT_PACKET_METADATA storage = {0};
    QUIC_SENT_PACKET_METADATA* packet = &storage.Metadata;
    const uint16_t headers =
        PacketSizeFromUdpPayloadSize(QuicAddrGetFamily(&path->Route.RemoteAddress), 0);
    if (next_number == PACKETS_MAX) abort();
    acknowledged_us[next_number] = bytes <= carried ? now_us + ROUND_TRIP_US : 0;
    packet->PacketNumber = next_number++;
    packet->SentTime = now_us;
    packet->PacketLength = bytes - headers;
    packet->Flags.KeyType = QUIC_PACKET_KEY_1_RTT;
    packet->Flags.IsAckEliciting = is_probe ? PROBES_ASK : TRUE;
    packet->Flags.IsMtuProbe = is_probe;
    packet->FrameCount = 1;
    packet->Frames[0].Type = QUIC_FRAME_PING;
    QuicLossDetectionOnPacketSent(loss, path, packet);
    QuicLossDetectionUpdateTimer(loss, FALSE);
}

/* Sends what is to be sent: probes of the size, and a PING. */
static void flush(void) {
    while (connection->Send.SendFlags & QUIC_CONN_SEND_FLAG_DPLPMTUD) {
        const uint16_t size = probe_size();
        probes_sent++;
        probes_lost += size > carried;
        send_packet(size, TRUE);
        probe_sent();
    }
    if (connection->Send.SendFlags & QUIC_CONN_SEND_FLAG_PING) {
        connection->Send.SendFlags &= ~QUIC_CONN_SEND_FLAG_PING;
        send_packet(SMALL_BYTES, FALSE);
    }
}

/* A millisecond goes by: acknowledgements come, and the timer is due. */
static void play(void) {
    now_us += 1000;
    for (; acknowledged_next < next_number; acknowledged_next++) {
        const uint64_t due_us = acknowledged_us[acknowledged_next];
        if (due_us > now_us) break;
        if (due_us != 0) acknowledge(acknowledged_next, acknowledged_next);
    }
    if (loss_timer_us <= now_us) {
        loss_timer_us = UINT64_MAX;
        QuicLossDetectionProcessTimerOperation(loss);
    }
    flush();
}

/* Plays a search to its end; says what came of it, with the round trips until the last growth and until the end. */
static void search(void) {
    const uint64_t begin_us = now_us;
    uint64_t grown_us = now_us;
    probes_sent = probes_lost = 0;
    flush();
    while (!discovery->IsSearchComplete) {
        const uint16_t before = path->Mtu;
        if (now_us - begin_us > SEARCH_MAX_US) {
            printf("%u: %u, no end; ", carried, path->Mtu);
            return;
        }
        play();
        if (path->Mtu != before) grown_us = now_us;
    }
    printf("%u: %u, %d probes, %d lost, %.1f of %.1f; ", carried, path->Mtu, probes_sent, probes_lost,
           (double)(grown_us - begin_us) / ROUND_TRIP_US, (double)(now_us - begin_us) / ROUND_TRIP_US);
}

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    const char* name = argv[1];
    open_path(strchr(name, 'v') == NULL ? QUIC_ADDRESS_FAMILY_INET : QUIC_ADDRESS_FAMILY_INET6);
    if (strcmp(name, "again") == 0) {
        /* A path that has become wider, when the time for another search has come. */
        carried = 1420;
        QuicMtuDiscoveryPeerValidated(discovery, connection);
        search();
        carried = 1492;
        now_us += QUIC_DPLPMTUD_RAISE_TIMER_TIMEOUT - 1;
        QuicMtuDiscoveryCheckSearchCompleteTimeout(connection, now_us);
        printf("%s; ", discovery->IsSearchComplete ? "not yet" : "too early");
        now_us += 1;
        QuicMtuDiscoveryCheckSearchCompleteTimeout(connection, now_us);
        search();
    } else if (atoi(name) != 0) {
        carried = (uint16_t)atoi(name);
        QuicMtuDiscoveryPeerValidated(discovery, connection);
        search();
        printf("%u of %u bytes lost are congestion", lost_bytes, invalidated_bytes + lost_bytes);
    } else {
        return 2;
    }
    printf("\n");
    return 0;
}
