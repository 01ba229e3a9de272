// SPDX-License-Identifier: BSD-2-Clause
/* lpm_test.c - the trie gets random changes and must answer as a list of prefixes that is searched from end to end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "elements/ip/lpm.h"
#include "router/batch.h"

enum { CHANGES = 12000, LIST_MAX = 4000, RUN = 2000 };

static uint64_t seed;

static uint32_t chance(uint32_t n)      /* 0 to n-1; xorshift* (Vigna, 2016) */
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return (uint32_t)((seed * 0x2545F4914F6CDD1Du) >> 33) % n;
}

struct prefix {
    uint32_t address;
    unsigned length;
    uint32_t value;
};

static struct prefix list[LIST_MAX];
static unsigned n_list;

static uint32_t mask_of(unsigned length)
{
    return length ? UINT32_MAX << (32 - length) : 0;
}

/* NULL, or the longest prefix of the list of `min` to `max` bits that covers the address. */
static struct prefix *search(uint32_t address, unsigned min, unsigned max)
{
    struct prefix *best = NULL;

    for (struct prefix *p = list; p < list + n_list; p++)
        if (p->length >= min && p->length <= max && !((address ^ p->address) & mask_of(p->length))
            && (!best || p->length > best->length))
            best = p;
    return best;
}

/* Addresses crowd in a few places, so that prefixes nest. */
static uint32_t some_address(void)
{
    static const uint32_t places[] = {0x0A000000, 0x0A0000F0, 0xC0A80000, UINT32_MAX, 0};
    uint32_t a = places[chance(5)];

    if (chance(4))
        a ^= 1u << chance(32);
    if (chance(2))
        a ^= chance(64);
    return chance(16) ? a : chance(0x7FFFFFFF) * 2;
}

static void insert(struct lpm *l, struct prefix p)
{
    struct prefix *there = search(p.address, p.length, p.length);

    if (!there && n_list == LIST_MAX)
        return;
    assert_int_equal(lpm_insert(l, p.address, p.length, p.value, !there), 0);
    if (there)
        there->value = p.value;
    else
        list[n_list++] = p;
}

static void erase(struct lpm *l, struct prefix *p)
{
    struct prefix gone = *p, *next;

    *p = list[--n_list];
    next = gone.length ? search(gone.address, 0, gone.length - 1) : NULL;
    lpm_erase(l, gone.address, gone.length, next ? next->length : 0, next ? next->value : 0);
}

static void check_lookups(const struct lpm *l)
{
    uint32_t address[BATCH_MAX], value[BATCH_MAX];
    unsigned n = 1 + chance(BATCH_MAX);

    for (unsigned i = 0; i < n; i++)
        address[i] = n_list && chance(2)
                         ? list[chance(n_list)].address ^ (chance(2) ? 0 : chance(512)) : some_address();
    memcpy(value, address, sizeof value);
    lpm_lookup(l, value, n, value);         /* in place */
    for (unsigned i = 0; i < n; i++) {
        const struct prefix *right = search(address[i], 0, 32);
        uint32_t wanted = right ? right->value : 0;

        if (value[i] != wanted || lpm_lookup_one(l, address[i]) != wanted)
            fail_msg("%08X: %u and %u, should be %u", address[i], value[i],
                     lpm_lookup_one(l, address[i]), wanted);
    }
}

/* Grows and shrinks, again and again; the root is as large as `share` lets it. */
static void changes(uint32_t share, unsigned bits)
{
    struct lpm l = {.root_share = share};
    unsigned most = 0, left = 0;

    n_list = 0;
    check_lookups(&l);
    for (unsigned i = 0; i < CHANGES; i++) {
        unsigned length = chance(3) ? chance(33) : 8 + 4 * chance(7);

        if ((i / RUN % 2 == 0) == (chance(4) != 0))
            insert(&l, (struct prefix){some_address() & mask_of(length), length,
                                       1 + chance(chance(2) ? 3 : LPM_VALUES - 1)});
        else if (n_list)
            erase(&l, &list[chance(n_list)]);
        if (n_list > most)
            most = n_list;
        if (i % 8 == 0)
            check_lookups(&l);
    }
    print_message("up to %u prefixes, a root of %u bits, %lu KB\n", most, l.root_bits,
                  (unsigned long)(lpm_memory(&l) >> 10));
    assert_int_equal(l.root_bits, bits);
    while (n_list)
        erase(&l, &list[n_list - 1]);
    assert_int_equal(l.n_prefixes, 0);
    assert_int_equal(l.n_free, l.n_nodes);  /* nothing was lost */
    for (unsigned i = 0; i < 1u << l.root_bits; i++)
        left += l.root[i] != 0;
    assert_int_equal(left, 0);
    check_lookups(&l);
    lpm_clear(&l);
}

static void small_root(void **state)
{
    (void)state;
    seed = 88172645463325252u;
    changes(0, 8);
}

static void root_that_grows(void **state)
{
    (void)state;
    seed = 362436069;
    changes(128, 12);
    changes(2048, 16);
    changes(20000, 20);
}

static void large_root(void **state)
{
    (void)state;
    seed = 521288629;
    changes(1u << 20, 24);
}

/* What a table of many routes takes, and that they are found. */
static void many(void **state)
{
    enum { MANY = 100000 };
    static uint32_t address[MANY];
    static uint8_t length[MANY];
    struct lpm l = {.root_share = 128};
    unsigned n = 0;

    (void)state;
    seed = 123456789;
    n_list = 0;
    while (n < MANY) {
        uint32_t a;

        length[n] = (uint8_t)(25 + chance(8));
        a = (chance(1u << 24) << 8 | chance(256)) & mask_of(length[n]);
        if (lpm_lookup_one(&l, a))
            continue;                       /* another prefix covers it, or is it */
        address[n] = a;
        n++;
        assert_int_equal(lpm_insert(&l, a, length[n - 1], n, true), 0);
    }
    for (unsigned i = 0; i < n; i++) {
        uint32_t last = address[i] | ~mask_of(length[i]), found = lpm_lookup_one(&l, last);

        assert_true(found == i + 1 || length[found - 1] > length[i]);
    }
    print_message("%lu bytes a prefix\n", (unsigned long)(lpm_memory(&l) / MANY));
    assert_true(lpm_memory(&l) / MANY < 450);
    for (unsigned i = n; i--; )             /* backwards: what came later is longer or elsewhere */
        lpm_erase(&l, address[i], length[i], 0, 0);
    assert_int_equal(l.n_free, l.n_nodes);
    lpm_clear(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_root),
        cmocka_unit_test(root_that_grows),
        cmocka_unit_test(large_root),
        cmocka_unit_test(many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
