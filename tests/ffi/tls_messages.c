/*
 * Two ends of a TLS handshake, played through msquic's file for OpenSSL (src/platform/tls_openssl.c) without any
 * QUIC around them: what one end writes is handed to the other as bytes, whole or changed. Each word of the
 * command line is a scene; what it prints says what became of it.
 *
 * Every block that msquic allocates ends where a page ends that nobody may read: a byte too many ends the program.
 */
#include "tls_openssl.c"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define PAGE ((size_t)4096)
#define BLOCKS_MAX 4096

static struct { uint8_t *at; size_t length; uint32_t tag; } Blocks[BLOCKS_MAX];

/* The first bytes of each secret that a key was made of, and how many blocks were given back with one inside. */
#define SECRET_BYTES ((size_t)32)
static uint8_t Secrets[64][32];
static int SecretCount, SecretsLeft;

static int HoldsSecret(const uint8_t *at, size_t length)
{
    for (int i = 0; i < SecretCount; i++) {
        if (memmem(at, length, Secrets[i], SECRET_BYTES) != NULL) return 1;
    }
    return 0;
}

static size_t Spread(size_t length) { return (length + PAGE - 1) / PAGE * PAGE; }

void *CxPlatAlloc(size_t Length, uint32_t Tag)
{
    size_t pages = Spread(Length == 0 ? 1 : Length);
    uint8_t *map = mmap(NULL, pages + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED || mprotect(map + pages, PAGE, PROT_NONE) != 0) abort();
    /* Structs lie where malloc would lay them, so that up to 7 bytes behind them can be read. */
    uint8_t *at = map + pages - (Tag == QUIC_POOL_TLS_RECORD_ENTRY ? Length : (Length + 7) / 8 * 8);
    for (int i = 0; i < BLOCKS_MAX; i++) {
        if (Blocks[i].at != NULL) continue;
        Blocks[i].at = at;
        Blocks[i].length = Length;
        Blocks[i].tag = Tag;
        return at;
    }
    abort();
}

void CxPlatFree(void *Memory, uint32_t Tag)
{
    if (Memory == NULL) return;
    for (int i = 0; i < BLOCKS_MAX; i++) {
        if (Blocks[i].at != Memory) continue;
        SecretsLeft += HoldsSecret(Memory, Blocks[i].length);
        size_t pages = Spread(Blocks[i].length == 0 ? 1 : Blocks[i].length);
        uint8_t *map = (uint8_t *)((uintptr_t)Memory & ~(PAGE - 1));
        munmap(map, pages + PAGE);
        Blocks[i].at = NULL;
        return;
    }
    abort(); /* never allocated, or freed before */
}

static int CountBlocks(void)
{
    int count = 0;
    for (int i = 0; i < BLOCKS_MAX; i++) count += Blocks[i].at != NULL;
    return count;
}

/* What the file calls of msquic; a key is only there or not there. */
static int KeysFail;
static uint8_t AnyKey[sizeof(QUIC_PACKET_KEY)];
EVP_CIPHER *CXPLAT_AES_256_CBC_ALG_HANDLE;
QUIC_STATUS QuicPacketKeyDerive(QUIC_PACKET_KEY_TYPE Type, const QUIC_HKDF_LABELS *Labels,
    const CXPLAT_SECRET *const Secret, const char *const Name, BOOLEAN Hp, QUIC_PACKET_KEY **Key)
{
    if (KeysFail) return QUIC_STATUS_OUT_OF_MEMORY;
    if (SecretCount < 64) memcpy(Secrets[SecretCount++], Secret->Secret, SECRET_BYTES);
    *Key = (QUIC_PACKET_KEY *)AnyKey;
    return QUIC_STATUS_SUCCESS;
}
QUIC_STATUS QuicPacketKeyDeriveOffload(const QUIC_HKDF_LABELS *Labels, const QUIC_PACKET_KEY *const Key,
    const char *const Name, CXPLAT_QEO_CONNECTION *Offload) { return QUIC_STATUS_NOT_SUPPORTED; }
BOOLEAN CxPlatCryptSupports(CXPLAT_AEAD_TYPE Type) { return TRUE; }
QUIC_STATUS CxPlatRandom(uint32_t Length, void *Buffer) { memset(Buffer, 7, Length); return QUIC_STATUS_SUCCESS; }
BOOLEAN CxPlatCertVerifyRawCertificate(unsigned char *Certificate, int Length, const char *Name,
    QUIC_CREDENTIAL_FLAGS Flags, uint32_t *Result) { return FALSE; }
QUIC_STATUS CxPlatCertExtractPrivateKey(const QUIC_CREDENTIAL_CONFIG *Config, const char *Password,
    uint8_t **Pfx, uint32_t *Length) { return QUIC_STATUS_NOT_SUPPORTED; }
