// SPDX-License-Identifier: BSD-2-Clause
/*
 * graph.c - resolves port counts and push or pull, and connects ports; see graph.h.
 *
 * Every port of every element gets a number of its own; connections and the agnostic
 * flows inside elements are then edges between numbers, and a direction spreads from
 * the ports that have one over the edges to those that have none. Linear in ports and
 * edges, so a configuration of 100,000 elements resolves at once.
 */
#include "router/graph.h"

#include <stdlib.h>
#include <string.h>

#include "router/offload.h"

enum direction { UNKNOWN = 0, IS_PUSH = 'h', IS_PULL = 'l' };

struct graph {
    struct router *router;
    const struct plan *plan;
    struct errors *errors;
    unsigned n_ports;
    unsigned *input_base, *output_base;     /* number of an element's first port, per element */
    unsigned *element_of;                   /* the element of a port number */
    char *direction;                        /* per port: enum direction */
    char *agnostic;                         /* per port: declared 'a' */
    unsigned *uses;                         /* connections at each port */
    unsigned *edge_start, *edge;            /* connections only: ports wired to port p */
    unsigned *queue;
};

/* ---- codes ---- */

/* Reads "1/1-2", "1/-", "-", "0/=", "1-/1-". A missing upper bound is UINT_MAX. */
struct port_range { unsigned low, high; unsigned plus; bool same; };

static const char *read_range(const char *s, struct port_range *range)
{
    *range = (struct port_range){0};
    if (*s == '=') {
        range->same = true;
        while (*++s == '+')
            range->plus++;
        return s;
    }
    while (*s >= '0' && *s <= '9')
        range->low = range->low * 10 + (unsigned)(*s++ - '0');
    range->high = range->low;
    if (*s == '-') {
        s++;
        range->high = 0;
        if (!(*s >= '0' && *s <= '9'))
            range->high = UINT32_MAX;
        while (*s >= '0' && *s <= '9')
            range->high = range->high * 10 + (unsigned)(*s++ - '0');
    }
    return s;
}

static unsigned clamp(unsigned n, const struct port_range *range)
{
    return n < range->low ? range->low : n > range->high ? range->high : n;
}

static void count_ports(const struct element_class *class, unsigned wired_in, unsigned wired_out,
                        unsigned *n_inputs, unsigned *n_outputs)
{
    struct port_range in, out;
    const char *s = read_range(class->ports, &in);

    if (*s == '/')
        read_range(s + 1, &out);
    else
        out = in;
    *n_inputs = clamp(wired_in, &in);
    if (out.same)
        *n_outputs = *n_inputs + out.plus;
    else
        *n_outputs = clamp(wired_out, &out);
}

/* The code letter of a port; the last letter stands for all that follow. */
static char processing_letter(const char *code, bool output, unsigned port)
{
    const char *slash = strchr(code, '/'), *start = code, *end = slash ? slash : code + strlen(code);

    if (output && slash) {
        start = slash + 1;
        end = start + strlen(start);
    }
    if (start + port >= end)
        port = (unsigned)(end - start) - 1;
    return start[port];
}

/* One port's token of a flow code: a letter, '#', or a set of them in brackets. */
struct flow_token {
    uint64_t letters;       /* a-z, A-Z */
    bool number;            /* '#' */
    bool negated;
};

static void add_letter(struct flow_token *token, char c)
{
    if (c == '#')
        token->number = true;
    else if (c >= 'a' && c <= 'z')
        token->letters |= UINT64_C(1) << (c - 'a');
    else if (c >= 'A' && c <= 'Z')
        token->letters |= UINT64_C(1) << (c - 'A' + 26);
}

static struct flow_token flow_token(const char *s, unsigned port)
{
    struct flow_token token = {0};

    for (unsigned i = 0; *s && *s != '/'; i++) {
        token = (struct flow_token){0};
        if (*s == '[') {
            s++;
            if (*s == '^') {
                token.negated = true;
                s++;
            }
            while (*s && *s != ']')
                add_letter(&token, *s++);
            if (*s)
                s++;
        } else {
            add_letter(&token, *s++);
        }
        if (i == port)
            break;
    }
    return token;
}

