// SPDX-License-Identifier: BSD-2-Clause
/* profile_json.c - reads the table that router/profile.c writes; a guest sent it. See profile_json.h. */
#define _GNU_SOURCE
#include "cli/profile_json.h"

#include <stdio.h>
#include <string.h>

#include "cli/print.h"

/* "   self  %  self/packet  total  calls  packets  name :: Class", of n bytes; NULL: it is something else. */
static json_t *read_row(const char *line, size_t n)
{
    unsigned long long self, total, calls, packets;
    const char *class;
    int at = 0;

    if (sscanf(line, "%20llu %*s %*s %20llu %20llu %20llu %n", &self, &total, &calls, &packets, &at) != 4 || !at ||
        (size_t)at > n)
        return NULL;
    class = memmem(line + at, n - (size_t)at, " :: ", 4);
    if (!class)
        return NULL;
    return json_pack("{s:o, s:o, s:I, s:I, s:I, s:I}", "element", json_text(line + at, (size_t)(class - line - at)),
                     "class", json_text(class + 4, (size_t)(line + n - class - 4)), "self", (json_int_t)self,
                     "total", (json_int_t)total, "calls", (json_int_t)calls, "packets", (json_int_t)packets);
}

json_t *profile_json(const char *table)
{
    unsigned long long cycles, in_elements, to_measure;
    json_t *elements;

    if (sscanf(table, "%*3[a-z]: %20llu cycles, %20llu in elements, %20llu to", &cycles, &in_elements, &to_measure) != 3)
        return NULL;
    elements = json_array();
    for (const char *line = strchr(table, '\n'); line; line = strchr(line, '\n')) {
        json_t *row = read_row(line + 1, strcspn(line + 1, "\n"));

        line++;
        if (row)
            json_array_append_new(elements, row);
    }
    return json_pack("{s:I, s:I, s:I, s:o}", "cycles", (json_int_t)cycles, "in_elements", (json_int_t)in_elements,
                     "to_measure", (json_int_t)to_measure, "elements", elements);
}
