// SPDX-License-Identifier: BSD-2-Clause
/*
 * packet.c - the pool of packets; see packet.h.
 *
 * Two stacks, last in first out, because the packet freed last is the one whose lines
 * are still in the cache: packet_pool_full holds structs that own a pool buffer, `shells` holds structs
 * without one, for clones. Both are arrays of pointers with room for all, so that
 * freeing never fails. The pool grows by chunks and never shrinks: what it has, it keeps,
 * and what it keeps is bounded by its limit.
 *
 * With several threads each has two stacks of its own, and there are two more that all share, under a lock:
 * a thread that frees more than it takes passes on what it has too many of, some hundred at a time, and one
 * whose stack is empty looks there before the pool grows. Each stack has room for everything, so that a free
 * neither fails nor asks. Reference counts are changed by atomic operations then.
 */
#include "router/packet.h"

#include <errno.h>
#include <stdlib.h>

#include "platform/platform.h"

enum {
    CHUNK = 64, CACHE_LINE = 64,
    KEPT = 128, EXCHANGED = 128,    /* what a thread keeps, and takes or passes on at least */
    SHELLS_FACTOR = 4,              /* clones, for each buffer that there may be */
    LARGE_SHARE = 32, LARGE_MIN = 4, LARGE_MAX = 128,   /* one large buffer for so many others, and bounds */
};

struct chunk {
    struct chunk *next;
    void *structs;                  /* as malloc gave them */
    void *buffers;                  /* NULL: a chunk of shells */
    uint32_t count, stride, capacity;
};

PER_THREAD struct packet_stack packet_pool_full;
static PER_THREAD struct packet_stack shells;

/* Whose stacks they are may be seen by others while that thread rests. */
struct stacks {
    struct packet_stack *full, *shells;
};

static struct {
    struct chunk *chunks;
    uint32_t total, shells_total, limit, capacity, heap;
    uint64_t failures;
    bool shared;                    /* by several threads: */
    unsigned lock;                  /* of all here but `heap` and `failures` */
    unsigned threads;
    struct stacks *stacks;          /* of each thread; NULLs: of nobody */
    struct packet_stack spare_full, spare_shells;
    uint8_t *large[LARGE_MAX];      /* large buffers that are free, a stack */
    uint32_t large_n, large_total;
} pool;

static void lock(void)
{
    if (pool.shared)
        platform_lock(&pool.lock);
}

static void unlock(void)
{
    if (pool.shared)
        platform_unlock(&pool.lock);
}

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
    if (pool.capacity != capacity)      /* others read it without the lock: it is written once */
        pool.capacity = capacity;
    return true;
}

static bool grow_shells(void)
{
    /* As many clones as anybody could queue: bounded by a multiple of the buffers' limit. */
    if (pool.shells_total >= SHELLS_FACTOR * (uint64_t)pool.limit)
        return false;
    if (!add_chunk(&shells, NULL, CHUNK, 0, 0, pool.shells_total + CHUNK))
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
    lock();
    while (packet_pool_full.n < n && grow(n - packet_pool_full.n > CHUNK ? n - packet_pool_full.n : CHUNK))
        ;
    unlock();
    return packet_pool_full.n;
}

/* ---- several threads ---- */

static void move(struct packet_stack *to, struct packet_stack *from, uint32_t n)
{
    if (!n)
        return;
    from->n -= n;
    memcpy(to->packet + to->n, from->packet + from->n, n * sizeof *to->packet);
    to->n += n;
}

/* Under the lock. False: there are none. */
static bool take_spare(struct packet_stack *to, struct packet_stack *spare)
{
    move(to, spare, spare->n < EXCHANGED ? spare->n : EXCHANGED);
    return to->n > 0;
}

static bool make_all_room(struct packet_stack *full, struct packet_stack *of_shells)
{
    return make_room(full, pool.limit + 1) && make_room(of_shells, SHELLS_FACTOR * pool.limit + CHUNK);
}

bool packet_pool_share(unsigned threads)
{
    pool.stacks = calloc(threads, sizeof *pool.stacks);
    pool.threads = pool.stacks ? threads : 0;
    pool.shared = make_all_room(&pool.spare_full, &pool.spare_shells) && packet_pool_join();
    return pool.shared;
}

