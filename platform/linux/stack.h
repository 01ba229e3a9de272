// SPDX-License-Identifier: BSD-2-Clause
/* stack.h - how much stack a thread of the process has; see platform.h. */
#ifndef LINUX_STACK_H
#define LINUX_STACK_H

#include <stddef.h>

/* What a new thread is to have, bytes; and what it says when it begins. */
size_t stack_size(void);
void stack_begin(void);

#endif
