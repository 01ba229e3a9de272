// SPDX-License-Identifier: BSD-2-Clause
/*
 * text.h - a string that grows: handler values, error lists, canonical configurations.
 *
 * - Zero-initialise (`struct text t = {0}`) and it is an empty string.
 * - `s` is NUL-terminated whenever `length` > 0; text_string() is never NULL.
 * - When memory runs out the text keeps what it had and `failed` is set; nobody
 *   needs to check after each call, only once at the end.
 * Not for the packet path.
 */
#ifndef ROUTER_TEXT_H
#define ROUTER_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct text {
    char *s;
    size_t length;
    size_t capacity;
    bool failed;
};

void text_add(struct text *t, const char *bytes, size_t n);
void text_puts(struct text *t, const char *s);
void text_putc(struct text *t, char c);
void text_printf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_vprintf(struct text *t, const char *format, va_list args);
const char *text_string(const struct text *t);
/* Hands the string (malloc'ed, never NULL unless memory ran out) to the caller and empties t. */
char *text_take(struct text *t);
void text_truncate(struct text *t, size_t length);
void text_free(struct text *t);

#endif
