// SPDX-License-Identifier: BSD-2-Clause
/*
 * flow_table.h - flows by address and port, in both directions, with time-outs.
 *
 * A flow is one 64-byte line that serves both directions: the key of the packets that
 * began it and the key of the replies. What a packet turns into is the other
 * direction's key, reversed. The index beside the flows is an array of
 * one-line buckets: 12 tags of 8 bits, then 12 references (flow number and direction).
 * So a hit costs two lines, and flow_table_find_batch() fetches them ahead, in phases
 * over a batch.
 *
 * - Keys are hashed with a random seed: a sender cannot aim at one bucket.
 * - Memory comes in slabs when the number of flows grows, never per packet; the index
 *   doubles step by step, a few buckets with each new flow, so nothing pauses. A table that gets no more is
 *   full like one at its capacity.
 * - Time-outs cost a packet one store. A list per kind of flow is ordered by the time
 *   at which a flow was last queued; a flow that is in use is moved to the end each
 *   eighth of its time-out. So a flow goes at most an eighth of its time-out late.
 * - A full table gives up the flow closest to its end that is not guaranteed, or refuses.
 * - Several owners (rewriters) may share one table and its capacity; a key belongs
 *   to one owner's map.
 *
 * A struct flow stays where it is while it lives; it may be removed by any add, reap,
 * clear or set_capacity.
 */
#ifndef ELEMENTS_IP_FLOW_TABLE_H
#define ELEMENTS_IP_FLOW_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "router/headers.h"

struct flow_key {                       /* as packets carry it: network order */
    be32_t src, dst;
    be16_t src_port, dst_port;
};

static inline struct flow_key flow_key_reverse(const struct flow_key *key)
{
    return (struct flow_key){key->dst, key->src, key->dst_port, key->src_port};
}

static inline bool flow_key_equal(const struct flow_key *a, const struct flow_key *b)
{
    return a->src == b->src && a->dst == b->dst && a->src_port == b->src_port &&
           a->dst_port == b->dst_port;
}

enum { FLOW_FORWARD = 0, FLOW_REPLY = 1 };

struct flow {
    struct flow_key key[2];             /* by direction: what its packets look like on arrival */
    uint32_t next, prev;                /* in its list; flow numbers, 0: none */
    uint32_t used;                      /* ticks: the last packet */
    uint32_t queued;                    /* ticks: put at the end of its list */
    uint16_t ip_delta;                  /* what rewriting adds to one's complement sums, forward */
    uint16_t transport_delta;
    uint16_t output[2];                 /* by direction */
    uint16_t input;                     /* of the owner, which made the flow */
    uint16_t map;                       /* FLOW_MAP_NONE: not in use */
    uint16_t list;
    uint8_t protocol;                   /* of the packet that made it */
    uint8_t state;                      /* the owner's */
    uint8_t reply_anno;
    uint8_t unused[3];
    uint32_t extra;                     /* the owner's; 0 at first */
};

_Static_assert(sizeof(struct flow) == 64, "one cache line");

enum { FLOW_MAP_NONE = 0xFFFF, FLOW_CAPACITY_UNLIMITED = 0x7FFFFFFF };

/* Time here: 2^24 ns (17 ms), so that 32 bits last two years and a conversion is a shift. */
static inline uint32_t flow_ticks(uint64_t ns)
{
    return (uint32_t)(ns >> 24);
}
/* At most a year: later and earlier stay distinguishable. */
uint32_t flow_ticks_of_seconds(uint32_t seconds);

/* How long a kind of flow lives after its last packet, and how long it cannot be given up. */
struct flow_lifetime {
    uint32_t timeout_s, guarantee_s;
};

struct flow_table;

struct flow_owner {
    void *user;
    void (*removed)(struct flow_owner *owner, const struct flow *flow);     /* may be NULL */
    uint16_t first_map, n_maps;         /* set by flow_table_register() */
    uint16_t first_list, n_lists;
};

/* NULL: no memory. Referenced once. */
struct flow_table *flow_table_new(void);
struct flow_table *flow_table_share(struct flow_table *table);
/* The last one out frees the table; flows must have been removed by their owners. NULL: nothing. */
void flow_table_release(struct flow_table *table);

/* Gives the owner n_maps key spaces and a list for each kind of flow. 0, -ENOMEM or -ENOSPC. */
int flow_table_register(struct flow_table *table, struct flow_owner *owner, unsigned n_maps,
                        const struct flow_lifetime *kinds, unsigned n_kinds);
