// SPDX-License-Identifier: BSD-2-Clause
/*
 * client.h - dom0's end of the control protocol: one request, one answer.
 *
 * What a VM answers was written by a guest: sizes are bounded by protocol.c, and text is shown with
 * its control characters made harmless (print.c).
 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/command.h"
#include "cli/toolstack.h"
#include "control/protocol.h"

struct xs_handle;

/* One VM, found by name. */
struct client {
    struct store store;             /* paths are relative to the VM's own folder */
    struct xs_handle *xs;
    struct toolstack *toolstack;
    uint32_t domid;
    char *name;                     /* as the user said it */
    long timeout_ms;
    bool json, verbose;
    uint64_t began_ns;
};

/* More requests follow in this process: watches are taken away, too. */
extern bool client_tidy;

/* How a request ended; more than the VM's own codes. */
enum client_result {
    CLIENT_OK,                      /* the reply's data is the answer */
    CLIENT_REFUSED,                 /* the reply's data says why, its word `code` which kind */
    CLIENT_FAILED,                  /* no answer; a message is printed */
};

/*
 * The process's connection to Xen, made when first asked for and left to the kernel at the end: closing
 * takes longer than most commands do. NULL: a message is printed.
 */
struct toolstack *client_toolstack(const struct invocation *invocation);

/* Finds the VM that the command's first operand names; prints why not. */
bool client_open(struct client *client, const struct invocation *invocation, const char *vm);
/* The same for a VM whose number is known. */
bool client_attach(struct client *client, const struct invocation *invocation, uint32_t domid,
                   const char *name);
void client_close(struct client *client);
/* Whether all VMs that the operands name are there; prints which is not. */
bool client_all_there(const struct invocation *invocation);

/*
 * Sends `line` (consumed) with data and waits for the answer. `config`: the data is a configuration
 * and goes where configurations stand. The reply must be freed with message_free() unless CLIENT_FAILED.
 */
enum client_result client_request(struct client *client, unsigned instance, struct text *line,
                                  const char *data, size_t length, bool config, struct message *reply);
/* The two halves of it, for `create`, which sends before the VM runs. `id` has PROTOCOL_ID_MAX + 1 bytes. */
bool client_send(struct client *client, unsigned instance, struct text *line, const char *data,
                 size_t length, bool config, char *id);
enum client_result client_wait(struct client *client, unsigned instance, const char *id,
                               struct message *reply);

/* Requests that wait together; each to any VM. */
struct client_call {
    struct client *client;
    unsigned instance;
    char id[PROTOCOL_ID_MAX + 1];           /* client_send() made it */
    /* Afterwards: */
    int error;                              /* 0: answered; -ENOENT: not in time; -ESRCH: the VM went */
    enum client_result result;
    struct message reply;                   /* to be freed unless CLIENT_FAILED */
    const char *why;                        /* of -EBADMSG */
};

/* Until each is answered, `end_ns` is over or a signal came. Prints nothing. */
void client_wait_all(struct client_call *calls, unsigned n, uint64_t end_ns);

/* From here on SIGINT, SIGTERM and SIGHUP end what waits, and only that. */
void client_catch_signals(void);
/* Whether one has come. */
bool client_interrupted(void);

/* Prints the reply's errors, for people to stderr, with --json to stdout. Returns EXIT_FAILURE. */
int client_refused(const struct client *client, const struct message *reply);

/*
 * Reads a handler, or writes `value` to it when that is not NULL. What it says, malloc'ed; NULL: a message is
 * printed, the VM's or that it did not answer.
 */
char *client_handler(struct client *client, unsigned instance, const char *name, const char *value);

/* Sleeps for so long, or until a signal says that this is enough; requests can be made afterwards. */
void client_pause(unsigned seconds);
/* Until then, or until a signal comes, which client_interrupted() then tells. */
void client_pause_until(uint64_t end_ns);

/* With --verbose: "   12.3 ms  what" to stderr, since the client was opened. */
void client_phase(const struct client *client, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
uint64_t now_ns(void);

/* Reads "2:fw/in.count" (an instance in front is optional). False: a usage error is printed. */
bool read_target(const struct invocation *invocation, const char *text, unsigned *instance,
                 const char **name);

/* Whether the VM was made by us, or by anybody from our image. */
bool client_is_clickos(struct client *client);
/* A value from the VM's folder, or NULL; malloc'ed, NUL-terminated. */
char *client_node(struct client *client, const char *path);

#endif
