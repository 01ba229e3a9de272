// SPDX-License-Identifier: BSD-2-Clause
/*
 * netfront_connect.c - the slow half of a vif: agreeing with the backend through xenstore.
 *
 * One thread per vif, the same loop for the first connection and for every later one (vif taken away
 * and given again, backend restarted, VM restored, rings broken):
 *   1. our state Initialising, wait until the backend is at InitWait;
 *   2. rings, event channel, what we want, our state Connected, wait until the backend is Connected;
 *   3. frames pass until the backend leaves Connected or breaks the rings;
 *   4. everything back, our state Closed, from the start.
 *
 * Each side says what the other may leave to it: checksums, frames in several pages, TCP segments to be cut (the
 * table `offers`). We take all of that unless the boot line says otherwise, or there are not buffers enough
 * posted for the longest frame. We do not ask for room in front of received frames ("xdp-headroom"): Linux 6.1
 * then spends a second slot on each frame, but does not count it when it looks whether there are
 * enough. With an odd number of slots posted it ran past our requests and copied frames into grant 0,
 * which is the console's page.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/io/xenbus.h>

#include "drivers/netfront_control.h"
#include "drivers/xenstore.h"
#include "router/args.h"

enum { MTU_DEFAULT = 1500, MTU_MAX = PAGE_SIZE - 64, PATH_MAX = 128, GOODBYE_S = 5 };

static struct vif *vifs[NETFRONT_VIFS_MAX];
static unsigned n_vifs;

unsigned netfront_count(void)
{
    return n_vifs;
}

struct vif *netfront_vif(unsigned index)
{
    return vifs[index];
}

void netfront_fail(struct vif *vif, const char *what)
{
    if (vif->broken)
        return;
    console_printf("vif %u: broken: the backend %s; connecting again\n", vif->number, what);
    vif->broken = true;
    vif->broken_by = what;
    vif->breaks++;
    vif->up = false;
    thread_wake(vif->thread);
}

/* ---- reading and writing nodes ---- */

static char *own_path(const struct vif *vif, const char *node, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "device/vif/%u/%s", vif->number, node);
    return path;
}

static char *backend_path(const struct vif *vif, const char *node, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/%s", vif->backend, node);
    return path;
}

static int put(const struct vif *vif, const char *node, unsigned value)
{
    char path[PATH_MAX];

    return xenstore_printf(own_path(vif, node, path), "%u", value);
}

static unsigned backend_number(const struct vif *vif, const char *node, unsigned otherwise)
{
    char path[PATH_MAX];
    uint64_t value;

    if (xenstore_read_number(backend_path(vif, node, path), &value) || value > UINT32_MAX)
        return otherwise;
    return (unsigned)value;
}

static enum xenbus_state backend_state(const struct vif *vif)
{
    return (enum xenbus_state)backend_number(vif, "state", XenbusStateUnknown);
}

/* It is not there any more, which is more than that its state cannot be read now. */
static bool backend_removed(const struct vif *vif)
{
    char path[PATH_MAX];
    uint64_t state;

    return xenstore_read_number(backend_path(vif, "state", path), &state) == -ENOENT;
}

static void changed(void *argument, const char *path)
{
    struct vif *vif = argument;

    (void)path;
    thread_wake(vif->thread);
}

/* What the toolstack wrote about us. 0 or a negative errno. */
static int describe(struct vif *vif)
{
    char path[PATH_MAX], mac[24];
    uint64_t number;
    int error;

    if ((error = xenstore_read_text(own_path(vif, "backend", path), vif->backend,
                                    sizeof vif->backend)) ||
        (error = xenstore_read_number(own_path(vif, "backend-id", path), &number)) ||
        (error = xenstore_read_text(own_path(vif, "mac", path), mac, sizeof mac)))
        return error;
    if (number >= DOMID_FIRST_RESERVED || !args_read_ether(NULL, mac, vif->mac))
        return -EINVAL;
    vif->backend_domain = (uint16_t)number;
    if (xenstore_read_number(own_path(vif, "mtu", path), &number) || number < 68)
        number = MTU_DEFAULT;
    vif->mtu = number > MTU_MAX ? MTU_MAX : (uint32_t)number;
    return 0;
}

