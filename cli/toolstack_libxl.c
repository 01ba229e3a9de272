// SPDX-License-Identifier: BSD-2-Clause
/*
 * toolstack_libxl.c - VMs by libxenlight, in this process; see toolstack.h.
 *
 * What xl would do for `xl create`, without its parser and without a process that stays for each
 * VM. VMs that end are taken away by one `clickos reap` for all (reap.c).
 */
#include "cli/toolstack.h"

#include <errno.h>
#include <libxl.h>
#include <libxl_utils.h>
#include <libxlutil.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xenstore.h>
#include <xentoollog.h>

#include "cli/command.h"
#include "cli/reap.h"

struct toolstack {
    libxl_ctx *ctx;
    xentoollog_logger_stdiostream *logger;
    xentoollog_level level;
    struct xs_handle *xs;
};

struct toolstack *toolstack_open(bool verbose)
{
    struct toolstack *t = calloc(1, sizeof *t);

    if (!t)
        abort();
    t->level = verbose ? XTL_PROGRESS : XTL_ERROR;
    t->logger = xtl_createlogger_stdiostream(stderr, t->level, XTL_STDIOSTREAM_HIDE_PROGRESS);
    if (!t->logger ||
        libxl_ctx_alloc(&t->ctx, LIBXL_VERSION, 0, (xentoollog_logger *)t->logger)) {
        fprintf(stderr, "clickos: cannot talk to Xen; this needs dom0 and root\n");
        toolstack_close(t);
        return NULL;
    }
    t->xs = xs_open(0);
    if (!t->xs) {
        fprintf(stderr, "clickos: cannot reach xenstore: %s\n", strerror(errno));
        toolstack_close(t);
        return NULL;
    }
    return t;
}

void toolstack_close(struct toolstack *t)
{
    if (!t)
        return;
    xs_close(t->xs);
    libxl_ctx_free(t->ctx);
    if (t->logger)
        xtl_logger_destroy((xentoollog_logger *)t->logger);
    free(t);
}

static char *copy(const char *s)
{
    char *c = s ? strdup(s) : NULL;

    if (s && !c)
        abort();
    return c;
}

bool toolstack_read_rate(const char *text, struct toolstack_rate *rate)
{
    FILE *nowhere = fopen("/dev/null", "w");
    XLU_Config *parser = nowhere ? xlu_cfg_init(nowhere, "rate") : NULL;
    libxl_device_nic nic;
    bool good;

    libxl_device_nic_init(&nic);
    good = parser && !xlu_vif_parse_rate(parser, text, &nic);
    *rate = (struct toolstack_rate){0};
    if (good)
        *rate = (struct toolstack_rate){nic.rate_bytes_per_interval, nic.rate_interval_usecs};
    libxl_device_nic_dispose(&nic);
    if (parser)
        xlu_cfg_destroy(parser);
    if (nowhere)
        fclose(nowhere);
    return good && rate->bytes && rate->interval_us;
}

/* `own`: this program, which is its own hotplug script (hotplug.c). */
static bool fill_vif(libxl_device_nic *nic, const struct toolstack_vif *vif, int number, const char *own)
{
    libxl_device_nic_init(nic);
    nic->devid = number;
    nic->nictype = LIBXL_NIC_TYPE_VIF;
    nic->bridge = copy(vif->bridge);
    nic->script = copy(vif->script ? vif->script : own);
    if (vif->mac) {
        unsigned char mac[6];
        int used = 0;

        if (sscanf(vif->mac, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac[0], &mac[1], &mac[2], &mac[3],
                   &mac[4], &mac[5], &used) != 6 || vif->mac[used])
            return false;
        memcpy(nic->mac, mac, sizeof mac);
    }
    nic->rate_bytes_per_interval = vif->rate.bytes;
    nic->rate_interval_usecs = vif->rate.interval_us;
    return true;
}

static void fill_config(libxl_domain_config *config, const struct toolstack_spec *spec)
{
    libxl_domain_create_info *c = &config->c_info;
    libxl_domain_build_info *b = &config->b_info;
    libxl_domain_type type = spec->pvh ? LIBXL_DOMAIN_TYPE_PVH : LIBXL_DOMAIN_TYPE_PV;

    c->type = type;
    c->name = copy(spec->name);
    libxl_uuid_generate(&c->uuid);
    /* A node of dom0's own in the VM's folder: how reap.c knows which VMs are its business. */
    c->xsdata = calloc(3, sizeof *c->xsdata);
    if (!c->xsdata)
        abort();
    c->xsdata[0] = copy(REAP_MARK);
    c->xsdata[1] = copy(spec->keep ? REAP_KEEP : REAP_DESTROY);

    libxl_domain_build_info_init_type(b, type);
    b->max_vcpus = 1;
    b->max_memkb = spec->memory_kb;
    b->target_memkb = spec->memory_kb;
    b->kernel = copy(spec->kernel);
    b->ramdisk = copy(spec->ramdisk);
    b->cmdline = copy(spec->arguments);
    libxl_defbool_set(&b->claim_mode, false);
    if (spec->cap)
        b->sched_params.cap = (int)spec->cap;
    if (spec->weight)
        b->sched_params.weight = (int)spec->weight;

    config->on_poweroff = LIBXL_ACTION_ON_SHUTDOWN_DESTROY;
    config->on_reboot = LIBXL_ACTION_ON_SHUTDOWN_DESTROY;
    config->on_watchdog = LIBXL_ACTION_ON_SHUTDOWN_DESTROY;
    config->on_crash = LIBXL_ACTION_ON_SHUTDOWN_DESTROY;
}

