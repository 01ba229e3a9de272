// SPDX-License-Identifier: BSD-2-Clause
/* input.h - files that the user names. */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include <stddef.h>

/* The whole file ("-": standard input), malloc'ed, with a NUL behind it; NULL: a message is printed. */
char *input_read(const char *name, size_t *length);

#endif
