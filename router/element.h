// SPDX-License-Identifier: BSD-2-Clause
/*
 * element.h - an element class is a table of facts and a few functions.
 *
 * Write an element like this (docs/elements.md tells the whole story):
 *
 *     struct paint { struct element base; uint8_t color; };
 *
 *     static inline struct packet *action(struct element *e, struct packet *p) { ... return p; }
 *     ELEMENT_ACTION(action)
 *
 *     ELEMENT_CLASS(paint) = {
 *         .name = "Paint", .ports = PORTS_1_1, .processing = AGNOSTIC, .size = sizeof(struct paint),
 *         .arguments = arguments, .handlers = handlers, ELEMENT_ENTRIES(action),
 *         .purpose = "sets the paint annotation",
 *     };
 *
 * The struct begins with `struct element base` and starts zeroed. Order of life: setup (defaults),
 * arguments, configure, then for the whole router initialize, run, cleanup. cleanup is called
 * for every element that was set up, whether or not the later steps happened.
 *
 * Packets: push hands over a batch; pull asks for up to `max`. Whoever has a packet passes it
 * on or frees it, and what is dropped is counted in the element that dropped it. A way that is
 * too long ends (bounds.h): then a push drops and a pull brings nothing.
 */
#ifndef ROUTER_ELEMENT_H
#define ROUTER_ELEMENT_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "router/args.h"
#include "router/batch.h"
#include "router/bounds.h"
#include "router/errors.h"
#include "router/notifier.h"
#include "router/task.h"
#include "router/text.h"

struct element;
struct router;

/* The struct that holds an element base: element_as(struct paint, e)->color. */
#define element_as(type, e) ((type *)((char *)(e) - offsetof(type, base)))

/* ---- handlers ---- */

enum {
    HANDLER_READ = 1,               /* value handlers say which way they go; others have functions */
    HANDLER_WRITE = 2,
    HANDLER_BUTTON = 4,             /* a write that takes no value */
    HANDLER_PARAMETER = 8,          /* a read that takes a parameter */
    HANDLER_RAW = 16,               /* the value is data, not text */
    HANDLER_EXPENSIVE = 32,
    HANDLER_PRIVATE = 64,           /* not for the control plane */
    HANDLER_CHECKBOX = 128,
    HANDLER_CALM = 256,             /* its value changes only when somebody writes */
    HANDLER_UNCOMMON = 512,         /* not for a user interface to offer */
    HANDLER_DEPRECATED = 1024,      /* an old name of another one */
};

struct handler;

struct handler_call {
    const struct handler *handler;
    unsigned index;                 /* N of a name such as pattern%u, or what `named` said */
    const char *value;              /* what is written, or a read's parameter; never NULL */
    size_t length;                  /* of value; it may hold NULs */
    struct errors *errors;
};

/* 0, or negative errno with an error added. */
typedef int handler_read_function(struct element *e, const struct handler_call *call,
                                  struct text *out);
typedef int handler_write_function(struct element *e, const struct handler_call *call);

struct handler {
    const char *name;               /* "count"; "pattern%u": pattern0, pattern1, ...; "*": see named */
    unsigned flags;
    handler_read_function *read;
    handler_write_function *write;
    /* Or a plain value in the struct: type and offset, with HANDLER_READ and/or HANDLER_WRITE. */
    const struct arg_type *type;
    size_t offset;
    int64_t min, max;               /* bounds of a written integer, when not both 0 */
    const char *argument;           /* see element_write_argument */
    void (*written)(struct element *e);     /* after a value was stored; NULL: nobody asks */
    unsigned (*count)(struct element *e);   /* how many a %u name stands for; NULL: outputs */
    /*
     * A handler called "*" stands for names that only the element knows: `named` gives the index
     * for a name (-1: not one of them), `member` lists them, from 0 (NULL: there are no more).
     */
    int (*named)(struct element *e, const char *name);
    const char *(*member)(struct element *e, unsigned index);
    const char *help;
};

/*
 * For classes with live_config: a write of `config`, for those that show it in their own way; and of
 * one argument, the row's `argument`, which takes its place in the configuration or is added to it.
 */
handler_write_function element_write_config, element_write_argument;

