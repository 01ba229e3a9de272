// SPDX-License-Identifier: BSD-2-Clause
/* ip_route_table.c - what the IP lookup elements share; see ip_route_table.h. */
#include "elements/ip/ip_route_table.h"

#include <stdlib.h>
#include <string.h>

#include "router/headers.h"

enum { COMPLAINTS_MAX = 5 };        /* packets without a route that are mentioned */

enum command { ADD, SET, REMOVE };

static struct ip_route_table *table_of(struct element *e)
{
    return element_as(struct ip_route_table, e);
}

/* ---- the index of prefixes: open addressing, at most half full ---- */

static unsigned hash(uint32_t address, uint32_t mask)
{
    uint64_t h = ((uint64_t)address << 32 | mask) * 0x9E3779B97F4A7C15u;

    return (unsigned)(h >> 32);
}

/* Where the prefix stands in the index, or where it would. */
static unsigned index_place(const struct ip_route_table *t, uint32_t address, uint32_t mask)
{
    unsigned i = hash(address, mask) & t->index_mask;

    for (; t->index[i]; i = (i + 1) & t->index_mask) {
        const struct ip_route_slot *r = &t->slot[t->index[i] - 1];

        if (r->address == address && r->mask == mask)
            break;
    }
    return i;
}

/* The route with exactly this prefix; NULL: there is none. */
static struct ip_route_slot *find(const struct ip_route_table *t, uint32_t address, uint32_t mask)
{
    uint32_t slot = t->index ? t->index[index_place(t, address, mask)] : 0;

    return slot ? &t->slot[slot - 1] : NULL;
}

static int index_make_room(struct ip_route_table *t)
{
    unsigned size = t->index ? t->index_mask + 1 : 0;
    uint32_t *old = t->index, *grown;

    if (2 * (t->n_routes + 1) <= size)
        return 0;
    grown = calloc(size ? 2 * (size_t)size : 16, sizeof *grown);
    if (!grown)
        return -ENOMEM;
    t->index = grown;
    t->index_mask = (size ? 2 * size : 16) - 1;
    for (unsigned i = 0; i < size; i++)
        if (old[i]) {
            const struct ip_route_slot *r = &t->slot[old[i] - 1];

            t->index[index_place(t, r->address, r->mask)] = old[i];
        }
    free(old);
    return 0;
}

/* Closes the gap, so that no search stops too early. */
static void index_remove(struct ip_route_table *t, unsigned gap)
{
    t->index[gap] = 0;
    for (unsigned i = (gap + 1) & t->index_mask; t->index[i]; i = (i + 1) & t->index_mask) {
        const struct ip_route_slot *r = &t->slot[t->index[i] - 1];
        unsigned home = hash(r->address, r->mask) & t->index_mask;

        if (((i - home) & t->index_mask) >= ((i - gap) & t->index_mask)) {
            t->index[gap] = t->index[i];
            t->index[i] = 0;
            gap = i;
        }
    }
}

/* ---- hops ---- */

static struct ip_route_hop *make_hop(struct ip_route_table *t)
{
    struct ip_route_hop *hop;

    if (t->free_hop) {
        hop = &t->hop[t->free_hop];
        t->free_hop = hop->gateway;
        return hop;
    }
    if (t->n_hops == t->max_hops) {
        uint32_t max = t->max_hops ? 2 * t->max_hops : 8;

        hop = max <= LPM_VALUES ? realloc(t->hop, max * sizeof *hop) : NULL;
        if (!hop)
            return NULL;
        t->hop = hop;
        t->max_hops = max;
        if (!t->n_hops)
            t->hop[t->n_hops++] = (struct ip_route_hop){.port = IP_ROUTE_NONE};
    }
    return &t->hop[t->n_hops++];
}

/*
 * Counts one more user. Two hops may be alike, when there are more than `recent` remembers: that takes
 * memory, no more. 0: out of memory.
 */
static uint32_t take_hop(struct ip_route_table *t, uint32_t gateway, int32_t port)
{
    uint32_t *recent = &t->recent[hash(gateway, (uint32_t)port) % IP_ROUTE_HOPS_RECENT];
    struct ip_route_hop *hop = *recent ? &t->hop[*recent] : NULL;

    if (!hop || !hop->users || hop->gateway != gateway || hop->port != port) {
        hop = make_hop(t);
        if (!hop)
            return 0;
        *hop = (struct ip_route_hop){gateway, port, 0};
        *recent = (uint32_t)(hop - t->hop);
    }
    hop->users++;
    return (uint32_t)(hop - t->hop);
}

