// SPDX-License-Identifier: BSD-2-Clause
/*
 * handler.c - finds and calls handlers: an element's own, those every element has, and
 * the router's. Values described by a type are read and written here, so that most classes need
 * no function for them.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/platform.h"
#include "router/copies.h"
#include "router/graph.h"
#include "router/profile.h"
#include "router/router.h"
#include "router/version.h"

/* ---- handlers that every element has ---- */

static int read_class(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)call;
    text_puts(out, e->class->name);
    return 0;
}

static int read_name(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)call;
    text_puts(out, e->name);
    return 0;
}

static int read_config(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)call;
    text_puts(out, e->config);
    return 0;
}

/* Connections at one port, from the plan: ports themselves know only one direction. */
static void add_peers(struct element *e, bool output, unsigned port, struct text *out)
{
    const struct plan *plan = e->router->plan;
    const char *separator = "";

    for (unsigned i = 0; i < plan->n_connections; i++) {
        const struct plan_connection *c = &plan->connections[i];

        if ((output ? c->from : c->to) != e->index ||
            (output ? c->from_port : c->to_port) != port)
            continue;
        if (output)
            text_printf(out, "%s[%u] %s", separator, c->to_port, plan->elements[c->to].name);
        else
            text_printf(out, "%s%s [%u]", separator, plan->elements[c->from].name, c->from_port);
        separator = ", ";
    }
}

/* Where packets are moved, and counted: at an output that pushes or an input that pulls; or NULL. */
static const struct port *active_port(struct element *e, bool output, unsigned port)
{
    if (output)
        return e->output_is_pull[port] ? NULL : element_output(e, port);
    return e->input_is_pull[port] ? &e->inputs[port] : NULL;
}

static void add_side(struct element *e, bool output, struct text *out)
{
    unsigned n = output ? e->n_outputs : e->n_inputs;

    text_printf(out, "%u %s%s\n", n, output ? "output" : "input", n == 1 ? "" : "s");
    for (unsigned port = 0; port < n; port++) {
        const struct port *active = active_port(e, output, port);

        text_printf(out, "%s\t", graph_processing_name(e, output, port));
        if (active)
            text_printf(out, "%llu\t", (unsigned long long)active->packets);
        else
            text_puts(out, "-\t");
        add_peers(e, output, port, out);
        text_putc(out, '\n');
    }
}

static int read_ports(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)call;
    add_side(e, false, out);
    add_side(e, true, out);
    return 0;
}

static int read_handlers(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)call;
    handler_list(e->router, e, out);
    return 0;
}

static const struct handler default_handlers[] = {
    {.name = "name", .flags = HANDLER_CALM, .read = read_name, .help = "the element's name"},
    {.name = "class", .flags = HANDLER_CALM, .read = read_class, .help = "its class"},
    {.name = "config", .flags = HANDLER_CALM, .read = read_config,
     .help = "its configuration arguments"},
    {.name = "ports", .flags = HANDLER_CALM, .read = read_ports,
     .help = "its ports, packets moved there, and what they are connected to"},
    {.name = "handlers", .flags = HANDLER_CALM, .read = read_handlers,
     .help = "the names of its handlers"},
    {.name = "cycles", .read = profile_read_cycles,
     .help = "runs of its tasks, timers fired, and pushes and pulls (xfer), each with the cycles that they took; see the "
             "router's profile"},
    {0},
};

static const struct handler live_config_handler = {
    .name = "config", .flags = HANDLER_CALM, .read = read_config, .write = element_write_config,
    .help = "its configuration arguments; a write replaces them while it runs",
};

/* ---- handlers of the router; `e` is NULL, the router comes through call->errors' owner ---- */

/* Read functions get an element; the router's own get one that only names the router. */
static struct router *router_of(struct element *e)
{
    return e->router;
}

static int read_version(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)e;
    (void)call;
    text_puts(out, CLICK_VERSION);
    return 0;
}

static int read_driver(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)e;
    (void)call;
    text_puts(out, platform_name());
    return 0;
}

static int read_flat(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)call;
    plan_unparse(router_of(e)->plan, out);
    return 0;
}

static int read_source(struct element *e, const struct handler_call *call, struct text *out)
{
    if (router_of(e)->compact)
        return read_flat(e, call, out);
    text_puts(out, router_of(e)->source ? router_of(e)->source : "");
    return 0;
}

