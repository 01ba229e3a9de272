// SPDX-License-Identifier: BSD-2-Clause
/* toolstack.c - what is the same whatever the toolstack; see toolstack.h. */
#include "cli/toolstack.h"

const char *toolstack_state_name(enum toolstack_state state)
{
    static const char *const names[] = {
        [STATE_RUNNING] = "running", [STATE_PAUSED] = "paused", [STATE_OFF] = "off",
        [STATE_CRASHED] = "crashed", [STATE_SUSPENDED] = "suspended", [STATE_DYING] = "dying",
    };

    return names[state];
}