/* scheduled, tickets and home_thread of a task in the struct. */
#define TASK_HANDLERS(structure, member)                                                         \
    {.name = "scheduled", .read = element_read_scheduled, .offset = offsetof(structure, member), \
     .help = "whether the task is scheduled"},                                                   \
    {.name = "tickets", .read = element_read_tickets, .write = element_write_tickets,            \
     .offset = offsetof(structure, member), .help = "the task's share, 1 to 32768"},             \
    {.name = "home_thread", .read = element_read_home_thread,                                    \
     .offset = offsetof(structure, member), .help = "the thread that runs the task"}

handler_read_function element_read_scheduled, element_read_tickets, element_read_home_thread;
handler_write_function element_write_tickets;

/* ---- classes ---- */

enum configure_phase {
    PHASE_INFO = 0,                 /* AddressInfo, PortInfo: names that others use */
    PHASE_PREPARE = 20,             /* ScheduleInfo, patterns and mappers that rewriters name */
    PHASE_DEFAULT = 90,
    PHASE_REWRITER = 100,
    PHASE_LAST = 2000,
};

/* Common port counts and processing codes (Click's). */
#define PORTS_0_0 "0"
#define PORTS_1_1 "1/1"
#define PORTS_1_1X2 "1/1-2"
#define PORTS_0_1 "0/1"
#define PORTS_1_0 "1/0"
#define AGNOSTIC "a/a"
#define PROCESSING_A_AH "a/ah"
#define PUSH "h/h"
#define PULL "l/l"
#define PULL_TO_PUSH "l/h"
#define PUSH_TO_PULL "h/l"

typedef void push_function(struct element *e, unsigned port, struct batch *batch);
typedef void push_one_function(struct element *e, unsigned port, struct packet *p);
/* Adds up to `max` packets to the batch (which has room for them); says how many. */
typedef unsigned pull_function(struct element *e, unsigned port, struct batch *batch, unsigned max);

/*
 * How many threads may run an element of a class (placement.h):
 * - One at a time, so that all who reach it run on the same thread.
 * - Each has a copy of the struct (copies.h), with ports of its own. For classes whose packets change nothing
 *   but `counts`, neither in the struct nor behind its pointers, and without tasks, timers and notifiers.
 * - One pushes and one pulls: a queue. `crossed` says that they are two.
 * - All at once.
 */
enum element_threads { THREADS_ONE, THREADS_EACH, THREADS_TWO, THREADS_ALL };

/*
 * What others see of the order in which an element of a class handles packets (order.h):
 * - Nothing if threads may have copies of it, else, and when it calls elements or is called, all.
 * - Nothing: also of a class whose task hands on packets of its own or from a queue, by order_burst().
 * - Only the order of its own packets: it shows in them, or in what it keeps.
 * - When it handles each, among the other elements: it tells somebody at once.
 */
enum element_order { ORDER_BY_THREADS, ORDER_UNSEEN, ORDER_OWN, ORDER_SEEN };

/* Offsets of uint64_t members that packets change: COUNTS(offsetof(struct x, drops), ...). */
#define COUNTS(...) ((const size_t[]){__VA_ARGS__, 0})

struct element_class {
    const char *name;               /* "CheckLength" */
    const char *ports;              /* "1/1-2"; see CLICK's port counts: =, -, + */
    const char *processing;         /* "a/ah" */
    const char *flow;               /* NULL: "x/x", every input reaches every output */
    size_t size;                    /* of the struct that begins with struct element */
    const struct argument *arguments;       /* ends with a zeroed row; NULL: none */
    const struct handler *handlers;         /* likewise */
    enum configure_phase phase;             /* 0 only for PHASE_INFO; PHASE_DEFAULT normally */
    bool keywords_anywhere;                 /* keywords may stand before positional arguments */
    bool live_config;                       /* `config` may be written while running */

    void (*setup)(struct element *e);       /* default values, before arguments are read */
    bool (*configure)(struct element *e, const struct words *rest, struct errors *errors);
    bool (*initialize)(struct element *e, struct errors *errors);
    void (*cleanup)(struct element *e);
    /* Takes over from the element whose place it takes: of its class and name, about to be cleaned up. */
    void (*take_state)(struct element *e, struct element *predecessor);