static int read_requirements(struct element *e, const struct handler_call *call, struct text *out)
{
    const struct plan *plan = router_of(e)->plan;

    (void)call;
    for (unsigned i = 0; i < plan->n_requirements; i++)
        text_printf(out, "%s%s%s\n", plan->requirements[i].type,
                    *plan->requirements[i].value ? " " : "", plan->requirements[i].value);
    return 0;
}

static int read_root_handlers(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)call;
    handler_list(router_of(e), NULL, out);
    return 0;
}

static int read_list(struct element *e, const struct handler_call *call, struct text *out)
{
    struct router *r = router_of(e);

    (void)call;
    text_printf(out, "%u\n", r->n_elements);
    for (unsigned i = 0; i < r->n_elements; i++)
        text_printf(out, "%s\n", r->elements[i]->name);
    return 0;
}

static int read_classes(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)e;
    (void)call;
    for (unsigned i = 0; i < element_class_count(); i++)
        text_printf(out, "%s\n", element_class_at(i)->name);
    return 0;
}

static int read_packages(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)e;
    (void)call;
    (void)out;
    return 0;
}

static int read_packets(struct element *e, const struct handler_call *call, struct text *out)
{
    const struct bounds *b = &router_of(e)->bounds;
    struct packet_pool_stats s;

    (void)call;
    packet_pool_stats(&s);
    text_printf(out, "total %u\nfree %u\nlimit %u\nclones %u\nheap %u\nfailures %llu\n", s.total,
                s.free, s.limit, s.shells_total - s.shells_free, s.heap,
                (unsigned long long)s.failures);
    text_printf(out, "large_total %u\nlarge_free %u\nunfinished_drops %llu\n", s.large_total, s.large_free,
                (unsigned long long)router_of(e)->unfinished_drops);
    text_printf(out, "stack_drops %llu\nstep_drops %llu\nstack_pulls %llu\n",
                (unsigned long long)b->stack_drops, (unsigned long long)b->step_drops,
                (unsigned long long)b->stack_pulls);
    return 0;
}

static int read_memory(struct element *e, const struct handler_call *call, struct text *out)
{
    struct platform_memory m = {0};

    (void)e;
    (void)call;
    platform_memory(&m);
    text_printf(out, "total %llu\nused %llu\nheap %llu\n", (unsigned long long)m.total,
                (unsigned long long)m.used, (unsigned long long)m.heap_used);
    return 0;
}

/* A line for each active port, with its name or with its count. */
static void add_active_ports(struct router *r, bool counts, struct text *out)
{
    for (unsigned i = 0; i < r->n_elements; i++) {
        struct element *x = r->elements[i];

        copies_collect(x);
        for (unsigned n = 0; n < x->n_inputs + x->n_outputs; n++) {
            bool output = n >= x->n_inputs;
            unsigned port = output ? n - x->n_inputs : n;
            const struct port *active = active_port(x, output, port);

            if (active && counts)
                text_printf(out, "%llu\n", (unsigned long long)active->packets);
            else if (active)
                text_printf(out, "%s\t%c%u\n", x->name, output ? 'o' : 'i', port);
        }
    }
}

static int read_active_ports(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)call;
    add_active_ports(router_of(e), false, out);
    return 0;
}

static int read_active_port_stats(struct element *e, const struct handler_call *call,
                                  struct text *out)
{
    (void)call;
    add_active_ports(router_of(e), true, out);
    return 0;
}

/* A value is how many requests to stop this counts for; what is no number counts for one. */
static int write_stop(struct element *e, const struct handler_call *call)
{
    uint64_t n;

    router_adjust_runs(router_of(e),
                       args_read_unsigned(call->value, INT32_MAX, &n) ? -(int)n : -1);
    return 0;
}

static int write_hotconfig(struct element *e, const struct handler_call *call)
{
    struct router *r = router_of(e);

    return r->reconfigure(r, call->value, call->length, call->errors) ? 0 : -EINVAL;
}

