// SPDX-License-Identifier: BSD-2-Clause
/*
 * arp_cache_test.c - the ARP cache under a clock of our own, and ARPQuerier on a scheduler: times, limits,
 * the rate of queries, a random walk that checks the structure, and that packets come back.
 */
#include "elements/ethernet/arp_cache.h"
#include "platform/platform.h"
#include "router/headers.h"
#define TEST_POOL 256
#include "tests/running.h"

#define MS 1000000ull
#define SECOND (1000 * MS)

static const uint8_t mac[6] = {2, 0, 0, 0, 0, 7};
static struct element owner;        /* the cache only needs to know that it has one */

static uint32_t ip(unsigned n)
{
    return be32(0x0A000000u + n);
}

static bool append(struct arp_cache *cache, unsigned n, uint64_t now)
{
    struct packet *p = packet_new();

    assert_non_null(p);
    return arp_cache_append(cache, ip(n), p, now);
}

static unsigned free_list(struct packet *p)
{
    unsigned n = 0;

    for (struct packet *next; p; p = next, n++) {
        next = p->next;
        packet_free(p);
    }
    return n;
}

static void answers_are_good_for_the_timeout(void **state)
{
    struct arp_cache cache;
    struct packet *waiting;
    uint64_t now = platform_now_ns();
    uint8_t ether[6];

    (void)state;
    arp_cache_setup(&cache, &owner);
    cache.timeout_ns = SECOND;
    assert_int_equal(arp_cache_lookup(&cache, ip(1), now, 0, ether), ARP_UNKNOWN);
    assert_int_equal(arp_cache_insert(&cache, ip(1), mac, NULL), 0);
    assert_int_equal(arp_cache_lookup(&cache, ip(1), now, 0, ether), ARP_KNOWN);
    assert_memory_equal(ether, mac, 6);
    assert_int_equal(arp_cache_lookup(&cache, ip(1), now + 3 * SECOND, 0, ether), ARP_UNKNOWN);
    /* It is asked for again, and what waits comes back with the answer. */
    assert_true(append(&cache, 1, now + 3 * SECOND));
    assert_false(append(&cache, 1, now + 3 * SECOND));
    assert_int_equal(cache.n_entries, 1);
    assert_int_equal(cache.n_packets, 2);
    assert_int_equal(arp_cache_insert(&cache, ip(1), mac, &waiting), 0);
    assert_int_equal(free_list(waiting), 2);
    assert_int_equal(cache.n_packets, 0);
    cache.timeout_ns = 0;
    assert_int_equal(arp_cache_lookup(&cache, ip(1), now + 3000000 * SECOND, 0, ether), ARP_KNOWN);
    arp_cache_destroy(&cache);
}

static void queries_are_rare(void **state)
{
    struct arp_cache cache;
    uint64_t now = 5;               /* a guest's clock begins at 0 */
    unsigned queries = 0;
    uint8_t ether[6];

    (void)state;
    arp_cache_setup(&cache, &owner);
    cache.entry_packet_capacity = 10000;
    cache.capacity = 10;
    assert_true(append(&cache, 1, now));
    assert_false(append(&cache, 1, now + 99 * MS));
    for (unsigned t = 100; t <= 900; t += 10)
        queries += append(&cache, 1, now + t * MS);
    assert_int_equal(queries, 9);
    assert_false(append(&cache, 1, now + 2800 * MS));       /* ten went unanswered */
    assert_true(append(&cache, 1, now + 2900 * MS));
    assert_int_equal(arp_cache_insert(&cache, ip(2), mac, NULL), 0);
    now = platform_now_ns();
    assert_int_equal(arp_cache_lookup(&cache, ip(2), now, 60 * SECOND, ether), ARP_KNOWN);
    assert_int_equal(arp_cache_lookup(&cache, ip(2), now + 61 * SECOND, 60 * SECOND, ether),
                     ARP_KNOWN_POLL);
    assert_int_equal(arp_cache_lookup(&cache, ip(2), now + 61 * SECOND, 60 * SECOND, ether),
                     ARP_KNOWN);
    arp_cache_destroy(&cache);
}

