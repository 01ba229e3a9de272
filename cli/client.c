// SPDX-License-Identifier: BSD-2-Clause
/*
 * client.c - dom0's end of the control protocol; see client.h and docs/control-protocol.md.
 *
 * A request is taken away by its client when the answer was read, when the time is over and when
 * the user presses ^C; the guest then takes the reply away.
 */
#include "cli/client.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <xenstore.h>

#include "cli/print.h"

enum { STALE_SECONDS = 600, LOOK_MS = 500 };

bool client_tidy;

uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void client_phase(const struct client *client, const char *format, ...)
{
    va_list args;

    if (!client->verbose)
        return;
    fprintf(stderr, "%9.1f ms  ", (double)(now_ns() - client->began_ns) / 1e6);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

/* ---- the store: libxenstore below the VM's folder ---- */

enum { FULL_PATH_MAX = PROTOCOL_PATH_MAX + 60 };

static struct client *client_of(struct store *store)
{
    return (struct client *)((char *)store - offsetof(struct client, store));
}

static const char *full_path(const struct client *client, const char *path, char full[FULL_PATH_MAX])
{
    snprintf(full, FULL_PATH_MAX, "/local/domain/%u/%s", client->domid, path);
    return full;
}

static int failure(void)
{
    return errno ? -errno : -EIO;
}

static int store_read(struct store *store, const char *path, char **value, size_t *length)
{
    struct client *client = client_of(store);
    char full[FULL_PATH_MAX];
    unsigned n;

    *value = xs_read(client->xs, XBT_NULL, full_path(client, path, full), &n);
    *length = *value ? n : 0;
    return *value ? 0 : failure();
}

static int store_write(struct store *store, const char *path, const char *value, size_t length)
{
    struct client *client = client_of(store);
    char full[FULL_PATH_MAX];

    return xs_write(client->xs, XBT_NULL, full_path(client, path, full), value, (unsigned)length)
               ? 0 : failure();
}

static int store_directory(struct store *store, const char *path, char ***names, unsigned *n)
{
    struct client *client = client_of(store);
    char full[FULL_PATH_MAX], **list = xs_directory(client->xs, XBT_NULL, full_path(client, path, full), n);

    if (!list)
        return failure();
    *names = calloc(*n + 1, sizeof **names);
    if (!*names)
        abort();
    for (unsigned i = 0; i < *n; i++)
        if (!((*names)[i] = strdup(list[i])))
            abort();
    free(list);
    return 0;
}

static int store_remove(struct store *store, const char *path)
{
    struct client *client = client_of(store);
    char full[FULL_PATH_MAX];

    return xs_rm(client->xs, XBT_NULL, full_path(client, path, full)) || errno == ENOENT ? 0 : failure();
}

static int store_watch(struct store *store, const char *path)
{
    struct client *client = client_of(store);
    char full[FULL_PATH_MAX];

    return xs_watch(client->xs, full_path(client, path, full), "reply") ? 0 : failure();
}

/* Ours alone to write: nodes of the guest would count against its quota, and could be changed by it. */
static int store_private_directory(struct store *store, const char *path)
{
    struct client *client = client_of(store);
    struct xs_permissions rights[] = {{0, XS_PERM_NONE}, {client->domid, XS_PERM_READ}};
    char full[FULL_PATH_MAX];

    full_path(client, path, full);
    return xs_mkdir(client->xs, XBT_NULL, full) && xs_set_permissions(client->xs, XBT_NULL, full, rights, 2)
               ? 0 : failure();
}

char *client_node(struct client *client, const char *path)
{
    char *value;
    size_t length;

    return store_read(&client->store, path, &value, &length) ? NULL : value;
}

/* ---- which VM ---- */

static struct toolstack *the_toolstack;
static struct xs_handle *the_store;

struct toolstack *client_toolstack(const struct invocation *invocation)
{
    if (!the_toolstack)
        the_toolstack = toolstack_open(option_given(invocation, "verbose"));
    return the_toolstack;
}

bool client_attach(struct client *client, const struct invocation *invocation, uint32_t domid,
                   const char *name)
{
    *client = (struct client){
        .store = {store_read, store_write, store_directory, store_remove, store_watch,
                  store_private_directory},
        .toolstack = client_toolstack(invocation), .domid = domid, .name = strdup(name),
        .timeout_ms = option_number(invocation, "timeout") * 1000, .began_ns = now_ns(),
        .json = option_given(invocation, "json"), .verbose = option_given(invocation, "verbose"),
    };
    if (!the_store)
        the_store = xs_open(0);
    client->xs = the_store;
    if (client->xs && client->name && client->toolstack)
        return true;
    fprintf(stderr, "clickos: cannot reach xenstore: %s\n", strerror(errno));
    free(client->name);
    return false;
}

static void print_no_vm(struct toolstack *toolstack, const char *name)
{
    struct toolstack_domain *domains;
    unsigned n, shown = 0;

    fprintf(stderr, "clickos: no VM '%s'", name);
    if (toolstack_domains(toolstack, &domains, &n)) {
        for (unsigned i = 0; i < n && shown < 20; i++)
            if (domains[i].name)
                fprintf(stderr, "%s%s", shown++ ? ", " : "; there is ", domains[i].name);
        if (!shown)
            fprintf(stderr, "; there is none at all");
        else if (n > shown)
            fprintf(stderr, " and %u more", n - shown);
        toolstack_domains_free(domains, n);
    }
    fputc('\n', stderr);
}

bool client_open(struct client *client, const struct invocation *invocation, const char *vm)
{
    uint64_t began = now_ns();
    struct toolstack *toolstack = client_toolstack(invocation);
    struct toolstack_domain domain;
    uint32_t domid;

    if (!toolstack)
        return false;
    if (!toolstack_find(toolstack, vm, &domid) || !toolstack_domain(toolstack, domid, &domain)) {
        print_no_vm(toolstack, vm);
        return false;
    }
    if (!client_attach(client, invocation, domid, vm))
        return false;
    client->began_ns = began;
    client_phase(client, "found VM %u", domid);
    return true;
}

void client_close(struct client *client)
{
    free(client->name);
    *client = (struct client){0};
}

bool read_target(const struct invocation *invocation, const char *text, unsigned *instance,
                 const char **name)
{
    const char *colon = strchr(text, ':');
    char number[8] = "";
    long n = 0;

    *instance = 0;
    *name = text;
    if (!colon)
        return true;
    if (colon - text < (long)sizeof number)
        memcpy(number, text, (size_t)(colon - text));
    if (!read_number(number, 0, 63, &n)) {
        usage_error(invocation->command, "'%s': want an instance from 0 to 63 before the colon", text);
        return false;
    }
    *instance = (unsigned)n;
    *name = colon + 1;
    return true;
}

/* ---- requests ---- */

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    interrupted = number;
}

