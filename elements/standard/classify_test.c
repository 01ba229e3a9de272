// SPDX-License-Identifier: BSD-2-Clause
/*
 * classify_test.c - the compiled program answers as the trees do.
 *
 * Random rule sets meet random packets, truncated ones and ones without marks included. Values
 * and packet bytes come from a small pool and its neighbours, so that tests do
 * match now and then. CLASSIFY_TEST_PAIRS=n in the environment asks for another number of
 * (rule set, packet) pairs, CLASSIFY_TEST_SEED for other ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "elements/standard/classify.h"
#include "elements/standard/classify_conjunctions.h"
#include "router/batch.h"

enum { PAIRS = 40000, PACKETS = 512, BYTES = 96 };

static uint64_t seed = 1;

static uint32_t chance(uint32_t n)      /* 0 to n-1; xorshift* (Vigna, 2016) */
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return (uint32_t)((seed * 0x2545F4914F6CDD1Du) >> 33) % n;
}

static uint8_t some_byte(void)
{
    static const uint8_t pool[] = {0, 1, 2, 6, 17, 80, 0x7F, 0x80, 0xFE, 0xFF};

    return chance(8) ? pool[chance(sizeof pool)] : (uint8_t)chance(256);
}

static uint32_t some_value(void)
{
    uint32_t v = 0;

    for (unsigned i = 0; i < 4; i++)
        v = v << 8 | some_byte();
    return v;
}

/* ---- packets ---- */

struct frame {
    struct packet p;
    uint8_t bytes[BYTES];
};

static void random_frame(struct frame *f)
{
    f->p = (struct packet){.data = f->bytes, .head = f->bytes, .capacity = BYTES};
    for (unsigned i = 0; i < BYTES; i++)
        f->bytes[i] = some_byte();
    f->p.length = chance(3) ? BYTES - chance(8) : chance(BYTES);
    f->p.mac = chance(8) ? f->bytes : NULL;
    f->p.network = chance(8) ? f->bytes + 14 : NULL;
    f->p.transport = chance(8) ? f->bytes + 34 + 4 * chance(3) : NULL;
}

/* ---- rules ---- */

struct shape {
    unsigned rules, depth, fields;
    bool long_offsets, selective;
};

static uint32_t random_test(struct classify_rules *rules, const struct shape *s)
{
    enum classify_base base = (enum classify_base)chance(CLASSIFY_BASES);
    unsigned size = 1 + chance(4);
    unsigned offset = s->long_offsets ? chance(60) : chance(s->fields);
    uint32_t full = size == 4 ? UINT32_MAX : (1u << 8 * size) - 1;
    enum classify_op op = (enum classify_op)chance(4);
    uint32_t mask = full;

    switch (chance(6)) {
    case 0:             /* an order under a mask with holes costs time: rarely */
        if (op == CLASSIFY_EQ || op == CLASSIFY_NE || !chance(20))
            mask = some_value() & full;
        break;
    case 1: mask = full << chance(8 * size) & full; break;
    case 2: mask = chance(3) ? full : full >> chance(8 * size); break;
    case 3: mask = 0x1FFF & full; break;
    default: break;
    }
    return classify_test(rules, base, offset, size, op, mask, some_value() & full);
}

static uint32_t random_tree(struct classify_rules *rules, const struct shape *s, unsigned depth)
{
    static const enum classify_kind kinds[] = {CLASSIFY_AND, CLASSIFY_AND, CLASSIFY_AND,
                                               CLASSIFY_OR, CLASSIFY_OR, CLASSIFY_NOT,
                                               CLASSIFY_CHOICE};
    enum classify_kind kind = kinds[chance(sizeof kinds / sizeof *kinds)];
    unsigned children = kind == CLASSIFY_NOT ? 1 : kind == CLASSIFY_CHOICE ? 3 + 2 * chance(2)
                                                                           : chance(5);
    uint32_t group;

    if (!depth || !chance(4))
        return chance(20) ? random_test(rules, s) : classify_constant(rules, chance(2));
    group = classify_group(rules, kind);
    while (children--)
        classify_append(rules, group, random_tree(rules, s, depth - 1));
    return group;
}

/* Mostly a few tests that all must hold, and something more: so rules further down count, too. */
static void random_rules(struct classify_rules *rules, const struct shape *s)
{
    for (unsigned i = 0; i < s->rules; i++) {
        uint32_t root = classify_group(rules, CLASSIFY_AND);

        for (unsigned n = s->selective ? 2 + chance(4) : 0; n; n--)
            classify_append(rules, root, random_test(rules, s));
        classify_append(rules, root, random_tree(rules, s, s->depth));
        classify_add_rule(rules, root);
    }
}

