// SPDX-License-Identifier: BSD-2-Clause
/*
 * xenstore.c - the guest's client of xenstore, over the shared page with its two byte rings.
 *
 * A request lives on its caller's stack, in a list, until the answer with its number arrives. Bytes
 * are taken from the answer ring whenever the event comes (receive()), piece by piece, since a
 * message is longer than the ring. Only one thread at a time may be putting a request into the ring;
 * the others wait for their turn.
 *
 * The store's side is not trusted: indexes outside of the ring or a length beyond the protocol's
 * limit end the connection (all calls fail); an answer nobody waits for is dropped.
 */
#include "drivers/xenstore.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/io/xs_wire.h>

#include "platform/xen/guest.h"

enum {
    WATCHES_MAX = 64,
    PARTS_MAX = 3,
    TIMEOUT_S = 60,                     /* a host with a thousand guests answers late */
    LISTING_MAX = 1 << 20,
};

struct part {
    const void *bytes;
    size_t length;
};

struct request {
    struct request *next;
    struct thread *thread;
    uint32_t id, type;
    bool done;
    int error;
    char *body;                         /* of the answer: malloc'ed, `length` bytes and a NUL */
    size_t length;
};

static struct xenstore_domain_interface *ring;
static uint32_t ring_port;
static bool broken;

static struct request *waiting;         /* for an answer */
static uint32_t last_id;
static bool sending;                    /* some thread is in the middle of a message */

static struct { xenstore_changed *changed; void *argument; char *path; } watches[WATCHES_MAX];

/* The answer that is arriving. */
static struct xsd_sockmsg header;
static size_t header_length, body_length;
static char *body;                      /* NULL: no memory, the bytes are skipped */

/* ---- receiving: called between threads, must not block ---- */

static int error_number(const char *name)
{
    for (unsigned i = 0; i < sizeof xsd_errors / sizeof *xsd_errors; i++)
        if (!strcmp(xsd_errors[i].errstring, name))
            return -xsd_errors[i].errnum;
    return -EIO;
}

static void finish(struct request *r, int error)
{
    r->error = error;
    r->done = true;
    thread_answer(r->thread);
}

static void break_off(const char *why)
{
    console_printf("xenstore: %s; no more requests\n", why);
    broken = true;
    for (struct request *r = waiting; r; r = r->next)
        if (!r->done)
            finish(r, -EIO);
}

/* Body: path, NUL, token, NUL. The token is ours: the watch's number. */
static void watch_event(void)
{
    size_t path_length = body ? strnlen(body, header.len) : 0;

    if (!body || path_length + 1 >= header.len)
        return;
    unsigned long i = strtoul(body + path_length + 1, NULL, 10);
    if (i < WATCHES_MAX && watches[i].changed)
        watches[i].changed(watches[i].argument, body);
}

static void answer(void)
{
    struct request *r = waiting;

    while (r && (r->id != header.req_id || r->done))
        r = r->next;
    if (!r)
        return;                         /* timed out, or never asked */
    if (!body)
        finish(r, -ENOMEM);
    else if (header.type == XS_ERROR)
        finish(r, error_number(body));
    else if (header.type != r->type)
        finish(r, -EIO);
    else {
        r->body = body;
        r->length = header.len;
        body = NULL;
        finish(r, 0);
    }
}

static void message_complete(void)
{
    if (header.type == XS_WATCH_EVENT)
        watch_event();
    else
        answer();
    free(body);
    body = NULL;
    header_length = body_length = 0;
}

/* Copies up to `max` bytes out of the ring; how many there were. */
static size_t take(void *to, size_t max)
{
    XENSTORE_RING_IDX prod = __atomic_load_n(&ring->rsp_prod, __ATOMIC_ACQUIRE);
    XENSTORE_RING_IDX cons = ring->rsp_cons;
    size_t n = prod - cons, at = MASK_XENSTORE_IDX(cons);

    if (n > XENSTORE_RING_SIZE) {
        break_off("ring index out of range");
        return 0;
    }
    if (n > max)
        n = max;
    size_t first = n < XENSTORE_RING_SIZE - at ? n : XENSTORE_RING_SIZE - at;
    if (to) {
        memcpy(to, ring->rsp + at, first);
        memcpy((char *)to + first, ring->rsp, n - first);
    }
    /* The store may overwrite these bytes once it sees the index: it must not before they are read. */
    __atomic_store_n(&ring->rsp_cons, cons + (XENSTORE_RING_IDX)n, __ATOMIC_RELEASE);
    return n;
}

static bool receive_some(void)
{
    size_t n;

    if (header_length < sizeof header) {
        n = take((char *)&header + header_length, sizeof header - header_length);
        header_length += n;
        if (header_length < sizeof header)
            return n > 0;
        if (header.len > XENSTORE_PAYLOAD_MAX) {
            break_off("message too long");
            return false;
        }
        body = malloc(header.len + 1);
        if (body)
            body[header.len] = '\0';
        if (header.len == 0)
            message_complete();
        return true;
    }
    n = take(body ? body + body_length : NULL, header.len - body_length);
    body_length += n;
    if (body_length == header.len)
        message_complete();
    return n > 0;
}

