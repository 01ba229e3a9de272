// SPDX-License-Identifier: BSD-2-Clause
/* flow_table_test.c - the flow table against a plain model, and its rules for a full table and time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "elements/ip/flow_table.h"
#include "router/batch.h"

enum { SHORT, LONG };
static const struct flow_lifetime kinds[] = {[SHORT] = {100, 5}, [LONG] = {1000, 5}};

struct fixture {
    struct flow_table *table;
    struct flow_owner owner;
    unsigned removed;
};

static void count_removed(struct flow_owner *owner, const struct flow *flow)
{
    struct fixture *f = owner->user;

    assert_int_not_equal(flow->map, FLOW_MAP_NONE);
    f->removed++;
}

static void open_with(struct fixture *f, const struct flow_lifetime *lifetimes, unsigned n)
{
    *f = (struct fixture){.table = flow_table_new()};
    assert_non_null(f->table);
    f->owner = (struct flow_owner){.user = f, .removed = count_removed};
    assert_int_equal(flow_table_register(f->table, &f->owner, 2, lifetimes, n), 0);
}

static void open_fixture(struct fixture *f)
{
    open_with(f, kinds, 2);
}

static void close_fixture(struct fixture *f)
{
    flow_table_unregister(f->table, &f->owner);
    assert_int_equal(f->table->count, 0);
    flow_table_release(f->table);
}

/* Flow number n: its forward key, and that its replies have other ports. */
static struct flow_key key_of(uint32_t n)
{
    return (struct flow_key){be32(0x0A000000 + n), be32(0x0B000001), be16((uint16_t)(n * 7)),
                             be16(80)};
}

static struct flow_key rewritten_of(uint32_t n)
{
    return (struct flow_key){be32(0x01000000 + (n >> 16)), be32(0x0B000001), be16((uint16_t)n),
                             be16(80)};
}

static uint32_t at(unsigned seconds)
{
    return flow_ticks_of_seconds(seconds);
}

static struct flow *add(struct fixture *f, uint32_t n, unsigned kind, unsigned seconds)
{
    const struct flow_request request = {
        .key = key_of(n), .rewritten = rewritten_of(n), .output = {1, 2}, .kind = kind,
        .map = f->owner.first_map, .now = at(seconds), .protocol = IP_PROTO_TCP,
    };

    return flow_table_add(f->table, &request);
}

static struct flow_hit find(struct fixture *f, uint32_t n)
{
    struct flow_key key = key_of(n);

    return flow_table_find(f->table, f->owner.first_map, &key);
}

static void finds_both_directions(void **state)
{
    struct fixture f;
    struct flow_key reply;
    struct flow_hit hit;
    struct flow *flow;

    (void)state;
    open_fixture(&f);
    assert_null(find(&f, 1).flow);
    flow = add(&f, 1, SHORT, 0);
    assert_non_null(flow);
    hit = find(&f, 1);
    assert_ptr_equal(hit.flow, flow);
    assert_int_equal(hit.direction, FLOW_FORWARD);
    reply = rewritten_of(1);
    reply = flow_key_reverse(&reply);
    hit = flow_table_find(f.table, f.owner.first_map, &reply);
    assert_ptr_equal(hit.flow, flow);
    assert_int_equal(hit.direction, FLOW_REPLY);
    /* Another key space knows nothing of it. */
    assert_null(flow_table_find(f.table, f.owner.first_map + 1u, &reply).flow);
    flow_table_remove(f.table, flow);
    assert_null(find(&f, 1).flow);
    assert_null(flow_table_find(f.table, f.owner.first_map, &reply).flow);
    assert_int_equal(f.removed, 1);
    close_fixture(&f);
}

/* The same reply key twice: the newer flow has it, the older one is gone. */
static void reply_key_is_taken_over(void **state)
{
    struct fixture f;
    struct flow_request request;
    struct flow *newer;

    (void)state;
    open_fixture(&f);
    add(&f, 1, SHORT, 0);
    request = (struct flow_request){.key = key_of(2), .rewritten = rewritten_of(1),
                                    .map = f.owner.first_map, .kind = SHORT};
    newer = flow_table_add(f.table, &request);
    assert_non_null(newer);
    assert_null(find(&f, 1).flow);
    assert_int_equal(f.table->count, 1);
    close_fixture(&f);
}

