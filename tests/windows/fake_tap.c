/*
 * A driver that looks like TAP-Windows6 to a program, for Wine. What the program writes comes out of a second
 * device, the wire, and what is written to the wire goes to the program: "wire.c" carries both on.
 *
 *   program ── \\.\Global\{GUID}.tap ── this driver ── \\.\Global\lanparty-wire ── wire.exe ── UDP ── Linux TAP
 *
 * Like the real one it wants one opener at a time, takes frames only while its cable is plugged in, lets reads
 * wait, and cancels them. It is no kinder with what is written: a write ends later, when the stack gives its buffer
 * back, and cannot be cancelled; the first ones after a start are taken and lost, since the stack has not joined yet;
 * a VLAN's tag is taken off and handed on beside the frame, where nobody here looks; short frames are padded. Which of
 * the settings is the MAC depends on the version.
 *
 * Wine runs a driver's dispatch routines one after the other, on one thread; a lock is kept all the same for
 * cancellations.
 */
#include <ntddk.h>

#define TAP_CONTROL(n) CTL_CODE(FILE_DEVICE_UNKNOWN, n, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define GUID_TEXT L"{11111111-2222-3333-4444-555555555555}"
#define TAP_DEVICE L"\\Device\\" GUID_TEXT L".tap"
#define TAP_LINK L"\\DosDevices\\Global\\" GUID_TEXT L".tap"
#define SETTINGS L"\\Registry\\Machine\\SYSTEM\\CurrentControlSet\\Control\\Class\\" \
                 L"{4D36E972-E325-11CE-BFC1-08002BE10318}\\0007"

/* On the wire's device: what was asked of the driver so far, and pulling the adapter out. */
#define WIRE_GET_RECORD TAP_CONTROL(0x100)
#define WIRE_SET_PRESENT TAP_CONTROL(0x101)
#define WIRE_IS_PRESENT TAP_CONTROL(0x102)

#define FRAME_BYTES 2048
#define QUEUE_FRAMES 256
#define WAITING_MAX 64
/* Writes that have not ended yet, and those after a start that are lost. */
#define HELD_MAX 16
#define LOST_AFTER_START 2
#define FRAME_BYTES_MIN 60
#define TAGGED 0x8100

struct end {
    DEVICE_OBJECT *device;
    IRP *waiting[WAITING_MAX];
    unsigned waiting_count;
    /* frames on their way to this end */
    unsigned char frames[QUEUE_FRAMES][FRAME_BYTES];
    ULONG lengths[QUEUE_FRAMES];
    unsigned head, tail;
};

/* The program that has the adapter. Wine tells a program nothing of an open that a driver refuses: what it asks for
   then is refused as well. */
static FILE_OBJECT *owner;

/* What WIRE_GET_RECORD returns, little-endian. */
static struct {
    ULONG opened, closed, mac_reads, version_reads, mtu_reads, media_on, media_off;
    ULONG reads, writes, dropped, too_short, lost, untagged, padded, too_long;
} record;

static struct end tap, wire;
/* The oldest first. */
static IRP *held[HELD_MAX];
static unsigned held_count, lost_left = LOST_AFTER_START;
static BOOLEAN media, absent;
static unsigned char mac[6];
static KSPIN_LOCK lock;

