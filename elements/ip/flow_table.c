// SPDX-License-Identifier: BSD-2-Clause
/*
 * flow_table.c - flows by address and port; see flow_table.h.
 *
 * The index is open addressing by buckets. A reference whose home bucket is full goes to
 * the next one with room, and each bucket that it passed counts it, so that a search knows
 * when to stop and a removal leaves no tombstone. While the index doubles, references
 * move from `old` to `index`, bucket by bucket; a search looks into both.
 */
#include "elements/ip/flow_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "platform/platform.h"
#include "router/batch.h"

enum {
    LINE = 64,
    SLOTS = 12,                         /* references in a bucket */
    SLOTS_GROW = 8,                     /* slots in use, from which the index doubles */
    SLOTS_FULL = 11,                    /* no more than this without memory to double */
    BUCKETS_FIRST = 64,
    MOVES_PER_ADD = 4,
    SLAB = 512,                         /* flows in a slab */
    FLOWS_MAX = 1 << 28,
    ROTATIONS = 16,                     /* flows in use that a search for a victim passes */
    BACK_STEPS = 8,                     /* places that such a one moves up from the list's end */
};

struct flow_bucket {
    uint8_t tag[SLOTS];                 /* 0: free */
    uint32_t passed;                    /* references that found no room here and went on */
    uint32_t ref[SLOTS];                /* flow number * 2 + direction */
};

_Static_assert(sizeof(struct flow_bucket) == LINE, "one cache line");

/* ---- memory ---- */

static void *alloc_lines(size_t size, void **memory)
{
    *memory = platform_can_spare(size) ? calloc(1, size + LINE - 1) : NULL;
    if (!*memory)
        return NULL;
    return (void *)(((uintptr_t)*memory + LINE - 1) & ~(uintptr_t)(LINE - 1));
}

static inline struct flow *flow_at(const struct flow_table *t, uint32_t number)
{
    return &t->slab[number / SLAB][number % SLAB];
}

/* A flow's number, which its neighbours in the list know. */
static uint32_t number_of(const struct flow_table *t, const struct flow *flow)
{
    uint32_t before = flow->prev, after = flow->next;

    if (before)
        return flow_at(t, before)->next;
    if (after)
        return flow_at(t, after)->prev;
    return t->list[flow->list].head;
}

static bool add_slab(struct flow_table *t)
{
    struct flow *flows;
    void *memory;

    if (t->n_slabs >= FLOWS_MAX / SLAB)
        return false;
    if (t->n_slabs == t->slab_room) {
        uint32_t room = t->slab_room ? 2 * t->slab_room : 8;
        struct flow **slab = realloc(t->slab, room * sizeof *slab);
        void **slab_memory;

        if (!slab)
            return false;
        t->slab = slab;
        slab_memory = realloc(t->slab_memory, room * sizeof *slab_memory);
        if (!slab_memory)
            return false;
        t->slab_memory = slab_memory;
        t->slab_room = room;
    }
    flows = alloc_lines(SLAB * sizeof *flows, &memory);
    if (!flows)
        return false;
    /* Backwards, so that flows are taken in order of memory. Number 0 means none. */
    for (uint32_t i = SLAB; i-- > (t->n_slabs == 0);) {
        flows[i].map = FLOW_MAP_NONE;
        flows[i].next = t->free_flow;
        t->free_flow = t->n_slabs * SLAB + i;
    }
    flows[0].map = FLOW_MAP_NONE;
    t->slab[t->n_slabs] = flows;
    t->slab_memory[t->n_slabs++] = memory;
    return true;
}

/* ---- hash and tags ---- */

static inline uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t hash_of(const struct flow_table *t, unsigned map, const struct flow_key *key)
{
    uint64_t addresses = key->src | (uint64_t)key->dst << 32;
    uint64_t ports = key->src_port | (uint64_t)key->dst_port << 16 | (uint64_t)map << 32;

    return mix(mix(addresses ^ t->seed[0], ports ^ t->seed[1]) ^ t->seed[2],
               0x9E3779B97F4A7C15u);
}

static inline uint8_t tag_of(uint64_t hash)
{
    return (uint8_t)(hash >> 56) | 0x80;
}

/* A bit for each slot with this tag. */
static inline unsigned match(const struct flow_bucket *b, uint8_t tag)
{
#if defined(__SSE2__)
    const __m128i tags = _mm_load_si128((const __m128i *)b);      /* and what stands behind them */
    unsigned found = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(tags, _mm_set1_epi8((char)tag)));
