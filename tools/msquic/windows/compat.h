/*
 * What msquic's sources expect of Microsoft's SDK and compiler, and mingw-w64 (10, gcc 12) lacks. Included in
 * front of every file of msquic's. The values and layouts are those of Microsoft's documentation; where a page
 * names a header, so does the comment here.
 */
#pragma once

#define WIN32_LEAN_AND_MEAN 1
#define _WIN32_WINNT 0x0A00
#define NTDDI_VERSION 0x0A000008 /* the API set of Windows 10 2004; nothing newer is called */

#include <sal.h>
#include <winsock2.h>
#include <windows.h>
#include <ws2tcpip.h>
#include <mswsock.h>
#include <winternl.h>
#include <bcrypt.h>
#include <iphlpapi.h>
#include <intrin.h>
#include <assert.h>

/* Annotations for Microsoft's code analysis (sal.h), of no effect on the code. */
#ifndef _Pre_defensive_
#define _Pre_defensive_
#endif
#ifndef _Interlocked_operand_
#define _Interlocked_operand_
#endif
#ifndef _Post_notnull_
#define _Post_notnull_
#endif
#ifndef __kernel_entry
#define __kernel_entry
#endif
#ifndef DECLSPEC_ALLOCATOR
#define DECLSPEC_ALLOCATOR
#endif
#define _Frees_ptr_
#define _Frees_ptr_opt_
#define _Post_invalid_
#define _Inexpressible_(x)
#define _Deref_pre_opt_count_(x)
#define _Deref_post_opt_count_(x)
#define __annotation(...) ((void)0)
#define __analysis_assert(...) ((void)0)

/* Intrinsics of Microsoft's compiler. */
#define __noop(...) ((void)0)
#undef UNREFERENCED_PARAMETER
#define UNREFERENCED_PARAMETER(x) ((void)(x))
#ifndef EXTERN_C_START
#define EXTERN_C_START
#define EXTERN_C_END
#endif
static inline __attribute__((noreturn)) void compat_fastfail(unsigned code)
{
    __asm__ volatile("int $0x29" : : "c"(code));
    __builtin_unreachable();
}
#define __fastfail(code) compat_fastfail(code)
#define FAST_FAIL_INVALID_REFERENCE_COUNT 14

/* winnt.h: interlocked functions with weaker ordering; a stronger one is always right. */
#define InterlockedCompareExchangeNoFence64 InterlockedCompareExchange64
#define InterlockedDecrementRelease64 InterlockedDecrement64
#define InterlockedIncrementNoFence64 InterlockedIncrement64
static inline long long compat_read64(long long const volatile *p) { return *p; }
#define ReadNoFence64(p) compat_read64((long long const volatile *)(p))
#define ReadPointerNoFence(p) (*(void *const volatile *)(p))
#undef PrefetchForWrite
#define PrefetchForWrite(p) __builtin_prefetch((void const *)(p), 1)
#define _InterlockedAnd8(p, v) __atomic_fetch_and((char volatile *)(p), (char)(v), __ATOMIC_SEQ_CST)
#define _InterlockedOr8(p, v) __atomic_fetch_or((char volatile *)(p), (char)(v), __ATOMIC_SEQ_CST)

/* winerror.h, wdm.h */
#define PASSIVE_LEVEL 0
#ifndef E_NOT_VALID_STATE
#define E_NOT_VALID_STATE ((HRESULT)0x8007139FL)
#endif
#ifndef WSA_SECURE_HOST_NOT_FOUND
#define WSA_SECURE_HOST_NOT_FOUND 11032L
#endif

/* bcrypt.h: pseudo handles (page "CNG Algorithm Pseudo-handles") */
#ifndef BCRYPT_SHA256_ALG_HANDLE
#define BCRYPT_SHA1_ALG_HANDLE ((BCRYPT_ALG_HANDLE)0x31)
#define BCRYPT_SHA256_ALG_HANDLE ((BCRYPT_ALG_HANDLE)0x41)
#define BCRYPT_SHA384_ALG_HANDLE ((BCRYPT_ALG_HANDLE)0x51)
#define BCRYPT_SHA512_ALG_HANDLE ((BCRYPT_ALG_HANDLE)0x61)
#endif

