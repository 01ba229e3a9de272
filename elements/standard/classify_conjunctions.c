// SPDX-License-Identifier: BSD-2-Clause
/*
 * classify_conjunctions.c - takes trees of tests apart; see classify_conjunctions.h.
 *
 * `not` is pushed down to the tests, where it is a complement. `and` multiplies out, `or`
 * concatenates, and two conjunctions that differ in one field only become one with
 * the union there: port lists, protocol lists and ranges cost nothing. What gets too
 * large is replaced by something that matches more and marked `maybe`; since
 * no negation is left above it, matching more is safe.
 */
#include "elements/standard/classify_conjunctions.h"

#include <string.h>

#include "router/bounds.h"

/* How many earlier conjunctions a new one is compared with to see that it is of no use. */
enum { COVER_SEARCH_MAX = 256 };

/* A disjunction of conjunctions: none is false, one without literals is true. */
struct parts {
    const struct classify_conjunction **part;
    unsigned n, max;
    bool maybe;
};

struct maker {
    struct classify_conjunctions *all;
    const struct classify_rules *rules;
    struct arena scratch;               /* for one rule at a time: memory is short in a guest */
};

static struct arena *arena_of(struct maker *m)
{
    return &m->scratch;
}

/* How many conjunctions a rule may become. */
static unsigned parts_max(const struct maker *m)
{
    return m->all->n < CLASSIFY_PARTS_MAX ? CLASSIFY_RULE_PARTS_MAX : 1;
}

/* ---- conjunctions ---- */

static struct classify_conjunction *new_conjunction(struct maker *m, unsigned literals)
{
    return arena_alloc(arena_of(m), sizeof(struct classify_conjunction)
                                        + literals * sizeof(struct classify_literal));
}

/* NULL: nothing matches both (or no memory, which the arena remembers). */
static const struct classify_conjunction *both(struct maker *m,
                                               const struct classify_conjunction *a,
                                               const struct classify_conjunction *b)
{
    struct classify_conjunction *c;
    unsigned i = 0, j = 0;

    if (!a->n)
        return b;
    if (!b->n)
        return a;
    c = new_conjunction(m, a->n + b->n);
    if (!c)
        return NULL;
    while (i < a->n || j < b->n) {
        if (j == b->n || (i < a->n && a->literal[i].field < b->literal[j].field)) {
            c->literal[c->n++] = a->literal[i++];
        } else if (i == a->n || b->literal[j].field < a->literal[i].field) {
            c->literal[c->n++] = b->literal[j++];
        } else {
            const struct classify_set *set = classify_set_intersection(
                arena_of(m), a->literal[i].set, b->literal[j].set);

            if (!set || !set->n)
                return NULL;
            c->literal[c->n++] = (struct classify_literal){a->literal[i].field, set};
            i++, j++;
        }
    }
    return c;
}

/* Whatever matches `part` matches `whole`. */
static bool covers(const struct classify_conjunction *whole,
                   const struct classify_conjunction *part)
{
    unsigned j = 0;

    for (unsigned i = 0; i < whole->n; i++) {
        while (j < part->n && part->literal[j].field < whole->literal[i].field)
            j++;
        if (j == part->n || part->literal[j].field != whole->literal[i].field
            || !classify_set_covers(whole->literal[i].set, part->literal[j].set))
            return false;
    }
    return true;
}

