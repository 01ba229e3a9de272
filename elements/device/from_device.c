// SPDX-License-Identifier: BSD-2-Clause
/*
 * from_device.c - FromDevice(DEVNAME [, PROMISC, SNAPLEN, keywords]): frames from a device.
 *
 * In a process DEVNAME is an interface ("eth0") or makes a tap ("tap:NAME"); in a guest it is
 * the number of a virtual interface, 0 when not given. FromClickOS is the same class by the
 * name that existing ClickOS configurations use.
 *
 * - Each run takes up to BURST frames (default 32) off the device and pushes them as one batch.
 * - The device schedules the task when frames came; the task goes on by itself while
 *   bursts are full.
 * - Frames carry a timestamp, their packet type and the mac mark.
 * - One of the same name and arguments in the configuration that replaces this one goes on with the device
 *   itself, so that no frame is lost or comes twice.
 *
 * Keywords: SNIFFER (default true: the host sees the frames as well), OUTBOUND (default false),
 * FORCE_IP (default false; true: only IP packets, with their header marked, the others to
 * output 1 or dropped), PROTOCOL (an ethertype; 0: all), HEADROOM, BURST, TIMESTAMP (default
 * true), METHOD and CAPTURE (LINUX, PCAP: accepted, the platform has one way), ENCAP (ETHER), MODE (of a vif: see
 * docs/netfront.md).
 *
 * Handlers: count, drops, kernel_drops, encap, vif (read), mode, poll_rounds_before_blocking (read and write),
 * reset_counts (write), scheduled, tickets.
 */
#include <string.h>
#include <strings.h>

#include "elements/device/device_handlers.h"
#include "platform/platform.h"
#include "router/element.h"
#include "router/headers.h"
#include "router/router.h"

enum { SNAPLEN_MIN = 14, SNAPLEN_MAX = 65535, HEADROOM_MAX = 8190 };

struct from_device {
    struct element base;
    struct device *device;
    struct task task;
    uint64_t count, drops;      /* drops: those that FORCE_IP had no output for */
    int32_t burst;
    bool force_ip, timestamp;

    struct arg_string name, method, encap, filter, mode;
    bool promiscuous, outbound, sniffer;
    uint32_t snaplen, headroom;
    bool snaplen_given;
    int32_t protocol;
};

/* Whether it is an IP packet; if so its header is marked and link padding is left behind. */
static bool mark_ip(struct packet *p)
{
    const struct eth_header *eth = (const void *)p->data;
    const struct ip_header *ip = (const void *)(p->data + sizeof *eth);
    uint32_t length = p->length - (uint32_t)sizeof *eth;

    if (p->length < sizeof *eth + sizeof *ip || be16_get(&eth->ethertype) != ETHERTYPE_IPV4 ||
        ip_version(ip) != 4 || ip_header_length(ip) < sizeof *ip ||
        ip_header_length(ip) > length || be16_get(&ip->total_length) > length ||
        be16_get(&ip->total_length) < ip_header_length(ip))
        return false;
    packet_take(p, length - be16_get(&ip->total_length));
    packet_set_network(p, p->data + sizeof *eth, ip_header_length(ip));
    return true;
}

static void push_ip(struct from_device *d, struct batch *batch)
{
    unsigned out[BATCH_MAX];

    for (unsigned i = 0; i < batch->n; i++)
        out[i] = !mark_ip(batch->pkt[i]);
    element_dispatch(&d->base, batch, out, &d->drops);
}

static bool run(struct element *e, struct task *task)
{
    struct from_device *d = element_as(struct from_device, e);
    struct batch batch;
    unsigned got;

    batch.n = 0;
    got = platform_device_receive(d->device, &batch, (unsigned)d->burst);
    if (!got)
        return false;
    d->count += got;
    if (!d->timestamp)
        for (unsigned i = 0; i < got; i++)
            batch.pkt[i]->timestamp_ns = 0;
    if (got == (unsigned)d->burst)
        task_reschedule(task);
    if (d->force_ip)
        push_ip(d, &batch);
    else
        element_push(e, 0, &batch);
    return true;
}

static void setup(struct element *e)
{
    struct from_device *d = element_as(struct from_device, e);

    d->burst = BATCH_NORMAL;
    d->sniffer = d->timestamp = true;
    d->headroom = PACKET_HEADROOM;
    d->task.position = -1;
}