#else
    unsigned found = 0;

    for (unsigned slot = 0; slot < SLOTS; slot++)
        found |= (unsigned)(b->tag[slot] == tag) << slot;
#endif
    return found & ((1u << SLOTS) - 1);
}

/* ---- the index ---- */

static bool index_alloc(struct flow_index *index, uint32_t buckets)
{
    index->bucket = alloc_lines((size_t)buckets * sizeof *index->bucket, &index->memory);
    index->mask = buckets - 1;
    return index->bucket != NULL;
}

static void index_free(struct flow_index *index)
{
    free(index->memory);
    *index = (struct flow_index){0};
}

/* There is room: callers keep the load below SLOTS_FULL. */
static void index_insert(struct flow_index *index, uint64_t hash, uint32_t ref)
{
    for (uint32_t i = (uint32_t)hash & index->mask;; i = (i + 1) & index->mask) {
        struct flow_bucket *b = &index->bucket[i];
        unsigned empty = match(b, 0);

        if (empty) {
            unsigned slot = (unsigned)__builtin_ctz(empty);

            b->tag[slot] = tag_of(hash);
            b->ref[slot] = ref;
            return;
        }
        b->passed++;
    }
}

static bool index_remove(struct flow_index *index, uint64_t hash, uint32_t ref)
{
    uint32_t home = (uint32_t)hash & index->mask;

    if (!index->bucket)
        return false;
    for (uint32_t n = 0; n <= index->mask; n++) {
        struct flow_bucket *b = &index->bucket[(home + n) & index->mask];

        for (unsigned slot = 0; slot < SLOTS; slot++) {
            if (b->ref[slot] != ref || b->tag[slot] != tag_of(hash))
                continue;
            b->tag[slot] = 0;
            while (n-- > 0)
                index->bucket[(home + n) & index->mask].passed--;
            return true;
        }
        if (!b->passed)
            break;
    }
    return false;
}

static inline bool ref_matches(const struct flow_table *t, uint32_t ref, unsigned map,
                               const struct flow_key *key, struct flow_hit *hit)
{
    struct flow *flow = flow_at(t, ref / 2);

    if (flow->map != map || !flow_key_equal(&flow->key[ref % 2], key))
        return false;
    *hit = (struct flow_hit){flow, ref % 2};
    return true;
}

static bool index_find(const struct flow_table *t, const struct flow_index *index, uint64_t hash,
                       unsigned map, const struct flow_key *key, struct flow_hit *hit)
{
    uint32_t home = (uint32_t)hash & index->mask;

    for (uint32_t n = 0; n <= index->mask; n++) {
        const struct flow_bucket *b = &index->bucket[(home + n) & index->mask];

        for (unsigned found = match(b, tag_of(hash)); found; found &= found - 1)
            if (ref_matches(t, b->ref[__builtin_ctz(found)], map, key, hit))
                return true;
        if (!b->passed)
            break;
    }
    return false;
}

/* Empties some buckets of the old index; frees it after the last. */
static void move_some(struct flow_table *t, uint32_t buckets)
{
    while (t->old.bucket && buckets--) {
        struct flow_bucket *b = &t->old.bucket[t->moved];

        for (unsigned slot = 0; slot < SLOTS; slot++) {
            struct flow *flow;
            uint32_t ref = b->ref[slot];
            uint64_t hash;

            if (!b->tag[slot])
                continue;
            flow = flow_at(t, ref / 2);
            hash = hash_of(t, flow->map, &flow->key[ref % 2]);
            index_remove(&t->old, hash, ref);
            index_insert(&t->index, hash, ref);
        }
        if (t->moved++ == t->old.mask)
            index_free(&t->old);
    }
}

/* Room for two more references. False: neither room nor memory. */
static bool index_reserve(struct flow_table *t)
{
    uint64_t refs = 2 * ((uint64_t)t->count + 1);
    uint64_t buckets = t->index.bucket ? (uint64_t)t->index.mask + 1 : 0;
    struct flow_index bigger;

    if (refs <= buckets * SLOTS_GROW)
        return true;
    /* Never two doublings at once: the moves of each add end one long before the next. */
    move_some(t, UINT32_MAX);
    if (!index_alloc(&bigger, buckets ? (uint32_t)(2 * buckets) : BUCKETS_FIRST))
        return refs <= buckets * SLOTS_FULL;
    t->old = t->index;
    t->index = bigger;
    t->moved = 0;
    return true;
}

/* ---- lists ---- */

