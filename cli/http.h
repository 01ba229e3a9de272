// SPDX-License-Identifier: BSD-2-Clause
/*
 * http.h - one page over HTTP, made anew for each who asks.
 *
 * By libmicrohttpd, which is loaded here and not linked: no other command needs it, and a dom0 without it, or its
 * nine libraries, loses nothing but this. One thread does everything, so `make` may use what is not made for
 * several. Those who send nothing, and too many, are sent away.
 */
#ifndef CLI_HTTP_H
#define CLI_HTTP_H

#include <stdbool.h>

#include "router/text.h"

struct http_page {
    const char *path, *title, *type;
    /* False: it cannot be had now (a message is printed). */
    bool (*make)(void *argument, struct text *out);
    void *argument;
};

/*
 * A socket that listens at "127.0.0.1:9100" or "[::1]:9100"; port 0: one that is free. -1: a message is
 * printed. -2: not an address at all, and nothing is printed.
 */
int http_listen(const char *address);
/* Until `stop` says so, which is asked twice a second. False: it could not begin; a message is printed. */
bool http_serve(int listening, const struct http_page *page, bool (*stop)(void));

#endif