static const struct handler router_handlers[] = {
    {.name = "version", .read = read_version, .help = "the version of Click that this speaks"},
    {.name = "driver", .read = read_driver, .help = "where the router runs"},
    {.name = "config", .read = read_source, .help = "the configuration as it was given"},
    {.name = "flatconfig", .read = read_flat, .help = "the configuration without compounds"},
    {.name = "requirements", .read = read_requirements, .help = "what the configuration requires"},
    {.name = "handlers", .read = read_root_handlers, .help = "the names of these handlers"},
    {.name = "list", .read = read_list, .help = "the number and names of the elements"},
    {.name = "stop", .write = write_stop, .help = "stops the driver"},
    {.name = "classes", .read = read_classes, .help = "the element classes there are"},
    {.name = "packages", .read = read_packages, .help = "loaded packages; none are ever needed"},
    {.name = "packets", .read = read_packets, .help = "the packet pool's figures, and packets whose way was too long"},
    {.name = "active_ports", .read = read_active_ports,
     .help = "the ports at which packets are moved: inputs that pull (i), outputs that push (o)"},
    {.name = "active_port_stats", .read = read_active_port_stats,
     .help = "how many packets were moved at each of these ports"},
    {.name = "profile", .read = profile_read, .write = profile_write,
     .help = "where the cycles go, element by element, since 'on' was written; 'off' and 'reset' as well"},
    {.name = "memory", .read = read_memory, .help = "memory of the system, bytes"},
    {.name = "hotconfig", .write = write_hotconfig, .flags = HANDLER_RAW,
     .help = "a write replaces the configuration, when all is well with the new one"},
    {0},
};

/* Not every platform lets the configuration be replaced in this way. */
static bool offered(const struct router *r, const struct handler *h)
{
    return h->write != write_hotconfig || r->reconfigure;
}

/* ---- finding ---- */

bool handler_readable(const struct handler *h)
{
    return h->read || (h->type && (h->flags & HANDLER_READ));
}

bool handler_writable(const struct handler *h)
{
    return h->write || (h->type && (h->flags & HANDLER_WRITE));
}

static unsigned family_size(struct element *e, const struct handler *h)
{
    return h->count ? h->count(e) : e->n_outputs;
}

/* "pattern%u" is called by "pattern12", without leading zeros. */
static bool matches(struct element *e, const struct handler *h, const char *name, unsigned *index)
{
    const char *percent = strchr(h->name, '%');
    size_t stem = percent ? (size_t)(percent - h->name) : 0;
    char *end;
    unsigned long n;

    *index = 0;
    if (h->named) {
        int named = h->named(e, name);

        *index = named < 0 ? 0 : (unsigned)named;
        return named >= 0;
    }
    if (!percent)
        return strcmp(h->name, name) == 0;
    if (strncmp(h->name, name, stem) != 0 || !isdigit((unsigned char)name[stem]) ||
        (name[stem] == '0' && name[stem + 1]) || strlen(name + stem) > 9)
        return false;
    n = strtoul(name + stem, &end, 10);
    if (*end || n >= family_size(e, h))
        return false;
    *index = (unsigned)n;
    return true;
}

bool handler_is_default(const char *name)
{
    const struct handler *h = default_handlers;

    while (h->name && strcmp(h->name, name) != 0)
        h++;
    return h->name != NULL;
}

const struct handler *handler_find(struct router *r, struct element *e, const char *name,
                                   unsigned *index)
{
    const struct handler *h;

    (void)r;
    *index = 0;
    if (!e) {
        for (h = router_handlers; h->name; h++)
            if (strcmp(h->name, name) == 0)
                return offered(r, h) ? h : NULL;
        for (h = platform_handlers; h->name; h++)
            if (strcmp(h->name, name) == 0)
                return h;
        return NULL;
    }
    for (h = e->class->handlers; h && h->name; h++)
        if (matches(e, h, name, index))
            return h;
    if (e->class->live_config && strcmp(name, "config") == 0)
        return &live_config_handler;
    for (h = default_handlers; h->name; h++)
        if (strcmp(h->name, name) == 0)
            return h;
    return NULL;
}

/* A name and its letters, behind r and w in Click's order. */
static void add_listed(const struct handler *h, const char *name, struct text *out)
{
    static const struct {
        unsigned flag;
        char letter;
    } letters[] = {
        {HANDLER_PARAMETER, '+'}, {HANDLER_RAW, '%'}, {HANDLER_CALM, '.'},
        {HANDLER_EXPENSIVE, '$'}, {HANDLER_UNCOMMON, 'U'}, {HANDLER_DEPRECATED, 'D'},
        {HANDLER_BUTTON, 'b'}, {HANDLER_CHECKBOX, 'c'},
    };

    if (h->flags & HANDLER_PRIVATE)
        return;
    text_printf(out, "%s\t%s%s", name, handler_readable(h) ? "r" : "",
                handler_writable(h) ? "w" : "");
    for (unsigned i = 0; i < sizeof letters / sizeof *letters; i++)
        if (h->flags & letters[i].flag)
            text_putc(out, letters[i].letter);
    text_putc(out, '\n');
}