static void release_hop(struct ip_route_table *t, uint32_t number)
{
    struct ip_route_hop *hop = &t->hop[number];

    if (--hop->users)
        return;
    hop->gateway = t->free_hop;
    t->free_hop = number;
}

/* ---- routes ---- */

static bool is_prefix(uint32_t mask)
{
    uint32_t holes = ~be32(mask);

    return !(holes & (holes + 1));
}

static unsigned prefix_length(uint32_t mask)
{
    return (unsigned)__builtin_popcount(mask);
}

static struct ip_route route_of(const struct ip_route_table *t, const struct ip_route_slot *slot)
{
    const struct ip_route_hop *hop = &t->hop[slot->hop];

    return (struct ip_route){slot->address, slot->mask, hop->gateway, hop->port};
}

static int make_room(struct ip_route_table *t)
{
    unsigned max = t->max_slots ? 2 * t->max_slots : 8;
    struct ip_route_slot *grown;

    if (index_make_room(t))
        return -ENOMEM;
    if (t->first_free || t->n_slots < t->max_slots)
        return 0;
    grown = realloc(t->slot, max * sizeof *grown);
    if (!grown)
        return -ENOMEM;
    t->slot = grown;
    t->max_slots = max;
    return 0;
}

/* Has packets take the hop from now on. */
static int lead_to(struct ip_route_table *t, const struct ip_route *route, uint32_t hop, bool is_new)
{
    if (is_prefix(route->mask))
        return lpm_insert(&t->lpm, be32(route->address), prefix_length(route->mask), hop, is_new);
    t->n_holes += is_new;
    return 0;
}

int ip_route_table_add(struct ip_route_table *t, const struct ip_route *route, bool replace,
                       struct ip_route *old)
{
    struct ip_route_slot *slot = find(t, route->address, route->mask);
    bool is_new = !slot;
    uint32_t hop;

    old->port = IP_ROUTE_NONE;
    if (slot) {
        *old = route_of(t, slot);
        if (!replace)
            return -EEXIST;
    } else if (make_room(t)) {
        return -ENOMEM;
    }
    hop = take_hop(t, route->gateway, route->port);
    if (!hop)
        return -ENOMEM;
    if (lead_to(t, route, hop, is_new)) {
        release_hop(t, hop);
        return -ENOMEM;
    }
    if (!is_new) {
        release_hop(t, slot->hop);
        slot->hop = hop;
        return 0;
    }
    slot = &t->slot[t->first_free ? t->first_free - 1 : t->n_slots];
    if (t->first_free)
        t->first_free = slot->address;
    else
        t->n_slots++;
    *slot = (struct ip_route_slot){route->address, route->mask, hop};
    t->index[index_place(t, route->address, route->mask)] = (uint32_t)(slot - t->slot) + 1;
    t->n_routes++;
    return 0;
}

/* Has packets take the longest prefix that covers this one. */
static void lead_elsewhere(struct ip_route_table *t, const struct ip_route_slot *slot)
{
    unsigned length = prefix_length(slot->mask), next = length;
    const struct ip_route_slot *instead = NULL;

    while (next && !instead) {
        uint32_t mask = be32(--next ? UINT32_MAX << (32 - next) : 0);

        instead = find(t, slot->address & mask, mask);
    }
    lpm_erase(&t->lpm, be32(slot->address), length, next, instead ? instead->hop : 0);
}

int ip_route_table_remove(struct ip_route_table *t, const struct ip_route *route,
                          struct ip_route *old)
{
    struct ip_route_slot *slot = find(t, route->address, route->mask);

    if (!slot)
        return -ENOENT;
    *old = route_of(t, slot);
    if (route->port >= 0 && (route->port != old->port || route->gateway != old->gateway))
        return -ENOENT;
    if (is_prefix(slot->mask))
        lead_elsewhere(t, slot);
    else
        t->n_holes--;
    release_hop(t, slot->hop);
    index_remove(t, index_place(t, slot->address, slot->mask));
    *slot = (struct ip_route_slot){.address = t->first_free};
    t->first_free = (unsigned)(slot - t->slot) + 1;
    t->n_routes--;
    return 0;
}

