// SPDX-License-Identifier: BSD-2-Clause
/*
 * control.c - the control plane inside the guest; see control.h and docs/control-protocol.md.
 *
 * A watch event names a path; the path says what happened: a request became visible, a request was
 * taken away by its client (so the reply goes too), or a handler's node was written. Requests are
 * answered once: `answered` remembers each until its client takes it away.
 */
#include "control/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/protocol.h"
#include "elements/device/clickos_control.h"
#include "language/plan.h"
#include "platform/platform.h"
#include "router/packet.h"

enum {
    ANSWERED_STALE = 64,            /* this many unfetched replies: look for those that nobody wants */
    NAMES_SHOWN = 40,               /* of elements, in an error message */
};

struct instance {
    struct router *router;
    struct scheduler *scheduler;
    void *thread;                   /* NULL: its router stopped by itself */
    struct clickos_control *limits; /* NULL: the configuration has no ClickOSControl */
    uint64_t generation;
};

struct answered {
    struct answered *next;
    unsigned id;
    char request[PROTOCOL_ID_MAX + 1];
};

struct control {
    struct control_host *host;
    struct store *store;
    struct instance *instance[CONTROL_INSTANCES_MAX];
    const char *published[CONTROL_INSTANCES_MAX];   /* status as it stands in the store */
    bool error_published[CONTROL_INSTANCES_MAX];
    struct answered *answered;
    unsigned n_answered;
    uint64_t generation;
    bool open;
};

/* One request, or the boot configuration. */
struct call {
    struct control *control;
    unsigned id;
    const char *directory;          /* of the instance, in the store */
    const struct message *message;
    struct text out;                /* the reply's data, when it goes well */
    struct text words;              /* the reply's words */
    struct errors errors;           /* the reply's data, when it does not */
    const char *code;               /* what kind of error, for programs */
};

/* ---- what everybody may read ---- */

static void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void log_line(const char *format, ...)
{
    struct text line = {0};
    va_list args;

    va_start(args, format);
    text_vprintf(&line, format, args);
    va_end(args);
    text_putc(&line, '\n');
    platform_log(text_string(&line), line.length);
    text_free(&line);
}

static void describe_memory(struct text *out)
{
    struct platform_memory memory;
    struct packet_pool_stats pool;

    platform_memory(&memory);
    packet_pool_stats(&pool);
    text_printf(out,
                "total %llu\nused %llu\nheap %llu\npackets %u\npackets_free %u\n"
                "packets_in_use %u\npacket_failures %llu\n",
                (unsigned long long)memory.total, (unsigned long long)memory.used,
                (unsigned long long)memory.heap_used, pool.total, pool.free,
                packet_pool_in_use(), (unsigned long long)pool.failures);
}

static void publish(struct control *control, const char *name, const char *text, size_t length)
{
    char path[PROTOCOL_PATH_MAX];
    int error;

    if (!control->open)
        return;
    snprintf(path, sizeof path, PROTOCOL_ROOT "/%s", name);
    error = control->store->write(control->store, path, text, length);
    if (error)
        log_line("clickos: cannot write %s: error %d", path, -error);
}

static void publish_memory(struct control *control)
{
    struct text figures = {0};

    describe_memory(&figures);
    publish(control, "memory", text_string(&figures), figures.length);
    text_free(&figures);
}

static void publish_status(struct control *control, unsigned id, const char *status)
{
    char name[32];

    if (control->published[id] == status || !control->open)
        return;
    control->published[id] = status;
    snprintf(name, sizeof name, "%u/status", id);
    publish(control, name, status, strlen(status));
}

static void publish_generation(struct control *control, unsigned id, uint64_t generation)
{
    char name[32], number[24];

    snprintf(name, sizeof name, "%u/generation", id);
    snprintf(number, sizeof number, "%llu", (unsigned long long)generation);
    publish(control, name, number, strlen(number));
}

