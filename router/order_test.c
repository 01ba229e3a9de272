// SPDX-License-Identifier: BSD-2-Clause
/*
 * order_test.c - where packets may be handed on many at a time though one was asked for: a table of
 * configurations, and whether anybody could see that behind their element `s`.
 */
#include "tests/running.h"

#include "router/order.h"

static const struct {
    const char *config;
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
};

static void test_what_is_seen(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct router *r = start(cases[i].config);

        if (order_is_unseen(router_find(r, "s")) != cases[i].unseen)
            fail_msg("should be %s: %s", cases[i].unseen ? "unseen" : "seen", cases[i].config);
        router_destroy(r);
    }
}

static void test_one_more_who_looks(void **state)
{
    struct router *r = start("s :: InfiniteSource -> d :: Discard");
    unsigned before = r->n_bound;

    (void)state;
    assert_true(order_is_unseen(router_find(r, "s")));
    element_bind(router_find(r, "d"));
    assert_int_equal(r->n_bound, before + 1);
    assert_false(order_is_unseen(router_find(r, "s")));
    router_destroy(r);
}

int main(void)
{
    return RUN_TESTS(TEST(test_what_is_seen), TEST(test_one_more_who_looks));
}
