// SPDX-License-Identifier: BSD-2-Clause
/* simple.h - commands that are one request to one VM: open, ask, print, close. */
#ifndef CLI_SIMPLE_H
#define CLI_SIMPLE_H

#include "cli/client.h"

/*
 * Asks the VM of the first operand. `show` prints a good answer. `line` is consumed. Returns the exit code.
 */
int simple_request(const struct invocation *invocation, unsigned instance, struct text *line,
                   const char *data, size_t length,
                   void (*show)(const struct client *client, const struct message *reply));

#endif