bool graph_flows(const struct element *e, unsigned input, unsigned output)
{
    const char *code = e->class->flow, *slash;
    struct flow_token in, out;
    bool meet;

    if (!code || strcmp(code, "x/x") == 0)
        return true;
    slash = strchr(code, '/');
    in = flow_token(code, input);
    out = flow_token(slash ? slash + 1 : code, output);
    meet = (in.letters & out.letters) || (in.number && out.number && input == output);
    if (!in.negated && !out.negated)
        return meet;
    if (in.negated && out.negated)
        return true;
    if (in.negated) {
        struct flow_token t = in;

        in = out;
        out = t;
    }
    /* Something that the plain token names must lie outside the negated set. */
    return (in.letters & ~out.letters) || (in.number && (!out.number || input != output));
}

const char *graph_processing_name(const struct element *e, bool output, unsigned port)
{
    bool pull = (output ? e->output_is_pull : e->input_is_pull)[port];
    bool agnostic = processing_letter(e->class->processing, output, port) == 'a';

    return pull ? agnostic ? "pull~" : "pull" : agnostic ? "push~" : "push";
}

/* ---- port counts ---- */

static void *array(size_t n, size_t size)
{
    return calloc(n + 1, size);
}

static bool set_port_counts(struct graph *g)
{
    struct router *r = g->router;
    unsigned *wired_in = array(r->n_elements, sizeof *wired_in);
    unsigned *wired_out = array(r->n_elements, sizeof *wired_out);

    if (!wired_in || !wired_out) {
        free(wired_in);
        free(wired_out);
        return false;
    }
    for (unsigned i = 0; i < g->plan->n_connections; i++) {
        const struct plan_connection *c = &g->plan->connections[i];

        if (c->from_port + 1 > wired_out[c->from])
            wired_out[c->from] = c->from_port + 1;
        if (c->to_port + 1 > wired_in[c->to])
            wired_in[c->to] = c->to_port + 1;
    }
    for (unsigned i = 0; i < r->n_elements; i++) {
        struct element *e = r->elements[i];

        count_ports(e->class, wired_in[i], wired_out[i], &e->n_inputs, &e->n_outputs);
        g->n_ports += e->n_inputs + e->n_outputs;
    }
    free(wired_in);
    free(wired_out);
    return true;
}

static void number_ports(struct graph *g)
{
    unsigned port = 0;

    for (unsigned i = 0; i < g->router->n_elements; i++) {
        struct element *e = g->router->elements[i];

        g->input_base[i] = port;
        g->output_base[i] = port + e->n_inputs;
        for (unsigned k = 0; k < e->n_inputs + e->n_outputs; k++, port++) {
            bool output = k >= e->n_inputs;
            char letter = processing_letter(e->class->processing, output,
                                            output ? k - e->n_inputs : k);

            g->element_of[port] = i;
            g->agnostic[port] = letter == 'a';
            g->direction[port] = letter == 'a' ? UNKNOWN : letter;
        }
    }
}

static void check_ports_exist(struct graph *g)
{
    for (unsigned i = 0; i < g->plan->n_connections; i++) {
        const struct plan_connection *c = &g->plan->connections[i];
        struct element *from = g->router->elements[c->from], *to = g->router->elements[c->to];

        if (c->from_port >= from->n_outputs)
            errors_add(g->errors, from->landmark, "'%s :: %s' has no output %u", from->name,
                       from->class->name, c->from_port);
        if (c->to_port >= to->n_inputs)
            errors_add(g->errors, to->landmark, "'%s :: %s' has no input %u", to->name,
                       to->class->name, c->to_port);
    }
}

/* ---- edges ---- */

static unsigned from_of(const struct graph *g, const struct plan_connection *c)
{
    return g->output_base[c->from] + c->from_port;
}

static unsigned to_of(const struct graph *g, const struct plan_connection *c)
{
    return g->input_base[c->to] + c->to_port;
}

static void index_edges(struct graph *g)
{
    unsigned start = 0;

    for (unsigned i = 0; i < g->plan->n_connections; i++) {
        g->uses[from_of(g, &g->plan->connections[i])]++;
        g->uses[to_of(g, &g->plan->connections[i])]++;
    }
    for (unsigned p = 0; p < g->n_ports; p++) {
        g->edge_start[p] = start;
        start += g->uses[p];
        g->uses[p] = 0;
    }
    g->edge_start[g->n_ports] = start;
    for (unsigned i = 0; i < g->plan->n_connections; i++) {
        unsigned from = from_of(g, &g->plan->connections[i]);
        unsigned to = to_of(g, &g->plan->connections[i]);

        g->edge[g->edge_start[from] + g->uses[from]++] = to;
        g->edge[g->edge_start[to] + g->uses[to]++] = from;
    }
}

