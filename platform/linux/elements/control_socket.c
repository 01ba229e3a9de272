// SPDX-License-Identifier: BSD-2-Clause
/*
 * control_socket.c - ControlSocket(TYPE, PORT|FILENAME|FD, keywords): other programs call handlers.
 *
 * Listens on a TCP port or a Unix socket, or talks over a descriptor that it is given; the protocol is
 * control_session.c's. Every connection is a task: it takes its turns with the tasks that move packets, a
 * command at a time.
 *
 * A connection reads only when what was read before has been carried out, and the session decides
 * when it listens; so a client who does not read answers, or sends without end, costs a bounded
 * amount of memory and nobody's time.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "platform/linux/elements/control_session.h"
#include "platform/linux/elements/control_socket.h"
#include "platform/linux/loop.h"
#include "platform/platform.h"
#include "router/element.h"
#include "router/router.h"

enum {
    CONNECTIONS_MAX = 256,              /* more wait in the listening socket's queue */
    BACKLOG = 64,
    ACCEPTS_A_RUN = 16,
    INPUT_SIZE = 4096,
    COMMAND_MAX = 4 << 20,
    COMMAND_FREE = INPUT_SIZE,
    MEMORY_MAX = 32 << 20,              /* held by unfinished commands of all connections */
    PORTS_TRIED = 11,                   /* behind the one that was asked for: PORT+ */
    DRAIN_READS = 16,                   /* at most, of what a client sent after its last command */
};

static const uint64_t RETRY_NS = 1000000000;

enum type { TYPE_TCP, TYPE_UNIX, TYPE_SOCKET };

struct control_socket;

struct connection {
    struct connection *next;
    struct control_socket *owner;
    struct task task;
    struct control_session session;
    int fd;
    bool ended;                         /* the client will send no more */
    bool reset;                         /* nor read */
    unsigned begin, end;                /* of what was read and not yet carried out */
    char input[INPUT_SIZE];
};

struct control_socket {
    struct element base;
    struct arg_string type_name;
    struct element *proxy;
    bool read_only, verbose, localhost, retry_warnings;
    int32_t retries;

    enum type type;
    struct control_port port;           /* of a TCP socket; the one it has when it is open */
    char *path;                         /* of a Unix socket */
    int given_fd;

    int fd;                             /* that listens; -1: none */
    bool bound;                         /* the Unix socket's file is ours */
    bool refusing;                      /* the last accept() failed, which was said */
    struct task accept_task;
    struct timer retry;                 /* to bind, or to accept again */
    struct connection *connections, *gone;
    unsigned n_connections;
    struct control_memory memory;
};

static const struct argument arguments[] = {
    {.name = "TYPE", .kind = ARG_REQUIRED, .type = &arg_string,
     .offset = offsetof(struct control_socket, type_name),
     .help = "TCP, UNIX, or SOCKET for a descriptor that the process was started with"},
    {.name = "PORT", .kind = ARG_REST,
     .help = "with TCP: port, ADDRESS:port, or port+ for the first free one from there; with UNIX: the "
             "socket's file name; with SOCKET: the descriptor's number"},
    {.name = "READONLY", .kind = ARG_KEYWORD, .type = &arg_bool,
     .offset = offsetof(struct control_socket, read_only), .help = "refuse to call write handlers"},
    {.name = "PROXY", .kind = ARG_KEYWORD, .type = &arg_element,
     .offset = offsetof(struct control_socket, proxy),
     .help = "call handlers of this element, whatever clients call them, instead of the router's"},
    {.name = "VERBOSE", .kind = ARG_KEYWORD, .type = &arg_bool,
     .offset = offsetof(struct control_socket, verbose),
     .help = "say when connections come and go"},
    {.name = "LOCALHOST", .kind = ARG_KEYWORD, .type = &arg_bool,
     .offset = offsetof(struct control_socket, localhost),
     .help = "with TCP: accept connections from this host only; without it and an address, from everywhere"},
    {.name = "RETRIES", .kind = ARG_KEYWORD, .type = &arg_int,
     .offset = offsetof(struct control_socket, retries),
     .help = "when the socket cannot be opened, try so many times more, once a second; default 0"},
    {.name = "RETRY_WARNINGS", .kind = ARG_KEYWORD, .type = &arg_bool,
     .offset = offsetof(struct control_socket, retry_warnings),
     .help = "warn of every try that failed, not only of the last one; default true"},
    {0},
};

