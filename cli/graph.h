// SPDX-License-Identifier: BSD-2-Clause
/*
 * graph.h - a configured router as a picture, in graphviz's language DOT.
 *
 * Elements are boxes with their ports, compounds are boxes around them, push and pull are told apart
 * by line and arrow, and a legend says so. What names and arguments hold is text there, whatever it is.
 */
#ifndef CLI_GRAPH_H
#define CLI_GRAPH_H

#include "router/router.h"
#include "router/text.h"

/*
 * Appends to out. `notes`, by element index, are lines to stand in an element's box (counters, say);
 * NULL, or NULL for an element: none.
 */
void graph_dot(const struct router *router, const char *title, char *const *notes, struct text *out);

#endif
