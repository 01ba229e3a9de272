// SPDX-License-Identifier: BSD-2-Clause
/* chain.c - one step of a chain; see chain.h. */
#include "language/chain.h"

/* One side of the arrow, counted. */
struct side {
    const struct item_list *list;
    bool outputs;                   /* the left side: its outputs matter */
    unsigned n_ports;               /* at least */
    unsigned n_expandable;
};

void item_list_clear(struct item_list *list)
{
    list->n = list->n_ports = 0;
}

struct item *item_list_add(struct item_list *list, struct arena *arena)
{
    if (!arena_grow(arena, (void **)&list->items, &list->capacity, list->n, sizeof(*list->items)))
        return NULL;
    list->items[list->n] = (struct item){.element = NO_ELEMENT};
    return &list->items[list->n++];
}

bool item_list_add_port(struct item_list *list, struct arena *arena, struct port_list *ports,
                        unsigned port)
{
    if (!arena_grow(arena, (void **)&list->ports, &list->ports_capacity, list->n_ports,
                    sizeof(*list->ports)))
        return false;
    if (!ports->n)
        ports->first = list->n_ports;
    list->ports[list->n_ports++] = port;
    ports->n++;
    return true;
}

static const struct port_list *ports_of(const struct side *side, const struct item *item)
{
    return side->outputs ? &item->outputs : &item->inputs;
}

static void count(struct side *side)
{
    unsigned i;

    for (i = 0; i < side->list->n; i++) {
        const struct port_list *ports = ports_of(side, &side->list->items[i]);

        side->n_ports += ports->n > 1 ? ports->n : 1;   /* no port means port 0 */
        side->n_expandable += ports->expandable;
    }
}

static bool single_without_port(const struct side *side)
{
    return side->n_ports == 1 && ports_of(side, &side->list->items[0])->n == 0;
}

static bool add_end(struct syntax *syntax, struct port_ends *ends, unsigned element, unsigned port)
{
    if (!arena_grow(&syntax->arena, (void **)&ends->ends, &ends->capacity, ends->n,
                    sizeof(*ends->ends)))
        return false;
    ends->ends[ends->n++] = (struct port_end){element, port};
    return true;
}

/* Lists the ends of a side; expandable items get `extra` more ports between them. */
static void list_ends(struct syntax *syntax, const struct side *side, unsigned extra,
                      struct port_ends *ends)
{
    bool implied = extra && !side->n_expandable;
    unsigned i, k, port;

    ends->n = 0;
    for (i = 0; i < side->list->n; i++) {
        const struct item *item = &side->list->items[i];
        const struct port_list *ports = ports_of(side, item);

        if (item->element == NO_ELEMENT)
            continue;
        port = 0;
        for (k = 0; k < ports->n; k++) {
            port = side->list->ports[ports->first + k];
            if (!add_end(syntax, ends, item->element, port))
                return;
        }
        if (!ports->n && !add_end(syntax, ends, item->element, 0))
            return;
        if (ports->expandable || implied)
            for (; extra && port < PORT_MAX; extra--)
                if (!add_end(syntax, ends, item->element, ++port))
                    return;
    }
}

void chain_connect(struct syntax *syntax, struct chain_scratch *scratch, struct syntax_body *body,
                   const struct item_list *left, const struct item_list *right, bool many,
                   struct landmark *landmark)
{
    struct side outputs = {.list = left, .outputs = true}, inputs = {.list = right};
    bool expand_outputs, expand_inputs, step_outputs, step_inputs;
    unsigned i, n;

    count(&outputs);
    count(&inputs);
    expand_outputs = outputs.n_expandable > 0;
    expand_inputs = inputs.n_expandable > 0;
    if (outputs.n_expandable + inputs.n_expandable > 1) {
        syntax_error(syntax, landmark, "at most one expandable port allowed per connection");
        return;
    }
    if (many && single_without_port(&outputs) && inputs.n_ports > 1)
        expand_outputs = true;
    if (many && single_without_port(&inputs) && outputs.n_ports > 1)
        expand_inputs = true;

    step_outputs = outputs.n_ports > 1 || expand_outputs;
    step_inputs = inputs.n_ports > 1 || expand_inputs;
    if (step_outputs && step_inputs) {
        if (!many)
            syntax_error(syntax, landmark,
                         "syntax error: many-to-many connections require '=>'");
        if (!expand_outputs && !expand_inputs && outputs.n_ports != inputs.n_ports)
            syntax_error(syntax, landmark, "connection mismatch: %u outputs connected to %u inputs",
                         outputs.n_ports, inputs.n_ports);
        else if (!expand_inputs && inputs.n_ports < outputs.n_ports)
            syntax_error(syntax, landmark,
                         "connection mismatch: %u or more outputs connected to %u inputs",
                         outputs.n_ports, inputs.n_ports);
        else if (!expand_outputs && outputs.n_ports < inputs.n_ports)
            syntax_error(syntax, landmark,
                         "connection mismatch: %u outputs connected to %u or more inputs",
                         outputs.n_ports, inputs.n_ports);
    }

    list_ends(syntax, &outputs,
              expand_outputs && inputs.n_ports > outputs.n_ports ? inputs.n_ports - outputs.n_ports
                                                                 : 0,
              &scratch->outputs);
    list_ends(syntax, &inputs,
              expand_inputs && outputs.n_ports > inputs.n_ports ? outputs.n_ports - inputs.n_ports
                                                                : 0,
              &scratch->inputs);
    if (!scratch->outputs.n || !scratch->inputs.n)
        return;

    /* Side by side; a side of one end serves all of the other. */
    if (scratch->outputs.n == 1)
        n = scratch->inputs.n;
    else if (scratch->inputs.n == 1 || scratch->outputs.n < scratch->inputs.n)
        n = scratch->outputs.n;
    else
        n = scratch->inputs.n;
    if (n > scratch->connections_left) {
        if (!scratch->full)
            syntax_error(syntax, landmark, "too many connections (at most %d)", CONNECTIONS_MAX);
        scratch->full = true;
        return;
    }
    scratch->connections_left -= n;
    for (i = 0; i < n; i++) {
        const struct port_end *from = &scratch->outputs.ends[scratch->outputs.n == 1 ? 0 : i];
        const struct port_end *to = &scratch->inputs.ends[scratch->inputs.n == 1 ? 0 : i];

        body_connect(syntax, body, from->element, from->port, to->element, to->port, landmark);
    }
}
