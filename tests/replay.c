// SPDX-License-Identifier: BSD-2-Clause
/*
 * replay.c - the main of a fuzz target outside of libFuzzer: every file that the command line names
 * goes through it once. It says which one is being looked at when that one ends the program.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *current;

void __asan_on_error(void);

/* AddressSanitizer calls this before it reports. */
void __asan_on_error(void)
{
    fprintf(stderr, "while replaying %s:\n", current);
}

static int read_file(const char *name, struct text *t)
{
    char buffer[65536];
    FILE *f = fopen(name, "rb");
    size_t n;

    if (!f)
        return -errno;
    while ((n = fread(buffer, 1, sizeof buffer, f)) > 0)
        text_add(t, buffer, n);
    n = (size_t)ferror(f);
    fclose(f);
    return n || t->failed ? -EIO : 0;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct text t = {0};
        int error = read_file(current = argv[i], &t);

        if (error) {
            fprintf(stderr, "%s: %s\n", argv[i], strerror(-error));
            return 1;
        }
        LLVMFuzzerTestOneInput((const uint8_t *)text_string(&t), t.length);
        text_free(&t);
    }
    printf("%s: %d files\n", argv[0], argc - 1);
    return argc < 2;
}