/* ---- one connection ---- */

static void event(void *argument)
{
    struct vif *vif = argument;

    vif->queue[0].counts.notifications_received++;
    device_event(vif);
}

/* The pool's share of one vif: what is in rings cannot be in queues. */
static unsigned receive_buffers(void)
{
    struct packet_pool_stats stats;

    packet_pool_stats(&stats);
    unsigned share = stats.limit / (3 * (n_vifs ? n_vifs : 1));
    return share > NETFRONT_SLOTS ? NETFRONT_SLOTS : share < 16 ? 16 : share;
}

static int open_vif(struct vif *vif)
{
    struct netfront_queue *queue = &vif->queue[0];
    int error = netfront_rings_open(queue, receive_buffers());

    if (error)
        return error;
    int port = event_alloc_unbound(vif->backend_domain);
    if (port < 0) {
        netfront_rings_close(queue);
        return port;
    }
    queue->port = (uint32_t)port;
    error = event_bind(queue->port, event, vif);
    if (error) {
        event_close(queue->port);
        netfront_rings_close(queue);
    }
    return error;
}

static void close_vif(struct vif *vif)
{
    vif->up = false;
    event_close(vif->queue[0].port);
    netfront_rings_close(&vif->queue[0]);
    netfront_control_close(&vif->control);
}

/* Without one, nodes from the connection before must not say otherwise. */
static int publish_control(struct vif *vif)
{
    char path[PATH_MAX];
    int error;

    if (backend_number(vif, "feature-ctrl-ring", 0) &&
        !netfront_control_open(&vif->control, vif->backend_domain)) {
        error = put(vif, "ctrl-ring-ref", vif->control.reference);
        return error ? error : put(vif, "event-channel-ctrl", vif->control.port);
    }
    error = xenstore_remove(own_path(vif, "ctrl-ring-ref", path));
    if (!error || error == -ENOENT)
        error = xenstore_remove(own_path(vif, "event-channel-ctrl", path));
    return error == -ENOENT ? 0 : error;
}

/* As we use one queue, its nodes stand beside this one. */
static int publish_queues(struct vif *vif)
{
    return backend_number(vif, "multi-queue-max-queues", 0) ? put(vif, "multi-queue-num-queues", NETFRONT_QUEUES) : 0;
}

/* Nodes that say what a side takes; both sides write them. */
static const struct {
    unsigned feature;
    const char *node;
    bool says_no;               /* 1 says that it is not taken, and nothing that it is */
} offers[] = {
    { NETFRONT_SG, "feature-sg", false },
    { NETFRONT_CSUM4, "feature-no-csum-offload", true },
    { NETFRONT_CSUM6, "feature-ipv6-csum-offload", false },
    { NETFRONT_GSO4, "feature-gso-tcpv4", false },
    { NETFRONT_GSO6, "feature-gso-tcpv6", false },
};

enum { N_OFFERS = sizeof offers / sizeof *offers };

/*
 * A backend waits until there are slots for a whole frame: with fewer posted than that it would wait for ever. Twice as many,
 * since without NETFRONT_FR the ring is filled again late.
 */
enum { BUFFERS_FOR_LONG_FRAMES = 48 };

static void negotiate(struct vif *vif)
{
    unsigned gives = 0, takes = netfront_features_default();

    for (unsigned i = 0; i < N_OFFERS; i++)
        if ((backend_number(vif, offers[i].node, 0) != 0) != offers[i].says_no)
            gives |= offers[i].feature;
    if (vif->queue[0].rx_buffers < BUFFERS_FOR_LONG_FRAMES)
        takes &= ~(unsigned)NETFRONT_SG;
    vif->filters = backend_number(vif, "feature-multicast-control", 0);
    vif->groups_told = (struct netfront_groups){ .filter = false };
    vif->groups_changed = vif->filters && vif->groups.filter;
    vif->gives = netfront_features_possible(gives);
    vif->takes = netfront_features_possible(takes);
}

