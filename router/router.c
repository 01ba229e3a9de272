// SPDX-License-Identifier: BSD-2-Clause
/*
 * router.c - from a plan to a running configuration and back; see router.h.
 *
 * The order of life: elements are made and wired, configured by phase, given to a
 * scheduler, initialised; later everything is undone in reverse. A failure at any step leaves
 * a router that router_destroy() can take.
 */
#include "router/router.h"

#include <stdlib.h>
#include <string.h>

#include "platform/platform.h"
#include "router/graph.h"
#include "router/copies.h"
#include "router/names.h"
#include "router/offload.h"
#include "router/placement.h"
#include "router/profile.h"

/* ---- elements by name ---- */

static unsigned hash_name(const char *name)
{
    unsigned h = 2166136261u;

    while (*name)
        h = (h ^ (unsigned char)*name++) * 16777619u;
    return h;
}

static bool index_names(struct router *r)
{
    r->name_slots = 16;
    while (r->name_slots < 2 * r->n_elements)
        r->name_slots *= 2;
    r->name_table = calloc(r->name_slots, sizeof *r->name_table);
    if (!r->name_table)
        return false;
    for (unsigned i = 0; i < r->n_elements; i++) {
        unsigned slot = hash_name(r->elements[i]->name) & (r->name_slots - 1);

        while (r->name_table[slot])
            slot = (slot + 1) & (r->name_slots - 1);
        r->name_table[slot] = i + 1;        /* 0 is an empty slot */
    }
    return true;
}

struct element *router_find(const struct router *r, const char *name)
{
    unsigned slot;

    if (!r->name_table)
        return NULL;
    for (slot = hash_name(name) & (r->name_slots - 1); r->name_table[slot];
         slot = (slot + 1) & (r->name_slots - 1)) {
        struct element *e = r->elements[r->name_table[slot] - 1];

        if (strcmp(e->name, name) == 0)
            return e;
    }
    return NULL;
}

/* ---- making elements ---- */

static void destroy_element(struct element *e)
{
    if (e->class->cleanup)
        e->class->cleanup(e);
    args_release(e);
    free(e->inputs);
    free(e->more_outputs);
    free(e->input_is_pull);
    free(e->output_is_pull);
    free(e->written_config);
    free(e->defaults);
    free(e);
}

/* Cache lines of two elements must not mix: counters are written, ports are read. */
static struct element *make_element(struct router *r, const struct plan_element *plan,
                                    const struct element_class *class, unsigned index)
{
    struct element *e = calloc(1, class->size + platform_apart);

    if (!e)
        return NULL;
    e->class = class;
    e->router = r;
    e->index = index;
    e->name = plan->name;
    e->config = plan->config;
    e->landmark = plan->landmark;
    if (class->setup)
        class->setup(e);
    if (class->live_config) {
        e->defaults = malloc(class->size);
        if (!e->defaults) {
            destroy_element(e);
            return NULL;
        }
        memcpy(e->defaults, e, class->size);
    }
    return e;
}

static bool make_elements(struct router *r, struct errors *errors)
{
    unsigned before = errors->count;

    r->elements = calloc(r->plan->n_elements + 1, sizeof *r->elements);
    if (!r->elements) {
        errors_add(errors, NULL, "out of memory");
        return false;
    }
    for (unsigned i = 0; i < r->plan->n_elements; i++) {
        const struct plan_element *plan = &r->plan->elements[i];
        const struct element_class *class = element_class_find(plan->class_name);

        if (!class) {
            errors_add(errors, plan->landmark, "unknown element class '%s'", plan->class_name);
            continue;
        }
        if (errors->count != before)        /* go on only to find more unknown classes */
            continue;
        r->elements[r->n_elements] = make_element(r, plan, class, r->n_elements);
        if (!r->elements[r->n_elements]) {
            errors_add(errors, plan->landmark, "out of memory");
            return false;
        }
        r->n_elements++;
    }
    if (errors->count != before)
        return false;
    if (!index_names(r)) {
        errors_add(errors, NULL, "out of memory");
        return false;
    }
    return true;
}

/* ---- configuring ---- */

