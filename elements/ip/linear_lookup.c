// SPDX-License-Identifier: BSD-2-Clause
/* linear_lookup.c - the route engine that looks at every route; see linear_lookup.h. */
#include "elements/ip/linear_lookup.h"

static int best_route(const struct ip_route_table *table, uint32_t address)
{
    const struct ip_route *route = table->route;
    int best = IP_ROUTE_NONE;

    for (unsigned i = 0; i < table->n_slots; i++)
        if (route[i].port != IP_ROUTE_NONE && (address & route[i].mask) == route[i].address
            && (best < 0 || (route[i].mask & route[best].mask) == route[best].mask))
            best = (int)i;
    return best;
}

static void lookup(const struct ip_route_table *table, const uint32_t *address, unsigned n,
                   int *slot)
{
    for (unsigned i = 0; i < n; i++)
        slot[i] = best_route(table, address[i]);
}

const struct ip_route_engine linear_lookup_engine = {.lookup = lookup};

bool linear_lookup_configure(struct element *e, const struct words *rest, struct errors *errors)
{
    struct ip_route_table *t = element_as(struct ip_route_table, e);

    t->engine = &linear_lookup_engine;
    return ip_route_table_configure(t, rest, errors);
}

void linear_lookup_cleanup(struct element *e)
{
    ip_route_table_clear(element_as(struct ip_route_table, e));
}