static bool configure(struct element *e, const struct words *rest, struct errors *errors)
{
    struct from_device *d = element_as(struct from_device, e);

    (void)rest;
    if (d->snaplen_given && (d->snaplen < SNAPLEN_MIN || d->snaplen > SNAPLEN_MAX))
        return element_error(e, errors, "SNAPLEN out of range");
    if (d->headroom > HEADROOM_MAX)
        return element_error(e, errors, "HEADROOM out of range");
    if (d->burst <= 0)
        return element_error(e, errors, "BURST out of range");
    if (d->burst > BATCH_MAX)
        d->burst = BATCH_MAX;
    if (d->method.length && strcasecmp(d->method.s, "LINUX") && strcasecmp(d->method.s, "PCAP"))
        return element_error(e, errors, "bad METHOD");
    if (d->encap.length && strcasecmp(d->encap.s, "ETHER"))
        return element_error(e, errors, "bad encapsulation type");
    /* To let frames through that the user wants kept out is worse than not to start. */
    if (d->filter.length)
        return element_error(e, errors, "no BPF_FILTER here; use IPFilter or Classifier");
    return true;
}

static const char *device_name(const struct from_device *d)
{
    return d->name.length ? d->name.s : "0";
}

static struct device_options device_options(const struct from_device *d)
{
    return (struct device_options){
        .promiscuous = d->promiscuous, .outbound = d->outbound, .sniffer = d->sniffer,
        .headroom = d->headroom, .snaplen = d->snaplen, .protocol = d->protocol,
    };
}

/* The one whose device is opened just as this one wants it; NULL: there is none. */
static struct from_device *find_predecessor(const struct from_device *d)
{
    struct element *e = router_predecessor(&d->base);
    struct from_device *old = e ? element_as(struct from_device, e) : NULL;

    return old && old->device && strcmp(device_name(old), device_name(d)) == 0 &&
                   old->promiscuous == d->promiscuous && old->outbound == d->outbound &&
                   old->sniffer == d->sniffer && old->headroom == d->headroom &&
                   old->snaplen == d->snaplen && old->protocol == d->protocol
               ? old : NULL;
}

static void listen(struct from_device *d)
{
    platform_device_on_receive(d->device, &d->task);
    task_schedule(&d->task);            /* for what came before anybody listened */
}

static bool initialize(struct element *e, struct errors *errors)
{
    struct from_device *d = element_as(struct from_device, e);
    struct device_options options = device_options(d);
    struct from_device *old = find_predecessor(d);  /* take_state() gets its device */

    if (!old)
        d->device = platform_device_open(device_name(d), &options, errors);
    if (!old && !d->device)
        return false;
    if (!device_use_mode(old ? old->device : d->device, &d->mode, old ? &old->mode : NULL, errors))
        return false;
    if (task_init(&d->task, e, run) < 0)
        return element_error(e, errors, "out of memory");
    if (d->device)
        listen(d);
    return true;
}

static void take_state(struct element *e, struct element *predecessor)
{
    struct from_device *d = element_as(struct from_device, e);
    struct from_device *old = element_as(struct from_device, predecessor);

    d->count += old->count;
    d->drops += old->drops;
    if (d->device)                      /* opened in another way, or another one */
        return;
    d->device = old->device;
    old->device = NULL;
    listen(d);
}

static void cleanup(struct element *e)
{
    struct from_device *d = element_as(struct from_device, e);

    if (d->device) {
        platform_device_on_receive(d->device, NULL);
        platform_device_close(d->device);
    }
    task_destroy(&d->task);
}

static int read_kernel_drops(struct element *e, const struct handler_call *call, struct text *out)
{
    struct device *device = element_as(struct from_device, e)->device;
    struct device_counts counts = {0};

    (void)call;
    if (device)                         /* the predecessor may still have it */
        platform_device_counts(device, &counts);
    text_printf(out, "%llu", (unsigned long long)counts.rx_drops);
    return 0;
}

static int read_encap(struct element *e, const struct handler_call *call, struct text *out)
{
    (void)e;
    (void)call;
    text_puts(out, "ETHER");
    return 0;
}

static int reset_counts(struct element *e, const struct handler_call *call)
{
    struct from_device *d = element_as(struct from_device, e);

    (void)call;
    d->count = d->drops = 0;
    return 0;
}

