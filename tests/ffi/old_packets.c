/*
 * Packets that come late, behind as many gaps as are kept, by msquic's own list of what is to be acknowledged.
 *
 * usage: old_packets CASE
 */
#include "msquic_stubs.h"

void QuicConnCloseLocally(QUIC_CONNECTION* Connection, uint32_t Flags, uint64_t ErrorCode, const char* ErrorMsg) {
    (void)Connection; (void)Flags; (void)ErrorMsg;
    printf("error 0x%x ", (int)ErrorCode);
}

static QUIC_PACKET_SPACE space;

static void receive(uint64_t number) {
    QuicAckTrackerAckPacket(&space.AckTracker, number, now_us, CXPLAT_ECN_NON_ECT, QUIC_ACK_TYPE_NON_ACK_ELICITING);
}

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    space.Connection = new_connection(QUIC_HANDLE_TYPE_CONNECTION_SERVER);
    QuicAckTrackerInitialize(&space.AckTracker);
    /* Every second packet, from 1000 on: a range each. */
    for (uint64_t i = 0; i < QUIC_MAX_RANGE_ACK_PACKETS / sizeof(QUIC_SUBRANGE); i++) receive(1000 + 2 * i);
    if (strcmp(argv[1], "newest") == 0) receive(2000);
    else if (strcmp(argv[1], "between") == 0) receive(1001);
    else if (strcmp(argv[1], "oldest") == 0) receive(900);
    else if (strcmp(argv[1], "beside") == 0) receive(999);
    else return 2;
    const QUIC_RANGE* ranges = &space.AckTracker.PacketNumbersToAck;
    printf("%u ranges from %llu to %llu\n", ranges->UsedLength, (unsigned long long)QuicRangeGetMin(ranges),
           (unsigned long long)QuicRangeGetMax(ranges));
    return 0;
}
