// SPDX-License-Identifier: BSD-2-Clause
/*
 * to_device.c - ToDevice(DEVNAME [, BURST, keywords]): sends frames on a network device.
 *
 * DEVNAME is as for FromDevice; ToClickOS is the same class by the name that existing
 * ClickOS configurations use. The input is push or pull:
 *
 * - Pull: the task pulls up to BURST packets (default 32) a run and sends them; it sleeps
 *   while there are none, or until the device has room again.
 * - Push: packets are sent at once. What the device has no room for waits, up to 64
 *   packets, and goes as soon as there is room; what comes beyond that is dropped.
 * - Either way frames leave in the order in which they came.
 * - One of the same name in the configuration that replaces this one goes on with the device and with what waits.
 *
 * Frames that were handed to the device also go to output 0, dropped ones to output 1, where
 * these are used.
 * Keywords: BURST, METHOD (accepted, the platform has one way), DEBUG (accepted), MODE (of a vif: see docs/netfront.md).
 * Handlers: count, drops, pulls, signal, q, vif (read), mode (read and write), reset_counts (write), scheduled, tickets.
 */
#include <string.h>
#include <strings.h>

#include "elements/device/device_handlers.h"
#include "platform/platform.h"
#include "router/element.h"
#include "router/router.h"

struct to_device {
    struct element base;
    struct device *device;
    struct task task;
    struct signal signal;
    struct batch waiting;       /* accepted, but the device had no room yet */
    uint64_t count, drops, pulls;
    int32_t burst;
    struct arg_string name, method, mode;
    bool debug;
};

/*
 * Hands the front of the batch to the device; the rest moves to the front. True when all
 * went. Output 0 gets clones, made before the device owns the packets.
 */
static bool transmit(struct to_device *t, struct batch *batch)
{
    struct batch copies;
    unsigned sent;

    copies.n = 0;
    for (unsigned i = 0; t->base.n_outputs && i < batch->n; i++)
        copies.pkt[i] = packet_clone(batch->pkt[i]);
    sent = platform_device_transmit(t->device, batch);
    for (unsigned i = 0; t->base.n_outputs && i < batch->n; i++) {
        if (i < sent && copies.pkt[i])
            batch_add(&copies, copies.pkt[i]);
        else if (copies.pkt[i])
            packet_free(copies.pkt[i]);
    }
    t->count += sent;
    if (sent) {
        batch->n -= sent;
        memmove(batch->pkt, batch->pkt + sent, batch->n * sizeof *batch->pkt);
    }
    if (copies.n)
        element_push(&t->base, 0, &copies);
    return batch->n == 0;
}

static void drop(struct to_device *t, struct packet **pkt, unsigned n)
{
    t->drops += n;
    for (unsigned i = 0; i < n; i++)
        element_push_or_free(&t->base, 1, pkt[i]);
}

static void push(struct element *e, unsigned port, struct batch *batch)
{
    struct to_device *t = element_as(struct to_device, e);
    unsigned room;

    (void)port;
    if (t->waiting.n ? transmit(t, &t->waiting) && transmit(t, batch) : transmit(t, batch))
        return;
    room = BATCH_MAX - t->waiting.n;
    if (room > batch->n)
        room = batch->n;
    memcpy(t->waiting.pkt + t->waiting.n, batch->pkt, room * sizeof *batch->pkt);
    t->waiting.n += room;
    if (room < batch->n)
        drop(t, batch->pkt + room, batch->n - room);
}

static bool run_push(struct element *e, struct task *task)
{
    struct to_device *t = element_as(struct to_device, e);

    (void)task;
    return t->waiting.n && transmit(t, &t->waiting);
}

static bool run_pull(struct element *e, struct task *task)
{
    struct to_device *t = element_as(struct to_device, e);
    unsigned got = 0;

    if (!t->waiting.n) {
        t->pulls++;
        got = element_pull(e, 0, &t->waiting, (unsigned)t->burst);
    }
    if (t->waiting.n && !transmit(t, &t->waiting))
        return got > 0;                 /* the device wakes the task when there is room */
    if (got || signal_active(&t->signal))
        task_reschedule(task);
    return got > 0;
}