#define MEMBER(member) offsetof(struct from_device, member)
#define KEYWORD(NAME, TYPE, member, text)                                                     \
    {.name = NAME, .kind = ARG_KEYWORD, .type = TYPE, .offset = MEMBER(member), .help = text}

static const struct argument arguments[] = {
    {.name = "DEVNAME", .kind = ARG_OPTIONAL, .type = &arg_string, .offset = MEMBER(name),
     .help = "the device: \"eth0\", \"tap:NAME\"; in a guest the number of the vif, default 0"},
    {.name = "PROMISC", .kind = ARG_OPTIONAL, .type = &arg_bool, .offset = MEMBER(promiscuous),
     .help = "frames to other stations as well; default false"},
    {.name = "SNAPLEN", .kind = ARG_OPTIONAL, .type = &arg_unsigned, .offset = MEMBER(snaplen),
     .given = MEMBER(snaplen_given), .help = "frames are cut to this length; default: not"},
    KEYWORD("DEVID", &arg_string, name, "another name of DEVNAME"),
    KEYWORD("SNIFFER", &arg_bool, sniffer, "leave the frames to the host too; default true"),
    KEYWORD("FORCE_IP", &arg_bool, force_ip, "only IP packets; default false"),
    KEYWORD("METHOD", &arg_word, method, "LINUX or PCAP; accepted, has no effect"),
    KEYWORD("CAPTURE", &arg_word, method, "old name of METHOD"),
    KEYWORD("BPF_FILTER", &arg_string, filter, "refused unless empty: use IPFilter or Classifier"),
    KEYWORD("PROTOCOL", &arg_int, protocol, "an ethertype; only such frames; default 0: all"),
    KEYWORD("OUTBOUND", &arg_bool, outbound, "frames that the host sends too; default false"),
    KEYWORD("HEADROOM", &arg_unsigned, headroom, "bytes in front of frames; default 64"),
    KEYWORD("ENCAP", &arg_word, encap, "ETHER"),
    KEYWORD("BURST", &arg_int, burst, "frames a run, 1 to 64; default 32"),
    KEYWORD("MODE", &arg_string, mode, "in a guest, how the vif moves frames: basic, all, or any of poll, gru, fr, as in poll+fr; "
            "default: as the VM's boot line says (netfront=), or all"),
    KEYWORD("TIMESTAMP", &arg_bool, timestamp, "false: frames get no timestamp; default true"),
    {0},
};

static const struct handler handlers[] = {
    {.name = "count", .flags = HANDLER_READ, .type = &arg_u64, .offset = MEMBER(count),
     .help = "frames received"},
    {.name = "drops", .flags = HANDLER_READ, .type = &arg_u64, .offset = MEMBER(drops),
     .help = "frames that FORCE_IP dropped"},
    {.name = "kernel_drops", .read = read_kernel_drops,
     .help = "frames that the device had no room or no memory for"},
    {.name = "encap", .read = read_encap, .help = "the encapsulation: ETHER"},
    DEVICE_HANDLERS(struct from_device, device),
    DEVICE_SETTING("multicast", struct from_device, device,
                   "which multicasts a vif's backend hands over: all, none, or group addresses"),
    DEVICE_SETTING("poll_rounds_before_blocking", struct from_device, device,
                   "looks at a vif's ring that find nothing, before the VM waits for an event"),
    {.name = "reset_counts", .flags = HANDLER_BUTTON, .write = reset_counts,
     .help = "sets count and drops to 0"},
    TASK_HANDLERS(struct from_device, task),
    {0},
};

static const char manual[] =
    "When another configuration takes the place of this one, an element of the same name and arguments goes on "
    "with the device, and no frame is lost or comes twice; count and drops go on as well.";

#define FROM_DEVICE(NAME, PURPOSE)                                                            \
    {                                                                                         \
        .name = NAME, .ports = "0/1-2", .processing = PUSH,                                   \
        .size = sizeof(struct from_device),                                                   \
        .arguments = arguments, .handlers = handlers, .setup = setup, .configure = configure, \
        .initialize = initialize, .cleanup = cleanup, .take_state = take_state,               \
        .offload = true,                                                                      \
        .group = "device", .purpose = PURPOSE, .manual = manual,                              \
    }

ELEMENT_CLASS(from_device) = FROM_DEVICE("FromDevice", "receives frames from a network device");
ELEMENT_CLASS(from_clickos) = FROM_DEVICE("FromClickOS", "another name of FromDevice");