/* The first lines of the last error, for those who look at the store without having asked. */
static void publish_error(struct control *control, unsigned id, const char *text, size_t length)
{
    struct text escaped = {0};
    char name[32];

    if (!control->open || (!length && !control->error_published[id]))
        return;
    snprintf(name, sizeof name, "%u/error", id);
    if (length > PROTOCOL_CHUNK_GUEST / 3)      /* each byte may become three */
        length = PROTOCOL_CHUNK_GUEST / 3;
    protocol_escape(&escaped, text, length);
    publish(control, name, text_string(&escaped), escaped.length);
    text_free(&escaped);
    control->error_published[id] = length > 0;
}

static const char *status_of(const struct instance *instance)
{
    if (!instance)
        return "Halted";
    return instance->thread ? "Running" : "Stopped";
}

/* ---- instances ---- */

static void fail(struct call *call, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void fail(struct call *call, const char *code, const char *format, ...)
{
    va_list args;

    call->code = code;
    va_start(args, format);
    errors_vadd(&call->errors, NULL, format, args);
    va_end(args);
}

/* Also takes one that is half built. */
static void instance_destroy(struct control *control, struct instance *instance)
{
    if (!instance)
        return;
    if (instance->thread)
        control->host->stop(control->host, instance->thread);
    if (instance->router)
        router_destroy(instance->router);
    if (instance->scheduler) {
        scheduler_destroy(instance->scheduler);
        free(instance->scheduler);
    }
    free(instance);
}

static struct clickos_control *find_limits(const struct router *router)
{
    for (unsigned i = 0; i < router->n_elements; i++) {
        struct clickos_control *limits = element_cast(router->elements[i], CLICKOS_CONTROL_INTERFACE);

        if (limits)
            return limits;
    }
    return NULL;
}

/*
 * A router that could run, without a thread yet; `old` may run on, whose place it shall take (NULL: nobody's).
 * NULL: the call's errors say why.
 */
static struct instance *instance_build(struct call *call, const struct instance *old, const char *file,
                                       const char *text, size_t length)
{
    struct instance *instance = calloc(1, sizeof *instance);

    call->code = "config";
    if (instance)
        instance->scheduler = calloc(1, sizeof *instance->scheduler);
    if (!instance || !instance->scheduler) {
        free(instance);
        fail(call, "no-memory", "out of memory");
        return NULL;
    }
    instance->router = router_from_text(text, length, file, NULL, 0, &call->errors);
    if (instance->router)
        instance->router->replaces = old ? old->router : NULL;
    if (instance->router && scheduler_init(instance->scheduler)) {
        fail(call, "no-memory", "out of memory");
    } else if (instance->router &&
               router_initialize(instance->router, instance->scheduler, &call->errors)) {
        instance->limits = find_limits(instance->router);
        return instance;
    }
    if (!call->errors.count)
        fail(call, "config", "%s: the configuration does not start", file);
    instance_destroy(call->control, instance);
    return NULL;
}

/*
 * A thread for the new router: the old one's, which goes on with it at its next turn. A thread of its own only
 * when there was none or it has ended. False: out of memory, and the old one never notices.
 */
static bool instance_give_thread(struct control *control, unsigned id, struct instance *instance,
                                 struct instance *old)
{
    struct control_host *host = control->host;

    if (old && old->thread && !host->ended(host, old->thread)) {
        host->replace(host, old->thread, instance->router);
        instance->thread = old->thread;
        old->thread = NULL;
        return true;
    }
    instance->thread = host->start(host, id, instance->router);
    return instance->thread != NULL;
}

/*
 * The new one is ready before the old one stops, and takes over what its elements know how to; when anything
 * fails the old one never notices. No thread runs in between: nothing here waits for the store. The old one is not
 * asked whether it wants to stop (its DriverManager): it does not end, it goes on as another.
 */
static bool instance_start(struct call *call, const char *file, const char *text, size_t length)
{
    struct control *control = call->control;
    struct instance *old = control->instance[call->id];
    struct instance *instance = instance_build(call, old, file, text, length);

    if (instance && !instance_give_thread(control, call->id, instance, old)) {
        instance_destroy(control, instance);
        fail(call, "no-memory", "out of memory for the instance's thread");
        instance = NULL;
    }
    if (instance) {
        router_take_place(instance->router);
        control->instance[call->id] = instance;
        instance_destroy(control, old);
        instance->generation = ++control->generation;
        publish_status(control, call->id, "Running");
        publish_generation(control, call->id, instance->generation);
        publish_error(control, call->id, "", 0);
        /* Warnings, and what Message elements have to say. */
        platform_log(text_string(&call->errors.text), call->errors.text.length);
        log_line("clickos: instance %u: running (generation %llu, %u elements)", call->id,
                 (unsigned long long)instance->generation, instance->router->n_elements);
    } else {
        if (call->errors.count > 1 || old)
            text_printf(&call->errors.text, "%u error%s; instance %u %s\n", call->errors.count,
                        call->errors.count == 1 ? "" : "s", call->id,
                        !old ? "does not run" : old->thread ? "keeps running" : "stays as it stopped");
        publish_status(control, call->id, status_of(old));
        publish_error(control, call->id, text_string(&call->errors.text), call->errors.text.length);
        log_line("clickos: instance %u: cannot start:\n%.*s", call->id,
                 (int)(call->errors.text.length < 2000 ? call->errors.text.length : 2000),
                 text_string(&call->errors.text));
    }
    return instance != NULL;
}

/* The instance that the call is about; NULL, with an error that says which there are. */
static struct instance *find_instance(struct call *call)
{
    struct control *control = call->control;
    struct text there = {0};

    if (control->instance[call->id])
        return control->instance[call->id];
    for (unsigned i = 0; i < CONTROL_INSTANCES_MAX; i++)
        if (control->instance[i])
            text_printf(&there, "%s%u", there.length ? ", " : "", i);
    if (there.length)
        fail(call, "no-instance", "no instance %u runs here; there is %s", call->id, text_string(&there));
    else
        fail(call, "no-instance", "no instance %u runs here, nor any other", call->id);
    text_free(&there);
    return NULL;
}

/* ---- handlers ---- */

static void fail_no_element(struct call *call, const struct router *router, const char *name)
{
    struct text there = {0};

    for (unsigned i = 0; i < router->n_elements && i < NAMES_SHOWN; i++)
        text_printf(&there, "%s%s", i ? ", " : "", router->elements[i]->name);
    if (router->n_elements > NAMES_SHOWN)
        text_printf(&there, " and %u more", router->n_elements - NAMES_SHOWN);
    fail(call, "no-element", "instance %u has no element '%s'; there is %s", call->id, name,
         there.length ? text_string(&there) : "none");
    text_free(&there);
}

/* "count\tr\nreset_counts\tw\n" becomes "count, reset_counts"; those that can go `way`, or all. */
static void fail_no_handler(struct call *call, struct router *router, struct element *e,
                            const char *name, char way)
{
    struct text list = {0}, there = {0};

    handler_list(router, e, &list);
    for (const char *line = text_string(&list); *line; ) {
        size_t n = strcspn(line, "\n"), name_length = strcspn(line, "\t\n");

        if (memchr(line + name_length, way, n - name_length))
            text_printf(&there, "%s%.*s", there.length ? ", " : "", (int)name_length, line);
        line += n + (line[n] == '\n');
    }
    fail(call, "no-handler", "%s%s%s has no %s handler '%s'; there is %s", e ? "element '" : "the router",
         e ? e->name : "", e ? "'" : "", way == 'r' ? "read" : "write", name,
         there.length ? text_string(&there) : "none");
    text_free(&list);
    text_free(&there);
}

struct target {
    struct router *router;
    struct element *element;        /* NULL: the router itself */
    const struct handler *handler;
    unsigned index;
};

/* Takes "element.handler" apart and finds both; false: an error says what there is. */
static bool find_handler(struct call *call, struct instance *instance, const char *name, char way,
                         struct target *target)
{
    const char *dot = strrchr(name, '.'), *handler_name = dot ? dot + 1 : name;
    struct router *router = instance->router;

    *target = (struct target){.router = router};
    if (dot && dot != name) {
        char *element_name = strndup(name, (size_t)(dot - name));

        if (!element_name) {
            fail(call, "no-memory", "out of memory");
            return false;
        }
        target->element = router_find(router, element_name);
        if (!target->element)
            fail_no_element(call, router, element_name);
        free(element_name);
        if (!target->element)
            return false;
    }
    target->handler = handler_find(router, target->element, handler_name, &target->index);
    if (target->handler && !(target->handler->flags & HANDLER_PRIVATE) &&
        (way == 'r' ? handler_readable(target->handler) : handler_writable(target->handler)))
        return true;
    fail_no_handler(call, router, target->element, handler_name, way);
    return false;
}

/* Counts the call in the configuration's ClickOSControl. */
static bool count_call(struct instance *instance, char way, bool good)
{
    if (instance->limits) {
        if (way == 'r')
            instance->limits->reads++;
        else
            instance->limits->writes++;
        instance->limits->failures += !good;
    }
    return good;
}

static bool read_handler(struct call *call, struct instance *instance, const char *name,
                         const char *parameter)
{
    struct target t;

    if (!find_handler(call, instance, name, 'r', &t))
        return count_call(instance, 'r', false);
    if (parameter && !(t.handler->flags & HANDLER_PARAMETER)) {
        fail(call, "handler", "read handler '%s' takes no parameter", name);
        return count_call(instance, 'r', false);
    }
    call->code = "handler";
    bounds_renew();
    if (!handler_call_read(t.router, t.element, t.handler, t.index, parameter, &call->out, &call->errors))
        return count_call(instance, 'r', false);
    if (call->out.failed) {
        fail(call, "no-memory", "out of memory for the value of '%s'", name);
        return count_call(instance, 'r', false);
    }
    return count_call(instance, 'r', true);
}

static bool write_handler(struct call *call, struct instance *instance, const char *name,
                          const char *value, size_t length)
{
    struct target t;

    if (!find_handler(call, instance, name, 'w', &t))
        return count_call(instance, 'w', false);
    if (instance->limits && instance->limits->read_only) {
        fail(call, "handler", "writing is refused: '%s' says READONLY", instance->limits->base.name);
        return count_call(instance, 'w', false);
    }
    call->code = "handler";
    bounds_renew();
    return count_call(instance, 'w', handler_call_write(t.router, t.element, t.handler, t.index, value,
                                                        length, &call->errors));
}

/* ---- operations: true, or an error was added and `code` says which kind ---- */

static bool missing_word(struct call *call, const char *word)
{
    fail(call, "bad-request", "%s: %s= is missing", call->message->verb, word);
    return false;
}

/* Chunks 0, 1, ... until one is missing, for scripts that do not count. */
static int gather_config(struct call *call, struct text *config)
{
    struct store *store = call->control->store;

    for (unsigned i = 0; i < PROTOCOL_CHUNKS_MAX; i++) {
        char path[PROTOCOL_PATH_MAX], *value;
        size_t length;
        bool good;
        int error;

        snprintf(path, sizeof path, "%s/config/%u", call->directory, i);
        error = store->read(store, path, &value, &length);
        if (error)
            return error == -ENOENT && i ? 0 : error;
        good = protocol_unescape(config, value, length);
        free(value);
        if (!good)
            return config->failed ? -ENOMEM : -EBADMSG;
        if (config->length > PROTOCOL_DATA_MAX)
            return -E2BIG;
    }
    return 0;
}

static bool do_start(struct call *call)
{
    const struct message *m = call->message;
    const char *file = message_word(m, "file");
    struct text gathered = {0};
    const struct text *config = &m->data;
    bool good;

    if (!message_word(m, "chunks") && !m->data.length) {
        int error = gather_config(call, &gathered);

        config = &gathered;
        if (error) {
            text_free(&gathered);
            fail(call, error == -ENOMEM ? "no-memory" : "bad-request", "%s",
                 error == -ENOENT ? "start: there is no configuration"
                 : error == -ENOMEM ? "out of memory for the configuration"
                                    : "start: the configuration's chunks cannot be read");
            return false;
        }
    }
    good = instance_start(call, file && *file ? file : "config", text_string(config), config->length);
    text_free(&gathered);
    if (good)
        text_printf(&call->words, " generation=%llu elements=%u",
                    (unsigned long long)call->control->instance[call->id]->generation,
                    call->control->instance[call->id]->router->n_elements);
    return good;
}

static bool do_stop(struct call *call)
{
    struct instance *instance = find_instance(call);

    if (!instance)
        return false;
    call->control->instance[call->id] = NULL;
    instance_destroy(call->control, instance);
    publish_status(call->control, call->id, "Halted");
    publish_error(call->control, call->id, "", 0);
    log_line("clickos: instance %u: halted", call->id);
    return true;
}

/* Handlers that the VM has, whatever runs in it; NULL: no such. */
static const struct handler *find_platform_handler(const char *name)
{
    const struct handler *h = platform_handlers;

    while (h->name && strcmp(h->name, name))
        h++;
    return h->name && handler_readable(h) && !(h->flags & HANDLER_PRIVATE) ? h : NULL;
}

/* A handler of the platform's, on behalf of no router. */
static bool read_platform(struct call *call, const struct handler *handler)
{
    struct handler_call platform_call = {.handler = handler, .value = "", .errors = &call->errors};

    call->code = "handler";
    if (handler->read(NULL, &platform_call, &call->out) < 0)
        return false;
    if (call->out.failed) {
        fail(call, "no-memory", "out of memory for the value of '%s'", handler->name);
        return false;
    }
    return true;
}

static bool do_read(struct call *call)
{
    const char *name = message_word(call->message, "handler");
    bool with = message_word(call->message, "parameter") != NULL;
    const struct handler *vm = name && !with ? find_platform_handler(name) : NULL;
    struct instance *instance;

    if (vm && !call->control->instance[call->id])
        return read_platform(call, vm);
    instance = find_instance(call);
    if (!instance)
        return false;
    if (!name)
        return missing_word(call, "handler");
    return read_handler(call, instance, name, with ? text_string(&call->message->data) : NULL);
}

static bool do_write(struct call *call)
{
    const char *name = message_word(call->message, "handler");
    struct instance *instance = find_instance(call);

    if (!instance)
        return false;
    if (!name)
        return missing_word(call, "handler");
    return write_handler(call, instance, name, text_string(&call->message->data),
                         call->message->data.length);
}

/* Lines "element\tclass". */
static bool do_elements(struct call *call)
{
    struct instance *instance = find_instance(call);

    if (!instance)
        return false;
    for (unsigned i = 0; i < instance->router->n_elements; i++) {
        const struct element *e = instance->router->elements[i];

        text_printf(&call->out, "%s\t%s\n", e->name, e->class->name);
    }
    return true;
}

/* Lines "handler\tflags" of one element, or of the router itself when there is no element=. */
static bool do_handlers(struct call *call)
{
    const char *name = message_word(call->message, "element");
    struct instance *instance = find_instance(call);
    struct element *e = NULL;

    if (!instance)
        return false;
    if (name && *name) {
        e = router_find(instance->router, name);
        if (!e) {
            fail_no_element(call, instance->router, name);
            return false;
        }
    }
    handler_list(instance->router, e, &call->out);
    return true;
}

/* Lines "id status generation elements". */
static bool do_instances(struct call *call)
{
    for (unsigned i = 0; i < CONTROL_INSTANCES_MAX; i++) {
        const struct instance *instance = call->control->instance[i];

        if (instance)
            text_printf(&call->out, "%u %s %llu %u\n", i, status_of(instance),
                        (unsigned long long)instance->generation, instance->router->n_elements);
    }
    return true;
}

static bool do_memory(struct call *call)
{
    describe_memory(&call->out);
    return true;
}

static const struct operation {
    const char *verb;
    bool (*run)(struct call *call);
    bool changes_memory;
} operations[] = {
    {"start", do_start, true},     {"stop", do_stop, true},           {"read", do_read, false},
    {"write", do_write, false},    {"elements", do_elements, false},  {"handlers", do_handlers, false},
    {"memory", do_memory, false},  {"instances", do_instances, false},
};

static const struct operation *find_operation(struct call *call)
{
    struct text verbs = {0};

    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++)
        if (!strcmp(operations[i].verb, call->message->verb))
            return &operations[i];
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++)
        text_printf(&verbs, "%s%s", i ? ", " : "", operations[i].verb);
    fail(call, "bad-request", "unknown request '%s'; there is %s", call->message->verb,
         text_string(&verbs));
    text_free(&verbs);
    return NULL;
}

