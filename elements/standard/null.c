// SPDX-License-Identifier: BSD-2-Clause
/* null.c - Null(): passes packets on, unchanged. Push or pull, one input, one output. */
#include "router/element.h"

static inline struct packet *action(struct element *e, struct packet *p)
{
    (void)e;
    return p;
}
ELEMENT_ACTION(action)

ELEMENT_CLASS(null) = {
    .name = "Null", .ports = PORTS_1_1, .processing = AGNOSTIC, .size = sizeof(struct element),
    ELEMENT_ENTRIES(action),
    .threads = THREADS_EACH,
    .offload = true, .group = "standard", .purpose = "passes packets on, unchanged",
};
