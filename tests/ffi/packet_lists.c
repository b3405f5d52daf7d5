/*
 * How many sent packets are remembered until they are acknowledged, and how many lost ones, by msquic's own code; and
 * ACK frames that have more to tell than a packet has room for.
 *
 * usage: packet_lists CASE
 */
#include "sent_packets.h"

static QUIC_PACKET_KEY_TYPE key = QUIC_PACKET_KEY_1_RTT;

/* So many packets of so many frames; what is not to be acknowledged is an acknowledgement itself. */
static void send_frames(int count, QUIC_FRAME_TYPE type, uint8_t frames) {
    QUIC_MAX_SENT_PACKET_METADATA storage;
    for (int i = 0; i < count; i++) {
        memset(&storage, 0, sizeof(storage));
        QUIC_SENT_PACKET_METADATA* packet = &storage.Metadata;
        packet->PacketNumber = next_number++;
        packet->SentTime = now_us;
        packet->PacketLength = 100;
        packet->Flags.KeyType = key;
        packet->Flags.IsAckEliciting = type != QUIC_FRAME_ACK;
        packet->FrameCount = frames;
        for (uint8_t j = 0; j < frames; j++) packet->Frames[j].Type = type;
        QuicLossDetectionOnPacketSent(loss, &connection->Paths[0], packet);
        now_us += 10;
    }
}

static void send_packets(int count, QUIC_FRAME_TYPE type) { send_frames(count, type, 1); }

static void print_lists(void) {
    int sent = 0, lost = 0;
    for (QUIC_SENT_PACKET_METADATA* packet = loss->SentPackets; packet != NULL; packet = packet->Next) sent++;
    for (QUIC_SENT_PACKET_METADATA* packet = loss->LostPackets; packet != NULL; packet = packet->Next) lost++;
    printf("%d sent %d lost; ", sent, lost);
}

/* What the packets of a list take, each with what the pool puts in front of it. */
static size_t list_bytes(const QUIC_SENT_PACKET_METADATA* packet) {
    size_t bytes = 0;
    for (; packet != NULL; packet = packet->Next) {
        bytes += SIZEOF_QUIC_SENT_PACKET_METADATA(packet->FrameCount) + sizeof(CXPLAT_POOL_HEADER);
    }
    return bytes;
}

/* An ACK frame of 128 ranges, each of so many numbers and so far from the next, into a packet of 1200 bytes. */
static void tell_ranges(uint64_t gap, uint64_t count, BOOLEAN ecn) {
    QUIC_RANGE ranges, decoded;
    QuicRangeInitialize(QUIC_MAX_RANGE_ACK_PACKETS, &ranges);
    QuicRangeInitialize(QUIC_MAX_RANGE_DECODE_ACKS, &decoded);
    BOOLEAN updated;
    for (uint64_t i = 0; i < 128; i++) QuicRangeAddRange(&ranges, i * (gap + count), count, &updated);
    QUIC_ACK_ECN_EX counts = {1ull << 40, 1ull << 40, 1ull << 40};
    uint8_t packet[1171];
    uint16_t length = 0;
    if (!QuicAckFrameEncode(&ranges, 20000, ecn ? &counts : NULL, &length, sizeof(packet), packet)) {
        printf("not written");
        return;
    }
    uint16_t offset = 1;
    uint64_t delay;
    BOOLEAN invalid = FALSE;
    const BOOLEAN read = QuicAckFrameDecode(
        packet[0], length, packet, &offset, &invalid, &decoded, &counts, &delay);
    /* The newest ones are in it, and nothing else. */
    uint32_t right = 0;
    const uint32_t size = QuicRangeSize(&decoded);
    while (right < size) {
        const QUIC_SUBRANGE* told = QuicRangeGet(&decoded, size - 1 - right);
        const QUIC_SUBRANGE* known = QuicRangeGet(&ranges, 127 - right);
        if (told->Low != known->Low || told->Count != known->Count) break;
        right++;
    }
    printf("%s %u of %u, %s", read && offset == length ? "read" : "broken", right, size,
           length > sizeof(packet) - 10 || size == 128 ? "full" : "not full");
}

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    const char* name = argv[1];
    open_connection();
    if (strcmp(name, "ack-only") == 0) {
        send_packets(10000, QUIC_FRAME_ACK);
        print_lists();
        acknowledge(200, 200);
        print_lists();
    } else if (strcmp(name, "ack-only-again") == 0) {
        send_packets(300, QUIC_FRAME_ACK);
        acknowledge(0, 299);
        print_lists();
        send_packets(300, QUIC_FRAME_ACK);
        print_lists();
    } else if (strcmp(name, "between") == 0) {
        /* What is to be acknowledged is always remembered. */
        for (int i = 0; i < 1000; i++) {
            send_packets(3, QUIC_FRAME_ACK);
            send_packets(1, QUIC_FRAME_PING);
        }
        print_lists();
        acknowledge(0, next_number - 1);
        print_lists();
    } else if (strcmp(name, "lost") == 0) {
        send_packets(5000, QUIC_FRAME_PING);
        acknowledge(4999, 4999);
        print_lists();
        /* Late ones are told from the newest lost ones. */
        acknowledge(4990, 4994);
        print_lists();
        acknowledge(0, 4999);
        print_lists();
    } else if (strcmp(name, "late") == 0) {
        /* One that comes late tells of a path that reorders; then only the newest is acknowledged. */
        connection->Paths[0].SmoothedRtt = connection->Paths[0].LatestRttSample = 10000000;
        send_packets(10, QUIC_FRAME_PING);
        acknowledge(9, 9);
        acknowledge(3, 3);
        print_lists();
        send_packets(1000, QUIC_FRAME_PING);
        acknowledge(next_number - 1, next_number - 1);
        print_lists();
        send_packets(5000, QUIC_FRAME_PING);
        acknowledge(next_number - 1, next_number - 1);
        print_lists();
    } else if (strcmp(name, "wrong-level") == 0) {
        /* Of the handshake, and acknowledged behind it. */
        key = QUIC_PACKET_KEY_HANDSHAKE;
        send_packets(5, QUIC_FRAME_CRYPTO);
        acknowledge(0, 4);
        print_lists();
        printf("%u given back", connection->Partition->SentPacketPool.Pools[0].ListDepth);
    } else if (strcmp(name, "memory-ack-only") == 0) {
        send_packets(10000, QUIC_FRAME_ACK);
        printf("%zu", list_bytes(loss->SentPackets));
    } else if (strcmp(name, "memory-lost") == 0) {
        send_frames(5000, QUIC_FRAME_DATAGRAM, QUIC_MAX_FRAMES_PER_PACKET);
        acknowledge(4999, 4999);
        printf("%zu", list_bytes(loss->LostPackets));
    } else if (strcmp(name, "ranges-short") == 0) {
        tell_ranges(1, 1, FALSE);
    } else if (strcmp(name, "ranges-wide") == 0) {
        tell_ranges((1 << 30) + 1000, 66, FALSE);
    } else if (strcmp(name, "ranges-wide-ecn") == 0) {
        tell_ranges((1 << 30) + 1000, 1, TRUE);
    } else {
        return 2;
    }
    printf("\n");
    return 0;
}