static void a_scan_does_not_fill_memory(void **state)
{
    struct arp_cache cache;
    uint8_t ether[6];

    (void)state;
    arp_cache_setup(&cache, &owner);
    for (unsigned i = 0; i < ARP_ENTRIES_MAX + 1000; i++)
        assert_int_equal(arp_cache_insert(&cache, ip(i), mac, NULL), 0);
    assert_int_equal(cache.n_entries, ARP_ENTRIES_MAX);
    assert_int_equal(arp_cache_lookup(&cache, ip(999), platform_now_ns(), 0, ether), ARP_UNKNOWN);
    assert_int_equal(arp_cache_lookup(&cache, ip(1000), platform_now_ns(), 0, ether), ARP_KNOWN);
    arp_cache_destroy(&cache);
}

/* The structure's promises, counted the slow way. */
static void check(const struct arp_cache *cache)
{
    uint32_t entries = 0, packets = 0, hashed = 0;
    const struct arp_entry *older = NULL;

    for (const struct arp_entry *e = cache->oldest; e; older = e, e = e->newer) {
        uint32_t waiting = 0;
        const struct arp_entry *found = *arp_cache_slot(cache, e->ip);

        assert_ptr_equal(e->older, older);
        while (found && found != e)
            found = found->next_in_slot;
        assert_non_null(found);
        for (const struct packet *p = e->first; p; p = p->next, waiting++)
            assert_true(p->next || p == e->last);
        assert_int_equal(waiting, e->n_packets);
        packets += waiting;
        entries++;
    }
    assert_ptr_equal(cache->newest, older);
    for (uint32_t i = 0; i <= cache->slot_mask; i++)
        for (const struct arp_entry *e = cache->slots[i]; e; e = e->next_in_slot)
            hashed++;
    assert_int_equal(entries, cache->n_entries);
    assert_int_equal(hashed, cache->n_entries);
    assert_int_equal(packets, cache->n_packets);
    assert_int_equal(packets, packet_pool_in_use());
}

static void a_random_walk_keeps_the_structure(void **state)
{
    struct arp_cache cache;
    uint64_t now = platform_now_ns();

    (void)state;
    srand(1);
    for (unsigned round = 0; round < 4; round++) {
        arp_cache_setup(&cache, &owner);
        cache.timeout_ns = round & 1 ? 200 * MS : 2 * SECOND;
        cache.capacity = round & 2 ? 40 : 100;
        cache.entry_capacity = round & 2 ? 150 : 0;
        cache.slim_factor = 1 + round;
        for (unsigned i = 0; i < 6000; i++) {
            unsigned n = (unsigned)rand() % 300;
            struct packet *waiting;

            now += (unsigned)rand() % (2 * MS);
            if (rand() % 4 == 0) {
                assert_int_equal(arp_cache_insert(&cache, ip(n), mac, &waiting), 0);
                free_list(waiting);
            } else {
                append(&cache, n, now);
            }
            assert_true(cache.n_packets <= cache.capacity);
            assert_true(!cache.entry_capacity || cache.n_entries <= cache.entry_capacity);
            if (i % 16 == 0)
                check(&cache);
        }
        arp_cache_clear(&cache);
        check(&cache);
        arp_cache_destroy(&cache);
    }
}

/* ---- the element ---- */

#define QUERIER(arguments) \
    "Idle -> q :: ARPQuerier(10.0.0.9/24, 2:0:0:0:0:9" arguments ") -> Discard; Idle -> [1] q"

/* From one cache to the next, with other limits each time: what fits is kept, in its order, and nothing is lost uncounted. */
static void another_takes_what_fits(void **state)
{
    struct arp_cache caches[2];
    uint64_t now = platform_now_ns();
    uint32_t waiting = 0, dropped = 0;

    (void)state;
    srand(2);
    arp_cache_setup(&caches[0], &owner);
    for (unsigned round = 0; round < 40; round++) {
        struct arp_cache *from = &caches[round % 2], *to = &caches[(round + 1) % 2];

        for (unsigned i = 0; i < 50; i++) {
            if (rand() % 4 == 0)
                arp_cache_insert(from, ip((unsigned)rand() % 90), mac, NULL);
            else
                waiting++, append(from, (unsigned)rand() % 90, now);
        }
        arp_cache_setup(to, &owner);
        to->capacity = round % 3 ? 0 : 20;
        to->packets_max = 100;
        to->entry_capacity = round % 5 ? 0 : 30;
        to->entry_packet_capacity = round % 4 ? 0 : 2;
        if (round % 2)              /* told already */
            arp_cache_insert(to, ip(1), mac, NULL);
        arp_cache_take(to, from);
        check(to);
        assert_int_equal(from->n_entries, 0);
        assert_true(!to->capacity || to->n_packets <= to->capacity);
        assert_true(to->n_packets <= to->packets_max);
        assert_true(!to->entry_capacity || to->n_entries <= to->entry_capacity);
        dropped = (uint32_t)to->drops;
        assert_int_equal(waiting, to->n_packets + dropped);
        assert_int_equal(packet_pool_in_use(), to->n_packets);
        arp_cache_destroy(from);
    }
    assert_true(dropped > 0 && dropped < waiting);
    arp_cache_destroy(&caches[0]);
}

