// SPDX-License-Identifier: BSD-2-Clause
/*
 * arp_cache.c - which Ethernet address an IP address has; see arp_cache.h.
 *
 * A hash table whose entries also form a list by age (live_ns never falls from oldest to
 * newest), so that what is due to go stands at its front. Entries come from slabs that are kept
 * until the end: a table that was full once can be full again without asking for memory.
 *
 * The timer is set while there are entries and fires shortly after the oldest one's time is
 * over, not for each entry: at most ten times a second.
 */
#include "elements/ethernet/arp_cache.h"

#include <stdlib.h>

#include "platform/platform.h"
#include "router/router.h"

#define MS 1000000ull
#define SECOND (1000 * MS)
#define FOR_EVER (1000000000 * SECOND)

enum {
    CAPACITY_DEFAULT = 2048, SLIM_DEFAULT = 2, TIMEOUT_DEFAULT_S = 300,
    SLAB_ENTRIES = 32, SLOTS_FIRST = 64,
    POLLS_EAGER = 10,               /* so many queries 0.1 s apart, then 2 s */
    COLLECT_LATE_MS = 100,          /* how long an entry may stay when its time is over */
    WALK_MAX = 64,
};

struct arp_slab {
    struct arp_slab *next;
    struct arp_entry entries[SLAB_ENTRIES];
};

static const uint8_t broadcast[6] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};

/* ---- life ---- */

static void collect(struct element *e, struct timer *timer);

void arp_cache_setup(struct arp_cache *cache, struct element *element)
{
    *cache = (struct arp_cache){
        .capacity = CAPACITY_DEFAULT, .slim_factor = SLIM_DEFAULT,
        .timeout_ns = TIMEOUT_DEFAULT_S * SECOND, .element = element,
        .seed = ((uint64_t)platform_random() << 32 | platform_random()) | 1,
        .packets_max = UINT32_MAX,
    };
    cache->slots = &cache->no_slots;
}

static void set_timer(struct arp_cache *cache)
{
    uint64_t due;

    if (!cache->timer.scheduler || !cache->timeout_ns || !cache->oldest)
        return;
    due = cache->oldest->live_ns + cache->timeout_ns;
    if (due < platform_now_ns())
        due = platform_now_ns();
    timer_set_at(&cache->timer, due + COLLECT_LATE_MS * MS);
}

static bool parse_slim_factor(const struct arg_context *context, const char *text, void *value)
{
    uint32_t factor;

    if (!arg_unsigned.parse(context, text, &factor))
        return false;
    if (!factor) {
        errors_add(context->errors, NULL, "CAPACITY_SLIM_FACTOR cannot be zero");
        return false;
    }
    memcpy(value, &factor, sizeof factor);
    return true;
}

static void format_slim_factor(const void *value, struct text *out)
{
    arg_unsigned.format(value, out);
}

const struct arg_type arg_slim_factor = {
    .name = "unsigned, not 0", .size = sizeof(uint32_t), .parse = parse_slim_factor,
    .format = format_slim_factor,
};

void arp_cache_configure(struct arp_cache *cache)
{
    /* Times are added to the clock: beyond 30 years is for ever. */
    if (cache->timeout_ns > FOR_EVER)
        cache->timeout_ns = 0;
    timer_clear(&cache->timer);
    set_timer(cache);
}

int arp_cache_start(struct arp_cache *cache)
{
    struct packet_pool_stats pool;
    int rc = timer_init(&cache->timer, cache->element, collect);

    if (rc < 0)
        return rc;
    packet_pool_stats(&pool);
    cache->packets_max = pool.limit / 2;
    set_timer(cache);
    return 0;
}

void arp_cache_destroy(struct arp_cache *cache)
{
    if (!cache->element)                /* was never set up */
        return;
    arp_cache_clear(cache);
    timer_destroy(&cache->timer);
    while (cache->slabs) {
        struct arp_slab *slab = cache->slabs;

        cache->slabs = slab->next;
        free(slab);
    }
    if (cache->slots != &cache->no_slots)
        free(cache->slots);
    cache->slots = &cache->no_slots;
    cache->slot_mask = 0;
    cache->unused = NULL;
}

uint64_t arp_cache_now(const struct arp_cache *cache)
{
    /* The scheduler reads the clock each round only when it has timers; ours is one. */
    return timer_is_set(&cache->timer) ? cache->timer.scheduler->now_ns : platform_now_ns();
}

