// SPDX-License-Identifier: BSD-2-Clause
/*
 * meaning.h - what a rule means for a packet, read from its text anew.
 *
 * The reference that compiled rules are held against: it shares neither reader nor trees nor
 * tables with the elements, only the manual of IPClassifier and of Classifier. It is slow, and it takes for
 * granted that the text is right: what it does not understand it answers with NULL.
 */
#ifndef TESTS_PROOF_MEANING_H
#define TESTS_PROOF_MEANING_H

#include <stdbool.h>

#include "router/packet.h"

struct meaning;

/* A pattern of IPFilter and IPClassifier, without an action. */
struct meaning *meaning_of_expression(const char *text);
/* A pattern of Classifier. */
struct meaning *meaning_of_pattern(const char *text);
bool meaning_holds(const struct meaning *meaning, const struct packet *p);
void meaning_free(struct meaning *meaning);

#endif