static int publish_offers(const struct vif *vif)
{
    for (unsigned i = 0; i < N_OFFERS; i++) {
        int error = put(vif, offers[i].node, !(vif->takes & offers[i].feature) == offers[i].says_no);
        if (error)
            return error;
    }
    return 0;
}

/* A backend looks at the node again whenever it changes. */
static void tell_groups(struct vif *vif)
{
    if (netfront_multicast_tell(vif))
        put(vif, "request-multicast-control", vif->groups_told.filter);
}

static int publish(struct vif *vif)
{
    const struct netfront_queue *queue = &vif->queue[0];
    const struct { const char *node; unsigned value; } nodes[] = {
        { "tx-ring-ref", queue->tx_reference },
        { "rx-ring-ref", queue->rx_reference },
        { "event-channel", queue->port },
        { "request-rx-copy", 1 },
        { "feature-rx-notify", 1 },
        { "request-multicast-control", 0 },
    };

    for (unsigned i = 0; i < sizeof nodes / sizeof *nodes; i++) {
        int error = put(vif, nodes[i].node, nodes[i].value);
        if (error)
            return error;
    }
    int error = publish_queues(vif);
    if (!error)
        error = publish_control(vif);
    negotiate(vif);
    if (!error)
        error = publish_offers(vif);
    return error ? error : put(vif, "state", XenbusStateConnected);
}

/* Frames on their way through the router need buffers, too: before tables of flows take the memory. */
enum { BUFFERS_ON_THE_WAY = 2 * BATCH_MAX };

static void set_up(struct vif *vif)
{
    char mac[18];

    packet_pool_reserve(BUFFERS_ON_THE_WAY);
    vif->up = true;
    vif->connections++;
    console_printf("vif %u: up, %s, mtu %u, %u receive buffers\n", vif->number, args_format_mac(mac, vif->mac), vif->mtu,
                   vif->queue[0].rx_buffers);
    device_event(vif);                  /* frames may wait on both sides */
}

/* Steps 1 to 4 of the header comment. */
static int connect(struct vif *vif)
{
    int error;

    while (backend_state(vif) != XenbusStateInitWait) {
        if (backend_removed(vif))
            return -ENOENT;
        thread_block(UINT64_MAX);
    }
    if ((error = open_vif(vif)))
        return error;
    if (!(error = publish(vif))) {
        enum xenbus_state state;
        while ((state = backend_state(vif)) == XenbusStateInitWait)
            thread_block(UINT64_MAX);
        if (state == XenbusStateConnected) {
            set_up(vif);
            netfront_control_map_buffers(vif);
        }
        while (!vif->broken && backend_state(vif) == XenbusStateConnected) {
            if (vif->groups_changed)
                tell_groups(vif);
            else
                thread_block(UINT64_MAX);
        }
    }
    if (vif->up || vif->broken)
        console_printf("vif %u: down\n", vif->number);
    close_vif(vif);
    return error;
}

/*
 * Says goodbye, and waits until the backend has done so too or is gone. A backend that was bound again is at InitWait
 * and about to connect to the rings that we have just closed, because it finds us Connected; if we offered others now,
 * it could take some of their numbers from before and some from after. Linux' passes through Closed when it sees us
 * Closed; for another that stays where it is, we do not wait for ever.
 */
static void leave(struct vif *vif)
{
    uint64_t deadline = time_now() + GOODBYE_S * 1000000000ull;
    enum xenbus_state state;

    put(vif, "state", XenbusStateClosing);
    put(vif, "state", XenbusStateClosed);
    while ((state = backend_state(vif)) != XenbusStateClosed && state != XenbusStateUnknown) {
        bool late = time_now() >= deadline;
        if (late && state != XenbusStateConnected && state != XenbusStateClosing)
            break;
        thread_block(late ? UINT64_MAX : deadline);
    }
}

