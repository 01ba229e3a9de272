// SPDX-License-Identifier: BSD-2-Clause
/* push_null.c - PushNull(): passes packets on, unchanged, where they are pushed. One input, one output. */
#include "router/element.h"

static inline struct packet *action(struct element *e, struct packet *p)
{
    (void)e;
    return p;
}
ELEMENT_ACTION(action)

ELEMENT_CLASS(push_null) = {
    .name = "PushNull", .ports = PORTS_1_1, .processing = PUSH, .size = sizeof(struct element),
    ELEMENT_ENTRIES(action),
    .threads = THREADS_EACH,
    .offload = true, .group = "standard", .purpose = "passes packets on, unchanged; push only",
};
