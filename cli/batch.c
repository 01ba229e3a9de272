// SPDX-License-Identifier: BSD-2-Clause
/*
 * batch.c - clickos batch: many commands in one process, as `ip -batch` does.
 *
 * A line is a command without "clickos"; words are split at blanks, quotes of both kinds hold a
 * word together, # begins a comment. Starting a process and connecting to Xen is most of a small
 * command's time, so scripts that do many are better off here.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"

enum { WORDS_MAX = 256 };

/* Takes the line apart in place; -1: a quote that does not end, or too many words. */
static int split(char *line, char *words[WORDS_MAX])
{
    char *out = line;
    int n = 0;

    for (;;) {
        char quote = 0;

        line += strspn(line, " \t\n");
        if (!*line || *line == '#')
            return n;
        if (n == WORDS_MAX - 1)
            return -1;
        words[n++] = out;
        for (; *line && (quote || !strchr(" \t\n", *line)); line++)
            if (quote ? *line == quote : *line == '"' || *line == '\'')
                quote = quote ? 0 : *line;
            else
                *out++ = *line;
        if (quote)
            return -1;
        if (*line)
            line++;
        *out++ = '\0';
    }
}

static int run(const struct invocation *invocation)
{
    const char *name = invocation->n_operands ? invocation->operand[0] : "-";
    FILE *file = strcmp(name, "-") ? fopen(name, "r") : stdin;
    char *line = NULL, *words[WORDS_MAX];
    size_t size = 0;
    int code = EXIT_SUCCESS, number = 0;

    if (!file) {
        fprintf(stderr, "clickos: %s: %s\n", name, strerror(errno));
        return EXIT_FAILURE;
    }
    client_tidy = true;
    while ((!code || option_given(invocation, "force")) && getline(&line, &size, file) > 0) {
        int n = split(line, words), result;

        number++;
        if (!n)
            continue;
        result = n < 0 || !strcmp(words[0], "batch") ? EXIT_USAGE : command_run(n, words);
        if (n < 0)
            fprintf(stderr, "clickos: %s:%d: a quote is missing, or too many words\n", name, number);
        else if (result)
            fprintf(stderr, "clickos: %s:%d: %s failed\n", name, number, words[0]);
        if (!code)
            code = result;
        fflush(stdout);
    }
    free(line);
    if (file != stdin)
        fclose(file);
    return code;
}

static const struct option options[] = {
    {.name = "force", .help = "go on after a command that failed"},
    {0},
};

const struct command command_batch = {
    .name = "batch", .operands = "[FILE]", .min_operands = 0, .max_operands = 1,
    .summary = "runs commands from a file or from standard input",
    .description = "A line is a command without the word clickos; quotes hold words together, # begins a comment.\n"
                   "Stops at the first that fails, and ends with its exit code.",
    .options = options, .run = run,
};
