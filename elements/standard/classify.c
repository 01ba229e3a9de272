// SPDX-License-Identifier: BSD-2-Clause
/* classify.c - compiles rules to the program that classify_program.h describes. */
#include "elements/standard/classify_program.h"

#include <stdlib.h>
#include <string.h>

enum {
    DIRECT_BLOCKS_MAX = 16,         /* of 2 KB, for a field of two bytes */
    CLASSES_MAX = 65535,
    ROW_WORDS_MAX = 1 << 27,        /* of a program: a gigabyte */
    DECIDED_MIN = 65536 / 4,        /* values of the first field, for asking it alone to pay */
};

/* At value `at` a conjunction starts, or stops, to allow the values of a field. */
struct event {
    uint32_t at, conjunction;
};

static int compare_events(const void *a, const void *b)
{
    const struct event *x = a, *y = b;

    return x->at < y->at ? -1 : x->at > y->at;
}

static const struct classify_literal *literal_of(const struct classify_conjunction *c,
                                                 unsigned field)
{
    for (unsigned i = 0; i < c->n; i++)
        if (c->literal[i].field == field)
            return &c->literal[i];
    return NULL;
}

/* The events of a field in order; `row` gets the conjunctions that do not look at the field. */
static struct event *list_events(const struct classify_conjunctions *all, unsigned field,
                                 uint32_t absent, uint64_t *row, size_t *n_events)
{
    const struct classify_literal *l;
    struct event *events;
    size_t n = 0;

    for (unsigned i = 0; i < all->n; i++)
        if ((l = literal_of(all->conjunction[i], field)))
            n += 2 * (size_t)l->set->n;
    events = malloc((n + 1) * sizeof *events);
    if (!events)
        return NULL;
    n = 0;
    for (unsigned i = 0; i < all->n; i++) {
        l = literal_of(all->conjunction[i], field);
        if (!l) {
            row[i / 64] |= 1ull << i % 64;
            continue;
        }
        for (uint32_t s = 0; s < l->set->n; s++) {
            events[n++] = (struct event){l->set->span[s].low, i};
            if (l->set->span[s].high < absent)
                events[n++] = (struct event){l->set->span[s].high + 1, i};
        }
    }
    qsort(events, n, sizeof *events, compare_events);
    *n_events = n;
    return events;
}

/* Finds rows again: open addressing over class numbers + 1. */
struct row_index {
    uint32_t *slot;
    unsigned mask;
    unsigned max;                   /* rows */
};

static uint64_t hash_row(const uint64_t *row, unsigned words)
{
    uint64_t h = 0x9E3779B97F4A7C15u;

    for (unsigned i = 0; i < words; i++) {
        h = (h ^ row[i]) * 0xD6E8FEB86659FD93u;
        h ^= h >> 32;
    }
    return h;
}

/* The class with this row, new if need be; CLASSES_MAX: no memory left, or as many as may be. */
static unsigned class_with_row(struct classify_column *f, struct row_index *index, const uint64_t *row,
                               unsigned words)
{
    unsigned i = (unsigned)hash_row(row, words) & index->mask;
    unsigned c = f->n_classes;

    for (; index->slot[i]; i = (i + 1) & index->mask)
        if (!memcmp(&f->rows[(size_t)(index->slot[i] - 1) * words], row, words * sizeof *row))
            return index->slot[i] - 1;
    if (c == index->max)
        return CLASSES_MAX;
    if (!(c & (c - 1))) {           /* 0, 1, 2, 4, ...: full */
        size_t room = c ? 2 * (size_t)c : 1;
        uint64_t *rows = realloc(f->rows, room * words * sizeof *rows);
        uint32_t *values = realloc(f->values, room * sizeof *values);

        if (rows)
            f->rows = rows;
        if (values)
            f->values = values;
        if (!rows || !values)
            return CLASSES_MAX;
    }
    f->values[c] = 0;
    memcpy(&f->rows[(size_t)c * words], row, words * sizeof *row);
    index->slot[i] = c + 1;
    return f->n_classes++;
}

