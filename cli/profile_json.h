// SPDX-License-Identifier: BSD-2-Clause
/* profile_json.h - the table of the handler `profile` for programs. */
#ifndef CLI_PROFILE_JSON_H
#define CLI_PROFILE_JSON_H

#include <jansson.h>

/* {"cycles", "in_elements", "to_measure", "elements": [{"element", "class", "self", "total", "calls", "packets"}]}; NULL: it is no such table. */
json_t *profile_json(const char *table);

#endif
