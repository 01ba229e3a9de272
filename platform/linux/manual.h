// SPDX-License-Identifier: BSD-2-Clause
/* manual.h - manual pages in man(7) format, written from the tables that the program works by. */
#ifndef PLATFORM_LINUX_MANUAL_H
#define PLATFORM_LINUX_MANUAL_H

struct option_row {
    int letter;                 /* 256 and above: it has only a long name; 0 ends a table */
    const char *name;
    const char *value;          /* what it takes; NULL: nothing */
    const char *help;           /* NULL: not for people */
};

/* click(1), to standard output. */
void manual_click(const struct option_row *options);
/* clickos-elements(7): every class with its arguments and handlers. */
void manual_elements(void);

#endif
