// SPDX-License-Identifier: BSD-2-Clause
/*
 * classify_rules.c - builds trees of tests, and evaluates them as they stand; see classify.h.
 *
 * The evaluator is the definition of what rules mean: keep it simple.
 */
#include <stdlib.h>

#include "elements/standard/classify.h"

static uint32_t new_node(struct classify_rules *r, enum classify_kind kind)
{
    if (r->n_nodes + 1 >= r->max_nodes) {
        uint32_t max = r->max_nodes ? 2 * r->max_nodes : 64;
        struct classify_node *grown = realloc(r->node, max * sizeof *grown);

        if (!grown) {
            r->failed = true;
            return 0;
        }
        r->node = grown;
        r->max_nodes = max;
        if (!r->n_nodes)
            r->node[r->n_nodes++] = (struct classify_node){.kind = CLASSIFY_FALSE};
    }
    r->node[r->n_nodes] = (struct classify_node){.kind = (uint8_t)kind};
    return r->n_nodes++;
}

uint32_t classify_constant(struct classify_rules *rules, bool value)
{
    return new_node(rules, value ? CLASSIFY_TRUE : CLASSIFY_FALSE);
}

static bool compare(enum classify_op op, uint32_t left, uint32_t right)
{
    switch (op) {
    case CLASSIFY_EQ: return left == right;
    case CLASSIFY_NE: return left != right;
    case CLASSIFY_GT: return left > right;
    case CLASSIFY_LE: return left <= right;
    }
    return false;
}

uint32_t classify_test(struct classify_rules *rules, enum classify_base base, unsigned offset,
                       unsigned size, enum classify_op op, uint32_t mask, uint32_t value)
{
    uint32_t n;

    if (op == CLASSIFY_EQ || op == CLASSIFY_NE)
        value &= mask;
    else if (value >= mask)         /* nothing under the mask is greater */
        return classify_constant(rules, op == CLASSIFY_LE);
    if (!mask)
        return classify_constant(rules, compare(op, 0, value));
    /* Bytes outside the mask need not be there. */
    for (; !(mask & 0xFF); mask >>= 8, value >>= 8)
        size--;
    for (; size > 1 && !(mask >> (8 * (size - 1))); offset++)
        size--;
    n = new_node(rules, CLASSIFY_TEST);
    if (n)
        rules->node[n].test = (struct classify_test){
            .base = (uint8_t)base, .op = (uint8_t)op, .size = (uint8_t)size,
            .offset = (uint16_t)offset, .mask = mask, .value = value};
    return n;
}

uint32_t classify_group(struct classify_rules *rules, enum classify_kind kind)
{
    return new_node(rules, kind);
}

void classify_append(struct classify_rules *rules, uint32_t parent, uint32_t child)
{
    struct classify_node *p;

    if (!parent || !child)
        return;
    p = &rules->node[parent];
    if (p->last)
        rules->node[p->last].next = child;
    else
        p->first = child;
    p->last = child;
}

void classify_add_rule(struct classify_rules *rules, uint32_t root)
{
    if (rules->n_rules == rules->max_rules) {
        uint32_t max = rules->max_rules ? 2 * rules->max_rules : 16;
        uint32_t *grown = realloc(rules->root, max * sizeof *grown);

        if (!grown) {
            rules->failed = true;
            return;
        }
        rules->root = grown;
        rules->max_rules = max;
    }
    rules->root[rules->n_rules++] = root;
}

void classify_rules_free(struct classify_rules *rules)
{
    free(rules->node);
    free(rules->root);
    *rules = (struct classify_rules){0};
}

static bool test_matches(const struct classify_test *t, const struct packet *p)
{
    struct classify_view v = classify_view(p, (enum classify_base)t->base);
    uint32_t x = 0;

    if ((uint32_t)t->offset + t->size > v.length)
        return false;
    for (unsigned i = 0; i < t->size; i++)
        x = x << 8 | v.start[t->offset + i];
    return compare((enum classify_op)t->op, x & t->mask, t->value);
}

bool classify_matches(const struct classify_rules *rules, uint32_t root, const struct packet *p)
{
    const struct classify_node *node = rules->node, *n = &node[root];

    switch ((enum classify_kind)n->kind) {
    case CLASSIFY_TRUE:
        return true;
    case CLASSIFY_FALSE:
        return false;
    case CLASSIFY_TEST:
        return test_matches(&n->test, p);
    case CLASSIFY_NOT:
        return !classify_matches(rules, n->first, p);
    case CLASSIFY_AND:
    case CLASSIFY_OR:
        for (uint32_t c = n->first; c; c = node[c].next)
            if (classify_matches(rules, c, p) == (n->kind == CLASSIFY_OR))
                return n->kind == CLASSIFY_OR;
        return n->kind == CLASSIFY_AND;
    case CLASSIFY_CHOICE:
        for (uint32_t c = n->first; c;) {
            uint32_t value = node[c].next;

            if (!value)
                return classify_matches(rules, c, p);
            if (classify_matches(rules, c, p))
                return classify_matches(rules, value, p);
            c = node[value].next;
        }
        return false;
    }
    return false;
}

unsigned classify_naive(const struct classify_rules *rules, const struct packet *p)
{
    for (uint32_t i = 0; i < rules->n_rules; i++)
        if (classify_matches(rules, rules->root[i], p))
            return i;
    return (unsigned)CLASSIFY_NONE;
}
