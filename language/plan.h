// SPDX-License-Identifier: BSD-2-Clause
/*
 * plan.h - what the language hands to the router: a flat list of elements and connections.
 *
 * - Compounds are expanded: their contents appear as `outer/inner`.
 * - Every string is owned by the plan; plan_free() releases all. Nobody else makes plans.
 * - Connections are sorted by target, then source, as Click does, and none is there twice.
 * - `landmark` is "file:line" of the declaration or connection, for messages.
 * - The plan is syntactically whole but not yet checked against element classes:
 *   ports, processing and arguments are the router's business.
 */
#ifndef LANGUAGE_PLAN_H
#define LANGUAGE_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "router/errors.h"

struct plan_element {
    const char *name;               /* "c", "fw/in", "Counter@3" */
    const char *class_name;         /* "Counter" */
    const char *config;             /* as written between the parentheses, variables substituted */
    const char *landmark;
};

struct plan_connection {
    unsigned from, from_port;       /* index into elements */
    unsigned to, to_port;
    const char *landmark;
};

/* One of require(...): "package", "fancy" or "compact_config", "". */
struct plan_requirement {
    const char *type, *value;
    const char *landmark;
};

struct plan {
    struct plan_element *elements;
    unsigned n_elements;
    struct plan_connection *connections;
    unsigned n_connections;
    struct plan_requirement *requirements;      /* without libraries, which are read at once */
    unsigned n_requirements;
};

/* A `define` from outside, such as NAME=VALUE on the command line. */
struct language_define {
    const char *name;
    const char *value;
};

struct language_options {
    /*
     * Tells `Foo` the class from `foo` the undeclared element. NULL: names that begin with a
     * capital letter, without '@' and '/', are classes.
     */
    bool (*class_known)(const char *name);
    bool foreign_classes;           /* other names are classes, too, unless they are elements */
    const struct language_define *defines;
    unsigned n_defines;
    /*
     * Reads the file of require(library NAME), mentioned in the file `includer`: its malloc'ed
     * text, `*length`, and malloc'ed `*path`, by which the file is known when it is required
     * again. NULL: not found. Without this function every library is an error.
     */
    char *(*read_library)(void *closure, const char *name, const char *includer, char **path,
                          size_t *length);
    void *closure;
};

/*
 * Parses text[0..length) (need not be NUL-terminated). Always returns a plan that
 * must be freed, unless memory ran out (NULL, with an error added); it is usable
 * only if errors->count did not grow.
 */
struct plan *language_parse(const char *text, size_t length, const char *filename,
                            const struct language_options *options, struct errors *errors);

/*
 * Adds an element that the text does not have, behind the others, such as those that options of a
 * program ask for. False: no memory.
 */
bool plan_add_element(struct plan *plan, const char *name, const char *class_name,
                      const char *config, const char *landmark);

/* The flat configuration as Click text (the `flatconfig` handler). */
void plan_unparse(const struct plan *plan, struct text *out);

void plan_free(struct plan *plan);

#endif
