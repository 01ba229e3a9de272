// SPDX-License-Identifier: BSD-2-Clause
/* idle.c - Idle(): never makes a packet and frees what it is pushed; ends unused ports. */
#include "router/element.h"

ELEMENT_CLASS(idle) = {
    .name = "Idle", .ports = "-/-", .processing = AGNOSTIC, .flow = "x/y",
    .size = sizeof(struct element),
    .push = element_push_nowhere, .pull = element_pull_nothing,
    .threads = THREADS_EACH,
    .offload = true, .group = "standard", .purpose = "makes no packets and swallows those it is pushed",
    .manual = "Any number of inputs and outputs. Connect it to ports that nothing else uses.",
};
