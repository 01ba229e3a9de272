// SPDX-License-Identifier: BSD-2-Clause
/*
 * classify.h - rules about bytes in a packet, and a program that finds the first one that matches.
 *
 * Classifier, IPClassifier and IPFilter translate their texts to rules: trees of and, or, not
 * and a ? b : c over tests, where a test compares up to four bytes at an offset from one of
 * four places. classify_compile() makes a program of them, and classify_run() asks it for
 * many packets at a time. How the program works is classify_program.h's secret; what it
 * answers is defined by classify_naive(), which walks the trees, and a randomized test holds
 * the two together.
 *
 * A test whose bytes are not all in the packet is false, whichever way it compares; so
 * `not (x == 1)` is true for a packet too short to have x, and `x != 1` is false.
 */
#ifndef ELEMENTS_STANDARD_CLASSIFY_H
#define ELEMENTS_STANDARD_CLASSIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "router/packet.h"
#include "router/text.h"

/* ---- rules ---- */

enum classify_base {
    CLASSIFY_DATA,              /* the packet's first byte */
    CLASSIFY_MAC,               /* the header marks; without its mark a packet has no such bytes */
    CLASSIFY_NETWORK,
    CLASSIFY_TRANSPORT,         /* only behind a marked network header */
    CLASSIFY_BASES
};

enum classify_op { CLASSIFY_EQ, CLASSIFY_NE, CLASSIFY_GT, CLASSIFY_LE };

enum classify_kind {
    CLASSIFY_TRUE, CLASSIFY_FALSE,
    CLASSIFY_TEST,
    CLASSIFY_NOT,               /* one child */
    CLASSIFY_AND, CLASSIFY_OR,  /* any number; none: true, false */
    CLASSIFY_CHOICE,            /* condition, value, condition, value, ..., value otherwise */
};

/* (bytes & mask) op value, the bytes read as a big-endian integer. */
struct classify_test {
    uint8_t base, op;
    uint8_t size;               /* bytes, 1 to 4 */
    uint16_t offset;
    uint32_t mask, value;
};

struct classify_node {
    uint8_t kind;
    uint32_t first, last, next; /* children, and the next child of the parent; 0: none */
    struct classify_test test;
};

struct classify_rules {
    struct classify_node *node; /* node 0 is nobody */
    uint32_t n_nodes, max_nodes;
    uint32_t *root;             /* one per rule */
    uint32_t n_rules, max_rules;
    bool failed;                /* out of memory: nothing made since is complete */
};

/* Zero-initialise and begin. The makers return a node; node 0 when memory ran out. */
uint32_t classify_constant(struct classify_rules *rules, bool value);
/*
 * A value outside the mask can be asked for: == compares with what the mask leaves of it, as
 * Click does. An empty mask makes a constant.
 */
uint32_t classify_test(struct classify_rules *rules, enum classify_base base, unsigned offset,
                       unsigned size, enum classify_op op, uint32_t mask, uint32_t value);
/* NOT, AND, OR or CHOICE without children; a node becomes the child of one parent at most. */
uint32_t classify_group(struct classify_rules *rules, enum classify_kind kind);
void classify_append(struct classify_rules *rules, uint32_t parent, uint32_t child);
/* Rules are tried in the order in which they are added. */
void classify_add_rule(struct classify_rules *rules, uint32_t root);
void classify_rules_free(struct classify_rules *rules);

enum { CLASSIFY_NONE = -1 };    /* as an unsigned: no rule matches */

/* The meaning of the rules, straight from the trees. */
bool classify_matches(const struct classify_rules *rules, uint32_t root, const struct packet *p);
unsigned classify_naive(const struct classify_rules *rules, const struct packet *p);

/* ---- programs ---- */

struct classify_program;

/*
 * Takes what the rules own, in any case. NULL: out of memory, or more distinctions
 * than a program can hold: some ten thousand values of a field, a gigabyte in all.
 */
struct classify_program *classify_compile(struct classify_rules *rules);
void classify_free(struct classify_program *program);

/* Puts the first rule that matches packet i, or CLASSIFY_NONE, into rule[i]. */
void classify_run(const struct classify_program *program, struct packet *const *packets,
                  unsigned n, unsigned *rule);
/* The same for one packet. */
unsigned classify_run_one(const struct classify_program *program, const struct packet *packet);

/* True: no packet reaches the rule and matches it. (False may be ignorance.) */
bool classify_rule_is_dead(const struct classify_program *program, unsigned rule);
/* For people: size and shape of the program. */
void classify_describe(const struct classify_program *program, struct text *out);

/* ---- where a packet's bytes stand; for the two evaluators ---- */

struct classify_view {
    const uint8_t *start;
    uint32_t length;
};

static inline struct classify_view classify_view(const struct packet *p, enum classify_base base)
{
    const uint8_t *end = packet_end(p);
    const uint8_t *start = base == CLASSIFY_DATA ? p->data
                         : base == CLASSIFY_MAC ? p->mac
                         : base == CLASSIFY_NETWORK ? p->network
                         : p->network ? p->transport : NULL;

    if (!start || start > end)
        return (struct classify_view){NULL, 0};
    return (struct classify_view){start, (uint32_t)(end - start)};
}

#endif
