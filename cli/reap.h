// SPDX-License-Identifier: BSD-2-Clause
/* reap.h - VMs that ended are destroyed by one process for all of a host; see reap.c. */
#ifndef CLI_REAP_H
#define CLI_REAP_H

/* Below a VM's own folder in xenstore, written by dom0: `clickos create` made it. */
#define REAP_MARK "clickos-managed"
#define REAP_DESTROY "destroy"      /* its values: what to do when the VM has ended */
#define REAP_KEEP "keep"

/* Starts the process unless there is one. */
void reap_ensure(void);

#endif
