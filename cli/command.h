// SPDX-License-Identifier: BSD-2-Clause
/*
 * command.h - a subcommand is a row of facts: parsing, --help, manual page and completion come from it.
 *
 * One file per subcommand defines a `const struct command command_NAME`; main.c lists them.
 * Exit codes: 0, EXIT_FAILURE (1) when it did not work, EXIT_USAGE when it was not said properly.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

enum { EXIT_USAGE = 2, GIVEN_MAX = 80 };

struct option {
    const char *name;           /* "memory", without the dashes */
    char letter;                /* 0: none */
    const char *value;          /* "MB"; NULL: the option takes none */
    const char *help;
    const char *initial;        /* for the help text; NULL: none */
    long min, max;              /* a number within these, when max is not 0 */
    const char *const *choices; /* ends with NULL; NULL: anything */
    bool repeat;
};

struct invocation;

struct command {
    const char *name;
    const char *operands;       /* "VM FILE" */
    int min_operands, max_operands;
    const char *summary;        /* one line */
    const char *description;    /* NULL: the summary says all */
    const struct option *options;   /* ends with a zeroed row */
    int (*run)(const struct invocation *invocation);
    bool hidden;
};

struct invocation {
    const struct command *command;
    int n_operands;
    const char **operand;
    unsigned n_given;
    struct given {
        const struct option *option;
        const char *value;
    } given[GIVEN_MAX];
    bool help;
};

/* Rows that many commands have. */
#define OPTION_JSON {.name = "json", .help = "print JSON for programs"}
#define OPTION_TIMEOUT                                                                   \
    {.name = "timeout", .letter = 't', .value = "SECONDS", .initial = "30", .min = 1,    \
     .max = 86400, .help = "how long to wait for the VM's answer"}
#define OPTION_INSTANCE                                                                  \
    {.name = "instance", .letter = 'i', .value = "N", .initial = "0", .min = 0, .max = 63, \
     .help = "which instance in the VM"}
#define OPTION_VERBOSE {.name = "verbose", .letter = 'v', .help = "say what is done and how long it takes"}

/* Everything after the command's name. False: a message is printed already. */
bool command_parse(const struct command *command, int argc, char **argv, struct invocation *invocation);
void command_free(struct invocation *invocation);
void command_help(const struct command *command);
/* Prints why and how it is said properly; returns EXIT_USAGE. */
int usage_error(const struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The last one given; NULL: not given ("" for a bare option). */
const char *option_value(const struct invocation *invocation, const char *name);
bool option_given(const struct invocation *invocation, const char *name);
/* Its number, or its `initial`. */
long option_number(const struct invocation *invocation, const char *name);
/* Those given one after the other; *at starts at 0. NULL: no more. */
const char *option_next(const struct invocation *invocation, const char *name, unsigned *at);

/* Whole text a decimal number within bounds. */
bool read_number(const char *text, long min, long max, long *value);

/* main.c */
extern const struct command *const commands[];     /* ends with NULL */
/* A whole command, its name first; an exit code. */
int command_run(int argc, char **argv);

/* generate.c */
void generate_man(void);
void generate_completion(void);

#endif