/* Others would ignore them without a word. */
static bool knows_shares(libxl_scheduler scheduler)
{
    return scheduler == LIBXL_SCHEDULER_CREDIT || scheduler == LIBXL_SCHEDULER_CREDIT2;
}

bool toolstack_create(struct toolstack *t, const struct toolstack_spec *spec, uint32_t *domid)
{
    libxl_domain_config config;
    char own[PATH_MAX] = "";
    bool good = false;
    int error;

    *domid = (uint32_t)-1;
    if (spec->cap || spec->weight) {
        int scheduler = libxl_get_scheduler(t->ctx);

        if (scheduler < 0 || !knows_shares((libxl_scheduler)scheduler)) {
            fprintf(stderr, "clickos: Xen runs the scheduler '%s', which knows no cap and no weight; credit and credit2 do\n",
                    scheduler < 0 ? "?" : libxl_scheduler_to_string((libxl_scheduler)scheduler));
            return false;
        }
    }
    libxl_domain_config_init(&config);
    fill_config(&config, spec);
    if (readlink("/proc/self/exe", own, sizeof own - 1) < 0)
        strcpy(own, "vif-bridge");
    if (spec->n_vifs) {
        config.nics = calloc(spec->n_vifs, sizeof *config.nics);
        if (!config.nics)
            abort();
    }
    for (unsigned i = 0; i < spec->n_vifs; i++) {
        config.num_nics++;
        if (!fill_vif(&config.nics[i], &spec->vifs[i], (int)i, own)) {
            fprintf(stderr, "clickos: vif %u: '%s' is no MAC address\n", i, spec->vifs[i].mac);
            goto out;
        }
    }
    error = libxl_domain_create_new(t->ctx, &config, domid, NULL, NULL);
    good = !error;
    if (error)
        fprintf(stderr, "clickos: cannot create '%s' (libxl error %d)\n", spec->name, error);
out:
    libxl_domain_config_dispose(&config);
    return good;
}

bool toolstack_unpause(struct toolstack *t, uint32_t domid)
{
    if (!libxl_domain_unpause(t->ctx, domid, NULL))
        return true;
    fprintf(stderr, "clickos: cannot unpause VM %u\n", domid);
    return false;
}

bool toolstack_destroy(struct toolstack *t, uint32_t domid)
{
    if (!libxl_domain_destroy(t->ctx, domid, NULL))
        return true;
    fprintf(stderr, "clickos: cannot destroy VM %u\n", domid);
    return false;
}

/* To Xen a PVH guest is an HVM guest; libxl notes which. */
static bool is_pvh(struct toolstack *t, const libxl_dominfo *info)
{
    char path[40], *type;
    unsigned n;
    bool pvh;

    if (info->domain_type == LIBXL_DOMAIN_TYPE_PV)
        return false;
    snprintf(path, sizeof path, "/libxl/%u/type", info->domid);
    type = xs_read(t->xs, XBT_NULL, path, &n);
    pvh = type && !strcmp(type, "pvh");
    free(type);
    return pvh;
}

static void fill_domain(struct toolstack *t, struct toolstack_domain *domain, const libxl_dominfo *info)
{
    *domain = (struct toolstack_domain){
        .domid = info->domid,
        .pv = info->domain_type == LIBXL_DOMAIN_TYPE_PV,
        .pvh = is_pvh(t, info),
        .memory_kb = info->current_memkb + info->outstanding_memkb,
        .cpu_ns = info->cpu_time,
    };
    domain->state = info->dying    ? STATE_DYING
                    : !info->shutdown ? info->paused ? STATE_PAUSED : STATE_RUNNING
                    : info->shutdown_reason == LIBXL_SHUTDOWN_REASON_SUSPEND ? STATE_SUSPENDED
                    : info->shutdown_reason == LIBXL_SHUTDOWN_REASON_CRASH   ? STATE_CRASHED
                                                                             : STATE_OFF;
}

bool toolstack_domains(struct toolstack *t, struct toolstack_domain **domains, unsigned *n)
{
    int count = 0;
    libxl_dominfo *info = libxl_list_domain(t->ctx, &count);

    *n = 0;
    *domains = info ? calloc((size_t)count + 1, sizeof **domains) : NULL;
    if (!*domains) {
        fprintf(stderr, "clickos: cannot list the VMs\n");
        return false;
    }
    for (int i = 0; i < count; i++) {
        if (!info[i].domid)
            continue;
        fill_domain(t, &(*domains)[*n], &info[i]);
        (*domains)[*n].name = libxl_domid_to_name(t->ctx, info[i].domid);
        ++*n;
    }
    libxl_dominfo_list_free(info, count);
    return true;
}

