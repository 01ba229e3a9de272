// SPDX-License-Identifier: BSD-2-Clause
/*
 * paint_tee.c - PaintTee(COLOR [, ANNO]): packets go on; those of one color also to output 1.
 *
 * Handlers: color (read, write), drops (read): copies that the pool could not give.
 */
#include "router/element.h"

struct paint_tee {
    struct element base;
    uint32_t anno;
    uint8_t color;
    uint64_t drops;
};

static void setup(struct element *e)
{
    element_as(struct paint_tee, e)->anno = ANNO_PAINT;
}

static inline struct packet *action(struct element *e, struct packet *p)
{
    struct paint_tee *t = element_as(struct paint_tee, e);
    struct packet *copy;

    if (p->anno[t->anno] != t->color)
        return p;
    copy = packet_clone(p);
    if (copy)
        element_push_one(e, 1, copy);
    else
        t->drops++;
    return p;
}
ELEMENT_ACTION(action)

static const struct argument arguments[] = {
    {.name = "COLOR", .kind = ARG_REQUIRED, .type = &arg_u8,
     .offset = offsetof(struct paint_tee, color), .help = "which packets to copy, 0 to 255"},
    {.name = "ANNO", .kind = ARG_OPTIONAL, .type = &arg_anno_u8,
     .offset = offsetof(struct paint_tee, anno), .help = "the annotation; default PAINT"},
    {0},
};

static const struct handler handlers[] = {
    {.name = "color", .flags = HANDLER_READ | HANDLER_WRITE, .type = &arg_u8,
     .offset = offsetof(struct paint_tee, color), .help = "which packets are copied"},
    {.name = "drops", .flags = HANDLER_READ, .type = &arg_u64,
     .offset = offsetof(struct paint_tee, drops), .help = "copies that memory was short for"},
    {0},
};

ELEMENT_CLASS(paint_tee) = {
    .name = "PaintTee", .ports = "1/2", .processing = PROCESSING_A_AH,
    .size = sizeof(struct paint_tee), .arguments = arguments, .handlers = handlers,
    .setup = setup, ELEMENT_ENTRIES(action),
    .threads = THREADS_EACH, .counts = COUNTS(offsetof(struct paint_tee, drops)),
    .offload = true, .group = "standard", .purpose = "copies packets of one color to a second output",
};