static NTSTATUS finish(IRP *irp, NTSTATUS status, ULONG_PTR bytes)
{
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = bytes;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

static struct end *end_of(DEVICE_OBJECT *device)
{
    return device == tap.device ? &tap : &wire;
}

static void copy(unsigned char *to, const unsigned char *from, ULONG length)
{
    while (length--) *to++ = *from++;
}

static void WINAPI cancel_read(DEVICE_OBJECT *device, IRP *irp)
{
    struct end *end = end_of(device);
    KIRQL irql;
    BOOLEAN found = FALSE;
    IoReleaseCancelSpinLock(irp->CancelIrql);
    KeAcquireSpinLock(&lock, &irql);
    for (unsigned i = 0; i < end->waiting_count; i++) {
        if (end->waiting[i] == irp) found = TRUE;
        if (found && i + 1 < end->waiting_count) end->waiting[i] = end->waiting[i + 1];
    }
    if (found) end->waiting_count--;
    KeReleaseSpinLock(&lock, irql);
    if (found) finish(irp, STATUS_CANCELLED, 0);
}

/* The read that has waited longest, or none; it cannot be cancelled any more. */
static IRP *take_waiting(struct end *end)
{
    IRP *irp = NULL;
    KIRQL irql;
    KeAcquireSpinLock(&lock, &irql);
    if (end->waiting_count > 0) {
        irp = end->waiting[0];
        end->waiting_count--;
        for (unsigned i = 0; i < end->waiting_count; i++) end->waiting[i] = end->waiting[i + 1];
        IoSetCancelRoutine(irp, NULL);
    }
    KeReleaseSpinLock(&lock, irql);
    return irp;
}

static void end_waiting(struct end *end, NTSTATUS status)
{
    for (IRP *irp = take_waiting(end); irp != NULL; irp = take_waiting(end)) finish(irp, status, 0);
}

/* Ends a read with a frame; one that its buffer does not hold is lost, and no other with it. */
static void finish_read(struct end *end, IRP *irp, const unsigned char *frame, ULONG length)
{
    if (length > IoGetCurrentIrpStackLocation(irp)->Parameters.Read.Length) {
        if (end == &tap) record.too_long++;
        finish(irp, STATUS_BUFFER_OVERFLOW, 0);
        return;
    }
    copy(irp->AssociatedIrp.SystemBuffer, frame, length);
    finish(irp, STATUS_SUCCESS, length);
}

/* Hands a frame to an end: to a waiting read, or into its queue. */
static void deliver(struct end *end, const unsigned char *frame, ULONG length)
{
    IRP *irp = take_waiting(end);
    if (irp != NULL) finish_read(end, irp, frame, length);
    else if (end->tail - end->head == QUEUE_FRAMES || length > FRAME_BYTES) record.dropped++;
    else {
        unsigned at = end->tail++ % QUEUE_FRAMES;
        copy(end->frames[at], frame, length);
        end->lengths[at] = length;
    }
}

/* A text of the adapter's settings, or none; returns its length. */
static ULONG read_setting(const WCHAR *value_name, WCHAR *text, ULONG units)
{
    UNICODE_STRING path, name;
    OBJECT_ATTRIBUTES attributes;
    HANDLE key;
    unsigned char buffer[128];
    KEY_VALUE_PARTIAL_INFORMATION *value = (KEY_VALUE_PARTIAL_INFORMATION *)buffer;
    ULONG length, count = 0;
    RtlInitUnicodeString(&path, SETTINGS);
    RtlInitUnicodeString(&name, value_name);
    InitializeObjectAttributes(&attributes, &path, OBJ_CASE_INSENSITIVE, NULL, NULL);
    if (ZwOpenKey(&key, KEY_READ, &attributes) != STATUS_SUCCESS) return 0;
    if (ZwQueryValueKey(key, &name, KeyValuePartialInformation, buffer, sizeof buffer, &length) == STATUS_SUCCESS) {
        count = value->DataLength / sizeof(WCHAR);
        if (count > units) count = units;
        copy((unsigned char *)text, value->Data, count * sizeof(WCHAR));
    }
    ZwClose(key);
    return count;
}

/* What DriverVersion of the settings begins with, such as "9.27". */
static void read_version(ULONG version[3])
{
    WCHAR text[32];
    ULONG length = read_setting(L"DriverVersion", text, 32), part = 0;
    version[0] = version[1] = version[2] = 0;
    for (ULONG i = 0; i < length && part < 2; i++) {
        if (text[i] == '.') part++;
        else if (text[i] >= '0' && text[i] <= '9') version[part] = version[part] * 10 + text[i] - '0';
    }
}

/* Of the adapter's settings, 12 hex digits, as the real driver reads it when it starts: up to 9.23 from a value of its
   own. */
static void read_mac(void)
{
    static const unsigned char permanent[6] = {0x00, 0xff, 0x11, 0x22, 0x33, 0x44};
    WCHAR digits[12];
    ULONG version[3];
    read_version(version);
    BOOLEAN is_old = version[0] == 9 && version[1] < 24;
    copy(mac, permanent, 6);
    if (read_setting(is_old ? L"MAC" : L"NetworkAddress", digits, 12) < 12) return;
    for (int i = 0; i < 6; i++) {
        int octet = 0;
        for (int j = 0; j < 2; j++) {
            WCHAR digit = digits[2 * i + j];
            octet = octet * 16 + (digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
        }
        mac[i] = (unsigned char)octet;
    }
    /* Versions from 9.24 on take none but those that are locally administered, and no group's. */
    if (!is_old && (mac[0] & 3) != 2) copy(mac, permanent, 6);
}

/* The MTU of the settings, where there is one. */
static ULONG read_mtu(void)
{
    WCHAR text[8];
    ULONG length = read_setting(L"MTU", text, 8), mtu = 0;
    for (ULONG i = 0; i < length && text[i] >= '0' && text[i] <= '9'; i++) mtu = mtu * 10 + text[i] - '0';
    return mtu == 0 ? 1500 : mtu;
}

/* Ends the oldest writes until so many are left. */
static void end_held(unsigned left)
{
    while (held_count > left) {
        IRP *irp = held[0];
        held_count--;
        for (unsigned i = 0; i < held_count; i++) held[i] = held[i + 1];
        finish(irp, STATUS_SUCCESS, IoGetCurrentIrpStackLocation(irp)->Parameters.Write.Length);
    }
}

static NTSTATUS WINAPI on_create(DEVICE_OBJECT *device, IRP *irp)
{
    struct end *end = end_of(device);
    if (end == &tap) {
        if (absent) return finish(irp, STATUS_NO_SUCH_DEVICE, 0);
        if (owner != NULL) return finish(irp, STATUS_UNSUCCESSFUL, 0);
        owner = IoGetCurrentIrpStackLocation(irp)->FileObject;
        record.opened++;
    }
    return finish(irp, STATUS_SUCCESS, 0);
}

static BOOLEAN is_refused(DEVICE_OBJECT *device, IRP *irp)
{
    return end_of(device) == &tap && IoGetCurrentIrpStackLocation(irp)->FileObject != owner;
}

static NTSTATUS WINAPI on_cleanup(DEVICE_OBJECT *device, IRP *irp)
{
    if (!is_refused(device, irp)) end_waiting(end_of(device), STATUS_CANCELLED);
    if (end_of(device) == &tap && !is_refused(device, irp)) end_held(0);
    return finish(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS WINAPI on_close(DEVICE_OBJECT *device, IRP *irp)
{
    if (end_of(device) == &tap && !is_refused(device, irp)) {
        owner = NULL;
        record.closed++;
        media = FALSE;
        tap.head = tap.tail;
    }
    return finish(irp, STATUS_SUCCESS, 0);
}

/* A device that is gone has no name any more. */
static void set_present(BOOLEAN present)
{
    UNICODE_STRING device, symbol;
    RtlInitUnicodeString(&device, TAP_DEVICE);
    RtlInitUnicodeString(&symbol, TAP_LINK);
    if (present == !absent) return;
    absent = !present;
    if (absent) {
        IoDeleteSymbolicLink(&symbol);
        end_waiting(&tap, STATUS_NO_SUCH_DEVICE);
    } else {
        read_mac();
        lost_left = LOST_AFTER_START;
        IoCreateSymbolicLink(&symbol, &device);
    }
}

static NTSTATUS answer(IRP *irp, const void *bytes, ULONG length)
{
    IO_STACK_LOCATION *stack = IoGetCurrentIrpStackLocation(irp);
    if (stack->Parameters.DeviceIoControl.OutputBufferLength < length) {
        return finish(irp, STATUS_BUFFER_TOO_SMALL, 0);
    }
    copy(irp->AssociatedIrp.SystemBuffer, bytes, length);
    return finish(irp, STATUS_SUCCESS, length);
}

static NTSTATUS WINAPI on_control(DEVICE_OBJECT *device, IRP *irp)
{
    ULONG version[3], mtu;
    IO_STACK_LOCATION *stack = IoGetCurrentIrpStackLocation(irp);
    ULONG argument = 0;
    if (stack->Parameters.DeviceIoControl.InputBufferLength >= 4) {
        copy((unsigned char *)&argument, irp->AssociatedIrp.SystemBuffer, 4);
    }
    if (end_of(device) == &wire) {
        switch (stack->Parameters.DeviceIoControl.IoControlCode) {
        case WIRE_GET_RECORD:
            return answer(irp, &record, sizeof record);
        case WIRE_SET_PRESENT:
            set_present(argument != 0);
            return finish(irp, STATUS_SUCCESS, 0);
        case WIRE_IS_PRESENT:
            argument = !absent;
            return answer(irp, &argument, sizeof argument);
        }
        return finish(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
    if (is_refused(device, irp)) return finish(irp, STATUS_UNSUCCESSFUL, 0);
    switch (stack->Parameters.DeviceIoControl.IoControlCode) {
    case TAP_CONTROL(1):
        record.mac_reads++;
        return answer(irp, mac, sizeof mac);
    case TAP_CONTROL(2):
        record.version_reads++;
        read_version(version);
        return answer(irp, version, sizeof version);
    case TAP_CONTROL(3):
        record.mtu_reads++;
        mtu = read_mtu();
        return answer(irp, &mtu, sizeof mtu);
    case TAP_CONTROL(6):
        media = argument != 0;
        if (media) record.media_on++;
        else record.media_off++;
        return finish(irp, STATUS_SUCCESS, 1);
    }
    return finish(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
}

static NTSTATUS WINAPI on_read(DEVICE_OBJECT *device, IRP *irp)
{
    struct end *end = end_of(device);
    KIRQL irql;
    BOOLEAN waits = FALSE;
    if (end == &tap) {
        record.reads++;
        if (absent) return finish(irp, STATUS_NO_SUCH_DEVICE, 0);
        if (!media || is_refused(device, irp)) return finish(irp, STATUS_UNSUCCESSFUL, 0);
    }
    /* What was written is carried on: the stack gives its buffers back. */
    if (end == &wire) end_held(0);
    if (end->head != end->tail) {
        unsigned at = end->head++ % QUEUE_FRAMES;
        /* As the real one does, which queues each read first. */
        IoMarkIrpPending(irp);
        finish_read(end, irp, end->frames[at], end->lengths[at]);
        return STATUS_PENDING;
    }
    IoMarkIrpPending(irp);
    KeAcquireSpinLock(&lock, &irql);
    if (end->waiting_count < WAITING_MAX) {
        waits = TRUE;
        end->waiting[end->waiting_count++] = irp;
        IoSetCancelRoutine(irp, cancel_read);
    }
    KeReleaseSpinLock(&lock, irql);
    if (!waits) finish(irp, STATUS_INSUFFICIENT_RESOURCES, 0);
    return STATUS_PENDING;
}

/* A frame as the stack gets it: without its VLAN's tag, and of at least 60 bytes. */
static void deliver_written(const unsigned char *frame, ULONG length)
{
    static unsigned char made[FRAME_BYTES];
    ULONG tag = length >= 18 && (frame[12] << 8 | frame[13]) == TAGGED ? 4 : 0, made_length = length - tag;
    if (length > FRAME_BYTES) {
        record.dropped++;
        return;
    }
    copy(made, frame, 12);
    copy(made + 12, frame + 12 + tag, made_length - 12);
    if (tag != 0) record.untagged++;
    if (made_length < FRAME_BYTES_MIN) {
        record.padded++;
        while (made_length < FRAME_BYTES_MIN) made[made_length++] = 0;
    }
    deliver(&wire, made, made_length);
}

static NTSTATUS WINAPI on_write(DEVICE_OBJECT *device, IRP *irp)
{
    ULONG length = IoGetCurrentIrpStackLocation(irp)->Parameters.Write.Length;
    const unsigned char *frame = irp->AssociatedIrp.SystemBuffer;
    if (end_of(device) == &wire) {
        if (media && !absent) deliver(&tap, frame, length);
        else record.dropped++;
    } else {
        record.writes++;
        if (absent) return finish(irp, STATUS_NO_SUCH_DEVICE, 0);
        if (is_refused(device, irp)) return finish(irp, STATUS_UNSUCCESSFUL, 0);
        if (!media) return finish(irp, STATUS_CANCELLED, 0);
        if (length < 14) {
            record.too_short++;
            return finish(irp, STATUS_BUFFER_TOO_SMALL, 0);
        }
        if (lost_left > 0) {
            lost_left--;
            record.lost++;
        } else deliver_written(frame, length);
        IoMarkIrpPending(irp);
        end_held(HELD_MAX - 1);
        held[held_count++] = irp;
        return STATUS_PENDING;
    }
    return finish(irp, STATUS_SUCCESS, length);
}

static NTSTATUS make(DRIVER_OBJECT *driver, struct end *end, const WCHAR *name, const WCHAR *link)
{
    UNICODE_STRING device, symbol;
    NTSTATUS status;
    RtlInitUnicodeString(&device, name);
    RtlInitUnicodeString(&symbol, link);
    status = IoCreateDevice(driver, 0, &device, FILE_DEVICE_UNKNOWN, 0, FALSE, &end->device);
    if (status != STATUS_SUCCESS) return status;
    end->device->Flags |= DO_BUFFERED_IO;
    end->device->Flags &= ~DO_DEVICE_INITIALIZING;
    return IoCreateSymbolicLink(&symbol, &device);
}

NTSTATUS WINAPI DriverEntry(DRIVER_OBJECT *driver, UNICODE_STRING *path)
{
    NTSTATUS status;
    (void)path;
    KeInitializeSpinLock(&lock);
    read_mac();
    driver->MajorFunction[IRP_MJ_CREATE] = on_create;
    driver->MajorFunction[IRP_MJ_CLEANUP] = on_cleanup;
    driver->MajorFunction[IRP_MJ_CLOSE] = on_close;
    driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = on_control;
    driver->MajorFunction[IRP_MJ_READ] = on_read;
    driver->MajorFunction[IRP_MJ_WRITE] = on_write;
    status = make(driver, &tap, TAP_DEVICE, TAP_LINK);
    if (status != STATUS_SUCCESS) return status;
    return make(driver, &wire, L"\\Device\\lanparty-wire", L"\\DosDevices\\Global\\lanparty-wire");
}
