// SPDX-License-Identifier: BSD-2-Clause
/* copies.c - a copy of an element for each thread that runs it; see copies.h. */
#include "router/copies.h"

#include <stdlib.h>
#include <string.h>

#include "platform/platform.h"

static uint64_t *count_of(struct element *e, size_t offset)
{
    return (uint64_t *)((char *)e + offset);
}

static void forget_counts(struct element *e)
{
    for (const size_t *offset = e->class->counts; offset && *offset; offset++)
        *count_of(e, *offset) = 0;
}

static void collect_port(struct port *to, struct port *from)
{
    to->packets += from->packets;
    from->packets = 0;
}

void copies_collect(struct element *e)
{
    for (struct element *copy = e->copy; copy; copy = copy->copy) {
        for (const size_t *offset = e->class->counts; offset && *offset; offset++)
            *count_of(e, *offset) += *count_of(copy, *offset);
        forget_counts(copy);
        if (e->class->collect)
            e->class->collect(e, copy);
        for (unsigned i = 0; i < e->n_inputs; i++)
            collect_port(&e->inputs[i], &copy->inputs[i]);
        for (unsigned i = 0; i < e->n_outputs; i++)
            collect_port(element_output(e, i), element_output(copy, i));
    }
}

/* Makes the struct the original's again, but for what is the copy's own. */
static void copy_struct(struct element *copy, const struct element *original)
{
    struct element own = *copy;

    memcpy(copy, original, original->class->size);
    copy->inputs = own.inputs;
    copy->output = own.output;
    copy->more_outputs = own.more_outputs;
    copy->scheduler = own.scheduler;
    copy->copy = own.copy;
    forget_counts(copy);
}

void copies_renew(struct element *e)
{
    for (struct element *copy = e->copy; copy; copy = copy->copy) {
        if (e->class->uncopy)
            e->class->uncopy(copy);
        copy_struct(copy, e);
        if (e->class->copy)
            e->class->copy(copy, e);
    }
}

static struct port *copy_ports(const struct port *ports, unsigned n)
{
    struct port *copy = calloc(n + 1, sizeof *copy);    /* one between these and whatever follows */

    for (unsigned i = 0; copy && i < n; i++) {
        copy[i] = ports[i];
        copy[i].packets = 0;
    }
    return copy;
}

static void free_copy(struct element *copy)
{
    free(copy->inputs);
    free(copy->more_outputs);
    free(copy);
}

static struct element *make_copy(struct element *e, unsigned thread)
{
    struct element *copy = calloc(1, e->class->size + platform_apart);

    if (!copy)
        return NULL;
    copy->scheduler = &e->router->scheduler[thread];
    copy->inputs = copy_ports(e->inputs, e->n_inputs);
    copy->output = e->output;
    copy->output.packets = 0;
    copy->more_outputs = e->more_outputs ? copy_ports(e->more_outputs, e->n_outputs) : NULL;
    copy_struct(copy, e);
    if (!copy->inputs || (e->more_outputs && !copy->more_outputs)) {
        free_copy(copy);
        return NULL;
    }
    if (e->class->copy)
        e->class->copy(copy, e);
    return copy;
}

/* The one that this scheduler's thread runs. */
static struct element *of_thread(struct element *e, const struct scheduler *scheduler)
{
    struct element *copy = e;

    while (copy && copy->scheduler != scheduler)
        copy = copy->copy;
    return copy ? copy : e;             /* a queue is the same for all */
}

static void lead_port(struct port *port, const struct scheduler *scheduler)
{
    if (port->peer)
        port->peer = of_thread(port->peer, scheduler);
}

bool copies_make(struct router *r, struct errors *errors)
{
    for (unsigned i = 0; i < r->n_elements; i++) {
        struct element *e = r->elements[i], **end = &e->copy;

        for (uint64_t left = e->threads & (e->threads - 1); left; left &= left - 1) {
            *end = make_copy(e, (unsigned)__builtin_ctzll(left));
            if (!*end) {
                errors_add(errors, e->landmark, "out of memory");
                return false;
            }
            end = &(*end)->copy;
        }
    }
    for (unsigned i = 0; r->n_threads > 1 && i < r->n_elements; i++)
        for (struct element *e = r->elements[i]; e; e = e->copy) {
            for (unsigned k = 0; k < e->n_inputs; k++)
                lead_port(&e->inputs[k], e->scheduler);
            for (unsigned k = 0; k < e->n_outputs; k++)
                lead_port(element_output(e, k), e->scheduler);
        }
    return true;
}

void copies_free(struct router *r)
{
    for (unsigned i = 0; i < r->n_elements; i++) {
        struct element *e = r->elements[i];

        copies_collect(e);
        while (e->copy) {
            struct element *copy = e->copy;

            e->copy = copy->copy;
            if (e->class->uncopy)
                e->class->uncopy(copy);
            free_copy(copy);
        }
    }
}
