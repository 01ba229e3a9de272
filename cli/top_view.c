// SPDX-License-Identifier: BSD-2-Clause
/* top_view.c - what happened between two looks at VMs; see top_view.h. */
#define _GNU_SOURCE         // qsort_r
#include "cli/top_view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/print.h"

const char *const top_sort_names[TOP_SORTS + 1] = {"cpu", "memory", "name", "packets", "drops", NULL};

/* ---- what happened ---- */

/* A second; NAN: not known. */
struct rates {
    double rx_packets, rx_bits, tx_packets, tx_bits, drops;
};

static const struct rates unknown = {NAN, NAN, NAN, NAN, NAN};

struct row {
    const struct observed_vm *vm, *before;      /* before: NULL when it was not there */
    double cpu_percent;                         /* of one processor */
    double memory_percent;                      /* of the VM's own memory in use */
    struct rates rates;                         /* of all vifs */
};

struct table {
    double seconds;
    unsigned n;
    struct row *row;
};

static double per_second(double before, double now, double seconds)
{
    return seconds <= 0 || isnan(before) || isnan(now) ? NAN : now > before ? (now - before) / seconds : 0;
}

/* The sum over the figures of a vif with this name, whatever their part; NAN: there is none. */
static double figure_sum(const struct figures *figures, int vif, const char *name)
{
    double sum = NAN;

    for (unsigned i = 0; i < figures->n; i++) {
        const struct figure *f = &figures->figure[i];

        if (f->vif == vif && f->is_number && !strcmp(f->name, name))
            sum = (isnan(sum) ? 0 : sum) + (double)f->value;
    }
    return sum;
}

static double figure_rate(const struct row *row, int vif, const char *name, double seconds)
{
    if (!row->before)
        return NAN;
    return per_second(figure_sum(&row->before->vifs, vif, name), figure_sum(&row->vm->vifs, vif, name), seconds);
}

static struct rates vif_rates(const struct row *row, int vif, double seconds)
{
    struct rates r = {
        figure_rate(row, vif, "rx_packets", seconds), 8 * figure_rate(row, vif, "rx_bytes", seconds),
        figure_rate(row, vif, "tx_packets", seconds), 8 * figure_rate(row, vif, "tx_bytes", seconds),
        figure_rate(row, vif, "rx_drops", seconds),
    };
    double tx_drops = figure_rate(row, vif, "tx_drops", seconds);

    r.drops = isnan(r.drops) ? tx_drops : isnan(tx_drops) ? r.drops : r.drops + tx_drops;
    return r;
}

static void add(double *sum, double more)
{
    if (!isnan(more))
        *sum = (isnan(*sum) ? 0 : *sum) + more;
}

/* The vifs that there are, one after the other; *at starts at 0. FIGURE_NO_VIF: no more. */
static int next_vif(const struct figures *figures, unsigned *at)
{
    unsigned i = *at;

    if (i == figures->n)
        return FIGURE_NO_VIF;
    while (*at < figures->n && figures->figure[*at].vif == figures->figure[i].vif)
        ++*at;
    return figures->figure[i].vif;
}

static const struct observed_vm *find(const struct observation *o, const struct observed_vm *vm)
{
    for (unsigned i = 0; i < o->n; i++)
        if (o->vms[i].there && o->vms[i].domain.domid == vm->domain.domid && !strcmp(o->vms[i].name, vm->name))
            return &o->vms[i];
    return NULL;
}

static struct row make_row(const struct observed_vm *vm, const struct observation *before, double seconds)
{
    struct row row = {vm, vm->there ? find(before, vm) : NULL, NAN, NAN, unknown};
    double total = (double)figures_number(&vm->memory, FIGURE_NO_VIF, "total");
    int vif;

    if (row.before)
        row.cpu_percent = per_second((double)row.before->domain.cpu_ns, (double)vm->domain.cpu_ns, seconds) / 1e7;
    if (total > 0)
        row.memory_percent = 100 * (double)figures_number(&vm->memory, FIGURE_NO_VIF, "used") / total;
    for (unsigned at = 0; (vif = next_vif(&vm->vifs, &at)) != FIGURE_NO_VIF; ) {
        struct rates r = vif_rates(&row, vif, seconds);

        add(&row.rates.rx_packets, r.rx_packets);
        add(&row.rates.rx_bits, r.rx_bits);
        add(&row.rates.tx_packets, r.tx_packets);
        add(&row.rates.tx_bits, r.tx_bits);
        add(&row.rates.drops, r.drops);
    }
    return row;
}

/* ---- in order ---- */

static double key(const struct row *row, enum top_sort sort)
{
    double k = 0;

    switch (sort) {
    case TOP_CPU: k = row->cpu_percent; break;
    case TOP_MEMORY: k = (double)row->vm->domain.memory_kb; break;
    case TOP_PACKETS: k = row->rates.rx_packets + row->rates.tx_packets; break;
    case TOP_DROPS: k = row->rates.drops; break;
    case TOP_NAME: case TOP_SORTS: break;
    }
    return isnan(k) ? -1 : k;
}

