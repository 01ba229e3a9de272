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
    char *text;
    size_t length;
    const char *name;               /* "<stdin>" for standard input, "config" for an expression */
    bool is_no_file;                /* one of these two */
    struct language_define *defines;
    unsigned n_defines;
};

/* Reads what the operands and options name and has `look` look at it; the exit code, also when it cannot be read. */
int local_run(const struct invocation *invocation,
              int (*look)(const struct invocation *invocation, struct local *local));
/* Also of classes that we do not have. NULL: errors, none before, say why. */
struct plan *local_parse(const struct local *local, struct errors *errors);
/* Configured, never to be initialised; NULL: errors say why. */
struct router *local_configure(const struct local *local, struct errors *errors);
/* All of text to the file that option `output` names ("-", or no such option: standard output): an exit code. */
int local_write(const struct invocation *invocation, const char *text, size_t length);

#endif