/* ---- requests and replies ---- */

static struct answered *find_answered(struct control *control, unsigned id, const char *request)
{
    struct answered *a = control->answered;

    while (a && (a->id != id || strcmp(a->request, request)))
        a = a->next;
    return a;
}

static struct answered *remember(struct control *control, unsigned id, const char *request)
{
    struct answered *a = calloc(1, sizeof *a);

    if (!a)
        return NULL;
    a->id = id;
    memcpy(a->request, request, strlen(request) + 1);
    a->next = control->answered;
    control->answered = a;
    control->n_answered++;
    return a;
}

static void forget(struct control *control, struct answered *answered)
{
    struct answered **at = &control->answered;
    char path[PROTOCOL_PATH_MAX];

    while (*at != answered)
        at = &(*at)->next;
    *at = answered->next;
    control->n_answered--;
    snprintf(path, sizeof path, PROTOCOL_ROOT "/%u/reply/%s", answered->id, answered->request);
    control->store->remove(control->store, path);
    free(answered);
}

static bool request_is_there(struct control *control, unsigned id, const char *request)
{
    char path[PROTOCOL_PATH_MAX], *value;
    size_t length;
    int error;

    snprintf(path, sizeof path, PROTOCOL_ROOT "/%u/control/%s/request", id, request);
    error = control->store->read(control->store, path, &value, &length);
    if (!error)
        free(value);
    return error != -ENOENT;
}

