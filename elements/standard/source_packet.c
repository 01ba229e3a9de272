// SPDX-License-Identifier: BSD-2-Clause
/* source_packet.c - the packet that sources send again and again; see source_packet.h. */
#include "elements/standard/source_packet.h"

#include <stdlib.h>
#include <string.h>

/* As long as Click's, so that byte counts of old configurations stay the same. */
static const char default_text[] =
    "These bytes say nothing; they only make a frame of 64 bytes and more.";

/* `length` bytes of data, repeated as often as needed. When it fails the packet is as it was. */
static bool make(struct source_packet *source, struct element *e, struct errors *errors)
{
    size_t have = source->data.length;
    size_t n = source->length < 0 ? have : (size_t)source->length;
    struct packet *p;

    if (n > PACKET_LENGTH_MAX - PACKET_HEADROOM)
        return element_error(e, errors, "packet too long");
    p = packet_make(PACKET_HEADROOM, NULL, (uint32_t)n, 0);
    if (!p)
        return element_error(e, errors, "no memory for a packet");
    memset(p->data, 0, n);
    for (size_t at = 0; have && at < n; at += have)
        memcpy(p->data + at, source->data.s, n - at < have ? n - at : have);
    if (source->packet)
        packet_free(source->packet);
    source->packet = p;
    return true;
}

void source_packet_setup(struct source_packet *source)
{
    source->length = -1;
}

bool source_packet_configure(struct source_packet *source, struct element *e,
                             struct errors *errors)
{
    if (!source->data.s) {
        source->data.s = strdup(default_text);
        source->data.length = strlen(default_text);
    }
    return source->data.s ? make(source, e, errors) : element_error(e, errors, "out of memory");
}

void source_packet_cleanup(struct source_packet *source)
{
    if (source->packet)
        packet_free(source->packet);
}

unsigned source_packet_clone(const struct source_packet *source, uint64_t timestamp_ns,
                             struct batch *into, unsigned n)
{
    struct packet **made = into->pkt + into->n;

    if (n == 1)
        n = (*made = packet_clone(source->packet)) != NULL;
    else
        n = packet_clone_many(source->packet, made, n);
    for (unsigned i = 0; i < n; i++)
        made[i]->timestamp_ns = timestamp_ns;
    into->n += n;
    return n;
}

/* ---- handlers ---- */

static struct source_packet *source_at(struct element *e, const struct handler_call *call)
{
    return (struct source_packet *)((char *)e + call->handler->offset);
}

static void written(struct element *e, const struct handler_call *call)
{
    if (call->handler->written)
        call->handler->written(e);
}

int source_packet_read_data(struct element *e, const struct handler_call *call, struct text *out)
{
    const struct source_packet *source = source_at(e, call);

    text_add(out, source->data.s, source->data.length);
    return 0;
}

/* The bytes as they are: no quotes, no comments. */
int source_packet_write_data(struct element *e, const struct handler_call *call)
{
    struct source_packet *source = source_at(e, call);
    struct arg_string old = source->data;

    source->data.s = malloc(call->length + 1);
    if (!source->data.s) {
        source->data = old;
        return -ENOMEM;
    }
    memcpy(source->data.s, call->value, call->length);
    source->data.s[call->length] = '\0';
    source->data.length = call->length;
    if (!make(source, e, call->errors)) {
        free(source->data.s);
        source->data = old;
        return -EINVAL;
    }
    free(old.s);
    written(e, call);
    return 0;
}

int source_packet_read_length(struct element *e, const struct handler_call *call, struct text *out)
{
    text_printf(out, "%d", source_at(e, call)->length);
    return 0;
}

int source_packet_write_length(struct element *e, const struct handler_call *call)
{
    struct source_packet *source = source_at(e, call);
    struct arg_context context = {.element = e, .errors = call->errors, .name = "LENGTH"};
    int32_t old = source->length;

    if (!arg_int.parse(&context, call->value, &source->length)) {
        errors_add(call->errors, NULL, "length must be integer");
        return -EINVAL;
    }
    if (!make(source, e, call->errors)) {
        source->length = old;
        return -EINVAL;
    }
    written(e, call);
    return 0;
}
