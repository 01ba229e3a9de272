// SPDX-License-Identifier: BSD-2-Clause
/*
 * ip_rules.h - a rule set of IPFilter or IPClassifier: expressions, actions, counts, program.
 */
#ifndef ELEMENTS_IP_IP_RULES_H
#define ELEMENTS_IP_IP_RULES_H

#include "elements/standard/classify.h"
#include "router/element.h"

enum { IP_RULES_DROP = -1 };    /* as an unsigned: the output that does not exist */

struct ip_rule {
    char *text;                 /* as written, the action included */
    size_t action_length;       /* of the text; 0: no action in it */
    unsigned output;            /* IP_RULES_DROP: drop */
    uint64_t packets;           /* that it decided */
};

struct ip_rules {
    struct classify_program *program;
    struct ip_rule *rule;
    unsigned n;
    uint64_t unmatched;         /* packets */
    bool borrowed;              /* `rule` is that of another thread */
};

/* An element that is nothing but rules: IPFilter and IPClassifier. */
struct ip_rules_element {
    struct element base;
    struct ip_rules rules;
    uint64_t drops;
};

push_function ip_rules_push;
push_one_function ip_rules_push_one;
void ip_rules_cleanup(struct element *e);
/* Several threads: each counts in rules of its own, and the texts are the original's. */
void ip_rules_copy(struct element *copy, struct element *original), ip_rules_uncopy(struct element *copy),
    ip_rules_collect(struct element *e, struct element *copy);
#define IP_RULES_THREADS                                                                             \
    .threads = THREADS_EACH, .copy = ip_rules_copy, .uncopy = ip_rules_uncopy, .collect = ip_rules_collect, \
    .counts = COUNTS(offsetof(struct ip_rules_element, rules.unmatched),                             \
                     offsetof(struct ip_rules_element, drops))
handler_read_function ip_rules_read_program;

/*
 * Makes a rule set of the words; with `actions` each begins with one, else word i sends to
 * output i. False: errors were added and `rules` is as it was. Else what was there before
 * is released.
 */
bool ip_rules_make(struct ip_rules *rules, const struct words *words, bool actions,
                   const struct element *e, struct errors *errors);
void ip_rules_release(struct ip_rules *rules);

/* Puts the output for packet i into out[i] and counts. */
void ip_rules_run(struct ip_rules *rules, const struct batch *batch, unsigned *out);
unsigned ip_rules_run_one(struct ip_rules *rules, struct packet *p);

#endif