/* A flow whose replies look like its own packets is one reference, found as a reply. */
static void flow_to_itself(void **state)
{
    struct fixture f;
    struct flow_key self = {be32(0x01010101), be32(0x01010101), be16(7), be16(7)};
    struct flow_request request = {.key = self, .rewritten = self, .kind = SHORT};
    struct flow_hit hit;

    (void)state;
    open_fixture(&f);
    request.map = f.owner.first_map;
    assert_non_null(flow_table_add(f.table, &request));
    hit = flow_table_find(f.table, f.owner.first_map, &self);
    assert_int_equal(hit.direction, FLOW_REPLY);
    flow_table_remove(f.table, hit.flow);
    assert_null(flow_table_find(f.table, f.owner.first_map, &self).flow);
    close_fixture(&f);
}

/* Thousands of random additions and removals, through several doublings, against an array. */
static void agrees_with_a_model(void **state)
{
    enum { FLOWS = 30000, STEPS = 200000, CHECKS = 50 };
    struct flow **model = calloc(FLOWS, sizeof *model);
    struct fixture f;
    uint32_t live = 0;
    uint64_t random = 88172645463325252u;

    (void)state;
    open_fixture(&f);
    for (unsigned step = 0; step < STEPS; step++) {
        uint32_t n;

        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        n = (uint32_t)(random >> 20) % FLOWS;
        if (!model[n]) {
            model[n] = add(&f, n, random & 1, step / 1000);
            assert_non_null(model[n]);
            live++;
        } else if (random & 2) {
            flow_table_remove(f.table, model[n]);
            model[n] = NULL;
            live--;
        } else {
            flow_table_used(f.table, model[n], &f.owner, random >> 2 & 1, at(step / 1000));
        }
        assert_int_equal(f.table->count, live);
        if (step % (STEPS / CHECKS))
            continue;
        for (uint32_t i = 0; i < FLOWS; i++)
            assert_ptr_equal(find(&f, i).flow, model[i]);
    }
    assert_true(live > 10000);
    close_fixture(&f);
    free(model);
}

static void batch_finds_the_same(void **state)
{
    enum { FLOWS = 5000 };
    struct flow_hit hit[BATCH_MAX];
    struct flow_key key[BATCH_MAX];
    uint16_t map[BATCH_MAX];
    struct fixture f;

    (void)state;
    open_fixture(&f);
    for (uint32_t n = 0; n < FLOWS; n++) {
        add(&f, n, SHORT, 0);
        if (n % 100)
            continue;
        /* Half of them unknown, one in eight without a key. */
        for (unsigned i = 0; i < BATCH_MAX; i++) {
            key[i] = key_of(i % 2 ? n - n * i / BATCH_MAX : FLOWS + i);
            map[i] = i % 8 ? f.owner.first_map : FLOW_MAP_NONE;
        }
        flow_table_find_batch(f.table, BATCH_MAX, map, key, hit);
        for (unsigned i = 0; i < BATCH_MAX; i++) {
            if (map[i] == FLOW_MAP_NONE)
                assert_null(hit[i].flow);
            else
                assert_ptr_equal(hit[i].flow, flow_table_find(f.table, map[i], &key[i]).flow);
            assert_int_equal(!!hit[i].flow, i % 2 && i % 8);
        }
    }
    close_fixture(&f);
}

/* Timed out flows go, those in use and those of a longer kind stay. */
static void reaps_what_timed_out(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    add(&f, 1, SHORT, 0);
    add(&f, 2, SHORT, 0);
    add(&f, 3, LONG, 0);
    add(&f, 4, SHORT, 60);
    flow_table_used(f.table, find(&f, 2).flow, &f.owner, SHORT, at(50));
    assert_false(flow_table_reap(f.table, at(99), 100));
    assert_int_equal(f.table->count, 4);
    flow_table_reap(f.table, at(101), 100);
    assert_null(find(&f, 1).flow);
    assert_int_equal(f.table->count, 3);
    flow_table_reap(f.table, at(151), 100);
    assert_null(find(&f, 2).flow);
    assert_non_null(find(&f, 4).flow);
    flow_table_reap(f.table, at(161), 100);
    assert_int_equal(f.table->count, 1);
    flow_table_reap(f.table, at(1001), 100);
    assert_int_equal(f.table->count, 0);
    close_fixture(&f);
}

