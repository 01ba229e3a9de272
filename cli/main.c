// SPDX-License-Identifier: BSD-2-Clause
/* main.c - the clickos command: finds the subcommand's row and does what it says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/hotplug.h"

extern const struct command command_create, command_start, command_stop, command_list, command_read,
    command_write, command_handlers, command_console, command_destroy, command_reap, command_batch,
    command_check, command_flatten, command_elements, command_graph,
    command_pretty, command_profile, command_metrics, command_top;

const struct command *const commands[] = {
    &command_create, &command_start, &command_stop, &command_list, &command_read, &command_write,
    &command_handlers, &command_top, &command_metrics, &command_profile, &command_console, &command_destroy,
    &command_check, &command_flatten, &command_pretty, &command_graph, &command_elements, &command_batch,
    &command_reap, NULL,
};

static void help(FILE *to)
{
    fprintf(to, "usage: clickos COMMAND [OPTION]... [OPERAND]...\n"
                "Makes ClickOS VMs and runs Click configurations in them.\n\n");
    for (const struct command *const *c = commands; *c; c++)
        fprintf(to, "  %-10s %s\n", (*c)->name, (*c)->summary);
    fprintf(to, "\nclickos COMMAND --help says more. Exit codes: 0 done, 1 failed, 2 wrong usage.\n");
}

int command_run(int argc, char **argv)
{
    struct invocation invocation;
    int code = EXIT_USAGE;

    for (const struct command *const *c = commands; *c; c++) {
        if (strcmp((*c)->name, argv[0]))
            continue;
        if (command_parse(*c, argc - 1, argv + 1, &invocation)) {
            if (invocation.help) {
                command_help(*c);
                code = 0;
            } else {
                code = (*c)->run(&invocation);
            }
        }
        command_free(&invocation);
        if (!code && (fflush(stdout) || ferror(stdout))) {
            perror("clickos: output");
            code = EXIT_FAILURE;
        }
        return code;
    }
    fprintf(stderr, "clickos: no command '%s'; there is", argv[0]);
    for (const struct command *const *c = commands; *c; c++)
        fprintf(stderr, "%s %s", c == commands ? "" : ",", (*c)->name);
    fputc('\n', stderr);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    if (hotplug_wanted(argc, argv))
        return hotplug_run(argc, argv);
    if (argc < 2) {
        help(stderr);
        return EXIT_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
        help(stdout);
        return 0;
    }
    if (!strcmp(argv[1], "--generate-man")) {
        generate_man();
        return 0;
    }
    if (!strcmp(argv[1], "--generate-completion")) {
        generate_completion();
        return 0;
    }
    return command_run(argc - 1, argv + 1);
}