/* Without SA_RESTART, so that waiting ends and the request can be taken away. */
static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

/* Begins with the time, so that requests are taken in order and old ones can be told. */
static void make_id(char *id)
{
    static unsigned requests;
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    snprintf(id, PROTOCOL_ID_MAX + 1, "%08llx%03lx-%x-%x", (unsigned long long)t.tv_sec,
             t.tv_nsec / 1000000, (unsigned)getpid(), requests++);
}

/* Requests of commands that were killed. */
static void sweep(struct client *client, unsigned instance)
{
    char path[PROTOCOL_PATH_MAX], **names;
    unsigned n;

    snprintf(path, sizeof path, PROTOCOL_ROOT "/%u/control", instance);
    if (store_directory(&client->store, path, &names, &n))
        return;
    for (unsigned i = 0; i < n; i++) {
        unsigned since;

        if (!protocol_id_valid(names[i]) || sscanf(names[i], "%8x", &since) != 1 ||
            (long long)time(NULL) - since < STALE_SECONDS)
            continue;
        snprintf(path, sizeof path, PROTOCOL_ROOT "/%u/control/%s", instance, names[i]);
        store_remove(&client->store, path);
    }
    store_names_free(names, n);
}

static void take_away(struct client *client, unsigned instance, const char *id)
{
    char path[PROTOCOL_PATH_MAX];

    snprintf(path, sizeof path, PROTOCOL_ROOT "/%u/control/%s", instance, id);
    store_remove(&client->store, path);
}

