// SPDX-License-Identifier: BSD-2-Clause
/*
 * unparse.c - a plan as Click text: requirements, declarations, then connections as chains.
 *
 * The layout is the one of Click's `flatconfig` handler, which programs read and compare. A chain
 * goes on from output 0 of the element that it reached through input 0.
 */
#include <limits.h>
#include <stdlib.h>

#include "language/plan.h"
#include "router/args.h"

enum { NO_CONNECTION = -1 };

/* A connection's place in the plan, sorted by source. */
struct source {
    unsigned from, from_port, index;
};

static int source_order(const void *a, const void *b)
{
    const struct source *x = a, *y = b;

    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    if (x->from_port != y->from_port)
        return x->from_port < y->from_port ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static void requirements(const struct plan *plan, struct text *out)
{
    unsigned i;

    if (!plan->n_requirements)
        return;
    for (i = 0; i < plan->n_requirements; i++) {
        const struct plan_requirement *requirement = &plan->requirements[i];

        text_printf(out, "%s%s", i ? ", " : "require(", requirement->type);
        if (*requirement->value)
            text_printf(out, " \"%s\"", requirement->value);
    }
    text_puts(out, ");\n\n");
}

static void declarations(const struct plan *plan, struct text *out)
{
    unsigned i;

    for (i = 0; i < plan->n_elements; i++) {
        const struct plan_element *element = &plan->elements[i];

        text_puts(out, element->name);
        text_puts(out, " :: ");
        text_puts(out, element->class_name);
        if (*element->config) {
            text_putc(out, '(');
            text_puts(out, element->config);
            text_putc(out, ')');
        }
        text_puts(out, ";\n");
    }
    if (plan->n_elements)
        text_putc(out, '\n');
}

/*
 * The connection, other than `self`, that a chain takes from output 0 of an element: preferably
 * one into an input 0, which can be continued in turn; otherwise the last one.
 */
static int way_on(const struct plan *plan, const struct source *sources, unsigned element,
                  unsigned self)
{
    unsigned low = 0, high = plan->n_connections;
    int found = NO_CONNECTION;

    while (low < high) {
        unsigned middle = low + (high - low) / 2;

        if (sources[middle].from < element)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < plan->n_connections && sources[low].from == element &&
           sources[low].from_port == 0;
         low++) {
        if (sources[low].index == self)
            continue;
        found = (int)sources[low].index;
        if (plan->connections[found].to_port == 0)
            break;
    }
    return found;
}

/* What continues each connection. */
static void find_successors(const struct plan *plan, const struct source *sources, int *next,
                            bool *continues)
{
    int best = NO_CONNECTION;
    unsigned i, element = UINT_MAX;

    /* Connections to one element stand together, so one search serves them all. */
    for (i = 0; i < plan->n_connections; i++) {
        const struct plan_connection *connection = &plan->connections[i];

        next[i] = NO_CONNECTION;
        if (connection->to_port != 0)
            continue;
        if (connection->to != element)
            best = way_on(plan, sources, element = connection->to, UINT_MAX);
        next[i] = best == (int)i ? way_on(plan, sources, element, i) : best;
        if (next[i] != NO_CONNECTION)
            continues[next[i]] = true;
    }
}

static void chain(const struct plan *plan, const int *next, bool *printed, unsigned start,
                  struct text *out)
{
    const struct plan_connection *connection = &plan->connections[start];
    int i;

    text_puts(out, plan->elements[connection->from].name);
    if (connection->from_port)
        text_printf(out, " [%u]", connection->from_port);
    for (i = (int)start; i != NO_CONNECTION && !printed[i]; i = next[i]) {
        connection = &plan->connections[i];
        text_puts(out, i == (int)start ? " -> " : "\n    -> ");
        if (connection->to_port)
            text_printf(out, "[%u] ", connection->to_port);
        text_puts(out, plan->elements[connection->to].name);
        printed[i] = true;
    }
    text_puts(out, ";\n");
}

static void connections(const struct plan *plan, struct text *out)
{
    unsigned n = plan->n_connections, i;
    struct source *sources;
    int *next;
    bool *continues, *printed;

    if (!n)
        return;
    sources = calloc(n, sizeof(*sources));
    next = calloc(n, sizeof(*next));
    continues = calloc(n, sizeof(*continues));
    printed = calloc(n, sizeof(*printed));
    if (sources && next && continues && printed) {
        for (i = 0; i < n; i++)
            sources[i] = (struct source){plan->connections[i].from, plan->connections[i].from_port,
                                         i};
        qsort(sources, n, sizeof(*sources), source_order);
        find_successors(plan, sources, next, continues);
        for (i = 0; i < n; i++)
            if (!continues[i] && !printed[i])
                chain(plan, next, printed, i, out);
        /* What is left runs in circles. */
        for (i = 0; i < n; i++)
            if (!printed[i])
                chain(plan, next, printed, i, out);
    } else {
        out->failed = true;
    }
    free(sources);
    free(next);
    free(continues);
    free(printed);
}

void plan_unparse(const struct plan *plan, struct text *out)
{
    requirements(plan, out);
    declarations(plan, out);
    connections(plan, out);
}
