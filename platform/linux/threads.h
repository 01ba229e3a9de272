// SPDX-License-Identifier: BSD-2-Clause
/*
 * threads.h - the process's threads: who runs, who rests, and who has all to himself.
 *
 * Each thread runs tasks, and between two of them looks whether somebody wants to be alone (platform.h:
 * platform_exclusive_begin()); then it rests until he is done. A thread that sleeps is at rest as well: it
 * says so before, and asks afterwards.
 */
#ifndef LINUX_THREADS_H
#define LINUX_THREADS_H

#include <stdbool.h>

/*
 * Starts threads 1 to n - 1; each calls `work` again and again. False: an error was printed; those that there are
 * are still to be ended. Signals are for the first thread alone.
 */
bool threads_start(unsigned n, void (*work)(unsigned thread));
/* Ends them; `wake` brings one out of its sleep. */
void threads_end(void (*wake)(unsigned thread));
/* From now on the first thread runs on this CPU only, and each other one on the next. */
void threads_use_cpus(unsigned first);
/* How many there are; 1 before and after. */
unsigned threads_count(void);

/* Between two tasks. */
void threads_rest(void);
/* Whether somebody waits for that. */
bool threads_wanted(void);
/*
 * platform_exclusive_begin(), and nobody waits for it himself in the midst of a task: whatever tasks have to do with may
 * go away. Ends as that does.
 */
void threads_gather(void);
/* Around a sleep. */
void threads_fall_asleep(void);
void threads_wake_up(void);

#endif
