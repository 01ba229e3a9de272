// SPDX-License-Identifier: BSD-2-Clause
/*
 * classify_conjunctions.h - rules as a list of conjunctions, each "these fields have values in
 * these sets".
 *
 * A rule matches a packet exactly when one of its conjunctions does, except for those
 * marked `maybe`, which match too much: there the rule itself has the last word. That
 * becomes of rules that would fall apart into too many conjunctions or need too many fields, and
 * of those behind rules that have already fallen apart into very many: so what a rule adds to
 * the memory of a program is bounded, whatever it says.
 */
#ifndef ELEMENTS_STANDARD_CLASSIFY_CONJUNCTIONS_H
#define ELEMENTS_STANDARD_CLASSIFY_CONJUNCTIONS_H

#include "elements/standard/classify_set.h"

enum {
    CLASSIFY_FIELDS_MAX = 32,
    CLASSIFY_RULE_PARTS_MAX = 512,
    CLASSIFY_PARTS_MAX = 65536,         /* of all rules; then each has one */
    CLASSIFY_SPANS_MAX = 1 << 20,       /* of all sets; then larger ones than ... */
    CLASSIFY_SET_SPANS_MAX = 256,       /* ... this are replaced by "any value" */
};

/* One or two bytes of the packet. */
struct classify_field {
    uint8_t base, size;
    uint16_t offset;
};

static inline uint32_t classify_field_absent(const struct classify_field *f)
{
    return f->size == 1 ? 256 : 65536;
}

struct classify_literal {
    uint32_t field;
    const struct classify_set *set;
};

struct classify_conjunction {
    uint32_t rule;
    bool maybe;
    uint32_t n;
    struct classify_literal literal[];      /* in the order of their fields */
};

struct classify_conjunctions {
    struct arena arena;                     /* everything below lives in it */
    struct classify_field field[CLASSIFY_FIELDS_MAX];
    unsigned n_fields;
    const struct classify_conjunction **conjunction;    /* in the order of their rules */
    unsigned n, max;
    size_t n_spans;                         /* in the sets of them all */
    bool *dead;                             /* per rule: matches nothing that earlier ones leave */
    bool any_maybe;
};

/* False: out of memory. Release the arena in any case. */
bool classify_conjunctions_make(struct classify_conjunctions *all,
                                const struct classify_rules *rules);

#endif
