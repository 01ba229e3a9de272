// SPDX-License-Identifier: BSD-2-Clause
/*
 * clickos_control.h - what a ClickOSControl element offers the control thread, by cast.
 *
 * The control thread asks before it calls a handler, and counts here what it did.
 */
#ifndef ELEMENTS_DEVICE_CLICKOS_CONTROL_H
#define ELEMENTS_DEVICE_CLICKOS_CONTROL_H

#include "router/element.h"

struct clickos_control {
    struct element base;
    bool read_only;
    uint64_t reads, writes, failures;
};

#define CLICKOS_CONTROL_INTERFACE "ClickOSControl"

#endif
