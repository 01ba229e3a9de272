// SPDX-License-Identifier: BSD-2-Clause
/*
 * packet.h - a packet: what we know of it, apart from its bytes.
 *
 * The bytes live in a buffer whose page may be granted to a backend that we do not
 * trust, so nothing we rely on stands there: struct packet is ours alone. It is two
 * cache lines; the first has all that forwarding touches.
 *
 *     head        data                 data+length          head+capacity
 *      | headroom  | the packet's bytes | tailroom            |
 *
 * - Packets and buffers come from a pool and go back to it: packet_free(). There are a few large buffers in
 *   it too. Nothing here allocates from the heap, except packet_make() of a frame that no pool buffer that is
 *   free can hold.
 * - A clone has marks, annotations and data/length of its own but shares the
 *   bytes: writers call packet_writable() first, which copies when the bytes are shared.
 * - Functions that may have to move the packet return the packet to use from then on,
 *   or NULL when the pool is empty; then the packet has been freed and counted.
 * - A pool that is empty answers NULL: callers drop and count, they never wait.
 * - Each thread takes packets from a stack of its own and frees them into it, whoever took them. Between
 *   tasks it calls packet_pool_exchange(), which passes on what it has too many of.
 */
#ifndef ROUTER_PACKET_H
#define ROUTER_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "platform/platform.h"

enum {
    PACKET_HEADROOM = 64,           /* what a packet made here has in front, bytes */
    PACKET_ANNOTATIONS = 48,        /* Click's annotation area, bytes */
    PACKET_LENGTH_MAX = 65535 + 64, /* longer ones are refused everywhere */
};

/* Where a frame was addressed to, Click's packet type annotation (linux/if_packet.h numbers). */
enum packet_type {
    PACKET_HOST = 0, PACKET_BROADCAST, PACKET_MULTICAST, PACKET_OTHERHOST, PACKET_OUTGOING,
};

/* Offsets into the annotation area: Click's (packet_anno.hh), some overlap on purpose. */
enum {
    ANNO_DST_IP = 0,                /* 4 bytes, network order */
    ANNO_DST_IP6 = 0,               /* 16 */
    ANNO_PAINT = 16,                /* 1 */
    ANNO_ICMP_PARAMPROB = 17,       /* 1 */
    ANNO_FIX_IP_SRC = 19,           /* 1 */
    ANNO_VLAN_TCI = 20,             /* 2, network order */
    ANNO_AGGREGATE = 20,            /* 4 */
    ANNO_EXTRA_PACKETS = 24,        /* 4 */
    ANNO_EXTRA_LENGTH = 28,         /* 4 */
    ANNO_FIRST_TIMESTAMP = 32,      /* 8 */
    ANNO_PACKET_NUMBER = 32,        /* 4 */
    ANNO_SEQUENCE_NUMBER = 36,      /* 4 */
};

struct packet {
    uint8_t *data;
    uint8_t *head;
    uint8_t *mac;                   /* header marks: NULL, or inside the buffer */
    uint8_t *network;
    uint8_t *transport;
    struct packet *owner;           /* whose buffer `head` is: itself, or the packet cloned */
    uint32_t length;
    uint32_t capacity;
    uint32_t refs;                  /* users of this struct's buffer: itself and its clones */
    uint8_t type;                   /* enum packet_type */
    uint8_t flags;                  /* PACKET_F_* */
    uint16_t segment_size;          /* TCP payload of each segment that this stands for; 0: it is one (offload.h) */

    uint8_t anno[PACKET_ANNOTATIONS] __attribute__((aligned(8)));
    uint64_t timestamp_ns;          /* since 1970; 0: none */
    struct packet *next;            /* for whoever holds the packet, to make a list */
};

_Static_assert(sizeof(struct packet) == 128, "two cache lines");

enum {
    PACKET_F_HEAP = 1,              /* the buffer came from the heap: too long for any of the pool's */
    PACKET_F_SHELL = 2,             /* the struct has no buffer of its own for life: a clone's, or with one from elsewhere */
    PACKET_F_LARGE = 4,             /* the buffer is one of the pool's large ones */
    PACKET_F_BLANK = 8,             /* its transport checksum is not filled in (offload.h) */
    PACKET_F_BUFFER = PACKET_F_HEAP | PACKET_F_SHELL | PACKET_F_LARGE,
};

/* What a large buffer of the pool holds: the longest IP packet there is, a frame around it and headroom. */
enum { PACKET_LARGE_CAPACITY = 17 * 4096 };

/* ---- the pool ---- */