static void add_members(struct element *e, const struct handler *h, struct text *out)
{
    const char *name;

    for (unsigned i = 0; (name = h->member(e, i)); i++)
        add_listed(h, name, out);
}

static void add_family(struct element *e, const struct handler *h, struct text *out)
{
    unsigned n = family_size(e, h);
    size_t stem = strcspn(h->name, "%");
    char name[80];

    for (unsigned i = 0; i < n; i++) {
        snprintf(name, sizeof name, "%.*s%u", (int)stem, h->name, i);
        add_listed(h, name, out);
    }
}

/* A class may answer a default name itself; then that one is listed, not the default. */
static bool answers(struct element *e, const char *name)
{
    for (const struct handler *h = e->class->handlers; h && h->name; h++)
        if (strcmp(h->name, name) == 0)
            return true;
    return false;
}

void handler_list(struct router *r, struct element *e, struct text *out)
{
    const struct handler *h;

    (void)r;
    if (!e) {
        for (h = router_handlers; h->name; h++)
            if (offered(r, h))
                add_listed(h, h->name, out);
        for (h = platform_handlers; h->name; h++)
            add_listed(h, h->name, out);
        return;
    }
    for (h = e->class->handlers; h && h->name; h++) {
        if (h->named)
            add_members(e, h, out);
        else if (strchr(h->name, '%'))
            add_family(e, h, out);
        else
            add_listed(h, h->name, out);
    }
    for (h = default_handlers; h->name; h++) {
        bool live = e->class->live_config && strcmp(h->name, "config") == 0;

        if (!answers(e, h->name))
            add_listed(live ? &live_config_handler : h, h->name, out);
    }
}

/* ---- calling ---- */

/* Router handlers want to know the router; give them an element that stands for it. */
static struct element *stand_in(struct router *r, struct element *e, struct element *root)
{
    if (e)
        return e;
    *root = (struct element){.router = r, .name = "", .landmark = "", .config = ""};
    return root;
}

/* Handlers may call handlers: a circle of them, or a long chain, ends with an error. */
static bool enter_call(struct router *r, const struct handler *h, struct errors *errors)
{
    if (r->call_depth == HANDLER_DEPTH_MAX) {
        errors_add(errors, NULL, "calling '%s': more than %d handlers within each other", h->name,
                   HANDLER_DEPTH_MAX);
        return false;
    }
    if (!bounds_allow_handler()) {
        errors_add(errors, NULL, "calling '%s': the stack has no room for it", h->name);
        return false;
    }
    r->call_depth++;
    return true;
}

/*
 * Whatever calls a handler, on whichever thread: meanwhile the others rest. The element then has what all its
 * copies counted.
 */
static void begin_call(struct element *e)
{
    platform_exclusive_begin();
    if (e)
        copies_collect(e);
}

static void end_call(void)
{
    platform_exclusive_end();
}

static int read_status(struct router *r, struct element *e, const struct handler *h,
                        unsigned index, const char *parameter, size_t length, struct text *out,
                        struct errors *errors)
{
    struct element root;
    struct handler_call call = {h, index, parameter ? parameter : "", parameter ? length : 0,
                                errors};
    unsigned before = errors->count;
    int status;

    if (!h->read) {
        h->type->format((char *)e + h->offset, out);
        return 0;
    }
    if (!enter_call(r, h, errors))
        return -EINVAL;
    status = h->read(stand_in(r, e, &root), &call, out);
    r->call_depth--;
    if (status < 0 && errors->count == before)
        errors_add(errors, NULL, "reading '%s' failed", h->name);
    return status;
}

int handler_read_status(struct router *r, struct element *e, const struct handler *h, unsigned index,
                        const char *parameter, size_t length, struct text *out, struct errors *errors)
{
    int status;

    begin_call(e);
    status = read_status(r, e, h, index, parameter, length, out, errors);
    end_call();
    return status;
}

bool handler_call_read(struct router *r, struct element *e, const struct handler *h,
                       unsigned index, const char *parameter, struct text *out,
                       struct errors *errors)
{
    return handler_read_status(r, e, h, index, parameter, parameter ? strlen(parameter) : 0, out,
                               errors) >= 0;
}

/* A value by type, stored only when it parsed; surrounding space is not part of it. */
static bool write_value(struct element *e, const struct handler *h, const char *value,
                        struct errors *errors)
{
    struct arg_context context = {e, errors, NULL, h->min, h->max};
    uint64_t scratch[8];
    size_t length = strlen(value);
    unsigned before = errors->count;
    char *trimmed;
    bool ok;