    bool offload;                           /* takes packets that are not finished: see offload.h */
    enum element_order order;
    enum element_threads threads;
    /* Of classes whose threads each have a copy: */
    const size_t *counts;                   /* NULL: none */
    /* What the copy needs beyond a copy of the struct, and that again; counts elsewhere. NULL: nothing. */
    void (*copy)(struct element *copy, struct element *original);
    void (*uncopy)(struct element *copy);
    void (*collect)(struct element *e, struct element *copy);   /* adds its counts to e's and sets them to 0 */

    push_function *push;
    push_one_function *push_one;            /* NULL: push with a batch of one */
    pull_function *pull;

    /* The notifier behind an output (kind EMPTY) or input (kind FULL) port; NULL: none. */
    struct notifier *(*notifier)(struct element *e, unsigned port, enum notifier_kind kind);
    /* What the element offers to others by interface name ("Storage"); NULL: nothing. */
    void *(*cast)(struct element *e, const char *interface);

    const char *group;              /* "standard", as in the manual */
    const char *purpose;            /* one line */
    const char *manual;             /* more, plain text; NULL: none */
};

/* One pointer per class in a linker section; there is no list to edit. */
#define ELEMENT_CLASS(id)                                                           \
    static const struct element_class id##_class;                                   \
    static const struct element_class *const id##_entry                             \
        __attribute__((used, section("element_classes"))) = &id##_class;            \
    static const struct element_class id##_class

/* Registered classes, in no particular order. */
const struct element_class *element_class_find(const char *name);
unsigned element_class_count(void);
const struct element_class *element_class_at(unsigned i);

/* ---- elements ---- */

struct port {
    struct element *peer;           /* who is pushed to or pulled from; NULL: not this way round */
    unsigned peer_port;
    push_function *push;            /* the peer's entries, so that a call costs one load */
    push_one_function *push_one;
    pull_function *pull;
    uint64_t packets;               /* that were moved here: pushed by an output, pulled by an input */
};

struct element {
    struct port output;             /* the first: in the struct, so that where a packet goes next is one load away */
    struct port *more_outputs;      /* the others, from more_outputs[1] on; NULL: there is no other */
    const struct element_class *class;
    struct router *router;
    struct scheduler *scheduler;    /* of the thread that runs it; NULL before it is initialized */
    struct element *copy;           /* another thread's, and so on; NULL: there is none (copies.h) */
    uint64_t threads;               /* a bit for each that runs it, or one of its copies */
    struct port *inputs;
    unsigned n_inputs, n_outputs;
    char *input_is_pull, *output_is_pull;   /* per port, resolved; 1: pull */
    unsigned index;                 /* in the router */
    const char *name;               /* "c", "fw/in"; these three are the plan's */
    const char *config;             /* as given, or as last written */
    const char *landmark;           /* "edge.click:7" */
    void *defaults;                 /* owned: the struct after setup(), where `config` may be written */
    char *written_config;           /* owned: `config` when it was written while running */
    struct element *placed_by;      /* the StaticThreadSched that wants it on a thread; NULL: nobody */
    unsigned wanted_thread;
    bool one_thread;                /* whatever its class says; see element_bind() */
    bool finished_only;             /* packets are finished on their way into it (offload.h) */
    bool crossed;                   /* a queue: more than one thread pushes and pulls */
    bool configured, initialized;
};

static inline struct port *element_output(struct element *e, unsigned port)
{
    return port ? &e->more_outputs[port] : &e->output;
}

/* ---- moving packets ---- */

/* The batch must not be empty. */
static inline void element_push(struct element *e, unsigned port, struct batch *batch)
{
    struct port *o = element_output(e, port);

    if (!bounds_allow_push()) {
        bounds_refuse_push(e, batch);
        return;
    }
    o->packets += batch->n;
    o->push(o->peer, o->peer_port, batch);
}

static inline void element_push_one(struct element *e, unsigned port, struct packet *p)
{
    struct port *o = element_output(e, port);

    if (!bounds_allow_push()) {
        bounds_refuse_push_one(e, p);
        return;
    }
    o->packets++;
    o->push_one(o->peer, o->peer_port, p);
}