struct packet_pool_stats {
    uint32_t total;                 /* packets with a buffer in the pool, in use or not */
    uint32_t free;
    uint32_t shells_free;           /* structs for clones */
    uint32_t shells_total;
    uint32_t limit;                 /* `total` never grows beyond */
    uint64_t failures;              /* times that somebody got NULL */
    uint32_t heap;                  /* packets with a heap buffer, in use */
    uint32_t large_total, large_free;   /* large buffers */
};

/* Grows in chunks up to `limit` buffers, when they are needed; `prefill` of them at once. 0 or -ENOMEM. */
int packet_pool_init(uint32_t prefill, uint32_t limit);
/* Makes sure that at least n packets are free, within the limit; says how many are. */
uint32_t packet_pool_reserve(uint32_t n);
void packet_pool_stats(struct packet_pool_stats *stats);
/* Packets that somebody holds. Zero when all came back. */
uint32_t packet_pool_in_use(void);
/*
 * From now on there may be `threads` of them. False: no memory. Each but the first calls join before it touches
 * packets and leave when it ends; all call exchange between tasks.
 */
bool packet_pool_share(unsigned threads);
bool packet_pool_join(void);
void packet_pool_leave(void);
void packet_pool_exchange(void);
/* Gives all memory back; only when none is in use (tests, process exit). */
void packet_pool_destroy(void);
/* Bytes that a pool buffer holds, headroom included. */
uint32_t packet_pool_capacity(void);

/* ---- making and freeing ---- */

/* For the functions below only: structs that own a buffer and that nobody uses. */
struct packet_stack {
    struct packet **packet;
    uint32_t n, room;
};
extern PER_THREAD struct packet_stack packet_pool_full;

#if defined(__SANITIZE_ADDRESS__)
/* Tells ASan that nobody may look into a buffer while it lies in the pool. */
void __asan_poison_memory_region(void const volatile *address, size_t size);
void __asan_unpoison_memory_region(void const volatile *address, size_t size);
#define PACKET_HIDE(address, size) __asan_poison_memory_region(address, size)
#define PACKET_SHOW(address, size) __asan_unpoison_memory_region(address, size)
#else
#define PACKET_HIDE(address, size) ((void)0)
#define PACKET_SHOW(address, size) ((void)0)
#endif

bool packet_pool_grow(void);

/* An empty packet: length 0, PACKET_HEADROOM in front, marks and annotations clear. NULL: pool empty. */
static inline struct packet *packet_new(void)
{
    struct packet *p;

    if (__builtin_expect(!packet_pool_full.n, 0) && !packet_pool_grow())
        return NULL;
    p = packet_pool_full.packet[--packet_pool_full.n];
    PACKET_SHOW(p->head, p->capacity);
    p->data = p->head + PACKET_HEADROOM;
    p->mac = p->network = p->transport = NULL;
    p->length = 0;
    p->refs = 1;
    p->type = PACKET_HOST;
    p->flags = 0;
    p->segment_size = 0;
    memset(p->anno, 0, sizeof p->anno);
    p->timestamp_ns = 0;
    return p;
}

/*
 * Room for `headroom` + `length` + `tailroom` bytes; `data` may be NULL (bytes undefined). More than a pool buffer
 * holds: in a large one if there is one free, else from the heap.
 */
struct packet *packet_make(uint32_t headroom, const void *data, uint32_t length,
                           uint32_t tailroom);
void packet_free_shared(struct packet *p);
/* Frees the first of n, and with it those that follow it and are clones of the same packet; says how many. */
unsigned packet_free_alike(struct packet *const *p, unsigned n);

/*
 * Mostly it has a buffer of the pool that nobody shares: refs 1, no flag of another buffer, looked at together. When it was shared what
 * other users of the buffer did is done: on this processor a load and what depends on it keep their order, so
 * that a plain one does, which compilers put into the instruction that masks. Only ThreadSanitizer must be told.
 */
static inline bool packet_is_plain(const struct packet *p)
{
#if defined(__SANITIZE_THREAD__)
    uint64_t word = __atomic_load_n((const uint64_t *)&p->refs, __ATOMIC_ACQUIRE);
#else
    uint64_t word = *(const uint64_t *)&p->refs;
#endif

    return __builtin_expect((word & ((uint64_t)PACKET_F_BUFFER << 40 | 0xFFFFFFFF)) == 1, 1);
}

_Static_assert(offsetof(struct packet, refs) % 8 == 0 &&
               offsetof(struct packet, flags) == offsetof(struct packet, refs) + 5, "see above");

static inline void packet_free_plain(struct packet *p)
{
    p->refs = 0;
    PACKET_HIDE(p->head, p->capacity);
    packet_pool_full.packet[packet_pool_full.n++] = p;
}

