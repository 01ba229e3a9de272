// SPDX-License-Identifier: BSD-2-Clause
/*
 * device.c - vifs as the router sees them: platform_device_*().
 *
 * Any number of elements may open a vif. All may send. Frames go to the element that asked for
 * them last; when it closes, to the one before: while a new configuration replaces an old one, both
 * have the vif open. When nobody listens, frames are dropped and counted, as on any computer.
 *
 * A vif's modes are those that one of its elements asked for last, of those that have it open still.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/netfront.h"
#include "platform/platform.h"
#include "router/errors.h"
#include "router/task.h"

struct device {
    struct vif *vif;
    struct device *next;                /* on the same vif; the one that listens last stands first */
    struct task *receive, *transmit;
    bool waits_for_room;
    bool has_modes;                     /* its element asked for some */
    unsigned modes, modes_turn;         /* the highest turn counts */
    char name[16];
};

static struct device *receiver(const struct vif *vif)
{
    struct device *d = vif->devices;

    while (d && !d->receive)
        d = d->next;
    return d;
}

static void drop_received(struct vif *vif)
{
    struct netfront_queue *queue = &vif->queue[0];
    struct batch batch = { .n = 0 };
    unsigned n;

    while ((n = netfront_receive(queue, &batch, BATCH_MAX, false)) > 0) {
        queue->counts.drops[DROP_NOBODY] += n;
        queue->counts.rx_packets -= n;
        batch_free(&batch);
        if (n < BATCH_MAX)
            break;
    }
}

void device_event(struct vif *vif)
{
    struct netfront_queue *queue = &vif->queue[0];
    struct device *listener = receiver(vif);

    if (netfront_rx_pending(queue)) {
        if (listener)
            task_schedule(listener->receive);
        else
            drop_received(vif);
    }
    netfront_sent(queue);
    if (vif->up && queue->tx_n_free > 0)
        for (struct device *d = vif->devices; d; d = d->next)
            if (d->waits_for_room) {
                d->waits_for_room = false;
                if (d->transmit)
                    task_schedule(d->transmit);
            }
}

/* "0" or "vif0"; one that was taken away is not there, whoever uses it already waits until it is again. */
static struct vif *find(const char *name)
{
    char *end;
    unsigned long number;

    if (!strncmp(name, "vif", 3))
        name += 3;
    if (*name < '0' || *name > '9')
        return NULL;
    number = strtoul(name, &end, 10);
    for (unsigned i = 0; !*end && i < netfront_count(); i++)
        if (netfront_vif(i)->number == number && !netfront_vif(i)->gone)
            return netfront_vif(i);
    return NULL;
}

static void explain(const char *name, struct errors *errors)
{
    char list[128] = "";
    unsigned there = 0;
    size_t n = 0;

    for (unsigned i = 0; i < netfront_count(); i++) {
        if (netfront_vif(i)->gone)
            continue;
        if (n < sizeof list - 8)
            n += (size_t)snprintf(list + n, sizeof list - n, "%s%u", there ? ", " : "", netfront_vif(i)->number);
        there++;
    }
    if (there == 0)
        errors_add(errors, NULL, "no virtual interface '%s': this VM has none", name);
    else
        errors_add(errors, NULL, "no virtual interface '%s': this VM has %u (%s)", name, there, list);
}

struct device *platform_device_open(const char *name, const struct device_options *options,
                                    struct errors *errors)
{
    struct vif *vif = find(name);
    struct device *d;

    (void)options;                      /* a vif always hands over everything that it gets */
    if (!vif) {
        explain(name, errors);
        return NULL;
    }
    d = calloc(1, sizeof *d);
    if (!d) {
        errors_add(errors, NULL, "out of memory");
        return NULL;
    }
    d->vif = vif;
    snprintf(d->name, sizeof d->name, "vif %u", vif->number);
    d->next = vif->devices;
    vif->devices = d;
    return d;
}

static void apply_modes(struct vif *vif)
{
    const struct device *last = NULL;

    for (const struct device *d = vif->devices; d; d = d->next)
        if (d->has_modes && (!last || d->modes_turn > last->modes_turn))
            last = d;
    unsigned modes = last ? last->modes : netfront_modes_default();
    if (modes == vif->queue[0].modes)
        return;
    netfront_set_modes(&vif->queue[0], modes);
    device_event(vif);                  /* events were asked for in another way */
}

static void unlink(struct device *device)
{
    struct device *d = device->vif->devices;

    if (d == device) {
        device->vif->devices = device->next;
        return;
    }
    while (d->next != device)
        d = d->next;
    d->next = device->next;
}

void platform_device_close(struct device *device)
{
    struct vif *vif = device->vif;

    unlink(device);
    free(device);
    apply_modes(vif);
    device_event(vif);                  /* frames that wait are the next listener's */
}

void platform_device_info(struct device *device, struct device_info *info)
{
    struct vif *vif = device->vif;

    *info = (struct device_info){ .name = device->name, .mtu = vif->mtu, .up = vif->up };
    memcpy(info->mac, vif->mac, sizeof info->mac);
}

