// SPDX-License-Identifier: BSD-2-Clause
/* read.c - clickos read: the value of a handler. */
#include <string.h>
#include <unistd.h>

#include "cli/print.h"
#include "cli/simple.h"

static void show(const struct client *client, const struct message *reply)
{
    if (client->json)
        print_json(json_pack("{s:o}", "value", json_text(text_string(&reply->data), reply->data.length)));
    else
        print_line(stdout, text_string(&reply->data), reply->data.length, isatty(STDOUT_FILENO));
}

/* As they are, even to a terminal. */
static void show_raw(const struct client *client, const struct message *reply)
{
    (void)client;
    print_text(stdout, text_string(&reply->data), reply->data.length, false);
}

static int run(const struct invocation *invocation)
{
    const char *name, *parameter = invocation->n_operands > 2 ? invocation->operand[2] : NULL;
    struct text line = {0};
    unsigned instance;

    if (!read_target(invocation, invocation->operand[1], &instance, &name))
        return EXIT_USAGE;
    text_puts(&line, "read");
    protocol_word(&line, "handler", name);
    if (parameter)
        protocol_word(&line, "parameter", NULL);
    return simple_request(invocation, instance, &line, parameter, parameter ? strlen(parameter) : 0,
                          option_given(invocation, "raw") ? show_raw : show);
}

static const struct option options[] = {
    {.name = "raw", .help = "print the value's bytes and nothing else, even to a terminal"},
    OPTION_JSON, OPTION_TIMEOUT, OPTION_VERBOSE, {0},
};

const struct command command_read = {
    .name = "read", .operands = "VM [INSTANCE:]ELEMENT.HANDLER [PARAMETER]",
    .min_operands = 2, .max_operands = 3,
    .summary = "prints the value of a handler",
    .description = "A name without an element (`config`, `list`) is a handler of the router itself; `vifs` and `resources` are the "
                   "VM's, and there without an instance, too.",
    .options = options, .run = run,
};
