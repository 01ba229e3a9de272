// SPDX-License-Identifier: BSD-2-Clause
/*
 * error.c - Error(...): an element that never comes up, whatever its arguments and ports.
 *
 * It stands for a class that there is not: a configuration with one is checked in full and
 * then refused.
 */
#include "router/element.h"

static bool initialize(struct element *e, struct errors *errors)
{
    return element_error(e, errors, "Error elements never initialize");
}

static const struct argument arguments[] = {
    {.name = "ANYTHING", .kind = ARG_REST, .type = &arg_text, .help = "not looked at"},
    {0},
};

ELEMENT_CLASS(error) = {
    .name = "Error", .ports = "-/-", .processing = AGNOSTIC, .flow = "x/y",
    .size = sizeof(struct element), .arguments = arguments,
    .initialize = initialize, .push = element_push_nowhere, .pull = element_pull_nothing,
    .group = "standard", .purpose = "keeps its router from starting",
};
