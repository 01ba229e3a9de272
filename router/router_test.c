// SPDX-License-Identifier: BSD-2-Clause
/*
 * router_test.c - wiring, push and pull, stride scheduling, timers, handlers and tear-down,
 * with element classes made for it.
 */
#include <stdio.h>

#include "platform/platform.h"
#include "router/graph.h"
#define TEST_POOL 512
#include "tests/running.h"

/* ---- classes ---- */

struct t_source {
    struct element base;
    uint32_t limit, burst;
    uint64_t runs, sent;
    struct task task;
};

static const struct argument t_source_arguments[] = {
    {.name = "LIMIT", .kind = ARG_OPTIONAL, .type = &arg_unsigned,
     .offset = offsetof(struct t_source, limit)},
    {.name = "BURST", .kind = ARG_OPTIONAL, .type = &arg_unsigned, .min = 1, .max = BATCH_MAX,
     .offset = offsetof(struct t_source, burst)},
    {0},
};

static bool t_source_run(struct element *e, struct task *task)
{
    struct t_source *s = element_as(struct t_source, e);
    struct batch batch;

    s->runs++;
    batch.n = 0;
    while (batch.n < s->burst && s->sent < s->limit) {
        struct packet *p = packet_make(PACKET_HEADROOM, "packet", 6, 0);

        if (!p)
            break;
        p->anno[0] = (uint8_t)s->sent++;
        batch_add(&batch, p);
    }
    if (batch.n)
        element_push(e, 0, &batch);
    task_reschedule(task);
    return true;
}

static void t_source_setup(struct element *e)
{
    element_as(struct t_source, e)->burst = 1;
}

static bool t_source_initialize(struct element *e, struct errors *errors)
{
    struct t_source *s = element_as(struct t_source, e);

    if (task_init(&s->task, e, t_source_run) < 0)
        return element_error(e, errors, "out of memory");
    task_schedule(&s->task);
    return true;
}

static void t_source_cleanup(struct element *e)
{
    task_destroy(&element_as(struct t_source, e)->task);
}

static const struct handler t_source_handlers[] = {
    {.name = "runs", .type = &arg_u64, .offset = offsetof(struct t_source, runs),
     .flags = HANDLER_READ},
    {.name = "limit", .type = &arg_unsigned, .offset = offsetof(struct t_source, limit),
     .flags = HANDLER_READ | HANDLER_WRITE},
    TASK_HANDLERS(struct t_source, task),
    {0},
};

ELEMENT_CLASS(t_source) = {
    .name = "TSource", .ports = "0/1", .processing = "h/h", .size = sizeof(struct t_source),
    .arguments = t_source_arguments, .handlers = t_source_handlers, .setup = t_source_setup,
    .initialize = t_source_initialize, .cleanup = t_source_cleanup,
};

struct t_sink { struct element base; uint64_t count; uint8_t last[256]; };

static void t_sink_push(struct element *e, unsigned port, struct batch *batch)
{
    struct t_sink *s = element_as(struct t_sink, e);

    (void)port;
    for (unsigned i = 0; i < batch->n; i++)
        s->last[s->count++ & 255] = batch->pkt[i]->anno[0];
    batch_free(batch);
}

static const struct handler t_sink_handlers[] = {
    {.name = "count", .type = &arg_u64, .offset = offsetof(struct t_sink, count),
     .flags = HANDLER_READ},
    {0},
};

ELEMENT_CLASS(t_sink) = {
    .name = "TSink", .ports = "1/0", .processing = "h/h", .size = sizeof(struct t_sink),
    .handlers = t_sink_handlers, .push = t_sink_push,
};

struct t_null { struct element base; };
static inline struct packet *t_null_action(struct element *e, struct packet *p)
{
    (void)e;
    return p;
}
ELEMENT_ACTION(t_null_action)
ELEMENT_CLASS(t_null) = {
    .name = "TNull", .ports = "1/1", .processing = "a/a", .size = sizeof(struct t_null),
    ELEMENT_ENTRIES(t_null_action),
};

struct t_pull { struct element base; };
ELEMENT_CLASS(t_pull) = {
    .name = "TPull", .ports = "1/0", .processing = "l/l", .size = sizeof(struct t_pull),
};

