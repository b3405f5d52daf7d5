/*
 * A tunnel over a path, on a clock of its own: msquic's congestion control and loss detection, an ACK frame for each
 * second packet, a queue before it as the programs have it, and TCP and a game's packets that go through. Or the same
 * TCP past the tunnel, for comparison.
 *
 * usage: tunnel_path NAME=VALUE…; prints one line of NAME=VALUE.
 */
#define MEASURES_RTT
#include "sent_packets.h"

#include <math.h>

#define PACKET 1472
#define SECOND 1000000ull

/* What is simulated; times in µs. */
static struct {
    uint64_t delay, jitter, loss_ppm, rate_kbit, buffer, seconds, rwnd, tunnel, flows, rest, game, flood_kbit, cross, ack_us;
} want = {.seconds = 5, .rwnd = 1500, .tunnel = 1, .flows = 1, .game = 1, .buffer = 150000};

static uint64_t seed = 88172645463325252u;
static uint64_t draw(uint64_t below) {
    seed ^= seed >> 12; seed ^= seed << 25; seed ^= seed >> 27;
    return below == 0 ? 0 : (seed * 2685821657736338717u >> 33) % below;
}

/* Events, the earliest first. */
enum { DATA, OUTER_ACK, INNER_ACK, ACK_TIMER, GAME, FLOOD, WAKE };
struct event { uint64_t at, order, a, b; int type; uint8_t* frame; uint16_t length; };
static struct event* heap;
static size_t heap_count, heap_size;
static uint64_t orders;
static int before(const struct event* a, const struct event* b) {
    return a->at < b->at || (a->at == b->at && a->order < b->order);
}
static void schedule(struct event event) {
    if (heap_count == heap_size) heap = realloc(heap, (heap_size = heap_size * 2 + 64) * sizeof *heap);
    event.order = orders++;
    size_t at = heap_count++;
    for (; at > 0 && before(&event, &heap[(at - 1) / 2]); at = (at - 1) / 2) heap[at] = heap[(at - 1) / 2];
    heap[at] = event;
}
static struct event next_event(void) {
    struct event first = heap[0], last = heap[--heap_count];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < heap_count; at = child) {
        if (child + 1 < heap_count && before(&heap[child + 1], &heap[child])) child++;
        if (!before(&heap[child], &last)) break;
        heap[at] = heap[child];
    }
    heap[at] = last;
    return first;
}

/* The path. */
static uint64_t free_at, queue_sum, queue_max, queue_count, queue_drops;
static uint64_t travel(void) {
    uint64_t due = want.delay;
    if (want.jitter) due += draw(2 * want.jitter) - want.jitter;
    return due;
}
/* When a packet arrives; 0: it is lost. */
static uint64_t carry(uint64_t bytes) {
    if (want.loss_ppm && draw(1000000) < want.loss_ppm) return 0;
    uint64_t leaves = now_us;
    uint64_t rate = want.rate_kbit;
    if (rate) {
        uint64_t begins = free_at > now_us ? free_at : now_us;
        if ((begins - now_us) * rate / 8000 + bytes > want.buffer) { queue_drops++; return 0; }
        free_at = leaves = begins + bytes * 8000 / rate;
        queue_sum += begins - now_us; queue_count++;
        if (begins - now_us > queue_max) queue_max = begins - now_us;
    }
    return leaves + travel();
}

