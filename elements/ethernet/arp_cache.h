// SPDX-License-Identifier: BSD-2-Clause
/*
 * arp_cache.h - which Ethernet address an IP address has, and the packets that wait to know.
 *
 * What ARPTable and ARPQuerier share. An entry is made when somebody asks for an
 * address or tells it; it is good for `timeout_ns` after it was last told, and is taken
 * away soon after.
 *
 * - arp_cache_setup() once; arp_cache_start() when the router runs; arp_cache_destroy() at the end,
 *   from any state. Handlers may use the cache before it is started.
 * - Packets given to arp_cache_append() belong to the cache until arp_cache_insert()
 *   hands them back or they are dropped, which is counted in `drops`.
 * - Looking up allocates nothing. Making an entry may; when memory is short, or more than
 *   ARP_ENTRIES_MAX hosts are heard of (a scan), the oldest entry makes room.
 * - The cache never holds more than half of the packet pool, whatever `capacity` says,
 *   so that there is always a packet to ask and to be answered with.
 */
#ifndef ELEMENTS_ARP_CACHE_H
#define ELEMENTS_ARP_CACHE_H

#include <string.h>

#include "router/element.h"
#include "router/packet.h"

/* What element_cast() gives a struct arp_cache for; not ARPTable's name, which gives the element. */
#define ARP_CACHE_INTERFACE "arp_cache"

enum { ARP_ENTRIES_MAX = 1 << 16 };

struct arp_entry {
    uint32_t ip;                    /* network order */
    uint8_t ether[6];
    bool known;                     /* ether is an answer, not a placeholder */
    uint8_t polls;                  /* queries since the last answer, at most 255 */
    uint64_t live_ns;               /* when it was told last, or first asked for */
    uint64_t polled_ns;
    struct arp_entry *next_in_slot;
    struct arp_entry *older, *newer;
    struct packet *first, *last;    /* waiting, by packet->next */
    uint32_t n_packets;
};

struct arp_cache {
    /* Configuration; 0 means no limit, or never. */
    uint32_t capacity, entry_capacity, entry_packet_capacity;
    uint32_t slim_factor;           /* 1/slim_factor of the packets go when there are too many */
    uint64_t timeout_ns;

    uint32_t n_entries, n_packets;
    uint64_t drops;

    struct arp_entry **slots;       /* a power of two of them */
    uint32_t slot_mask;
    uint64_t seed;                  /* odd; hosts on the link cannot choose who shares a slot */
    struct arp_entry *no_slots;     /* the table before there is one */
    struct arp_entry *oldest, *newest;
    struct arp_entry *unused;       /* by next_in_slot */
    struct arp_slab *slabs;
    uint32_t packets_max;           /* half of the pool */
    struct timer timer;
    struct element *element;
};

/* The defaults of the arguments, and an empty table. */
void arp_cache_setup(struct arp_cache *cache, struct element *element);
int arp_cache_start(struct arp_cache *cache);
void arp_cache_destroy(struct arp_cache *cache);

/* Now, for the packet path: as of this round of the scheduler where that is known. */
uint64_t arp_cache_now(const struct arp_cache *cache);

enum arp_answer { ARP_UNKNOWN, ARP_KNOWN, ARP_KNOWN_POLL };

static inline struct arp_entry **arp_cache_slot(const struct arp_cache *cache, uint32_t ip)
{
    return &cache->slots[(uint32_t)(ip * cache->seed >> 32) & cache->slot_mask];
}

static inline bool arp_entry_valid(const struct arp_cache *cache, const struct arp_entry *entry,
                                   uint64_t now)
{
    return entry->known && (!cache->timeout_ns || now <= entry->live_ns + cache->timeout_ns);
}

bool arp_entry_allows_poll(const struct arp_entry *entry, uint64_t now);
void arp_entry_mark_poll(struct arp_entry *entry, uint64_t now);

/*
 * Writes the address to `ether` when it is known. ARP_KNOWN_POLL: also send a query now, because
 * nothing was heard for poll_ns (0: never).
 */
static inline enum arp_answer arp_cache_lookup(struct arp_cache *cache, uint32_t ip, uint64_t now,
                                               uint64_t poll_ns, uint8_t ether[6])
{
    struct arp_entry *entry = *arp_cache_slot(cache, ip);

    while (entry && entry->ip != ip)
        entry = entry->next_in_slot;
    if (!entry || !arp_entry_valid(cache, entry, now))
        return ARP_UNKNOWN;
    memcpy(ether, entry->ether, 6);
    if (__builtin_expect(!poll_ns || now < entry->live_ns + poll_ns, 1))
        return ARP_KNOWN;
    if (!arp_entry_allows_poll(entry, now))
        return ARP_KNOWN;
    arp_entry_mark_poll(entry, now);
    return ARP_KNOWN_POLL;
}

/*
 * Keeps p until `ip` is known, or drops it for want of room. True: send a query, the last
 * one was long enough ago. p is the cache's in either case.
 */
bool arp_cache_append(struct arp_cache *cache, uint32_t ip, struct packet *p, uint64_t now);

/*
 * `ip` has address `ether`; a broadcast address makes it unknown again. The packets that
 * waited become the caller's, a list by packet->next; with `waiting` NULL they stay.
 */
int arp_cache_insert(struct arp_cache *cache, uint32_t ip, const uint8_t ether[6],
                     struct packet **waiting);

/*
 * Takes over what another one has, which is empty then: entries with their age, and the packets that wait, as far
 * as this one's limits allow. What this one was told before is newer and stays.
 */
void arp_cache_take(struct arp_cache *cache, struct arp_cache *from);

/* Forgets all entries and drops their packets. */
void arp_cache_clear(struct arp_cache *cache);

/* "IP 1 ETH AGE" lines, oldest first; 0 where the address is not known, or no longer. */
void arp_cache_format(const struct arp_cache *cache, struct text *out);

/* Handlers' work: "IP ETH" and "IP". 0, or negative errno with errors added. */
int arp_cache_write_insert(struct arp_cache *cache, struct element *e, const struct handler_call *c);
int arp_cache_write_delete(struct arp_cache *cache, struct element *e, const struct handler_call *c);

/* Rows for the argument and value tables of an element that has a cache as `member`. */
#define ARP_CACHE_ARGUMENTS(structure, member)                                                   \
    {"CAPACITY", ARG_KEYWORD, &arg_unsigned, offsetof(structure, member.capacity),               \
     .help = "packets kept while addresses are asked for, default 2048; 0: half of the pool"},    \
    {"ENTRY_CAPACITY", ARG_KEYWORD, &arg_unsigned, offsetof(structure, member.entry_capacity),   \
     .help = "entries kept, the oldest making room; default 0: up to 65536"},                    \
    {"ENTRY_PACKET_CAPACITY", ARG_KEYWORD, &arg_unsigned,                                        \
     offsetof(structure, member.entry_packet_capacity),                                          \
     .help = "packets kept for one address; default 0: no limit of its own"},                    \
    {"CAPACITY_SLIM_FACTOR", ARG_KEYWORD, &arg_slim_factor,                                      \
     offsetof(structure, member.slim_factor),                                                    \
     .help = "1/FACTOR of the kept packets, the oldest, go when there are too many; default 2"}, \
    {"TIMEOUT", ARG_KEYWORD, &arg_seconds, offsetof(structure, member.timeout_ns),               \
     .help = "how long an answer is good; default 5 minutes; 0: for ever"}

extern const struct arg_type arg_slim_factor;       /* uint32_t, not 0 */

/* To be called when the arguments were read, the first time or again. */
void arp_cache_configure(struct arp_cache *cache);

#endif
