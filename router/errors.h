// SPDX-License-Identifier: BSD-2-Clause
/*
 * errors.h - what is wrong with a configuration, collected for a person to read.
 *
 * Every line is `landmark: message` ("edge.click:7: ..."), in the order found.
 * Messages about one element stand indented below a context line that has the
 * landmark, as Click prints them:
 *
 *     edge.click:7: While configuring 'c :: CheckLength':
 *       LENGTH: invalid number (got '15l4')
 *
 * Errors are collected, not thrown: callers go on to find the next one. Whoever
 * wants to know whether something failed compares `errors->count` before and after.
 * The lines of a message that has several are indented alike.
 * A NULL landmark means the landmark of the enclosing context, or none.
 */
#ifndef ROUTER_ERRORS_H
#define ROUTER_ERRORS_H

#include <stdarg.h>

#include "router/text.h"

enum { ERRORS_KEPT_MAX = 1000 };        /* messages kept; the rest is only counted */

struct errors {
    struct text text;                   /* finished lines, each ended by \n */
    unsigned count;                     /* errors, without warnings */
    unsigned warnings;
    const struct errors_context *context;
};

/* Lives on the stack of the function that looks at one thing, an element say. */
struct errors_context {
    const struct errors_context *outer;
    const char *landmark;
    const char *message;                /* "While configuring 'c :: Counter':" */
    bool printed;
};

void errors_add(struct errors *errors, const char *landmark, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void errors_warn(struct errors *errors, const char *landmark, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Neither: something to be read with them. */
void errors_note(struct errors *errors, const char *landmark, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void errors_vadd(struct errors *errors, const char *landmark, const char *format, va_list args);

void errors_enter(struct errors *errors, struct errors_context *context, const char *landmark,
                  const char *message);
void errors_leave(struct errors *errors);

void errors_free(struct errors *errors);

#endif
