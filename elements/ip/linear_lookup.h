// SPDX-License-Identifier: BSD-2-Clause
/* linear_lookup.h - the route engine that looks at every route: small tables, and the yardstick. */
#ifndef ELEMENTS_IP_LINEAR_LOOKUP_H
#define ELEMENTS_IP_LINEAR_LOOKUP_H

#include "elements/ip/ip_route_table.h"

/* Masks may have holes; of the routes that match, one whose mask no other's includes wins. */
extern const struct ip_route_engine linear_lookup_engine;

/* configure and cleanup of the classes that use it as it is. */
bool linear_lookup_configure(struct element *e, const struct words *rest, struct errors *errors);
void linear_lookup_cleanup(struct element *e);

#endif