/* ---- entries: the list by age, the slots, the store ---- */

static void unlink_age(struct arp_cache *cache, struct arp_entry *entry)
{
    *(entry->older ? &entry->older->newer : &cache->oldest) = entry->newer;
    *(entry->newer ? &entry->newer->older : &cache->newest) = entry->older;
}

/* Before `at`; NULL: as the newest. */
static void link_age(struct arp_cache *cache, struct arp_entry *entry, struct arp_entry *at)
{
    entry->newer = at;
    entry->older = at ? at->older : cache->newest;
    *(entry->older ? &entry->older->newer : &cache->oldest) = entry;
    *(at ? &at->older : &cache->newest) = entry;
}

static struct arp_entry *find(const struct arp_cache *cache, uint32_t ip)
{
    struct arp_entry *entry = *arp_cache_slot(cache, ip);

    while (entry && entry->ip != ip)
        entry = entry->next_in_slot;
    return entry;
}

static void drop_first(struct arp_cache *cache, struct arp_entry *entry)
{
    struct packet *p = entry->first;

    entry->first = p->next;
    if (!entry->first)
        entry->last = NULL;
    entry->n_packets--;
    cache->n_packets--;
    cache->drops++;
    packet_free(p);
}

static void forget(struct arp_cache *cache, struct arp_entry *entry)
{
    struct arp_entry **at = arp_cache_slot(cache, entry->ip);

    while (*at != entry)
        at = &(*at)->next_in_slot;
    *at = entry->next_in_slot;
    unlink_age(cache, entry);
    while (entry->first)
        drop_first(cache, entry);
    entry->next_in_slot = cache->unused;
    cache->unused = entry;
    cache->n_entries--;
}

static bool expired(const struct arp_cache *cache, const struct arp_entry *entry, uint64_t now)
{
    return cache->timeout_ns && entry->live_ns + cache->timeout_ns < now;
}

static void forget_expired(struct arp_cache *cache, uint64_t now)
{
    while (cache->oldest && expired(cache, cache->oldest, now))
        forget(cache, cache->oldest);
}

static void collect(struct element *e, struct timer *timer)
{
    struct arp_cache *cache = (struct arp_cache *)((char *)timer - offsetof(struct arp_cache, timer));

    (void)e;
    forget_expired(cache, platform_now_ns());
    set_timer(cache);
}

/* More slots when entries are twice as many. Short of memory: longer chains. */
static void make_slots(struct arp_cache *cache)
{
    bool none = cache->slots == &cache->no_slots;
    uint32_t n = none ? SLOTS_FIRST : (cache->slot_mask + 1) * 2;
    struct arp_entry **slots;

    if (!none && cache->n_entries <= (cache->slot_mask + 1) * 2)
        return;
    slots = calloc(n, sizeof *slots);
    if (!slots)
        return;
    if (!none)
        free(cache->slots);
    cache->slots = slots;
    cache->slot_mask = n - 1;
    for (struct arp_entry *entry = cache->oldest; entry; entry = entry->newer) {
        struct arp_entry **slot = arp_cache_slot(cache, entry->ip);

        entry->next_in_slot = *slot;
        *slot = entry;
    }
}

static bool make_slab(struct arp_cache *cache)
{
    struct arp_slab *slab = malloc(sizeof *slab);

    if (!slab)
        return false;
    slab->next = cache->slabs;
    cache->slabs = slab;
    for (unsigned i = 0; i < SLAB_ENTRIES; i++) {
        slab->entries[i].next_in_slot = cache->unused;
        cache->unused = &slab->entries[i];
    }
    return true;
}

static uint32_t most_entries(const struct arp_cache *cache)
{
    return cache->entry_capacity && cache->entry_capacity < ARP_ENTRIES_MAX ? cache->entry_capacity
                                                                            : ARP_ENTRIES_MAX;
}

/* An unlinked entry, the oldest one's if there is no other. NULL: not even that. */
static struct arp_entry *take(struct arp_cache *cache, uint64_t now)
{
    uint32_t most = most_entries(cache);
    struct arp_entry *entry;

    if (cache->n_entries >= most)
        forget_expired(cache, now);
    while (cache->n_entries >= most)
        forget(cache, cache->oldest);
    if (!cache->unused && !make_slab(cache) && cache->oldest)
        forget(cache, cache->oldest);
    entry = cache->unused;
    if (entry)
        cache->unused = entry->next_in_slot;
    return entry;
}

