// SPDX-License-Identifier: BSD-2-Clause
/* stop.c - clickos stop: ends an instance; the VM goes on. */
#include "cli/print.h"
#include "cli/simple.h"

static void show(const struct client *client, const struct message *reply)
{
    (void)reply;
    if (client->json)
        print_json(json_pack("{s:s, s:s}", "vm", client->name, "status", "Halted"));
}

static int run(const struct invocation *invocation)
{
    struct text line = {0};

    text_puts(&line, "stop");
    return simple_request(invocation, (unsigned)option_number(invocation, "instance"), &line, NULL, 0, show);
}

static const struct option options[] = {
    OPTION_INSTANCE, OPTION_JSON, OPTION_TIMEOUT, OPTION_VERBOSE, {0},
};

const struct command command_stop = {
    .name = "stop", .operands = "VM", .min_operands = 1, .max_operands = 1,
    .summary = "ends an instance in a VM; the VM goes on",
    .options = options, .run = run,
};