static void setup(struct element *e)
{
    struct to_device *t = element_as(struct to_device, e);

    t->burst = BATCH_NORMAL;
    t->task.position = -1;
}

static bool configure(struct element *e, const struct words *rest, struct errors *errors)
{
    struct to_device *t = element_as(struct to_device, e);

    (void)rest;
    if (t->burst <= 0)
        return element_error(e, errors, "bad BURST");
    if (t->burst > BATCH_MAX)
        t->burst = BATCH_MAX;
    if (t->method.length && strcasecmp(t->method.s, "LINUX") && strcasecmp(t->method.s, "PCAP"))
        return element_error(e, errors, "bad METHOD");
    return true;
}

static const char *device_name(const struct to_device *t)
{
    return t->name.length ? t->name.s : "0";
}

/* Two writers would send frames in an order that nobody chose. */
static bool is_only_writer(struct to_device *t, struct errors *errors)
{
    const struct router *router = t->base.router;

    for (unsigned i = 0; i < router->n_elements; i++) {
        struct element *other = router->elements[i];

        if (other != &t->base && other->class->setup == setup && other->initialized &&
            strcmp(device_name(element_as(struct to_device, other)), device_name(t)) == 0)
            return element_error(&t->base, errors,
                                 "duplicate writer for device '%s' (the other is '%s')",
                                 device_name(t), other->name);
    }
    return true;
}

/* The one that has the same device; NULL: there is none. */
static struct to_device *find_predecessor(const struct to_device *t)
{
    struct element *e = router_predecessor(&t->base);
    struct to_device *old = e ? element_as(struct to_device, e) : NULL;

    return old && old->device && strcmp(device_name(old), device_name(t)) == 0 ? old : NULL;
}

static bool initialize(struct element *e, struct errors *errors)
{
    struct to_device *t = element_as(struct to_device, e);
    struct device_options options = {.sniffer = true, .headroom = PACKET_HEADROOM};
    bool pull = e->input_is_pull[0];
    struct to_device *old;

    if (!is_only_writer(t, errors))
        return false;
    old = find_predecessor(t);          /* take_state() gets its device */
    if (!old)
        t->device = platform_device_open(device_name(t), &options, errors);
    if (!old && !t->device)
        return false;
    if (!device_use_mode(old ? old->device : t->device, &t->mode, old ? &old->mode : NULL, errors))
        return false;
    if (task_init(&t->task, e, pull ? run_pull : run_push) < 0 ||
        (pull && signal_upstream(&t->signal, e, 0, &t->task) < 0))
        return element_error(e, errors, "out of memory");
    if (t->device)
        platform_device_on_transmit(t->device, &t->task);
    if (pull)
        task_schedule(&t->task);
    return true;
}

static void take_state(struct element *e, struct element *predecessor)
{
    struct to_device *t = element_as(struct to_device, e);
    struct to_device *old = element_as(struct to_device, predecessor);

    t->count += old->count;
    t->drops += old->drops;
    t->pulls += old->pulls;
    if (t->device) {                    /* another one: what waits was not for it */
        t->drops += old->waiting.n;
        return;
    }
    t->device = old->device;
    old->device = NULL;
    t->waiting = old->waiting;
    old->waiting.n = 0;
    platform_device_on_transmit(t->device, &t->task);
    task_schedule(&t->task);
}

static void cleanup(struct element *e)
{
    struct to_device *t = element_as(struct to_device, e);

    batch_free(&t->waiting);
    if (t->device) {
        platform_device_on_transmit(t->device, NULL);
        platform_device_close(t->device);
    }
    task_destroy(&t->task);
    signal_destroy(&t->signal);
}