/* If a and b differ in one field at most: what matches either. Else NULL. */
static const struct classify_conjunction *melt(struct maker *m,
                                               const struct classify_conjunction *a,
                                               const struct classify_conjunction *b)
{
    unsigned differs = a->n;
    struct classify_conjunction *c;
    const struct classify_set *set;

    if (a->n != b->n)
        return NULL;
    for (unsigned i = 0; i < a->n; i++) {
        if (a->literal[i].field != b->literal[i].field)
            return NULL;
        if (classify_set_equal(a->literal[i].set, b->literal[i].set))
            continue;
        if (differs < a->n)
            return NULL;
        differs = i;
    }
    if (differs == a->n)
        return a;
    set = classify_set_union(arena_of(m), a->literal[differs].set, b->literal[differs].set);
    c = new_conjunction(m, a->n);
    if (!set || !c)
        return NULL;
    for (unsigned i = 0; i < a->n; i++) {
        if (i != differs)
            c->literal[c->n++] = a->literal[i];
        else if (!classify_set_is_full(
                     set, classify_field_absent(&m->all->field[a->literal[i].field])))
            c->literal[c->n++] = (struct classify_literal){a->literal[i].field, set};
    }
    return c;
}

/* ---- disjunctions ---- */

static struct parts always(struct maker *m, bool maybe)
{
    struct parts p = {.maybe = maybe};

    if (arena_grow(arena_of(m), (void **)&p.part, &p.max, 0, sizeof *p.part)) {
        p.part[0] = new_conjunction(m, 0);
        p.n = p.part[0] != NULL;
    }
    return p;
}

static bool is_always(const struct parts *p)
{
    return p->n == 1 && !p->part[0]->n;
}

static void add_part(struct maker *m, struct parts *p, const struct classify_conjunction *c)
{
    for (unsigned i = 0; i < p->n; i++) {
        const struct classify_conjunction *melted;

        if (covers(p->part[i], c))
            return;
        melted = melt(m, p->part[i], c);
        if (melted) {
            /* The wider one may go on to melt with, or cover, others. */
            p->part[i] = p->part[--p->n];
            add_part(m, p, melted);
            return;
        }
    }
    if (p->n == parts_max(m))
        *p = always(m, true);
    else if (arena_grow(arena_of(m), (void **)&p->part, &p->max, p->n, sizeof *p->part))
        p->part[p->n++] = c;
}

static struct parts either(struct maker *m, struct parts a, struct parts b)
{
    if (is_always(&a) && !a.maybe)
        return a;
    if (is_always(&b) && !b.maybe)
        return b;
    a.maybe |= b.maybe;
    for (unsigned i = 0; i < b.n; i++)
        add_part(m, &a, b.part[i]);
    return a;
}

static struct parts all_of(struct maker *m, struct parts a, struct parts b)
{
    struct parts result = {.maybe = a.maybe || b.maybe};

    if (a.n * b.n > parts_max(m)) {
        a.maybe = true;
        return a;
    }
    for (unsigned i = 0; i < a.n; i++)
        for (unsigned j = 0; j < b.n; j++) {
            const struct classify_conjunction *c = both(m, a.part[i], b.part[j]);

            if (c)
                add_part(m, &result, c);
        }
    return result;
}

/* ---- tests ---- */

/* The field's number, or CLASSIFY_FIELDS_MAX when there is no room for another. */
static unsigned field_number(struct maker *m, unsigned base, unsigned offset, unsigned size)
{
    struct classify_conjunctions *all = m->all;
    unsigned i;

    for (i = 0; i < all->n_fields; i++)
        if (all->field[i].base == base && all->field[i].offset == offset
            && all->field[i].size == size)
            return i;
    if (i < CLASSIFY_FIELDS_MAX)
        all->field[all->n_fields++] = (struct classify_field){
            (uint8_t)base, (uint8_t)size, (uint16_t)offset};
    return i;
}

