// SPDX-License-Identifier: BSD-2-Clause
/*
 * write_call.h - an element's call of another's write handler: COUNT_CALL, END_CALL.
 *
 * write_call_parse() when it is configured, write_call_resolve() in initialize(), when all
 * handlers are known. A zeroed struct is no call: resolving and making it do nothing.
 */
#ifndef STANDARD_WRITE_CALL_H
#define STANDARD_WRITE_CALL_H

#include "router/element.h"

struct write_call {
    struct element *target;             /* NULL: the router's own handlers */
    char *name;                         /* NULL: no call */
    char *value;
    const struct handler *handler;
    unsigned index;
};

/*
 * "[element.]handler [value]"; replaces what was there. False: an error was added, nothing
 * changed.
 */
bool write_call_parse(struct write_call *call, struct element *scope, const char *text,
                      struct errors *errors);
bool write_call_resolve(struct write_call *call, struct element *scope, struct errors *errors);
/* What goes wrong is printed to the log under the caller's name. */
void write_call_make(struct write_call *call, struct element *caller);
void write_call_free(struct write_call *call);

#endif