/* Classes of all values of a field, max at most, into class_at[0 .. absent]. */
static bool find_classes(struct classify_column *f, const struct classify_conjunctions *all, unsigned number,
                         unsigned words, unsigned max, uint32_t absent, uint16_t *class_at)
{
    uint64_t *row = calloc(words, sizeof *row);
    size_t n_events = 0, e = 0;
    struct event *events = row ? list_events(all, number, absent, row, &n_events) : NULL;
    struct row_index index = {.max = max};
    bool ok = false;

    if (events) {
        size_t slots = 16;

        while (slots < 2 * (n_events + 1) && slots < 2 * (size_t)CLASSES_MAX)
            slots *= 2;
        index.slot = calloc(slots, sizeof *index.slot);
        index.mask = (unsigned)slots - 1;
    }
    if (index.slot) {
        uint32_t at = 0;

        ok = true;
        while (ok && at <= absent) {
            uint32_t end;
            unsigned c;

            for (; e < n_events && events[e].at == at; e++)
                row[events[e].conjunction / 64] ^= 1ull << events[e].conjunction % 64;
            end = e < n_events ? events[e].at : absent + 1;
            c = class_with_row(f, &index, row, words);
            ok = c < CLASSES_MAX;
            if (ok)
                f->values[c] += end - at;
            while (at < end)
                class_at[at++] = (uint16_t)c;
        }
    }
    free(index.slot);
    free(events);
    free(row);
    return ok;
}

/* Two bytes: stores each distinct block of 256 once. */
static bool fold_blocks(struct classify_column *f, const uint16_t *class_at)
{
    for (unsigned first = 0; first < 256; first++) {
        const uint16_t *block = &class_at[first * 256];
        unsigned b = 0;

        while (b < f->n_blocks && memcmp(&f->class_of[b * 256], block, 256 * sizeof *block))
            b++;
        if (b == f->n_blocks) {
            uint16_t *grown = realloc(f->class_of, (size_t)(b + 1) * 256 * sizeof *grown);

            if (!grown)
                return false;
            f->class_of = grown;
            memcpy(&f->class_of[b * 256], block, 256 * sizeof *block);
            f->n_blocks++;
        }
        f->block[first] = (uint16_t)b;
    }
    return true;
}

static bool summarise(struct classify_column *f, unsigned words, unsigned block_words)
{
    f->summary = calloc(f->n_classes, sizeof *f->summary);
    if (!f->summary)
        return false;
    for (unsigned c = 0; c < f->n_classes; c++)
        for (unsigned w = 0; w < words; w++)
            if (f->rows[(size_t)c * words + w])
                f->summary[c] |= 1ull << w / block_words;
    return true;
}

/* Rows in the place of classes, which saves a read that waits for another. */
static bool make_direct(struct classify_column *f)
{
    unsigned n = f->size == 1 ? 256 : f->n_blocks * 256;

    if (f->size == 2 && f->n_blocks > DIRECT_BLOCKS_MAX)
        return true;
    f->row_of = malloc(n * sizeof *f->row_of);
    for (unsigned i = 0; f->row_of && i < n; i++)
        f->row_of[i] = f->rows[f->class_of[i]];
    return f->row_of != NULL;
}

/* `*room`: words that rows may still take. */
static bool make_field(struct classify_column *f, const struct classify_conjunctions *all, unsigned number,
                       unsigned words, unsigned block_words, unsigned *room)
{
    unsigned max = *room / words < CLASSES_MAX ? *room / words : CLASSES_MAX;
    uint32_t absent = classify_field_absent(&all->field[number]);
    uint16_t *class_at = malloc((absent + 1) * sizeof *class_at);
    uint64_t *rows;
    bool ok;

    f->base = all->field[number].base;
    f->size = all->field[number].size;
    f->offset = all->field[number].offset;
    f->number = (uint16_t)number;
    ok = class_at && find_classes(f, all, number, words, max, absent, class_at);
    if (ok) {
        *room -= f->n_classes * words;
        rows = realloc(f->rows, (size_t)f->n_classes * words * sizeof *rows);
        if (rows)
            f->rows = rows;
        f->absent = class_at[absent];
        ok = summarise(f, words, block_words);
    }
    if (ok && f->size == 2) {
        ok = fold_blocks(f, class_at);
    } else if (ok) {
        f->class_of = class_at;
        class_at = NULL;
    }
    free(class_at);
    return ok && (words > 1 || make_direct(f));
}

