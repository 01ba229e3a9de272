// SPDX-License-Identifier: BSD-2-Clause
/*
 * ip_route_table_test.c - the lookup elements get random changes and must answer as a list of
 * routes that is searched from end to end; and what the table promises about changes.
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

enum { CHANGES = 10000, LOOKUPS = 16, OUTPUTS = 7 };

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

/* One in eight has a mask with holes, where the table takes that. */
static struct ip_route some_route(bool holes)
{
    unsigned length = chance(3) ? chance(33) : 8 + 4 * chance(7);
    uint32_t mask = length ? UINT32_MAX << (32 - length) : 0;

    if (holes && !chance(8))
        mask ^= 1u << chance(32);
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
    class->setup(e);
    assert_true(class->configure(e, &(struct words){0}, &errors));
    errors_free(&errors);
    return element_as(struct ip_route_table, e);
}

static void destroy(struct ip_route_table *t)
{
    t->base.class->cleanup(&t->base);
    free(t);
}

/* ---- the yardstick: routes in places that stay theirs, a free one is filled by whoever comes next ---- */

static struct ip_route list[CHANGES];
static unsigned n_list, n_routes;

static struct ip_route *list_find(const struct ip_route *like)
{
    for (struct ip_route *r = list; r < list + n_list; r++)
        if (r->port != IP_ROUTE_NONE && r->address == like->address && r->mask == like->mask)
            return r;
    return NULL;
}

/* As ip_route_table_add(); the place is the table's, of several free ones it may take any. */
static int list_add(const struct ip_route_table *t, const struct ip_route *route, bool replace)
{
    struct ip_route *r = list_find(route);
    unsigned place = 0;

    if (r && !replace)
        return -EEXIST;
    if (!r) {
        while (t->slot[place].address != route->address || t->slot[place].mask != route->mask
               || !t->slot[place].hop)
            place++;
        r = &list[place];
        n_list += place == n_list;
        n_routes++;
    }
    *r = *route;
    return 0;
}

static int list_remove(const struct ip_route *route)
{
    struct ip_route *r = list_find(route);

    if (!r || (route->port >= 0 && (route->port != r->port || route->gateway != r->gateway)))
        return -ENOENT;
    r->port = IP_ROUTE_NONE;
    n_routes--;
    return 0;
}

static const struct ip_route *list_search(uint32_t address)
{
    const struct ip_route *best = NULL;

    for (const struct ip_route *r = list; r < list + n_list; r++)
        if (r->port != IP_ROUTE_NONE && (address & r->mask) == r->address
            && (!best || (r->mask & best->mask) == best->mask))
            best = r;
    return best;
}

static void check_lookups(const struct ip_route_table *t)
{
    uint32_t address[LOOKUPS], hop[LOOKUPS];

    for (unsigned i = 0; i < LOOKUPS; i++)
        address[i] = some_address();
    ip_route_table_lookup(t, address, LOOKUPS, hop);
    for (unsigned i = 0; i < LOOKUPS; i++) {
        const struct ip_route *right = list_search(be32(address[i]));

        if (!hop[i] != !right || (right && (t->hop[hop[i]].gateway != right->gateway
                                            || t->hop[hop[i]].port != right->port)))
            fail_msg("%08X: hop %u is wrong", address[i], hop[i]);
    }
}

static void changes(const char *class_name, bool holes)
{
    struct ip_route_table *t = make(class_name);
    unsigned most = 0;
    uint32_t users = 0;

    n_list = n_routes = 0;
    for (unsigned i = 0; i < CHANGES; i++) {
        struct ip_route route = some_route(holes), old;
        unsigned kind = chance(4);

        /* The table grows, then shrinks to nothing, again and again. */
        if ((i / 1000 % 2 == 0) == (kind != 0)) {
            int result = ip_route_table_add(t, &route, kind == 1, &old);

            assert_int_equal(result, list_add(t, &route, kind == 1));
        } else {
            if (n_routes && chance(4)) {
                route = list[chance(n_list)];
                if (chance(2))
                    route.port = IP_ROUTE_NONE;
            }
            assert_int_equal(ip_route_table_remove(t, &route, &old), list_remove(&route));
        }
        assert_int_equal(t->n_routes, n_routes);
        if (n_routes > most)
            most = n_routes;
        check_lookups(t);
    }
    print_message("%s: up to %u routes, %u with holes at the end\n", class_name, most, t->n_holes);
    assert_true(most > 200);
    for (uint32_t i = 1; i < t->n_hops; i++)
        users += t->hop[i].users;
    assert_int_equal(users, n_routes);
    assert_int_equal(ip_route_table_write_flush(&t->base, &(struct handler_call){0}), 0);
    n_list = n_routes = 0;
    check_lookups(t);
    destroy(t);
}

static void radix_is_right(void **state)
{
    (void)state;
    changes("RadixIPLookup", false);
}

static void direct_is_right(void **state)
{
    (void)state;
    changes("DirectIPLookup", false);
}

static void linear_is_right(void **state)
{
    (void)state;
    changes("LinearIPLookup", true);
    changes("LinearIPLookup", false);
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
        cmocka_unit_test(radix_is_right),
        cmocka_unit_test(direct_is_right),
        cmocka_unit_test(linear_is_right),
        cmocka_unit_test(ctrl_does_all_or_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
