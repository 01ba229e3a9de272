// SPDX-License-Identifier: BSD-2-Clause
/*
 * hotplug.c - puts a vif on its bridge: the command as its own hotplug script.
 *
 * libxl runs a vif's script with `online` or `offline` as its word, and XENBUS_PATH, vif and others in
 * the environment. Xen's own, vif-bridge, is a shell script that starts dozens of programs and takes
 * three quarters of the time of a create. This does the same with a few system calls: MTU of the
 * bridge, an address that never becomes the bridge's, a queue that bursts fit into, then up and
 * hotplug-status "connected". It runs no hooks and adds no iptables rules: hosts that filter bridged
 * frames give `script=vif-bridge`, which is Xen's, or vif-openvswitch.
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

static bool set(int fd, unsigned long request, struct ifreq *r, const char *what)
{
    if (!ioctl(fd, request, r))
        return true;
    fprintf(stderr, "clickos: %s: cannot set %s: %s\n", r->ifr_name, what, strerror(errno));
    return false;
}

static void name(struct ifreq *r, const char *interface)
{
    memset(r, 0, sizeof *r);
    strncpy(r->ifr_name, interface, sizeof r->ifr_name - 1);
}

static bool bring_up(const char *vif, const char *bridge)
{
    static const unsigned char address[] = {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq r;
    bool good;
    int mtu;

    if (fd < 0)
        return false;
    name(&r, bridge);
    if (ioctl(fd, SIOCGIFMTU, &r)) {
        fprintf(stderr, "clickos: there is no bridge '%s'\n", bridge);
        close(fd);
        return false;
    }
    mtu = r.ifr_mtu;
    name(&r, vif);
    r.ifr_hwaddr.sa_family = ARPHRD_ETHER;
    memcpy(r.ifr_hwaddr.sa_data, address, sizeof address);
    good = set(fd, SIOCSIFHWADDR, &r, "its address");
    name(&r, vif);
    r.ifr_mtu = mtu;
    good = good && set(fd, SIOCSIFMTU, &r, "its MTU");
    name(&r, vif);
    r.ifr_qlen = QUEUE_FRAMES;
    good = good && set(fd, SIOCSIFTXQLEN, &r, "its queue");
    name(&r, bridge);
    r.ifr_ifindex = (int)if_nametoindex(vif);
    if (good && ioctl(fd, SIOCBRADDIF, &r) && errno != EBUSY) {
        fprintf(stderr, "clickos: cannot put %s on '%s': %s\n", vif, bridge,
                errno == EOPNOTSUPP ? "it is no Linux bridge (script=vif-openvswitch?)" : strerror(errno));
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
        fprintf(stderr, "clickos: %s: no bridge is named\n", path);
    else
        good = bring_up(vif, bridge);
    /* libxl shows hotplug-error to the user. */
    if (good)
        good = store(xs, backend, "hotplug-status", "connected");
    else
        store(xs, backend, "hotplug-error", "cannot put the vif on its bridge");
    free(bridge);
    xs_close(xs);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