/* Bytes [skip, skip + size) of the test's field: (bytes & mask) op value, or its complement. */
static struct parts piece(struct maker *m, const struct classify_test *t, unsigned skip,
                          unsigned size, enum classify_op op, uint32_t mask, uint32_t value,
                          bool negated)
{
    unsigned field = field_number(m, t->base, t->offset + skip, size);
    struct parts p = {0};
    struct classify_conjunction *c;
    const struct classify_set *set;
    uint32_t absent;

    if (field == CLASSIFY_FIELDS_MAX)
        return always(m, true);
    absent = classify_field_absent(&m->all->field[field]);
    set = classify_set_of(arena_of(m), absent, op, mask, value);
    if (negated)
        set = classify_set_complement(arena_of(m), absent, set);
    if (!set || !set->n)
        return p;
    if (classify_set_is_full(set, absent))
        return always(m, false);
    if (set->n > CLASSIFY_SET_SPANS_MAX && m->all->n_spans > CLASSIFY_SPANS_MAX)
        return always(m, true);
    c = new_conjunction(m, 1);
    if (!c)
        return p;
    c->literal[c->n++] = (struct classify_literal){field, set};
    add_part(m, &p, c);
    return p;
}

static struct parts join(struct maker *m, bool conjunction, struct parts a, struct parts b)
{
    return conjunction ? all_of(m, a, b) : either(m, a, b);
}

/*
 * A test of three or four bytes in two pieces, high (two bytes) and low:
 *     ==   high == and low ==
 *     !=   (high != and low there) or low !=
 *     >    (high > and low there) or (high == and low >)
 *     <=   (high < and low there) or (high == and low <=)
 */
static struct parts wide_test(struct maker *m, const struct classify_test *t, bool negated)
{
    unsigned rest = t->size - 2u, shift = 8 * rest;
    uint32_t low_bytes = (1u << shift) - 1;
    uint32_t high_mask = t->mask >> shift, high_value = t->value >> shift;
    uint32_t low_mask = t->mask & low_bytes, low_value = t->value & low_bytes;
    struct parts low = piece(m, t, 2, rest, (enum classify_op)t->op, low_mask, low_value, negated);
    struct parts high, there, decided, tied;

    if (t->op == CLASSIFY_EQ) {
        high = piece(m, t, 0, 2, CLASSIFY_EQ, high_mask, high_value, negated);
        return join(m, !negated, high, low);
    }
    if (t->op == CLASSIFY_NE) {
        high = piece(m, t, 0, 2, CLASSIFY_NE, high_mask, high_value, negated);
        tied = low;
    } else {
        if (t->op == CLASSIFY_GT)
            high = piece(m, t, 0, 2, CLASSIFY_GT, high_mask, high_value, negated);
        else if (high_value)
            high = piece(m, t, 0, 2, CLASSIFY_LE, high_mask, high_value - 1, negated);
        else
            high = negated ? always(m, false) : (struct parts){0};
        tied = join(m, !negated,
                    piece(m, t, 0, 2, CLASSIFY_EQ, high_mask, high_value, negated), low);
    }
    there = piece(m, t, 2, rest, CLASSIFY_LE, low_bytes, low_bytes, negated);
    decided = join(m, !negated, high, there);
    return join(m, negated, decided, tied);
}

/* take() is within itself as often as an expression is; what it calls is no part of its frame. */
#define APART __attribute__((noinline))

static APART struct parts take_test(struct maker *m, const struct classify_test *t, bool negated)
{
    if (t->size > 2)
        return wide_test(m, t, negated);
    return piece(m, t, 0, t->size, (enum classify_op)t->op, t->mask, t->value, negated);
}

/* ---- trees ---- */

static struct parts take(struct maker *m, uint32_t n, bool negated);

/*
 * a ? b : c ? d : e  is  (a and b) or (not a and c and d) or (not a and not c and e); negated, b, d and e
 * are. Without an e it is false.
 */
static APART struct parts take_choice(struct maker *m, uint32_t condition, bool negated)
{
    const struct classify_node *node = m->rules->node;
    struct parts result = {0}, here = always(m, false);     /* here: no condition so far */
    uint32_t value;

    for (; condition && (value = node[condition].next); condition = node[value].next) {
        struct parts yes = all_of(m, take(m, condition, false), take(m, value, negated));

        result = either(m, result, all_of(m, here, yes));
        here = all_of(m, here, take(m, condition, true));
    }
    if (condition)
        return either(m, result, all_of(m, here, take(m, condition, negated)));
    return negated ? either(m, result, here) : result;
}

