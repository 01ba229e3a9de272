// SPDX-License-Identifier: BSD-2-Clause
/*
 * packet.c - the pool of packets; see packet.h.
 *
 * Two stacks, last in first out, because the packet freed last is the one whose lines
 * are still in the cache: packet_pool_full holds structs that own a pool buffer, `shells` holds structs
 * without one, for clones. Both are arrays of pointers with room for all, so that
 * freeing never fails. The pool grows by chunks and never shrinks: what it has, it keeps,
 * and what it keeps is bounded by its limit.
 */
#include "router/packet.h"

#include <errno.h>
#include <stdlib.h>

#include "platform/platform.h"

enum { CHUNK = 64, CACHE_LINE = 64 };

struct chunk {
    struct chunk *next;
    void *structs;                  /* as malloc gave them */
    void *buffers;                  /* NULL: a chunk of shells */
    uint32_t count, stride, capacity;
};

struct packet_stack packet_pool_full;

static struct {
    struct packet_stack shells;
    struct chunk *chunks;
    uint32_t total, shells_total, limit, capacity, heap;
    uint64_t failures;
} pool;

static bool make_room(struct packet_stack *stack, uint32_t room)
{
    struct packet **grown = realloc(stack->packet, room * sizeof *grown);

    if (!grown)
        return false;
    stack->packet = grown;
    stack->room = room;
    return true;
}

/* A chunk's structs, aligned to cache lines, pushed onto the stack. */
static bool add_chunk(struct packet_stack *stack, void *buffers, uint32_t count, uint32_t stride,
                      uint32_t capacity, uint32_t new_total)
{
    struct chunk *chunk = malloc(sizeof *chunk);
    void *structs = calloc(1, count * sizeof(struct packet) + CACHE_LINE);
    struct packet *p;

    if (!chunk || !structs || (stack->room < new_total && !make_room(stack, new_total))) {
        free(chunk);
        free(structs);
        return false;
    }
    *chunk = (struct chunk){pool.chunks, structs, buffers, count, stride, capacity};
    pool.chunks = chunk;
    p = (struct packet *)(((uintptr_t)structs + CACHE_LINE - 1) & ~(uintptr_t)(CACHE_LINE - 1));
    /* Backwards, so that the first packets taken are the first in memory. */
    for (uint32_t i = count; i-- > 0;) {
        p[i].owner = &p[i];
        if (buffers) {
            p[i].head = (uint8_t *)buffers + (size_t)i * stride;
            p[i].capacity = capacity;
            PACKET_HIDE(p[i].head, capacity);
        } else {
            p[i].flags = PACKET_F_SHELL;
        }
        stack->packet[stack->n++] = &p[i];
    }
    return true;
}

static bool grow(uint32_t want)
{
    uint32_t count, stride, capacity;
    void *buffers;

    if (pool.total >= pool.limit)
        return false;
    if (want > pool.limit - pool.total)
        want = pool.limit - pool.total;
    buffers = platform_buffers_alloc(want, &count, &stride, &capacity);
    if (!buffers)
        return false;
    if (!add_chunk(&packet_pool_full, buffers, count, stride, capacity, pool.total + count)) {
        platform_buffers_free(buffers, count, stride);
        return false;
    }
    pool.total += count;
    pool.capacity = capacity;
    return true;
}

static bool grow_shells(void)
{
    /* As many clones as anybody could queue: bounded by a multiple of the buffers' limit. */
    if (pool.shells_total >= 4 * (uint64_t)pool.limit)
        return false;
    if (!add_chunk(&pool.shells, NULL, CHUNK, 0, 0, pool.shells_total + CHUNK))
        return false;
    pool.shells_total += CHUNK;
    return true;
}

int packet_pool_init(uint32_t prefill, uint32_t limit)
{
    pool.limit = limit;
    packet_pool_reserve(prefill < limit ? prefill : limit);
    return packet_pool_full.n || !prefill ? 0 : -ENOMEM;
}

uint32_t packet_pool_reserve(uint32_t n)
{
    while (packet_pool_full.n < n && grow(n - packet_pool_full.n > CHUNK ? n - packet_pool_full.n : CHUNK))
        ;
    return packet_pool_full.n;
}

void packet_pool_stats(struct packet_pool_stats *stats)
{
    *stats = (struct packet_pool_stats){
        .total = pool.total, .free = packet_pool_full.n, .limit = pool.limit,
        .shells_free = pool.shells.n, .shells_total = pool.shells_total,
        .failures = pool.failures, .heap = pool.heap,
    };
}

uint32_t packet_pool_in_use(void)
{
    /* A heap packet's struct is a shell, so it is counted among these. */
    return pool.total - packet_pool_full.n + pool.shells_total - pool.shells.n;
}

void packet_pool_destroy(void)
{
    while (pool.chunks) {
        struct chunk *chunk = pool.chunks;

        pool.chunks = chunk->next;
        if (chunk->buffers) {
            PACKET_SHOW(chunk->buffers, (size_t)chunk->count * chunk->stride);
            platform_buffers_free(chunk->buffers, chunk->count, chunk->stride);
        }
        free(chunk->structs);
        free(chunk);
    }
    free(packet_pool_full.packet);
    free(pool.shells.packet);
    packet_pool_full = (struct packet_stack){0};
    memset(&pool, 0, sizeof pool);
}