static void forget_routes(struct ip_route_table *t)
{
    lpm_clear(&t->lpm);
    free(t->slot);
    free(t->index);
    free(t->hop);
    t->slot = NULL;
    t->index = NULL;
    t->hop = NULL;
    t->n_holes = t->n_slots = t->max_slots = t->n_routes = t->first_free = t->index_mask = 0;
    t->n_hops = t->max_hops = t->free_hop = 0;
    memset(t->recent, 0, sizeof t->recent);
}

/* Of the routes that match, the first whose mask no other's includes; when masks are prefixes, the longest. */
static uint32_t look_at_all(const struct ip_route_table *t, uint32_t address)
{
    const struct ip_route_slot *best = NULL;

    for (const struct ip_route_slot *s = t->slot; s < t->slot + t->n_slots; s++)
        if (s->hop && (address & s->mask) == s->address
            && (!best || (s->mask & best->mask) == best->mask))
            best = s;
    return best ? best->hop : 0;
}

void ip_route_table_lookup(const struct ip_route_table *t, const uint32_t *address, unsigned n,
                           uint32_t *hop)
{
    if (__builtin_expect(!t->n_holes, 1)) {
        lpm_lookup(&t->lpm, address, n, hop);
        return;
    }
    for (unsigned i = 0; i < n; i++)
        hop[i] = look_at_all(t, be32(address[i]));
}

/* ---- text ---- */

/*
 * ADDRESS/MASK [GATEWAY | -] OUTPUT; for a removal the rest may be missing, and the port
 * is IP_ROUTE_NONE then.
 */
static bool read_route(const char *text, const struct element *scope, bool removal,
                       struct ip_route *route)
{
    struct words w;
    struct arg_prefix prefix;
    struct ip_route r = {.port = IP_ROUTE_NONE};
    unsigned at = 1;
    uint64_t port;
    bool ok;

    if (words_split_spaces(&w, text)) {
        words_free(&w);
        return false;
    }
    ok = w.n >= 1 && args_read_prefix(scope, w.word[0], &prefix);
    if (ok) {
        r.address = prefix.address & prefix.mask;
        r.mask = prefix.mask;
        if (w.n > 1 && (!strcmp(w.word[1], "-") || args_read_ip(scope, w.word[1], &r.gateway)))
            at = 2;
        if (at < w.n) {
            ok = args_read_unsigned(w.word[at], INT32_MAX, &port);
            r.port = ok ? (int32_t)port : IP_ROUTE_NONE;
        } else {
            ok = removal;
        }
        ok = ok && w.n <= at + 1;
    }
    words_free(&w);
    if (ok)
        *route = r;
    return ok;
}

/* With tabs the columns stand below each other. */
static void write_route(const struct ip_route *r, bool tabs, struct text *out)
{
    char tab = tabs ? '\t' : ' ', gateway[16];
    size_t start = out->length;

    args_format_prefix(out, r->address, r->mask);
    if (r->port == IP_ROUTE_NONE)
        return;
    text_putc(out, tab);
    if (tabs && out->length < start + 17)
        text_putc(out, tab);
    start = out->length;
    text_printf(out, "%s%c", r->gateway ? args_format_ip(gateway, r->gateway) : "-", tab);
    if (tabs && out->length < start + 9)
        text_putc(out, tab);
    text_printf(out, "%d", (int)r->port);
}

static int route_error(struct errors *errors, int result, const char *format,
                       const struct ip_route *r)
{
    struct text t = {0};

    write_route(r, false, &t);
    errors_add(errors, NULL, format, text_string(&t));
    text_free(&t);
    return result;
}

/* Says why a route cannot be used; true: it can. `argument`: of the configuration, from 1; 0: a handler's. */
static bool check_route(const struct ip_route_table *t, const struct ip_route *r,
                        unsigned argument, struct errors *errors)
{
    if (r->port != IP_ROUTE_NONE && (unsigned)r->port >= t->base.n_outputs) {
        if (argument)
            errors_add(errors, NULL, "argument %u bad OUTPUT", argument);
        else
            errors_add(errors, NULL, "bad OUTPUT");
        return false;
    }
    if (t->prefixes_only && !is_prefix(r->mask)) {
        route_error(errors, 0, "the mask of '%s' is not a prefix", r);
        return false;
    }
    return true;
}

