// SPDX-License-Identifier: BSD-2-Clause
/* hotplug.h - what libxl runs when a vif comes or goes; see hotplug.c. */
#ifndef CLI_HOTPLUG_H
#define CLI_HOTPLUG_H

#include <stdbool.h>
#include <stddef.h>

/* Whether a vif can be put on it. False: `message` says why not, without a newline. */
bool hotplug_bridge_usable(const char *bridge, char *message, size_t size);
/* Whether libxl called this program as a vif's script. */
bool hotplug_wanted(int argc, char **argv);
/* Does what is asked; an exit code. */
int hotplug_run(int argc, char **argv);

#endif