static void setup(struct element *e)
{
    struct control_socket *c = element_as(struct control_socket, e);

    c->fd = -1;
    c->retry_warnings = true;
    c->memory = (struct control_memory){COMMAND_MAX, COMMAND_FREE, 0, MEMORY_MAX};
}

/* ---- the calls of a session ---- */

struct found {
    struct element *element;            /* NULL: the router itself */
    const struct handler *handler;
    unsigned index;
};

static void refuse(struct control_answer *answer, enum control_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void refuse(struct control_answer *answer, enum control_code code, const char *format, ...)
{
    va_list args;

    answer->code = code;
    va_start(args, format);
    text_vprintf(&answer->messages, format, args);
    va_end(args);
}

static void take_messages(struct control_answer *answer, enum control_code code,
                          struct errors *errors)
{
    answer->code = code;
    text_puts(&answer->messages, text_string(&errors->text));
}

/* "name", or the number in the router's list, from 1. */
static struct element *find_element(struct router *r, const char *name, size_t length)
{
    char *copy = strndup(name, length);
    struct element *e = copy ? router_find(r, copy) : NULL;
    uint64_t number;

    if (!e && copy && args_read_unsigned(copy, r->n_elements, &number) && number)
        e = r->elements[number - 1];
    free(copy);
    return e;
}

/* "element.handler"; "handler", ".handler" and "0.handler" are the router's own. */
static bool find(struct control_socket *c, const char *name, struct found *found,
                 struct control_answer *answer)
{
    struct router *r = c->base.router;
    const char *handler = name, *dot = strchr(name, '.');

    found->element = c->proxy;
    if (dot && (dot == name || (dot == name + 1 && *name == '0'))) {
        handler = dot + 1;
    } else if (dot && !c->proxy) {
        handler = dot + 1;
        found->element = find_element(r, name, (size_t)(dot - name));
        if (!found->element) {
            refuse(answer, CONTROL_NO_ELEMENT, "No element named '%.*s'", (int)(dot - name), name);
            return false;
        }
    }
    found->handler = handler_find(r, found->element, handler, &found->index);
    if (found->handler && !(found->handler->flags & HANDLER_PRIVATE))
        return true;
    refuse(answer, CONTROL_NO_HANDLER, "No %shandler named '%s'", c->proxy ? "proxied " : "", name);
    return false;
}

static void call_read(void *context, const char *name, const char *parameter, size_t length,
                      struct control_answer *answer)
{
    struct control_socket *c = context;
    struct errors errors = {0};
    struct found f;

    if (!find(c, name, &f, answer))
        return;
    if (!handler_readable(f.handler)) {
        refuse(answer, CONTROL_PERMISSION, "Handler '%s' write-only", name);
    } else if (length && !(f.handler->flags & HANDLER_PARAMETER)) {
        refuse(answer, CONTROL_UNSPECIFIED, "read handler '%s' does not take parameters", name);
    } else {
        if (handler_read_status(c->base.router, f.element, f.handler, f.index, parameter, length,
                                &answer->data, &errors) < 0 || errors.count)
            take_messages(answer, CONTROL_UNSPECIFIED, &errors);
        errors_free(&errors);
    }
}

static void call_write(void *context, const char *name, const char *value, size_t length,
                       struct control_answer *answer)
{
    struct control_socket *c = context;
    struct errors errors = {0};
    struct found f;
    int status;

    if (!find(c, name, &f, answer))
        return;
    if (!handler_writable(f.handler)) {
        refuse(answer, CONTROL_PERMISSION, "Handler '%s' read-only", name);
    } else if (c->read_only) {
        refuse(answer, CONTROL_PERMISSION, "Permission denied for '%s'", name);
    } else {
        status = handler_write_status(c->base.router, f.element, f.handler, f.index, value, length,
                                      &errors);
        take_messages(answer,
                      status < 0 || errors.count ? CONTROL_HANDLER_ERROR
                      : errors.warnings          ? CONTROL_OK_WARNINGS
                                                 : CONTROL_OK,
                      &errors);
        errors_free(&errors);
    }
}

static void call_check(void *context, const char *name, bool writing, struct control_answer *answer)
{
    struct control_socket *c = context;
    struct found f;

    if (!find(c, name, &f, answer))
        return;
    if (!(writing ? handler_writable(f.handler) : handler_readable(f.handler)))
        refuse(answer, CONTROL_NO_HANDLER, "Handler '%s' not %s", name,
               writing ? "writable" : "readable");
    else if (writing && c->read_only)
        refuse(answer, CONTROL_PERMISSION, "Permission denied for '%s'", name);
}

static const struct control_calls calls = {call_read, call_write, call_check};

/* ---- connections ---- */

/* A task that runs cannot be freed; those that ended are, when the next one runs. */
static void bury(struct control_socket *c)
{
    while (c->gone) {
        struct connection *n = c->gone;

        c->gone = n->next;
        free(n);
    }
}

/*
 * Closing a TCP socket with unread bytes would reset the connection, and the client might lose the last
 * answers. What follows a QUIT is not wanted, so it is read and forgotten.
 */
static void drain(int fd)
{
    char nowhere[INPUT_SIZE];

    for (int i = 0; i < DRAIN_READS && read(fd, nowhere, sizeof nowhere) > 0; i++)
        continue;
}

static void disconnect(struct connection *n)
{
    struct control_socket *c = n->owner;
    struct connection **at = &c->connections;

    while (*at != n)
        at = &(*at)->next;
    *at = n->next;
    if (!n->ended)
        drain(n->fd);
    loop_forget(n->fd);
    close(n->fd);
    if (c->verbose)
        element_log_declared(&c->base, "closed connection %d", n->fd);
    control_session_free(&n->session);
    task_destroy(&n->task);
    n->next = c->gone;
    c->gone = n;
    if (c->n_connections-- == CONNECTIONS_MAX && c->fd >= 0)
        loop_arm(c->fd, LOOP_READ);
}

static void receive(struct connection *n)
{
    ssize_t got;

    if (n->ended || n->begin < n->end || !control_session_listens(&n->session))
        return;
    do
        got = read(n->fd, n->input, sizeof n->input);
    while (got < 0 && errno == EINTR);
    n->begin = 0;
    n->end = got > 0 ? (unsigned)got : 0;
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK))
        n->ended = true;
}