/* What a class of the field says alone: by its first conjunction, when that looks at nothing else and is no maybe. */
static uint32_t decision(const struct classify_program *p, const struct classify_conjunctions *all, unsigned k, unsigned c)
{
    const struct classify_column *f = &p->field[k];
    const uint64_t *row = &f->rows[(size_t)c * p->words];
    const struct classify_conjunction *first;
    unsigned w = 0;

    while (w < p->words && !row[w])
        w++;
    if (w == p->words || w * 64 + (unsigned)__builtin_ctzll(row[w]) >= all->n)
        return (uint32_t)CLASSIFY_NONE;
    first = all->conjunction[w * 64 + (unsigned)__builtin_ctzll(row[w])];
    return first->maybe || first->n > 1 || (first->n && first->literal[0].field != f->number) ? CLASSIFY_UNDECIDED : first->rule;
}

/*
 * Bytes that are the same in most packets, whatever values they could have: Ethernet's type and the IP header before the
 * addresses, in a frame and from the network mark.
 */
static const struct {
    uint8_t base, from, to;
} usual[] = {
    {CLASSIFY_DATA, 12, 26}, {CLASSIFY_MAC, 12, 26}, {CLASSIFY_NETWORK, 0, 12},
};

static bool has_usual_value(const struct classify_column *f)
{
    for (unsigned i = 0; i < sizeof usual / sizeof usual[0]; i++)
        if (f->base == usual[i].base && f->offset >= usual[i].from && f->offset < usual[i].to)
            return true;
    return false;
}

/* How many values of the field, of 65536, decide. */
static unsigned count_decided(const struct classify_program *p, const struct classify_conjunctions *all, unsigned k)
{
    const struct classify_column *f = &p->field[k];
    unsigned n = 0;

    if (p->n_fields > 1 && has_usual_value(f))
        return 0;
    for (unsigned c = 0; c < f->n_classes; c++)
        if (decision(p, all, k, c) != CLASSIFY_UNDECIDED)
            n += f->values[c];
    return f->size == 1 ? n * 256 : n;
}

/*
 * The field of which most values decide alone becomes the first, and is asked before all others when those are many. In a
 * rule set that ends with one for all packets, as most do, they are the values that no other rule speaks of.
 */
static bool choose_first_field(struct classify_program *p, const struct classify_conjunctions *all)
{
    unsigned best = 0, most = 0;
    struct classify_column first;

    for (unsigned k = 0; k < p->n_fields; k++) {
        unsigned n = count_decided(p, all, k);

        if (n > most) {
            best = k;
            most = n;
        }
        free(p->field[k].values);
        p->field[k].values = NULL;
    }
    if (most < DECIDED_MIN)
        return true;
    first = p->field[best];
    p->field[best] = p->field[0];
    p->field[0] = first;
    p->decided = malloc(first.n_classes * sizeof *p->decided);
    for (unsigned c = 0; p->decided && c < first.n_classes; c++)
        p->decided[c] = decision(p, all, 0, c);
    return p->decided != NULL;
}