/* One life of the device: from being there to being taken away or closed. */
static int serve(struct vif *vif)
{
    char path[PATH_MAX];
    int error = describe(vif), watch;

    if (error)
        return error;
    vif->gone = false;
    watch = xenstore_watch(backend_path(vif, "state", path), changed, vif);
    if (watch < 0)
        return watch;
    put(vif, "state", XenbusStateInitialising);
    error = connect(vif);
    if (error != -ENOENT)
        leave(vif);
    if (!error && !backend_number(vif, "online", 0))
        while (backend_state(vif) != XenbusStateUnknown && backend_state(vif) != XenbusStateInitWait)
            thread_block(UINT64_MAX);       /* the toolstack is about to remove it */
    xenstore_unwatch(watch);
    return error;
}

static void run(void *argument)
{
    struct vif *vif = argument;

    for (;;) {
        int error = serve(vif);
        if (error == -ENOENT) {             /* taken away: device_changed() tells when it is back */
            vif->gone = true;
            thread_block(UINT64_MAX);
            continue;
        }
        if (error)
            console_printf("vif %u: cannot connect: %s\n", vif->number, strerror(error));
        if (error || vif->broken)           /* not as fast as it can */
            thread_sleep_until(time_now() + 1000000000ull);
    }
}

/* ---- which vifs there are ---- */

static struct vif *find(unsigned long number)
{
    for (unsigned i = 0; i < n_vifs; i++)
        if (vifs[i]->number == number)
            return vifs[i];
    return NULL;
}

static void add(unsigned number)
{
    struct vif *vif = calloc(1, sizeof *vif);
    char name[16];

    if (vif) {
        vif->number = number;
        snprintf(name, sizeof name, "vif %u", number);
        vif->mtu = MTU_DEFAULT;
        vif->queue[0].vif = vif;
        vif->queue[0].modes = netfront_modes_default();
        vif->queue[0].poll_rounds_before_blocking = NETFRONT_POLL_ROUNDS;
        vif->thread = thread_create(name, run, vif, THREAD_STACK_PAGES);
    }
    if (!vif || !vif->thread) {
        console_printf("vif %u: out of memory\n", number);
        free(vif);
        return;
    }
    vifs[n_vifs++] = vif;
}

static int by_number(const void *a, const void *b)
{
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

    return x < y ? -1 : x > y;
}

static struct thread *scanner;
static bool changes;

/* "device/vif/N/backend" came or went. The other nodes there are written by us. */
static void device_changed(void *argument, const char *path)
{
    static const char prefix[] = "device/vif/";
    char *end;

    (void)argument;
    if (strncmp(path, prefix, sizeof prefix - 1))
        return;
    struct vif *vif = find(strtoul(path + sizeof prefix - 1, &end, 10));
    if (strcmp(end, "/backend"))
        return;
    if (vif) {
        thread_wake(vif->thread);
    } else {
        changes = true;
        thread_wake(scanner);
    }
}

void netfront_scan(void)
{
    unsigned numbers[NETFRONT_VIFS_MAX], n = 0;
    char *names;
    size_t length;

    if (!scanner) {
        scanner = thread_self();
        changes = true;
        xenstore_watch("device/vif", device_changed, NULL);
    }
    if (!changes)
        return;
    changes = false;
    if (xenstore_directory("device/vif", &names, &length))
        return;                         /* no vif */
    for (char *name = names; name < names + length && n < NETFRONT_VIFS_MAX - n_vifs;
         name += strlen(name) + 1) {
        char *end;
        unsigned long number = strtoul(name, &end, 10);
        if (*name >= '0' && *name <= '9' && *end == '\0' && number < 65536 && !find(number))
            numbers[n++] = (unsigned)number;
    }
    free(names);
    qsort(numbers, n, sizeof *numbers, by_number);
    for (unsigned i = 0; i < n; i++)
        add(numbers[i]);
}