/* Replies whose clients are gone, though their requests stay, must not use up the quota. */
static void drop_stale(struct control *control)
{
    char path[PROTOCOL_PATH_MAX];
    unsigned kept = 0;

    for (struct answered *next, *a = control->answered; a; a = next) {
        next = a->next;
        if (!request_is_there(control, a->id, a->request)) {
            forget(control, a);
        } else if (++kept > ANSWERED_STALE / 2) {
            /* The oldest: half of the list stays readable; the request stays remembered. */
            snprintf(path, sizeof path, PROTOCOL_ROOT "/%u/reply/%s", a->id, a->request);
            control->store->remove(control->store, path);
        }
    }
}

static int send_reply(struct call *call, const char *request, bool good)
{
    const struct text *data = good ? &call->out : &call->errors.text;
    struct text line = {0};
    char path[PROTOCOL_PATH_MAX];

    if (good) {
        text_printf(&line, "ok%s", text_string(&call->words));
    } else {
        text_puts(&line, "error");
        protocol_word(&line, "code", call->code);
    }
    if (call->control->n_answered > ANSWERED_STALE)
        protocol_word(&line, "crowded", NULL);
    snprintf(path, sizeof path, PROTOCOL_ROOT "/%u/reply/%s", call->id, request);
    return protocol_send(call->control->store, path, "status", PROTOCOL_CHUNK_GUEST, &line,
                         text_string(data), data->length);
}