void quic_bugcheck(const char *File, int Line, const char *Expression)
{
    fprintf(stderr, "%s:%d: %s\n", File, Line, Expression);
    abort();
}
void CxPlatLogAssert(const char *File, int Line, const char *Expression) { quic_bugcheck(File, Line, Expression); }

static BOOLEAN TakeTp(QUIC_CONNECTION *Connection, uint16_t Length, const uint8_t *Tp) { return TRUE; }
static BOOLEAN TakeTicket(QUIC_CONNECTION *Connection, uint32_t Length, const uint8_t *Ticket) { return TRUE; }
static BOOLEAN TakeCertificate(QUIC_CONNECTION *Connection, QUIC_CERTIFICATE *Certificate,
    QUIC_CERTIFICATE_CHAIN *Chain, uint32_t Flags, QUIC_STATUS Status) { return TRUE; }
static const CXPLAT_TLS_CALLBACKS Callbacks = { TakeTp, TakeTicket, TakeCertificate };

static void TakeConfig(const QUIC_CREDENTIAL_CONFIG *Config, void *Context, QUIC_STATUS Status, CXPLAT_SEC_CONFIG *Made)
{
    *(CXPLAT_SEC_CONFIG **)Context = Made;
}

/* One end. `given` is how much of what it has written was handed to the other end. */
typedef struct {
    CXPLAT_SEC_CONFIG *config;
    CXPLAT_TLS *tls;
    CXPLAT_TLS_PROCESS_STATE state;
    uint16_t given;
} END;

static const uint8_t Alpn[] = { 2, 'h', 'i' };
static const QUIC_HKDF_LABELS Labels = { "quic key", "quic iv", "quic hp", "quic ku" };

static void Open(END *end, BOOLEAN isServer, const char *certificate, const char *key)
{
    QUIC_CERTIFICATE_FILE files = { .PrivateKeyFile = key, .CertificateFile = certificate };
    QUIC_CREDENTIAL_CONFIG credentials = { 0 };
    memset(end, 0, sizeof(*end));
    if (isServer) {
        credentials.Type = QUIC_CREDENTIAL_TYPE_CERTIFICATE_FILE;
        credentials.CertificateFile = &files;
    } else {
        credentials.Type = QUIC_CREDENTIAL_TYPE_NONE;
        credentials.Flags = QUIC_CREDENTIAL_FLAG_CLIENT | QUIC_CREDENTIAL_FLAG_NO_CERTIFICATE_VALIDATION;
    }
    if (QUIC_FAILED(CxPlatTlsSecConfigCreate(&credentials, CXPLAT_TLS_CREDENTIAL_FLAG_DISABLE_RESUMPTION,
            &Callbacks, &end->config, TakeConfig))) {
        fprintf(stderr, "no configuration\n");
        exit(2);
    }
    uint8_t *tp = CxPlatAlloc(300, QUIC_POOL_TLS_TRANSPARAMS);
    memset(tp, 1, 300);
    CXPLAT_TLS_CONFIG config = {
        .IsServer = isServer, .HkdfLabels = &Labels, .SecConfig = end->config, .AlpnBuffer = Alpn,
        .AlpnBufferLength = sizeof(Alpn), .TPType = TLSEXT_TYPE_quic_transport_parameters,
        .ServerName = "relay.test", .LocalTPBuffer = tp, .LocalTPLength = 300,
    };
    end->state.BufferAllocLength = isServer ? 8192 : 4096;
    end->state.Buffer = CxPlatAlloc(end->state.BufferAllocLength, QUIC_POOL_TLS_BUFFER);
    end->state.NegotiatedAlpn = isServer ? Alpn : NULL;
    if (QUIC_FAILED(CxPlatTlsInitialize(&config, &end->state, &end->tls))) exit(2);
}

static void Close(END *end)
{
    CxPlatTlsUninitialize(end->tls);
    CxPlatTlsSecConfigDelete(end->config);
    CxPlatFree(end->state.Buffer, QUIC_POOL_TLS_BUFFER);
}

/* Hands bytes to an end; from a block that ends at a page, as msquic's own might. */
static BOOLEAN Hand(END *end, const uint8_t *bytes, uint32_t length)
{
    return !(CxPlatTlsProcessData(end->tls, CXPLAT_TLS_CRYPTO_DATA, bytes, &length, &end->state)
        & CXPLAT_TLS_RESULT_ERROR);
}

/* Hands over what the other end has written since; its levels apart, as QUIC does. */
static BOOLEAN Carry(END *from, END *to)
{
    uint16_t until = from->state.BufferLength;
    uint16_t change = (uint16_t)from->state.BufferOffsetHandshake;
    BOOLEAN ok = TRUE;
    if (change > from->given && change < until) {
        ok = Hand(to, from->state.Buffer + from->given, change - from->given);
        from->given = change;
    }
    if (ok && until > from->given) ok = Hand(to, from->state.Buffer + from->given, until - from->given);
    from->given = until;
    return ok;
}

