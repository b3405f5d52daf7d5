/*
 * What BBR does before it knows a round-trip time, by msquic's own code.
 *
 * usage: bbr_start CASE
 */
#include "msquic_stubs.h"

extern uint64_t BbrCongestionControlGetTargetCwnd(QUIC_CONGESTION_CONTROL* Cc, uint32_t Gain);

/* Whether an estimate of the bandwidth is there: as of a path that carries something already. */
static uint64_t bandwidth;

QUIC_STATUS QuicSlidingWindowExtremumGet(
    const QUIC_SLIDING_WINDOW_EXTREMUM* Window, QUIC_SLIDING_WINDOW_EXTREMUM_ENTRY* Entry
) {
    (void)Window;
    Entry->Value = bandwidth;
    return bandwidth == 0 ? QUIC_STATUS_NOT_FOUND : QUIC_STATUS_SUCCESS;
}
void QuicSlidingWindowExtremumUpdateMax(QUIC_SLIDING_WINDOW_EXTREMUM* Window, uint64_t Value, uint64_t Time) {
    (void)Window; (void)Value; (void)Time;
}
void QuicSlidingWindowExtremumReset(QUIC_SLIDING_WINDOW_EXTREMUM* Window) { (void)Window; }
QUIC_SLIDING_WINDOW_EXTREMUM QuicSlidingWindowExtremumInitialize(
    uint64_t Lifetime, uint32_t Capacity, QUIC_SLIDING_WINDOW_EXTREMUM_ENTRY* Window
) {
    (void)Lifetime; (void)Capacity; (void)Window;
    return (QUIC_SLIDING_WINDOW_EXTREMUM){0};
}

void QuicSendBufferConnectionAdjust(QUIC_CONNECTION* Connection) { (void)Connection; }

static void acknowledge(QUIC_CONGESTION_CONTROL* cc, uint64_t rtt_us) {
    QUIC_ACK_EVENT event = {0};
    event.TimeNow = now_us;
    event.LargestAck = 5;
    event.LargestSentPacketNumber = 10;
    event.NumRetransmittableBytes = 1000;
    event.NumTotalAckedRetransmittableBytes = 1000;
    event.MinRttValid = rtt_us != 0;
    event.MinRtt = rtt_us;
    cc->Bbr.BytesInFlight = 5000;
    cc->QuicCongestionControlOnDataAcknowledged(cc, &event);
}

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    const char* name = argv[1];
    QUIC_CONNECTION* connection = new_connection(QUIC_HANDLE_TYPE_CONNECTION_SERVER);
    connection->Settings.InitialWindowPackets = 10;
    connection->Settings.PacingEnabled = TRUE;
    connection->Paths[0].Route.RemoteAddress.Ip.sa_family = QUIC_ADDRESS_FAMILY_INET;
    QUIC_CONGESTION_CONTROL* cc = &connection->CongestionControl;
    BbrCongestionControlInitialize(cc, &connection->Settings);
    const uint32_t window = cc->Bbr.InitialCongestionWindow;

    if (strcmp(name, "ack-without-rtt") == 0) acknowledge(cc, 0);
    else if (strcmp(name, "ack-with-rtt") == 0) acknowledge(cc, 30000);
    else if (strcmp(name, "rtt-expired") == 0) {
        acknowledge(cc, 30000);
        now_us += 60000000;
        /* Only a path that is full has to be emptied to be measured. */
        connection->LossDetection.LargestSentPacketNumber = 10;
        cc->QuicCongestionControlOnDataSent(cc, cc->Bbr.CongestionWindow);
        acknowledge(cc, 31000);
    } else if (strcmp(name, "window") == 0) {
        bandwidth = 8000000; /* in eighths of a byte a second */
        printf("%s\n", BbrCongestionControlGetTargetCwnd(cc, 256) == window ? "the first window" : "a wrong window");
        return 0;
    } else if (strcmp(name, "allowance") == 0) {
        bandwidth = 8000000;
        const uint32_t allowed = cc->QuicCongestionControlGetSendAllowance(cc, 1000, TRUE);
        printf("%s\n", allowed == window ? "the first window" : "a part of it");
        return 0;
    } else {
        return 2;
    }
    const char* const states[] = {"startup", "drain", "probe-bandwidth", "probe-rtt"};
    printf("%s\n", states[cc->Bbr.BbrState]);
    return 0;
}
