// SPDX-License-Identifier: BSD-2-Clause
/* start.h - what `clickos create --config` shares with `clickos start`. */
#ifndef CLI_START_H
#define CLI_START_H

#include <jansson.h>

#include "control/protocol.h"

/* The request's line; the file's name comes back in errors. */
struct text start_line(const char *file);
/* instance, status, generation, elements. */
json_t *start_json(const struct message *reply, unsigned instance);

#endif
