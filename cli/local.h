// SPDX-License-Identifier: BSD-2-Clause
/*
 * local.h - configurations that the command looks at itself: no VM, no Xen.
 *
 * The same language, router and elements as everywhere, linked into the command; nothing is initialised, so no
 * device is opened and no file written.
 */
#ifndef CLI_LOCAL_H
#define CLI_LOCAL_H

#include <stdbool.h>

#include "cli/command.h"
#include "language/plan.h"

/* Rows of commands that take one: `FILE`, or standard input, and NAME=VALUE. */
#define LOCAL_OPERANDS "[FILE] [NAME=VALUE]..."
enum { LOCAL_OPERANDS_MAX = 1000 };
#define OPTION_EXPRESSION                                                                \
    {.name = "expression", .letter = 'e', .value = "TEXT", .help = "take this as the configuration, not a file"}
#define OPTION_CLICKPATH                                                                 \
    {.name = "clickpath", .letter = 'C', .value = "PATH", .help = "where libraries are found, as $CLICKPATH"}

struct local {
    char *text;                     /* NULL: it cannot be read, which was said */
    size_t length;
    const char *name;               /* "<stdin>" for standard input, "config" for an expression */
    bool is_no_file;                /* one of these two */
    struct language_define *defines;
    unsigned n_defines;
    int code;                       /* the exit code when it cannot be read */
};

/* What the operands and options name. To be closed in any case. */
void local_open(struct local *local, const struct invocation *invocation);
void local_close(struct local *local);
/* Also of classes that we do not have. NULL: errors, none before, say why. */
struct plan *local_parse(const struct local *local, struct errors *errors);
/* Configured, never to be initialised; NULL: errors say why. */
struct router *local_configure(const struct local *local, struct errors *errors);
/* Errors and warnings to standard error; how many errors there were. The errors are freed. */
unsigned local_report(struct errors *errors);
/* All of text to the file that option `output` names ("-", or no such option: standard output): an exit code. */
int local_write(const struct invocation *invocation, const char *text, size_t length);

#endif
