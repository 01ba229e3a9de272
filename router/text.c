// SPDX-License-Identifier: BSD-2-Clause
/* text.c - a string that grows; see text.h. */
#include "router/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool reserve(struct text *t, size_t more)
{
    size_t want = t->length + more + 1, capacity = t->capacity ? t->capacity : 64;
    char *grown;

    if (want <= t->capacity)
        return true;
    while (capacity < want)
        capacity += capacity;
    grown = realloc(t->s, capacity);
    if (!grown) {
        t->failed = true;
        return false;
    }
    t->s = grown;
    t->capacity = capacity;
    return true;
}

void text_add(struct text *t, const char *bytes, size_t n)
{
    if (!n || !reserve(t, n))
        return;
    memcpy(t->s + t->length, bytes, n);
    t->length += n;
    t->s[t->length] = '\0';
}

void text_puts(struct text *t, const char *s)
{
    text_add(t, s, strlen(s));
}

void text_putc(struct text *t, char c)
{
    text_add(t, &c, 1);
}

void text_vprintf(struct text *t, const char *format, va_list args)
{
    va_list again;
    int n;

    va_copy(again, args);
    n = vsnprintf(NULL, 0, format, args);
    if (n > 0 && reserve(t, (size_t)n)) {
        vsnprintf(t->s + t->length, (size_t)n + 1, format, again);
        t->length += (size_t)n;
    }
    va_end(again);
}

void text_printf(struct text *t, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    text_vprintf(t, format, args);
    va_end(args);
}

const char *text_string(const struct text *t)
{
    return t->length ? t->s : "";
}

char *text_take(struct text *t)
{
    char *s;

    if (!reserve(t, 0))
        return NULL;
    s = t->s;
    s[t->length] = '\0';
    *t = (struct text){0};
    return s;
}

void text_truncate(struct text *t, size_t length)
{
    if (length < t->length) {
        t->length = length;
        t->s[length] = '\0';
    }
}

void text_free(struct text *t)
{
    free(t->s);
    *t = (struct text){0};
}
