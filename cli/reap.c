// SPDX-License-Identifier: BSD-2-Clause
/*
 * reap.c - clickos reap: destroys VMs of ours that powered off or crashed.
 *
 * A domain that shut down stays, with its memory and its nodes, until the toolstack destroys it. xl
 * keeps a process per VM for that; we keep one for all, which `clickos create` starts and which
 * ends with the last VM. Which VMs are ours says a node that dom0 writes (REAP_MARK). A crash's
 * reason goes to the system log before the VM goes; its last words are in xenconsoled's log.
 */
#include "cli/reap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>
#include <xenstore.h>

#include "cli/command.h"
#include "cli/toolstack.h"

#define LOCK_FILE "/run/clickos-reap.lock"

static bool is_ours(struct xs_handle *xs, uint32_t domid)
{
    char path[64];
    unsigned n;
    char *value;
    bool ours;

    snprintf(path, sizeof path, "/local/domain/%u/" REAP_MARK, domid);
    value = xs_read(xs, XBT_NULL, path, &n);
    ours = value && !strcmp(value, REAP_DESTROY);
    free(value);
    return ours;
}

/* Destroys those that ended; says how many of ours still live, or -1. */
static int sweep(struct toolstack *toolstack, struct xs_handle *xs)
{
    struct toolstack_domain *domains;
    unsigned n;
    int living = 0;

    if (!toolstack_domains(toolstack, &domains, &n))
        return -1;
    for (unsigned i = 0; i < n; i++) {
        const struct toolstack_domain *d = &domains[i];

        if (!is_ours(xs, d->domid))
            continue;
        if (d->state == STATE_OFF || d->state == STATE_CRASHED) {
            syslog(d->state == STATE_CRASHED ? LOG_ERR : LOG_INFO, "VM %u (%s) %s; destroying it", d->domid,
                   d->name ? d->name : "?", d->state == STATE_CRASHED ? "crashed" : "powered off");
            toolstack_destroy(toolstack, d->domid);
        } else if (d->state != STATE_DYING) {
            living++;
        }
    }
    toolstack_domains_free(domains, n);
    return living;
}

/* Until none of ours is left. */
static int watch(void)
{
    struct toolstack *toolstack = toolstack_open(false);
    struct xs_handle *xs = xs_open(0);
    int living = -1;

    if (toolstack && xs && xs_watch(xs, "@releaseDomain", "")) {
        do {
            unsigned n;

            free(xs_read_watch(xs, &n));
            living = sweep(toolstack, xs);
        } while (living > 0);
    }
    xs_close(xs);
    toolstack_close(toolstack);
    return living;
}

static int run(const struct invocation *invocation)
{
    int lock = open(LOCK_FILE, O_CREAT | O_RDWR | O_CLOEXEC, 0600), living;

    (void)invocation;
    if (lock < 0) {
        perror("clickos: " LOCK_FILE);
        return EXIT_FAILURE;
    }
    openlog("clickos", LOG_PID, LOG_DAEMON);
    if (flock(lock, LOCK_EX | LOCK_NB))
        return EXIT_SUCCESS;        /* there is one */
    do {
        living = watch();
        /*
         * A VM that was created after our last look found us holding the lock: let go, look again,
         * and go on if there is one and nobody else took over.
         */
        flock(lock, LOCK_UN);
        if (living == 0) {
            struct toolstack *toolstack = toolstack_open(false);
            struct xs_handle *xs = xs_open(0);

            living = toolstack && xs ? sweep(toolstack, xs) : -1;
            xs_close(xs);
            toolstack_close(toolstack);
        }
    } while (living > 0 && !flock(lock, LOCK_EX | LOCK_NB));
    return living < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

void reap_ensure(void)
{
    int lock = open(LOCK_FILE, O_CREAT | O_RDWR | O_CLOEXEC, 0600), status, null;
    pid_t child;

    /* Somebody who holds the lock saves us a process. */
    if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB)) {
        close(lock);
        return;
    }
    if (lock >= 0)
        close(lock);
    child = fork();
    if (child > 0)
        waitpid(child, &status, 0);
    if (child < 0)
        perror("clickos: nobody watches for VMs that end");
    if (child)
        return;
    setsid();
    if (fork())
        _exit(0);
    null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; fd++)
        dup2(null, fd);
    closefrom(3);
    if (chdir("/"))
        _exit(1);
    execl("/proc/self/exe", "clickos", "reap", (char *)NULL);
    _exit(1);
}

static const struct option options[] = {{0}};

const struct command command_reap = {
    .name = "reap", .operands = "", .min_operands = 0, .max_operands = 0,
    .summary = "destroys VMs that power off or crash, until none is left (`create` starts it)",
    .options = options, .run = run,
};