/* ---- directions ---- */

static void reach(struct graph *g, unsigned port, char direction, unsigned *queued)
{
    if (g->direction[port] != UNKNOWN)
        return;
    g->direction[port] = direction;
    g->queue[(*queued)++] = port;
}

/* The agnostic ports on the other side of the element that `port` flows to or from. */
static void spread_inside(struct graph *g, unsigned port, unsigned *queued)
{
    unsigned i = g->element_of[port];
    struct element *e = g->router->elements[i];
    bool output = port >= g->output_base[i];

    for (unsigned k = 0; k < (output ? e->n_inputs : e->n_outputs); k++) {
        unsigned other = (output ? g->input_base[i] : g->output_base[i]) + k;
        unsigned in = output ? k : port - g->input_base[i];
        unsigned out = output ? port - g->output_base[i] : k;

        if (g->agnostic[other] && graph_flows(e, in, out))
            reach(g, other, g->direction[port], queued);
    }
}

static void spread(struct graph *g)
{
    unsigned queued = 0, done = 0;

    for (unsigned p = 0; p < g->n_ports; p++)
        if (g->direction[p] != UNKNOWN)
            g->queue[queued++] = p;
    for (; done < queued; done++) {
        unsigned p = g->queue[done];

        for (unsigned k = g->edge_start[p]; k < g->edge_start[p + 1]; k++)
            reach(g, g->edge[k], g->direction[p], &queued);
        if (g->agnostic[p])
            spread_inside(g, p, &queued);
    }
    for (unsigned p = 0; p < g->n_ports; p++)
        if (g->direction[p] == UNKNOWN)
            g->direction[p] = IS_PUSH;
}

static const char *direction_name(char direction)
{
    return direction == IS_PULL ? "pull" : "push";
}

static void check_directions(struct graph *g)
{
    struct router *r = g->router;

    for (unsigned i = 0; i < g->plan->n_connections; i++) {
        const struct plan_connection *c = &g->plan->connections[i];
        char from = g->direction[from_of(g, c)], to = g->direction[to_of(g, c)];
        struct element *a = r->elements[c->from], *b = r->elements[c->to];

        if (from != to)
            errors_add(g->errors, c->landmark,
                       "'%s :: %s' %s output %u connected to '%s :: %s' %s input %u", a->name,
                       a->class->name, direction_name(from), c->from_port, b->name, b->class->name,
                       direction_name(to), c->to_port);
    }
    for (unsigned i = 0; i < r->n_elements; i++) {
        struct element *e = r->elements[i];
        bool mixed = false;

        for (unsigned in = 0; in < e->n_inputs && !mixed; in++) {
            for (unsigned out = 0; out < e->n_outputs && !mixed; out++) {
                unsigned p = g->input_base[i] + in, q = g->output_base[i] + out;

                if (!g->agnostic[p] || !g->agnostic[q] || g->direction[p] == g->direction[q] ||
                    !graph_flows(e, in, out))
                    continue;
                errors_add(g->errors, e->landmark,
                           "agnostic '%s :: %s' in mixed context: %s input %u, %s output %u",
                           e->name, e->class->name, direction_name(g->direction[p]), in,
                           direction_name(g->direction[q]), out);
                mixed = true;
            }
        }
    }
}

static void check_uses(struct graph *g)
{
    for (unsigned i = 0; i < g->router->n_elements; i++) {
        struct element *e = g->router->elements[i];

        for (unsigned k = 0; k < e->n_inputs + e->n_outputs; k++) {
            bool output = k >= e->n_inputs;
            unsigned port = output ? k - e->n_inputs : k, p = g->input_base[i] + k;

            if (!g->uses[p])
                errors_add(g->errors, e->landmark, "'%s :: %s' %s %u unused", e->name,
                           e->class->name, output ? "output" : "input", port);
            else if (g->uses[p] > 1 && output == (g->direction[p] == IS_PUSH))
                errors_add(g->errors, e->landmark, "illegal reuse of '%s :: %s' %s %s %u", e->name,
                           e->class->name, direction_name(g->direction[p]),
                           output ? "output" : "input", port);
        }
    }
}

