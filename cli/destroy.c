// SPDX-License-Identifier: BSD-2-Clause
/* destroy.c - clickos destroy: ends VMs at once. */
#include <stdlib.h>

#include "cli/client.h"
#include "cli/print.h"

static int run(const struct invocation *invocation)
{
    json_t *gone = json_array();
    int code = EXIT_SUCCESS;

    for (int i = 0; i < invocation->n_operands; i++) {
        struct client client;

        if (!client_open(&client, invocation, invocation->operand[i])) {
            code = EXIT_FAILURE;
            continue;
        }
        if (toolstack_destroy(client.toolstack, client.domid))
            json_array_append_new(gone, json_string(client.name));
        else
            code = EXIT_FAILURE;
        client_phase(&client, "destroyed VM %u", client.domid);
        client_close(&client);
    }
    if (option_given(invocation, "json"))
        print_json(json_pack("{s:O}", "destroyed", gone));
    json_decref(gone);
    return code;
}

static const struct option options[] = {OPTION_JSON, OPTION_VERBOSE, {0}};

const struct command command_destroy = {
    .name = "destroy", .operands = "VM...", .min_operands = 1, .max_operands = 1000,
    .summary = "ends VMs at once",
    .options = options, .run = run,
};