static void send_ip(struct router *r, unsigned first, unsigned n)
{
    struct element *q = router_find(r, "q");
    struct batch batch = {.n = 0};

    for (unsigned i = 0; i < n; i++) {
        struct packet *p = packet_make(PACKET_HEADROOM, NULL, 20, 0);

        assert_non_null(p);
        memset(p->data, 0, 20);
        packet_set_dst_ip(p, ip(first + i));
        batch_add(&batch, p);
    }
    q->class->push(q, 0, &batch);
}

static void run_for(uint64_t ns)
{
    uint64_t end = platform_now_ns() + ns;

    while (platform_now_ns() < end)
        scheduler_run(&scheduler, 16);
}

static void expired_entries_and_their_packets_go_by_themselves(void **state)
{
    struct router *r = start(QUERIER(", TIMEOUT 0.05"));

    (void)state;
    send_ip(r, 1, 5);
    reads(r, "q.count", "5");
    reads(r, "q.length", "5");
    run_for(20 * MS);
    reads(r, "q.length", "5");
    run_for(250 * MS);
    reads(r, "q.count", "0");
    reads(r, "q.length", "0");
    assert_int_equal(packet_pool_in_use(), 0);
    reads(r, "q.table", "");
    router_destroy(r);
}

static void waiting_packets_leave_half_of_the_pool(void **state)
{
    struct router *r = start(QUERIER(", CAPACITY 0"));

    (void)state;
    for (unsigned i = 0; i < 10; i++)
        send_ip(r, 1 + 32 * i, 32);
    assert_true(packet_pool_in_use() <= TEST_POOL / 2);
    assert_true(packet_pool_in_use() >= TEST_POOL / 4);
    router_destroy(r);
    assert_int_equal(packet_pool_in_use(), 0);
}

static void a_new_configuration_while_running(void **state)
{
    struct router *r = start(QUERIER(""));

    (void)state;
    assert_true(writes(r, "q.insert", "10.0.0.1 2:0:0:0:0:1"));
    assert_false(writes(r, "q.insert", "10.0.0.1"));
    assert_false(writes(r, "q.insert", "10.0.0.1 x"));
    assert_false(writes(r, "q.delete", "a b"));
    assert_true(writes(r, "q.config", "10.0.0.9/16, 2:0:0:0:0:9, CAPACITY 7"));
    reads(r, "q.broadcast", "10.0.255.255");
    reads(r, "q.count", "1");
    assert_true(writes(r, "q.config", "10.0.0.8/24, 2:0:0:0:0:9"));    /* another host now */
    reads(r, "q.count", "0");
    reads(r, "q.ipaddr", "10.0.0.8");
    assert_false(writes(r, "q.config", "10.0.0.8/24, 2:0:0:0:0:9, CAPACITY_SLIM_FACTOR 0"));
    assert_false(writes(r, "q.config", "10.0.0.8/24"));
    send_ip(r, 1, 32);
    reads(r, "q.queries", "32");
    assert_true(writes(r, "q.clear", ""));
    reads(r, "q.stats", "32 packets killed\n0 ARP queries sent\n");
    assert_true(writes(r, "q.ipaddr", "0.0.0.0"));
    send_ip(r, 1, 3);
    reads(r, "q.drops", "3");
    router_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers_are_good_for_the_timeout),
        TEST(queries_are_rare),
        TEST(a_scan_does_not_fill_memory),
        TEST(a_random_walk_keeps_the_structure),
        TEST(another_takes_what_fits),
        TEST(expired_entries_and_their_packets_go_by_themselves),
        TEST(waiting_packets_leave_half_of_the_pool),
        TEST(a_new_configuration_while_running),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