static void reply(struct call *call, const char *request, bool good)
{
    char path[PROTOCOL_PATH_MAX];
    int error;

    if (good && call->out.length > PROTOCOL_REPLY_MAX) {
        fail(call, "too-big", "the answer has %zu bytes; xenstore takes %d", call->out.length,
             PROTOCOL_REPLY_MAX);
        good = false;
    }
    error = send_reply(call, request, good);
    if (!error)
        return;
    /* Probably the quota: away with what was written and with what nobody reads, then say so. */
    snprintf(path, sizeof path, PROTOCOL_ROOT "/%u/reply/%s", call->id, request);
    call->control->store->remove(call->control->store, path);
    drop_stale(call->control);
    errors_free(&call->errors);
    fail(call, "store", "%s, but the answer cannot be written to xenstore (error %d)",
         good ? "done" : "failed", -error);
    error = send_reply(call, request, false);
    if (error)
        log_line("clickos: instance %u: no answer to request %s: error %d", call->id, request, -error);
}

static void call_finish(struct call *call)
{
    text_free(&call->out);
    text_free(&call->words);
    errors_free(&call->errors);
}

static void take_request(struct control *control, unsigned id, const char *request)
{
    const struct operation *operation = NULL;
    char directory[PROTOCOL_PATH_MAX], path[PROTOCOL_PATH_MAX], config[PROTOCOL_PATH_MAX];
    struct call call = {.control = control, .id = id, .directory = directory};
    struct message message;
    const char *why;
    bool good = false;
    int error;

    if (find_answered(control, id, request))
        return;
    snprintf(directory, sizeof directory, PROTOCOL_ROOT "/%u", id);
    snprintf(path, sizeof path, PROTOCOL_ROOT "/%u/control/%s", id, request);
    snprintf(config, sizeof config, PROTOCOL_ROOT "/%u/config", id);
    error = protocol_receive(control->store, path, "request", config, &message, &why);
    if (error == -ENOENT)
        return;                     /* its client has given up */
    if (!remember(control, id, request))
        fail(&call, "no-memory", "out of memory for the request");
    else if (error)
        fail(&call, error == -ENOMEM ? "no-memory" : "bad-request", "the request cannot be read: %s",
             error == -ENOMEM ? "out of memory" : why);
    else {
        call.message = &message;
        operation = find_operation(&call);
        good = operation && operation->run(&call);
    }
    reply(&call, request, good);
    if (!error)
        message_free(&message);
    call_finish(&call);
    if (operation && operation->changes_memory)
        publish_memory(control);
    if (control->n_answered > 2 * ANSWERED_STALE)
        drop_stale(control);
}

