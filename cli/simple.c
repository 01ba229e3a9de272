// SPDX-License-Identifier: BSD-2-Clause
/* simple.c - commands that are one request to one VM; see simple.h. */
#include "cli/simple.h"

#include <stdlib.h>

int simple_request(const struct invocation *invocation, unsigned instance, struct text *line,
                   const char *data, size_t length,
                   void (*show)(const struct client *client, const struct message *reply))
{
    struct client client;
    struct message reply;
    enum client_result result;
    int code = EXIT_FAILURE;

    if (!client_open(&client, invocation, invocation->operand[0])) {
        text_free(line);
        return EXIT_FAILURE;
    }
    result = client_request(&client, instance, line, data, length, false, &reply);
    if (result == CLIENT_OK) {
        client_phase(&client, "answered");
        show(&client, &reply);
        code = EXIT_SUCCESS;
    } else if (result == CLIENT_REFUSED) {
        client_refused(&client, &reply);
    }
    if (result != CLIENT_FAILED)
        message_free(&reply);
    client_close(&client);
    return code;
}