static void list_unlink(struct flow_table *t, struct flow *flow)
{
    struct flow_list *list = &t->list[flow->list];

    if (flow->prev)
        flow_at(t, flow->prev)->next = flow->next;
    else
        list->head = flow->next;
    if (flow->next)
        flow_at(t, flow->next)->prev = flow->prev;
    else
        list->tail = flow->prev;
}

/* Behind the last flow that was queued no later, or near the end when that is far. */
static void list_insert(struct flow_table *t, struct flow *flow, uint32_t number)
{
    struct flow_list *list = &t->list[flow->list];
    uint32_t before = list->tail, after = 0;

    for (unsigned steps = 0; before && steps < BACK_STEPS; steps++) {
        struct flow *f = flow_at(t, before);

        if ((int32_t)(flow->queued - f->queued) >= 0)
            break;
        after = before;
        before = f->prev;
    }
    flow->prev = before;
    flow->next = after;
    if (before)
        flow_at(t, before)->next = number;
    else
        list->head = number;
    if (after)
        flow_at(t, after)->prev = number;
    else
        list->tail = number;
}

void flow_table_requeue(struct flow_table *t, struct flow *flow, unsigned list, uint32_t now)
{
    uint32_t number = number_of(t, flow);

    list_unlink(t, flow);
    flow->list = (uint16_t)list;
    flow->queued = now;
    list_insert(t, flow, number);
}

/* ---- finding ---- */

struct flow_hit flow_table_find(const struct flow_table *t, unsigned map,
                                const struct flow_key *key)
{
    struct flow_hit hit = {NULL, 0};
    uint64_t hash = hash_of(t, map, key);

    if (t->index.bucket && !index_find(t, &t->index, hash, map, key, &hit) && t->old.bucket)
        index_find(t, &t->old, hash, map, key, &hit);
    return hit;
}

void flow_table_find_batch(const struct flow_table *t, unsigned n, const uint16_t *map,
                           const struct flow_key *key, struct flow_hit *hit)
{
    uint64_t hash[BATCH_MAX];
    uint32_t first[BATCH_MAX];          /* the reference that is most likely meant; 0: the bucket has none */

    /* While the index doubles there are two places to look: not worth a second shape of this. */
    if (!t->index.bucket || !t->n_slabs || t->old.bucket || n == 1) {
        for (unsigned i = 0; i < n; i++)
            hit[i] = map[i] == FLOW_MAP_NONE ? (struct flow_hit){NULL, 0}
                                             : flow_table_find(t, map[i], &key[i]);
        return;
    }
    for (unsigned i = 0; i < n; i++) {
        hash[i] = hash_of(t, map[i], &key[i]);
        __builtin_prefetch(&t->index.bucket[hash[i] & t->index.mask]);
    }
    for (unsigned i = 0; i < n; i++) {
        const struct flow_bucket *b = &t->index.bucket[hash[i] & t->index.mask];
        unsigned found = match(b, tag_of(hash[i]));

        first[i] = found ? b->ref[__builtin_ctz(found)] : 0;
        __builtin_prefetch(flow_at(t, first[i] / 2), 1);
    }
    for (unsigned i = 0; i < n; i++) {
        hit[i].flow = NULL;
        if (map[i] != FLOW_MAP_NONE && !ref_matches(t, first[i], map[i], &key[i], &hit[i]))
            index_find(t, &t->index, hash[i], map[i], &key[i], &hit[i]);
    }
}

/* ---- coming and going ---- */

void flow_table_remove(struct flow_table *t, struct flow *flow)
{
    uint32_t number = number_of(t, flow);
    struct flow_map *map = &t->map[flow->map];

    for (unsigned d = 0; d < 2; d++) {
        uint64_t hash = hash_of(t, flow->map, &flow->key[d]);

        if (!index_remove(&t->index, hash, 2 * number + d))
            index_remove(&t->old, hash, 2 * number + d);
    }
    list_unlink(t, flow);
    t->count--;
    t->removals++;
    map->count--;
    if (map->owner->removed)
        map->owner->removed(map->owner, flow);
    flow->map = FLOW_MAP_NONE;
    flow->next = t->free_flow;
    t->free_flow = number;
}

static inline bool guaranteed(const struct flow_list *list, const struct flow *flow, uint32_t now)
{
    return (int32_t)(flow->used + list->guarantee - now) > 0;
}

int32_t flow_table_remaining(const struct flow_table *t, const struct flow *flow, uint32_t now)
{
    return (int32_t)(flow->used + t->list[flow->list].timeout - now);
}

