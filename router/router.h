// SPDX-License-Identifier: BSD-2-Clause
/*
 * router.h - one running configuration.
 *
 * router_create() builds, wires and configures; router_initialize() brings it to life
 * on a scheduler. Both report every error they find and leave nothing behind when they
 * fail; a router that runs is not touched by another one that does not come up.
 * router_destroy() stops tasks and timers, cleans up elements in reverse order and
 * returns every packet to the pool.
 */
#ifndef ROUTER_ROUTER_H
#define ROUTER_ROUTER_H

#include "language/plan.h"
#include "router/element.h"

struct router {
    struct element **elements;
    unsigned n_elements;
    unsigned n_bound;                   /* calls of element_bind() so far */
    struct scheduler *scheduler;        /* of the first thread, those of others behind it; NULL before router_initialize() */
    unsigned n_threads;
    struct plan *plan;                  /* owned */
    char *source;                       /* the configuration's text, for the `config` handler */
    bool compact;                       /* require(compact_config): it was not kept */
    int run_count;                      /* the driver stops when this is no longer positive */
    bool running;
    bool stop_requested;
    struct element *driver;             /* the script that has a say in that; NULL: none */
    bool (*driver_step)(struct element *driver);
    struct bounds bounds;               /* packets that went no further */
    uint64_t unfinished_drops;          /* packets that could not be finished: see offload.h */
    unsigned call_depth;                /* handlers that call handlers that ... */
    unsigned script_depth;              /* scripts that run each other */
    unsigned script_work_left;          /* instructions that they may still take together */
    struct router_tie {
        struct element *a, *b;
    } *ties;                            /* elements that the same thread must run; see element_find_partner() */
    unsigned n_ties, room_ties;
    unsigned name_slots;                /* hash of element names */
    unsigned *name_table;
    unsigned *configure_order;          /* element indexes by phase */
    unsigned *reached_by, searches;     /* per element, the notifier search that reached it last */
    void *names;                        /* AddressInfo, PortInfo: see names.h */
    struct profile *profile;            /* see profile.h; NULL: it was never switched on */
    struct router *replaces;            /* whose place it shall take, while that one runs; NULL: nobody's */
    /*
     * What the handler `hotconfig` does: false, with errors added, when the text makes no router that
     * comes up; otherwise that router takes this one's place soon. NULL: there is no such handler.
     */
    bool (*reconfigure)(struct router *router, const char *text, size_t length,
                        struct errors *errors);
};

/* Takes the plan, even when it fails. `source` is copied and may be NULL. NULL: errors say why. */
struct router *router_create(struct plan *plan, const char *source, struct errors *errors);
/* `scheduler`: the first of scheduler->n_threads. False: errors say why; the router is still to be destroyed. */
bool router_initialize(struct router *router, struct scheduler *scheduler, struct errors *errors);
void router_destroy(struct router *router);

/* ---- one router in the place of another ---- */

/* The element of the router that is being replaced that has e's name and class; NULL: there is none. */
struct element *router_predecessor(const struct element *e);
/* Elements take over what their predecessors have; to be called when this one runs next, and the other never again. */
void router_take_place(struct router *router);

/* A plan from text; NULL: errors say where the text is wrong. */
struct plan *router_parse(const char *text, size_t length, const char *filename,
                          const struct language_define *defines, unsigned n_defines,
                          struct errors *errors);
/* The same for those who only look at it: names that are neither elements nor classes of ours are classes, too. */
struct plan *router_parse_foreign(const char *text, size_t length, const char *filename,
                                  const struct language_define *defines, unsigned n_defines,
                                  struct errors *errors);
/* router_parse() and router_create(). */
struct router *router_from_text(const char *text, size_t length, const char *filename,
                                const struct language_define *defines, unsigned n_defines,
                                struct errors *errors);

/* By full name ("fw/in"); NULL: no such element. */
struct element *router_find(const struct router *router, const char *name);

/* ---- when the driver stops ---- */

/* An element asks the driver to stop (STOP true, Script's stop). */
void router_please_stop(struct router *router);
/* Moves run_count, within its bounds; where it is not positive, the driver is asked to stop. */
void router_adjust_runs(struct router *router, int delta);
/*
 * From now on `step` is called when the driver shall stop, again and again until it says
 * false or has raised run_count: then the router goes on. False: there is such an element already.
 */
bool router_set_driver(struct router *router, struct element *driver,
                       bool (*step)(struct element *driver));

/* ---- handlers from outside: "element.handler", ".handler" or "handler" for the router itself ---- */

/*
 * Reads into out. `parameter` may be NULL. False: one error says what is missing: the element, the handler (and
 * which there are), or what the handler said. `allow_private` is false for control planes.
 */
bool router_read(struct router *router, const char *name, const char *parameter, struct text *out,
                 struct errors *errors);
bool router_write(struct router *router, const char *name, const char *value, size_t length,
                  struct errors *errors);

/* Finds by name without calling; *index is N of a numbered name. e NULL: the router's own handlers. */
const struct handler *handler_find(struct router *router, struct element *e, const char *name,
                                   unsigned *index);
/* One of those that every element has: class, name, config, ports, handlers. */
bool handler_is_default(const char *name);
bool handler_readable(const struct handler *handler);
bool handler_writable(const struct handler *handler);
/* One name a line with Click's flags: "count\tr". */
void handler_list(struct router *router, struct element *e, struct text *out);
/* Calls a handler; these add no context of their own. */
bool handler_call_read(struct router *router, struct element *e, const struct handler *handler,
                       unsigned index, const char *parameter, struct text *out,
                       struct errors *errors);
bool handler_call_write(struct router *router, struct element *e, const struct handler *handler,
                        unsigned index, const char *value, size_t length, struct errors *errors);
/* The same for a parameter of any bytes, and with the handler's own status, negative on errors. */
int handler_read_status(struct router *router, struct element *e, const struct handler *handler,
                        unsigned index, const char *parameter, size_t length, struct text *out,
                        struct errors *errors);
int handler_write_status(struct router *router, struct element *e, const struct handler *handler,
                         unsigned index, const char *value, size_t length, struct errors *errors);

/* ---- handlers as elements call them ---- */

enum { HANDLER_DEPTH_MAX = 6 };         /* calls within calls; more is an error */

struct handler_target {
    struct element *element;            /* NULL: the router itself */
    const struct handler *handler;
    unsigned index;
    char name[120];                     /* "c.count", cut when it is longer; for messages */
};

/*
 * Splits "element.handler" at its first dot and finds the element as `scope` sees it, in its own
 * compound first, then outwards. "handler" alone is one of scope's own if it has it, else the
 * router's, as is ".handler". False: the name makes no sense, or no such element (an error was
 * added); `*name` is then unchanged, otherwise malloc'ed.
 */
bool handler_split(struct element *scope, const char *text, struct element **e, char **name,
                   struct errors *errors);
/* That, and the handler: it is there and can be read or written. Private ones count. */
bool handler_resolve(struct element *scope, const char *text, bool writing,
                     struct handler_target *target, struct errors *errors);

#endif