/* Compares on PACKETS packets; the program gets the rules, so the naive answers come first. */
static unsigned compare_once(const struct shape *s, unsigned *matched)
{
    static struct frame frames[PACKETS];
    struct packet *packets[PACKETS];
    unsigned want[PACKETS], got[PACKETS], one, n_rules;
    struct classify_rules rules = {0};
    struct classify_program *program;

    random_rules(&rules, s);
    n_rules = rules.n_rules;
    for (unsigned i = 0; i < PACKETS; i++) {
        random_frame(&frames[i]);
        packets[i] = &frames[i].p;
        want[i] = classify_naive(&rules, packets[i]);
    }
    program = classify_compile(&rules);
    assert_non_null(program);
    classify_run(program, packets, PACKETS, got);
    for (unsigned i = 0; i < PACKETS; i++) {
        if (got[i] != want[i])
            fail_msg("packet %u: rule %d, should be %d", i, (int)got[i], (int)want[i]);
        one = classify_run_one(program, packets[i]);
        assert_int_equal(one, want[i]);
        if (want[i] != (unsigned)CLASSIFY_NONE) {
            assert_true(want[i] < n_rules);
            assert_false(classify_rule_is_dead(program, want[i]));
            ++*matched;
        }
    }
    classify_free(program);
    return PACKETS;
}

static void compiled_equals_naive(void **state)
{
    static const struct shape shapes[] = {
        {.rules = 1, .depth = 4, .fields = 4},
        {.rules = 8, .depth = 2, .fields = 6, .selective = true},
        {.rules = 40, .depth = 3, .fields = 3, .selective = true},
        {.rules = 100, .depth = 1, .fields = 8, .selective = true},
        /* More fields than a program has; more parts than a rule may have. */
        {.rules = 30, .depth = 3, .long_offsets = true, .selective = true},
        {.rules = 3, .depth = 5, .fields = 2},
    };
    const char *wanted = getenv("CLASSIFY_TEST_PAIRS");
    unsigned long pairs = wanted ? strtoul(wanted, NULL, 0) : PAIRS, done = 0;
    unsigned matched = 0;

    (void)state;
    done += compare_once(&(struct shape){.rules = 1500, .fields = 3, .selective = true}, &matched);
    for (unsigned i = 0; done < pairs; i++)
        done += compare_once(&shapes[i % (sizeof shapes / sizeof *shapes)], &matched);
    print_message("%lu pairs, %u matched\n", done, matched);
    assert_true(matched > done / 20 && matched < done);
}

/* ---- what the header promises, case by case ---- */

static void tests_without_bytes_are_false(void **state)
{
    struct frame f = {.p = {.data = f.bytes, .length = 3}, .bytes = {1, 2, 3, 4}};
    struct packet *p = &f.p;
    struct classify_rules rules = {0};
    struct classify_program *program;
    uint32_t inverse;
    unsigned rule;

    (void)state;
    classify_add_rule(&rules,
                      classify_test(&rules, CLASSIFY_DATA, 2, 2, CLASSIFY_EQ, 0xFFFF, 0x304));
    classify_add_rule(&rules, classify_test(&rules, CLASSIFY_DATA, 2, 2, CLASSIFY_NE, 0xFFFF, 7));
    classify_add_rule(&rules, classify_test(&rules, CLASSIFY_NETWORK, 0, 1, CLASSIFY_LE, 0xFF, 9));
    inverse = classify_group(&rules, CLASSIFY_NOT);
    classify_append(&rules, inverse,
                    classify_test(&rules, CLASSIFY_DATA, 3, 1, CLASSIFY_EQ, 0xFF, 4));
    classify_add_rule(&rules, inverse);
    assert_int_equal(classify_naive(&rules, p), 3);
    program = classify_compile(&rules);
    classify_run(program, &p, 1, &rule);
    assert_int_equal(rule, 3);
    classify_free(program);
}

/* A mask that spares the last byte does not need it. */
static void bytes_outside_the_mask_may_be_missing(void **state)
{
    struct frame f = {.p = {.data = f.bytes, .length = 3}, .bytes = {1, 2, 3, 4}};
    struct classify_rules rules = {0};

    (void)state;
    classify_add_rule(&rules,
                      classify_test(&rules, CLASSIFY_DATA, 2, 2, CLASSIFY_EQ, 0xFF00, 0x300));
    assert_int_equal(classify_naive(&rules, &f.p), 0);
    classify_rules_free(&rules);
}

static void dead_rules_are_seen(void **state)
{
    struct classify_rules rules = {0};
    struct classify_program *program;
    uint32_t never = classify_group(&rules, CLASSIFY_AND);

    (void)state;
    classify_append(&rules, never,
                    classify_test(&rules, CLASSIFY_DATA, 12, 2, CLASSIFY_EQ, 0xFFFF, 0x800));
    classify_append(&rules, never,
                    classify_test(&rules, CLASSIFY_DATA, 12, 2, CLASSIFY_EQ, 0xFFFF, 0x806));
    classify_add_rule(&rules, never);
    classify_add_rule(&rules, classify_test(&rules, CLASSIFY_DATA, 0, 2, CLASSIFY_GT, 0xFFFF, 9));
    classify_add_rule(&rules, classify_test(&rules, CLASSIFY_DATA, 0, 2, CLASSIFY_GT, 0xFFFF, 99));
    classify_add_rule(&rules, classify_constant(&rules, true));
    classify_add_rule(&rules, classify_test(&rules, CLASSIFY_DATA, 4, 1, CLASSIFY_EQ, 0xFF, 9));
    program = classify_compile(&rules);
    assert_true(classify_rule_is_dead(program, 0));
    assert_false(classify_rule_is_dead(program, 1));
    assert_true(classify_rule_is_dead(program, 2));
    assert_false(classify_rule_is_dead(program, 3));
    assert_true(classify_rule_is_dead(program, 4));
    classify_free(program);
}