/* A TCP: Cubic with HyStart and RACK, each packet acknowledged. */
#define SEQS (1 << 22)
struct tcp {
    uint64_t* sent_at; uint8_t* state; /* 0 not sent, 1 under way, 2 acknowledged, 3 lost */
    uint64_t next, oldest, in_flight, lost_waiting, recover, received, acked_order, starts, ends;
    uint32_t* order; uint8_t* got;
    double cwnd, ssthresh, w_max, srtt, min_rtt, round_rtt, before;
    uint64_t epoch, rack_at, round_end, round_samples, spurious;
};
static struct tcp tcps[4];
static void tcp_init(struct tcp* tcp) {
    tcp->sent_at = calloc(SEQS, 8); tcp->state = calloc(SEQS, 1);
    tcp->order = calloc(SEQS, 4); tcp->got = calloc(SEQS, 1);
    tcp->cwnd = 10; tcp->ssthresh = 1e9; tcp->min_rtt = 1e12; tcp->round_rtt = 1e12;
}
static void tcp_loss(struct tcp* tcp) {
    /* What was sent a quarter of a round trip before what was acknowledged last is lost. */
    double window = fmin(tcp->srtt, tcp->min_rtt / 4 * (double)(1 + tcp->spurious));
    if (tcp->rack_at == 0) return;
    for (uint64_t seq = tcp->oldest; seq < tcp->next; seq++) {
        if (tcp->state[seq] != 1) continue;
        if (tcp->sent_at[seq] + window >= tcp->rack_at) continue;
        tcp->state[seq] = 3; tcp->in_flight--; tcp->lost_waiting++;
        if (seq >= tcp->recover) {
            tcp->recover = tcp->next;
            tcp->before = tcp->w_max = tcp->cwnd;
            tcp->cwnd = tcp->ssthresh = fmax(2, tcp->cwnd * 0.7);
            tcp->epoch = 0;
        }
    }
}
static void tcp_acked(struct tcp* tcp, uint32_t seq) {
    if (tcp->state[seq] == 2) return;
    if (tcp->state[seq] == 1) tcp->in_flight--;
    else {
        /* It was not lost: a window for reordering that grows, and the old window again (DSACK). */
        tcp->lost_waiting--;
        if (tcp->spurious < 16) tcp->spurious++;
        if (tcp->before > tcp->cwnd) tcp->cwnd = tcp->before;
    }
    tcp->state[seq] = 2;
    double rtt = (double)(now_us - tcp->sent_at[seq]);
    tcp->srtt = tcp->srtt == 0 ? rtt : 0.875 * tcp->srtt + 0.125 * rtt;
    if (rtt < tcp->min_rtt) tcp->min_rtt = rtt;
    if (tcp->sent_at[seq] > tcp->rack_at) tcp->rack_at = tcp->sent_at[seq];
    if (tcp->cwnd < tcp->ssthresh) {
        if (seq >= tcp->round_end) { tcp->round_end = tcp->next; tcp->round_samples = 0; tcp->round_rtt = 1e12; }
        if (tcp->round_samples++ < 8 && rtt < tcp->round_rtt) tcp->round_rtt = rtt;
        double threshold = fmin(16000, fmax(4000, tcp->min_rtt / 8));
        if (tcp->round_samples == 8 && tcp->cwnd >= 16 && tcp->round_rtt > tcp->min_rtt + threshold) {
            tcp->ssthresh = tcp->cwnd;
        }
        tcp->cwnd += 1;
    } else {
        if (tcp->epoch == 0) { tcp->epoch = now_us; if (tcp->w_max < tcp->cwnd) tcp->w_max = tcp->cwnd; }
        double t = (double)(now_us - tcp->epoch + (uint64_t)tcp->min_rtt) / 1e6;
        double k = cbrt(tcp->w_max * 0.3 / 0.4);
        double target = 0.4 * pow(t - k, 3) + tcp->w_max;
        double reno = tcp->w_max * 0.7 + 0.53 * t * 1e6 / tcp->srtt;
        if (reno > target) target = reno;
        if (target > tcp->cwnd) tcp->cwnd += fmin(0.5, (target - tcp->cwnd) / tcp->cwnd);
    }
    while (tcp->oldest < tcp->next && tcp->state[tcp->oldest] == 2) tcp->oldest++;
}

/* The queue before the tunnel: TCP's packets in a FIFO with CoDel; a game's go ahead. */
struct entry { uint64_t at; uint32_t seq; uint8_t flow; };
#define RING (1 << 16)
static struct entry ring[RING];
static uint64_t ring_head, ring_tail, late_drops;
static struct { uint64_t first_above, drop_next; uint32_t count, last_count; int dropping; } codel;
static uint64_t games[1024], game_head, game_tail, flood_bytes;