static void send_output(struct connection *n)
{
    const char *bytes;
    ssize_t sent;
    size_t length;

    while (bytes = control_session_output(&n->session, &length), length && !n->reset) {
        sent = write(n->fd, bytes, length);
        if (sent >= 0)
            control_session_sent(&n->session, (size_t)sent);
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            return;
        else if (errno != EINTR)
            n->reset = true;
    }
}

static bool run_connection(struct element *e, struct task *task)
{
    struct connection *n = (struct connection *)((char *)task - offsetof(struct connection, task));
    size_t left, unsent;

    bury(element_as(struct control_socket, e));
    receive(n);
    left = n->end - n->begin;
    if (left)
        n->begin += (unsigned)control_session_input(&n->session, n->input + n->begin, left);
    else if (n->ended && control_session_listens(&n->session))
        control_session_end(&n->session);
    send_output(n);
    left = n->end - n->begin;
    control_session_output(&n->session, &unsent);
    if (n->reset || (control_session_over(&n->session) && !unsent)) {
        disconnect(n);
        return true;
    }
    if (unsent)
        loop_arm(n->fd, LOOP_WRITE);
    if (!control_session_listens(&n->session))
        return true;
    if (left || n->ended)
        task_reschedule(task);
    else
        loop_arm(n->fd, LOOP_READ);
    return true;
}

/* Takes the descriptor; it is closed when there is no memory for a connection. */
static bool connect_client(struct control_socket *c, int fd)
{
    struct connection *n = calloc(1, sizeof *n);

    if (!n || task_init(&n->task, &c->base, run_connection) < 0 ||
        loop_watch(fd, LOOP_READ, &n->task) < 0 || loop_watch(fd, LOOP_WRITE, &n->task) < 0) {
        if (n)
            task_destroy(&n->task);
        loop_forget(fd);
        free(n);
        close(fd);
        return false;
    }
    n->owner = c;
    n->fd = fd;
    control_session_init(&n->session, &calls, c, &c->memory);
    n->next = c->connections;
    c->connections = n;
    c->n_connections++;
    task_schedule(&n->task);            /* the greeting */
    return true;
}

static void say_opened(struct control_socket *c, int fd, const struct sockaddr_in *from)
{
    char address[INET_ADDRSTRLEN];

    if (c->type == TYPE_TCP && inet_ntop(AF_INET, &from->sin_addr, address, sizeof address))
        element_log_declared(&c->base, "opened connection %d from %s.%d", fd, address, ntohs(from->sin_port));
    else
        element_log_declared(&c->base, "opened connection %d", fd);
}

