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
#include "cli/reap.h"

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

bool client_is_clickos(struct client *client)
{
    char *mark = client_node(client, REAP_MARK), *version = mark ? NULL : client_node(client, PROTOCOL_ROOT "/version");
    bool is = mark || version;

    free(mark);
    free(version);
    return is;
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

bool client_all_there(const struct invocation *invocation)
{
    struct toolstack *toolstack = client_toolstack(invocation);
    uint32_t domid;

    for (int i = 0; toolstack && i < invocation->n_operands; i++)
        if (!toolstack_find(toolstack, invocation->operand[i], &domid)) {
            print_no_vm(toolstack, invocation->operand[i]);
            return false;
        }
    return toolstack != NULL;
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
void client_catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

bool client_interrupted(void)
{
    return interrupted;
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
    client_catch_signals();
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

/* Whether an answer can still come. */
static bool lives(struct client *client)
{
    struct toolstack_domain domain;

    return toolstack_domain(client->toolstack, client->domid, &domain) &&
           (domain.state == STATE_RUNNING || domain.state == STATE_PAUSED);
}

static void print_gone(struct client *client)
{
    struct toolstack_domain domain;

    if (toolstack_domain(client->toolstack, client->domid, &domain))
        fprintf(stderr, "clickos: VM '%s' is %s\n", client->name, toolstack_state_name(domain.state));
    else
        fprintf(stderr, "clickos: VM '%s' has gone\n", client->name);
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

/* The watch's token is the call's number. */
static bool watch_call(struct client_call *call, unsigned number, bool on)
{
    char path[PROTOCOL_PATH_MAX], full[FULL_PATH_MAX], token[12];

    snprintf(path, sizeof path, PROTOCOL_ROOT "/%u/reply/%s/status", call->instance, call->id);
    snprintf(token, sizeof token, "%u", number);
    full_path(call->client, path, full);
    return on ? xs_watch(call->client->xs, full, token) : xs_unwatch(call->client->xs, full, token);
}

/* Looks whether it is answered; true: nothing more is to come. */
static bool look(struct client_call *call)
{
    char path[PROTOCOL_PATH_MAX];

    snprintf(path, sizeof path, PROTOCOL_ROOT "/%u/reply/%s", call->instance, call->id);
    call->error = protocol_receive(&call->client->store, path, "status", NULL, &call->reply, &call->why);
    return call->error != -ENOENT;
}

/* What was asked of the VM is over for us, however it ended. */
static void end_call(struct client_call *call, unsigned number, bool more_follow)
{
    take_away(call->client, call->instance, call->id);
    if (more_follow)
        watch_call(call, number, false);
    if (interrupted && !call->error) {
        message_free(&call->reply);
        call->error = -EINTR;
    }
    if (call->error)
        return;
    if (message_word(&call->reply, "crowded"))
        sweep(call->client, call->instance);
    call->result = strcmp(call->reply.verb, "ok") ? CLIENT_REFUSED : CLIENT_OK;
}

static void wait_for(struct client_call *calls, unsigned n, uint64_t end, bool more_follow)
{
    struct pollfd fd = {.events = POLLIN};
    unsigned waiting = 0;

    /*
     * Watched after the requests are out: a new watch reports at once, so nothing is missed, and with
     * a watch libxenstore starts a thread that every later request would go through.
     */
    for (unsigned i = 0; i < n; i++) {
        calls[i].result = CLIENT_FAILED;
        calls[i].error = watch_call(&calls[i], i, true) ? -ENOENT : failure();
        waiting += calls[i].error == -ENOENT;
        fd.fd = xs_fileno(calls[i].client->xs);
    }
    while (waiting && !interrupted) {
        char **event = xs_check_watch(calls[0].client->xs);
        uint64_t now = now_ns();
        int wait;

        if (event) {
            /* Each watch is on one node; an event of an earlier request costs one more look. */
            unsigned number = (unsigned)strtoul(event[XS_WATCH_TOKEN], NULL, 10);

            if (number < n && calls[number].error == -ENOENT && look(&calls[number]))
                waiting--;
            free(event);
            continue;
        }
        if (now >= end)
            break;
        wait = (int)((end - now) / 1000000 + 1);
        if (poll(&fd, 1, wait < LOOK_MS ? wait : LOOK_MS))
            continue;
        for (unsigned i = 0; i < n; i++)
            if (calls[i].error == -ENOENT && !lives(calls[i].client)) {
                calls[i].error = -ESRCH;
                waiting--;
            }
    }
    for (unsigned i = 0; i < n; i++)
        end_call(&calls[i], i, more_follow);
}

void client_wait_all(struct client_call *calls, unsigned n, uint64_t end_ns)
{
    wait_for(calls, n, end_ns, true);
}

enum client_result client_wait(struct client *client, unsigned instance, const char *id,
                               struct message *reply)
{
    struct client_call call = {.client = client, .instance = instance};

    snprintf(call.id, sizeof call.id, "%s", id);
    wait_for(&call, 1, now_ns() + (uint64_t)client->timeout_ms * 1000000u, client_tidy);
    if (interrupted)
        fprintf(stderr, "clickos: interrupted; the VM may have done what it was asked\n");
    else if (call.error == -ENOENT)
        print_timeout(client);
    else if (call.error == -ESRCH)
        print_gone(client);
    else if (call.error)
        fprintf(stderr, "clickos: VM '%s' sent an answer that cannot be read: %s\n", client->name,
                call.error == -EBADMSG ? call.why : strerror(-call.error));
    *reply = call.reply;
    return call.result;
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

void client_pause_until(uint64_t end_ns)
{
    uint64_t now;

    /* Looked at more than once: a signal may come just before poll() would sleep. */
    while (!interrupted && (now = now_ns()) < end_ns) {
        uint64_t left = (end_ns - now) / 1000000 + 1;

        poll(NULL, 0, left < LOOK_MS ? (int)left : LOOK_MS);
    }
}

void client_pause(unsigned seconds)
{
    client_pause_until(now_ns() + seconds * UINT64_C(1000000000));
    interrupted = 0;
}