    while (length && isspace((unsigned char)value[length - 1]))
        length--;
    while (length && isspace((unsigned char)*value)) {
        value++;
        length--;
    }
    trimmed = strndup(value, length);
    if (!trimmed)
        return args_error(&context, "out of memory");
    ok = h->type->parse(&context, trimmed, scratch);
    if (ok) {
        void *place = (char *)e + h->offset;

        if (h->type->release)
            h->type->release(place);
        memcpy(place, scratch, h->type->size);
        if (h->written)
            h->written(e);
    } else if (errors->count == before) {
        errors_add(errors, NULL, "expected %s, got '%s'", h->type->name, trimmed);
    }
    free(trimmed);
    return ok;
}

static int write_status(struct router *r, struct element *e, const struct handler *h,
                        unsigned index, const char *value, size_t length, struct errors *errors)
{
    struct element root;
    unsigned before = errors->count;
    char *copy;
    int status;

    /* Handlers may count on a NUL behind the value. */
    copy = malloc(length + 1);
    if (!copy) {
        errors_add(errors, NULL, "out of memory");
        return -ENOMEM;
    }
    memcpy(copy, value, length);
    copy[length] = '\0';
    if (!h->write) {
        status = write_value(e, h, copy, errors) ? 0 : -EINVAL;
    } else if (enter_call(r, h, errors)) {
        struct handler_call call = {h, index, copy, length, errors};

        status = h->write(stand_in(r, e, &root), &call);
        r->call_depth--;
        if (status < 0 && errors->count == before)
            errors_add(errors, NULL, "writing '%s' failed", h->name);
    } else {
        status = -EINVAL;
    }
    free(copy);
    return status;
}

int handler_write_status(struct router *r, struct element *e, const struct handler *h, unsigned index,
                         const char *value, size_t length, struct errors *errors)
{
    int status;

    begin_call(e);
    status = write_status(r, e, h, index, value, length, errors);
    if (e)
        copies_renew(e);
    end_call();
    return status;
}

bool handler_call_write(struct router *r, struct element *e, const struct handler *h,
                        unsigned index, const char *value, size_t length, struct errors *errors)
{
    return handler_write_status(r, e, h, index, value, length, errors) >= 0;
}

/* ---- by name, from within ---- */