/* A flow that becomes another kind times out as that kind does, sooner or later. */
static void kind_changes(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    add(&f, 1, LONG, 0);
    add(&f, 2, SHORT, 0);
    flow_table_used(f.table, find(&f, 1).flow, &f.owner, SHORT, at(1));
    flow_table_used(f.table, find(&f, 2).flow, &f.owner, LONG, at(1));
    assert_int_equal(flow_table_remaining(f.table, find(&f, 1).flow, at(1)), at(100));
    flow_table_reap(f.table, at(102), 100);
    assert_null(find(&f, 1).flow);
    assert_non_null(find(&f, 2).flow);
    close_fixture(&f);
}

static void reaps_in_slices(void **state)
{
    struct fixture f;
    unsigned slices = 0;

    (void)state;
    open_fixture(&f);
    for (uint32_t n = 0; n < 1000; n++)
        add(&f, n, SHORT, 0);
    while (flow_table_reap(f.table, at(200), 100))
        slices++;
    assert_in_range(slices, 9, 10);
    assert_int_equal(f.table->count, 0);
    close_fixture(&f);
}

/* Many that are past their time but in use hold up those behind them, not those of other kinds. */
static void kinds_do_not_hold_up_each_other(void **state)
{
    static const struct flow_lifetime longer_first[] = {{1000, 5}, {100, 5}};
    struct fixture f;

    (void)state;
    open_with(&f, longer_first, 2);
    for (uint32_t n = 0; n < 50; n++) {
        add(&f, n, 0, 0);
        flow_table_used(f.table, find(&f, n).flow, &f.owner, 0, at(120));
    }
    for (uint32_t n = 50; n < 70; n++)
        add(&f, n, 1, 800);
    assert_true(flow_table_reap(f.table, at(1001), 10));
    assert_false(flow_table_reap(f.table, at(1001), 10));
    assert_int_equal(f.table->count, 50);
    assert_non_null(find(&f, 0).flow);
    assert_true(flow_table_reap(f.table, at(1121), 10));
    close_fixture(&f);
}

/*
 * No step is a long one: what a flow that comes, or a slice of those that go, moves and removes is bounded, whatever
 * the number of flows. And memory is what the header says, a line each and the index.
 */
static void a_million_flows_come_and_end_at_once(void **state)
{
    enum { FLOWS = 1000000, SLICE = 4096, MOVES_MAX = 4 };
    uint32_t mask = 0, moved = 0, slices = 0;
    struct fixture f;
    bool more;

    (void)state;
    open_fixture(&f);
    for (uint32_t n = 0; n < FLOWS; n++) {
        bool moving = f.table->old.bucket;

        assert_non_null(add(&f, n, SHORT, 0));
        if (f.table->index.mask != mask) {
            assert_false(moving);               /* the last doubling was over long before */
            mask = f.table->index.mask;
            moved = 0;
        }
        assert_true(f.table->moved - moved <= MOVES_MAX || !f.table->old.bucket);
        moved = f.table->moved;
    }
    assert_true(f.table->n_slabs * 512u < FLOWS + 512);
    assert_true(((uint64_t)mask + 1) * 64 < 2 * FLOWS * 64 / 4);
    do {
        unsigned before = f.removed;

        more = flow_table_reap(f.table, at(200), SLICE);
        assert_in_range(f.removed - before, more ? SLICE : 1, SLICE);
        slices++;
        /* Between two slices the table is as good as ever. */
        assert_null(find(&f, 0).flow);
        assert_int_equal(find(&f, FLOWS - 1).flow != NULL, more);
    } while (more);
    assert_int_equal(slices, (FLOWS + SLICE - 1) / SLICE);
    assert_int_equal(f.table->count, 0);
    close_fixture(&f);
}