void toolstack_domains_free(struct toolstack_domain *domains, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        free(domains[i].name);
    free(domains);
}

bool toolstack_find(struct toolstack *t, const char *name, uint32_t *domid)
{
    return !libxl_domain_qualifier_to_domid(t->ctx, name, domid) && *domid != 0;
}

bool toolstack_domain(struct toolstack *t, uint32_t domid, struct toolstack_domain *domain)
{
    libxl_dominfo info;
    bool there;

    libxl_dominfo_init(&info);
    there = !libxl_domain_info(t->ctx, &info, domid);
    if (there)
        fill_domain(t, domain, &info);
    libxl_dominfo_dispose(&info);
    return there;
}

bool toolstack_host(struct toolstack *t, struct toolstack_host *host)
{
    struct toolstack_domain dom0;
    libxl_physinfo info;
    bool good;

    libxl_physinfo_init(&info);
    good = !libxl_get_physinfo(t->ctx, &info) && toolstack_domain(t, 0, &dom0);
    *host = (struct toolstack_host){0};
    if (good)
        *host = (struct toolstack_host){
            .cpus = info.nr_cpus, .memory_kb = info.total_pages * 4, .free_kb = info.free_pages * 4,
            .dom0_cpu_ns = dom0.cpu_ns,
        };
    else
        fprintf(stderr, "clickos: Xen does not say what the machine has\n");
    libxl_physinfo_dispose(&info);
    return good;
}

bool toolstack_share(struct toolstack *t, uint32_t domid, struct toolstack_share *share)
{
    libxl_domain_sched_params params;
    bool good;

    libxl_domain_sched_params_init(&params);
    /* libxl calls it an error when a domain went a moment ago. */
    xtl_stdiostream_set_minlevel(t->logger, XTL_CRITICAL);
    good = !libxl_domain_sched_params_get(t->ctx, domid, &params) && knows_shares(params.sched);
    xtl_stdiostream_set_minlevel(t->logger, t->level);
    *share = (struct toolstack_share){0};
    if (good)
        *share = (struct toolstack_share){params.cap, params.weight};
    libxl_domain_sched_params_dispose(&params);
    return good;
}

/* A node of a vif's; "" when there is none. */
static char *nic_node(struct toolstack *t, const char *folder, const char *name)
{
    char path[256], *value = NULL;
    unsigned n;

    if (snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path)
        value = xs_read(t->xs, XBT_NULL, path, &n);
    return value ? value : copy("");
}

static void fill_nic(struct toolstack *t, struct toolstack_nic *nic, uint32_t domid, long number)
{
    char folder[80], *backend, *rate;
    unsigned long long bytes;
    unsigned interval_us;

    /* libxl's own notes name the backend; what counts stands there, where it can be changed. */
    snprintf(folder, sizeof folder, "/libxl/%u/device/vif/%ld", domid, number);
    backend = nic_node(t, folder, "backend");
    rate = nic_node(t, backend, "rate");
    *nic = (struct toolstack_nic){(int)number, nic_node(t, backend, "bridge"), nic_node(t, backend, "mac"), {0}};
    if (sscanf(rate, "%19llu,%9u", &bytes, &interval_us) == 2 && interval_us)
        nic->rate = (struct toolstack_rate){bytes, interval_us};
    free(rate);
    free(backend);
}

static int compare_nics(const void *a, const void *b)
{
    return ((const struct toolstack_nic *)a)->number - ((const struct toolstack_nic *)b)->number;
}

void toolstack_nics(struct toolstack *t, uint32_t domid, struct toolstack_nic **nics, unsigned *n)
{
    char path[64], **numbers;
    unsigned there = 0;

    snprintf(path, sizeof path, "/libxl/%u/device/vif", domid);
    numbers = xs_directory(t->xs, XBT_NULL, path, &there);
    *n = 0;
    *nics = calloc(there + 1, sizeof **nics);
    if (!*nics)
        abort();
    for (unsigned i = 0; numbers && i < there; i++) {
        long number;

        if (read_number(numbers[i], 0, INT_MAX, &number))
            fill_nic(t, &(*nics)[(*n)++], domid, number);
    }
    free(numbers);
    qsort(*nics, *n, sizeof **nics, compare_nics);
}

void toolstack_nics_free(struct toolstack_nic *nics, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        free(nics[i].bridge);
        free(nics[i].mac);
    }
    free(nics);
}

void toolstack_console(struct toolstack *t, uint32_t domid)
{
    libxl_primary_console_exec(t->ctx, domid, -1);
    fprintf(stderr, "clickos: cannot start the console program\n");
}
