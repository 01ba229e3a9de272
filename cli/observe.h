// SPDX-License-Identifier: BSD-2-Clause
/*
 * observe.h - one look at VMs: what Xen knows of them and what they say about themselves.
 *
 * `clickos metrics` and `clickos top` show what is collected here. All VMs are asked at once and wait together, so
 * one that does not answer costs the time-out once, whatever their number; it is then known by what Xen
 * says. A VM that comes or goes meanwhile is in the look or is not.
 */
#ifndef CLI_OBSERVE_H
#define CLI_OBSERVE_H

#include "cli/figures.h"
#include "cli/toolstack.h"

struct invocation;

struct observed_vm {
    const char *name;
    bool there;                             /* false: named by the user, and no such VM; the rest is empty */
    struct toolstack_domain domain;
    struct toolstack_share share;
    bool answers;                           /* it said all of this in time: */
    unsigned n_instances;
    struct instance instances[INSTANCES_MAX];
    struct figures memory, resources, vifs; /* docs/netfront.md has the names */
};

struct observation {
    uint64_t at_ns, took_ns;
    struct toolstack_host host;
    unsigned n;
    struct observed_vm *vms;                /* by number, or in the order of `names` */
};

/*
 * Looks at the VMs of these names or numbers, or, when there is none, at all ClickOS VMs. False: Xen cannot be
 * asked at all; a message is printed, and there is nothing to free.
 */
bool observe(const struct invocation *invocation, const char *const *names, unsigned n_names, long timeout_ms,
             struct observation *observation);
void observation_free(struct observation *observation);

#endif
