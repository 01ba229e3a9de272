// SPDX-License-Identifier: BSD-2-Clause
/*
 * clickos_control.c - ClickOSControl([READONLY false]): how this configuration meets the control plane.
 *
 * In a ClickOS VM the handlers of every element can be called from dom0, with this element or
 * without. A configuration that has one decides more: READONLY true refuses writes, as
 * ControlSocket's READONLY does, and its handlers count what was asked. In a process there is no
 * control plane, so the counts stay 0 and the same file still runs.
 *
 * Handlers: reads, writes, failures, read_only (r).
 */
#include "elements/device/clickos_control.h"

#include <string.h>

static const struct argument arguments[] = {
    {.name = "READONLY", .kind = ARG_KEYWORD, .type = &arg_bool,
     .offset = offsetof(struct clickos_control, read_only),
     .help = "true: the control plane may not call write handlers"},
    {0},
};

#define COUNT(member, text)                                        \
    {.name = #member, .flags = HANDLER_READ, .type = &arg_u64,     \
     .offset = offsetof(struct clickos_control, member), .help = text}

static const struct handler handlers[] = {
    COUNT(reads, "handler reads that the control plane did"),
    COUNT(writes, "handler writes that the control plane did"),
    COUNT(failures, "requests about handlers that failed or were refused"),
    {.name = "read_only", .flags = HANDLER_READ, .type = &arg_bool,
     .offset = offsetof(struct clickos_control, read_only), .help = "whether writes are refused"},
    {0},
};

static void take_state(struct element *e, struct element *predecessor)
{
    struct clickos_control *c = element_as(struct clickos_control, e);
    const struct clickos_control *old = element_as(struct clickos_control, predecessor);

    c->reads += old->reads;
    c->writes += old->writes;
    c->failures += old->failures;
}

static void *cast(struct element *e, const char *interface)
{
    return strcmp(interface, CLICKOS_CONTROL_INTERFACE) ? NULL : e;
}

ELEMENT_CLASS(clickos_control) = {
    .name = "ClickOSControl", .ports = PORTS_0_0, .processing = AGNOSTIC,
    .size = sizeof(struct clickos_control),
    .arguments = arguments, .handlers = handlers, .take_state = take_state, .cast = cast,
    .group = "device", .purpose = "sets what the control plane may do and counts what it did",
    .manual = "The handlers of every element of a ClickOS VM can be called from dom0 with `clickos read` and "
              "`clickos write`, whether or not the configuration has this element. With READONLY true, "
              "writes are refused. In a process the element does nothing. When another configuration takes the place of "
              "this one, a ClickOSControl of the same name counts on.",
};