static void unwatch(struct client *client, unsigned instance, const char *id)
{
    char path[PROTOCOL_PATH_MAX], full[FULL_PATH_MAX];

    snprintf(path, sizeof path, PROTOCOL_ROOT "/%u/reply/%s/status", instance, id);
    xs_unwatch(client->xs, full_path(client, path, full), "reply");
}

/* Configurations stand where everybody can find the one sent last. */
static int write_config(struct client *client, unsigned instance, const char *data, size_t length,
                        struct text *line)
{
    char path[PROTOCOL_PATH_MAX];
    int error;

    snprintf(path, sizeof path, PROTOCOL_ROOT "/%u/config", instance);
    error = store_remove(&client->store, path);
    if (!error)
        error = store_private_directory(&client->store, path);
    protocol_word(line, "config", NULL);
    return error ? error
                 : protocol_write_chunks(&client->store, path, PROTOCOL_CHUNK_HOST, data, length, line);
}

bool client_send(struct client *client, unsigned instance, struct text *line, const char *data,
                 size_t length, bool config, char *id)
{
    char path[PROTOCOL_PATH_MAX];
    int error;

    if (length > PROTOCOL_DATA_MAX) {
        fprintf(stderr, "clickos: %zu bytes are too much; at most %d can be sent\n", length,
                PROTOCOL_DATA_MAX);
        text_free(line);
        return false;
    }
    catch_signals();
    make_id(id);
    snprintf(path, sizeof path, PROTOCOL_ROOT "/%u/control/%s", instance, id);
    error = store_private_directory(&client->store, path);
    if (!error && config)
        error = write_config(client, instance, data, length, line);
    if (!error)
        error = protocol_send(&client->store, path, "request", PROTOCOL_CHUNK_HOST, line,
                              config ? NULL : data, config ? 0 : length);
    text_free(line);
    if (!error)
        return true;
    fprintf(stderr, "clickos: cannot write the request to xenstore: %s\n",
            error == -E2BIG ? "it is too long" : strerror(-error));
    take_away(client, instance, id);
    return false;
}

/* Why there is no answer: a VM that went, or one that is none of ours. */
static bool still_alive(struct client *client)
{
    struct toolstack_domain domain;

    if (!toolstack_domain(client->toolstack, client->domid, &domain)) {
        fprintf(stderr, "clickos: VM '%s' has gone\n", client->name);
        return false;
    }
    if (domain.state == STATE_RUNNING || domain.state == STATE_PAUSED)
        return true;
    fprintf(stderr, "clickos: VM '%s' is %s\n", client->name, toolstack_state_name(domain.state));
    return false;
}

static void print_timeout(struct client *client)
{
    struct toolstack_domain domain = {0};
    char *version = client_node(client, PROTOCOL_ROOT "/version");

    toolstack_domain(client->toolstack, client->domid, &domain);
    fprintf(stderr, "clickos: VM '%s' did not answer within %ld s", client->name,
            client->timeout_ms / 1000);
    if (domain.state == STATE_PAUSED)
        fprintf(stderr, "; it is paused");
    else if (!version)
        fprintf(stderr, "; is it a ClickOS VM? Its control plane has not come up (clickos console %s)",
                client->name);
    fputc('\n', stderr);
    free(version);
}

