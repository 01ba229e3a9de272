// SPDX-License-Identifier: BSD-2-Clause
/* input.c - files that the user names; see input.h. */
#include "cli/input.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control/protocol.h"
#include "router/text.h"

char *input_read(const char *name, size_t *length)
{
    FILE *file = strcmp(name, "-") ? fopen(name, "rb") : stdin;
    struct text contents = {0};
    const char *why = NULL;
    char buffer[16384];
    size_t n;

    if (!file) {
        fprintf(stderr, "clickos: %s: %s\n", name, strerror(errno));
        return NULL;
    }
    errno = 0;
    while (contents.length <= PROTOCOL_DATA_MAX && (n = fread(buffer, 1, sizeof buffer, file)))
        text_add(&contents, buffer, n);
    if (contents.length > PROTOCOL_DATA_MAX)
        why = "longer than 4 MiB";
    else if (ferror(file) || contents.failed)
        why = strerror(errno ? errno : ENOMEM);
    if (file != stdin)
        fclose(file);
    if (why) {
        fprintf(stderr, "clickos: %s: %s\n", name, why);
        text_free(&contents);
        return NULL;
    }
    *length = contents.length;
    return text_take(&contents);
}
