// SPDX-License-Identifier: BSD-2-Clause
/*
 * toolstack.h - what we ask of the software that makes and ends VMs.
 *
 * One implementation: toolstack_libxl.c, with toolstack.c for what does not depend on it. Functions that return false have printed why.
 */
#ifndef CLI_TOOLSTACK_H
#define CLI_TOOLSTACK_H

#include <stdbool.h>
#include <stdint.h>

struct toolstack;

enum { TOOLSTACK_VIFS_MAX = 64 };

/* What a vif may send: so many bytes in so many microseconds. Zeroed: as much as it can. */
struct toolstack_rate {
    uint64_t bytes;
    uint32_t interval_us;
};

struct toolstack_vif {
    char *bridge, *mac, *script;        /* NULL: the toolstack's default; script: ours */
    struct toolstack_rate rate;
};

struct toolstack_spec {
    const char *name;
    const char *kernel;
    const char *ramdisk;                /* NULL: none */
    const char *arguments;              /* NULL: none */
    uint64_t memory_kb;
    bool pvh;
    bool keep;                          /* not to be taken away when it ends by itself */
    long cap;                           /* percent of a processor; 0: none */
    long weight;                        /* beside other domains' 256; 0: the toolstack's default */
    unsigned n_vifs;
    struct toolstack_vif vifs[TOOLSTACK_VIFS_MAX];
};

enum toolstack_state {
    STATE_RUNNING, STATE_PAUSED, STATE_OFF, STATE_CRASHED, STATE_SUSPENDED, STATE_DYING,
};

struct toolstack_domain {
    uint32_t domid;
    char *name;
    bool pvh, pv;                       /* neither: another kind */
    enum toolstack_state state;
    uint64_t memory_kb;
    uint64_t cpu_ns;                    /* since it was made */
};

struct toolstack_host {
    unsigned cpus;
    uint64_t memory_kb, free_kb;
    uint64_t dom0_cpu_ns;
};

/* A vif that is there, as dom0 made it. */
struct toolstack_nic {
    int number;
    char *bridge, *mac;                 /* "" when not known */
    struct toolstack_rate rate;
};

/* What the scheduler holds a domain to; see toolstack_spec. */
struct toolstack_share {
    long cap, weight;
};

/*
 * A rate in xl's own words, "10Mb/s" or "512KB/s@20ms": xl-network-configuration(5). Silently false: it is
 * none, or one that would let nothing through.
 */
bool toolstack_read_rate(const char *text, struct toolstack_rate *rate);

/* NULL: a message is printed. */
struct toolstack *toolstack_open(bool verbose);
void toolstack_close(struct toolstack *toolstack);

/* Built and paused, with its vifs on their bridges; nothing is left when it fails. */
bool toolstack_create(struct toolstack *toolstack, const struct toolstack_spec *spec, uint32_t *domid);
bool toolstack_unpause(struct toolstack *toolstack, uint32_t domid);
bool toolstack_destroy(struct toolstack *toolstack, uint32_t domid);

/* All domains but dom0, by id; free with toolstack_domains_free(). */
bool toolstack_domains(struct toolstack *toolstack, struct toolstack_domain **domains, unsigned *n);
void toolstack_domains_free(struct toolstack_domain *domains, unsigned n);
/* By name or number, silently; without `name`. */
bool toolstack_find(struct toolstack *toolstack, const char *name, uint32_t *domid);
/* Silently false: gone. The name is left out. */
bool toolstack_domain(struct toolstack *toolstack, uint32_t domid, struct toolstack_domain *domain);
bool toolstack_host(struct toolstack *toolstack, struct toolstack_host *host);
/* Silently false: gone, or a scheduler that knows no shares. */
bool toolstack_share(struct toolstack *toolstack, uint32_t domid, struct toolstack_share *share);
/* By number; none when the domain has gone. */
void toolstack_nics(struct toolstack *toolstack, uint32_t domid, struct toolstack_nic **nics, unsigned *n);
void toolstack_nics_free(struct toolstack_nic *nics, unsigned n);
const char *toolstack_state_name(enum toolstack_state state);

/* Becomes the program that shows the console; returns only when that fails. */
void toolstack_console(struct toolstack *toolstack, uint32_t domid);

#endif