/* ---- wires ---- */

push_function *graph_push_entry(const struct element *e)
{
    return e->finished_only ? offload_push : e->class->push;
}

push_one_function *graph_push_one_entry(const struct element *e)
{
    if (e->finished_only)
        return offload_push_one;
    return e->class->push_one ? e->class->push_one : element_push_one_by_batch;
}

void graph_set_entries(struct port *port)
{
    if (port->pull)
        port->pull = port->peer->class->pull;
    if (!port->push)
        return;
    port->push = graph_push_entry(port->peer);
    port->push_one = graph_push_one_entry(port->peer);
}

static bool make_ports(struct graph *g)
{
    for (unsigned i = 0; i < g->router->n_elements; i++) {
        struct element *e = g->router->elements[i];

        e->inputs = array(e->n_inputs, sizeof *e->inputs);
        e->more_outputs = e->n_outputs > 1 ? array(e->n_outputs, sizeof *e->more_outputs) : NULL;
        e->input_is_pull = array(e->n_inputs, 1);
        e->output_is_pull = array(e->n_outputs, 1);
        if (!e->inputs || (e->n_outputs > 1 && !e->more_outputs) || !e->input_is_pull || !e->output_is_pull)
            return false;
        for (unsigned k = 0; k < e->n_inputs; k++)
            e->input_is_pull[k] = g->direction[g->input_base[i] + k] == IS_PULL;
        for (unsigned k = 0; k < e->n_outputs; k++)
            e->output_is_pull[k] = g->direction[g->output_base[i] + k] == IS_PULL;
    }
    for (unsigned i = 0; i < g->plan->n_connections; i++) {
        const struct plan_connection *c = &g->plan->connections[i];
        struct element *from = g->router->elements[c->from], *to = g->router->elements[c->to];
        struct port *port;

        if (from->output_is_pull[c->from_port]) {
            port = &to->inputs[c->to_port];
            *port = (struct port){.peer = from, .peer_port = c->from_port, .pull = from->class->pull};
        } else {
            port = element_output(from, c->from_port);
            *port = (struct port){.peer = to, .peer_port = c->to_port, .push = to->class->push};
        }
        graph_set_entries(port);
    }
    return true;
}

static bool allocate(struct graph *g)
{
    unsigned n = g->router->n_elements;

    g->input_base = array(n, sizeof *g->input_base);
    g->output_base = array(n, sizeof *g->output_base);
    g->element_of = array(g->n_ports, sizeof *g->element_of);
    g->direction = array(g->n_ports, 1);
    g->agnostic = array(g->n_ports, 1);
    g->uses = array(g->n_ports, sizeof *g->uses);
    g->edge_start = array(g->n_ports + 1, sizeof *g->edge_start);
    g->edge = array(2 * (size_t)g->plan->n_connections, sizeof *g->edge);
    g->queue = array(g->n_ports, sizeof *g->queue);
    return g->input_base && g->output_base && g->element_of && g->direction && g->agnostic &&
           g->uses && g->edge_start && g->edge && g->queue;
}

static void release(struct graph *g)
{
    free(g->input_base);
    free(g->output_base);
    free(g->element_of);
    free(g->direction);
    free(g->agnostic);
    free(g->uses);
    free(g->edge_start);
    free(g->edge);
    free(g->queue);
}

static bool resolve(struct graph *g)
{
    unsigned before = g->errors->count;

    if (!set_port_counts(g) || !allocate(g)) {
        errors_add(g->errors, NULL, "out of memory");
        return false;
    }
    check_ports_exist(g);
    if (g->errors->count != before)
        return false;
    number_ports(g);
    index_edges(g);
    spread(g);
    check_directions(g);
    if (g->errors->count == before)
        check_uses(g);
    if (g->errors->count != before)
        return false;
    if (!make_ports(g)) {
        errors_add(g->errors, NULL, "out of memory");
        return false;
    }
    return true;
}

bool graph_wire(struct router *router, const struct plan *plan, struct errors *errors)
{
    struct graph g = {.router = router, .plan = plan, .errors = errors};
    bool ok = resolve(&g);

    release(&g);
    return ok;
}
