// SPDX-License-Identifier: BSD-2-Clause
/*
 * top_view.h - two looks at VMs as a table of what happened between them: for a terminal, a file, or a program.
 *
 * A VM that was not there before, or a figure that it did not say before, has no rate yet ("-", in JSON null). A
 * counter that went back stands for a vif or VM that began anew: nothing happened.
 */
#ifndef CLI_TOP_VIEW_H
#define CLI_TOP_VIEW_H

#include "cli/observe.h"
#include "router/text.h"

enum top_sort { TOP_CPU, TOP_MEMORY, TOP_NAME, TOP_PACKETS, TOP_DROPS, TOP_SORTS };
/* "cpu", ...: ends with NULL. */
extern const char *const top_sort_names[TOP_SORTS + 1];

struct top_view {
    enum top_sort sort;             /* the largest first; names in their order */
    bool hide_vifs, hide_instances;
    int columns;                    /* names are cut so that lines fit; 0: they are not */
};

/* Lines; the first says what the host does, the third has the columns' titles. */
enum { TOP_TITLE_LINE = 2 };
void top_view_text(const struct top_view *view, const struct observation *before, const struct observation *now,
                   struct text *out);
json_t *top_view_json(const struct top_view *view, const struct observation *before, const struct observation *now);

#endif
