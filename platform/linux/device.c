// SPDX-License-Identifier: BSD-2-Clause
/*
 * device.c - network devices of a process: AF_PACKET sockets and taps.
 *
 * "eth0" is an interface of the host, seen through a packet socket bound to it (packet(7));
 * "tap:NAME" makes the tap interface NAME, whose other end is the host itself. Frames are
 * received straight into packets' buffers, a burst with one system call
 * (recvmmsg, sendmmsg; a tap reads one at a time).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* The kernel's macros of the same names and values give way to enum packet_type. */
#undef PACKET_HOST
#undef PACKET_BROADCAST
#undef PACKET_MULTICAST
#undef PACKET_OTHERHOST
#undef PACKET_OUTGOING

#include "platform/linux/loop.h"
#include "platform/platform.h"
#include "router/args.h"
#include "router/batch.h"
#include "router/errors.h"

enum { FRAME_MIN = 14, FRAME_MAX = 65535, SOCKET_BUFFER = 8 << 20 };

struct device {
    char name[IFNAMSIZ];
    int fd;
    bool tap;
    struct device *next_tap;
    uint32_t headroom, snaplen;
    uint8_t mac[6];
    uint32_t mtu;
    unsigned index;
    uint16_t protocol;          /* ethertype to receive, once somebody listens */
    struct device_counts counts;
};

/* ---- opening ---- */

static void list_interfaces(struct text *out)
{
    struct if_nameindex *all = if_nameindex();

    for (struct if_nameindex *i = all; i && i->if_index; i++)
        text_printf(out, "%s%s", out->length ? ", " : "", i->if_name);
    if (all)
        if_freenameindex(all);
}

static bool fail(struct errors *errors, const char *name, const char *what)
{
    int error = errno;
    struct text known = {0};

    if (error == ENODEV || error == ENXIO) {
        list_interfaces(&known);
        errors_add(errors, NULL, "no interface '%s'; there are %s", name, text_string(&known));
        text_free(&known);
    } else if (error == EPERM || error == EACCES) {
        errors_add(errors, NULL, "%s: %s: %s (needs root or CAP_NET_RAW and CAP_NET_ADMIN)", name,
                   what, strerror(error));
    } else {
        errors_add(errors, NULL, "%s: %s: %s", name, what, strerror(error));
    }
    return false;
}

/* MAC address and MTU of the interface, by an ioctl on any socket. */
static bool query(struct device *d)
{
    struct ifreq request = {0};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0;

    memcpy(request.ifr_name, d->name, IFNAMSIZ);
    if (ok && ioctl(fd, SIOCGIFHWADDR, &request) == 0)
        memcpy(d->mac, request.ifr_hwaddr.sa_data, 6);
    else
        ok = false;
    if (ok && ioctl(fd, SIOCGIFMTU, &request) == 0)
        d->mtu = (uint32_t)request.ifr_mtu;
    else
        ok = false;
    if (fd >= 0)
        close(fd);
    return ok;
}

static bool bring_up(struct device *d)
{
    struct ifreq request = {0};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool ok;

    memcpy(request.ifr_name, d->name, IFNAMSIZ);
    ok = fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0;
    request.ifr_flags |= IFF_UP;
    ok = ok && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

static bool make_tap(struct device *d, struct errors *errors)
{
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};

    memcpy(request.ifr_name, d->name, IFNAMSIZ);
    d->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (d->fd < 0)
        return fail(errors, d->name, "/dev/net/tun");
    if (ioctl(d->fd, TUNSETIFF, &request) < 0)
        return fail(errors, d->name, "cannot make the tap");
    if (!bring_up(d) || !query(d))
        return fail(errors, d->name, "cannot bring the tap up");
    return true;
}

/* Binds to the interface; from then on frames of that protocol arrive, none for 0. */
static bool bind_protocol(const struct device *d, uint16_t protocol)
{
    struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(protocol),
                                  .sll_ifindex = (int)d->index};

    return bind(d->fd, (struct sockaddr *)&address, sizeof address) == 0;
}

