// SPDX-License-Identifier: BSD-2-Clause
/* idle.c - Idle(): never makes a packet and frees what it is pushed; ends unused ports. */
#include "router/element.h"

static void push(struct element *e, unsigned port, struct batch *batch)
{
    (void)e;
    (void)port;
    batch_free(batch);
}

static unsigned pull(struct element *e, unsigned port, struct batch *batch, unsigned max)
{
    (void)e;
    (void)port;
    (void)batch;
    (void)max;
    return 0;
}

ELEMENT_CLASS(idle) = {
    .name = "Idle", .ports = "-/-", .processing = AGNOSTIC, .flow = "x/y",
    .size = sizeof(struct element), .push = push, .pull = pull,
    .group = "standard", .purpose = "makes no packets and swallows those it is pushed",
    .manual = "Any number of inputs and outputs. Connect it to ports that nothing else uses.",
};