struct t_mod { struct element base; uint64_t drops; };
static void t_mod_push(struct element *e, unsigned port, struct batch *batch)
{
    unsigned out[BATCH_MAX];

    (void)port;
    for (unsigned i = 0; i < batch->n; i++)
        out[i] = batch->pkt[i]->anno[0] % 3;
    element_dispatch(e, batch, out, &element_as(struct t_mod, e)->drops);
}
static const struct handler t_mod_handlers[] = {
    {.name = "drops", .type = &arg_u64, .offset = offsetof(struct t_mod, drops),
     .flags = HANDLER_READ},
    {0},
};
ELEMENT_CLASS(t_mod) = {
    .name = "TMod", .ports = "1/1-3", .processing = "h/h", .size = sizeof(struct t_mod),
    .push = t_mod_push, .handlers = t_mod_handlers,
};

/* Says where packets went, one after the other. */
static struct {
    unsigned n, port[BATCH_MAX], id[BATCH_MAX];
} went;

struct t_log { struct element base; };
static void t_log_push(struct element *e, unsigned port, struct batch *batch)
{
    (void)e;
    for (unsigned i = 0; i < batch->n; i++) {
        went.port[went.n] = port;
        went.id[went.n++] = batch->pkt[i]->anno[0];
    }
    memset(batch->pkt + batch->n, 0xee, (BATCH_MAX - batch->n) * sizeof *batch->pkt);   /* the vector is ours */
    batch_free(batch);
}
ELEMENT_CLASS(t_log) = {
    .name = "TLog", .ports = "-/0", .processing = "h/h", .size = sizeof(struct t_log), .push = t_log_push,
};

/* Agnostic 0 and 1 each pass straight through. */
ELEMENT_CLASS(t_pair) = {
    .name = "TPair", .ports = "2/2", .processing = "a/a", .flow = "#/#",
    .size = sizeof(struct t_null), ELEMENT_ENTRIES(t_null_action),
};

/* ---- tests ---- */

static void test_packets_flow(void **state)
{
    struct router *r = start("s :: TSource(100, 32) -> TNull -> t :: TSink");

    (void)state;
    for (int i = 0; i < 10; i++)
        scheduler_run(&scheduler, 1);
    assert_int_equal(number(r, "t.count"), 100);
    router_destroy(r);
}

static void test_dispatch_keeps_order_and_counts_what_has_no_output(void **state)
{
    for (unsigned burst = 1; burst <= 64; burst *= 4) {
        char config[200];
        struct router *r;
        struct t_sink *sink;

        (void)state;
        snprintf(config, sizeof config,
                 "s :: TSource(64, %u) -> m :: TMod; m[0] -> a :: TSink; m[1] -> b :: TSink", burst);
        r = start(config);
        for (int i = 0; i < 64; i++)
            scheduler_run(&scheduler, 1);
        assert_int_equal(number(r, "a.count"), 22);
        assert_int_equal(number(r, "b.count"), 21);
        assert_int_equal(number(r, "m.drops"), 21);
        sink = element_as(struct t_sink, router_find(r, "b"));
        for (unsigned i = 0; i < 21; i++)
            assert_int_equal(sink->last[i], 3 * i + 1);
        router_destroy(r);
    }
}

/* Outputs in any order, of any number, held against a loop for each output. */
static void test_dispatch_at_random(void **state)
{
    enum { OUTPUTS = 5 };
    struct router *r = start("m :: TMod; m[0] -> [0] l :: TLog; m[1] -> [1] l; m[2] -> [2] l; Idle -> [3] l; TSource(0) -> m");
    struct element *m = router_find(r, "m");
    uint64_t drops = 0, wanted_drops = 0;

    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        static const unsigned ports[] = {0, 1, 2, 3, UINT32_MAX};
        unsigned out[BATCH_MAX], n = 1 + random_below(BATCH_MAX), kinds = 1 + random_below(OUTPUTS), at = 0;
        bool done[OUTPUTS] = {false};
        struct batch batch;

        for (unsigned i = 0; i < BATCH_MAX; i++)        /* what stands behind the n does not count */
            out[i] = ports[random_below(kinds)];
        for (batch.n = 0; batch.n < n;) {
            struct packet *p = packet_make(PACKET_HEADROOM, "packet", 6, 0);

            p->anno[0] = (uint8_t)batch.n;
            batch_add(&batch, p);
        }
        went.n = 0;
        element_dispatch(m, &batch, out, &drops);
        for (unsigned i = 0; i < n; i++) {
            unsigned port = out[i] < 3 ? out[i] : 3;

            wanted_drops += port == 3;
            if (port == 3 || done[port])
                continue;
            done[port] = true;
            for (unsigned k = i; k < n; k++) {
                if (out[k] != port)
                    continue;
                assert_true(at < went.n);
                assert_int_equal(went.port[at], port);
                assert_int_equal(went.id[at++], k);
            }
        }
        assert_int_equal(at, went.n);
        assert_int_equal(drops, wanted_drops);
    }
    router_destroy(r);
}