/* A node below elements/ was written: "fw/in/active" means handler `active` of `fw/in`. */
static void take_element_write(struct control *control, unsigned id, const char *name)
{
    struct call call = {.control = control, .id = id, .code = "handler"};
    char path[PROTOCOL_PATH_MAX], *value, *handler = strdup(name), *slash;
    struct instance *instance;
    struct text plain = {0};
    size_t length;

    slash = handler ? strrchr(handler, '/') : NULL;
    if (!slash || strlen(name) > PROTOCOL_PATH_MAX - 64)
        goto out;                   /* a directory on the way */
    snprintf(path, sizeof path, PROTOCOL_ROOT "/%u/elements/%s", id, name);
    if (control->store->read(control->store, path, &value, &length))
        goto out;
    *slash = '.';
    instance = find_instance(&call);
    if (!protocol_unescape(&plain, value, length))
        fail(&call, "bad-request", "elements/%s: bad %% escape", name);
    else if (instance)
        write_handler(&call, instance, handler, text_string(&plain), plain.length);
    publish_error(control, id, text_string(&call.errors.text), call.errors.text.length);
    free(value);
out:
    text_free(&plain);
    call_finish(&call);
    free(handler);
}

/* ---- watch events ---- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Takes every request that waits, oldest first when clients begin their ids with the time. */
static void scan_instance(struct control *control, unsigned id)
{
    char path[PROTOCOL_PATH_MAX], **names;
    unsigned n;

    snprintf(path, sizeof path, PROTOCOL_ROOT "/%u/control", id);
    for (struct answered *next, *a = control->answered; a; a = next) {
        next = a->next;
        if (a->id == id && !request_is_there(control, id, a->request))
            forget(control, a);
    }
    if (control->store->directory(control->store, path, &names, &n))
        return;
    qsort(names, n, sizeof *names, compare_names);
    for (unsigned i = 0; i < n; i++)
        if (protocol_id_valid(names[i]))
            take_request(control, id, names[i]);
    store_names_free(names, n);
}

