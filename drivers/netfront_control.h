// SPDX-License-Identifier: BSD-2-Clause
/*
 * netfront_control.h - the control ring: asks the backend to keep our buffers mapped.
 *
 * A backend that offers feature-ctrl-ring may answer XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING: then it maps the pages of our
 * packet buffers once, instead of copying by grant each time. One that does not, as Linux', costs a question
 * for each connection; buffers keep their grants for life either way.
 *
 * Open before the state Connected and publish reference and port; ask afterwards, on the vif's thread: it waits for the
 * answers, a second at most, while frames pass. Close with the rings.
 */
#ifndef DRIVERS_NETFRONT_CONTROL_H
#define DRIVERS_NETFRONT_CONTROL_H

#include "drivers/netfront.h"

/* 0 or a negative errno; then there is none, as if the backend did not offer it. */
int netfront_control_open(struct netfront_control *control, uint16_t domain);
void netfront_control_close(struct netfront_control *control);
/* Asks, waits, and leaves in the vif's control what came of it. May block. */
void netfront_control_map_buffers(struct vif *vif);

#endif