static APART struct parts take_all(struct maker *m, uint32_t child, bool conjunction, bool negated)
{
    struct parts result = conjunction ? always(m, false) : (struct parts){0};

    for (; child; child = m->rules->node[child].next)
        result = join(m, conjunction, result, take(m, child, negated));
    return result;
}

static struct parts take(struct maker *m, uint32_t n, bool negated)
{
    const struct classify_node *node = m->rules->node;

    if (bounds_stack_reached()) {
        m->scratch.failed = true;
        return (struct parts){0};
    }
    switch ((enum classify_kind)node[n].kind) {
    case CLASSIFY_TRUE:
    case CLASSIFY_FALSE:
        if ((node[n].kind == CLASSIFY_TRUE) != negated)
            return always(m, false);
        return (struct parts){0};
    case CLASSIFY_TEST:
        return take_test(m, &node[n].test, negated);
    case CLASSIFY_NOT:
        return take(m, node[n].first, !negated);
    case CLASSIFY_AND:
    case CLASSIFY_OR:
        return take_all(m, node[n].first, (node[n].kind == CLASSIFY_AND) != negated, negated);
    case CLASSIFY_CHOICE:
        return take_choice(m, node[n].first, negated);
    }
    return (struct parts){0};
}

/* ---- all rules ---- */

static bool of_no_use(const struct classify_conjunctions *all,
                      const struct classify_conjunction *c)
{
    unsigned n = all->n < COVER_SEARCH_MAX ? all->n : COVER_SEARCH_MAX;

    for (unsigned i = 0; i < n; i++)
        if (!all->conjunction[i]->maybe && covers(all->conjunction[i], c))
            return true;
    return false;
}

/* Moves it from the scratch arena to where it stays. */
static bool keep(struct classify_conjunctions *all, const struct classify_conjunction *c,
                 uint32_t rule, bool maybe)
{
    size_t size = sizeof *c + c->n * sizeof c->literal[0];
    struct classify_conjunction *copy = arena_alloc(&all->arena, size);

    if (!copy || !arena_grow(&all->arena, (void **)&all->conjunction, &all->max, all->n,
                             sizeof *all->conjunction))
        return false;
    memcpy(copy, c, size);
    copy->rule = rule;
    copy->maybe = maybe;
    for (unsigned i = 0; i < c->n; i++) {
        size_t set_size = sizeof *c->literal[i].set
                          + c->literal[i].set->n * sizeof(struct classify_span);
        struct classify_set *set = arena_alloc(&all->arena, set_size);

        if (!set)
            return false;
        copy->literal[i].set = memcpy(set, c->literal[i].set, set_size);
        all->n_spans += set->n;
    }
    all->conjunction[all->n++] = copy;
    return true;
}

bool classify_conjunctions_make(struct classify_conjunctions *all,
                                const struct classify_rules *rules)
{
    bool finished = false;

    *all = (struct classify_conjunctions){0};
    all->dead = arena_alloc(&all->arena, rules->n_rules + 1);
    if (!all->dead)
        return false;
    for (uint32_t i = 0; i < rules->n_rules; i++) {
        struct maker m = {.all = all, .rules = rules};
        struct parts p = {0};

        all->dead[i] = true;
        if (!finished)
            p = take(&m, rules->root[i], false);
        for (unsigned j = 0; j < p.n; j++) {
            if (of_no_use(all, p.part[j]))
                continue;
            if (!keep(all, p.part[j], i, p.maybe))
                break;
            all->any_maybe |= p.maybe;
            all->dead[i] = false;
            finished |= !p.part[j]->n && !p.maybe;  /* everything matches: no later rule does */
        }
        all->arena.failed |= m.scratch.failed;
        arena_free(&m.scratch);
    }
    return !all->arena.failed;
}