static bool refuse(struct errors *errors, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static bool refuse(struct errors *errors, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    errors_vadd(errors, NULL, format, args);
    va_end(args);
    return false;
}

/* An element as named from scope's place. */
static struct element *find_from(struct element *scope, const char *text, size_t length)
{
    char *name = strndup(text, length);
    struct element *found = name ? element_find(scope, name) : NULL;

    free(name);
    return found;
}

bool handler_split(struct element *scope, const char *text, struct element **e, char **name,
                   struct errors *errors)
{
    const char *dot = strchr(text, '.'), *handler = text;
    struct element *found = NULL;
    unsigned index;
    char *copy;

    if (!*text || (dot && dot != text && !dot[1]))
        return refuse(errors, "syntax error");
    if (dot == text) {
        handler = text + 1;
    } else {
        if (dot)
            found = find_from(scope, text, (size_t)(dot - text));
        if (found)
            handler = dot + 1;
        else if (handler_find(scope->router, scope, text, &index))
            found = scope;
        else if (dot && !handler_find(scope->router, NULL, text, &index))
            return refuse(errors, "no element named '%.*s'", (int)(dot - text), text);
    }
    copy = strdup(handler);
    if (!copy)
        return refuse(errors, "out of memory");
    *e = found;
    *name = copy;
    return true;
}

bool handler_resolve(struct element *scope, const char *text, bool writing,
                     struct handler_target *target, struct errors *errors)
{
    struct handler_target t;
    char *name = NULL;
    bool ok;

    if (!handler_split(scope, text, &t.element, &name, errors))
        return false;
    t.handler = handler_find(scope->router, t.element, name, &t.index);
    snprintf(t.name, sizeof t.name, "%s%s%s", t.element ? t.element->name : "",
             t.element ? "." : "", name);
    ok = t.handler && (writing ? handler_writable(t.handler) : handler_readable(t.handler));
    if (ok)
        *target = t;
    else
        refuse(errors, "no '%s' %s handler", t.name, writing ? "write" : "read");
    free(name);
    return ok;
}

/* ---- by name, from outside ---- */

static void names_of_handlers(struct router *r, struct element *e, bool writable, struct text *out)
{
    struct text list = {0};
    char *line, *next;

    handler_list(r, e, &list);
    for (line = list.s; line && *line; line = next) {
        char *tab = strchr(line, '\t'), *end = strchr(line, '\n');

        next = end + 1;
        if (memchr(tab, writable ? 'w' : 'r', (size_t)(end - tab)))
            text_printf(out, "%s%.*s", out->length ? ", " : "", (int)(tab - line), line);
    }
    text_free(&list);
}

/*
 * Splits "element.handler" at its first dot: handlers' names may hold some, elements' names do not.
 * On failure the message says what there is.
 */
static bool resolve(struct router *r, const char *name, bool writing, struct element **e,
                    const struct handler **h, unsigned *index, struct errors *errors)
{
    const char *dot = strchr(name, '.'), *handler = dot ? dot + 1 : name;
    struct text known = {0};
    bool usable;

    *e = NULL;
    if (dot && dot != name) {
        char *element = strndup(name, (size_t)(dot - name));

        *e = element ? router_find(r, element) : NULL;
        if (!*e && element && isdigit((unsigned char)*element)) {
            /* Click also takes an element's number in the list, from 1. */
            char *end;
            unsigned long n = strtoul(element, &end, 10);

            if (!*end && n >= 1 && n <= r->n_elements)
                *e = r->elements[n - 1];
        }
        if (!*e)
            errors_add(errors, NULL, "no element '%s'", element ? element : name);
        free(element);
        if (!*e)
            return false;
    }
    *h = handler_find(r, *e, handler, index);
    usable = *h && !((*h)->flags & HANDLER_PRIVATE) &&
             (writing ? handler_writable(*h) : handler_readable(*h));
    if (usable)
        return true;
    names_of_handlers(r, *e, writing, &known);
    if (*h)
        errors_add(errors, NULL, "'%s' not a %s handler", name, writing ? "write" : "read");
    else
        errors_add(errors, NULL, "no '%s' handler; there is %s", name,
                   known.length ? text_string(&known) : "none");
    text_free(&known);
    return false;
}

bool router_read(struct router *r, const char *name, const char *parameter, struct text *out,
                 struct errors *errors)
{
    const struct handler *h;
    struct element *e;
    unsigned index;

    if (!resolve(r, name, false, &e, &h, &index, errors))
        return false;
    if (parameter && *parameter && !(h->flags & HANDLER_PARAMETER)) {
        errors_add(errors, NULL, "read handler '%s' does not take parameters", name);
        return false;
    }
    bounds_renew();
    return handler_call_read(r, e, h, index, parameter, out, errors);
}

bool router_write(struct router *r, const char *name, const char *value, size_t length,
                  struct errors *errors)
{
    const struct handler *h;
    struct element *e;
    unsigned index;

    bounds_renew();
    return resolve(r, name, true, &e, &h, &index, errors) &&
           handler_call_write(r, e, h, index, value, length, errors);
}

/* ---- handlers of tasks: see TASK_HANDLERS ---- */

static struct task *task_at(struct element *e, const struct handler_call *call)
{
    return (struct task *)((char *)e + call->handler->offset);
}

int element_read_scheduled(struct element *e, const struct handler_call *call, struct text *out)
{
    text_puts(out, task_scheduled(task_at(e, call)) ? "true" : "false");
    return 0;
}

int element_read_tickets(struct element *e, const struct handler_call *call, struct text *out)
{
    text_printf(out, "%u", task_at(e, call)->tickets);
    return 0;
}

int element_read_home_thread(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)call;
    text_printf(out, "%u", e->scheduler ? e->scheduler->thread : 0);
    return 0;
}

int element_write_tickets(struct element *e, const struct handler_call *call)
{
    uint64_t tickets;
    char *word = strdup(call->value);
    size_t n;
    bool ok;

    if (!word)
        return -ENOMEM;
    for (n = strlen(word); n && isspace((unsigned char)word[n - 1]); n--)
        word[n - 1] = '\0';
    ok = args_read_unsigned(word, INT32_MAX, &tickets);
    free(word);
    if (!ok) {
        errors_add(call->errors, NULL, "syntax error");
        return -EINVAL;
    }
    if (tickets < 1 || tickets > TASK_TICKETS_MAX)
        errors_warn(call->errors, NULL, "tickets pinned at %d",
                    tickets < 1 ? 1 : TASK_TICKETS_MAX);
    task_set_tickets(task_at(e, call), tickets > TASK_TICKETS_MAX ? TASK_TICKETS_MAX
                                                                  : (int)tickets);
    return 0;
}
