// SPDX-License-Identifier: BSD-2-Clause
/*
 * figures.h - what a VM says about itself: lines "NAME VALUE", or "VIF NAME VALUE" of its vifs.
 *
 * A guest wrote them, so nothing else gets through than this:
 * - VIF is a number up to FIGURE_VIF_MAX. NAME is a word of small letters, digits and _, and maybe a
 *   part behind a dot ("rx_drops.no_buffer"), each of at most FIGURE_WORD_MAX characters.
 * - VALUE is printable ASCII, at most FIGURE_TEXT_MAX characters.
 * - A figure said twice counts once, the first time; there are at most FIGURES_MAX.
 * Other lines are counted as `unreadable` and left out. Names that nobody here knows are kept: newer guests
 * have them.
 */
#ifndef CLI_FIGURES_H
#define CLI_FIGURES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    FIGURES_MAX = 8192, FIGURE_WORD_MAX = 31, FIGURE_TEXT_MAX = 127, FIGURE_VIF_MAX = 255,
    FIGURE_NO_VIF = -1, INSTANCES_MAX = 64,
};

struct figure {
    int vif;                                /* FIGURE_NO_VIF: of the whole VM */
    char name[FIGURE_WORD_MAX + 1];
    char part[FIGURE_WORD_MAX + 1];         /* behind the dot; "" when there is none */
    char text[FIGURE_TEXT_MAX + 1];
    bool is_number;                         /* text is a whole number, `value` */
    uint64_t value;
};

/* In order of vif, name and part; parts that are numbers in the order of numbers. */
struct figures {
    struct figure *figure;
    unsigned n;
    unsigned unreadable;
};

/* `vifs`: lines begin with a vif's number. `text` is NUL-terminated. */
struct figures figures_read(const char *text, bool vifs);
void figures_free(struct figures *figures);
/* NULL: it is not there. */
const struct figure *figures_find(const struct figures *figures, int vif, const char *name, const char *part);
/* The value of a number; 0 when it is not there. */
uint64_t figures_number(const struct figures *figures, int vif, const char *name);

/* {"name": number or text, "name.part": ...} of one vif, or of the VM. */
json_t *figures_json(const struct figures *figures, int vif);

struct instance {
    unsigned id;
    char status[16];                        /* letters */
    uint64_t generation;
    unsigned elements;
};

/* "id status generation elements" a line, up to the first that is something else; says how many. */
unsigned instances_read(const char *text, struct instance instances[INSTANCES_MAX]);
json_t *instances_json(const struct instance *instances, unsigned n);

#endif