static bool run_accept(struct element *e, struct task *task)
{
    struct control_socket *c = element_as(struct control_socket, e);

    (void)task;
    bury(c);
    for (int i = 0; i < ACCEPTS_A_RUN && c->n_connections < CONNECTIONS_MAX; i++) {
        struct sockaddr_in from = {0};
        socklen_t length = sizeof from;
        int fd = accept4(c->fd, c->type == TYPE_TCP ? (struct sockaddr *)&from : NULL,
                         c->type == TYPE_TCP ? &length : NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
            continue;
        if (fd < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        if (fd < 0) {                   /* no descriptors left, say: not at once again */
            if (!c->refusing)
                element_log_declared(&c->base, "accept: %s", strerror(errno));
            c->refusing = true;
            timer_set_after(&c->retry, RETRY_NS);
            return true;
        }
        c->refusing = false;
        if (c->verbose)
            say_opened(c, fd, &from);
        if (!connect_client(c, fd))
            element_log_declared(&c->base, "out of memory");
    }
    if (c->n_connections < CONNECTIONS_MAX)
        loop_arm(c->fd, LOOP_READ);
    return true;
}

/* ---- opening ---- */

/* Negative errno; *call says which one failed. */
static int open_tcp(struct control_socket *c, const char **call)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {c->port.address}};
    socklen_t length = sizeof address;
    int on = 1, last = c->port.port + (c->port.or_next ? PORTS_TRIED : 0);

    *call = "socket";
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        return -errno;
    /* Without it the port of a process that has just ended cannot be had for a minute. */
    setsockopt(c->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    *call = "bind";
    for (int port = c->port.port;; port++) {
        address.sin_port = htons((uint16_t)port);
        if (bind(c->fd, (struct sockaddr *)&address, sizeof address) == 0)
            break;
        if (port >= last || port >= UINT16_MAX)
            return -errno;
    }
    if (getsockname(c->fd, (struct sockaddr *)&address, &length) == 0)
        c->port.port = ntohs(address.sin_port);
    c->port.or_next = false;
    return 0;
}

static int open_unix(struct control_socket *c, const char **call)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    memcpy(address.sun_path, c->path, strlen(c->path) + 1);
    *call = "socket";
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        return -errno;
    *call = "bind";
    if (bind(c->fd, (struct sockaddr *)&address, sizeof address) < 0)
        return -errno;
    c->bound = true;
    return 0;
}

static void stop_listening(struct control_socket *c)
{
    if (c->fd >= 0) {
        loop_forget(c->fd);
        close(c->fd);
    }
    if (c->bound)
        unlink(c->path);
    c->fd = -1;
    c->bound = false;
}

static int open_listener(struct control_socket *c, const char **call)
{
    int status = c->type == TYPE_TCP ? open_tcp(c, call) : open_unix(c, call);

    if (!status) {
        *call = "listen";
        if (listen(c->fd, BACKLOG) < 0)
            status = -errno;
    }
    if (!status)
        status = loop_watch(c->fd, LOOP_READ, &c->accept_task);
    if (status)
        stop_listening(c);
    return status;
}

