// SPDX-License-Identifier: BSD-2-Clause
/*
 * exposition.c - metrics in Prometheus' text format; see exposition.h.
 *
 * The format wants all samples of a metric together, so the tables are walked on the outside and the VMs inside.
 */
#include "cli/exposition.h"

#include <inttypes.h>
#include <string.h>

#include "cli/print.h"

/* ---- the format ---- */

static void add_family(struct text *out, const char *name, const char *type, const char *help)
{
    text_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A quoted value: UTF-8, without anything that steers a terminal. */
static void add_label(struct text *out, const char *name, const char *value)
{
    json_t *utf8 = json_text(value, strlen(value));

    text_printf(out, "%s=\"", name);
    for (const unsigned char *s = (const unsigned char *)json_string_value(utf8); s && *s; s++)
        if (*s == '\\' || *s == '"')
            text_printf(out, "\\%c", *s);
        else if (*s == '\n')
            text_puts(out, "\\n");
        else if (*s < ' ' || *s == 0x7f)
            text_printf(out, "\\\\x%02x", *s);
        else if (*s == 0xc2 && s[1] < 0xa0)     /* a control character of 8-bit terminals */
            text_printf(out, "\\\\x%02x", *++s);
        else
            text_putc(out, (char)*s);
    text_putc(out, '"');
    json_decref(utf8);
}

/* "name{vm=...,domid=...": more labels, or end_labels(), follow. */
static void begin(struct text *out, const char *name, const struct observed_vm *vm)
{
    text_printf(out, "%s{", name);
    add_label(out, "vm", vm->name);
    text_printf(out, ",domid=\"%" PRIu32 "\"", vm->domain.domid);
}

static void also(struct text *out, const char *name, const char *value)
{
    text_putc(out, ',');
    add_label(out, name, value);
}

static void also_number(struct text *out, const char *name, int value)
{
    text_printf(out, ",%s=\"%d\"", name, value);
}

static void end(struct text *out, uint64_t value)
{
    text_printf(out, "} %" PRIu64 "\n", value);
}

static void end_real(struct text *out, double value)
{
    text_printf(out, "} %.9g\n", value);
}

/* ---- VMs, as Xen knows them ---- */

static void add_domains(const struct observation *o, struct text *out)
{
    add_family(out, "clickos_up", "gauge", "Whether the VM is there and answered in time.");
    for (const struct observed_vm *vm = o->vms; vm < o->vms + o->n; vm++) {
        text_puts(out, "clickos_up{");
        add_label(out, "vm", vm->name);
        end(out, vm->answers);
    }
    add_family(out, "clickos_scrape_duration_seconds", "gauge", "How long it took to collect these metrics.");
    text_printf(out, "clickos_scrape_duration_seconds %.9g\n", (double)o->took_ns / 1e9);
    add_family(out, "clickos_domain_info", "gauge", "How Xen runs the VM.");
    for (const struct observed_vm *vm = o->vms; vm < o->vms + o->n; vm++) {
        if (!vm->there)
            continue;
        begin(out, "clickos_domain_info", vm);
        also(out, "type", vm->domain.pvh ? "pvh" : vm->domain.pv ? "pv" : "hvm");
        end(out, 1);
    }
    add_family(out, "clickos_domain_state", "gauge", "1 for the state in which Xen has the VM.");
    for (const struct observed_vm *vm = o->vms; vm < o->vms + o->n; vm++)
        for (enum toolstack_state s = 0; vm->there && s <= STATE_DYING; s++) {
            begin(out, "clickos_domain_state", vm);
            also(out, "state", toolstack_state_name(s));
            end(out, vm->domain.state == s);
        }
}

static double cpu_seconds(const struct observed_vm *vm)
{
    return (double)vm->domain.cpu_ns / 1e9;
}

static double memory_bytes(const struct observed_vm *vm)
{
    return (double)vm->domain.memory_kb * 1024;
}

static double cpu_cap(const struct observed_vm *vm)
{
    return (double)vm->share.cap / 100;
}

static double cpu_weight(const struct observed_vm *vm)
{
    return (double)vm->share.weight;
}

static const struct {
    const char *name, *type;
    double (*value)(const struct observed_vm *vm);
    const char *help;
} domain_metrics[] = {
    {"clickos_domain_cpu_seconds_total", "counter", cpu_seconds, "Processor time that the VM has had."},
    {"clickos_domain_memory_bytes", "gauge", memory_bytes, "Memory that Xen has given to the VM."},
    {"clickos_domain_cpu_cap_ratio", "gauge", cpu_cap, "Share of a processor that the VM is held to; 0: it is not."},
    {"clickos_domain_cpu_weight", "gauge", cpu_weight, "The VM's weight when processors are scarce."},
};

static void add_domain_metrics(const struct observation *o, struct text *out)
{
    for (unsigned i = 0; i < sizeof domain_metrics / sizeof *domain_metrics; i++) {
        add_family(out, domain_metrics[i].name, domain_metrics[i].type, domain_metrics[i].help);
        for (const struct observed_vm *vm = o->vms; vm < o->vms + o->n; vm++) {
            if (!vm->there)
                continue;
            begin(out, domain_metrics[i].name, vm);
            end_real(out, domain_metrics[i].value(vm));
        }
    }
}

/* ---- instances ---- */

static void begin_instance(struct text *out, const char *name, const struct observed_vm *vm, const struct instance *i)
{
    begin(out, name, vm);
    also_number(out, "instance", (int)i->id);
}

static void add_instances(const struct observation *o, struct text *out)
{
    static const char *const states[] = {"Running", "Stopped"};

    add_family(out, "clickos_instance_state", "gauge", "1 for what the instance does.");
    for (const struct observed_vm *vm = o->vms; vm < o->vms + o->n; vm++)
        for (const struct instance *i = vm->instances; i < vm->instances + vm->n_instances; i++)
            for (unsigned s = 0; s < sizeof states / sizeof *states; s++) {
                begin_instance(out, "clickos_instance_state", vm, i);
                also(out, "state", states[s]);
                end(out, !strcmp(i->status, states[s]));
            }
    add_family(out, "clickos_instance_generation", "gauge", "Counts successful starts in the VM; another number is another configuration.");
    for (const struct observed_vm *vm = o->vms; vm < o->vms + o->n; vm++)
        for (const struct instance *i = vm->instances; i < vm->instances + vm->n_instances; i++) {
            begin_instance(out, "clickos_instance_generation", vm, i);
            end(out, i->generation);
        }
    add_family(out, "clickos_instance_elements", "gauge", "Elements of the instance's configuration.");
    for (const struct observed_vm *vm = o->vms; vm < o->vms + o->n; vm++)
        for (const struct instance *i = vm->instances; i < vm->instances + vm->n_instances; i++) {
            begin_instance(out, "clickos_instance_elements", vm, i);
            end(out, i->elements);
        }
}

/* ---- what VMs say ---- */

/* A figure that becomes a metric. With a label, its parts become values of that; without, only the figure itself. */
struct metric {
    const char *figure;
    const char *name, *type;
    const char *label;
    const char *help;
};

static const struct metric memory_metrics[] = {
    {"total", "clickos_memory_size_bytes", "gauge", NULL, "Memory that the VM can use."},
    {"used", "clickos_memory_used_bytes", "gauge", NULL, "Of it what is in use."},
    {"heap", "clickos_heap_bytes", "gauge", NULL, "Memory of configurations and their state."},
    {"packets", "clickos_packet_pool_packets", "gauge", NULL, "Packets that the VM has."},
    {"packets_free", "clickos_packet_pool_free_packets", "gauge", NULL, "Packets that nobody has."},
    {"packets_in_use", "clickos_packet_pool_used_packets", "gauge", NULL, "Packets in elements and in rings."},
    {"packet_failures", "clickos_packet_pool_failures_total", "counter", NULL, "Packets wanted when none was free."},
};

static const struct metric resource_metrics[] = {
    {"grants_free", "clickos_grants_free", "gauge", NULL, "Grant references that can be had."},
    {"grants_in_use", "clickos_grants_used", "gauge", NULL, "Grant references in use."},
    {"grants_lingering", "clickos_grants_lingering", "gauge", NULL, "Grant references given up, of pages that a backend holds on to."},
    {"event_channels", "clickos_event_channels", "gauge", NULL, "Event channels in use."},
    {"threads", "clickos_threads", "gauge", NULL, "Threads of the VM."},
};

static const struct metric vif_metrics[] = {
    {"rx_packets", "clickos_vif_receive_packets_total", "counter", NULL, "Frames received and handed to elements."},
    {"rx_bytes", "clickos_vif_receive_bytes_total", "counter", NULL, "Bytes of frames received."},
    {"rx_drops", "clickos_vif_receive_drops_total", "counter", "reason", "Frames received and dropped."},
    {"tx_packets", "clickos_vif_transmit_packets_total", "counter", NULL, "Frames sent."},
    {"tx_bytes", "clickos_vif_transmit_bytes_total", "counter", NULL, "Bytes of frames sent."},
    {"tx_drops", "clickos_vif_transmit_drops_total", "counter", "reason", "Frames to be sent and dropped."},
    {"rx_posted", "clickos_vif_receive_posted_buffers", "gauge", NULL, "Buffers that the backend may fill."},
    {"tx_under_way", "clickos_vif_transmit_pending_packets", "gauge", NULL, "Frames that the backend has not sent yet."},
    {"rx_ring_empty", "clickos_vif_receive_ring_empty_total", "counter", NULL, "Looks at the ring that found all buffers used: the backend had to wait."},
    {"tx_ring_full", "clickos_vif_transmit_ring_full_total", "counter", NULL, "Sends that found no room for all frames."},
    {"notifications_sent", "clickos_vif_notifications_sent_total", "counter", "direction", "Events sent to the backend."},
    {"notifications_received", "clickos_vif_notifications_received_total", "counter", NULL, "Events from the backend."},
    {"notifications_raised", "clickos_vif_notifications_raised_total", "counter", NULL, "Of these, raised by the vif itself."},
    {"poll_rounds", "clickos_vif_poll_rounds_total", "counter", NULL, "Looks at the receive ring."},
    {"polls_empty", "clickos_vif_empty_polls_total", "counter", NULL, "Looks at the receive ring that found nothing."},
    {"connections", "clickos_vif_connections_total", "counter", NULL, "Times that the vif came up."},
    {"breaks", "clickos_vif_breaks_total", "counter", NULL, "Times that the backend did not keep to the ring's protocol."},
    {"mtu", "clickos_vif_mtu_bytes", "gauge", NULL, "Bytes that fit into a frame behind the Ethernet header."},
    {"grants_in_use", "clickos_vif_grants_used", "gauge", NULL, "Grant references of the vif's rings."},
};

static const struct figures *memory_of(const struct observed_vm *vm)
{
    return &vm->memory;
}

static const struct figures *resources_of(const struct observed_vm *vm)
{
    return &vm->resources;
}

static const struct figures *vifs_of(const struct observed_vm *vm)
{
    return &vm->vifs;
}

static void add_metrics(const struct observation *o, const struct metric *metrics, size_t n,
                        const struct figures *(*figures_of)(const struct observed_vm *vm), struct text *out)
{
    for (const struct metric *m = metrics; m < metrics + n; m++) {
        add_family(out, m->name, m->type, m->help);
        for (const struct observed_vm *vm = o->vms; vm < o->vms + o->n; vm++) {
            const struct figures *figures = figures_of(vm);

            for (const struct figure *f = figures->figure; f < figures->figure + figures->n; f++) {
                if (!f->is_number || strcmp(f->name, m->figure) || !*f->part != !m->label)
                    continue;
                begin(out, m->name, vm);
                if (f->vif != FIGURE_NO_VIF)
                    also_number(out, "vif", f->vif);
                if (m->label)
                    also(out, m->label, f->part);
                end(out, f->value);
            }
        }
    }
}

/* ---- vifs: what is no number, and histograms ---- */

/* The figure that every vif has, so that each comes once. */
static bool begins_vif(const struct figure *f)
{
    return !strcmp(f->name, "state") && !*f->part;
}

static void also_figure(struct text *out, const struct figures *figures, int vif, const char *name)
{
    const struct figure *f = figures_find(figures, vif, name, "");

    if (f)
        also(out, name, f->text);
}

static void add_vifs(const struct observation *o, struct text *out)
{
    add_family(out, "clickos_vif_up", "gauge", "Whether frames can pass.");
    for (const struct observed_vm *vm = o->vms; vm < o->vms + o->n; vm++)
        for (const struct figure *f = vm->vifs.figure; f < vm->vifs.figure + vm->vifs.n; f++) {
            if (!begins_vif(f))
                continue;
            begin(out, "clickos_vif_up", vm);
            also_number(out, "vif", f->vif);
            end(out, !strcmp(f->text, "up"));
        }
    add_family(out, "clickos_vif_info", "gauge", "The vif's address, and how it receives and sends.");
    for (const struct observed_vm *vm = o->vms; vm < o->vms + o->n; vm++)
        for (const struct figure *f = vm->vifs.figure; f < vm->vifs.figure + vm->vifs.n; f++) {
            if (!begins_vif(f))
                continue;
            begin(out, "clickos_vif_info", vm);
            also_number(out, "vif", f->vif);
            also_figure(out, &vm->vifs, f->vif, "mac");
            also_figure(out, &vm->vifs, f->vif, "modes");
            end(out, 1);
        }
}

/* Figures NAME.1, NAME.2, ...: batches of up to so many packets, and more than the one before. */
static const struct histogram {
    const char *figure, *name, *help;
    const char *packets, *drops;            /* the sizes of all batches together: NAME, and NAME.PART if counted */
    const char *part;
} histograms[] = {
    {"rx_batch", "clickos_vif_receive_batch_packets", "Frames that a look at the receive ring brought.",
     "rx_packets", "rx_drops", "nobody"},
    {"tx_batch", "clickos_vif_transmit_batch_packets", "Frames that were put into the transmit ring together.",
     "tx_packets", NULL, NULL},
};

/* A guest may say anything; a sum that wraps would be a histogram that falls. */
static uint64_t sum_of(uint64_t a, uint64_t b)
{
    return a + b < a ? UINT64_MAX : a + b;
}

/* One way to write each bound: "1" and "01" would be the same bucket. */
static bool is_bucket(const struct figure *f)
{
    return f->is_number && *f->part && *f->part != '0' && strspn(f->part, "0123456789") == strlen(f->part);
}

static void begin_vif(struct text *out, const char *name, const char *suffix, const struct observed_vm *vm, int vif)
{
    char whole[80];

    snprintf(whole, sizeof whole, "%s%s", name, suffix);
    begin(out, whole, vm);
    also_number(out, "vif", vif);
}

/* The figures of its name from f on, which are one vif's and in order; the figure behind them. */
static const struct figure *add_histogram(const struct histogram *h, const struct observed_vm *vm, const struct figure *f,
                                          struct text *out)
{
    const struct figure *past = vm->vifs.figure + vm->vifs.n;
    const struct figure *drops = h->drops ? figures_find(&vm->vifs, f->vif, h->drops, h->part) : NULL;
    uint64_t count = 0, size = sum_of(figures_number(&vm->vifs, f->vif, h->packets), drops ? drops->value : 0);
    int vif = f->vif;

    for (; f < past && f->vif == vif && !strcmp(f->name, h->figure); f++) {
        if (!is_bucket(f))
            continue;
        count = sum_of(count, f->value);
        begin_vif(out, h->name, "_bucket", vm, vif);
        also(out, "le", f->part);
        end(out, count);
    }
    begin_vif(out, h->name, "_bucket", vm, vif);
    also(out, "le", "+Inf");
    end(out, count);
    begin_vif(out, h->name, "_sum", vm, vif);
    end(out, size);
    begin_vif(out, h->name, "_count", vm, vif);
    end(out, count);
    return f;
}

static void add_histograms(const struct observation *o, struct text *out)
{
    for (const struct histogram *h = histograms; h < histograms + sizeof histograms / sizeof *histograms; h++) {
        add_family(out, h->name, "histogram", h->help);
        for (const struct observed_vm *vm = o->vms; vm < o->vms + o->n; vm++)
            for (const struct figure *f = vm->vifs.figure; f < vm->vifs.figure + vm->vifs.n; )
                f = !strcmp(f->name, h->figure) ? add_histogram(h, vm, f, out) : f + 1;
    }
}

#define ALL(metrics) metrics, sizeof metrics / sizeof *metrics

void exposition_write(const struct observation *o, struct text *out)
{
    add_domains(o, out);
    add_domain_metrics(o, out);
    add_instances(o, out);
    add_metrics(o, ALL(memory_metrics), memory_of, out);
    add_metrics(o, ALL(resource_metrics), resources_of, out);
    add_vifs(o, out);
    add_metrics(o, ALL(vif_metrics), vifs_of, out);
    add_histograms(o, out);
}