/* Removes the owner's flows, calling removed() for each, and forgets the owner. */
void flow_table_unregister(struct flow_table *table, struct flow_owner *owner);

struct flow_hit {
    struct flow *flow;                  /* NULL: none */
    unsigned direction;
};

/* `map`: the owner's first_map + which. */
struct flow_hit flow_table_find(const struct flow_table *table, unsigned map,
                                const struct flow_key *key);
/* The same for n <= BATCH_MAX keys, memory fetched ahead. A map of FLOW_MAP_NONE: no hit. */
void flow_table_find_batch(const struct flow_table *table, unsigned n, const uint16_t *map,
                           const struct flow_key *key, struct flow_hit *hit);

struct flow_request {
    struct flow_key key, rewritten;     /* of the packet as it came, as it goes on */
    uint16_t output[2];
    uint16_t input;
    unsigned map;                       /* the owner's first_map + which */
    unsigned kind;                      /* index into the owner's kinds */
    uint8_t protocol;
    uint32_t now;                       /* ticks */
};

/*
 * A new flow, whose forward key the caller has just not found in the table. A flow that has its reply key already
 * is removed. NULL: the table is full of flows that cannot be given up, or memory is short.
 */
struct flow *flow_table_add(struct flow_table *table, const struct flow_request *request);
void flow_table_remove(struct flow_table *table, struct flow *flow);

void flow_table_requeue(struct flow_table *table, struct flow *flow, unsigned list, uint32_t now);

struct flow_list {
    uint32_t head, tail;                /* flow numbers; 0: none */
    uint32_t timeout, guarantee;        /* ticks */
    uint32_t refresh;                   /* ticks after which a flow in use is queued again */
};

struct flow_bucket;

struct flow_index {
    struct flow_bucket *bucket;         /* NULL: none */
    uint32_t mask;
    void *memory;                       /* as malloc gave it */
};

struct flow_map {
    struct flow_owner *owner;
    uint32_t count;
};

struct flow_table {
    struct flow_index index, old;       /* old: being moved into index */
    uint32_t moved;                     /* buckets of old that are empty already */
    struct flow **slab;
    void **slab_memory;
    uint32_t n_slabs, slab_room;
    uint32_t free_flow;                 /* first of the list of unused flows; 0: none */
    uint32_t count, capacity;
    struct flow_list *list;
    uint32_t n_lists;
    struct flow_map *map;
    uint32_t n_maps;
    uint64_t additions, removals;       /* so far: "changed since?" without a search */
    uint64_t evictions, refusals;       /* because of capacity or memory */
    uint32_t references;
    uint64_t seed[3];
};

/* As long as this stays the same, so does what was found. */
static inline uint64_t flow_table_changes(const struct flow_table *table)
{
    return table->additions + table->removals;
}

/* A packet of the flow passed: `kind` as of now. */
static inline void flow_table_used(struct flow_table *table, struct flow *flow,
                                   const struct flow_owner *owner, unsigned kind, uint32_t now)
{
    unsigned list = owner->first_list + kind;

    flow->used = now;
    if (__builtin_expect(flow->list != list || now - flow->queued > table->list[list].refresh, 0))
        flow_table_requeue(table, flow, list, now);
}

/* The flow of one of the owner's kinds that was queued first; NULL: there is none. */
struct flow *flow_table_first(const struct flow_table *table, const struct flow_owner *owner, unsigned kind);
/*
 * A flow as another table has it, `from`, with its age and what its owner noted: `request` says what it is here.
 * NULL as above; `from` stays where it is.
 */
struct flow *flow_table_add_copy(struct flow_table *table, const struct flow_request *request,
                                 const struct flow *from);

/* Removes what has timed out, at most `budget` flows, and looks at about twice as many. True when there is more. */
bool flow_table_reap(struct flow_table *table, uint32_t now, unsigned budget);
/* Removes everything, whoever owns it. */
void flow_table_clear(struct flow_table *table);
/* A smaller one removes flows, those without guarantee first. */
void flow_table_set_capacity(struct flow_table *table, uint32_t capacity, uint32_t now);
/* Ticks until the flow times out, negative when it has. */
int32_t flow_table_remaining(const struct flow_table *table, const struct flow *flow,
                             uint32_t now);
/* The next flow in memory after `from` (NULL: the first) that is in the map; NULL: no more. */
struct flow *flow_table_next(const struct flow_table *table, unsigned map,
                             const struct flow *from, uint32_t *cursor);

#endif
