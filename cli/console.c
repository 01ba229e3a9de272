// SPDX-License-Identifier: BSD-2-Clause
/* console.c - clickos console: the VM's console, until ^]. */
#include <stdlib.h>

#include "cli/client.h"

static int run(const struct invocation *invocation)
{
    struct client client;

    if (!client_open(&client, invocation, invocation->operand[0]))
        return EXIT_FAILURE;
    toolstack_console(client.toolstack, client.domid);
    client_close(&client);
    return EXIT_FAILURE;
}

static const struct option options[] = {{0}};

const struct command command_console = {
    .name = "console", .operands = "VM", .min_operands = 1, .max_operands = 1,
    .summary = "shows a VM's console; ^] leaves it",
    .options = options, .run = run,
};