bool packet_pool_join(void)
{
    if (platform_thread >= pool.threads || !make_all_room(&packet_pool_full, &shells))
        return false;
    lock();
    pool.stacks[platform_thread] = (struct stacks){&packet_pool_full, &shells};
    unlock();
    return true;
}

static void free_stack(struct packet_stack *stack)
{
    free(stack->packet);
    *stack = (struct packet_stack){0};
}

void packet_pool_leave(void)
{
    lock();
    move(&pool.spare_full, &packet_pool_full, packet_pool_full.n);
    move(&pool.spare_shells, &shells, shells.n);
    pool.stacks[platform_thread] = (struct stacks){NULL, NULL};
    unlock();
    free_stack(&packet_pool_full);
    free_stack(&shells);
}

void packet_pool_exchange(void)
{
    if (!pool.shared || (packet_pool_full.n < KEPT + EXCHANGED && shells.n < KEPT + EXCHANGED))
        return;
    lock();
    if (packet_pool_full.n > KEPT)
        move(&pool.spare_full, &packet_pool_full, packet_pool_full.n - KEPT);
    if (shells.n > KEPT)
        move(&pool.spare_shells, &shells, shells.n - KEPT);
    unlock();
}

/* ---- how many there are; while other threads rest ---- */

static uint32_t free_full(void)
{
    uint32_t n = pool.spare_full.n;

    for (unsigned i = 0; i < pool.threads; i++)
        n += pool.stacks[i].full ? pool.stacks[i].full->n : 0;
    return pool.shared ? n : packet_pool_full.n;
}

static uint32_t free_shells(void)
{
    uint32_t n = pool.spare_shells.n;

    for (unsigned i = 0; i < pool.threads; i++)
        n += pool.stacks[i].shells ? pool.stacks[i].shells->n : 0;
    return pool.shared ? n : shells.n;
}

void packet_pool_stats(struct packet_pool_stats *stats)
{
    *stats = (struct packet_pool_stats){
        .total = pool.total, .free = free_full(), .limit = pool.limit,
        .shells_free = free_shells(), .shells_total = pool.shells_total,
        .failures = pool.failures, .heap = pool.heap,
        .large_total = pool.large_total, .large_free = pool.large_n,
    };
}

uint32_t packet_pool_in_use(void)
{
    /* A heap packet's struct is a shell, so it is counted among these. */
    return pool.total - free_full() + pool.shells_total - free_shells();
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
    while (pool.large_n > 0) {
        uint8_t *buffer = pool.large[--pool.large_n];

        PACKET_SHOW(buffer, PACKET_LARGE_CAPACITY);
        platform_large_buffer_free(buffer, PACKET_LARGE_CAPACITY);
    }
    free_stack(&packet_pool_full);
    free_stack(&shells);
    free_stack(&pool.spare_full);
    free_stack(&pool.spare_shells);
    free(pool.stacks);
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
    __atomic_fetch_add(&pool.failures, 1, __ATOMIC_RELAXED);
    return NULL;
}

bool packet_pool_grow(void)
{
    bool grown;

    lock();
    grown = take_spare(&packet_pool_full, &pool.spare_full) || grow(CHUNK);
    unlock();
    if (!grown)
        fail();
    return grown;
}

static __attribute__((noinline, cold)) bool more_shells(void)
{
    bool grown;

    lock();
    grown = take_spare(&shells, &pool.spare_shells) || grow_shells();
    unlock();
    if (!grown)
        fail();
    return grown;
}

static inline struct packet *take_shell(void)
{
    if (__builtin_expect(!shells.n, 0) && !more_shells())
        return NULL;
    return shells.packet[--shells.n];
}

static uint32_t large_limit(void)
{
    uint32_t n = pool.limit / LARGE_SHARE;

    return n < LARGE_MIN ? LARGE_MIN : n > LARGE_MAX ? LARGE_MAX : n;
}

/* NULL: as many as there may be are in use, or memory is short. */
static uint8_t *take_large(void)
{
    uint8_t *buffer = NULL;

    lock();
    if (pool.large_n > 0) {
        buffer = pool.large[--pool.large_n];
    } else if (pool.large_total < large_limit()) {
        buffer = platform_large_buffer_alloc(PACKET_LARGE_CAPACITY);
        pool.large_total += buffer != NULL;
    }
    unlock();
    if (buffer)
        PACKET_SHOW(buffer, PACKET_LARGE_CAPACITY);
    return buffer;
}

