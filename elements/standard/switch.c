// SPDX-License-Identifier: BSD-2-Clause
/*
 * switch.c - Switch([OUTPUT]): sends all packets to one output, which can be changed.
 *
 * OUTPUT is 0 when not given; -1 drops everything.
 * Handlers: switch, config (read, write): the output; drops (read).
 */
#include "router/element.h"

struct switch_element {
    struct element base;
    int32_t output;             /* -1: none */
    uint64_t drops;
};

static void push(struct element *e, unsigned port, struct batch *batch)
{
    struct switch_element *s = element_as(struct switch_element, e);

    (void)port;
    if (s->output >= 0) {
        element_push(e, (unsigned)s->output, batch);
    } else {
        s->drops += batch->n;
        batch_free(batch);
    }
}

static void push_one(struct element *e, unsigned port, struct packet *p)
{
    struct switch_element *s = element_as(struct switch_element, e);

    (void)port;
    if (s->output >= 0) {
        element_push_one(e, (unsigned)s->output, p);
    } else {
        s->drops++;
        packet_free(p);
    }
}

static bool configure(struct element *e, const struct words *rest, struct errors *errors)
{
    struct switch_element *s = element_as(struct switch_element, e);

    (void)rest;
    if (s->output >= (int32_t)e->n_outputs)
        return element_error(e, errors, "output must be < %u", e->n_outputs);
    if (s->output < 0)
        s->output = -1;
    return true;
}

/* A number that no output has turns everything away, as in Click. */
static void written(struct element *e)
{
    struct switch_element *s = element_as(struct switch_element, e);

    if (s->output < 0 || s->output >= (int32_t)e->n_outputs)
        s->output = -1;
}

/* Where packets go now, not where they went at first. */
static int read_config(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)call;
    text_printf(out, "%d", element_as(struct switch_element, e)->output);
    return 0;
}

static const struct argument arguments[] = {
    {.name = "OUTPUT", .kind = ARG_OPTIONAL, .type = &arg_int,
     .offset = offsetof(struct switch_element, output), .help = "the output; -1: drop all"},
    {0},
};

static const struct handler handlers[] = {
    {.name = "switch", .flags = HANDLER_READ | HANDLER_WRITE, .type = &arg_int,
     .offset = offsetof(struct switch_element, output), .written = written,
     .help = "the output that packets go to; -1: they are dropped"},
    {.name = "config", .read = read_config, .write = element_write_config, .help = "the same"},
    {.name = "drops", .flags = HANDLER_READ, .type = &arg_u64,
     .offset = offsetof(struct switch_element, drops), .help = "packets dropped while at -1"},
    {0},
};

ELEMENT_CLASS(switch_element) = {
    .name = "Switch", .ports = "1/-", .processing = PUSH, .size = sizeof(struct switch_element),
    .arguments = arguments, .handlers = handlers, .live_config = true, .configure = configure,
    .push = push, .push_one = push_one,
    .threads = THREADS_EACH, .counts = COUNTS(offsetof(struct switch_element, drops)),
    .offload = true, .group = "standard", .purpose = "sends packets to an output that can be changed",
};
