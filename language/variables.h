// SPDX-License-Identifier: BSD-2-Clause
/*
 * variables.h - `$name`, `${name}`, `${name-default}`, `${name[2]}` and `$(command)` in a text.
 *
 * - Single quotes and comments block substitution; in double quotes the value is escaped so
 *   that it stays one string.
 * - What has no value stays as it is written.
 * - What a name is worth is asked from the caller: configurations answer with
 *   their defines and parameters, Script with its own variables.
 */
#ifndef LANGUAGE_VARIABLES_H
#define LANGUAGE_VARIABLES_H

#include <stdbool.h>
#include <stddef.h>

#include "router/text.h"

enum variable_form {
    VARIABLE_PLAIN,             /* $name, also $? $# $$ */
    VARIABLE_BRACES,            /* ${...}: the caller may call variables_lookup() */
    VARIABLE_COMMAND,           /* $(...) */
};

enum { VARIABLES_DEPTH_MAX = 10 };      /* values that contain variables that contain ... */

struct variables {
    /* Appends the value to out. False: there is none, and nothing was appended. */
    bool (*value)(const struct variables *variables, const char *name, size_t length,
                  enum variable_form form, unsigned depth, struct text *out);
    /* Bytes that may still be scanned. 0 afterwards: the result is not whole. */
    size_t *work_left;
    bool quote;                 /* put values that stand outside of quotes into double quotes */
};

/* Appends text[0..length) to out with its variables replaced. `depth`: 0, but in value(). */
void variables_expand(const struct variables *variables, const char *text, size_t length,
                      unsigned depth, struct text *out);

/*
 * For value() functions that have plain values by name: takes apart `name`, `name-default` and
 * `name[2]` between braces, finds the value with find() (NULL: none) and appends it, with variables
 * in it replaced.
 */
bool variables_lookup(const struct variables *variables, const char *name, size_t length,
                      enum variable_form form, unsigned depth, struct text *out,
                      const char *(*find)(const struct variables *variables, const char *name,
                                          size_t length));

#endif
