// SPDX-License-Identifier: BSD-2-Clause
/*
 * syntax.h - a configuration as it was written: names resolved, compounds not yet expanded.
 *
 * A body is what stands between braces, or the whole file: elements, connections,
 * variables. A class is a name for something that elements can be: a primitive known
 * to the router, or a list of bodies (overloads) of which each use picks one.
 *
 * Inside a body, `input` and `output` are elements 0 and 1. A group `( )` is three
 * elements in a row: itself, its `input`, its `output`. None of these become real elements:
 * they are passages, which a connection goes through (see wiring.c).
 *
 * All of it lives in one arena and is dropped after expansion.
 */
#ifndef LANGUAGE_SYNTAX_H
#define LANGUAGE_SYNTAX_H

#include <stdbool.h>
#include <stdint.h>

#include "language/arena.h"
#include "language/lexer.h"
#include "language/plan.h"
#include "language/symbols.h"

enum {
    NESTING_MAX = 50,               /* braces, parentheses, library files inside each other */
    PORT_MAX = 65535,
    CONNECTIONS_MAX = 1 << 22,      /* written, and again expanded */
};

enum class_kind {
    CLASS_UNKNOWN,                  /* an error was reported; keeps the rest readable */
    CLASS_PRIMITIVE,
    CLASS_COMPOUND,
};

struct syntax_class {
    enum class_kind kind;
    const char *name;               /* "" for { } without a name */
    struct syntax_body *bodies;     /* overloads, in order */
    struct syntax_class *extends;   /* `...`: tried after the bodies. NULL: nothing */
};

/* The ports in use of a passage. */
struct port_set {
    uint32_t *bits;
    unsigned n_words;
};

struct syntax_element {
    const char *name;
    struct syntax_class *class;     /* NULL: a passage */
    struct slice config;
    struct landmark *landmark;
    unsigned n_inputs, n_outputs;   /* highest port used, plus 1 */
    struct port_set *ports;         /* of `input` (its outputs) and `output` (its inputs) */
    bool anonymous;                 /* the name is made final when the body is complete */
    bool group;                     /* the first of a group's three */
};

struct syntax_connection {
    unsigned from, from_port;
    unsigned to, to_port;
    struct landmark *landmark;
};

struct syntax_variable {
    struct slice name;
    const char *keyword;            /* of a formal: "" positional; __REST__ for the rest */
    const char *value;              /* of a define, as written */
};

struct syntax_body {
    const char *name;               /* of its class */
    struct landmark *landmark;
    struct syntax_body *outer;      /* the body that it stands in; NULL: the file */
    struct syntax_body *next;       /* overload of the same class */

    struct syntax_variable *variables;
    unsigned n_variables, variables_capacity;
    unsigned n_formals;             /* the first of the variables */
    struct symbols variable_names;  /* value: index + 1 */

    struct syntax_element *elements;
    unsigned n_elements, elements_capacity;
    struct symbols element_names;   /* value: index + 1 */

    struct syntax_connection *connections;
    unsigned n_connections, connections_capacity;

    unsigned n_inputs, n_outputs;   /* of a complete compound */
};

enum { BODY_INPUT = 0, BODY_OUTPUT = 1 };       /* elements of a compound's body */
enum { NO_ELEMENT = UINT32_MAX };

/* The text of a library file, which the tree points into. */
struct syntax_library {
    char *path, *text;              /* malloc'ed */
    struct syntax_library *next;
};

/* What the steps from text to plan share. */
struct syntax {
    struct arena arena;             /* the tree */
    struct arena *plan_arena;       /* what outlives it: landmarks, names, configurations */
    struct errors *errors;
    const struct language_options *options;
    struct plan *plan;
    struct syntax_library *libraries;
    size_t work_left;               /* bytes that expansion may still produce or scan */
};

/* Parses text, and the libraries it requires, into `file`. */
void parser_run(struct syntax *syntax, struct syntax_body *file, const char *text, size_t length,
                const char *filename);
/* Fills the plan. */
void expand_run(struct syntax *syntax, struct syntax_body *file);

/* An error at a landmark. */
void syntax_error(struct syntax *syntax, struct landmark *landmark, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The index of a declared element, or NO_ELEMENT. */
unsigned body_find(const struct syntax_body *body, const char *name, size_t length);
/*
 * Adds an element; class NULL makes a passage. `name` must live in the arena. NO_ELEMENT: out of
 * memory. An anonymous element's name is not entered yet: names given by the user come first.
 */
unsigned body_add(struct syntax *syntax, struct syntax_body *body, const char *name, bool anonymous,
                  struct syntax_class *class, struct slice config, struct landmark *landmark);
/* "Class@5": what the next anonymous element of that class is called. NULL: out of memory. */
const char *body_anonymous_name(struct syntax *syntax, const struct syntax_body *body,
                                const char *class_name);
/* Gives `input` and `output` their place. */
bool body_add_ends(struct syntax *syntax, struct syntax_body *body);
void body_connect(struct syntax *syntax, struct syntax_body *body, unsigned from,
                  unsigned from_port, unsigned to, unsigned to_port, struct landmark *landmark);
/* False: already there, or out of memory. */
bool body_define(struct syntax *syntax, struct syntax_body *body, struct slice name,
                 const char *keyword, const char *value);
/* NULL: not defined here. */
const struct syntax_variable *body_variable(const struct syntax_body *body, const char *name,
                                            size_t length);
/*
 * Checks the use of a compound's or group's ends (elements `input` and `input` + 1) and returns
 * the port counts.
 */
void body_check_ends(struct syntax *syntax, const struct syntax_body *body, unsigned input,
                     const char *shown_name, struct landmark *landmark, unsigned *n_inputs,
                     unsigned *n_outputs);
/* Makes the names of anonymous elements final: those that were taken count up. */
void body_finish_names(struct syntax *syntax, struct syntax_body *body);

#endif