/* Lists of values of one field stay one conjunction. */
static void lists_cost_nothing(void **state)
{
    struct classify_rules rules = {0};
    struct classify_conjunctions all;
    uint32_t list = classify_group(&rules, CLASSIFY_OR);

    (void)state;
    for (unsigned port = 1; port < 100; port += 2)
        classify_append(&rules, list, classify_test(&rules, CLASSIFY_TRANSPORT, 2, 2,
                                                    CLASSIFY_EQ, 0xFFFF, port));
    classify_add_rule(&rules, list);
    assert_true(classify_conjunctions_make(&all, &rules));
    assert_int_equal(all.n, 1);
    assert_int_equal(all.n_fields, 1);
    arena_free(&all.arena);
    classify_rules_free(&rules);
}

/* (a or b) and (c or d) and ...: 2^n conjunctions over 2n fields, with values of the pool's. */
static uint32_t pairs_of(struct classify_rules *rules, unsigned n)
{
    uint32_t all = classify_group(rules, CLASSIFY_AND);

    for (unsigned i = 0; i < n; i++) {
        uint32_t either = classify_group(rules, CLASSIFY_OR);

        for (unsigned k = 0; k < 2; k++)
            classify_append(rules, either, classify_test(rules, CLASSIFY_DATA, 2 * i + k, 1,
                                                         CLASSIFY_EQ, 0xFF, some_byte()));
        classify_append(rules, all, either);
    }
    return all;
}

/* Both evaluators, on packets of few values. */
static void compare_on_few_values(struct classify_rules *rules)
{
    static struct frame frames[PACKETS];
    struct packet *packets[PACKETS];
    unsigned want[PACKETS], got[PACKETS];
    struct classify_program *program;

    for (unsigned i = 0; i < PACKETS; i++) {
        random_frame(&frames[i]);
        frames[i].p.length = BYTES;
        for (unsigned k = 0; k < BYTES; k++)
            frames[i].bytes[k] = (uint8_t)chance(i % 8 + 1);
        packets[i] = &frames[i].p;
        want[i] = classify_naive(rules, packets[i]);
    }
    program = classify_compile(rules);
    assert_non_null(program);
    classify_run(program, packets, PACKETS, got);
    assert_memory_equal(got, want, sizeof got);
    classify_free(program);
}

/* More conjunctions than all rules together may have: those behind become one each, that matches too much. */
static void rules_that_fall_apart_are_bounded(void **state)
{
    struct classify_rules rules = {0};
    struct classify_conjunctions all;

    (void)state;
    for (unsigned i = 0; i < CLASSIFY_PARTS_MAX / 512 + 10; i++)
        classify_add_rule(&rules, pairs_of(&rules, 9));
    for (unsigned i = 0; i < 200; i++)
        classify_add_rule(&rules, pairs_of(&rules, 1 + chance(4)));
    assert_true(classify_conjunctions_make(&all, &rules));
    assert_true(all.n < CLASSIFY_PARTS_MAX + 1000);
    assert_true(all.any_maybe);
    arena_free(&all.arena);
    compare_on_few_values(&rules);
}

/* More rules than a word has bits, and all of them too large: nothing is left to look up. */
static void rules_may_all_be_too_large(void **state)
{
    struct classify_rules rules = {0};

    (void)state;
    for (unsigned i = 0; i < 66; i++) {
        uint32_t list = classify_group(&rules, CLASSIFY_OR);

        for (unsigned k = 0; k < CLASSIFY_RULE_PARTS_MAX + 50; k++) {
            uint32_t both = classify_group(&rules, CLASSIFY_AND);

            classify_append(&rules, both, classify_test(&rules, CLASSIFY_DATA, 0, 2, CLASSIFY_EQ,
                                                        0xFFFF, k ? chance(65536) : chance(8) << 8));
            classify_append(&rules, both, classify_test(&rules, CLASSIFY_DATA, 2, 2, CLASSIFY_EQ,
                                                        0xFFFF, k ? chance(65536) : chance(8)));
            classify_append(&rules, list, both);
        }
        classify_add_rule(&rules, list);
    }
    compare_on_few_values(&rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compiled_equals_naive),
        cmocka_unit_test(tests_without_bytes_are_false),
        cmocka_unit_test(bytes_outside_the_mask_may_be_missing),
        cmocka_unit_test(dead_rules_are_seen),
        cmocka_unit_test(lists_cost_nothing),
        cmocka_unit_test(rules_that_fall_apart_are_bounded),
        cmocka_unit_test(rules_may_all_be_too_large),
    };

    if (getenv("CLASSIFY_TEST_SEED"))
        seed = strtoull(getenv("CLASSIFY_TEST_SEED"), NULL, 0) | 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
