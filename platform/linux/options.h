// SPDX-License-Identifier: BSD-2-Clause
/*
 * options.h - the command line of `click`.
 *
 * The options stand in one table, from which --help and the manual come.
 */
#ifndef LINUX_OPTIONS_H
#define LINUX_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "language/plan.h"

/* A ControlSocket that an option asks for. */
struct options_socket {
    const char *type;                   /* TCP, UNIX, SOCKET */
    const char *place;
};

struct options {
    const char *file;                   /* NULL: an expression; "-": standard input */
    const char *expression;
    const char **handlers;              /* to print after the run */
    unsigned n_handlers;
    const char *exit_handler, *output;
    struct language_define *defines;    /* NAME=VALUE; no name is there twice */
    unsigned n_defines;
    struct options_socket *sockets;     /* TCP first, then UNIX, then SOCKET, as Click numbers them */
    unsigned n_sockets;
    bool quit, time, no_warnings, profile;
    bool allow_reconfigure;
    bool simulate;
    uint64_t simulation_start_ns;
    int cpu;                            /* to run on; -1: any */
    unsigned threads;
};

/*
 * Reads the command line; what is wrong with it, and what it asks to print, is printed. Returns the exit code, or
 * -1 to go on. To be freed in any case; strings stay argv's.
 */
int options_read(struct options *options, int argc, char **argv);
void options_free(struct options *options);
/* The length of NAME in "NAME=VALUE", NAME of letters, digits and _; 0: the argument is something else. */
size_t options_define_length(const char *argument);

#endif
