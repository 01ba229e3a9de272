// SPDX-License-Identifier: BSD-2-Clause
/*
 * driver_manager.c - DriverManager(INSTRUCTIONS...): a Script of TYPE DRIVER.
 *
 * It has a say when the driver shall stop: each such request is a step of the script. The driver
 * stops when the script is over, and goes on while it blocks.
 */
#include "elements/control/script.h"

static void setup(struct element *e)
{
    struct script *s = element_as(struct script, e);

    s->type = SCRIPT_DRIVER;
    s->typed = true;
}

ELEMENT_CLASS(driver_manager) = {
    .name = "DriverManager", .ports = "-/-", .processing = "ah/ah",
    .size = sizeof(struct script), .arguments = script_arguments, .handlers = script_handlers,
    .setup = setup, .configure = script_configure, .initialize = script_initialize,
    .cleanup = script_cleanup, .push = script_push, .pull = script_pull,
    .group = "control", .purpose = "a Script that decides when the driver stops",
    .manual = "Each request to stop the driver (STOP true of an element, a script's stop, a write of "
              "the handler stop) is a step of the script. The driver stops when the script is over, "
              "and goes on while it blocks: DriverManager(pause, write c.reset, wait 0.1s, stop) tidies "
              "up first. When the process is interrupted, or the VM is told to stop, the script runs to "
              "its end without waiting. There may be one of it.",
};