static inline unsigned element_pull(struct element *e, unsigned port, struct batch *batch,
                                    unsigned max)
{
    struct port *i = &e->inputs[port];
    unsigned got;

    if (!bounds_allow_pull())
        return bounds_refuse_pull(e);
    got = i->pull(i->peer, i->peer_port, batch, max);
    i->packets += got;
    return got;
}

/* For an optional output: pushes when `port` exists, else frees. The caller counts. */
static inline void element_push_or_free(struct element *e, unsigned port, struct packet *p)
{
    if (port < e->n_outputs)
        element_push_one(e, port, p);
    else
        packet_free(p);
}

/*
 * Sends packet i of the batch to output out[i]; a port that the element has not frees the
 * packet and counts it in *drops. Order within a port is kept; runs stay whole. `out` has room for BATCH_MAX.
 */
void element_dispatch(struct element *e, struct batch *batch, const unsigned *out,
                      uint64_t *drops);

/*
 * Entries for an element that handles a packet at a time: from
 *     static inline struct packet *action(struct element *e, struct packet *p)
 * (the packet to send on, or NULL when it went elsewhere) this makes push for a
 * vector and for one packet, and pull, with the body inlined in each (whatever its size: what is rare in it
 * stands in functions that are noinline).
 */
#define ELEMENT_ACTION(action)                                                                 \
    __attribute__((flatten))                                                                   \
    static void action##_push(struct element *e, unsigned port, struct batch *batch)           \
    {                                                                                          \
        struct packet **to = batch->pkt, *const *end = to + batch->n;                          \
                                                                                               \
        (void)port;                                                                            \
        for (struct packet **from = to; from < end; from++) {                                  \
            struct packet *p_ = action(e, *from);                                              \
            if (p_)                                                                            \
                *to++ = p_;                                                                    \
        }                                                                                      \
        batch->n = (unsigned)(to - batch->pkt);                                                \
        if (batch->n)                                                                          \
            element_push(e, 0, batch);                                                         \
    }                                                                                          \
    __attribute__((flatten))                                                                   \
    static void action##_push_one(struct element *e, unsigned port, struct packet *p_)         \
    {                                                                                          \
        (void)port;                                                                            \
        p_ = action(e, p_);                                                                    \
        if (p_)                                                                                \
            element_push_one(e, 0, p_);                                                        \
    }                                                                                          \
    static unsigned action##_pull(struct element *e, unsigned port, struct batch *batch,       \
                                  unsigned max)                                                \
    {                                                                                          \
        unsigned first = batch->n, n = first, got = element_pull(e, 0, batch, max);            \
                                                                                               \
        (void)port;                                                                            \
        for (unsigned i = first; i < first + got; i++) {                                       \
            struct packet *p_ = action(e, batch->pkt[i]);                                      \
            if (p_)                                                                            \
                batch->pkt[n++] = p_;                                                          \
        }                                                                                      \
        batch->n = n;                                                                          \
        return n - first;                                                                      \
    }

#define ELEMENT_ENTRIES(action) \
    .push = action##_push, .push_one = action##_push_one, .pull = action##_pull

/* For ports at which nothing goes on: frees what comes, and never has anything. */
push_function element_push_nowhere;
pull_function element_pull_nothing;

/* A push_one made of push, for elements that only write the vector form. */
void element_push_one_by_batch(struct element *e, unsigned port, struct packet *p);

/* ---- helpers for functions that configure ---- */

/* An error about this element, "landmark: While configuring ...: message" by context. Returns false. */
bool element_error(struct element *e, struct errors *errors, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Prints to the log with the element's name in front: "c: message\n". Rate-limit what packets cause. */
void element_log(const struct element *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same with its class, "c :: Counter: message\n", where Click says it so. */
void element_log_declared(const struct element *e, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* What `name` means to this element: in its own compound first, then outwards. NULL: nobody. */
struct element *element_find(struct element *scope, const char *name);
/*
 * The same for an element that will look into the other, or have it called, by other ways than handlers: then
 * the same thread runs both. Too late while the router runs: NULL where they have different ones.
 */
struct element *element_find_partner(struct element *scope, const char *name);
/* To be called in configure() or before: one thread at a time runs this element. */
void element_bind(struct element *e);
void *element_cast(struct element *e, const char *interface);
/* "name :: Class", malloc'ed. */
char *element_declaration(const struct element *e);

#endif
