// SPDX-License-Identifier: BSD-2-Clause
/* errors.c - collects messages about a configuration; see errors.h. */
#include "router/errors.h"

#include <string.h>

/* Contexts print themselves lazily, outermost first, so that silence costs no line. */
static unsigned print_context(struct errors *errors, const struct errors_context *context)
{
    unsigned depth;

    if (!context)
        return 0;
    depth = print_context(errors, context->outer);
    if (!context->printed) {
        if (context->landmark)
            text_printf(&errors->text, "%s: ", context->landmark);
        text_printf(&errors->text, "%*s%s\n", (int)depth * 2, "", context->message);
        ((struct errors_context *)context)->printed = true;
    }
    return depth + 1;
}

static void add(struct errors *errors, const char *landmark, const char *prefix,
                const char *format, va_list args)
{
    struct text message = {0};
    const char *line;
    unsigned depth;
    size_t n;

    if (errors->count + errors->warnings > ERRORS_KEPT_MAX)
        return;
    text_puts(&message, prefix);
    text_vprintf(&message, format, args);
    depth = print_context(errors, errors->context);
    if (landmark)
        text_printf(&errors->text, "%s: ", landmark);
    for (line = text_string(&message);; line += n + 1) {
        n = strcspn(line, "\n");
        text_printf(&errors->text, "%*s%.*s\n", (int)depth * 2, "", (int)n, line);
        if (!line[n] || !line[n + 1])
            break;
    }
    text_free(&message);
}

void errors_vadd(struct errors *errors, const char *landmark, const char *format, va_list args)
{
    errors->count++;
    add(errors, landmark, "", format, args);
}

void errors_add(struct errors *errors, const char *landmark, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    errors_vadd(errors, landmark, format, args);
    va_end(args);
}

void errors_warn(struct errors *errors, const char *landmark, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    errors->warnings++;
    add(errors, landmark, "warning: ", format, args);
    va_end(args);
}

void errors_note(struct errors *errors, const char *landmark, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add(errors, landmark, "", format, args);
    va_end(args);
}

void errors_enter(struct errors *errors, struct errors_context *context, const char *landmark,
                  const char *message)
{
    *context = (struct errors_context){errors->context, landmark, message, false};
    errors->context = context;
}

void errors_leave(struct errors *errors)
{
    errors->context = errors->context->outer;
}

void errors_free(struct errors *errors)
{
    text_free(&errors->text);
    *errors = (struct errors){0};
}