/* The flow nearest to its end among those that may be given up; NULL: none found. */
static struct flow *find_victim(struct flow_table *t, uint32_t now)
{
    struct flow *victim = NULL;
    int32_t least = 0;

    for (uint32_t l = 0; l < t->n_lists; l++) {
        struct flow_list *list = &t->list[l];
        struct flow *flow = NULL;

        for (unsigned n = 0; n < ROTATIONS && list->head; n++) {
            flow = flow_at(t, list->head);
            if ((int32_t)(flow->used - flow->queued) <= 0)
                break;
            flow_table_requeue(t, flow, l, flow->used);     /* used since: not the oldest */
            flow = flow_at(t, list->head);
        }
        if (!flow || guaranteed(list, flow, now))
            continue;
        if (!victim || flow_table_remaining(t, flow, now) < least) {
            victim = flow;
            least = flow_table_remaining(t, flow, now);
        }
    }
    return victim;
}

static bool make_room(struct flow_table *t, const struct flow_list *list, uint32_t now)
{
    struct flow *victim = find_victim(t, now);

    /* A newcomer without guarantee that would end first is itself the victim. */
    if (!victim || (!list->guarantee &&
                    flow_table_remaining(t, victim, now) > (int32_t)list->timeout))
        return false;
    flow_table_remove(t, victim);
    t->evictions++;
    return true;
}

static void remove_key(struct flow_table *t, unsigned map, const struct flow_key *key)
{
    struct flow_hit hit = flow_table_find(t, map, key);

    if (hit.flow)
        flow_table_remove(t, hit.flow);
}

struct flow *flow_table_add(struct flow_table *t, const struct flow_request *request)
{
    unsigned list = t->map[request->map].owner->first_list + request->kind;
    struct flow_key reply = flow_key_reverse(&request->rewritten);
    uint32_t number;
    struct flow *flow;

    remove_key(t, request->map, &reply);
    if ((t->count >= t->capacity && !make_room(t, &t->list[list], request->now)) ||
        (!index_reserve(t) && !make_room(t, &t->list[list], request->now)) ||
        (!t->free_flow && !add_slab(t) && !make_room(t, &t->list[list], request->now))) {
        t->refusals++;
        return NULL;
    }
    move_some(t, MOVES_PER_ADD);

    number = t->free_flow;
    flow = flow_at(t, number);
    t->free_flow = flow->next;
    *flow = (struct flow){
        .key = {request->key, reply}, .used = request->now, .queued = request->now,
        .output = {request->output[0], request->output[1]}, .input = request->input,
        .map = (uint16_t)request->map, .list = (uint16_t)list, .protocol = request->protocol,
    };
    list_insert(t, flow, number);
    /* A flow that is its own reply is found as a reply. */
    if (!flow_key_equal(&request->key, &reply))
        index_insert(&t->index, hash_of(t, request->map, &request->key), 2 * number);
    index_insert(&t->index, hash_of(t, request->map, &reply), 2 * number + 1);
    t->count++;
    t->additions++;
    t->map[request->map].count++;
    return flow;
}

struct flow *flow_table_first(const struct flow_table *t, const struct flow_owner *owner, unsigned kind)
{
    uint32_t number = t->list[owner->first_list + kind].head;

    return number ? flow_at(t, number) : NULL;
}

struct flow *flow_table_add_copy(struct flow_table *t, const struct flow_request *request,
                                 const struct flow *from)
{
    struct flow *flow = flow_table_add(t, request);

    if (!flow)
        return NULL;
    flow_table_requeue(t, flow, flow->list, from->queued);
    flow->used = from->used;
    flow->ip_delta = from->ip_delta;
    flow->transport_delta = from->transport_delta;
    flow->state = from->state;
    flow->reply_anno = from->reply_anno;
    flow->extra = from->extra;
    return flow;
}

bool flow_table_reap(struct flow_table *t, uint32_t now, unsigned budget)
{
    unsigned looks = budget / (t->n_lists ? t->n_lists : 1) + 1;

    for (uint32_t l = 0; l < t->n_lists; l++) {
        unsigned in_use = 0;

        /*
         * A flow used since it was queued stays where it is; those behind it may have ended. Where many are in
         * use the rest waits for them, an eighth of the time-out at most, but not the other lists.
         */
        for (uint32_t number = t->list[l].head; number; ) {
            struct flow *flow = flow_at(t, number);

            number = flow->next;
            if ((int32_t)(flow->queued + t->list[l].timeout - now) > 0)
                break;
            if (flow_table_remaining(t, flow, now) > 0) {
                if (++in_use > looks)
                    break;
                continue;
            }
            if (budget-- == 0)
                return true;
            flow_table_remove(t, flow);
        }
    }
    return false;
}

