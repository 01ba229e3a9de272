// SPDX-License-Identifier: BSD-2-Clause
/* options.c - reads a command line by its command's table; see command.h. */
#include "cli/command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool read_number(const char *text, long min, long max, long *value)
{
    char *end;

    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    *value = strtol(text, &end, 10);
    return !errno && !*end && *value >= min && *value <= max;
}

int usage_error(const struct command *command, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "clickos %s: ", command->name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\nusage: clickos %s%s%s%s\n       clickos %s --help says more\n", command->name,
            command->options[0].name ? " [OPTION]..." : "", *command->operands ? " " : "",
            command->operands, command->name);
    return EXIT_USAGE;
}

static const struct option *find_long(const struct command *command, const char *name, size_t n)
{
    for (const struct option *o = command->options; o->name; o++)
        if (strlen(o->name) == n && !memcmp(o->name, name, n))
            return o;
    return NULL;
}

static const struct option *find_letter(const struct command *command, char letter)
{
    for (const struct option *o = command->options; o->name; o++)
        if (o->letter == letter)
            return o;
    return NULL;
}

static bool add(struct invocation *invocation, const struct option *option, const char *value)
{
    const struct command *command = invocation->command;
    long number;

    if (option->max && !read_number(value, option->min, option->max, &number)) {
        usage_error(command, "--%s: want a number from %ld to %ld, got '%s'", option->name, option->min,
                    option->max, value);
        return false;
    }
    if (option->choices) {
        const char *const *choice = option->choices;

        while (*choice && strcmp(*choice, value))
            choice++;
        if (!*choice) {
            usage_error(command, "--%s: want %s, got '%s'", option->name, option->value, value);
            return false;
        }
    }
    if (invocation->n_given == GIVEN_MAX) {
        usage_error(command, "too many options");
        return false;
    }
    invocation->given[invocation->n_given++] = (struct given){option, value};
    return true;
}

/* "--memory 8", "--memory=8". Says how many arguments were used; 0: a message is printed. */
static int parse_long(struct invocation *invocation, char **argv, int left)
{
    const char *name = argv[0] + 2, *equals = strchr(name, '=');
    size_t n = equals ? (size_t)(equals - name) : strlen(name);
    const struct option *option;

    if (n == 4 && !memcmp(name, "help", 4)) {
        invocation->help = true;
        return 1;
    }
    option = find_long(invocation->command, name, n);
    if (!option) {
        usage_error(invocation->command, "unknown option '--%.*s'", (int)n, name);
        return 0;
    }
    if (!option->value) {
        if (!equals)
            return add(invocation, option, "");
        usage_error(invocation->command, "--%s takes no value", option->name);
        return 0;
    }
    if (equals)
        return add(invocation, option, equals + 1);
    if (left < 2) {
        usage_error(invocation->command, "--%s needs %s", option->name, option->value);
        return 0;
    }
    return add(invocation, option, argv[1]) ? 2 : 0;
}

/* "-v", "-t 5", "-t5". */
static int parse_letter(struct invocation *invocation, char **argv, int left)
{
    const char *word = argv[0];
    const struct option *option;

    if (!strcmp(word, "-h")) {
        invocation->help = true;
        return 1;
    }
    option = find_letter(invocation->command, word[1]);
    if (!option || (!option->value && word[2])) {
        usage_error(invocation->command, "unknown option '%s'", word);
        return 0;
    }
    if (!option->value)
        return add(invocation, option, "");
    if (word[2])
        return add(invocation, option, word + 2);
    if (left < 2) {
        usage_error(invocation->command, "-%c needs %s", option->letter, option->value);
        return 0;
    }
    return add(invocation, option, argv[1]) ? 2 : 0;
}

bool command_parse(const struct command *command, int argc, char **argv, struct invocation *invocation)
{
    bool options = true;

    *invocation = (struct invocation){.command = command};
    invocation->operand = calloc((size_t)argc + 1, sizeof *invocation->operand);
    if (!invocation->operand)
        abort();
    for (int i = 0; i < argc; ) {
        int used = 1;

        if (options && !strcmp(argv[i], "--"))
            options = false;
        else if (options && !strncmp(argv[i], "--", 2))
            used = parse_long(invocation, argv + i, argc - i);
        /* A negative number is an operand: a value to write. */
        else if (options && argv[i][0] == '-' && argv[i][1] && !strchr("0123456789.", argv[i][1]))
            used = parse_letter(invocation, argv + i, argc - i);
        else
            invocation->operand[invocation->n_operands++] = argv[i];
        if (!used)
            return false;
        i += used;
    }
    if (invocation->help)
        return true;
    if (invocation->n_operands < command->min_operands) {
        usage_error(command, "%s", invocation->n_operands ? "something is missing" : "says too little");
        return false;
    }
    if (invocation->n_operands > command->max_operands) {
        usage_error(command, "'%s' is too much", invocation->operand[command->max_operands]);
        return false;
    }
    return true;
}

void command_free(struct invocation *invocation)
{
    free(invocation->operand);
    *invocation = (struct invocation){0};
}

void command_help(const struct command *command)
{
    printf("usage: clickos %s%s%s%s\n%s.\n", command->name, command->options[0].name ? " [OPTION]..." : "",
           *command->operands ? " " : "", command->operands, command->summary);
    if (command->description)
        printf("\n%s\n", command->description);
    printf("\n");
    for (const struct option *o = command->options; o->name; o++) {
        char left[80];

        snprintf(left, sizeof left, "%c%c%s --%s%s%s", o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
                 o->letter ? "," : " ", o->name, o->value ? " " : "", o->value ? o->value : "");
        printf("  %-28s %s%s", left, o->help, o->repeat ? "; may be repeated" : "");
        if (o->initial)
            printf(" (default %s)", o->initial);
        printf("\n");
    }
    printf("  -h, --help                   this text\n");
}

const char *option_value(const struct invocation *invocation, const char *name)
{
    const char *value = NULL, *next;

    for (unsigned at = 0; (next = option_next(invocation, name, &at)); )
        value = next;
    return value;
}

bool option_given(const struct invocation *invocation, const char *name)
{
    return option_value(invocation, name) != NULL;
}

long option_number(const struct invocation *invocation, const char *name)
{
    const char *value = option_value(invocation, name);

    for (const struct option *o = invocation->command->options; !value && o->name; o++)
        if (!strcmp(o->name, name))
            value = o->initial;
    return value ? strtol(value, NULL, 10) : 0;
}

const char *option_next(const struct invocation *invocation, const char *name, unsigned *at)
{
    while (*at < invocation->n_given) {
        const struct given *given = &invocation->given[(*at)++];

        if (!strcmp(given->option->name, name))
            return given->value;
    }
    return NULL;
}