static void put_large(uint8_t *buffer)
{
    PACKET_HIDE(buffer, PACKET_LARGE_CAPACITY);
    lock();
    pool.large[pool.large_n++] = buffer;
    unlock();
}

/* A packet longer than pool buffers are: in a large one, or from the heap. */
static struct packet *take_long(uint32_t capacity)
{
    struct packet *p = take_shell();
    uint8_t *large, *buffer;

    if (!p)
        return NULL;
    large = capacity <= PACKET_LARGE_CAPACITY ? take_large() : NULL;
    buffer = large ? large : malloc(capacity);
    if (!buffer) {
        shells.packet[shells.n++] = p;
        return fail();
    }
    memset(p, 0, sizeof *p);
    p->owner = p;
    p->head = p->data = buffer;
    p->capacity = large ? PACKET_LARGE_CAPACITY : capacity;
    p->refs = 1;
    p->flags = (large ? PACKET_F_LARGE : PACKET_F_HEAP) | PACKET_F_SHELL;
    if (!large)
        __atomic_fetch_add(&pool.heap, 1, __ATOMIC_RELAXED);
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
        p = take_long((uint32_t)capacity);
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
    if (__builtin_expect(p->flags & (PACKET_F_HEAP | PACKET_F_LARGE), 0)) {
        if (p->flags & PACKET_F_LARGE) {
            put_large(p->head);
        } else {
            free(p->head);
            __atomic_fetch_sub(&pool.heap, 1, __ATOMIC_RELAXED);
        }
        p->flags = PACKET_F_SHELL;
        shells.packet[shells.n++] = p;
        return;
    }
    PACKET_HIDE(p->head, p->capacity);
    packet_pool_full.packet[packet_pool_full.n++] = p;
}

/* ---- users of a buffer ---- */

static inline void add_users(struct packet *owner, uint32_t n)
{
    if (pool.shared)
        __atomic_fetch_add(&owner->refs, n, __ATOMIC_RELAXED);
    else
        owner->refs += n;
}

/* Whoever is the last sees what the others did. */
static inline void drop_users(struct packet *owner, uint32_t n)
{
    if (pool.shared ? __atomic_sub_fetch(&owner->refs, n, __ATOMIC_ACQ_REL) == 0 : (owner->refs -= n) == 0)
        give_back(owner);
}

static inline void put_shell(struct packet *p)
{
    p->owner = p;
    shells.packet[shells.n++] = p;
}

void packet_free_shared(struct packet *p)
{
    struct packet *owner = p->owner;

    if (__builtin_expect(owner != p, 0))
        put_shell(p);
    drop_users(owner, 1);
}

unsigned packet_free_alike(struct packet *const *p, unsigned n)
{
    struct packet *owner = p[0]->owner;
    unsigned i = 0;

    if (owner == p[0]) {
        packet_free_shared(p[0]);
        return 1;
    }
    while (i < n && p[i]->owner == owner && p[i] != owner)
        put_shell(p[i++]);
    drop_users(owner, i);
    return i;
}

/* All but the number of users, which other threads may change meanwhile. */
static inline void copy_marks(struct packet *clone, const struct packet *p)
{
    memcpy(clone, p, offsetof(struct packet, refs));
    clone->refs = 0;
    clone->type = p->type;
    clone->flags = PACKET_F_SHELL | (p->flags & PACKET_F_BLANK);
    clone->segment_size = p->segment_size;
    memcpy(clone->anno, p->anno, sizeof clone->anno);
    clone->timestamp_ns = p->timestamp_ns;
    clone->next = NULL;
}

struct packet *packet_clone(struct packet *p)
{
    struct packet *clone = take_shell();

    if (!clone)
        return NULL;
    add_users(p->owner, 1);
    copy_marks(clone, p);
    return clone;
}

unsigned packet_clone_many(struct packet *p, struct packet **into, unsigned n)
{
    unsigned made = 0;

    for (; made < n; made++) {
        struct packet *clone = take_shell();

        if (!clone)
            break;
        copy_marks(clone, p);
        into[made] = clone;
    }
    if (made)
        add_users(p->owner, made);
    return made;
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
    copy->flags |= p->flags & PACKET_F_BLANK;
    copy->segment_size = p->segment_size;
    packet_free(p);
    return copy;
}
