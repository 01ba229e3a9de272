// SPDX-License-Identifier: BSD-2-Clause
/* pull_null.c - PullNull(): passes packets on, unchanged, where they are pulled. One input, one output. */
#include "router/element.h"

static inline struct packet *action(struct element *e, struct packet *p)
{
    (void)e;
    return p;
}
ELEMENT_ACTION(action)

ELEMENT_CLASS(pull_null) = {
    .name = "PullNull", .ports = PORTS_1_1, .processing = PULL, .size = sizeof(struct element),
    ELEMENT_ENTRIES(action),
    .threads = THREADS_EACH,
    .offload = true, .group = "standard", .purpose = "passes packets on, unchanged; pull only",
};