enum client_result client_wait(struct client *client, unsigned instance, const char *id,
                               struct message *reply)
{
    uint64_t end = now_ns() + (uint64_t)client->timeout_ms * 1000000u;
    struct pollfd fd = {.fd = xs_fileno(client->xs), .events = POLLIN};
    char path[PROTOCOL_PATH_MAX];
    const char *why = "";
    int error;

    /*
     * Watched after the request is out: a new watch reports at once, so nothing is missed, and with
     * a watch libxenstore starts a thread that every later request would go through.
     */
    snprintf(path, sizeof path, PROTOCOL_ROOT "/%u/reply/%s/status", instance, id);
    error = store_watch(&client->store, path);
    if (error) {
        fprintf(stderr, "clickos: cannot watch for the answer: %s\n", strerror(-error));
        take_away(client, instance, id);
        return CLIENT_FAILED;
    }
    error = -ENOENT;
    snprintf(path, sizeof path, PROTOCOL_ROOT "/%u/reply/%s", instance, id);
    while (error == -ENOENT && !interrupted) {
        char **event = xs_check_watch(client->xs);
        uint64_t now = now_ns();
        int wait;

        if (event) {
            /* The watch is on one node; an event of an earlier request costs one more look. */
            free(event);
            error = protocol_receive(&client->store, path, "status", NULL, reply, &why);
            continue;
        }
        if (now >= end) {
            print_timeout(client);
            break;
        }
        wait = (int)((end - now) / 1000000 + 1);
        if (!poll(&fd, 1, wait < LOOK_MS ? wait : LOOK_MS) && !still_alive(client))
            break;
    }
    take_away(client, instance, id);
    if (client_tidy)
        unwatch(client, instance, id);
    if (interrupted)
        fprintf(stderr, "clickos: interrupted; the VM may have done what it was asked\n");
    else if (error && error != -ENOENT)
        fprintf(stderr, "clickos: VM '%s' sent an answer that cannot be read: %s\n", client->name,
                error == -EBADMSG ? why : strerror(-error));
    if (interrupted && !error)
        message_free(reply);
    if (interrupted || error)
        return CLIENT_FAILED;
    if (message_word(reply, "crowded"))
        sweep(client, instance);
    return strcmp(reply->verb, "ok") ? CLIENT_REFUSED : CLIENT_OK;
}

enum client_result client_request(struct client *client, unsigned instance, struct text *line,
                                  const char *data, size_t length, bool config, struct message *reply)
{
    char id[PROTOCOL_ID_MAX + 1];

    *reply = (struct message){0};
    if (!client_send(client, instance, line, data, length, config, id))
        return CLIENT_FAILED;
    client_phase(client, "request sent");
    return client_wait(client, instance, id, reply);
}

int client_refused(const struct client *client, const struct message *reply)
{
    const char *code = message_word(reply, "code");

    if (client->json)
        print_json_error(code ? code : "unknown", &reply->data);
    else
        print_line(stderr, text_string(&reply->data), reply->data.length, true);
    return EXIT_FAILURE;
}

char *client_handler(struct client *client, unsigned instance, const char *name, const char *value)
{
    struct message reply;
    struct text line = {0};
    char *said = NULL;

    text_puts(&line, value ? "write" : "read");
    protocol_word(&line, "handler", name);
    switch (client_request(client, instance, &line, value, value ? strlen(value) : 0, false, &reply)) {
    case CLIENT_OK:
        said = strdup(text_string(&reply.data));
        message_free(&reply);
        break;
    case CLIENT_REFUSED:
        client_refused(client, &reply);
        message_free(&reply);
        break;
    case CLIENT_FAILED:
        break;
    }
    return said;
}

void client_pause(unsigned seconds)
{
    uint64_t end = now_ns() + seconds * UINT64_C(1000000000), now;

    /* Looked at more than once: a signal may come just before poll() would sleep. */
    while (!interrupted && (now = now_ns()) < end) {
        uint64_t left = (end - now) / 1000000 + 1;

        poll(NULL, 0, left < LOOK_MS ? (int)left : LOOK_MS);
    }
    interrupted = 0;
}
