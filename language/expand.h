// SPDX-License-Identifier: BSD-2-Clause
/*
 * expand.h - the expanded configuration, between expand.c and wiring.c.
 *
 * Every use of a compound has become nodes for all its elements, its `input` and `output` included.
 * A passage is a node that is no real element: a connection that arrives at its
 * input port N goes on from output port N of the node `through`.
 */
#ifndef LANGUAGE_EXPAND_H
#define LANGUAGE_EXPAND_H

#include "language/syntax.h"

/* What the variables in a body are worth in one use of it. */
struct environment {
    const struct syntax_body *body;
    const struct environment *outer;    /* of the body that it was written in; NULL: the file */
    const char **values;                /* of all its variables; the file has none: they are looked up */
};

struct node {
    const char *name;
    const char *config;                 /* of a real element, variables replaced */
    const struct syntax_element *element;
    const struct syntax_class *class;   /* NULL: a passage */
    const struct environment *environment;
    unsigned through;                   /* of a passage; NO_ELEMENT: a dead end, already reported */
    unsigned inside;                    /* `input` of a compound or group; `output` is the next */
    unsigned plan_index;                /* of a real element */
};

struct wire {
    unsigned from, from_port, to, to_port;
    unsigned order;                     /* as written: the first of equals stays */
    struct landmark *landmark;
};

struct expansion {
    struct syntax *syntax;
    struct syntax_body *file;
    struct node *nodes;
    unsigned n_nodes, nodes_capacity;
    struct wire *wires;
    unsigned n_wires, wires_capacity;
    struct symbols names;               /* of what came out of compounds; value: index + 1 */
    bool full;                          /* a limit was hit and reported */
};

/* Follows the wires through the passages; fills the plan's connections. Sorts the wires. */
void wiring_run(struct expansion *expansion);

#endif
