// SPDX-License-Identifier: BSD-2-Clause
/* device_handlers.c - see device_handlers.h. */
#include "elements/device/device_handlers.h"

#include <errno.h>
#include <string.h>

static struct device *device_of(struct element *e, const struct handler_call *call)
{
    return *(struct device **)((char *)e + call->handler->offset);
}

int device_read_report(struct element *e, const struct handler_call *call, struct text *out)
{
    struct device *device = device_of(e, call);

    if (device)
        platform_device_report(device, out);
    return 0;
}

int device_read_setting(struct element *e, const struct handler_call *call, struct text *out)
{
    struct device *device = device_of(e, call);

    if (!device || platform_device_setting(device, call->handler->name, out, call->errors))
        return 0;
    return -EINVAL;
}

int device_write_setting(struct element *e, const struct handler_call *call)
{
    struct device *device = device_of(e, call);

    if (!device || platform_device_set(device, call->handler->name, call->value, call->errors))
        return 0;
    return -EINVAL;
}

bool device_use_mode(struct device *device, const struct arg_string *mode, const struct arg_string *before,
                     struct errors *errors)
{
    const char *wanted = mode->length ? mode->s : "", *was = before && before->length ? before->s : "";

    return strcmp(wanted, was) == 0 || platform_device_set(device, "mode", wanted, errors);
}
