// SPDX-License-Identifier: BSD-2-Clause
/*
 * order.h - whether anybody can tell one packet at a time from many at a time.
 *
 * A source with BURST 1 hands on a packet when the one before has gone all its way, as in Click. Where
 * nothing downstream lets anybody see that, it may as well hand on batches: every packet meets the same
 * elements in the same state, and leaves the same way.
 */
#ifndef ROUTER_ORDER_H
#define ROUTER_ORDER_H

#include "router/element.h"

/*
 * Whether nobody sees in what order the elements behind `source`'s outputs handle its packets, as long as no other
 * task runs. False, too, when there is no memory to find out. It holds until router->n_bound changes. Linear in
 * elements and connections.
 */
bool order_is_unseen(struct element *source);

#endif
