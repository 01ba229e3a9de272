// SPDX-License-Identifier: BSD-2-Clause
/*
 * paint.c - Paint(COLOR [, ANNO]): sets the paint annotation, or another one of a byte.
 *
 * Handlers: color (read, write).
 */
#include "router/element.h"

struct paint {
    struct element base;
    uint32_t anno;
    uint8_t color;
};

static void setup(struct element *e)
{
    element_as(struct paint, e)->anno = ANNO_PAINT;
}

static inline struct packet *action(struct element *e, struct packet *p)
{
    const struct paint *paint = element_as(struct paint, e);

    p->anno[paint->anno] = paint->color;
    return p;
}
ELEMENT_ACTION(action)

static const struct argument arguments[] = {
    {.name = "COLOR", .kind = ARG_REQUIRED, .type = &arg_u8,
     .offset = offsetof(struct paint, color), .help = "0 to 255"},
    {.name = "ANNO", .kind = ARG_OPTIONAL, .type = &arg_anno_u8,
     .offset = offsetof(struct paint, anno), .help = "the annotation; default PAINT"},
    {0},
};

static const struct handler handlers[] = {
    {.name = "color", .flags = HANDLER_READ | HANDLER_WRITE, .type = &arg_u8,
     .offset = offsetof(struct paint, color), .help = "the color to paint with"},
    {0},
};

ELEMENT_CLASS(paint) = {
    .name = "Paint", .ports = PORTS_1_1, .processing = AGNOSTIC, .size = sizeof(struct paint),
    .arguments = arguments, .handlers = handlers, .live_config = true, .setup = setup, ELEMENT_ENTRIES(action),
    .threads = THREADS_EACH,
    .offload = true, .group = "standard", .purpose = "sets packets' paint annotation",
    .manual = "See also PaintTee, PaintSwitch, CheckPaint.",
};