/* Far more flows than there is room for: each pushes out one, or is refused, and memory stays as it is. */
static void a_full_table_under_a_flood(void **state)
{
    enum { ROOM = 10000, FLOOD = 100000 };
    static const struct flow_lifetime lifetimes[] = {{100, 0}, {100, 5}};

    (void)state;
    for (unsigned kind = 0; kind < 2; kind++) {
        struct fixture f;
        uint32_t slabs, mask;

        open_with(&f, lifetimes, 2);
        flow_table_set_capacity(f.table, ROOM, at(0));
        for (uint32_t n = 0; n < ROOM; n++)
            add(&f, n, kind, 0);
        slabs = f.table->n_slabs;
        mask = f.table->index.mask;
        for (uint32_t n = ROOM; n < ROOM + FLOOD; n++) {
            unsigned before = f.removed;
            bool added = add(&f, n, kind, 1);

            assert_int_equal(added, kind == 0);
            assert_int_equal(f.removed - before, added);
            assert_int_equal(f.table->count, ROOM);
        }
        assert_int_equal(f.table->evictions, kind ? 0 : FLOOD);
        assert_int_equal(f.table->refusals, kind ? FLOOD : 0);
        assert_true(f.table->n_slabs == slabs && f.table->index.mask == mask);
        close_fixture(&f);
    }
}

/* Full: the flow nearest to its end is given up, if it is not guaranteed any more. */
static void full_table_gives_up_the_oldest(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    f.table->capacity = 3;
    add(&f, 1, SHORT, 0);
    add(&f, 2, SHORT, 1);
    add(&f, 3, LONG, 0);
    assert_null(add(&f, 4, SHORT, 3));      /* all within their five seconds */
    assert_int_equal(f.table->refusals, 1);
    flow_table_used(f.table, find(&f, 1).flow, &f.owner, SHORT, at(7));
    assert_non_null(add(&f, 4, SHORT, 10)); /* instead of 2: 1 was in use, 3 has longer to live */
    assert_null(find(&f, 2).flow);
    assert_non_null(find(&f, 1).flow);
    assert_non_null(add(&f, 5, SHORT, 13)); /* now 1 */
    assert_null(find(&f, 1).flow);
    assert_non_null(add(&f, 6, SHORT, 14)); /* 4 and 5 are guaranteed, 3 is not */
    assert_null(find(&f, 3).flow);
    assert_null(add(&f, 7, SHORT, 14));
    assert_int_equal(f.table->count, 3);
    assert_int_equal(f.table->evictions, 3);
    assert_int_equal(f.table->refusals, 2);
    close_fixture(&f);
}

/* Without a guarantee, a newcomer that would be the first to go does not push others out. */
static void newcomer_may_be_the_victim(void **state)
{
    static const struct flow_lifetime bare[] = {[SHORT] = {100, 0}, [LONG] = {1000, 0}};
    struct fixture f;

    (void)state;
    open_with(&f, bare, 2);
    f.table->capacity = 1;
    add(&f, 1, LONG, 0);
    assert_null(add(&f, 2, SHORT, 10));
    assert_non_null(find(&f, 1).flow);
    assert_non_null(add(&f, 2, SHORT, 950));    /* 1 has 50 seconds left */
    assert_null(find(&f, 1).flow);
    close_fixture(&f);
}

static void capacity_shrinks(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    for (uint32_t n = 0; n < 10; n++)
        add(&f, n, SHORT, n);
    flow_table_set_capacity(f.table, 4, at(12));
    assert_int_equal(f.table->count, 4);
    assert_null(find(&f, 5).flow);
    assert_non_null(find(&f, 6).flow);
    flow_table_set_capacity(f.table, 0, at(12));
    assert_int_equal(f.table->count, 0);
    assert_null(add(&f, 1, SHORT, 13));
    close_fixture(&f);
}

/* Two owners, one capacity: either may push the other's flows out, and each cleans up its own. */
static void owners_share(void **state)
{
    struct fixture f, other = {0};
    struct flow_request request = {.key = key_of(9), .rewritten = rewritten_of(9), .now = at(50)};

    (void)state;
    open_fixture(&f);
    other.table = flow_table_share(f.table);
    other.owner = (struct flow_owner){.user = &other, .removed = count_removed};
    assert_int_equal(flow_table_register(f.table, &other.owner, 1, kinds, 1), 0);
    f.table->capacity = 2;
    add(&f, 1, SHORT, 0);
    add(&f, 9, SHORT, 1);
    request.map = other.owner.first_map;
    assert_non_null(flow_table_add(f.table, &request));     /* the same key, another space */
    assert_int_equal(f.removed, 1);
    assert_null(find(&f, 1).flow);
    assert_non_null(find(&f, 9).flow);
    flow_table_unregister(f.table, &f.owner);
    flow_table_release(f.table);
    assert_int_equal(other.table->count, 1);
    flow_table_unregister(other.table, &other.owner);
    assert_int_equal(other.removed, 1);
    flow_table_release(other.table);
}