/* A stable counting sort: few phases, many elements. */
static bool order_by_phase(struct router *r)
{
    unsigned n = 0;
    int phase = -1;

    r->configure_order = calloc(r->n_elements + 1, sizeof *r->configure_order);
    if (!r->configure_order)
        return false;
    while (n < r->n_elements) {
        int next = INT32_MAX;

        for (unsigned i = 0; i < r->n_elements; i++)
            if ((int)r->elements[i]->class->phase > phase &&
                (int)r->elements[i]->class->phase < next)
                next = (int)r->elements[i]->class->phase;
        phase = next;
        for (unsigned i = 0; i < r->n_elements; i++)
            if ((int)r->elements[i]->class->phase == phase)
                r->configure_order[n++] = i;
    }
    return true;
}

static void enter(struct errors *errors, struct errors_context *context, struct text *message,
                  const char *doing, const struct element *e)
{
    text_truncate(message, 0);
    text_printf(message, "%s '%s :: %s':", doing, e->name, e->class->name);
    errors_enter(errors, context, e->landmark, text_string(message));
}

static void configure_element(struct element *e, struct text *message, struct errors *errors)
{
    struct errors_context context;
    unsigned before = errors->count;
    struct words rest;
    bool ok;

    enter(errors, &context, message, "While configuring", e);
    ok = args_parse(e, e->config, &rest, errors);
    if (ok && e->class->configure)
        ok = e->class->configure(e, &rest, errors);
    words_free(&rest);
    if (!ok && errors->count == before)
        errors_add(errors, NULL, "unspecified error");
    e->configured = ok;
    errors_leave(errors);
}

static bool configure(struct router *r, struct errors *errors)
{
    unsigned before = errors->count;
    struct text message = {0};

    if (!order_by_phase(r)) {
        errors_add(errors, NULL, "out of memory");
        return false;
    }
    for (unsigned i = 0; i < r->n_elements; i++)
        configure_element(r->elements[r->configure_order[i]], &message, errors);
    text_free(&message);
    return errors->count == before;
}

/* There are no packages to load: what there is, is built in. */
static bool check_requirements(const struct plan *plan, struct router *r, struct errors *errors)
{
    unsigned before = errors->count;

    for (unsigned i = 0; i < plan->n_requirements; i++) {
        const struct plan_requirement *requirement = &plan->requirements[i];

        if (strcmp(requirement->type, "package") == 0)
            errors_add(errors, requirement->landmark, "requirement '%s' not available",
                       requirement->value);
        else if (strcmp(requirement->type, "compact_config") == 0)
            r->compact = true;
    }
    return errors->count == before;
}

struct router *router_create(struct plan *plan, const char *source, struct errors *errors)
{
    struct router *r = calloc(1, sizeof *r);
    bool available;

    if (!r) {
        errors_add(errors, NULL, "out of memory");
        plan_free(plan);
        return NULL;
    }
    r->plan = plan;
    r->run_count = 1;
    r->n_threads = 1;
    available = check_requirements(plan, r, errors);
    if (source && !r->compact)
        r->source = strdup(source);
    /* Without what it requires it does not run, but its other errors are told as well. */
    if (make_elements(r, errors) && graph_wire(r, plan, errors) && configure(r, errors) &&
        available)
        return r;
    router_destroy(r);
    return NULL;
}

/* ---- when the driver stops ---- */

enum {
    RUNS_MAX = INT32_MAX / 2,
    RUNS_INTERRUPTED = -RUNS_MAX,       /* no script raises it above 0 again */
    DRIVER_STEPS_MAX = 1000,            /* calls of a driver script that does not say what it wants */
};

void router_adjust_runs(struct router *r, int delta)
{
    int64_t runs;

    platform_exclusive_begin();         /* any thread's element may ask, and the first one's scheduler stops */
    runs = (int64_t)r->run_count + delta;
    r->run_count = (int)(runs > RUNS_MAX ? RUNS_MAX : runs < -RUNS_MAX ? -RUNS_MAX : runs);
    if (r->run_count <= 0) {
        r->stop_requested = true;
        if (r->scheduler)
            scheduler_ask_stop(r->scheduler);
    }
    platform_exclusive_end();
}

void router_please_stop(struct router *r)
{
    router_adjust_runs(r, -1);
}

bool router_set_driver(struct router *r, struct element *driver,
                       bool (*step)(struct element *driver))
{
    if (r->driver)
        return false;
    r->driver = driver;
    r->driver_step = step;
    return true;
}

/* The scheduler asks whether the router goes on after all. */
static bool goes_on(void *router, bool interrupted)
{
    struct router *r = router;
    unsigned left = DRIVER_STEPS_MAX;
    bool on;

    platform_exclusive_begin();
    if (interrupted)
        r->run_count = RUNS_INTERRUPTED;
    while (r->run_count <= 0 && left-- && r->driver_step(r->driver))
        continue;
    on = r->run_count > 0;
    if (on)
        r->stop_requested = false;
    platform_exclusive_end();
    return on;
}

