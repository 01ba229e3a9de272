// SPDX-License-Identifier: BSD-2-Clause
/*
 * message.c - Message(MESSAGE [, TYPE]): says something when the router is configured.
 *
 * TYPE is MESSAGE (the default), WARNING or ERROR; an ERROR keeps the router from starting.
 */
#include <string.h>

#include "router/element.h"

struct message {
    struct element base;
    struct arg_string text, type;
};

static bool configure(struct element *e, const struct words *rest, struct errors *errors)
{
    struct message *m = element_as(struct message, e);
    const char *type = m->type.s ? m->type.s : "MESSAGE";

    (void)rest;
    if (strcmp(type, "MESSAGE") == 0)
        errors_note(errors, NULL, "%s", m->text.s);
    else if (strcmp(type, "WARNING") == 0)
        errors_warn(errors, NULL, "%s", m->text.s);
    else if (strcmp(type, "ERROR") == 0)
        return element_error(e, errors, "%s", m->text.s);
    else
        return element_error(e, errors, "unrecognized message type");
    return true;
}

static const struct argument arguments[] = {
    {.name = "MESSAGE", .kind = ARG_REQUIRED, .type = &arg_string,
     .offset = offsetof(struct message, text), .help = "what to say"},
    {.name = "TYPE", .kind = ARG_OPTIONAL, .type = &arg_word,
     .offset = offsetof(struct message, type),
     .help = "MESSAGE (the default), WARNING, or ERROR: the router does not start"},
    {0},
};

ELEMENT_CLASS(message) = {
    .name = "Message", .ports = PORTS_0_0, .processing = AGNOSTIC, .size = sizeof(struct message),
    .arguments = arguments, .configure = configure,
    .group = "control", .purpose = "says something when the router is configured",
};
