// SPDX-License-Identifier: BSD-2-Clause
/*
 * copies.h - elements that several threads run: each thread has a copy of its own.
 *
 * A copy is the element's struct once more, with ports of its own that lead to the same thread's copies; so a
 * packet finds and changes nothing that another thread writes to, and no element knows about threads. Handlers
 * see one element, the original, while the threads rest: before it is looked at it gets what its copies
 * counted, and after it was written to the copies are made anew.
 */
#ifndef ROUTER_COPIES_H
#define ROUTER_COPIES_H

#include "router/router.h"

/* For all elements that have several threads, once they are initialized. */
bool copies_make(struct router *router, struct errors *errors);
void copies_free(struct router *router);

/* While the threads rest. The original has all counts afterwards. */
void copies_collect(struct element *e);
/* The copies are as the original, but for the counts. */
void copies_renew(struct element *e);

#endif
