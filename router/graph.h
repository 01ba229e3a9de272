// SPDX-License-Identifier: BSD-2-Clause
/*
 * graph.h - port counts, push and pull, and the wires between elements.
 *
 * graph_wire() takes elements and a plan's connections and either gives every port its
 * direction and its peer, or reports every mistake with the landmark of the element or
 * connection. It runs before any element is configured.
 */
#ifndef ROUTER_GRAPH_H
#define ROUTER_GRAPH_H

#include "router/router.h"

/* By which functions an element is pushed to when nobody measures: its class's, or those that finish packets first. */
push_function *graph_push_entry(const struct element *e);
push_one_function *graph_push_one_entry(const struct element *e);
/* The entries by which a wired port calls its peer, when nothing stands in their place (profile.h). */
void graph_set_entries(struct port *port);
bool graph_wire(struct router *router, const struct plan *plan, struct errors *errors);
/* Whether packets that enter at `input` may leave at `output`, by the class's flow code. */
bool graph_flows(const struct element *e, unsigned input, unsigned output);
/* What a port is called in handlers: "push", "pull", "push~" (agnostic, became push). */
const char *graph_processing_name(const struct element *e, bool output, unsigned port);

#endif