static int compare_rows(const void *a, const void *b, void *argument)
{
    const struct row *x = a, *y = b;
    double k = key(x, *(enum top_sort *)argument), l = key(y, *(enum top_sort *)argument);

    return k != l ? (k < l) - (k > l) : strcmp(x->vm->name, y->vm->name);
}

static struct table make_table(const struct top_view *view, const struct observation *before,
                               const struct observation *now)
{
    struct table table = {(double)(now->at_ns - before->at_ns) / 1e9, now->n, calloc(now->n + 1, sizeof *table.row)};
    enum top_sort sort = view->sort;

    if (!table.row)
        abort();
    for (unsigned i = 0; i < now->n; i++)
        table.row[i] = make_row(&now->vms[i], before, table.seconds);
    qsort_r(table.row, table.n, sizeof *table.row, compare_rows, &sort);
    return table;
}

static double dom0_percent(const struct observation *before, const struct observation *now, double seconds)
{
    return per_second((double)before->host.dom0_cpu_ns, (double)now->host.dom0_cpu_ns, seconds) / 1e7;
}

/* ---- as text ---- */

/* BEFORE_RATES: from the name's end to the first rate's column. */
enum { RATE_WIDTH = 6, BEFORE_RATES = 31, WIDTH_BEHIND_NAME = BEFORE_RATES + 5 * (RATE_WIDTH + 1), NAME_WIDTH_MIN = 8 };

/* At most five characters: 9999, 12.3K, 4.56M. */
static void add_scaled(struct text *out, double value)
{
    static const char units[] = "KMGTPE";
    char number[32];
    int unit = -1;

    if (isnan(value)) {
        snprintf(number, sizeof number, "-");
    } else {
        for (; value >= (unit < 0 ? 9999.5 : 999.5) && unit < (int)sizeof units - 2; unit++)
            value /= 1000;
        snprintf(number, sizeof number, unit < 0 || value >= 99.95 ? "%.0f%.1s" : value >= 9.995 ? "%.1f%.1s" : "%.2f%.1s",
                 value, unit < 0 ? "" : &units[unit]);
    }
    text_printf(out, " %*s", RATE_WIDTH, number);
}

static void add_rates(struct text *out, const struct rates *r)
{
    add_scaled(out, r->rx_packets);
    add_scaled(out, r->rx_bits);
    add_scaled(out, r->tx_packets);
    add_scaled(out, r->tx_bits);
    add_scaled(out, r->drops);
    text_putc(out, '\n');
}

static void add_percent(struct text *out, int width, int digits, double value)
{
    if (isnan(value))
        text_printf(out, " %*s", width, "-");
    else
        text_printf(out, " %*.*f", width, digits, value);
}

/* Of the name so many bytes as may be seen, and no part of a character. */
static int cut(const char *name, int width)
{
    int n = (int)strlen(name);

    if (n <= width)
        return n;
    for (n = width; n > 0 && ((unsigned char)name[n] & 0xc0) == 0x80; n--)
        ;
    return n;
}

static int name_width(const struct top_view *view, const struct table *table)
{
    int width = NAME_WIDTH_MIN, most = view->columns - WIDTH_BEHIND_NAME;

    for (unsigned i = 0; i < table->n; i++)
        if ((int)strlen(table->row[i].vm->name) > width)
            width = (int)strlen(table->row[i].vm->name);
    if (!view->columns || width <= most)
        return width;
    return most > NAME_WIDTH_MIN ? most : NAME_WIDTH_MIN;
}

static void add_host(struct text *out, const struct table *table, const struct observation *before,
                     const struct observation *now)
{
    time_t seconds = time(NULL);
    unsigned running = 0, silent = 0;
    struct tm tm;
    char clock[16];

    for (unsigned i = 0; i < now->n; i++) {
        running += now->vms[i].there && now->vms[i].domain.state == STATE_RUNNING;
        silent += now->vms[i].there && now->vms[i].domain.state == STATE_RUNNING && !now->vms[i].answers;
    }
    strftime(clock, sizeof clock, "%H:%M:%S", localtime_r(&seconds, &tm));
    text_printf(out, "clickos top - %s, %u VM%s, %u running", clock, table->n, table->n == 1 ? "" : "s", running);
    if (silent)
        text_printf(out, " (%u silent)", silent);
    text_printf(out, "; %u CPU%s, dom0", now->host.cpus, now->host.cpus == 1 ? "" : "s");
    add_percent(out, 0, 1, dom0_percent(before, now, table->seconds));
    text_printf(out, " %%; %llu MB, %llu free\n\n", (unsigned long long)now->host.memory_kb / 1024,
                (unsigned long long)now->host.free_kb / 1024);
}

static void add_vm(struct text *out, const struct row *row, int width)
{
    const struct observed_vm *vm = row->vm;
    int n = cut(vm->name, width);

    text_printf(out, "%.*s%*s", n, vm->name, width - n, "");
    if (!vm->there) {
        text_puts(out, "    - gone\n");
        return;
    }
    text_printf(out, " %4u %-7.7s", vm->domain.domid, toolstack_state_name(vm->domain.state));
    add_percent(out, 5, 1, row->cpu_percent);
    text_printf(out, " %6.1f", (double)vm->domain.memory_kb / 1024);
    add_percent(out, 4, 0, row->memory_percent);
    add_rates(out, &row->rates);
}