static void receive(void *unused)
{
    bool any = false;

    (void)unused;
    while (!broken && receive_some())
        any = true;
    if (any)
        event_notify(ring_port);        /* it may wait for room in the ring */
    /* Those that wait for room to send or for their turn to. */
    for (struct request *r = waiting; r; r = r->next)
        thread_answer(r->thread);
}

/* ---- sending ---- */

static uint32_t room(void)
{
    uint32_t used = ring->req_prod - __atomic_load_n(&ring->req_cons, __ATOMIC_ACQUIRE);

    return used <= XENSTORE_RING_SIZE ? XENSTORE_RING_SIZE - used : 0;
}

/* As much as there is room for. */
static size_t put(const char *from, size_t length)
{
    uint32_t n = room(), at = MASK_XENSTORE_IDX(ring->req_prod);

    if (n > length)
        n = (uint32_t)length;
    uint32_t first = n < XENSTORE_RING_SIZE - at ? n : XENSTORE_RING_SIZE - at;
    memcpy(ring->req + at, from, first);
    memcpy(ring->req, from + first, n - first);
    __atomic_store_n(&ring->req_prod, ring->req_prod + n, __ATOMIC_RELEASE);
    return n;
}

static bool put_all(struct request *r, const void *bytes, size_t length, uint64_t deadline)
{
    const char *from = bytes;

    while (length > 0 && !r->done) {
        size_t n = put(from, length);
        from += n;
        length -= n;
        event_notify(ring_port);
        if (length == 0)
            break;
        if (time_now() >= deadline) {
            break_off("it does not take requests");     /* half a message is in the ring */
            return false;
        }
        if (room() == 0)
            thread_await(deadline);
    }
    return !r->done;
}

static int send(struct request *r, const struct part *parts, uint64_t deadline)
{
    struct xsd_sockmsg head = { .type = r->type, .req_id = r->id };
    size_t total = 0;

    for (unsigned i = 0; i < PARTS_MAX; i++)
        total += parts[i].length;
    if (total > XENSTORE_PAYLOAD_MAX)
        return -E2BIG;
    head.len = (uint32_t)total;
    while (sending && !r->done) {
        if (time_now() >= deadline)
            return -ETIMEDOUT;
        thread_await(deadline);
    }
    if (r->done)
        return r->error;
    sending = true;
    bool ok = put_all(r, &head, sizeof head, deadline);
    for (unsigned i = 0; ok && i < PARTS_MAX; i++)
        ok = put_all(r, parts[i].bytes, parts[i].length, deadline);
    sending = false;
    for (struct request *other = waiting; other; other = other->next)
        thread_answer(other->thread);
    return ok ? 0 : -EIO;
}

static void forget(struct request *r)
{
    struct request **at = &waiting;

    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
}

/* One request and its answer, which the caller frees when it asked for it. */
static int call(uint32_t type, const struct part *parts, char **reply, size_t *reply_length)
{
    uint64_t deadline = time_now() + (uint64_t)TIMEOUT_S * 1000000000;
    struct request r = { .thread = thread_self(), .id = ++last_id, .type = type };

    if (!ring)
        return -ENODEV;
    if (broken)
        return -EIO;
    r.next = waiting;
    waiting = &r;
    int error = send(&r, parts, deadline);
    while (!error && !r.done) {
        thread_await(deadline);
        if (!r.done && time_now() >= deadline)
            error = -ETIMEDOUT;
    }
    forget(&r);
    if (r.done)
        error = r.error;
    if (error || !reply)
        free(r.body);
    else
        *reply = r.body;
    if (!error && reply_length)
        *reply_length = r.length;
    return error;
}

/* ---- the calls ---- */

#define TEXT(s) { (s), strlen(s) + 1 }

int xenstore_init(void *page, uint32_t port)
{
    ring = page;
    ring_port = port;
    if (!ring)
        return -ENODEV;
    return event_bind(port, receive, NULL);
}

int xenstore_read(const char *path, char **value, size_t *length)
{
    return call(XS_READ, (struct part[PARTS_MAX]){ TEXT(path) }, value, length);
}

int xenstore_read_text(const char *path, char *buffer, size_t size)
{
    char *value;
    int error = xenstore_read(path, &value, NULL);

    if (error)
        return error;
    snprintf(buffer, size, "%s", value);
    free(value);
    return 0;
}

int xenstore_read_number(const char *path, uint64_t *number)
{
    char text[24], *end;
    int error = xenstore_read_text(path, text, sizeof text);

    if (error)
        return error;
    if (text[0] < '0' || text[0] > '9')
        return -EINVAL;
    *number = strtoull(text, &end, 10);
    return *end ? -EINVAL : 0;
}