static END Client, Server;

static void OpenBoth(const char *certificate, const char *key)
{
    Open(&Client, FALSE, certificate, key);
    Open(&Server, TRUE, certificate, key);
}

static void CloseBoth(void)
{
    Close(&Client);
    Close(&Server);
}

static void Say(const char *scene, BOOLEAN taken, const END *end)
{
    if (taken) printf("%s: taken\n", scene);
    else printf("%s: alert %u\n", scene, end->state.AlertCode);
    fflush(stdout);
}

static void Shake(void)
{
    Hand(&Client, NULL, 0);
    for (int i = 0; i < 3; i++) {
        if (!Carry(&Client, &Server) || !Carry(&Server, &Client)) return;
    }
}

int main(int argc, char **argv)
{
    const char *certificate = argv[1], *key = argv[2];
    for (int i = 3; i < argc; i++) {
        const char *scene = argv[i];
        if (strcmp(scene, "load-configuration") == 0) {
            /* What OpenSSL would do by itself unless it was built without. */
            OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
            continue;
        }
        SecretCount = SecretsLeft = 0;
        OpenBoth(certificate, key);
        if (strcmp(scene, "handshake") == 0) {
            Shake();
            printf("handshake: client %d server %d\n", Client.state.HandshakeComplete, Server.state.HandshakeComplete);
        } else if (strcmp(scene, "other-key-share") == 0) {
            /* A key share that the server does not take: it asks for another, and two hellos come. */
            SSL_set1_groups_list(Client.tls->Ssl, "secp384r1:x25519");
            Shake();
            printf("other-key-share: client %d server %d\n",
                Client.state.HandshakeComplete, Server.state.HandshakeComplete);
        } else if (strcmp(scene, "long-flight") == 0) {
            /* As much as a chain of many certificates would be. */
            static uint8_t much[0x7000];
            size_t taken = 0;
            uint32_t none = 0;
            CxPlatTlsProcessData(Server.tls, CXPLAT_TLS_CRYPTO_DATA, NULL, &none, &Server.state);
            int first = QuicTlsSend(Server.tls->Ssl, much, sizeof(much), &taken, NULL);
            int second = QuicTlsSend(Server.tls->Ssl, much, sizeof(much), &taken, NULL);
            int third = QuicTlsSend(Server.tls->Ssl, much, sizeof(much), &taken, NULL);
            printf("long-flight: %d %d %d, %u bytes\n", first, second, third, Server.state.BufferLength);
        } else if (strcmp(scene, "plain-extensions") == 0) {
            /* All that the server wrote, as if it had come in one packet that is not encrypted for the client. */
            Hand(&Client, NULL, 0);
            Carry(&Client, &Server);
            Say(scene, Hand(&Client, Server.state.Buffer, Server.state.BufferLength), &Client);
        } else if (strcmp(scene, "short-header") == 0) {
            static const uint8_t bytes[] = { 1 };
            Say(scene, Hand(&Server, bytes, sizeof(bytes)), &Server);
        } else if (strcmp(scene, "cut-finished") == 0) {
            /* The server's last message without its end: it says that there are 48 bytes. */
            Hand(&Client, NULL, 0);
            Carry(&Client, &Server);
            uint32_t change = Server.state.BufferOffsetHandshake;
            Hand(&Client, Server.state.Buffer, change);
            Say(scene, Hand(&Client, Server.state.Buffer + change, Server.state.BufferLength - change - 40), &Client);
        } else if (strcmp(scene, "unknown-type") == 0) {
            static const uint8_t bytes[] = { 99, 0, 0, 2, 0, 0 };
            Shake();
            Say(scene, Hand(&Server, bytes, sizeof(bytes)), &Server);
        } else if (strcmp(scene, "key-update") == 0) {
            /* TLS's own; QUIC has another way (RFC 9001, section 6). */
            static const uint8_t bytes[] = { SSL3_MT_KEY_UPDATE, 0, 0, 1, 0 };
            Shake();
            Say(scene, Hand(&Server, bytes, sizeof(bytes)), &Server);
        } else if (strcmp(scene, "no-keys") == 0) {
            Hand(&Client, NULL, 0);
            KeysFail = 1;
            Say(scene, Carry(&Client, &Server), &Server);
            KeysFail = 0;
        } else {
            return 2;
        }
        CloseBoth();
        printf("%s: %d blocks and %d secrets left\n", scene, CountBlocks(), SecretsLeft);
        fflush(stdout);
    }
    return 0;
}