static inline void packet_free(struct packet *p)
{
    if (packet_is_plain(p))
        packet_free_plain(p);
    else
        packet_free_shared(p);
}

/* Shares the bytes. Marks, annotations, timestamp are copied. NULL: pool empty, p is untouched. */
struct packet *packet_clone(struct packet *p);
/* Up to n clones into a vector; says how many there was memory for. */
unsigned packet_clone_many(struct packet *p, struct packet **into, unsigned n);

/* ---- changing ---- */

struct packet *packet_writable_copy(struct packet *p, uint32_t more_head, uint32_t more_tail);

static inline bool packet_is_shared(const struct packet *p)
{
    return __atomic_load_n(&p->owner->refs, __ATOMIC_ACQUIRE) > 1;
}

static inline uint32_t packet_headroom(const struct packet *p)
{
    return (uint32_t)(p->data - p->head);
}

static inline uint32_t packet_tailroom(const struct packet *p)
{
    return p->capacity - packet_headroom(p) - p->length;
}

/* A packet whose bytes nobody else sees; NULL: pool empty, p was freed. */
static inline struct packet *packet_writable(struct packet *p)
{
    return __builtin_expect(packet_is_shared(p), 0) ? packet_writable_copy(p, 0, 0) : p;
}

/* n more bytes in front, writable, contents undefined. */
static inline struct packet *packet_push(struct packet *p, uint32_t n)
{
    if (__builtin_expect(packet_headroom(p) < n || packet_is_shared(p), 0)) {
        p = packet_writable_copy(p, n, 0);
        if (!p)
            return NULL;
    }
    p->data -= n;
    p->length += n;
    return p;
}

/* n more bytes in front without asking for writable ones (Unstrip); needs n <= packet_headroom(). */
static inline void packet_unpull(struct packet *p, uint32_t n)
{
    p->data -= n;
    p->length += n;
}

/* n bytes less in front; n <= length. */
static inline void packet_pull(struct packet *p, uint32_t n)
{
    p->data += n;
    p->length -= n;
}

/* n more bytes at the end, writable, contents undefined. */
static inline struct packet *packet_put(struct packet *p, uint32_t n)
{
    if (__builtin_expect(packet_tailroom(p) < n || packet_is_shared(p), 0)) {
        p = packet_writable_copy(p, 0, n);
        if (!p)
            return NULL;
    }
    p->length += n;
    return p;
}

/* n bytes less at the end; n <= length. */
static inline void packet_take(struct packet *p, uint32_t n)
{
    p->length -= n;
}

static inline uint8_t *packet_end(const struct packet *p)
{
    return p->data + p->length;
}

/* ---- header marks ---- */

static inline void packet_set_network(struct packet *p, uint8_t *header, uint32_t header_length)
{
    p->network = header;
    p->transport = header + header_length;
}

/*
 * Bytes of the packet from the network header on; 0 when there is no mark, or when it
 * stands behind the end (the packet was cut after it was marked).
 */
static inline uint32_t packet_network_length(const struct packet *p)
{
    return p->network && p->network < packet_end(p) ? (uint32_t)(packet_end(p) - p->network) : 0;
}

static inline uint32_t packet_transport_length(const struct packet *p)
{
    return p->transport && p->transport < packet_end(p)
               ? (uint32_t)(packet_end(p) - p->transport) : 0;
}

/* ---- annotations ---- */

static inline uint32_t packet_anno_u32(const struct packet *p, unsigned offset)
{
    uint32_t v;

    memcpy(&v, p->anno + offset, sizeof v);
    return v;
}

static inline void packet_set_anno_u32(struct packet *p, unsigned offset, uint32_t v)
{
    memcpy(p->anno + offset, &v, sizeof v);
}

static inline uint16_t packet_anno_u16(const struct packet *p, unsigned offset)
{
    uint16_t v;

    memcpy(&v, p->anno + offset, sizeof v);
    return v;
}

static inline void packet_set_anno_u16(struct packet *p, unsigned offset, uint16_t v)
{
    memcpy(p->anno + offset, &v, sizeof v);
}

/* The next-hop address, network order; 0: none. */
static inline uint32_t packet_dst_ip(const struct packet *p)
{
    return packet_anno_u32(p, ANNO_DST_IP);
}

static inline void packet_set_dst_ip(struct packet *p, uint32_t address)
{
    packet_set_anno_u32(p, ANNO_DST_IP, address);
}

/* Copies what belongs to the packet but not to its bytes: annotations, timestamp, type. */
static inline void packet_copy_annotations(struct packet *to, const struct packet *from)
{
    memcpy(to->anno, from->anno, sizeof to->anno);
    to->timestamp_ns = from->timestamp_ns;
    to->type = from->type;
}

#endif
