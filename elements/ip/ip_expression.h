// SPDX-License-Identifier: BSD-2-Clause
/*
 * ip_expression.h - the language of IPFilter and IPClassifier, such as
 * "src net 10.0.0.0/8 and dst port 80 or 443".
 *
 * The language is Click's; ip_expression.c has the grammar, and IPClassifier's manual
 * describes it to users. An expression becomes a tree for classify.h.
 */
#ifndef ELEMENTS_IP_IP_EXPRESSION_H
#define ELEMENTS_IP_IP_EXPRESSION_H

#include "elements/standard/classify.h"
#include "router/element.h"

/*
 * Reads the whole text; "-", "any", "all" and nothing at all match every packet. Messages
 * begin with `where` ("pattern 3: "). Names of addresses, ports and so on are looked up
 * for `scope`. Returns the root; when errors were added, or memory ran out, the rules are
 * not usable.
 */
uint32_t ip_expression_read(struct classify_rules *rules, const struct element *scope,
                            const char *text, const char *where, struct errors *errors);

#endif