/* An instance's id at the front of the path; *rest is what follows the slash, or the end. */
static bool read_instance_id(const char *path, unsigned *id, const char **rest)
{
    size_t n = strspn(path, "0123456789");

    if (!n || n > 2 || (n > 1 && path[0] == '0') || (path[n] && path[n] != '/'))
        return false;
    *id = 0;
    for (size_t i = 0; i < n; i++)
        *id = *id * 10 + (unsigned)(path[i] - '0');
    *rest = path[n] ? path + n + 1 : path + n;
    return *id < CONTROL_INSTANCES_MAX;
}

static void scan_all(struct control *control)
{
    char **names;
    const char *rest;
    unsigned n, id;

    if (control->store->directory(control->store, PROTOCOL_ROOT, &names, &n))
        return;
    for (unsigned i = 0; i < n; i++)
        if (read_instance_id(names[i], &id, &rest) && !*rest)
            scan_instance(control, id);
    store_names_free(names, n);
}

static bool skip_prefix(const char **path, const char *prefix)
{
    size_t n = strlen(prefix);

    if (strncmp(*path, prefix, n))
        return false;
    *path += n;
    return true;
}

/* "control/<request>" changed or went, or "control/<request>/request" was written. */
static void request_event(struct control *control, unsigned id, const char *path)
{
    size_t n = strcspn(path, "/");
    char request[PROTOCOL_ID_MAX + 1];
    struct answered *answered;

    if (n > PROTOCOL_ID_MAX)
        return;
    memcpy(request, path, n);
    request[n] = '\0';
    if (!protocol_id_valid(request))
        return;
    answered = find_answered(control, id, request);
    if (!answered && !strcmp(path + n, "/request"))
        take_request(control, id, request);
    else if (answered && (!path[n] || !strcmp(path + n, "/request")) &&
             !request_is_there(control, id, request))
        forget(control, answered);
}

