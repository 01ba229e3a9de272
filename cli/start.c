// SPDX-License-Identifier: BSD-2-Clause
/* start.c - clickos start: runs a configuration in a VM, in place of the one that runs. */
#include "cli/start.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/client.h"
#include "cli/input.h"
#include "cli/print.h"

static unsigned long long word_number(const struct message *reply, const char *name)
{
    uint64_t value = 0;

    message_number(reply, name, UINT64_MAX, &value);
    return value;
}

struct text start_line(const char *file)
{
    struct text line = {0};

    text_puts(&line, "start");
    protocol_word(&line, "file", file);
    return line;
}

json_t *start_json(const struct message *reply, unsigned instance)
{
    return json_pack("{s:i, s:s, s:I, s:I}", "instance", (int)instance, "status", "Running", "generation",
                     (json_int_t)word_number(reply, "generation"), "elements",
                     (json_int_t)word_number(reply, "elements"));
}

static int run(const struct invocation *invocation)
{
    unsigned instance = (unsigned)option_number(invocation, "instance");
    const char *file = invocation->operand[1];
    struct client client;
    struct message reply;
    struct text line;
    size_t length;
    int code = EXIT_FAILURE;
    char *config = input_read(file, &length);

    if (!config)
        return EXIT_FAILURE;
    if (!client_open(&client, invocation, invocation->operand[0]))
        goto out;
    line = start_line(file);
    switch (client_request(&client, instance, &line, config, length, true, &reply)) {
    case CLIENT_OK:
        client_phase(&client, "instance %u running", instance);
        code = EXIT_SUCCESS;
        if (client.json) {
            json_t *json = start_json(&reply, instance);

            json_object_set_new(json, "vm", json_string(client.name));
            json_object_set_new(json, "ms", json_real((double)(now_ns() - client.began_ns) / 1e6));
            print_json(json);
        }
        message_free(&reply);
        break;
    case CLIENT_REFUSED:
        code = client_refused(&client, &reply);
        message_free(&reply);
        break;
    case CLIENT_FAILED:
        break;
    }
    client_close(&client);
out:
    free(config);
    return code;
}

static const struct option options[] = {
    OPTION_INSTANCE, OPTION_JSON, OPTION_TIMEOUT, OPTION_VERBOSE, {0},
};

const struct command command_start = {
    .name = "start", .operands = "VM FILE", .min_operands = 2, .max_operands = 2,
    .summary = "runs a Click configuration in a VM",
    .description = "FILE is a Click configuration, - for standard input. When the instance runs already, the\n"
                   "new configuration takes its place: it is built first, and when that fails, the errors\n"
                   "are printed and the old one keeps running. Elements that keep their name and class go on\n"
                   "with what they hold where clickos-elements(7) says so, a Queue with its packets. Ends when\n"
                   "the instance runs.",
    .options = options, .run = run,
};