/* The entry of `ip`, made if there is none. NULL: no memory at all. */
static struct arp_entry *ensure(struct arp_cache *cache, uint32_t ip, uint64_t now)
{
    struct arp_entry *entry = find(cache, ip), **slot;

    if (entry)
        return entry;
    entry = take(cache, now);
    if (!entry)
        return NULL;
    make_slots(cache);
    *entry = (struct arp_entry){.ip = ip, .live_ns = now};
    memcpy(entry->ether, broadcast, 6);
    slot = arp_cache_slot(cache, ip);
    entry->next_in_slot = *slot;
    *slot = entry;
    link_age(cache, entry, NULL);
    cache->n_entries++;
    if (!timer_is_set(&cache->timer))
        set_timer(cache);
    return entry;
}

/* ---- queries ---- */

bool arp_entry_allows_poll(const struct arp_entry *entry, uint64_t now)
{
    uint64_t pause = entry->polls >= POLLS_EAGER ? 2000 * MS : 100 * MS;

    return !entry->polls || now >= entry->polled_ns + pause;
}

void arp_entry_mark_poll(struct arp_entry *entry, uint64_t now)
{
    entry->polled_ns = now;
    if (entry->polls < UINT8_MAX)
        entry->polls++;
}

/* ---- packets ---- */

/*
 * Somebody still wants this address: the entry stays, just not expired. It moves to its
 * place by age; those that it passes are expired, and when they are many they go.
 */
static void keep_alive(struct arp_cache *cache, struct arp_entry *entry, uint64_t now)
{
    struct arp_entry *at;
    unsigned walked = 0;

    if (!expired(cache, entry, now))
        return;
    entry->live_ns = now - cache->timeout_ns;
    at = entry->newer;
    unlink_age(cache, entry);
    while (at && at->live_ns < entry->live_ns && walked++ < WALK_MAX)
        at = at->newer;
    if (at && at->live_ns < entry->live_ns) {
        forget_expired(cache, now);
        at = cache->oldest;
    }
    link_age(cache, entry, at);
}

static uint32_t most_packets(const struct arp_cache *cache)
{
    return cache->capacity && cache->capacity < cache->packets_max ? cache->capacity
                                                                   : cache->packets_max;
}

/* One packet is about to be added: the oldest go when that is too many. */
static void slim(struct arp_cache *cache, uint64_t now)
{
    uint32_t most = most_packets(cache), left;
    struct arp_entry *entry;

    if (cache->n_packets < most)
        return;
    forget_expired(cache, now);
    left = most - most / cache->slim_factor;
    if (left)
        left--;                         /* the one that comes is counted */
    for (entry = cache->oldest; entry && cache->n_packets > left; entry = entry->newer)
        while (entry->first && cache->n_packets > left)
            drop_first(cache, entry);
}

static void refuse(struct arp_cache *cache, struct packet *p)
{
    cache->drops++;
    packet_free(p);
}

bool arp_cache_append(struct arp_cache *cache, uint32_t ip, struct packet *p, uint64_t now)
{
    struct arp_entry *entry = ensure(cache, ip, now);

    if (!entry) {
        refuse(cache, p);
        return false;
    }
    keep_alive(cache, entry, now);
    if (cache->entry_packet_capacity && entry->n_packets >= cache->entry_packet_capacity) {
        refuse(cache, p);
        return false;
    }
    slim(cache, now);             /* not this entry: it is not expired */
    p->next = NULL;
    *(entry->last ? &entry->last->next : &entry->first) = p;
    entry->last = p;
    entry->n_packets++;
    cache->n_packets++;
    if (!arp_entry_allows_poll(entry, now))
        return false;
    arp_entry_mark_poll(entry, now);
    return true;
}

int arp_cache_insert(struct arp_cache *cache, uint32_t ip, const uint8_t ether[6],
                     struct packet **waiting)
{
    uint64_t now = platform_now_ns();
    struct arp_entry *entry = ensure(cache, ip, now);

    if (waiting)
        *waiting = NULL;
    if (!entry)
        return -ENOMEM;
    memcpy(entry->ether, ether, 6);
    entry->known = memcmp(ether, broadcast, 6) != 0;
    entry->live_ns = now;
    entry->polls = 0;
    unlink_age(cache, entry);
    link_age(cache, entry, NULL);
    if (waiting) {
        *waiting = entry->first;
        cache->n_packets -= entry->n_packets;
        entry->first = entry->last = NULL;
        entry->n_packets = 0;
    }
    return 0;
}

