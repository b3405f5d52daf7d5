/* What a later msquic's tls_openssl.c expects of headers, and the msquic that it is compiled with lacks. */
#pragma once

/* Tags of its allocations (quic_platform.h). */
#define QUIC_POOL_TLS_AUX_DATA 'XAsl'
#define QUIC_POOL_TLS_RECORD_ENTRY 'RTsl'

/* Whether a server's name is an address, which goes into no SNI extension (RFC 6066, section 3). */
static inline BOOLEAN
CxPlatIsIpLiteral(
    _In_z_ const char* Name
    )
{
    uint8_t Address[16];
    return inet_pton(AF_INET, Name, Address) == 1 || inet_pton(AF_INET6, Name, Address) == 1;
}