int xenstore_write(const char *path, const char *value, size_t length)
{
    return call(XS_WRITE, (struct part[PARTS_MAX]){ TEXT(path), { value, length } }, NULL, NULL);
}

int xenstore_printf(const char *path, const char *format, ...)
{
    char value[256];
    va_list arguments;

    va_start(arguments, format);
    int n = vsnprintf(value, sizeof value, format, arguments);
    va_end(arguments);
    if (n < 0 || (size_t)n >= sizeof value)
        return -E2BIG;
    return xenstore_write(path, value, (size_t)n);
}

/*
 * A listing that does not fit one message comes in parts: generation count, NUL, a piece; an empty
 * name ends the last one. A new generation means that the directory changed: start again.
 */
static int directory_in_parts(const char *path, char **names, size_t *length)
{
    char *listing = NULL, generation[24] = "";
    size_t total = 0;

    for (unsigned attempt = 0; attempt < 1000;) {
        char offset[24], *piece;
        size_t n;
        snprintf(offset, sizeof offset, "%zu", total);
        int error = call(XS_DIRECTORY_PART, (struct part[PARTS_MAX]){ TEXT(path), TEXT(offset) },
                         &piece, &n);
        if (error) {
            free(listing);
            return error;
        }
        size_t skip = strnlen(piece, n) + 1;
        if (skip > n || skip > sizeof generation) {
            free(piece);
            free(listing);
            return -EIO;
        }
        if (total > 0 && strcmp(piece, generation)) {
            free(piece);
            total = 0;
            attempt++;
            continue;
        }
        memcpy(generation, piece, skip);
        n -= skip;
        char *longer = total + n <= LISTING_MAX ? realloc(listing, total + n + 1) : NULL;
        if (!longer) {
            free(piece);
            free(listing);
            return -ENOMEM;
        }
        listing = longer;
        memcpy(listing + total, piece + skip, n);
        free(piece);
        total += n;
        listing[total] = '\0';
        if (n == 0 || (n == 1 && listing[total - 1] == '\0') ||
            (n >= 2 && listing[total - 1] == '\0' && listing[total - 2] == '\0')) {
            *names = listing;
            *length = total && listing[total - 1] == '\0' ? total - 1 : total;
            return 0;
        }
    }
    free(listing);
    return -EAGAIN;
}

int xenstore_directory(const char *path, char **names, size_t *length)
{
    int error = call(XS_DIRECTORY, (struct part[PARTS_MAX]){ TEXT(path) }, names, length);

    return error == -E2BIG ? directory_in_parts(path, names, length) : error;
}

int xenstore_remove(const char *path)
{
    return call(XS_RM, (struct part[PARTS_MAX]){ TEXT(path) }, NULL, NULL);
}

int xenstore_mkdir(const char *path)
{
    return call(XS_MKDIR, (struct part[PARTS_MAX]){ TEXT(path) }, NULL, NULL);
}

int xenstore_set_permissions(const char *path, const char *permissions)
{
    return call(XS_SET_PERMS, (struct part[PARTS_MAX]){ TEXT(path), TEXT(permissions) }, NULL, NULL);
}

int xenstore_watch(const char *path, xenstore_changed *changed, void *argument)
{
    char token[12];
    int i = 0;

    while (i < WATCHES_MAX && watches[i].changed)
        i++;
    if (i == WATCHES_MAX)
        return -ENOSPC;
    char *copy = strdup(path);
    if (!copy)
        return -ENOMEM;
    watches[i].changed = changed;
    watches[i].argument = argument;
    watches[i].path = copy;
    snprintf(token, sizeof token, "%d", i);
    int error = call(XS_WATCH, (struct part[PARTS_MAX]){ TEXT(path), TEXT(token) }, NULL, NULL);
    if (error) {
        watches[i].changed = NULL;
        free(copy);
        return error;
    }
    return i;
}

void xenstore_unwatch(int handle)
{
    char token[12];

    if (handle < 0 || handle >= WATCHES_MAX || !watches[handle].changed)
        return;
    snprintf(token, sizeof token, "%d", handle);
    call(XS_UNWATCH, (struct part[PARTS_MAX]){ TEXT(watches[handle].path), TEXT(token) }, NULL, NULL);
    free(watches[handle].path);
    watches[handle].path = NULL;
    watches[handle].changed = NULL;
}

void xenstore_post(const char *path, const char *value)
{
    struct xsd_sockmsg head = { .type = XS_WRITE, .req_id = UINT32_MAX,
                                .len = (uint32_t)(strlen(path) + 1 + strlen(value)) };

    if (!ring || broken || sending || room() < sizeof head + head.len)
        return;
    put((const char *)&head, sizeof head);
    put(path, strlen(path) + 1);
    put(value, strlen(value));
    event_notify(ring_port);
}
