// SPDX-License-Identifier: BSD-2-Clause
/*
 * rule_sets.h - random rule sets for Classifier, IPClassifier and IPFilter, and packets that stand
 * where their rules draw borders.
 *
 * Some sets are as people write them, some as nobody would. Beside its text every rule has its
 * pins: which bytes would have to have which values for its tests to hold. A packet is a
 * plausible one in which some rule's pins are set, exactly or just not.
 */
#ifndef TESTS_PROOF_RULE_SETS_H
#define TESTS_PROOF_RULE_SETS_H

#include "router/packet.h"
#include "router/text.h"

enum { PROOF_RULES_MAX = 1200, PROOF_PINS_MAX = 400 };

enum pin_place { PIN_FRAME, PIN_MAC, PIN_IP, PIN_TRANSPORT };

struct pin {
    uint8_t place, size;            /* size: up to 6 bytes */
    uint16_t offset;
    uint64_t mask, value;
};

struct proof_rule {
    struct text text;
    struct pin *pin;                /* owned */
    unsigned n_pins;
};

struct rule_set {
    enum { SET_CLASSIFIER, SET_IP_CLASSIFIER, SET_IP_FILTER } kind;
    const char *style;              /* for messages */
    unsigned n;
    struct proof_rule rule[PROOF_RULES_MAX];
};

/* 0 to n-1; everything here is drawn with it. The same seed, the same sets and packets. */
void proof_seed(uint64_t seed);
uint32_t proof_chance(uint32_t n);

void rule_set_make(struct rule_set *set);
void rule_set_free(struct rule_set *set);

/*
 * A frame, its marks set, which ends where its buffer does. `whole`: with a network header and
 * long enough for nearly every rule.
 */
struct packet *border_packet(const struct rule_set *set, bool whole);

#endif