static struct classify_program *make_program(const struct classify_conjunctions *all,
                                             unsigned n_rules)
{
    struct classify_program *p = calloc(1, sizeof *p + all->n_fields * sizeof p->field[0]);
    unsigned room = ROW_WORDS_MAX;
    bool ok = p != NULL;

    if (!ok)
        return NULL;
    p->n_rules = n_rules;
    p->n_conjunctions = all->n;
    p->words = all->n <= 64 ? 1 : (all->n + 64 * CLASSIFY_STEP_WORDS - 1) / (64 * CLASSIFY_STEP_WORDS) * CLASSIFY_STEP_WORDS;
    p->search = classify_search_best();
    p->block_words = CLASSIFY_BLOCK_WORDS;
    while (64 * p->block_words < p->words)
        p->block_words *= 2;
    p->direct = p->words == 1;
    p->only_word = all->n < 64 ? (1ull << all->n) - 1 : ~0ull;
    p->rule = malloc((all->n + 1) * sizeof *p->rule);
    p->dead = malloc(n_rules + 1);
    p->maybe = all->any_maybe ? calloc(p->words, sizeof *p->maybe) : NULL;
    if (!p->rule || !p->dead || (all->any_maybe && !p->maybe)) {
        classify_free(p);
        return NULL;
    }
    memcpy(p->dead, all->dead, n_rules);
    for (unsigned i = 0; i < all->n; i++) {
        p->rule[i] = all->conjunction[i]->rule;
        if (all->conjunction[i]->maybe)
            p->maybe[i / 64] |= 1ull << i % 64;
    }
    for (unsigned i = 0; ok && i < all->n_fields; i++) {
        struct classify_column *f = &p->field[p->n_fields];
        uint32_t *extent;
        bool used = false;

        for (unsigned c = 0; c < all->n && !used; c++)
            used = literal_of(all->conjunction[c], i) != NULL;
        if (!used)
            continue;
        p->n_fields++;
        ok = make_field(f, all, i, p->words, p->block_words, &room);
        p->direct = p->direct && f->row_of;
        extent = &p->extent[f->base];
        if (*extent < (uint32_t)f->offset + f->size)
            *extent = (uint32_t)f->offset + f->size;
    }
    if (!ok || !choose_first_field(p, all)) {
        classify_free(p);
        return NULL;
    }
    return p;
}

struct classify_program *classify_compile(struct classify_rules *rules)
{
    struct classify_conjunctions all = {0};
    struct classify_program *p = NULL;

    if (!rules->failed && classify_conjunctions_make(&all, rules))
        p = make_program(&all, rules->n_rules);
    if (p && p->maybe) {
        p->rules = *rules;
        *rules = (struct classify_rules){0};
    }
    classify_rules_free(rules);
    arena_free(&all.arena);
    return p;
}

void classify_free(struct classify_program *program)
{
    if (!program)
        return;
    for (unsigned i = 0; i < program->n_fields; i++) {
        free(program->field[i].class_of);
        free(program->field[i].rows);
        free(program->field[i].summary);
        free(program->field[i].row_of);
        free(program->field[i].values);
    }
    free(program->rule);
    free(program->maybe);
    free(program->decided);
    free(program->dead);
    classify_rules_free(&program->rules);
    free(program);
}

bool classify_rule_is_dead(const struct classify_program *program, unsigned rule)
{
    return program->dead[rule];
}

/* ---- telling ---- */

void classify_describe(const struct classify_program *program, struct text *out)
{
    static const char *const base_name[CLASSIFY_BASES] = {"data", "mac", "network", "transport"};
    size_t bytes = sizeof *program + program->n_fields * sizeof program->field[0]
                   + program->n_conjunctions * sizeof program->rule[0];

    for (unsigned i = 0; i < program->n_fields; i++) {
        const struct classify_column *f = &program->field[i];
        size_t table = f->size == 1 ? 257 : (size_t)f->n_blocks * 256;

        bytes += table * sizeof *f->class_of
                 + f->n_classes * (size_t)(program->words + 1) * sizeof(uint64_t);
    }
    text_printf(out, "%u rules, %u conjunctions, %u fields, %zu bytes\n", program->n_rules,
                program->n_conjunctions, program->n_fields, bytes);
    for (unsigned i = 0; i < program->n_fields; i++) {
        const struct classify_column *f = &program->field[i];

        text_printf(out, "%s[%u:%u]  %u classes\n", base_name[f->base], f->offset, f->size,
                    f->n_classes);
    }
}
