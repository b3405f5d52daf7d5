/*
 * How long datagrams may be, by msquic's own code (patch 0042). Says what the application is told, which of two
 * datagrams of the length before are canceled, and what room for a datagram a packet on the path has.
 *
 * usage: datagram_room CASE
 */
#include "msquic_stubs.h"

#define LONG_CID_BYTES 20
/* A short header, a packet number, a DATAGRAM frame's header, and what encryption adds. */
#define OVERHEAD_BYTES (1 + 4 + 3 + CXPLAT_ENCRYPTION_OVERHEAD)

static QUIC_CONNECTION* connection;
static int canceled;

BOOLEAN QuicSendSetSendFlag(QUIC_SEND* Send, uint32_t Flags) {
    Send->SendFlags |= Flags;
    return TRUE;
}
void QuicSendClearSendFlag(QUIC_SEND* Send, uint32_t Flags) { Send->SendFlags &= ~Flags; }

static QUIC_STATUS hear(HQUIC Connection, void* Context, QUIC_CONNECTION_EVENT* Event) {
    (void)Connection;
    (void)Context;
    if (Event->Type == QUIC_CONNECTION_EVENT_DATAGRAM_STATE_CHANGED)
        printf("told %u, ", Event->DATAGRAM_STATE_CHANGED.MaxSendLength);
    canceled += Event->Type == QUIC_CONNECTION_EVENT_DATAGRAM_SEND_STATE_CHANGED &&
                Event->DATAGRAM_SEND_STATE_CHANGED.State == QUIC_DATAGRAM_SEND_CANCELED;
    return QUIC_STATUS_SUCCESS;
}

static void add_cid(QUIC_CID_LIST_ENTRY* cid, uint8_t bytes, uint64_t number) {
    cid->CID.Length = bytes;
    cid->CID.SequenceNumber = number;
    CxPlatListInsertTail(&connection->DestCids, &cid->Link);
    connection->DestCidCount++;
}

/* A datagram that waits to be sent, as it is after the application's call. */
static void queue(uint16_t bytes) {
    CXPLAT_POOL* pool = &connection->Partition->SendRequestPool;
    QUIC_SEND_REQUEST* request = CxPlatPoolAlloc(pool);
    memset(request, 0, sizeof(*request));
    request->TotalLength = bytes;
    *connection->Datagram.SendQueueTail = request;
    connection->Datagram.SendQueueTail = &request->Next;
}

/* What is left in a packet of the path's for a datagram. */
static int room(void) {
    const QUIC_PATH* path = &connection->Paths[0];
    const int most = QuicPathGetDatagramPayloadSize(path);
    const int taken = (int)connection->PeerTransportParams.MaxUdpPayloadSize;
    return (most < taken ? most : taken) - path->DestCid->CID.Length - OVERHEAD_BYTES;
}

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    const char* name = argv[1];
    QUIC_CID_LIST_ENTRY* cids = calloc(2, sizeof(QUIC_CID_LIST_ENTRY) + LONG_CID_BYTES);
    QUIC_CID_LIST_ENTRY* longer = (void*)((uint8_t*)cids + sizeof(QUIC_CID_LIST_ENTRY) + LONG_CID_BYTES);
    connection = new_connection(QUIC_HANDLE_TYPE_CONNECTION_SERVER);
    CxPlatPoolInitialize(
        FALSE, sizeof(QUIC_SEND_REQUEST), QUIC_POOL_SEND_REQUEST, &connection->Partition->SendRequestPool);
    connection->ClientCallbackHandler = hear;
    connection->State.ExternalOwner = connection->State.Started = TRUE;
    connection->State.PeerTransportParameterValid = TRUE;
    connection->PeerTransportParams.Flags = QUIC_TP_FLAG_MAX_DATAGRAM_FRAME_SIZE | QUIC_TP_FLAG_MAX_UDP_PAYLOAD_SIZE;
    connection->PeerTransportParams.MaxDatagramFrameSize = UINT16_MAX;
    connection->PeerTransportParams.MaxUdpPayloadSize = 1472;
    QuicAddrSetFamily(&connection->Paths[0].Route.RemoteAddress, QUIC_ADDRESS_FAMILY_INET);
    connection->Paths[0].Mtu = 1248;
    CxPlatListInitializeHead(&connection->DestCids);
    add_cid(cids, 9, 0);
    cids->CID.UsedLocally = TRUE;
    connection->Paths[0].DestCid = cids;
    QuicDatagramInitialize(&connection->Datagram);

    if (strcmp(name, "short-packets") == 0) {
        connection->PeerTransportParams.MaxUdpPayloadSize = 1200;
        QuicDatagramOnSendStateChanged(&connection->Datagram);
    } else {
        QuicDatagramOnSendStateChanged(&connection->Datagram);
        queue(connection->Datagram.MaxSendLength);
        queue(100);
        add_cid(longer, LONG_CID_BYTES, 1);
        if (strcmp(name, "retired-here") == 0) {
            QuicConnRetireCurrentDestCid(connection, &connection->Paths[0]);
        } else if (strcmp(name, "retired-there") == 0) {
            extern BOOLEAN QuicConnOnRetirePriorToUpdated(QUIC_CONNECTION * Connection);
            extern BOOLEAN QuicConnReplaceRetiredCids(QUIC_CONNECTION * Connection);
            connection->RetirePriorTo = 1;
            QuicConnOnRetirePriorToUpdated(connection);
            QuicConnReplaceRetiredCids(connection);
        } else {
            return 2;
        }
    }
    printf("%d canceled, room %d\n", canceled, room());
    return 0;
}