static bool open_socket(struct device *d, const struct device_options *options,
                        struct errors *errors)
{
    struct packet_mreq promiscuous = {.mr_type = PACKET_MR_PROMISC};
    int size = SOCKET_BUFFER, one = 1;

    d->index = if_nametoindex(d->name);
    if (!d->index)
        return fail(errors, d->name, "no such interface");
    /* Protocol 0 receives nothing: a socket that only sends must not gather frames. */
    d->fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (d->fd < 0)
        return fail(errors, d->name, "packet socket");
    if (setsockopt(d->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0)
        setsockopt(d->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    if (!options->outbound)
        setsockopt(d->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one);
    d->protocol = options->protocol ? (uint16_t)options->protocol : ETH_P_ALL;
    if (!bind_protocol(d, 0))
        return fail(errors, d->name, "bind");
    promiscuous.mr_ifindex = (int)d->index;
    if (options->promiscuous && setsockopt(d->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous,
                                           sizeof promiscuous) < 0)
        return fail(errors, d->name, "promiscuous mode");
    return query(d) || fail(errors, d->name, "query");
}

static struct device *taps;

/*
 * A tap can be made once: who reads and who writes have descriptors of the same one, and so have a configuration
 * and the one that is to replace it. NULL: it is not open yet.
 */
static const struct device *find_tap(const char *interface)
{
    const struct device *d = taps;

    while (d && strcmp(d->name, interface) != 0)
        d = d->next_tap;
    return d;
}

static bool join_tap(struct device *d, const struct device *other, struct errors *errors)
{
    d->fd = fcntl(other->fd, F_DUPFD_CLOEXEC, 0);
    if (d->fd < 0)
        return fail(errors, d->name, "cannot share the tap");
    memcpy(d->mac, other->mac, sizeof d->mac);
    d->mtu = other->mtu;
    return true;
}

static bool open_tap(struct device *d, struct errors *errors)
{
    const struct device *other = find_tap(d->name);

    if (!(other ? join_tap(d, other, errors) : make_tap(d, errors)))
        return false;
    d->next_tap = taps;
    taps = d;
    return true;
}

static void forget_tap(struct device *d)
{
    for (struct device **at = &taps; *at; at = &(*at)->next_tap)
        if (*at == d) {
            *at = d->next_tap;
            return;
        }
}

struct device *platform_device_open(const char *name, const struct device_options *options,
                                    struct errors *errors)
{
    static const char tap_prefix[] = "tap:";
    struct device *d = calloc(1, sizeof *d);
    const char *interface = name;

    if (!d) {
        errors_add(errors, NULL, "out of memory");
        return NULL;
    }
    d->fd = -1;
    d->tap = strncmp(name, tap_prefix, sizeof tap_prefix - 1) == 0;
    if (d->tap)
        interface += sizeof tap_prefix - 1;
    d->headroom = options->headroom ? options->headroom : PACKET_HEADROOM;
    d->snaplen = options->snaplen;
    if (!*interface || strlen(interface) >= IFNAMSIZ) {
        errors_add(errors, NULL, "'%s' is no interface name (1 to %d characters)", interface,
                   IFNAMSIZ - 1);
    } else {
        snprintf(d->name, sizeof d->name, "%s", interface);
        if (d->tap ? open_tap(d, errors) : open_socket(d, options, errors))
            return d;
    }
    platform_device_close(d);
    return NULL;
}

void platform_device_close(struct device *d)
{
    if (!d)
        return;
    forget_tap(d);
    if (d->fd >= 0) {
        loop_forget(d->fd);
        close(d->fd);
    }
    free(d);
}

void platform_device_info(struct device *d, struct device_info *info)
{
    *info = (struct device_info){.name = d->name, .mtu = d->mtu, .up = true};
    memcpy(info->mac, d->mac, 6);
}

void platform_device_counts(struct device *d, struct device_counts *counts)
{
    struct tpacket_stats lost;
    socklen_t size = sizeof lost;

    /* The kernel's own drops, told once each (packet(7), PACKET_STATISTICS). */
    if (!d->tap && getsockopt(d->fd, SOL_PACKET, PACKET_STATISTICS, &lost, &size) == 0)
        d->counts.rx_drops += lost.tp_drops;
    *counts = d->counts;
}

void platform_device_report(struct device *d, struct text *out)
{
    struct device_counts counts;
    char mac[18];
    const struct {
        const char *name;
        const uint64_t *value;
    } rows[] = {
        {"rx_packets", &counts.rx_packets}, {"rx_bytes", &counts.rx_bytes}, {"rx_drops", &counts.rx_drops},
        {"tx_packets", &counts.tx_packets}, {"tx_bytes", &counts.tx_bytes}, {"tx_drops", &counts.tx_drops},
    };

    platform_device_counts(d, &counts);
    text_printf(out, "%s mac %s\n%s mtu %u\n", d->name, args_format_mac(mac, d->mac), d->name, d->mtu);
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
        text_printf(out, "%s %s %llu\n", d->name, rows[i].name, (unsigned long long)*rows[i].value);
}

static bool no_setting(const struct device *d, const char *name, struct errors *errors)
{
    errors_add(errors, NULL, "%s has no %s: it is no virtual interface of a VM's", d->name, name);
    return false;
}

bool platform_device_setting(struct device *d, const char *name, struct text *out, struct errors *errors)
{
    (void)out;
    return no_setting(d, name, errors);
}

bool platform_device_set(struct device *d, const char *name, const char *value, struct errors *errors)
{
    (void)value;
    return no_setting(d, name, errors);
}

/* ---- receiving ---- */

/* The type of a frame from a tap, which no socket address tells. */
static uint8_t type_of(const struct device *d, const uint8_t *frame)
{
    static const uint8_t broadcast[6] = {255, 255, 255, 255, 255, 255};

    if (memcmp(frame, broadcast, 6) == 0)
        return PACKET_BROADCAST;
    if (frame[0] & 1)
        return PACKET_MULTICAST;
    return memcmp(frame, d->mac, 6) == 0 ? PACKET_HOST : PACKET_OTHERHOST;
}

/* Says whether the frame is to be kept; otherwise it was freed and counted. */
static bool finish(struct device *d, struct packet *p, uint32_t length, uint64_t now)
{
    if (length < FRAME_MIN) {
        d->counts.rx_drops++;
        packet_free(p);
        return false;
    }
    p->length = d->snaplen && length > d->snaplen ? d->snaplen : length;
    p->mac = p->data;
    p->timestamp_ns = now;
    d->counts.rx_packets++;
    d->counts.rx_bytes += length;
    return true;
}

static struct packet *new_frame(struct device *d)
{
    struct packet *p;

    /* Interfaces with a large MTU, or with receive offload, need more than a pool buffer. */
    if (d->headroom + d->mtu + 64 <= packet_pool_capacity())
        p = packet_make(d->headroom, NULL, packet_pool_capacity() - d->headroom, 0);
    else
        p = packet_make(d->headroom, NULL, FRAME_MAX, 0);
    if (!p)
        d->counts.rx_drops++;
    return p;
}

static unsigned receive_tap(struct device *d, struct batch *into, unsigned max)
{
    uint64_t now = platform_wall_ns();
    unsigned got = 0;

    while (got < max) {
        struct packet *p = new_frame(d);
        ssize_t n;

        if (!p)
            break;
        n = read(d->fd, p->data, p->length);
        if (n < 0) {
            packet_free(p);
            break;
        }
        if (!finish(d, p, (uint32_t)n, now))
            continue;
        p->type = type_of(d, p->data);
        batch_add(into, p);
        got++;
    }
    return got;
}

static unsigned receive_socket(struct device *d, struct batch *into, unsigned max)
{
    struct mmsghdr message[BATCH_MAX];
    struct iovec vector[BATCH_MAX];
    struct sockaddr_ll from[BATCH_MAX];
    struct packet *p[BATCH_MAX];
    uint64_t now = platform_wall_ns();
    unsigned room = 0, got = 0;
    int n;

    for (; room < max && (p[room] = new_frame(d)); room++) {
        vector[room] = (struct iovec){p[room]->data, p[room]->length};
        message[room] = (struct mmsghdr){.msg_hdr = {
            .msg_name = &from[room], .msg_namelen = sizeof from[room],
            .msg_iov = &vector[room], .msg_iovlen = 1}};
    }
    n = room ? recvmmsg(d->fd, message, room, MSG_DONTWAIT | MSG_TRUNC, NULL) : 0;
    for (unsigned i = 0; i < room; i++) {
        if ((int)i >= n) {
            packet_free(p[i]);
            continue;
        }
        if (message[i].msg_len > p[i]->length) {        /* cut: not what was on the wire */
            d->counts.rx_drops++;
            packet_free(p[i]);
            continue;
        }
        if (!finish(d, p[i], message[i].msg_len, now))
            continue;
        p[i]->type = from[i].sll_pkttype;
        batch_add(into, p[i]);
        got++;
    }
    return got;
}

unsigned platform_device_receive(struct device *d, struct batch *into, unsigned max)
{
    unsigned room = BATCH_MAX - into->n, got;

    if (max > room)
        max = room;
    got = d->tap ? receive_tap(d, into, max) : receive_socket(d, into, max);
    if (got < max)
        loop_arm(d->fd, LOOP_READ);
    return got;
}

void platform_device_on_receive(struct device *d, struct task *task)
{
    if (!d->tap)
        bind_protocol(d, task ? d->protocol : 0);
    loop_watch(d->fd, LOOP_READ, task);
}

/* ---- sending ---- */

/* Frames that no try will ever send: counted here, so that the caller forgets them. */
static bool impossible(const struct device *d, const struct packet *p)
{
    return p->length < FRAME_MIN || p->length > d->mtu + FRAME_MIN + 4;
}

static unsigned send_tap(struct device *d, const struct batch *from)
{
    unsigned i;

    for (i = 0; i < from->n; i++) {
        struct packet *p = from->pkt[i];

        if (!impossible(d, p)) {
            if (write(d->fd, p->data, p->length) < 0) {
                if (errno == EAGAIN)
                    break;
                d->counts.tx_drops++;
            } else {
                d->counts.tx_packets++;
                d->counts.tx_bytes += p->length;
            }
        } else {
            d->counts.tx_drops++;
        }
        packet_free(p);
    }
    return i;
}

static unsigned send_socket(struct device *d, const struct batch *from)
{
    struct mmsghdr message[BATCH_MAX];
    struct iovec vector[BATCH_MAX];
    unsigned done = 0;

    while (done < from->n) {
        unsigned n = 0;
        int sent;

        for (unsigned i = done; i < from->n && !impossible(d, from->pkt[i]); i++, n++) {
            vector[n] = (struct iovec){from->pkt[i]->data, from->pkt[i]->length};
            message[n] = (struct mmsghdr){.msg_hdr = {.msg_iov = &vector[n], .msg_iovlen = 1}};
        }
        sent = n ? sendmmsg(d->fd, message, n, MSG_DONTWAIT) : -1;
        if (n && sent < 0 && (errno == EAGAIN || errno == ENOBUFS))
            break;
        if (sent < 0) {                 /* the frame in front cannot be sent, now or ever */
            d->counts.tx_drops++;
            packet_free(from->pkt[done++]);
            continue;
        }
        for (int i = 0; i < sent; i++) {
            d->counts.tx_packets++;
            d->counts.tx_bytes += from->pkt[done]->length;
            packet_free(from->pkt[done++]);
        }
    }
    return done;
}

unsigned platform_device_transmit(struct device *d, const struct batch *from)
{
    unsigned sent = d->tap ? send_tap(d, from) : send_socket(d, from);

    if (sent < from->n)
        loop_arm(d->fd, LOOP_WRITE);
    return sent;
}

void platform_device_on_transmit(struct device *d, struct task *task)
{
    loop_watch(d->fd, LOOP_WRITE, task);
}