void control_event(struct control *control, const char *path)
{
    unsigned id;

    if (!skip_prefix(&path, PROTOCOL_ROOT))
        return;
    if (!*path)
        scan_all(control);
    if (!skip_prefix(&path, "/") || !read_instance_id(path, &id, &path))
        return;
    if (!*path || !strcmp(path, "control"))
        scan_instance(control, id);
    else if (skip_prefix(&path, "control/"))
        request_event(control, id, path);
    else if (skip_prefix(&path, "elements/"))
        take_element_write(control, id, path);
}

void control_poll(struct control *control)
{
    for (unsigned id = 0; id < CONTROL_INSTANCES_MAX; id++) {
        struct instance *instance = control->instance[id];

        if (!instance || !instance->thread || !control->host->ended(control->host, instance->thread))
            continue;
        control->host->stop(control->host, instance->thread);
        instance->thread = NULL;
        publish_status(control, id, "Stopped");
        log_line("clickos: instance %u: its router stopped", id);
    }
}

/* ---- life ---- */

struct control *control_create(struct control_host *host)
{
    struct control *control = calloc(1, sizeof *control);

    if (control) {
        control->host = host;
        control->store = host->store;
    }
    return control;
}

void control_destroy(struct control *control)
{
    for (unsigned id = 0; id < CONTROL_INSTANCES_MAX; id++)
        instance_destroy(control, control->instance[id]);
    while (control->answered) {
        struct answered *next = control->answered->next;

        free(control->answered);
        control->answered = next;
    }
    free(control);
}

bool control_boot(struct control *control, const char *name, const char *text, size_t length)
{
    struct call call = {.control = control};
    bool good = instance_start(&call, name, text, length);

    call_finish(&call);
    return good;
}

int control_open(struct control *control)
{
    control->open = true;
    publish_memory(control);
    for (unsigned id = 0; id < CONTROL_INSTANCES_MAX; id++)
        if (control->instance[id]) {
            publish_status(control, id, status_of(control->instance[id]));
            publish_generation(control, id, control->instance[id]->generation);
        }
    /* Last: who finds it knows that the rest is there. */
    publish(control, "version", PROTOCOL_VERSION, strlen(PROTOCOL_VERSION));
    return control->store->watch(control->store, PROTOCOL_ROOT);
}

unsigned control_running(const struct control *control)
{
    unsigned n = 0;

    for (unsigned id = 0; id < CONTROL_INSTANCES_MAX; id++)
        n += control->instance[id] && control->instance[id]->thread;
    return n;
}

struct router *control_router(const struct control *control, unsigned id)
{
    return id < CONTROL_INSTANCES_MAX && control->instance[id] ? control->instance[id]->router : NULL;
}
