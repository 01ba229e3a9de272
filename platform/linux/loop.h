// SPDX-License-Identifier: BSD-2-Clause
/*
 * loop.h - the process's main loop: runs a scheduler on each thread, which sleeps in ppoll() when it has nothing.
 *
 * A descriptor is watched for readability or writability by a task: when it is
 * ready, the task is scheduled and the watch is off until it is armed again, so that a task which is
 * slow to read costs no wake-ups. It is watched by the thread that runs the task.
 */
#ifndef PLATFORM_LINUX_LOOP_H
#define PLATFORM_LINUX_LOOP_H

#include <stdbool.h>

struct scheduler;
struct task;

enum loop_direction { LOOP_READ, LOOP_WRITE };

/* 0 or -ENOMEM. A NULL task takes the watch away. Armed at first. */
int loop_watch(int fd, enum loop_direction direction, struct task *task);
bool loop_watches(int fd);
void loop_arm(int fd, enum loop_direction direction);
/* Forgets both directions; before close(). */
void loop_forget(int fd);

/*
 * Runs until the scheduler is told to stop, or SIGINT or SIGTERM arrives. In the first case `next` is asked
 * for a scheduler to go on with; NULL ends the loop. Both are the first ones of their routers. False: there were no
 * threads to run it.
 */
bool loop_run(struct scheduler *scheduler, struct scheduler *(*next)(void));
/* Frees what watches used. */
void loop_free(void);

#endif
