// SPDX-License-Identifier: BSD-2-Clause
/* http.c - one page over HTTP; see http.h. */
#include "cli/http.h"

#include <dlfcn.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIBRARY "libmicrohttpd.so.12"

enum { CONNECTIONS_MAX = 32, IDLE_SECONDS = 10, LOOK_MS = 500 };

/* ---- the library ---- */

#undef MHD_get_fdset            /* its macro passes our FD_SETSIZE, which is the library's */

#define FUNCTIONS(_)                                                                              \
    _(MHD_start_daemon) _(MHD_stop_daemon) _(MHD_get_fdset) _(MHD_get_timeout) _(MHD_run_from_select) \
    _(MHD_create_response_from_buffer) _(MHD_add_response_header) _(MHD_queue_response) _(MHD_destroy_response)

#define DECLARE(function) __typeof__(&function) function;
static struct {
    FUNCTIONS(DECLARE)
} http;

static bool load(void)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

#define FIND(function) && (http.function = (__typeof__(&function))dlsym(library, #function))
    if (library FUNCTIONS(FIND))
        return true;
    fprintf(stderr, "clickos: --listen needs a library (on Debian: apt install libmicrohttpd12): %s\n", dlerror());
    return false;
}

/* ---- the socket ---- */

/* "HOST:PORT" or "[HOST]:PORT" in two; false: it is neither. */
static bool split(const char *address, char host[64], char port[6])
{
    const char *colon = strrchr(address, ':'), *end = colon;

    if (!colon || strlen(colon + 1) > 5 || !colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1))
        return false;
    if (*address == '[') {
        address++;
        if (*--end != ']')
            return false;
    } else if (memchr(address, ':', (size_t)(end - address))) {
        return false;
    }
    if (end <= address || end - address >= 64)
        return false;
    memcpy(host, address, (size_t)(end - address));
    host[end - address] = '\0';
    strcpy(port, colon + 1);
    return atoi(port) <= 65535;
}

int http_listen(const char *address)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE, .ai_socktype = SOCK_STREAM}, *found;
    char host[64], port[6];
    int fd, on = 1;

    if (!split(address, host, port) || getaddrinfo(host, port, &hints, &found))
        return -2;
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) ||
                    bind(fd, found->ai_addr, found->ai_addrlen) || listen(fd, CONNECTIONS_MAX))) {
        int error = errno;

        close(fd);
        errno = error;
        fd = -1;
    }
    if (fd < 0)
        fprintf(stderr, "clickos: cannot listen at %s: %s\n", address, strerror(errno));
    freeaddrinfo(found);
    return fd;
}

static void announce(int fd, const char *path)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    char host[64], port[6];

    if (!getsockname(fd, (struct sockaddr *)&address, &length) &&
        !getnameinfo((struct sockaddr *)&address, length, host, sizeof host, port, sizeof port,
                     NI_NUMERICHOST | NI_NUMERICSERV))
        fprintf(stderr, strchr(host, ':') ? "clickos: http://[%s]:%s%s\n" : "clickos: http://%s:%s%s\n", host, port, path);
}

/* ---- answers ---- */

/* Takes the text. */
static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *type, struct text *body)
{
    size_t length = body->length;
    struct MHD_Response *response = http.MHD_create_response_from_buffer(length, text_take(body), MHD_RESPMEM_MUST_FREE);
    enum MHD_Result result = MHD_NO;

    if (!response)
        return MHD_NO;
    http.MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        http.MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    result = http.MHD_queue_response(connection, status, response);
    http.MHD_destroy_response(response);
    return result;
}

static enum MHD_Result on_request(void *argument, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *upload, size_t *upload_size, void **state)
{
    const struct http_page *page = argument;
    const char *type = "text/plain; charset=utf-8";
    unsigned status = MHD_HTTP_OK;
    struct text body = {0};
    static char seen;

    (void)version, (void)upload;
    if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD)) {
        *upload_size = 0;
        status = MHD_HTTP_METHOD_NOT_ALLOWED;
        text_puts(&body, "GET or HEAD\n");
    } else if (!*state) {
        *state = &seen;             /* only headers so far; the library calls again */
        return MHD_YES;
    } else if (!strcmp(url, page->path)) {
        if (page->make(page->argument, &body)) {
            type = page->type;
        } else {
            status = MHD_HTTP_SERVICE_UNAVAILABLE;
            text_truncate(&body, 0);
            text_puts(&body, "not now\n");
        }
    } else if (!strcmp(url, "/")) {
        type = "text/html; charset=utf-8";
        text_printf(&body, "<!DOCTYPE html><title>%s</title><a href=\"%s\">%s</a>\n", page->title, page->path, page->title);
    } else {
        status = MHD_HTTP_NOT_FOUND;
        text_printf(&body, "there is %s\n", page->path);
    }
    return answer(connection, status, type, &body);
}

/* ---- the loop ---- */

static void wait_and_run(struct MHD_Daemon *daemon)
{
    fd_set in, out, except;
    MHD_UNSIGNED_LONG_LONG wait = LOOK_MS;
    struct timeval timeout;
    int max = -1;

    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_ZERO(&except);
    http.MHD_get_fdset(daemon, &in, &out, &except, &max);
    if (http.MHD_get_timeout(daemon, &wait) != MHD_YES || wait > LOOK_MS)
        wait = LOOK_MS;
    timeout = (struct timeval){.tv_usec = (suseconds_t)wait * 1000};
    if (select(max + 1, &in, &out, &except, &timeout) >= 0)
        http.MHD_run_from_select(daemon, &in, &out, &except);
}

bool http_serve(int listening, const struct http_page *page, bool (*stop)(void))
{
    struct MHD_Daemon *daemon;

    if (!load())
        return false;
    signal(SIGPIPE, SIG_IGN);       /* of somebody who does not wait for the answer */
    daemon = http.MHD_start_daemon(MHD_NO_FLAG, 0, NULL, NULL, on_request, (void *)(uintptr_t)page,
                                   MHD_OPTION_LISTEN_SOCKET, listening,
                                   MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
                                   MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_END);
    if (!daemon) {
        fprintf(stderr, "clickos: the HTTP server does not start\n");
        return false;
    }
    announce(listening, page->path);
    while (!stop())
        wait_and_run(daemon);
    http.MHD_stop_daemon(daemon);
    return true;
}
