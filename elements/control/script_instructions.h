// SPDX-License-Identifier: BSD-2-Clause
/* script_instructions.h - what the instructions of a Script do; see script.h. */
#ifndef CONTROL_SCRIPT_INSTRUCTIONS_H
#define CONTROL_SCRIPT_INSTRUCTIONS_H

#include "elements/control/script.h"

script_function instruction_start, instruction_none, instruction_set, instruction_print,
    instruction_save, instruction_read, instruction_write, instruction_pause, instruction_wait,
    instruction_goto, instruction_end, instruction_error, instruction_return;

#endif
