/*
 * What msquic's own code makes of a verdict on a certificate, also if it comes when the connection has ended.
 *
 * usage: certificate_verdict CASE
 */
#include "msquic_stubs.h"

BOOLEAN QuicRecvBufferHasUnreadData(QUIC_RECV_BUFFER* RecvBuffer) { (void)RecvBuffer; return FALSE; }
BOOLEAN QuicRecvBufferDrain(QUIC_RECV_BUFFER* RecvBuffer, uint64_t DrainLength) {
    (void)RecvBuffer;
    printf("goes on behind %d bytes\n", (int)DrainLength);
    exit(0);
}
void QuicConnCloseLocally(
    QUIC_CONNECTION* Connection, uint32_t Flags, uint64_t ErrorCode, const char* ErrorMsg
) {
    (void)Connection; (void)Flags; (void)ErrorMsg;
    printf("error 0x%x ", (int)ErrorCode);
}

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    QUIC_CONNECTION* connection = new_connection(QUIC_HANDLE_TYPE_CONNECTION_CLIENT);
    connection->Crypto.CertValidationPending = TRUE;
    connection->Crypto.PendingValidationBufferLength = 900;
    connection->State.ShutdownComplete = strncmp(argv[1], "late-", 5) == 0;
    const BOOLEAN verdict = strstr(argv[1], "yes") != NULL;
    QuicCryptoCustomCertValidationComplete(
        &connection->Crypto, verdict, verdict ? QUIC_TLS_ALERT_CODE_SUCCESS : QUIC_TLS_ALERT_CODE_BAD_CERTIFICATE);
    printf("%u bytes pending\n", connection->Crypto.PendingValidationBufferLength);
    return 0;
}
