// SPDX-License-Identifier: BSD-2-Clause
/*
 * chain.h - one step of a chain: the elements left of an arrow, and those right of it.
 *
 * `a [0,1], b => c, [2-] d` has two items left and two right. Each item may name its
 * ports; `[2-]` is expandable: it takes as many ports from 2 on as the other side needs.
 */
#ifndef LANGUAGE_CHAIN_H
#define LANGUAGE_CHAIN_H

#include "language/syntax.h"

/* Port numbers of one side of an item: `n` of them in the list's `ports`, from `first`. */
struct port_list {
    unsigned first, n;
    bool expandable;
};

struct item {
    struct slice name;
    struct syntax_class *named_class;   /* what stands as the name is a class: anonymous element */
    struct syntax_class *declared;      /* after `::` */
    struct slice config;
    struct landmark *landmark;
    unsigned element;                   /* in the body; NO_ELEMENT until known */
    bool bare;                          /* nothing but a name */
    bool group;
    struct port_list inputs, outputs;
};

struct item_list {
    struct item *items;
    unsigned n, capacity;
    unsigned *ports;
    unsigned n_ports, ports_capacity;
};

/* A flat end of connections. */
struct port_end {
    unsigned element, port;
};

struct port_ends {
    struct port_end *ends;
    unsigned n, capacity;
};

/* Room that chains use in turn. */
struct chain_scratch {
    struct port_ends outputs, inputs;
    unsigned connections_left;
    bool full;                          /* too many connections: an error was reported */
};

void item_list_clear(struct item_list *list);
/* NULL: out of memory. Items move when the list grows. */
struct item *item_list_add(struct item_list *list, struct arena *arena);
bool item_list_add_port(struct item_list *list, struct arena *arena, struct port_list *ports,
                        unsigned port);

/* Connects what stands left and right of an arrow (`many`: `=>`). */
void chain_connect(struct syntax *syntax, struct chain_scratch *scratch, struct syntax_body *body,
                   const struct item_list *left, const struct item_list *right, bool many,
                   struct landmark *landmark);

#endif