/* ifdef.h, iptypes.h, ws2ipdef.h */
#ifndef IFI_UNSPECIFIED
#define IFI_UNSPECIFIED 0
#endif
#ifndef GAA_FLAG_SKIP_DNS_INFO
#define GAA_FLAG_SKIP_DNS_INFO 0x0800
#endif
typedef IN_PKTINFO *PIN_PKTINFO;
typedef IN6_PKTINFO *PIN6_PKTINFO;

/* mstcpip.h: addresses (pages "IN6ADDR_ISV4MAPPED", "IN6_GET_ADDR_V4MAPPED", …) */
static const unsigned char compat_v4_mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
static inline int IN4_IS_ADDR_LOOPBACK(const IN_ADDR *a) { return (a->S_un.S_addr & 0xff) == 127; }
static inline int IN6ADDR_ISV4MAPPED(const SOCKADDR_IN6 *a)
{
    return __builtin_memcmp(&a->sin6_addr, compat_v4_mapped, 12) == 0;
}
static inline void IN6ADDR_SETV4MAPPED(PSOCKADDR_IN6 a6, const IN_ADDR *a4, SCOPE_ID scope, USHORT port)
{
    a6->sin6_family = AF_INET6;
    a6->sin6_port = port;
    a6->sin6_flowinfo = 0;
    __builtin_memcpy(&a6->sin6_addr, compat_v4_mapped, 12);
    __builtin_memcpy((char *)&a6->sin6_addr + 12, a4, 4);
    a6->sin6_scope_struct = scope;
}
static inline const unsigned char *IN6_GET_ADDR_V4MAPPED(const IN6_ADDR *a)
{
    return (const unsigned char *)a + 12;
}

/* mswsock.h, ws2def.h: receive side scaling queries (pages "SIO_QUERY_RSS_*") */
typedef struct {
    PROCESSOR_NUMBER Processor;
    USHORT NumaNodeId;
    USHORT Reserved;
} SOCKET_PROCESSOR_AFFINITY;
typedef struct { BOOLEAN RssEnabled; } RSS_SCALABILITY_INFO;
#define SIO_QUERY_RSS_SCALABILITY_INFO _WSAIOR(IOC_VENDOR, 210)
#define SIO_QUERY_RSS_PROCESSOR_INFO _WSAIOR(IOC_WS2, 37)
#ifndef SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER
#define SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER _WSAIORW(IOC_WS2, 36)
#endif
#ifndef CMSG_FIRSTHDR
#define CMSG_FIRSTHDR WSA_CMSG_FIRSTHDR
#define CMSG_NXTHDR WSA_CMSG_NXTHDR
#endif

/*
 * mswsockdef.h, mswsock.h: registered I/O. The code must compile; it never runs, since msquic takes registered
 * I/O only when asked to (QUIC_EXECUTION_CONFIG_FLAG_RIO).
 */
