// SPDX-License-Identifier: BSD-2-Clause
/*
 * order_test.c - where packets may be handed on many at a time though one was asked for: a table of
 * configurations, and whether anybody could see that behind their element `s`.
 */
#include "tests/running.h"

#include "router/order.h"

static const struct {
    const char *config;                     /* of `s` and, where there is one, another task's `u` */
    bool unseen;
} cases[] = {
    {"s :: InfiniteSource -> Discard", true},
    {"s :: InfiniteSource -> Strip(14) -> c :: Classifier(12/0800, -); c[0] -> d :: Counter -> Discard; c[1] -> d", true},
    {"s :: InfiniteSource -> t :: Tee(2); t[0] -> n :: Null -> Discard; t[1] -> n", true},
    /* What somebody is told. */
    {"s :: InfiniteSource -> Print -> Discard", false},
    {"s :: InfiniteSource -> c :: Classifier(12/0800, -); c[0] -> Discard; c[1] -> Print -> Discard", false},
    {"s :: InfiniteSource -> Counter(COUNT_CALL 3 stop) -> Discard", false},
    {"s :: InfiniteSource -> Queue -> Discard", false},
    {"s :: InfiniteSource -> Null -> Queue -> Unqueue -> Discard", false},
    {"Idle -> s :: Queue -> Discard", false},
    {"Idle -> Queue -> s :: Unqueue -> Discard", true},
    {"Idle -> Queue -> Null -> s :: Unqueue -> Discard", false},
    {"s :: RatedSource -> Discard", false},
    /* What keeps the order of its own packets: by one way only. */
    {"s :: InfiniteSource -> MarkIPHeader -> IPRewriter(keep 0 0) -> Discard", true},
    {"s :: InfiniteSource -> c :: Classifier(12/0800, -); c[0] -> IPRewriter(keep 0 0) -> Discard;"
     "c[1] -> r :: IPRewriter(keep 0 0) -> d :: Counter -> Discard; Idle -> r", true},
    {"s :: InfiniteSource -> c :: Classifier(12/0800, -); c[0, 1] => [0, 1] r :: IPRewriter(keep 0 0, keep 0 0)"
     " -> Discard", false},
    {"s :: InfiniteSource -> c :: Classifier(12/0800, -); c[0] -> n :: Null -> Null -> IPRewriter(keep 0 0) -> Discard;"
     "c[1] -> n", false},
    {"s :: InfiniteSource -> c :: Classifier(12/0800, -); c[1] -> Null -> Null -> n :: Null -> IPRewriter(keep 0 0)"
     " -> Discard; c[0] -> n", false},
    /* A loop is another way. */
    {"s :: InfiniteSource -> n :: Null -> c :: Classifier(12/0800, -); c[0] -> Discard; c[1] -> n", true},
    {"s :: InfiniteSource -> n :: Null -> c :: Classifier(12/0800, -); c[0] -> IPRewriter(keep 0 0) -> Discard;"
     "c[1] -> n", false},
    /* Two who take turns: nobody looks behind either of them, and their ways do not meet but in what has no order. */
    {"s :: InfiniteSource -> Counter -> Queue -> u :: Unqueue -> Discard", true},
    {"s :: InfiniteSource -> t :: Tee(2); t[0] -> Queue -> u :: Unqueue -> c :: Counter -> Discard; t[1] -> c", true},
    {"s :: InfiniteSource -> Queue -> u :: Unqueue -> Print -> Discard", false},
    {"s :: InfiniteSource -> Print -> Queue -> u :: Unqueue -> Discard", false},
    {"s :: InfiniteSource -> Queue -> Null -> u :: Unqueue -> Discard", false},
    {"s :: InfiniteSource -> t :: Tee(2); t[0] -> q :: Queue -> u :: Unqueue -> Discard; t[1] -> Null -> q", false},
    {"s :: InfiniteSource -> t :: Tee(2); t[0] -> Queue -> u :: Unqueue -> MarkIPHeader -> r :: IPRewriter(keep 0 0)"
     " -> Discard; t[1] -> r", false},
    {"s :: InfiniteSource -> q :: Queue -> u :: Unqueue -> Discard; q[1] -> Print -> Discard", false},
    {"s :: InfiniteSource -> Queue -> u :: Unqueue -> Queue -> Discard", false},
    {"s :: InfiniteSource -> Discard; Idle -> Queue -> u :: Unqueue -> Discard", false},
    {"s :: InfiniteSource -> Discard; u :: InfiniteSource -> Discard", false},
};

static void test_what_is_seen(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct router *r = start(cases[i].config);
        struct element *s = router_find(r, "s"), *u = router_find(r, "u");
        struct element *between;

        if (order_is_unseen(s, u, &between) != cases[i].unseen)
            fail_msg("should be %s: %s", cases[i].unseen ? "unseen" : "seen", cases[i].config);
        if (u)                                  /* it does not matter who asks */
            assert_int_equal(order_is_unseen(u, s, &between), cases[i].unseen);
        router_destroy(r);
    }
}

static void test_one_more_who_looks(void **state)
{
    struct router *r = start("s :: InfiniteSource -> d :: Discard");
    unsigned before = r->n_bound;
    struct element *between;

    (void)state;
    assert_true(order_is_unseen(router_find(r, "s"), NULL, &between));
    element_bind(router_find(r, "d"));
    assert_int_equal(r->n_bound, before + 1);
    assert_false(order_is_unseen(router_find(r, "s"), NULL, &between));
    router_destroy(r);
}

int main(void)
{
    return RUN_TESTS(TEST(test_what_is_seen), TEST(test_one_more_who_looks));
}