void arp_cache_clear(struct arp_cache *cache)
{
    while (cache->oldest)
        forget(cache, cache->oldest);
    timer_clear(&cache->timer);
}

/* ---- from one configuration to the next ---- */

/* All entries with their memory; `to` has none. */
static void move_entries(struct arp_cache *to, struct arp_cache *from)
{
    to->slots = from->slots == &from->no_slots ? &to->no_slots : from->slots;
    to->slot_mask = from->slot_mask;
    to->seed = from->seed;
    to->no_slots = from->no_slots;
    to->oldest = from->oldest;
    to->newest = from->newest;
    to->unused = from->unused;
    to->slabs = from->slabs;
    to->n_entries = from->n_entries;
    to->n_packets = from->n_packets;
    from->slots = &from->no_slots;
    from->slot_mask = from->n_entries = from->n_packets = 0;
    from->no_slots = from->oldest = from->newest = from->unused = NULL;
    from->slabs = NULL;
}

static void keep_limits(struct arp_cache *cache)
{
    while (cache->n_entries > most_entries(cache))
        forget(cache, cache->oldest);
    for (struct arp_entry *entry = cache->oldest; entry; entry = entry->newer)
        while (cache->entry_packet_capacity && entry->n_packets > cache->entry_packet_capacity)
            drop_first(cache, entry);
    if (cache->n_packets > most_packets(cache))
        slim(cache, platform_now_ns());
}

void arp_cache_take(struct arp_cache *cache, struct arp_cache *from)
{
    struct arp_cache told = {.element = cache->element};

    move_entries(&told, cache);
    move_entries(cache, from);
    timer_clear(&from->timer);
    cache->drops += from->drops;
    for (const struct arp_entry *entry = told.oldest; entry; entry = entry->newer)
        if (entry->known)
            arp_cache_insert(cache, entry->ip, entry->ether, NULL);
    arp_cache_destroy(&told);
    keep_limits(cache);
    timer_clear(&cache->timer);
    set_timer(cache);
}

/* ---- handlers ---- */

void arp_cache_format(const struct arp_cache *cache, struct text *out)
{
    uint64_t now = platform_now_ns();
    char ip[16], ether[18];

    for (const struct arp_entry *entry = cache->oldest; entry; entry = entry->newer) {
        text_printf(out, "%s %d %s ", args_format_ip(ip, entry->ip),
                    arp_entry_valid(cache, entry, now), args_format_ether(ether, entry->ether));
        args_format_ns(out, now > entry->live_ns ? (now - entry->live_ns) / MS * MS : 0);
        text_putc(out, '\n');
    }
}

/* Splits the value into exactly `n` words, as the arguments IP and ETH of Click's handlers. */
static bool read_words(struct element *e, const struct handler_call *call, unsigned n, uint32_t *ip,
                       uint8_t ether[6])
{
    struct words words;
    bool ok = words_split_spaces(&words, call->value) == 0;

    if (ok && (words.n < 1 || !args_read_ip(e, words.word[0], ip))) {
        errors_add(call->errors, NULL, words.n < 1 ? "IP: required argument missing"
                                                    : "IP: parse error");
        ok = false;
    }
    if (n > 1 && (words.n < 2 || !args_read_ether(e, words.word[1], ether))) {
        errors_add(call->errors, NULL, words.n < 2 ? "ETH: required argument missing"
                                                    : "ETH: parse error");
        ok = false;
    }
    if (words.n > n) {
        errors_add(call->errors, NULL, "too many arguments");
        ok = false;
    }
    words_free(&words);
    return ok;
}

int arp_cache_write_insert(struct arp_cache *cache, struct element *e, const struct handler_call *c)
{
    uint8_t ether[6];
    uint32_t ip;

    if (!read_words(e, c, 2, &ip, ether))
        return -EINVAL;
    return arp_cache_insert(cache, ip, ether, NULL);
}

int arp_cache_write_delete(struct arp_cache *cache, struct element *e, const struct handler_call *c)
{
    uint32_t ip;

    if (!read_words(e, c, 1, &ip, NULL))
        return -EINVAL;
    return arp_cache_insert(cache, ip, broadcast, NULL);
}
