// SPDX-License-Identifier: BSD-2-Clause
/* timewarp.c - the handler by which a process's time runs faster or slower; see clock.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "platform/linux/clock.h"
#include "platform/platform.h"
#include "router/element.h"

enum { SPEED_SCALE = 1000000000 };

static int read_timewarp(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)e;
    (void)call;
    if (clock_simulated())
        text_puts(out, "simulation");
    else if (clock_jumps())
        text_puts(out, "nowait");
    else
        text_printf(out, "%.12g", clock_speed());
    return 0;
}

static int write_timewarp(struct element *e, const struct handler_call *call)
{
    const char *value = call->value;
    char *word = words_shift(&value);
    uint64_t speed = 0;
    const char *wrong = NULL;

    (void)e;
    if (!word)
        return -ENOMEM;
    if (clock_simulated())
        wrong = "time is simulated: it has no speed";
    else if (strcmp(word, "nowait") == 0 && !*value)
        clock_set_jumping();
    else if (!args_read_decimal(word, SPEED_SCALE, &speed) || *value)
        wrong = "expected 'nowait' or a real number";
    else if (!speed)
        wrong = "timefactor must be > 0";
    else
        clock_warp((double)speed / SPEED_SCALE);
    free(word);
    if (!wrong)
        return 0;
    errors_add(call->errors, NULL, "%s", wrong);
    return -EINVAL;
}

static const struct handler handlers[] = {
    {.name = "timewarp", .read = read_timewarp, .write = write_timewarp,
     .help = "how much faster than real time the router's runs; nowait: and it waits for no timer"},
    {0},
};

const struct handler *const platform_handlers = handlers;