void platform_device_counts(struct device *device, struct device_counts *counts)
{
    const struct netfront_counts *c = &device->vif->queue[0].counts;

    *counts = (struct device_counts){
        .rx_packets = c->rx_packets, .rx_bytes = c->rx_bytes,
        .tx_packets = c->tx_packets, .tx_bytes = c->tx_bytes,
    };
    for (unsigned i = 0; i < DROP_REASONS; i++)
        *(i < DROP_TX_FIRST ? &counts->rx_drops : &counts->tx_drops) += c->drops[i];
}

void platform_device_report(struct device *device, struct text *out)
{
    netfront_report(device->vif, out);
}

/* ---- settings ---- */

static void read_mode(const struct device *device, struct text *out)
{
    netfront_modes_format(device->vif->queue[0].modes, out);
}

static bool set_mode(struct device *device, const char *value, struct errors *errors)
{
    static unsigned turn;
    unsigned modes = 0;

    if (*value && !netfront_modes_parse(value, &modes, errors))
        return false;
    device->has_modes = *value;
    device->modes = modes;
    device->modes_turn = ++turn;
    apply_modes(device->vif);
    return true;
}

static void read_poll_rounds(const struct device *device, struct text *out)
{
    text_printf(out, "%u", device->vif->queue[0].poll_rounds_before_blocking);
}

static bool set_poll_rounds(struct device *device, const char *value, struct errors *errors)
{
    char *end;
    unsigned long rounds = strtoul(value, &end, 10);

    if (*value < '0' || *value > '9' || end[strspn(end, " \n")] || rounds > NETFRONT_POLL_ROUNDS_MAX) {
        errors_add(errors, NULL, "expected a number of rounds, 0 to %d, got '%s'", NETFRONT_POLL_ROUNDS_MAX, value);
        return false;
    }
    device->vif->queue[0].poll_rounds_before_blocking = (unsigned)rounds;
    return true;
}

static void read_multicast(const struct device *device, struct text *out)
{
    netfront_multicast_format(&device->vif->groups, out);
}

/* The vif's, not the element's: it stays when that goes. */
static bool set_multicast(struct device *device, const char *value, struct errors *errors)
{
    struct vif *vif = device->vif;
    struct netfront_groups groups;

    if (!netfront_multicast_parse(value, &groups, errors))
        return false;
    if (groups.filter && vif->up && !vif->filters) {
        errors_add(errors, NULL, "the backend of %s does not filter multicasts: all of them come", device->name);
        return false;
    }
    vif->groups = groups;
    vif->groups_changed = vif->filters;
    thread_wake(vif->thread);
    return true;
}

static const struct setting {
    const char *name;
    void (*read)(const struct device *, struct text *);
    bool (*set)(struct device *, const char *, struct errors *);
} settings[] = {
    { "mode", read_mode, set_mode },
    { "poll_rounds_before_blocking", read_poll_rounds, set_poll_rounds },
    { "multicast", read_multicast, set_multicast },
};

static const struct setting *find_setting(const struct device *device, const char *name, struct errors *errors)
{
    for (const struct setting *s = settings; s < settings + sizeof settings / sizeof *settings; s++)
        if (!strcmp(s->name, name))
            return s;
    errors_add(errors, NULL, "%s has no %s", device->name, name);
    return NULL;
}

bool platform_device_setting(struct device *device, const char *name, struct text *out, struct errors *errors)
{
    const struct setting *setting = find_setting(device, name, errors);

    if (setting)
        setting->read(device, out);
    return setting;
}

bool platform_device_set(struct device *device, const char *name, const char *value, struct errors *errors)
{
    const struct setting *setting = find_setting(device, name, errors);

    return setting && setting->set(device, value, errors);
}

/* ---- frames ---- */

unsigned platform_device_receive(struct device *device, struct batch *into, unsigned max)
{
    struct netfront_queue *queue = &device->vif->queue[0];

    if (receiver(device->vif) != device)
        return 0;
    /* Under load we look anyway, soon: an event then costs the backend and us, and tells nothing. */
    bool again = (queue->modes & NETFRONT_POLL) && queue->quiet_rounds < queue->poll_rounds_before_blocking;
    unsigned n = netfront_receive(queue, into, max, again);
    queue->quiet_rounds = n ? 0 : queue->quiet_rounds + 1;
    if (again && n < max)
        task_reschedule(device->receive);
    return n;
}

unsigned platform_device_transmit(struct device *device, const struct batch *from)
{
    unsigned n = netfront_transmit(&device->vif->queue[0], from);

    device->waits_for_room |= n < from->n;
    return n;
}

void platform_device_on_receive(struct device *device, struct task *task)
{
    device->receive = task;
    if (task) {
        unlink(device);
        device->next = device->vif->devices;
        device->vif->devices = device;
        if (netfront_rx_pending(&device->vif->queue[0]))
            task_schedule(task);
    }
}

void platform_device_on_transmit(struct device *device, struct task *task)
{
    device->transmit = task;
}
