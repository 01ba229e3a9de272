// SPDX-License-Identifier: BSD-2-Clause
/*
 * hotplug.c - puts a vif on its bridge: the command as its own hotplug script.
 *
 * libxl runs a vif's script with `online` or `offline` as its word, and XENBUS_PATH, vif and others in
 * the environment. Xen's own, vif-bridge, is a shell script that starts dozens of programs and takes
 * three quarters of the time of a create. This does the same with a few system calls: MTU of the
 * bridge, an address that never becomes the bridge's, a queue that bursts fit into, then up and
 * hotplug-status "connected". It runs no hooks and adds no iptables rules: hosts that filter bridged
 * frames give `script=vif-bridge`, which is Xen's, or vif-openvswitch. By hand it may be run again, for a vif whose
 * bridge or backend was made anew: nobody else does that on a host without udev (docs/netfront.md).
 */
#include "cli/hotplug.h"

#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xenstore.h>

enum {
    /*
     * netback gives a vif a queue of 32 frames, meant for senders that it can hold back. A bridge
     * cannot be held back; what does not fit is lost.
     */
    QUEUE_FRAMES = 32767,
};

bool hotplug_wanted(int argc, char **argv)
{
    return argc >= 2 && getenv("XENBUS_PATH") && (!strcmp(argv[1], "online") || !strcmp(argv[1], "offline"));
}

/* What went wrong, for libxl, which shows it to whoever creates the VM. */
static char why[320];

static bool set(int fd, unsigned long request, struct ifreq *r, const char *what)
{
    if (!ioctl(fd, request, r))
        return true;
    snprintf(why, sizeof why, "%s: cannot set %s: %s", r->ifr_name, what, strerror(errno));
    return false;
}

static void name(struct ifreq *r, const char *interface)
{
    memset(r, 0, sizeof *r);
    strncpy(r->ifr_name, interface, sizeof r->ifr_name - 1);
}

static bool is_bridge(const char *interface)
{
    char path[64 + IFNAMSIZ];

    snprintf(path, sizeof path, "/sys/class/net/%.*s/bridge", IFNAMSIZ, interface);
    return !access(path, F_OK);
}

bool hotplug_bridge_usable(const char *bridge, char *message, size_t size)
{
    bool there = if_nametoindex(bridge) != 0;
    struct if_nameindex *all;
    const char *separator = "; there is ";
    size_t n;

    if (there && is_bridge(bridge))
        return true;
    n = (size_t)snprintf(message, size, there ? "'%.40s' is no Linux bridge (script=vif-openvswitch?)"
                                              : "there is no bridge '%.40s'", bridge);
    all = if_nameindex();
    for (unsigned i = 0; all && all[i].if_name && n < size; i++)
        if (is_bridge(all[i].if_name)) {
            n += (size_t)snprintf(message + n, size - n, "%s%s", separator, all[i].if_name);
            separator = ", ";
        }
    if (all)
        if_freenameindex(all);
    return false;
}

static bool bring_up(const char *vif, const char *bridge)
{
    static const unsigned char address[] = {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq r;
    bool good;
    int mtu;

    if (fd < 0) {
        snprintf(why, sizeof why, "no socket: %s", strerror(errno));
        return false;
    }
    name(&r, bridge);
    good = hotplug_bridge_usable(bridge, why, sizeof why) && set(fd, SIOCGIFMTU, &r, "the others' MTU");
    mtu = r.ifr_mtu;
    name(&r, vif);
    if (ioctl(fd, SIOCGIFHWADDR, &r) || memcmp(r.ifr_hwaddr.sa_data, address, sizeof address)) {
        r.ifr_hwaddr.sa_family = ARPHRD_ETHER;      /* one that is up already would refuse */
        memcpy(r.ifr_hwaddr.sa_data, address, sizeof address);
        good = good && set(fd, SIOCSIFHWADDR, &r, "its address");
    }
    name(&r, vif);
    r.ifr_mtu = mtu;
    good = good && set(fd, SIOCSIFMTU, &r, "its MTU");
    name(&r, vif);
    r.ifr_qlen = QUEUE_FRAMES;
    good = good && set(fd, SIOCSIFTXQLEN, &r, "its queue");
    name(&r, bridge);
    r.ifr_ifindex = (int)if_nametoindex(vif);
    if (good && ioctl(fd, SIOCBRADDIF, &r) && errno != EBUSY) {
        snprintf(why, sizeof why, "cannot put %s on '%s': %s", vif, bridge, strerror(errno));
        good = false;
    }
    name(&r, vif);
    r.ifr_flags = IFF_UP;
    good = good && set(fd, SIOCSIFFLAGS, &r, "it up");
    close(fd);
    return good;
}

static bool store(struct xs_handle *xs, const char *backend, const char *node, const char *value)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s", backend, node);
    return xs_write(xs, XBT_NULL, path, value, (unsigned)strlen(value));
}

int hotplug_run(int argc, char **argv)
{
    const char *backend = getenv("XENBUS_PATH"), *vif = getenv("vif");
    struct xs_handle *xs;
    char path[256], *bridge;
    unsigned n;
    bool good = false;

    (void)argc;
    if (!strcmp(argv[1], "offline"))
        return EXIT_SUCCESS;        /* netback removes the interface, and that its place on the bridge */
    xs = xs_open(0);
    if (!xs || !vif) {
        fprintf(stderr, "clickos: %s\n", vif ? "cannot reach xenstore" : "no vif in the environment");
        return EXIT_FAILURE;
    }
    snprintf(path, sizeof path, "%s/bridge", backend);
    bridge = xs_read(xs, XBT_NULL, path, &n);
    if (!bridge)
        snprintf(why, sizeof why, "%s: no bridge is named", path);
    else
        good = bring_up(vif, bridge);
    if (good) {
        good = store(xs, backend, "hotplug-status", "connected");
    } else {
        fprintf(stderr, "clickos: %s\n", why);
        store(xs, backend, "hotplug-error", why);
    }
    free(bridge);
    xs_close(xs);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
