// SPDX-License-Identifier: BSD-2-Clause
/*
 * signals.h - the signals of the process, for its main loop.
 *
 * SIGINT and SIGTERM end the loop, unless an element waits for them; see platform.h for
 * how elements do that.
 */
#ifndef LINUX_SIGNALS_H
#define LINUX_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

/* Blocks what is looked at and takes it out of *open, the mask to sleep with. */
void signals_begin(sigset_t *open);
/* Gives everything back. */
void signals_end(void);
/* Tells the elements that wait for what arrived. True: the process shall end. */
bool signals_deliver(void);

#endif