static int read_drops(struct element *e, const struct handler_call *call, struct text *out)
{
    struct to_device *t = element_as(struct to_device, e);
    struct device_counts counts = {0};

    (void)call;
    if (t->device)                      /* the predecessor may still have it */
        platform_device_counts(t->device, &counts);
    text_printf(out, "%llu", (unsigned long long)(t->drops + counts.tx_drops));
    return 0;
}

static int read_signal(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)call;
    text_puts(out, signal_active(&element_as(struct to_device, e)->signal) ? "true" : "false");
    return 0;
}

static int read_q(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)call;
    text_puts(out, element_as(struct to_device, e)->waiting.n ? "true" : "false");
    return 0;
}

static int reset_counts(struct element *e, const struct handler_call *call)
{
    struct to_device *t = element_as(struct to_device, e);

    (void)call;
    t->count = t->drops = t->pulls = 0;
    return 0;
}

#define MEMBER(member) offsetof(struct to_device, member)

static const struct argument arguments[] = {
    {.name = "DEVNAME", .kind = ARG_OPTIONAL, .type = &arg_string, .offset = MEMBER(name),
     .help = "the device: \"eth0\", \"tap:NAME\"; in a guest the number of the vif, default 0"},
    {.name = "BURST", .kind = ARG_OPTIONAL, .type = &arg_int, .offset = MEMBER(burst),
     .help = "packets pulled a run, 1 to 64; default 32"},
    {.name = "DEVID", .kind = ARG_KEYWORD, .type = &arg_string, .offset = MEMBER(name),
     .help = "another name of DEVNAME"},
    {.name = "METHOD", .kind = ARG_KEYWORD, .type = &arg_word, .offset = MEMBER(method),
     .help = "LINUX or PCAP; accepted, has no effect"},
    {.name = "MODE", .kind = ARG_KEYWORD, .type = &arg_string, .offset = MEMBER(mode),
     .help = "in a guest, how the vif moves frames: as FromDevice's"},
    {.name = "DEBUG", .kind = ARG_KEYWORD, .type = &arg_bool, .offset = MEMBER(debug),
     .help = "accepted, has no effect"},
    {0},
};

static const struct handler handlers[] = {
    {.name = "count", .flags = HANDLER_READ, .type = &arg_u64, .offset = MEMBER(count),
     .help = "packets handed to the device"},
    {.name = "drops", .read = read_drops,
     .help = "packets dropped: no room in the device, or it can never send them"},
    {.name = "pulls", .flags = HANDLER_READ, .type = &arg_u64, .offset = MEMBER(pulls),
     .help = "how often the input was pulled"},
    {.name = "signal", .read = read_signal, .help = "whether something upstream has packets"},
    {.name = "q", .read = read_q, .help = "whether packets wait for room in the device"},
    DEVICE_HANDLERS(struct to_device, device),
    {.name = "reset_counts", .flags = HANDLER_BUTTON, .write = reset_counts,
     .help = "sets the counts to 0, but for drops that the device counted"},
    TASK_HANDLERS(struct to_device, task),
    {0},
};

static const char manual[] =
    "When another configuration takes the place of this one, an element of the same name and device goes on with "
    "the packets that wait for room, and with its counts.";

#define TO_DEVICE(NAME, PURPOSE)                                                              \
    {                                                                                         \
        .name = NAME, .ports = "1/0-2", .processing = PROCESSING_A_AH,                        \
        .size = sizeof(struct to_device), .arguments = arguments, .handlers = handlers,       \
        .setup = setup, .configure = configure, .initialize = initialize, .cleanup = cleanup, \
        .take_state = take_state, .push = push, .offload = true,                              \
        .group = "device", .purpose = PURPOSE, .manual = manual,                              \
    }

ELEMENT_CLASS(to_device) = TO_DEVICE("ToDevice", "sends frames on a network device");
ELEMENT_CLASS(to_clickos) = TO_DEVICE("ToClickOS", "another name of ToDevice");
