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

struct walk {
    unsigned char *ways;                /* by element: how many lead there; 2: more than one */
    struct element **next;              /* whose outputs are to be followed */
    unsigned n;
    struct element *emptied[2];         /* queues that the tasks empty; NULL: none */
    struct element *between;            /* that of them which was reached */
};

static enum element_order order_of(const struct element *e)
{
    if (e->one_thread)
        return ORDER_SEEN;              /* it calls others, or is called */
    if (e->class->order == ORDER_BY_THREADS)
        return e->class->threads == THREADS_EACH ? ORDER_UNSEEN : ORDER_SEEN;
    return e->class->order;
}

/* A queue whose packets leave in the order in which they came; NULL: it is none. */
static const struct storage *storage_of(struct element *e)
{
    return e && e->class->order == ORDER_OWN && e->class->cast ? e->class->cast(e, "Storage") : NULL;
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

static bool follow(struct walk *w)
{
    while (w->n > 0) {
        struct element *from = w->next[--w->n];

        for (unsigned i = 0; i < from->n_outputs; i++) {
            struct element *peer = element_output(from, i)->peer;

            if (from->output_is_pull[i]) {      /* what is pulled goes when somebody else wants it */
                if (w->between || (from != w->emptied[0] && from != w->emptied[1]))
                    return false;
                w->between = from;
            } else if (!reach(w, from, peer)) {
                return false;
            }
        }
    }
    return true;
}

/* One whose task hands on packets that nobody pushed to it: they are its own, or come from a queue, *emptied. */
static bool begin(struct walk *w, struct element *e, struct element **emptied)
{
    *emptied = e->n_inputs ? e->inputs[0].peer : NULL;
    if (e->class->order != ORDER_UNSEEN || e->n_inputs > 1 || (e->n_inputs && !storage_of(*emptied)))
        return false;
    w->next[w->n++] = e;
    return true;
}

bool order_is_unseen(struct element *source, struct element *other, struct element **between)
{
    unsigned n = source->router->n_elements;
    struct walk w = {.ways = calloc(n, 1), .next = calloc(2 * (size_t)n + 2, sizeof *w.next)};
    bool unseen = w.ways && w.next && begin(&w, source, &w.emptied[0]) && (!other || begin(&w, other, &w.emptied[1])) &&
                  follow(&w) && !w.between == !other;

    *between = w.between;
    free(w.ways);
    free(w.next);
    return unseen;
}

static void look(struct task *task, struct task *other)
{
    struct task_order *o = &task->order;
    unsigned known = task->element->router->n_bound + 1;
    struct element *between;

    o->looks = o->known == known ? o->looks + 1 : 0;
    o->known = known;
    o->unseen_alone = order_is_unseen(task->element, NULL, &between);
    o->other = other;
    o->unseen_together = other && order_is_unseen(task->element, other->element, &between);
    if (o->unseen_together) {
        o->between = storage_of(between);
        o->fills = !task->element->n_inputs || task->element->inputs[0].peer != between;
    }
}

/* Who fills a queue may never run while the one who empties it is scheduled. */
void __attribute__((noinline)) order_look(struct task *task, struct task *other)
{
    look(task, other);
    if (task->order.unseen_together)
        look(other, task);
}
