// SPDX-License-Identifier: BSD-2-Clause
/*
 * device_handlers.h - handlers that FromDevice and ToDevice have in common: what the device tells, and what can be
 * changed about it while it runs.
 *
 * They stand in the tables of both; the row's offset is that of the element's `struct device *`, which may be NULL while
 * a predecessor has the device.
 */
#ifndef ELEMENTS_DEVICE_DEVICE_HANDLERS_H
#define ELEMENTS_DEVICE_DEVICE_HANDLERS_H

#include "platform/platform.h"
#include "router/element.h"

handler_read_function device_read_report, device_read_setting;
handler_write_function device_write_setting;

/* A setting's name is that of the handler. */
#define DEVICE_SETTING(NAME, structure, member, HELP)                                 \
    {.name = NAME, .read = device_read_setting, .write = device_write_setting,        \
     .offset = offsetof(structure, member), .help = HELP}

/*
 * For initialize(): gives the device the mode that a configuration asks for; `before` is what the predecessor's asked for,
 * when it has the device already. The same again changes nothing, so that what was written to the handler stays.
 */
bool device_use_mode(struct device *device, const struct arg_string *mode, const struct arg_string *before,
                     struct errors *errors);

#define DEVICE_HANDLERS(structure, member)                                            \
    {.name = "vif", .read = device_read_report, .offset = offsetof(structure, member), \
     .help = "what the device is and has counted, in lines \"DEVICE NAME VALUE\""},   \
    DEVICE_SETTING("mode", structure, member,                                         \
                   "how a vif moves frames: basic, all, or any of poll, gru, fr")

#endif
