// SPDX-License-Identifier: BSD-2-Clause
/*
 * ip_route_table_test.c - RadixIPLookup and LinearIPLookup get the same random changes and must
 * answer the same; and what the table promises about changes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "elements/ip/ip_route_table.h"
#include "router/headers.h"

enum { CHANGES = 20000, LOOKUPS = 16, OUTPUTS = 7 };

static uint64_t seed = 88172645463325252u;

static uint32_t chance(uint32_t n)      /* 0 to n-1; xorshift* (Vigna, 2016) */
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return (uint32_t)((seed * 0x2545F4914F6CDD1Du) >> 33) % n;
}

/* Addresses crowd in a few places, so that prefixes nest. */
static uint32_t some_address(void)
{
    static const uint32_t places[] = {0x0A000000, 0x0A800000, 0xC0A80000, 0xFFFFFFFF, 0};
    uint32_t a = places[chance(5)];

    if (chance(4))
        a ^= 1u << chance(32);
    if (chance(2))
        a ^= chance(64);
    return chance(16) ? a : chance(0x7FFFFFFF) * 2;
}

static struct ip_route some_route(void)
{
    unsigned length = chance(3) ? chance(33) : 8 + 4 * chance(7);
    uint32_t mask = length ? UINT32_MAX << (32 - length) : 0;

    return (struct ip_route){be32(some_address() & mask), be32(mask), chance(2) ? chance(99) : 0,
                             (int32_t)chance(OUTPUTS)};
}

static struct ip_route_table *make(const char *class_name)
{
    const struct element_class *class = element_class_find(class_name);
    struct element *e;
    struct errors errors = {0};

    assert_non_null(class);
    e = calloc(1, class->size);
    e->class = class;
    e->n_outputs = OUTPUTS;
    assert_true(class->configure(e, &(struct words){0}, &errors));
    errors_free(&errors);
    return element_as(struct ip_route_table, e);
}

static void destroy(struct ip_route_table *t)
{
    t->base.class->cleanup(&t->base);
    free(t);
}

static void check_lookups(struct ip_route_table *a, struct ip_route_table *b)
{
    uint32_t address[LOOKUPS];
    int x[LOOKUPS], y[LOOKUPS];

    for (unsigned i = 0; i < LOOKUPS; i++)
        address[i] = be32(some_address());
    a->engine->lookup(a, address, LOOKUPS, x);
    b->engine->lookup(b, address, LOOKUPS, y);
    for (unsigned i = 0; i < LOOKUPS; i++) {
        if ((x[i] < 0) != (y[i] < 0))
            fail_msg("%08X: slot %d, should be %d", be32(address[i]), x[i], y[i]);
        if (x[i] >= 0)
            assert_memory_equal(&a->route[x[i]], &b->route[y[i]], sizeof a->route[0]);
    }
}

static void radix_equals_linear(void **state)
{
    struct ip_route_table *radix = make("RadixIPLookup"), *linear = make("LinearIPLookup");
    unsigned most = 0;

    (void)state;
    for (unsigned i = 0; i < CHANGES; i++) {
        struct ip_route route = some_route(), old[2];
        unsigned kind = chance(4);
        int result[2];

        /* The table grows, then shrinks to nothing, again and again. */
        if ((i / 1000 % 2 == 0) == (kind != 0)) {
            result[0] = ip_route_table_add(radix, &route, kind == 1, &old[0]);
            result[1] = ip_route_table_add(linear, &route, kind == 1, &old[1]);
        } else {
            if (linear->n_routes && chance(4)) {
                route = linear->route[chance(linear->n_slots)];
                if (chance(2))
                    route.port = IP_ROUTE_NONE;
            }
            result[0] = ip_route_table_remove(radix, &route, &old[0]);
            result[1] = ip_route_table_remove(linear, &route, &old[1]);
        }
        assert_int_equal(result[0], result[1]);
        assert_int_equal(radix->n_routes, linear->n_routes);
        if (linear->n_routes > most)
            most = linear->n_routes;
        check_lookups(radix, linear);
    }
    print_message("up to %u routes\n", most);
    assert_true(most > 200);
    destroy(radix);
    destroy(linear);
}

static int write_to(struct ip_route_table *t, handler_write_function *write, const char *value,
                    char *said, size_t size)
{
    struct errors errors = {0};
    struct handler_call call = {.value = value, .length = strlen(value), .errors = &errors};
    int result = write(&t->base, &call);

    snprintf(said, size, "%s", text_string(&errors.text));
    assert_int_equal(result != 0, errors.count != 0);
    errors_free(&errors);
    return result;
}

static void table_is(struct ip_route_table *t, const char *expected)
{
    struct text out = {0};

    ip_route_table_read_table(&t->base, &(struct handler_call){0}, &out);
    assert_string_equal(text_string(&out), expected);
    text_free(&out);
}

static void ctrl_does_all_or_nothing(void **state)
{
    struct ip_route_table *t = make("RadixIPLookup");
    char said[200];

    (void)state;
    assert_int_equal(write_to(t, ip_route_table_write_ctrl,
                              "add 10.0.0.0/8 1\nadd 10.1.0.0/16 192.168.0.1 2\n", said,
                              sizeof said), 0);
    table_is(t, "10.0.0.0/8\t\t-\t\t1\n10.1.0.0/16\t\t192.168.0.1\t2\n");
    assert_int_not_equal(write_to(t, ip_route_table_write_ctrl,
                                  "set 10.0.0.0/8 3\nremove 10.1.0.0/16\nadd 10.2.0.0/16 4\n"
                                  "remove 9.9.9.9\n", said, sizeof said), 0);
    assert_string_equal(said, "route '9.9.9.9/32' not found\n");
    table_is(t, "10.0.0.0/8\t\t-\t\t1\n10.1.0.0/16\t\t192.168.0.1\t2\n");
    assert_int_not_equal(write_to(t, ip_route_table_write_add, "10.0.0.0/255.0.255.0 1", said,
                                  sizeof said), 0);
    assert_int_not_equal(write_to(t, ip_route_table_write_add, "10.3.0.0/16 7", said, sizeof said),
                         0);
    assert_string_equal(said, "bad OUTPUT\n");
    assert_int_not_equal(write_to(t, ip_route_table_write_add, "10.3.0.0/8 1", said, sizeof said),
                         0);
    assert_string_equal(said, "conflict with existing route '10.0.0.0/8 - 1'\n");
    destroy(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(radix_equals_linear),
        cmocka_unit_test(ctrl_does_all_or_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