/* msquic's side. */
/* What a packet has in it: of a TCP by its number, 200 of a game, 201 of a flood, 202 nothing. */
struct content { uint32_t seq; uint8_t kind; uint64_t at; };
static struct content unsent[8192];
static uint64_t unsent_head, unsent_tail;
static struct content* contents;
static QUIC_RANGE received_range;
static uint64_t largest_received, largest_received_at, unacknowledged, ack_timer_at, delivered_bytes;
static double* game_delays; static uint64_t game_count, game_sent;

static uint32_t window(void) {
    QUIC_CONGESTION_CONTROL* control = &connection->CongestionControl;
    return control->QuicCongestionControlGetCongestionWindow(control);
}
void QuicSendBufferConnectionAdjust(QUIC_CONNECTION* c) { (void)c; }

/* As msquic's own does. */
void QuicConnUpdateRtt(QUIC_CONNECTION* Connection, QUIC_PATH* path, uint64_t rtt, uint64_t ours, uint64_t peers) {
    (void)Connection; (void)ours; (void)peers;
    if (rtt == 0) rtt = 1;
    path->LatestRttSample = rtt;
    if (rtt < path->MinRtt) path->MinRtt = rtt;
    if (!path->GotFirstRttSample) {
        path->GotFirstRttSample = TRUE; path->SmoothedRtt = rtt; path->RttVariance = rtt / 2;
    } else {
        uint64_t off = path->SmoothedRtt > rtt ? path->SmoothedRtt - rtt : rtt - path->SmoothedRtt;
        path->RttVariance = (3 * path->RttVariance + off) / 4;
        path->SmoothedRtt = (7 * path->SmoothedRtt + rtt) / 8;
    }
}

static void send_outer(struct content content, uint16_t bytes) {
    QUIC_MAX_SENT_PACKET_METADATA storage;
    memset(&storage, 0, sizeof storage);
    QUIC_SENT_PACKET_METADATA* packet = &storage.Metadata;
    packet->PacketNumber = next_number++;
    packet->SentTime = now_us;
    packet->PacketLength = bytes;
    packet->Flags.KeyType = QUIC_PACKET_KEY_1_RTT;
    packet->Flags.IsAckEliciting = TRUE;
    packet->FrameCount = 1;
    packet->Frames[0].Type = content.kind == 202 ? QUIC_FRAME_PING : QUIC_FRAME_DATAGRAM_1;
    contents[packet->PacketNumber % (1 << 20)] = content;
    QuicLossDetectionOnPacketSent(loss, &connection->Paths[0], packet);
    QuicLossDetectionUpdateTimer(loss, FALSE);
    uint64_t at = carry(bytes);
    if (at) schedule((struct event){.at = at, .type = DATA, .a = packet->PacketNumber});
}

/* The head of the queue, unless the queue's law drops it. */
static int take_tcp(struct content* out) {
    uint64_t rtt = connection->Paths[0].SmoothedRtt;
    uint64_t bound = rtt > 500000 ? 500000 : rtt > 20000 ? rtt : 20000;
    uint64_t interval = bound, target = interval / 10 > 5000 ? interval / 10 : 5000;
    int dropped = 0;
    for (;;) {
        if (ring_head == ring_tail) { codel.first_above = 0; codel.dropping = 0; return 0; }
        struct entry* entry = &ring[ring_head % RING];
        uint64_t wait = now_us - entry->at;
        int drop = wait > bound;
        if (!drop) {
            int ok = 0;
            if (wait < target || ring_tail - ring_head <= 1) codel.first_above = 0;
            else if (codel.first_above == 0) codel.first_above = now_us + interval;
            else if (now_us >= codel.first_above) ok = 1;
            if (codel.dropping) {
                if (!ok) codel.dropping = 0;
                else if (now_us >= codel.drop_next) {
                    drop = 1; codel.count++;
                    codel.drop_next += (uint64_t)(interval / sqrt(codel.count));
                }
            } else if (ok && !dropped) {
                codel.dropping = 1; drop = 1;
                uint32_t delta = codel.count - codel.last_count;
                codel.count = delta > 1 && now_us < codel.drop_next + 16 * interval ? delta : 1;
                codel.drop_next = now_us + (uint64_t)(interval / sqrt(codel.count));
                codel.last_count = codel.count;
            }
        }
        ring_head++;
        if (!drop) { *out = (struct content){entry->seq, entry->flow, entry->at}; return 1; }
        late_drops++; dropped = 1;
    }
}