typedef struct RIO_BUFFERID_t *RIO_BUFFERID;
typedef struct RIO_CQ_t *RIO_CQ;
typedef struct RIO_RQ_t *RIO_RQ;
typedef struct { LONG Status; ULONG BytesTransferred; ULONGLONG SocketContext; ULONGLONG RequestContext; } RIORESULT;
typedef struct { RIO_BUFFERID BufferId; ULONG Offset; ULONG Length; } RIO_BUF, *PRIO_BUF;
typedef struct { ULONG TotalLength; } RIO_CMSG_BUFFER, *PRIO_CMSG_BUFFER;
#define RIO_CMSG_BASE_SIZE WSA_CMSGHDR_ALIGN(sizeof(RIO_CMSG_BUFFER))
#define RIO_MSG_DONT_NOTIFY 1
#define RIO_MSG_DEFER 2
#define RIO_MSG_WAITALL 4
#define RIO_MSG_COMMIT_ONLY 8
#define RIO_INVALID_BUFFERID ((RIO_BUFFERID)(ULONG_PTR)0xFFFFFFFF)
#define RIO_INVALID_CQ ((RIO_CQ)0)
#define RIO_INVALID_RQ ((RIO_RQ)0)
#define RIO_MAX_CQ_SIZE 0x8000000
#define RIO_CORRUPT_CQ 0xFFFFFFFF
typedef enum { RIO_EVENT_COMPLETION = 1, RIO_IOCP_COMPLETION = 2 } RIO_NOTIFICATION_COMPLETION_TYPE;
typedef struct {
    RIO_NOTIFICATION_COMPLETION_TYPE Type;
    union {
        struct { HANDLE EventHandle; BOOL NotifyReset; } Event;
        struct { HANDLE IocpHandle; PVOID CompletionKey; PVOID Overlapped; } Iocp;
    };
} RIO_NOTIFICATION_COMPLETION;
typedef struct {
    DWORD cbSize;
    BOOL (PASCAL *RIOReceive)(RIO_RQ, PRIO_BUF, ULONG, DWORD, PVOID);
    int (PASCAL *RIOReceiveEx)(RIO_RQ, PRIO_BUF, ULONG, PRIO_BUF, PRIO_BUF, PRIO_BUF, PRIO_BUF, DWORD, PVOID);
    BOOL (PASCAL *RIOSend)(RIO_RQ, PRIO_BUF, ULONG, DWORD, PVOID);
    BOOL (PASCAL *RIOSendEx)(RIO_RQ, PRIO_BUF, ULONG, PRIO_BUF, PRIO_BUF, PRIO_BUF, PRIO_BUF, DWORD, PVOID);
    void (PASCAL *RIOCloseCompletionQueue)(RIO_CQ);
    RIO_CQ (PASCAL *RIOCreateCompletionQueue)(DWORD, RIO_NOTIFICATION_COMPLETION *);
    RIO_RQ (PASCAL *RIOCreateRequestQueue)(SOCKET, ULONG, ULONG, ULONG, ULONG, RIO_CQ, RIO_CQ, PVOID);
    ULONG (PASCAL *RIODequeueCompletion)(RIO_CQ, RIORESULT *, ULONG);
    void (PASCAL *RIODeregisterBuffer)(RIO_BUFFERID);
    int (PASCAL *RIONotify)(RIO_CQ);
    RIO_BUFFERID (PASCAL *RIORegisterBuffer)(PCHAR, DWORD);
    BOOL (PASCAL *RIOResizeCompletionQueue)(RIO_CQ, DWORD);
    BOOL (PASCAL *RIOResizeRequestQueue)(RIO_RQ, DWORD, DWORD);
} RIO_EXTENSION_FUNCTION_TABLE;
#define WSAID_MULTIPLE_RIO \
    {0x8509e081, 0x96dd, 0x4005, {0xb1, 0x65, 0x9e, 0x2e, 0xe8, 0xc7, 0x9e, 0x3f}}
#define RIO_CMSG_FIRSTHDR(b) \
    (((b)->TotalLength >= RIO_CMSG_BASE_SIZE + sizeof(WSACMSGHDR)) \
         ? (WSACMSGHDR *)((char *)(b) + RIO_CMSG_BASE_SIZE) \
         : (WSACMSGHDR *)0)
#define RIO_CMSG_NEXTHDR(b, c) \
    ((c) == 0 ? RIO_CMSG_FIRSTHDR(b) \
     : ((unsigned char *)(c) + WSA_CMSGHDR_ALIGN((c)->cmsg_len) + sizeof(WSACMSGHDR) > \
        (unsigned char *)(b) + (b)->TotalLength) \
         ? (WSACMSGHDR *)0 \
         : (WSACMSGHDR *)((unsigned char *)(c) + WSA_CMSGHDR_ALIGN((c)->cmsg_len)))
