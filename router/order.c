// SPDX-License-Identifier: BSD-2-Clause
/*
 * order.c - follows all ways of a source's packets; see order.h.
 *
 * In a batch the packets that take one way overtake those that take another. So an element for which only
 * the order of its own packets matters must be reached by one way: not two of its own, not one behind a
 * place where ways meet.
 */
#include "router/order.h"

#include <stdlib.h>

#include "router/router.h"

struct walk {
    unsigned char *ways;                /* by element: how many lead there; 2: more than one */
    struct element **next;              /* whose outputs are to be followed */
    unsigned n;
};

static enum element_order order_of(const struct element *e)
{
    if (e->one_thread)
        return ORDER_SEEN;              /* it calls others, or is called */
    if (e->class->order == ORDER_BY_THREADS)
        return e->class->threads == THREADS_EACH ? ORDER_UNSEEN : ORDER_SEEN;
    return e->class->order;
}

/* Each element is gone on from at most once for every number of ways, so that loops end too. */
static bool reach(struct walk *w, const struct element *from, struct element *e)
{
    unsigned char ways = w->ways[e->index] || w->ways[from->index] > 1 ? 2 : 1;
    enum element_order order = order_of(e);

    if (w->ways[e->index] == ways)
        return true;
    w->ways[e->index] = ways;
    w->next[w->n++] = e;
    return order == ORDER_UNSEEN || (order == ORDER_OWN && ways == 1);
}

static bool follow(struct walk *w, struct element *source)
{
    w->next[w->n++] = source;
    while (w->n > 0) {
        struct element *from = w->next[--w->n];

        for (unsigned i = 0; i < from->n_outputs; i++) {
            struct element *peer = element_output(from, i)->peer;

            if (!peer || !reach(w, from, peer))
                return false;           /* what is pulled goes when somebody else wants it */
        }
    }
    return true;
}

bool order_is_unseen(struct element *source)
{
    unsigned n = source->router->n_elements;
    struct walk w = {.ways = calloc(n, 1), .next = calloc(2 * (size_t)n, sizeof *w.next)};
    bool unseen = w.ways && w.next && follow(&w, source);

    free(w.ways);
    free(w.next);
    return unseen;
}