uint32_t packet_pool_capacity(void)
{
    if (!pool.capacity)
        packet_pool_reserve(1);
    return pool.capacity;
}

static struct packet *fail(void)
{
    pool.failures++;
    return NULL;
}

bool packet_pool_grow(void)
{
    if (grow(CHUNK))
        return true;
    pool.failures++;
    return false;
}

static struct packet *take_shell(void)
{
    if (__builtin_expect(!pool.shells.n, 0) && !grow_shells())
        return fail();
    return pool.shells.packet[--pool.shells.n];
}

/* A packet longer than any pool buffer: from the heap, as rare as jumbo frames are. */
static struct packet *take_heap(uint32_t capacity)
{
    struct packet *p = take_shell();
    uint8_t *buffer;

    if (!p)
        return NULL;
    buffer = malloc(capacity);
    if (!buffer) {
        pool.shells.packet[pool.shells.n++] = p;
        return fail();
    }
    memset(p, 0, sizeof *p);
    p->owner = p;
    p->head = p->data = buffer;
    p->capacity = capacity;
    p->refs = 1;
    p->flags = PACKET_F_HEAP | PACKET_F_SHELL;
    pool.heap++;
    return p;
}

struct packet *packet_make(uint32_t headroom, const void *data, uint32_t length, uint32_t tailroom)
{
    uint64_t capacity = (uint64_t)headroom + length + tailroom;
    struct packet *p;

    if (capacity <= packet_pool_capacity()) {
        p = packet_new();
    } else {
        if (length > PACKET_LENGTH_MAX || capacity > 4 * (uint64_t)PACKET_LENGTH_MAX)
            return fail();
        p = take_heap((uint32_t)capacity);
    }
    if (!p)
        return NULL;
    p->data = p->head + headroom;
    p->length = length;
    if (data)
        memcpy(p->data, data, length);
    return p;
}

/* The last user of this struct's buffer is gone. */
static void give_back(struct packet *p)
{
    if (__builtin_expect(p->flags & PACKET_F_HEAP, 0)) {
        free(p->head);
        p->flags = PACKET_F_SHELL;
        pool.heap--;
        pool.shells.packet[pool.shells.n++] = p;
        return;
    }
    PACKET_HIDE(p->head, p->capacity);
    packet_pool_full.packet[packet_pool_full.n++] = p;
}

void packet_free_shared(struct packet *p)
{
    struct packet *owner = p->owner;

    if (__builtin_expect(owner != p, 0)) {
        p->owner = p;
        pool.shells.packet[pool.shells.n++] = p;
    }
    if (--owner->refs == 0)
        give_back(owner);
}

struct packet *packet_clone(struct packet *p)
{
    struct packet *clone = take_shell();

    if (!clone)
        return NULL;
    *clone = *p;
    clone->owner->refs++;
    clone->refs = 0;
    clone->flags = PACKET_F_SHELL;
    clone->next = NULL;
    return clone;
}

/* Where a mark's bytes are now; a mark whose bytes were left behind is gone. */
static uint8_t *moved(const struct packet *to, const uint8_t *mark, const uint8_t *data)
{
    ptrdiff_t offset = mark - data;

    return mark && offset >= to->head - to->data ? to->data + offset : NULL;
}

/* Marks are moved with the bytes that they point at, relative to `data`, where these were. */
static void move_marks(struct packet *to, const struct packet *from, const uint8_t *data)
{
    to->mac = moved(to, from->mac, data);
    to->network = moved(to, from->network, data);
    to->transport = moved(to, from->transport, data);
}

struct packet *packet_writable_copy(struct packet *p, uint32_t more_head, uint32_t more_tail)
{
    uint32_t headroom = packet_headroom(p), tailroom = packet_tailroom(p);
    uint32_t new_headroom = headroom, kept;
    struct packet *copy;

    if (more_head > headroom)
        new_headroom = more_head + PACKET_HEADROOM;
    if (more_tail > tailroom || tailroom > p->capacity)
        tailroom = more_tail;

    /* The bytes are ours and there is room at the other end: they only move. */
    if (!packet_is_shared(p) && (uint64_t)more_head + p->length + more_tail <= p->capacity) {
        uint32_t spare = p->capacity - more_head - p->length - more_tail;
        uint8_t *before = p->data;

        new_headroom = more_head + (spare < PACKET_HEADROOM ? spare : PACKET_HEADROOM);
        kept = headroom < new_headroom ? headroom : new_headroom;
        p->data = p->head + new_headroom;
        memmove(p->data - kept, before - kept, p->length + kept);
        move_marks(p, p, before);
        return p;
    }

    /* Too much room around the bytes for a pool buffer: keep what is needed. */
    if ((uint64_t)new_headroom + p->length + tailroom > packet_pool_capacity())
        tailroom = more_tail;
    if ((uint64_t)new_headroom + p->length + tailroom > packet_pool_capacity())
        new_headroom = more_head > headroom ? more_head : headroom;
    copy = packet_make(new_headroom, NULL, p->length, tailroom);
    if (!copy) {
        packet_free(p);
        return NULL;
    }
    /* Bytes in front of data are kept as well: Unstrip may ask for them. */
    kept = headroom < new_headroom ? headroom : new_headroom;
    memcpy(copy->data - kept, p->data - kept, p->length + kept);
    move_marks(copy, p, p->data);
    packet_copy_annotations(copy, p);
    packet_free(p);
    return copy;
}