bool ip_route_table_configure(struct element *e, const struct words *rest, struct errors *errors)
{
    struct ip_route_table *t = table_of(e);
    unsigned before = errors->count, again = 0;

    for (unsigned i = 0; i < rest->n; i++) {
        struct ip_route r, old;
        int result;

        if (!read_route(rest->word[i], &t->base, false, &r)) {
            errors_add(errors, NULL, "argument %u should be 'ADDR/MASK [GATEWAY] OUTPUT'", i + 1);
            continue;
        }
        if (!check_route(t, &r, i + 1, errors))
            continue;
        result = ip_route_table_add(t, &r, false, &old);
        again += result == -EEXIST;
        if (result == -ENOMEM)
            route_error(errors, 0, "no memory to store route '%s'", &r);
    }
    if (again)
        errors_warn(errors, NULL, "%u %s ignored, the same prefix came earlier", again,
                    again > 1 ? "routes" : "route");
    return errors->count == before;
}

void ip_route_table_cleanup(struct element *e)
{
    forget_routes(table_of(e));
}

/* ---- handlers ---- */

/* Carries out a command; `undo` gets the route to write back, `undo_with` how. */
static int run(struct ip_route_table *t, enum command command, const char *text,
               struct errors *errors, enum command *undo_with, struct ip_route *undo)
{
    struct ip_route r, old;
    int result;

    if (!read_route(text, &t->base, command == REMOVE, &r)) {
        errors_add(errors, NULL, "expected 'ADDR/MASK [GATEWAY%s'",
                   command == REMOVE ? " OUTPUT]" : "] OUTPUT");
        return -EINVAL;
    }
    if (!check_route(t, &r, 0, errors))
        return -EINVAL;
    if (command == REMOVE)
        result = ip_route_table_remove(t, &r, &old);
    else
        result = ip_route_table_add(t, &r, command == SET, &old);
    if (result == -EEXIST)
        return route_error(errors, result, "conflict with existing route '%s'", &old);
    if (result == -ENOENT)
        return route_error(errors, result, "route '%s' not found", &r);
    if (result == -ENOMEM)
        return route_error(errors, result, "no memory to store route '%s'", &r);
    *undo_with = command == REMOVE ? ADD : old.port == IP_ROUTE_NONE ? REMOVE : SET;
    *undo = *undo_with == REMOVE ? r : old;
    return result;
}

static int write_one(struct element *e, enum command command, const struct handler_call *call)
{
    struct ip_route undo;
    enum command undo_with;

    return run(table_of(e), command, call->value, call->errors, &undo_with, &undo);
}

int ip_route_table_write_add(struct element *e, const struct handler_call *call)
{
    return write_one(e, ADD, call);
}

int ip_route_table_write_set(struct element *e, const struct handler_call *call)
{
    return write_one(e, SET, call);
}

int ip_route_table_write_remove(struct element *e, const struct handler_call *call)
{
    return write_one(e, REMOVE, call);
}

struct undo {
    enum command command;
    struct ip_route route;
};

/* "add ...": the command, and what follows it. */
static bool read_command(const char *line, enum command *command, const char **rest,
                         struct errors *errors)
{
    static const char *const names[] = {[ADD] = "add", [SET] = "set", [REMOVE] = "remove"};
    size_t n = strcspn(line, " \t\r");

    *rest = line + n;
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == n && !memcmp(names[i], line, n)) {
            *command = (enum command)i;
            return true;
        }
    errors_add(errors, NULL, "bad command '%.*s'", (int)n, line);
    return false;
}

static void roll_back(struct ip_route_table *t, const struct undo *undo, unsigned n)
{
    struct ip_route old;

    while (n--) {
        if (undo[n].command == REMOVE)
            ip_route_table_remove(t, &undo[n].route, &old);
        else    /* a slot for it has just become free: cannot fail for want of routes' memory */
            ip_route_table_add(t, &undo[n].route, true, &old);
    }
}

/* One line of ctrl. */
static int run_line(struct ip_route_table *t, const char *line, struct errors *errors,
                    struct undo **undo, unsigned *n)
{
    enum command command;
    const char *rest;
    int result;