void flow_table_clear(struct flow_table *t)
{
    for (uint32_t l = 0; l < t->n_lists; l++) {
        while (t->list[l].head)
            flow_table_remove(t, flow_at(t, t->list[l].head));
    }
}

void flow_table_set_capacity(struct flow_table *t, uint32_t capacity, uint32_t now)
{
    t->capacity = capacity;
    while (t->count > t->capacity) {
        struct flow *victim = find_victim(t, now);

        for (uint32_t l = 0; !victim; l++) {
            if (t->list[l].head)
                victim = flow_at(t, t->list[l].head);
        }
        flow_table_remove(t, victim);
    }
}

struct flow *flow_table_next(const struct flow_table *t, unsigned map, const struct flow *from,
                             uint32_t *cursor)
{
    for (*cursor = from ? *cursor + 1 : 0; *cursor < t->n_slabs * SLAB; ++*cursor) {
        struct flow *flow = flow_at(t, *cursor);

        if (flow->map == map)
            return flow;
    }
    return NULL;
}

/* ---- the table ---- */

uint32_t flow_ticks_of_seconds(uint32_t seconds)
{
    const uint32_t most = 365 * 86400;

    return flow_ticks((uint64_t)(seconds < most ? seconds : most) * 1000000000 + (1 << 24) - 1);
}

struct flow_table *flow_table_new(void)
{
    struct flow_table *t = calloc(1, sizeof *t);

    if (!t)
        return NULL;
    for (unsigned i = 0; i < 3; i++)
        t->seed[i] = platform_random() | (uint64_t)platform_random() << 32;
    t->capacity = FLOW_CAPACITY_UNLIMITED;
    t->references = 1;
    return t;
}

struct flow_table *flow_table_share(struct flow_table *t)
{
    t->references++;
    return t;
}

void flow_table_release(struct flow_table *t)
{
    if (!t || --t->references)
        return;
    for (uint32_t i = 0; i < t->n_slabs; i++)
        free(t->slab_memory[i]);
    free(t->slab);
    free(t->slab_memory);
    index_free(&t->index);
    index_free(&t->old);
    free(t->list);
    free(t->map);
    free(t);
}

int flow_table_register(struct flow_table *t, struct flow_owner *owner, unsigned n_maps,
                        const struct flow_lifetime *kinds, unsigned n_kinds)
{
    struct flow_map *map;
    struct flow_list *list;

    if (t->n_maps + n_maps >= FLOW_MAP_NONE || t->n_lists + n_kinds > UINT16_MAX)
        return -ENOSPC;
    map = realloc(t->map, (t->n_maps + n_maps) * sizeof *map);
    if (!map)
        return -ENOMEM;
    t->map = map;
    list = realloc(t->list, (t->n_lists + n_kinds) * sizeof *list);
    if (!list)
        return -ENOMEM;
    t->list = list;
    owner->first_map = (uint16_t)t->n_maps;
    owner->n_maps = (uint16_t)n_maps;
    owner->first_list = (uint16_t)t->n_lists;
    owner->n_lists = (uint16_t)n_kinds;
    for (unsigned i = 0; i < n_maps; i++)
        t->map[t->n_maps++] = (struct flow_map){.owner = owner};
    for (unsigned i = 0; i < n_kinds; i++) {
        uint32_t timeout = flow_ticks_of_seconds(kinds[i].timeout_s);
        uint32_t guarantee = flow_ticks_of_seconds(kinds[i].guarantee_s);

        if (timeout < guarantee)
            timeout = guarantee;
        t->list[t->n_lists++] = (struct flow_list){
            .timeout = timeout, .guarantee = guarantee, .refresh = timeout / 8,
        };
    }
    return 0;
}

void flow_table_unregister(struct flow_table *t, struct flow_owner *owner)
{
    for (unsigned l = owner->first_list; l < owner->first_list + (unsigned)owner->n_lists; l++) {
        while (t->list[l].head)
            flow_table_remove(t, flow_at(t, t->list[l].head));
    }
    for (unsigned m = owner->first_map; m < owner->first_map + (unsigned)owner->n_maps; m++)
        t->map[m].owner = NULL;
}