static void pump(void) {
    for (;;) {
        uint64_t rtt = connection->Paths[0].SmoothedRtt;
        uint64_t limit = (uint64_t)window() * 2000 / (rtt ? rtt : 1);
        if (limit < 8 * PACKET) limit = 8 * PACKET;
        if (limit > 131072) limit = 131072;
        struct content content;
        if ((unsent_tail - unsent_head) * PACKET >= limit) return;
        if (game_head != game_tail) content = (struct content){0, 200, games[game_head++ % 1024]};
        else if (!take_tcp(&content)) {
            if (flood_bytes < PACKET) return;
            flood_bytes -= PACKET;
            content = (struct content){0, 201, now_us};
        }
        unsent[unsent_tail++ % 8192] = content;
    }
}

static void flush(void) {
    QUIC_CONGESTION_CONTROL* cc = &connection->CongestionControl;
    for (;;) {
        pump();
        if (connection->Send.SendFlags & QUIC_CONN_SEND_FLAG_PING) {
            connection->Send.SendFlags = 0;
            send_outer((struct content){0, 202, now_us}, 60);
            continue;
        }
        if (unsent_head == unsent_tail || !cc->QuicCongestionControlCanSend(cc)) break;
        struct content content = unsent[unsent_head++ % 8192];
        send_outer(content, content.kind == 200 ? 200 : PACKET);
    }
}

static void tcp_send(int flow) {
    struct tcp* tcp = &tcps[flow];
    if (now_us < tcp->starts || now_us >= tcp->ends) return;
    tcp_loss(tcp);
    double limit = fmin(tcp->cwnd, (double)want.rwnd);
    int past = !want.tunnel || flow == 3;
    uint64_t scan = tcp->oldest;
    while ((double)tcp->in_flight < limit) {
        uint32_t seq;
        if (tcp->lost_waiting > 0) {
            while (scan < tcp->next && tcp->state[scan] != 3) scan++;
            if (scan == tcp->next) break;
            seq = (uint32_t)scan; tcp->lost_waiting--;
        } else seq = (uint32_t)tcp->next++;
        tcp->state[seq] = 1; tcp->sent_at[seq] = now_us; tcp->in_flight++;
        if (past) {
            uint64_t at = carry(PACKET);
            if (at) schedule((struct event){.at = at, .type = DATA, .a = UINT64_MAX, .b = (uint64_t)flow << 32 | seq});
        } else ring[ring_tail++ % RING] = (struct entry){now_us, seq, (uint8_t)flow};
        if (tcp->next >= SEQS - 1) break;
    }
    /* A probe, should everything be lost. */
    uint64_t rto = (uint64_t)(tcp->srtt == 0 ? 1e6 : 2 * tcp->srtt + 200000);
    if (tcp->in_flight > 0) {
        schedule((struct event){.at = now_us + rto, .type = WAKE, .a = (uint64_t)flow, .b = tcp->received});
    }
}

static void send_ack(void) {
    ack_timer_at = 0; unacknowledged = 0;
    uint64_t at = want.loss_ppm && draw(1000000) < want.loss_ppm ? 0 : now_us + travel();
    if (!at) return;
    uint8_t* frame = malloc(1300);
    uint16_t offset = 0;
    QuicAckFrameEncode(&received_range, now_us - largest_received_at, NULL, &offset, 1200, frame);
    schedule((struct event){.at = at, .type = OUTER_ACK, .frame = frame, .length = offset});
}