    line += strspn(line, " \t\r");
    if (!*line)
        return 0;
    if (*n % 64 == 0) {
        struct undo *grown = realloc(*undo, (*n + 64) * sizeof *grown);

        if (!grown) {
            errors_add(errors, NULL, "out of memory");
            return -ENOMEM;
        }
        *undo = grown;
    }
    if (!read_command(line, &command, &rest, errors))
        return -EINVAL;
    result = run(t, command, rest, errors, &(*undo)[*n].command, &(*undo)[*n].route);
    *n += !result;
    return result;
}

int ip_route_table_write_ctrl(struct element *e, const struct handler_call *call)
{
    struct ip_route_table *t = table_of(e);
    struct undo *undo = NULL;
    unsigned n = 0;
    int result = 0;

    for (const char *s = call->value; *s && !result;) {
        size_t length = strcspn(s, "\n");
        char *line = strndup(s, length);

        result = line ? run_line(t, line, call->errors, &undo, &n) : -ENOMEM;
        if (!line)
            errors_add(call->errors, NULL, "out of memory");
        free(line);
        s += length + (s[length] == '\n');
    }
    if (result)
        roll_back(t, undo, n);
    free(undo);
    return result;
}

int ip_route_table_write_flush(struct element *e, const struct handler_call *call)
{
    (void)call;
    forget_routes(table_of(e));
    return 0;
}

int ip_route_table_read_table(struct element *e, const struct handler_call *call,
                              struct text *out)
{
    const struct ip_route_table *t = table_of(e);

    (void)call;
    for (unsigned i = 0; i < t->n_slots; i++) {
        struct ip_route r;

        if (!t->slot[i].hop)
            continue;
        r = route_of(t, &t->slot[i]);
        write_route(&r, true, out);
        text_putc(out, '\n');
    }
    return 0;
}

int ip_route_table_read_lookup(struct element *e, const struct handler_call *call,
                               struct text *out)
{
    const struct ip_route_table *t = table_of(e);
    uint32_t address, hop;
    char gateway[16];

    if (!args_read_ip(e, call->value, &address)) {
        errors_add(call->errors, NULL, "expected IP address");
        return -EINVAL;
    }
    address = be32(address);
    ip_route_table_lookup(t, &address, 1, &hop);
    text_printf(out, "%d", hop ? (int)t->hop[hop].port : -1);
    if (hop && t->hop[hop].gateway)
        text_printf(out, " %s", args_format_ip(gateway, t->hop[hop].gateway));
    return 0;
}

/* ---- packets ---- */

__attribute__((noinline))
static void complain(struct ip_route_table *t, const struct packet *p)
{
    char address[16];

    if (t->complaints < COMPLAINTS_MAX) {
        t->complaints++;
        element_log(&t->base, "no route for %s", args_format_ip(address, packet_dst_ip(p)));
    }
}

/* The output for a packet with this hop; an output that does not exist when it has no route. */
static inline unsigned apply(struct ip_route_table *t, struct packet *p, uint32_t number)
{
    const struct ip_route_hop *hop = &t->hop[number];
    uint32_t address = packet_dst_ip(p);

    if (__builtin_expect(!number, 0)) {
        complain(t, p);
        return UINT32_MAX;
    }
    /* Without a branch: which packets have a gateway nobody can foretell. */
    packet_set_dst_ip(p, hop->gateway ? hop->gateway : address);
    return (unsigned)hop->port;
}

void ip_route_table_push(struct element *e, unsigned port, struct batch *batch)
{
    struct ip_route_table *t = table_of(e);
    uint32_t address[BATCH_MAX], hop[BATCH_MAX];
    unsigned out[BATCH_MAX];

    (void)port;
    for (unsigned i = 0; i < batch->n; i++)
        address[i] = be32(packet_dst_ip(batch->pkt[i]));
    ip_route_table_lookup(t, address, batch->n, hop);
    for (unsigned i = 0; i < batch->n; i++)
        out[i] = apply(t, batch->pkt[i], hop[i]);
    element_dispatch(e, batch, out, &t->drops);
}

void ip_route_table_push_one(struct element *e, unsigned port, struct packet *p)
{
    struct ip_route_table *t = table_of(e);
    uint32_t address = packet_dst_ip(p), hop;
    unsigned out;

    (void)port;
    hop = __builtin_expect(t->n_holes, 0) ? look_at_all(t, address)
                                          : lpm_lookup_one(&t->lpm, be32(address));
    out = apply(t, p, hop);
    if (out >= e->n_outputs)
        t->drops++;
    element_push_or_free(e, out, p);
}