static void test_wiring_errors(void **state)
{
    (void)state;
    fails("TSource -> Nope(1); Other(2) -> TSink",
          "test:1: unknown element class 'Nope'\ntest:1: unknown element class 'Other'\n");
    fails("s :: TSource -> [1] t :: TSink", "test:1: 't :: TSink' has no input 1\n");
    fails("TSource -> n :: TNull", "test:1: 'n :: TNull' output 0 unused\n");
    fails("s :: TSource;\nn :: TNull;\ns -> n -> TPull",
          "test:2: agnostic 'n :: TNull' in mixed context: push input 0, pull output 0\n");
    fails("TSource\n-> TPull",
          "test:2: 'TSource@1 :: TSource' push output 0 connected to 'TPull@2 :: TPull' pull "
          "input 0\n");
    fails("s :: TSource; s -> TSink; s -> TSink",
          "test:1: illegal reuse of 's :: TSource' push output 0\n");
    fails("s :: TSource(LIMIT many)\n-> TSink(3)",
          "test:1: While configuring 's :: TSource':\n"
          "  LIMIT: invalid number (got 'many')\n"
          "test:2: While configuring 'TSink@2 :: TSink':\n"
          "  too many arguments\n");
}

static void test_flow_codes(void **state)
{
    static const struct { const char *code; unsigned in, out; bool flows; } cases[] = {
        {"x/x", 5, 9, true}, {"x/y", 0, 0, false}, {"xy/x", 0, 0, true}, {"xy/x", 1, 0, false},
        {"#/#", 2, 2, true}, {"#/#", 2, 1, false}, {"#/[^#]", 1, 1, false}, {"#/[^#]", 1, 0, true},
        {"xy/[xy]x", 1, 0, true}, {"xy/[xy]x", 1, 1, false}, {"xy/[xy]x", 0, 7, true},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct element_class class = {.flow = cases[i].code};
        struct element e = {.class = &class};

        assert_int_equal(graph_flows(&e, cases[i].in, cases[i].out), cases[i].flows);
    }
}

static void test_flow_code_separates_ports(void **state)
{
    struct router *r = start("a :: TSource(3) -> [0]p :: TPair[0] -> TSink;"
                             "b :: TSource(3) -> [1]p[1] -> TSink");

    (void)state;
    router_destroy(r);
}

static void test_tickets_share_the_time(void **state)
{
    struct router *r = start("a :: TSource -> TSink; b :: TSource -> TSink");
    struct errors errors = {0};
    double ratio;

    (void)state;
    assert_true(router_write(r, "a.tickets", "3072", 4, &errors));
    scheduler_run(&scheduler, 4000);
    ratio = (double)number(r, "a.runs") / (double)number(r, "b.runs");
    assert_true(ratio > 2.9 && ratio < 3.1);
    router_destroy(r);
}

static unsigned fired[4], n_fired;

static void fire(struct element *e, struct timer *timer)
{
    (void)e;
    fired[n_fired++] = (unsigned)(timer->expiry_ns & 3);
}

static void test_timers_fire_in_order(void **state)
{
    struct router *r = start("s :: TSource -> TSink");
    struct element *e = router_find(r, "s");
    struct timer timer[4];
    uint64_t past = (platform_now_ns() - 1000) & ~UINT64_C(3);

    (void)state;
    n_fired = 0;
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(timer_init(&timer[i], e, fire), 0);
    timer_set_at(&timer[0], past + 2);
    timer_set_at(&timer[1], past + 0);
    timer_set_at(&timer[2], past + 1);
    timer_set_after(&timer[3], 1000000000000);
    assert_true(timer_is_set(&timer[3]));
    scheduler_run(&scheduler, 0);
    assert_int_equal(n_fired, 3);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(fired[i], i);
    timer_clear(&timer[3]);
    assert_true(scheduler_deadline(&scheduler) == UINT64_MAX);
    for (unsigned i = 0; i < 4; i++)
        timer_destroy(&timer[i]);
    router_destroy(r);
}

static void test_handlers(void **state)
{
    struct router *r = start("s :: TSource(7) -> TSink");
    struct errors errors = {0};
    struct text out = {0};

    (void)state;
    assert_true(router_read(r, "s.config", NULL, &out, &errors));
    assert_string_equal(text_string(&out), "7");
    assert_true(router_write(r, "s.limit", " 9\n", 3, &errors));
    assert_int_equal(number(r, "s.limit"), 9);
    assert_false(router_write(r, "s.limit", "x", 1, &errors));
    assert_int_equal(number(r, "s.limit"), 9);
    assert_false(router_read(r, "t.count", NULL, &out, &errors));
    assert_false(router_read(r, "s.nope", NULL, &out, &errors));
    assert_false(router_write(r, "s.runs", "1", 1, &errors));
    assert_false(router_read(r, "s.runs", "parameter", &out, &errors));
    assert_string_equal(text_string(&errors.text),
        "invalid number (got 'x')\n"
        "no element 't'\n"
        "no 's.nope' handler; there is runs, limit, scheduled, tickets, home_thread, name, class, "
        "config, ports, handlers, cycles\n"
        "'s.runs' not a write handler\n"
        "read handler 's.runs' does not take parameters\n");
    text_free(&out);
    errors_free(&errors);
    router_destroy(r);
}