static void deliver_inner(int flow, uint32_t seq) {
    struct tcp* tcp = &tcps[flow];
    if (!tcp->got[seq]) { tcp->got[seq] = 1; delivered_bytes += flow == 3 ? 0 : PACKET; }
    tcp->order[tcp->received++ % SEQS] = seq;
    schedule((struct event){.at = now_us + travel(), .type = INNER_ACK, .a = (uint64_t)flow, .b = tcp->received});
}

static void handle(struct event event) {
    switch (event.type) {
    case DATA: {
        if (event.a == UINT64_MAX) { deliver_inner((int)(event.b >> 32), (uint32_t)event.b); break; }
        uint64_t number = event.a;
        struct content content = contents[number % (1 << 20)];
        BOOLEAN updated;
        QuicRangeAddRange(&received_range, number, 1, &updated);
        if (largest_received > 6000) QuicRangeSetMin(&received_range, largest_received - 6000);
        int reordered = number < largest_received || number > largest_received + 1;
        if (number > largest_received || largest_received_at == 0) {
            largest_received = number;
            largest_received_at = now_us;
        }
        uint64_t pause = ++unacknowledged >= 2 || reordered ? want.ack_us : 5000;
        if (pause == 0) send_ack();
        else if (!ack_timer_at || ack_timer_at > now_us + pause) {
            schedule((struct event){.at = ack_timer_at = now_us + pause, .type = ACK_TIMER});
        }
        if (content.kind < 4) deliver_inner(content.kind, content.seq);
        else if (content.kind == 200) game_delays[game_count++] = (double)(now_us - content.at) / 1000;
        else if (content.kind == 201) delivered_bytes += PACKET;
        break;
    }
    case ACK_TIMER:
        if (ack_timer_at == event.at && unacknowledged > 0) send_ack();
        break;
    case OUTER_ACK: {
        uint16_t offset = 1;
        BOOLEAN invalid = FALSE;
        QUIC_RX_PACKET packet = {0};
        QuicLossDetectionProcessAckFrame(loss, &connection->Paths[0], &packet, QUIC_ENCRYPT_LEVEL_1_RTT, QUIC_FRAME_ACK,
            event.length, event.frame, &offset, &invalid);
        if (invalid) printf("invalid ");
        free(event.frame);
        break;
    }
    case INNER_ACK: {
        struct tcp* tcp = &tcps[event.a];
        while (tcp->acked_order < event.b) tcp_acked(tcp, tcp->order[tcp->acked_order++ % SEQS]);
        tcp_send((int)event.a);
        break;
    }
    case WAKE: {
        struct tcp* tcp = &tcps[event.a];
        if (tcp->received == event.b && tcp->in_flight > 0 && event.b > 0) {
            for (uint64_t seq = tcp->oldest; seq < tcp->next; seq++) {
                if (tcp->state[seq] == 1) { tcp->state[seq] = 3; tcp->in_flight--; tcp->lost_waiting++; }
            }
            tcp->ssthresh = fmax(2, tcp->cwnd / 2); tcp->cwnd = 1; tcp->epoch = 0;
        }
        tcp_send((int)event.a);
        break;
    }
    case GAME:
        games[game_tail++ % 1024] = now_us; game_sent++;
        schedule((struct event){.at = now_us + 20000, .type = GAME});
        break;
    case FLOOD:
        flood_bytes += want.flood_kbit / 8; /* in a ms */
        if (flood_bytes > want.flood_kbit / 8 * 20) flood_bytes = want.flood_kbit / 8 * 20;
        schedule((struct event){.at = now_us + 1000, .type = FLOOD});
        break;
    }
}