bool router_initialize(struct router *r, struct scheduler *scheduler, struct errors *errors)
{
    struct text message = {0};
    bool ok = true;

    r->scheduler = scheduler;
    r->n_threads = scheduler->n_threads;
    bounds_renew();
    if (!placement_make(r, errors))
        return false;
    if (platform_devices_offload && !offload_place(r)) {
        errors_add(errors, NULL, "out of memory");
        return false;
    }
    if (r->driver) {
        scheduler->goes_on = goes_on;
        scheduler->goes_on_context = r;
    }
    for (unsigned i = 0; ok && i < r->n_elements; i++) {
        struct element *e = r->elements[r->configure_order[i]];
        struct errors_context context;
        unsigned before = errors->count;

        enter(errors, &context, &message, "While initializing", e);
        ok = !e->class->initialize || e->class->initialize(e, errors);
        if (!ok && errors->count == before)
            errors_add(errors, NULL, "unspecified error");
        e->initialized = ok;
        errors_leave(errors);
    }
    text_free(&message);
    ok = ok && copies_make(r, errors);
    r->running = ok;
    return ok;
}

void router_destroy(struct router *r)
{
    if (!r)
        return;
    r->running = false;
    copies_free(r);
    for (unsigned i = r->n_elements; i-- > 0;)
        destroy_element(r->elements[r->configure_order ? r->configure_order[i] : i]);
    names_free(r);
    profile_free(r);
    free(r->elements);
    free(r->name_table);
    free(r->configure_order);
    free(r->reached_by);
    free(r->ties);
    free(r->source);
    plan_free(r->plan);
    free(r);
}

struct element *router_predecessor(const struct element *e)
{
    const struct router *old = e->router->replaces;
    struct element *found = old ? router_find(old, e->name) : NULL;

    return found && found->class == e->class ? found : NULL;
}

void router_take_place(struct router *r)
{
    for (unsigned t = 0; r->replaces && t < r->n_threads; t++)
        r->scheduler[t].now_ns = platform_now_ns();     /* not before what the other saw */
    for (unsigned i = 0; r->replaces && i < r->n_elements; i++) {
        struct element *e = r->elements[i], *old = router_predecessor(e);

        if (old && e->class->take_state) {
            copies_collect(old);
            e->class->take_state(e, old);
            copies_renew(e);
        }
    }
    if (r->replaces)
        profile_take_place(r);
    r->replaces = NULL;
}

static bool class_known(const char *name)
{
    return element_class_find(name) != NULL;
}

static char *read_library(void *closure, const char *name, const char *includer, char **path,
                          size_t *length)
{
    (void)closure;
    return platform_library_read(name, includer, path, length);
}

static struct plan *parse(const char *text, size_t length, const char *filename,
                          const struct language_define *defines, unsigned n_defines,
                          bool foreign_classes, struct errors *errors)
{
    struct language_options options = {.class_known = class_known, .foreign_classes = foreign_classes,
                                       .defines = defines, .n_defines = n_defines};
    unsigned before = errors->count;
    struct plan *plan;

    if (platform_has_files)             /* or else the language says that there are none */
        options.read_library = read_library;
    plan = language_parse(text, length, filename, &options, errors);
    if (!plan || errors->count == before)
        return plan;
    plan_free(plan);
    return NULL;
}

struct plan *router_parse(const char *text, size_t length, const char *filename,
                          const struct language_define *defines, unsigned n_defines,
                          struct errors *errors)
{
    return parse(text, length, filename, defines, n_defines, false, errors);
}

struct plan *router_parse_foreign(const char *text, size_t length, const char *filename,
                                  const struct language_define *defines, unsigned n_defines,
                                  struct errors *errors)
{
    return parse(text, length, filename, defines, n_defines, true, errors);
}

struct router *router_from_text(const char *text, size_t length, const char *filename,
                                const struct language_define *defines, unsigned n_defines,
                                struct errors *errors)
{
    struct plan *plan = router_parse(text, length, filename, defines, n_defines, errors);
    struct router *r;
    char *source;

    if (!plan)
        return NULL;
    source = strndup(text, length);
    r = router_create(plan, source, errors);
    free(source);
    return r;
}
