// SPDX-License-Identifier: BSD-2-Clause
/* manual.h - manual pages in man(7) format, written from the tables that the program works by. */
#ifndef PLATFORM_LINUX_MANUAL_H
#define PLATFORM_LINUX_MANUAL_H

struct argument;
struct element_class;
struct handler;

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

/* ---- what they say of a class, for whoever shows it in another form ---- */

/* Every class by name, malloc'ed, NULL behind the last; NULL: no memory. */
const struct element_class **manual_classes(void);
/* "required, IP address" */
void manual_argument_note(const struct argument *argument, char note[128]);
/* "count", or "pattern" and N; "read, write" */
void manual_handler_name(const struct handler *handler, char name[64]);
void manual_handler_note(const struct handler *handler, char note[96]);

#endif