static int compare(const void* a, const void* b) {
    double x = *(const double*)a, y = *(const double*)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char** argv) {
    const struct { const char* name; uint64_t* value; uint64_t unit; } names[] = {
        {"delay", &want.delay, 1000}, {"delay_us", &want.delay, 1}, {"jitter", &want.jitter, 1000},
        {"loss", &want.loss_ppm, 1}, {"kbit", &want.rate_kbit, 1}, {"buffer", &want.buffer, 1},
        {"seconds", &want.seconds, 1}, {"rwnd", &want.rwnd, 1}, {"tunnel", &want.tunnel, 1}, {"flows", &want.flows, 1},
        {"rest", &want.rest, SECOND}, {"game", &want.game, 1}, {"flood", &want.flood_kbit, 1},
        {"cross", &want.cross, 1}, {"ack_us", &want.ack_us, 1},
    };
    for (int i = 1; i < argc; i++) {
        char* equals = strchr(argv[i], '=');
        int found = 0;
        size_t length = equals ? (size_t)(equals - argv[i]) : 0;
        for (size_t j = 0; equals && j < sizeof names / sizeof *names; j++) {
            if (strncmp(names[j].name, argv[i], length) == 0 && names[j].name[length] == 0) {
                *names[j].value = strtoull(equals + 1, NULL, 10) * names[j].unit; found = 1;
            }
        }
        if (!found) return 2;
    }
    contents = calloc(1 << 20, sizeof *contents);
    game_delays = calloc(1 << 20, sizeof *game_delays);
    open_connection();
    connection->PeerTransportParams.MaxAckDelay = 5;
    connection->Settings.DisconnectTimeoutMs = 15000;
    connection->Settings.InitialWindowPackets = 10;
    connection->Paths[0].Mtu = 1500;
    connection->Paths[0].MinRtt = UINT32_MAX;
    connection->Paths[0].SmoothedRtt = 333000; connection->Paths[0].RttVariance = 166000;
    connection->Paths[0].Route.RemoteAddress.Ip.sa_family = QUIC_ADDRESS_FAMILY_INET;
    QuicRangeInitialize(QUIC_MAX_RANGE_ACK_PACKETS, &received_range);
    BbrCongestionControlInitialize(&connection->CongestionControl, &connection->Settings);
    const uint64_t start = now_us;
    if (want.game) schedule((struct event){.at = now_us, .type = GAME});
    if (want.flood_kbit) schedule((struct event){.at = now_us + want.rest, .type = FLOOD});
    for (int i = 0; i < 4; i++) {
        tcp_init(&tcps[i]);
        tcps[i].starts = i == 3 ? now_us : now_us + want.rest;
        tcps[i].ends = (i == 3 ? want.cross : (uint64_t)i < want.flows) ? UINT64_MAX : 0;
        schedule((struct event){.at = tcps[i].starts, .type = WAKE, .a = (uint64_t)i});
    }
    const uint64_t end = start + want.rest + want.seconds * SECOND;
    while (heap_count > 0) {
        uint64_t at = heap[0].at;
        if (loss_timer_us < at) {
            now_us = loss_timer_us > now_us ? loss_timer_us : now_us; loss_timer_us = UINT64_MAX;
            if (now_us > end) break;
            QuicLossDetectionProcessTimerOperation(loss);
        } else {
            struct event event = next_event();
            now_us = event.at;
            if (now_us > end) break;
            handle(event);
        }
        if (want.tunnel) flush();
    }
    qsort(game_delays, game_count, sizeof *game_delays, compare);
    const double us = (double)(want.seconds * SECOND);
    printf("mbit=%.2f queue_ms=%.1f queue_max_ms=%.1f full=%llu late=%llu ", (double)delivered_bytes * 8 / us,
        queue_count ? (double)queue_sum / (double)queue_count / 1000 : 0.0, (double)queue_max / 1000,
        (unsigned long long)queue_drops, (unsigned long long)late_drops);
    printf("lost=%llu spurious=%llu game_p50=%.1f game_p99=%.1f game_lost=%lld cross=%.2f\n",
        (unsigned long long)connection->Stats.Send.SuspectedLostPackets,
        (unsigned long long)connection->Stats.Send.SpuriousLostPackets, game_count ? game_delays[game_count / 2] : 0.0,
        game_count ? game_delays[game_count * 99 / 100] : 0.0, (long long)(game_sent - game_count),
        (double)tcps[3].received * PACKET * 8 / (double)(want.rest + want.seconds * SECOND));
    return 0;
}
