/*
 * How long the packet becomes in which msquic sends a PING, by its own code, on a path of 1500 bytes.
 *
 * usage: ping_length
 */
#include "msquic_stubs.h"

int main(void) {
    QUIC_CONNECTION* connection = new_connection(QUIC_HANDLE_TYPE_CONNECTION_SERVER);
    CxPlatListInitializeHead(&connection->Send.SendStreams);
    connection->Packets[QUIC_ENCRYPT_LEVEL_1_RTT] = calloc(1, sizeof(QUIC_PACKET_SPACE));
    uint8_t bytes[1472];
    QUIC_BUFFER datagram = {sizeof(bytes), bytes};
    QUIC_MAX_SENT_PACKET_METADATA storage = {0};
    QUIC_PACKET_KEY key = {0};
    key.Type = QUIC_PACKET_KEY_1_RTT;
    storage.Metadata.Flags.KeyType = QUIC_PACKET_KEY_1_RTT;
    QUIC_PACKET_BUILDER builder = {0};
    builder.Connection = connection;
    builder.Path = &connection->Paths[0];
    builder.Key = &key;
    builder.Metadata = &storage.Metadata;
    builder.Datagram = &datagram;
    builder.DatagramLength = 14; /* the header */
    builder.EncryptLevel = QUIC_ENCRYPT_LEVEL_1_RTT;
    builder.EncryptionOverhead = CXPLAT_ENCRYPTION_OVERHEAD;
    builder.SendAllowance = UINT32_MAX;
    connection->Send.SendFlags = QUIC_CONN_SEND_FLAG_PING;
    if (!QuicSendWriteFrames(&connection->Send, &builder)) return 1;
    const uint16_t length = builder.DatagramLength + builder.EncryptionOverhead;
    printf("%u bytes\n", CXPLAT_MAX(length, builder.MinimumDatagramLength));
    return 0;
}
