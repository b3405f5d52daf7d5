/*
 * A connection whose sent packets are looked after by msquic's own loss detection: packets are sent, acknowledged and
 * found lost, and nothing is held back.
 */
#include "msquic_stubs.h"

QUIC_PATH* QuicConnGetPathByID(QUIC_CONNECTION* Connection, uint8_t ID, uint8_t* Index) {
    (void)ID;
    *Index = 0;
    return &Connection->Paths[0];
}
/* When the loss timer is due; UINT64_MAX if it is not set. */
static uint64_t loss_timer_us = UINT64_MAX;
void QuicConnTimerCancel(QUIC_CONNECTION* Connection, QUIC_CONN_TIMER_TYPE Type) {
    (void)Connection;
    if (Type == QUIC_CONN_TIMER_LOSS_DETECTION) loss_timer_us = UINT64_MAX;
}
void QuicConnTimerSetEx(QUIC_CONNECTION* Connection, QUIC_CONN_TIMER_TYPE Type, uint64_t Delay, uint64_t TimeNow) {
    (void)Connection;
    if (Type == QUIC_CONN_TIMER_LOSS_DETECTION) loss_timer_us = TimeNow + Delay;
}
void QuicConnResetIdleTimeout(QUIC_CONNECTION* Connection) { (void)Connection; }
#ifndef MEASURES_RTT
void QuicConnUpdateRtt(
    QUIC_CONNECTION* Connection, QUIC_PATH* Path, uint64_t LatestRtt, uint64_t OurSendTimestamp,
    uint64_t PeerSendTimestamp) {
    (void)Connection; (void)Path; (void)LatestRtt; (void)OurSendTimestamp; (void)PeerSendTimestamp;
}
#endif
void QuicSendQueueFlush(QUIC_SEND* Send, QUIC_SEND_FLUSH_REASON Reason) { (void)Send; (void)Reason; }
BOOLEAN QuicSendSetSendFlag(QUIC_SEND* Send, uint32_t Flags) {
    Send->SendFlags |= Flags;
    return TRUE;
}
void QuicSendUpdateAckState(QUIC_SEND* Send) { (void)Send; }

/* Nothing is held back. */
static BOOLEAN can_send(QUIC_CONGESTION_CONTROL* Cc) { (void)Cc; return TRUE; }
static void on_sent(QUIC_CONGESTION_CONTROL* Cc, uint32_t Bytes) { (void)Cc; (void)Bytes; }
static BOOLEAN on_acknowledged(QUIC_CONGESTION_CONTROL* Cc, const QUIC_ACK_EVENT* Event) {
    (void)Cc; (void)Event;
    return FALSE;
}
/* Bytes whose loss was taken for congestion, and bytes that are no longer under way without that. */
static uint32_t lost_bytes, invalidated_bytes;
static void on_lost(QUIC_CONGESTION_CONTROL* Cc, const QUIC_LOSS_EVENT* Event) {
    (void)Cc;
    lost_bytes += Event->NumRetransmittableBytes;
}
static BOOLEAN on_invalidated(QUIC_CONGESTION_CONTROL* Cc, uint32_t Bytes) {
    (void)Cc;
    invalidated_bytes += Bytes;
    return FALSE;
}
static BOOLEAN on_spurious(QUIC_CONGESTION_CONTROL* Cc) { (void)Cc; return FALSE; }
static void set_exemption(QUIC_CONGESTION_CONTROL* Cc, uint8_t Count) { (void)Cc; (void)Count; }
static BOOLEAN is_limited(QUIC_CONGESTION_CONTROL* Cc) { (void)Cc; return FALSE; }

static QUIC_CONNECTION* connection;
static QUIC_LOSS_DETECTION* loss;
static uint64_t next_number;

static void open_connection(void) {
    connection = new_connection(QUIC_HANDLE_TYPE_CONNECTION_SERVER);
    loss = &connection->LossDetection;
    CxPlatListInitializeHead(&connection->Send.SendStreams);
    connection->Send.SkippedPacketNumber = UINT64_MAX;
    connection->Settings.MinimumMtu = 1248;
    /* 16 s, the longest that a peer may ask for: so lost packets are not forgotten in the meantime. */
    connection->PeerTransportParams.MaxAckDelay = QUIC_TP_MAX_ACK_DELAY_MAX;
    connection->Paths[0].IsMinMtuValidated = TRUE;
    connection->Paths[0].EcnValidationState = ECN_VALIDATION_FAILED;
    QUIC_CONGESTION_CONTROL* control = &connection->CongestionControl;
    control->QuicCongestionControlCanSend = can_send;
    control->QuicCongestionControlOnDataSent = on_sent;
    control->QuicCongestionControlOnDataAcknowledged = on_acknowledged;
    control->QuicCongestionControlOnDataLost = on_lost;
    control->QuicCongestionControlOnDataInvalidated = on_invalidated;
    control->QuicCongestionControlOnSpuriousCongestionEvent = on_spurious;
    control->QuicCongestionControlSetExemption = set_exemption;
    control->QuicCongestionControlIsAppLimited = is_limited;
    QUIC_PACKET_SPACE* space = calloc(1, sizeof(QUIC_PACKET_SPACE));
    space->Connection = connection;
    QuicAckTrackerInitialize(&space->AckTracker);
    connection->Packets[QUIC_ENCRYPT_LEVEL_1_RTT] = space;
    QuicSentPacketPoolInitialize(&connection->Partition->SentPacketPool);
    QuicLossDetectionInitialize(loss);
    QuicRangeInitialize(QUIC_MAX_RANGE_DECODE_ACKS, &connection->DecodedAckRanges);
}

/* The peer acknowledges these, and those between them. */
static void acknowledge(uint64_t first, uint64_t last) {
    uint8_t frame[32];
    uint8_t* end = QuicVarIntEncode(last, frame);
    end = QuicVarIntEncode(0, end);
    end = QuicVarIntEncode(0, end);
    end = QuicVarIntEncode(last - first, end);
    uint16_t offset = 0;
    BOOLEAN invalid = FALSE;
    QUIC_RX_PACKET packet = {0};
    if (!QuicLossDetectionProcessAckFrame(
            loss, &connection->Paths[0], &packet, QUIC_ENCRYPT_LEVEL_1_RTT, QUIC_FRAME_ACK, (uint16_t)(end - frame),
            frame, &offset, &invalid)) {
        printf(invalid ? "invalid " : "refused ");
    }
}
