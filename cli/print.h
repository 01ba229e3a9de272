// SPDX-License-Identifier: BSD-2-Clause
/* print.h - output for people and for programs. */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "router/text.h"

/*
 * Text from a VM. `harmless`: control characters are shown as \xNN, so that a guest cannot steer the
 * terminal; otherwise bytes go out as they are.
 */
void print_text(FILE *to, const char *text, size_t length, bool harmless);
/* The same with a newline at the end, if there is none and the text is not empty. */
void print_line(FILE *to, const char *text, size_t length, bool harmless);

/* Prints and releases it. */
void print_json(json_t *json);
/* {"error": {"code": ..., "message": ...}} on stdout. */
void print_json_error(const char *code, const struct text *message);
/* A string; bytes that are not UTF-8 become \xNN. */
json_t *json_text(const char *bytes, size_t length);

#endif