static int use_given(struct control_socket *c, const char **call)
{
    int flags = fcntl(c->given_fd, F_GETFL);

    *call = "descriptor";
    if (loop_watches(c->given_fd))
        return -EBUSY;
    if (flags < 0 || fcntl(c->given_fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
        fcntl(c->given_fd, F_SETFD, FD_CLOEXEC) < 0)
        return -errno;
    return connect_client(c, c->given_fd) ? 0 : -ENOMEM;
}

/* One try. What went wrong is said unless other tries are left and nobody wants to know. */
static bool try_to_open(struct control_socket *c, struct errors *errors)
{
    const char *call;
    int status = c->type == TYPE_SOCKET ? use_given(c, &call) : open_listener(c, &call);

    if (!status)
        return true;
    if (c->retries-- <= 0)
        errors_add(errors, NULL, "%s: %s", call, strerror(-status));
    else if (c->retry_warnings)
        errors_warn(errors, NULL, "%s: %s (%d %s left)", call, strerror(-status), c->retries + 1,
                    c->retries ? "tries" : "try");
    return false;
}

static void retry(struct element *e, struct timer *timer)
{
    struct control_socket *c = element_as(struct control_socket, e);
    struct errors errors = {0};

    if (c->fd >= 0) {
        loop_arm(c->fd, LOOP_READ);
    } else if (!try_to_open(c, &errors)) {
        platform_log(text_string(&errors.text), errors.text.length);
        if (c->retries >= 0)
            timer_set_after(timer, RETRY_NS);
        else
            router_please_stop(e->router);
    }
    errors_free(&errors);
}

/* The other has, or wants, the place that this one is told to have. */
static bool same_place(const struct control_socket *c, const struct control_socket *other)
{
    if (c->type != other->type)
        return false;
    if (c->type == TYPE_UNIX)
        return strcmp(c->path, other->path) == 0;
    if (c->type == TYPE_SOCKET)
        return c->given_fd == other->given_fd;
    return c->port.address == other->port.address &&
           (c->port.or_next || !c->port.port || c->port.port == other->port.port);
}

static struct control_socket *find_predecessor(struct control_socket *c)
{
    struct element *e = router_predecessor(&c->base);
    struct control_socket *other = e ? element_as(struct control_socket, e) : NULL;

    return other && same_place(c, other) ? other : NULL;
}

static bool initialize(struct element *e, struct errors *errors)
{
    struct control_socket *c = element_as(struct control_socket, e);

    if (timer_init(&c->retry, e, retry) < 0 || task_init(&c->accept_task, e, run_accept) < 0)
        return element_error(e, errors, "out of memory");
    if (find_predecessor(c))            /* take_state() gets the socket, with those who are connected */
        return true;
    if (try_to_open(c, errors))
        return true;
    if (c->retries < 0)
        return false;
    timer_set_after(&c->retry, RETRY_NS);
    return true;
}

/* Clients do not notice: what was read, and what waits to be sent, moves with their connections. */
static void take_connections(struct control_socket *c, struct control_socket *old)
{
    struct connection *n, **end = &c->connections;

    while ((n = old->connections)) {
        old->connections = n->next;
        old->n_connections--;
        task_destroy(&n->task);
        if (task_init(&n->task, &c->base, run_connection) < 0) {
            loop_forget(n->fd);
            close(n->fd);
            control_session_free(&n->session);
            free(n);
            continue;
        }
        n->owner = c;
        control_session_move(&n->session, c, &c->memory);
        task_schedule(&n->task);
        n->next = NULL;
        *end = n;
        end = &n->next;
        c->n_connections++;
    }
}

static void take_state(struct element *e, struct element *predecessor)
{
    struct control_socket *c = element_as(struct control_socket, e);
    struct control_socket *old = find_predecessor(c);

    (void)predecessor;
    if (!old)
        return;
    take_connections(c, old);
    c->fd = old->fd;
    c->bound = old->bound;
    old->fd = -1;
    old->bound = false;
    c->port = old->port;
    if (c->fd >= 0)
        loop_watch(c->fd, LOOP_READ, &c->accept_task);
    else if (c->type != TYPE_SOCKET)    /* it had none yet: this one goes on trying */
        timer_set_after(&c->retry, 0);
}

static void cleanup(struct element *e)
{
    struct control_socket *c = element_as(struct control_socket, e);

    stop_listening(c);
    while (c->connections) {
        send_output(c->connections);    /* the answer to a `write stop`, for one */
        disconnect(c->connections);
    }
    bury(c);
    task_destroy(&c->accept_task);
    timer_destroy(&c->retry);
    free(c->path);
}

/* ---- configuration ---- */

bool control_port_read(const struct element *scope, const char *text, struct control_port *port)
{
    struct errors unwanted = {0};
    struct arg_context context = {.element = (struct element *)scope, .errors = &unwanted};
    char *copy = strdup(text), *number = copy, *colon = copy ? strrchr(copy, ':') : NULL;
    uint64_t n;
    bool ok = copy;

    *port = (struct control_port){0};
    if (ok && colon) {
        *colon = '\0';
        number = colon + 1;
        port->has_address = true;
        ok = args_read_ip(scope, copy, &port->address);
    }
    if (ok && *number && number[strlen(number) - 1] == '+') {
        number[strlen(number) - 1] = '\0';
        port->or_next = true;
        ok = args_read_unsigned(number, UINT16_MAX, &n) && n > 0;
        if (ok)
            port->port = (uint16_t)n;
    } else if (ok) {
        ok = arg_tcp_port.parse(&context, number, &port->port);
    }
    errors_free(&unwanted);
    free(copy);
    return ok;
}

static bool configure_tcp(struct control_socket *c, const char *word, struct errors *errors)
{
    if (!control_port_read(&c->base, word, &c->port))
        return element_error(&c->base, errors, "PORT requires TCP port");
    if (!c->port.has_address)
        c->port.address = htonl(c->localhost ? INADDR_LOOPBACK : INADDR_ANY);
    return true;
}

static bool configure_unix(struct control_socket *c, const char *word, struct errors *errors)
{
    if (!*word)
        return element_error(&c->base, errors, "FILENAME: parse error");
    if (strlen(word) >= sizeof ((struct sockaddr_un *)NULL)->sun_path)
        return element_error(&c->base, errors, "filename too long");
    c->path = strdup(word);
    return c->path || element_error(&c->base, errors, "out of memory");
}

static bool configure_socket(struct control_socket *c, const char *word, struct errors *errors)
{
    uint64_t number;

    if (!args_read_unsigned(word, INT32_MAX, &number))
        return element_error(&c->base, errors, "FD: invalid number");
    c->given_fd = (int)number;
    return true;
}

static const struct {
    const char *name, *what;            /* how the second argument is called */
    bool (*configure)(struct control_socket *c, const char *word, struct errors *errors);
} types[] = {
    [TYPE_TCP] = {"TCP", "PORT", configure_tcp},
    [TYPE_UNIX] = {"UNIX", "FILENAME", configure_unix},
    [TYPE_SOCKET] = {"SOCKET", "FD", configure_socket},
};

static bool configure(struct element *e, const struct words *rest, struct errors *errors)
{
    struct control_socket *c = element_as(struct control_socket, e);
    unsigned type = 0;
    const char *second;
    size_t length;
    char *word;
    bool ok;

    while (type < sizeof types / sizeof *types && strcasecmp(types[type].name, c->type_name.s))
        type++;
    if (type == sizeof types / sizeof *types)
        return element_error(e, errors, "unknown socket type '%s'", c->type_name.s);
    c->type = (enum type)type;
    if (!rest->n)
        return element_error(e, errors, "%s: required argument missing", types[type].what);
    if (rest->n > 1)
        return element_error(e, errors, "too many arguments");
    second = rest->word[0];
    length = strlen(types[type].what);
    if (strncmp(second, types[type].what, length) == 0 && second[length] == ' ')
        second += length + strspn(second + length, " ");
    word = args_unquote(second, &length);
    if (!word)
        return element_error(e, errors, "out of memory");
    if (strlen(word) != length)
        ok = element_error(e, errors, "%s: parse error", types[type].what);
    else
        ok = types[type].configure(c, word, errors);
    free(word);
    return ok;
}

/* ---- handlers: "port" of a TCP socket, "filename" of a Unix socket ---- */

static const char *const handler_names[] = {[TYPE_TCP] = "port", [TYPE_UNIX] = "filename",
                                            [TYPE_SOCKET] = NULL};

static const char *member(struct element *e, unsigned index)
{
    return index ? NULL : handler_names[element_as(struct control_socket, e)->type];
}

static int named(struct element *e, const char *name)
{
    const char *ours = member(e, 0);

    return ours && strcmp(ours, name) == 0 ? 0 : -1;
}

static int read_place(struct element *e, const struct handler_call *call, struct text *out)
{
    struct control_socket *c = element_as(struct control_socket, e);

    (void)call;
    if (c->type == TYPE_UNIX)
        text_puts(out, c->path);
    else
        text_printf(out, "%u%s", c->port.port, c->port.or_next ? "+" : "");
    return 0;
}

static const struct handler handlers[] = {
    {.name = "*", .read = read_place, .named = named, .member = member,
     .help = "port, the TCP port that it listens on; or filename, the Unix socket's"},
    {0},
};

ELEMENT_CLASS(control_socket) = {
    .name = "ControlSocket", .ports = PORTS_0_0, .processing = AGNOSTIC,
    .size = sizeof(struct control_socket),
    .arguments = arguments, .handlers = handlers, .setup = setup, .configure = configure,
    .initialize = initialize, .cleanup = cleanup, .take_state = take_state,
    .group = "control", .purpose = "opens a socket over which other programs call handlers",
    .manual =
        "Clients speak Click's ControlSocket protocol, version 1.3: lines such as `READ c.count` or `WRITE "
        "s.switch 1`, answered by lines that begin with a code, 2xx when all went well; HELP lists the "
        "commands. A TCP socket listens on all addresses, as Click's does, so whoever reaches the host may call "
        "handlers: use LOCALHOST true, an address in front of the port, or a Unix socket, whose file's rights "
        "follow the umask. When a configuration is replaced, clients stay connected to a ControlSocket of the same "
        "name at the same place. At most 256 clients are served at a time, others wait. A command may have 4 MiB "
        "with its data. In a process only.",
};
