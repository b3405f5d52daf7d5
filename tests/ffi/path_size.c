/*
 * A path that carries IP packets up to some size, with a round trip of 100 ms, and what msquic's own code makes of it:
 * the search for that size, and what follows when it falls.
 *
 * usage: path_size CASE
 */
#include "sent_packets.h"

#define ROUND_TRIP_US 100000
#define SEARCH_MAX_US (20 * ROUND_TRIP_US)
#define PACKETS_MAX 262144
#define SMALL_BYTES 100
#define SECOND_US 1000000
/* Packets that may be under way: a congestion window. */
#define WINDOW_PACKETS 64

static QUIC_PATH* path;
static QUIC_MTU_DISCOVERY* discovery;
/* What the path carries now, and how many packets of 100 get lost, whatever their size. */
static uint16_t carried = 1500;
static uint32_t lost_percent;
static int probes_sent, probes_lost;
/* When packets are acknowledged, by their number; 0 for those that got lost. */
static uint64_t acknowledged_us[PACKETS_MAX];
static uint64_t acknowledged_next;
/* When small packets, and packets of the path's size, were last known to arrive; and the longest time between. */
static uint64_t small_us, small_gap_us, large_us, large_gap_us;

/* How often datagrams were told of another size. */
static int sizes_told;
void QuicDatagramOnSendStateChanged(QUIC_DATAGRAM* Datagram) {
    (void)Datagram;
    sizes_told++;
}

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
    uint8_t chance;
    CxPlatRandom(sizeof(chance), &chance);
    const BOOLEAN arrives = bytes <= carried && chance % 100 >= lost_percent;
    acknowledged_us[next_number] = arrives ? now_us + ROUND_TRIP_US : 0;
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

/* What is sent, and how often: every so many ms, 0 for never. */
typedef struct TRAFFIC {
    int small_ms, large_ms;
    /* The large packets' size; 0 for what the path has. */
    uint16_t large_bytes;
} TRAFFIC;

static int clock_ms;

static void note(uint64_t* last_us, uint64_t* gap_us) {
    if (now_us - *last_us > *gap_us) *gap_us = now_us - *last_us;
    *last_us = now_us;
}

/* Plays with traffic. What arrives is noted when it is sent, so that gaps have no round trip in them. */
static void play_traffic(TRAFFIC traffic, int ms) {
    for (; ms > 0; ms--, clock_ms++) {
        if (traffic.small_ms != 0 && clock_ms % traffic.small_ms == 0) {
            send_packet(SMALL_BYTES, FALSE);
            if (acknowledged_us[next_number - 1] != 0) note(&small_us, &small_gap_us);
        }
        const BOOLEAN is_due = traffic.large_ms != 0 && clock_ms % traffic.large_ms == 0;
        if (is_due && loss->PacketsInFlight < WINDOW_PACKETS) {
            const uint16_t bytes = traffic.large_bytes == 0 ? path->Mtu : CXPLAT_MIN(traffic.large_bytes, path->Mtu);
            send_packet(bytes, FALSE);
            if (acknowledged_us[next_number - 1] != 0) note(&large_us, &large_gap_us);
        }
        play();
    }
}

/* The path carries less from now on; says what is sent then, and how long nothing arrived. */
static void fall(TRAFFIC traffic, uint16_t bytes, int ms) {
    QuicMtuDiscoveryPeerValidated(discovery, connection);
    play_traffic(traffic, 2000);
    const uint16_t before = path->Mtu;
    small_us = large_us = now_us;
    small_gap_us = large_gap_us = 0;
    sizes_told = 0;
    carried = bytes;
    play_traffic(traffic, ms);
    note(&small_us, &small_gap_us);
    note(&large_us, &large_gap_us);
    printf("%u to %u, %s told, ", before, path->Mtu, sizes_told != 0 ? "is" : "not");
    if (traffic.small_ms != 0) printf("small %.2f s, ", (double)small_gap_us / SECOND_US);
    printf("large %.2f s", (double)large_gap_us / SECOND_US);
}

/* How often the size falls in so many seconds. */
static void count_falls(TRAFFIC traffic, int seconds) {
    int falls = 0;
    uint16_t least = UINT16_MAX;
    QuicMtuDiscoveryPeerValidated(discovery, connection);
    play_traffic(traffic, 2000);
    for (int ms = 0; ms < seconds * 1000; ms++) {
        const uint16_t before = path->Mtu;
        play_traffic(traffic, 1);
        falls += path->Mtu < before;
        if (path->Mtu < least) least = path->Mtu;
    }
    printf("%d falls, at least %u, at the end %u", falls, least, path->Mtu);
}

/* What a path does that carries less every other five seconds. */
static void flap(TRAFFIC traffic, int seconds) {
    int falls = 0;
    QuicMtuDiscoveryPeerValidated(discovery, connection);
    play_traffic(traffic, 2000);
    for (int i = 0; i < seconds; i++) {
        carried = i / 5 % 2 == 0 ? 1400 : 1500;
        const uint16_t before = path->Mtu;
        play_traffic(traffic, 1000);
        falls += path->Mtu < before;
    }
    printf("%d falls, at the end %u", falls, path->Mtu);
}

static const TRAFFIC GAME = {.small_ms = 20, .large_ms = 100};
static const TRAFFIC BULK = {.large_ms = 2};
static const TRAFFIC SPARSE = {.large_ms = 1000};

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
    } else if (strcmp(name, "fall-game") == 0) {
        fall(GAME, 1400, 5000);
    } else if (strcmp(name, "fall-game-v6") == 0) {
        fall(GAME, 1280, 5000);
    } else if (strcmp(name, "fall-bulk") == 0) {
        fall(BULK, 1400, 5000);
    } else if (strcmp(name, "fall-sparse") == 0) {
        fall(SPARSE, 1400, 5000);
    } else if (strcmp(name, "fall-below") == 0) {
        /* Others that are shorter go through all the time. */
        const TRAFFIC shorter = {.small_ms = 5, .large_ms = 100};
        fall(shorter, 1499, 5000);
    } else if (strcmp(name, "outage") == 0) {
        /* Nothing arrives for two seconds, and then everything. */
        QuicMtuDiscoveryPeerValidated(discovery, connection);
        play_traffic(GAME, 2000);
        carried = 0;
        play_traffic(GAME, 2000);
        carried = 1500;
        count_falls(GAME, 5);
    } else if (strcmp(name, "loss-bulk") == 0) {
        lost_percent = 10;
        count_falls(BULK, 60);
    } else if (strcmp(name, "loss-game") == 0) {
        lost_percent = 5;
        count_falls(GAME, 600);
    } else if (strcmp(name, "loss-mixed") == 0) {
        /* Datagrams that are shorter than the path allows. */
        lost_percent = 10;
        const TRAFFIC mixed = {.small_ms = 10, .large_ms = 3, .large_bytes = 1390};
        count_falls(mixed, 60);
    } else if (strcmp(name, "flap") == 0) {
        flap(GAME, 120);
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