/* ---- who decides when the driver stops ---- */

static unsigned steps_left, steps_taken;

/* Raises the count as long as there are steps; then says that it is over. */
static bool driver_step(struct element *e)
{
    steps_taken++;
    if (!steps_left)
        return false;
    steps_left--;
    router_adjust_runs(e->router, 1);
    return true;
}

static bool never_decides(struct element *e)
{
    (void)e;
    steps_taken++;
    return true;
}

/* A router that does not run yet, whose sink decides. */
static struct router *with_driver(bool (*step)(struct element *))
{
    struct errors errors = {0};
    const char *config = "TSource(1) -> t :: TSink";
    struct router *r = router_from_text(config, strlen(config), "config", NULL, 0, &errors);

    assert_non_null(r);
    assert_true(router_set_driver(r, router_find(r, "t"), step));
    assert_false(router_set_driver(r, router_find(r, "t"), step));
    assert_true(router_initialize(r, &scheduler, &errors));
    steps_taken = 0;
    return r;
}

static void test_without_a_driver_script_a_request_stops(void **state)
{
    struct router *r = start("TSource(1) -> TSink");

    (void)state;
    router_please_stop(r);
    assert_true(scheduler.stop);
    router_destroy(r);
}

static void test_a_driver_script_decides(void **state)
{
    struct router *r;

    (void)state;
    steps_left = 2;
    r = with_driver(driver_step);
    for (unsigned i = 1; i <= 3; i++) {
        router_please_stop(r);
        assert_int_equal(steps_taken, i - 1);       /* not from within: between two tasks */
        scheduler_run(&scheduler, 1);
        assert_int_equal(steps_taken, i);
        assert_int_equal(scheduler.stop, i == 3);
        assert_int_equal(r->stop_requested, i == 3);
    }
    router_destroy(r);
}

/* However often it raises the count, and though it never says that it is over. */
static void test_an_interrupt_cannot_be_refused(void **state)
{
    struct router *r;

    (void)state;
    steps_left = 5;
    r = with_driver(driver_step);
    scheduler_interrupt(&scheduler);
    assert_true(scheduler.stop);
    assert_int_equal(steps_taken, 6);
    scheduler_interrupt(&scheduler);                /* it is not asked again */
    assert_int_equal(steps_taken, 6);
    router_destroy(r);
    scheduler.stop = false;
    r = with_driver(never_decides);
    scheduler_interrupt(&scheduler);
    assert_true(scheduler.stop);
    assert_int_equal(steps_taken, 1000);
    router_destroy(r);
}

static void test_every_class_has_what_its_ports_need(void **state)
{
    (void)state;
    for (unsigned i = 0; i < element_class_count(); i++) {
        const struct element_class *c = element_class_at(i);
        const char *slash = strchr(c->processing, '/');

        assert_non_null(c->name);
        assert_true(c->size >= sizeof(struct element));
        assert_ptr_equal(element_class_find(c->name), c);
        if (c->push_one)
            assert_non_null(c->push);
        if (c->name[0] == 'T' && (c == &t_pull_class || c == &t_source_class))
            continue;
        /* A class that can be pushed to or pulled from says how. */
        if (c->ports[0] != '0' && c->processing[0] != 'l')
            if (!c->push)
                fail_msg("%s has no push", c->name);
        if (slash && strchr(slash, 'l') && !c->pull)
            fail_msg("%s has no pull", c->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_packets_flow),
        TEST(test_dispatch_keeps_order_and_counts_what_has_no_output), TEST(test_dispatch_at_random),
        TEST(test_wiring_errors),
        TEST(test_flow_codes),
        TEST(test_flow_code_separates_ports),
        TEST(test_tickets_share_the_time),
        TEST(test_timers_fire_in_order),
        TEST(test_handlers),
        TEST(test_without_a_driver_script_a_request_stops),
        TEST(test_a_driver_script_decides),
        TEST(test_an_interrupt_cannot_be_refused),
        TEST(test_every_class_has_what_its_ports_need),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
