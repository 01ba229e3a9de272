// SPDX-License-Identifier: BSD-2-Clause
/* top_screen.h - clickos top on a terminal: draws lines, takes keys. */
#ifndef CLI_TOP_SCREEN_H
#define CLI_TOP_SCREEN_H

#include "cli/top_view.h"

enum top_wish {
    TOP_LOOK,               /* the time is over, or a key wants it to be: look again */
    TOP_DRAW,               /* the view is another */
    TOP_QUIT,
};

/* False: not a terminal that it can use; a message is printed. */
bool top_screen_open(struct top_view *view);
void top_screen_close(void);
void top_screen_draw(const struct top_view *view, const char *lines);
/* Until somebody wishes something, or `end_ns`. Keys change the view. */
enum top_wish top_screen_wait(struct top_view *view, uint64_t end_ns);

#endif