static void add_instances(struct text *out, const struct observed_vm *vm)
{
    if (vm->there && vm->domain.state == STATE_RUNNING && !vm->answers)
        text_puts(out, "  does not answer\n");
    if (vm->n_instances)
        text_puts(out, vm->n_instances == 1 ? "  instance" : "  instances");
    for (unsigned i = 0; i < vm->n_instances; i++)
        text_printf(out, "%s %u %s (%u elements)", i ? "," : "", vm->instances[i].id, vm->instances[i].status,
                    vm->instances[i].elements);
    if (vm->n_instances)
        text_putc(out, '\n');
}

static void add_vifs(struct text *out, const struct row *row, int width, double seconds)
{
    const struct figures *vifs = &row->vm->vifs;
    int vif;

    for (unsigned at = 0; (vif = next_vif(vifs, &at)) != FIGURE_NO_VIF; ) {
        const struct figure *state = figures_find(vifs, vif, "state", "");
        struct rates rates = vif_rates(row, vif, seconds);
        size_t began = out->length;

        text_printf(out, "  vif %d %.12s", vif, state ? state->text : "");
        text_printf(out, "%*s", width + BEFORE_RATES - (int)(out->length - began), "");
        add_rates(out, &rates);
    }
}

void top_view_text(const struct top_view *view, const struct observation *before, const struct observation *now,
                   struct text *out)
{
    struct table table = make_table(view, before, now);
    int width = name_width(view, &table);

    add_host(out, &table, before, now);
    text_printf(out, "%-*s %4s %-7s %5s %6s %4s %6s %6s %6s %6s %6s\n", width, "NAME", "ID", "STATE", "CPU%", "MEM(M)",
                "USE%", "RXp/s", "RXb/s", "TXp/s", "TXb/s", "DROP/s");
    for (const struct row *row = table.row; row < table.row + table.n; row++) {
        add_vm(out, row, width);
        if (!view->hide_instances)
            add_instances(out, row->vm);
        if (!view->hide_vifs)
            add_vifs(out, row, width, table.seconds);
    }
    free(table.row);
}

/* ---- as JSON ---- */

static json_t *json_rate(double value)
{
    return isnan(value) ? json_null() : json_real(round(value * 1000) / 1000);
}

static json_t *json_rates(const struct rates *r)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "rx_packets", json_rate(r->rx_packets), "rx_bits",
                     json_rate(r->rx_bits), "tx_packets", json_rate(r->tx_packets), "tx_bits", json_rate(r->tx_bits),
                     "drops", json_rate(r->drops));
}

static json_t *json_vifs(const struct row *row, double seconds)
{
    json_t *list = json_array();
    int vif;

    for (unsigned at = 0; (vif = next_vif(&row->vm->vifs, &at)) != FIGURE_NO_VIF; ) {
        struct rates rates = vif_rates(row, vif, seconds);

        json_array_append_new(list, json_pack("{s:i, s:o, s:o}", "vif", vif, "rates", json_rates(&rates), "figures",
                                              figures_json(&row->vm->vifs, vif)));
    }
    return list;
}

static json_t *json_vm(const struct row *row, double seconds)
{
    const struct observed_vm *vm = row->vm;
    json_t *name = json_text(vm->name, strlen(vm->name));

    if (!vm->there)
        return json_pack("{s:o, s:s, s:b}", "name", name, "state", "gone", "answers", 0);
    return json_pack("{s:o, s:i, s:s, s:s, s:b, s:o, s:i, s:f, s:o, s:o, s:o, s:o, s:o}", "name", name, "id",
                     (int)vm->domain.domid, "type", vm->domain.pvh ? "pvh" : vm->domain.pv ? "pv" : "hvm", "state",
                     toolstack_state_name(vm->domain.state), "answers", vm->answers, "cpu_percent",
                     json_rate(row->cpu_percent), "cap", (int)vm->share.cap, "memory_mb",
                     (double)vm->domain.memory_kb / 1024, "rates", json_rates(&row->rates), "instances",
                     instances_json(vm->instances, vm->n_instances), "memory", figures_json(&vm->memory, FIGURE_NO_VIF),
                     "resources", figures_json(&vm->resources, FIGURE_NO_VIF), "vifs", json_vifs(row, seconds));
}

json_t *top_view_json(const struct top_view *view, const struct observation *before, const struct observation *now)
{
    struct table table = make_table(view, before, now);
    json_t *vms = json_array();

    for (const struct row *row = table.row; row < table.row + table.n; row++)
        json_array_append_new(vms, json_vm(row, table.seconds));
    free(table.row);
    return json_pack("{s:f, s:{s:i, s:f, s:f, s:o}, s:o}", "seconds", table.seconds, "host", "cpus", (int)now->host.cpus,
                     "memory_mb", (double)now->host.memory_kb / 1024, "free_mb", (double)now->host.free_kb / 1024,
                     "dom0_cpu_percent", json_rate(dom0_percent(before, now, table.seconds)), "vms", vms);
}
