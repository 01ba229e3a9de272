// SPDX-License-Identifier: BSD-2-Clause
/* write.c - clickos write: calls a write handler. */
#include <stdlib.h>
#include <string.h>

#include "cli/input.h"
#include "cli/print.h"
#include "cli/simple.h"

static void show(const struct client *client, const struct message *reply)
{
    (void)reply;
    if (client->json)
        print_json(json_pack("{s:s, s:b}", "vm", client->name, "written", 1));
}

static int run(const struct invocation *invocation)
{
    const char *name, *file = option_value(invocation, "file");
    struct text line = {0}, words = {0};
    char *contents = NULL;
    size_t length = 0;
    unsigned instance;
    int code;

    if (!read_target(invocation, invocation->operand[1], &instance, &name))
        return EXIT_USAGE;
    if (file && invocation->n_operands > 2)
        return usage_error(invocation->command, "a value and --file are one too many");
    if (file && !(contents = input_read(file, &length)))
        return EXIT_FAILURE;
    for (int i = 2; i < invocation->n_operands; i++) {
        if (i > 2)
            text_putc(&words, ' ');
        text_puts(&words, invocation->operand[i]);
    }
    text_puts(&line, "write");
    protocol_word(&line, "handler", name);
    code = simple_request(invocation, instance, &line, file ? contents : text_string(&words),
                          file ? length : words.length, show);
    text_free(&words);
    free(contents);
    return code;
}

static const struct option options[] = {
    {.name = "file", .letter = 'f', .value = "FILE", .help = "take the value from a file (- for standard input)"},
    OPTION_JSON, OPTION_TIMEOUT, OPTION_VERBOSE, {0},
};

const struct command command_write = {
    .name = "write", .operands = "VM [INSTANCE:]ELEMENT.HANDLER [VALUE]...",
    .min_operands = 2, .max_operands = 1000,
    .summary = "calls a write handler",
    .description = "Several words of VALUE are joined with spaces. A button such as `reset_counts` needs none.",
    .options = options, .run = run,
};