/* Time in ticks goes round after two years: nothing may depend on where it stands. */
static void survives_the_end_of_time(void **state)
{
    struct fixture f;
    struct flow_request request = {.key = key_of(1), .rewritten = rewritten_of(1),
                                   .now = UINT32_MAX - 10};

    (void)state;
    open_fixture(&f);
    request.map = f.owner.first_map;
    flow_table_add(f.table, &request);
    flow_table_reap(f.table, UINT32_MAX, 10);
    flow_table_reap(f.table, 5, 10);
    assert_int_equal(f.table->count, 1);
    flow_table_used(f.table, find(&f, 1).flow, &f.owner, SHORT, 6);
    flow_table_reap(f.table, at(100) - 1, 10);
    assert_int_equal(f.table->count, 1);
    flow_table_reap(f.table, at(100) + 6, 10);
    assert_int_equal(f.table->count, 0);
    close_fixture(&f);
}

/* 2,000 flows of all ages go to a table that holds 1,500: with their ages, so that they end when they would have. */
static void another_table_goes_on(void **state)
{
    const unsigned n = 2000, room = 1500;
    struct fixture from, to;
    struct flow *flow;

    (void)state;
    open_fixture(&from);
    open_fixture(&to);
    for (unsigned i = 0; i < n; i++) {
        flow = add(&from, i, i % 2 ? LONG : SHORT, i / 40);     /* within 50 seconds */
        flow->state = (uint8_t)i;
        flow->extra = i;
        flow->ip_delta = (uint16_t)(3 * i);
    }
    flow_table_set_capacity(to.table, room, at(60));
    for (unsigned kind = 0; kind < 2; kind++)
        while ((flow = flow_table_first(from.table, &from.owner, kind))) {
            const struct flow_request request = {
                .key = flow->key[0], .rewritten = flow_key_reverse(&flow->key[1]), .output = {3, 4},
                .map = to.owner.first_map, .kind = kind, .now = at(60), .protocol = flow->protocol,
            };
            uint32_t i = flow->extra;

            flow = flow_table_add_copy(to.table, &request, flow);
            assert_non_null(flow);
            assert_true(flow->used == at(i / 40) && flow->queued == at(i / 40));
            assert_int_equal(flow->output[1], 4);
            flow_table_remove(from.table, find(&from, i).flow);
        }
    assert_int_equal(from.table->count, 0);
    assert_int_equal(to.table->count, room);
    assert_int_equal(to.removed, n - room);
    /* The short-lived ones that were used longest ago had to make room. */
    for (unsigned i = 0; i < n; i++) {
        flow = find(&to, i).flow;
        assert_int_equal(flow != NULL, i % 2 || i >= 2 * (n - room));
        assert_true(!flow || (flow->extra == i && flow->state == (uint8_t)i && flow->ip_delta == (uint16_t)(3 * i)));
    }
    flow_table_reap(to.table, at(130) + 20, UINT32_MAX);
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(find(&to, i).flow != NULL, i % 2 || (i / 40 > 30 && i >= 2 * (n - room)));
    close_fixture(&from);
    close_fixture(&to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_both_directions),
        cmocka_unit_test(reply_key_is_taken_over),
        cmocka_unit_test(flow_to_itself),
        cmocka_unit_test(agrees_with_a_model),
        cmocka_unit_test(batch_finds_the_same),
        cmocka_unit_test(reaps_what_timed_out),
        cmocka_unit_test(kind_changes),
        cmocka_unit_test(reaps_in_slices), cmocka_unit_test(kinds_do_not_hold_up_each_other),
        cmocka_unit_test(a_million_flows_come_and_end_at_once),
        cmocka_unit_test(a_full_table_under_a_flood),
        cmocka_unit_test(full_table_gives_up_the_oldest),
        cmocka_unit_test(newcomer_may_be_the_victim),
        cmocka_unit_test(capacity_shrinks),
        cmocka_unit_test(another_table_goes_on),
        cmocka_unit_test(owners_share),
        cmocka_unit_test(survives_the_end_of_time),
    };

    return cmocka_run_group_tests_name("flow_table", tests, NULL, NULL);
}
