// SPDX-License-Identifier: BSD-2-Clause
/*
 * netfront_send.c - a sender for dom0: `netfront_send INTERFACE FRAMES BYTES`.
 *
 * Sends frames into an interface as fast as it takes them and ends when all of them have been taken: for a vif, when
 * netback has copied them into the guest. Prints the nanoseconds that this took.
 *
 * - A packet socket, because it waits: what is under way is charged to its send buffer. (The kernel's pktgen spins while a
 *   vif is full, on the processor that the guest could have.)
 * - A real-time process, or each frame would wake netback's thread, which would take the processor from it: so frames
 *   come to netback by the hundred, as from a network card.
 * - From 02:00:00:00:00:01 to 02:00:00:00:00:02, IP and UDP, as in the other benchmarks.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { AT_ONCE = 64, UNDER_WAY = 512 << 10, BYTES_MIN = 42, BYTES_MAX = 1514 };

static uint8_t frame[BYTES_MAX] = {
    0x02, 0, 0, 0, 0, 2, 0x02, 0, 0, 0, 0, 1, 0x08, 0x00,
    0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,      /* lengths, checksum: below */
    0x04, 0x01, 0x04, 0x02, 0, 0, 0, 0,
};

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void put16(unsigned at, unsigned value)
{
    frame[at] = (uint8_t)(value >> 8);
    frame[at + 1] = (uint8_t)value;
}

static void write_lengths(unsigned bytes)
{
    unsigned sum = 0;

    put16(16, bytes - 14);
    put16(38, bytes - 34);
    for (unsigned at = 14; at < 34; at += 2)
        sum += frame[at] << 8 | frame[at + 1];
    sum = (sum & 0xffff) + (sum >> 16);
    put16(24, ~((sum & 0xffff) + (sum >> 16)) & 0xffff);
}

static int open_interface(const char *name)
{
    struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_protocol = 0, .sll_ifindex = (int)if_nametoindex(name)};
    int bytes = UNDER_WAY, fd = socket(AF_PACKET, SOCK_RAW, 0);

    if (!to.sll_ifindex)
        fail(name);
    if (fd < 0 || bind(fd, (struct sockaddr *)&to, sizeof to) ||
        setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes))
        fail("packet socket");
    return fd;
}

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void send_frames(int fd, unsigned long count, size_t bytes)
{
    struct iovec part = {frame, bytes};
    struct mmsghdr messages[AT_ONCE] = {0};

    for (unsigned i = 0; i < AT_ONCE; i++)
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &part, .msg_iovlen = 1};
    while (count > 0) {
        int sent = sendmmsg(fd, messages, count < AT_ONCE ? (unsigned)count : AT_ONCE, 0);
        if (sent < 0 && errno != ENOBUFS && errno != EINTR)
            fail("sendmmsg");
        if (sent > 0)
            count -= (unsigned long)sent;
    }
}

/* Until the last frame has been taken. */
static void wait_until_taken(int fd)
{
    int bytes;

    while (!ioctl(fd, SIOCOUTQ, &bytes) && bytes > 0)
        usleep(200);
}

int main(int argc, char **argv)
{
    unsigned long count = argc == 4 ? strtoul(argv[2], NULL, 10) : 0, bytes = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;

    if (!count || bytes < BYTES_MIN || bytes > BYTES_MAX) {
        fprintf(stderr, "usage: %s INTERFACE FRAMES BYTES (%d to %d)\n", argv[0], BYTES_MIN, BYTES_MAX);
        return 2;
    }
    const struct sched_param priority = {.sched_priority = 1};
    int fd = open_interface(argv[1]);
    if (sched_setscheduler(0, SCHED_FIFO, &priority))
        fail("real-time priority");
    write_lengths((unsigned)bytes);
    uint64_t begin = now_ns();
    send_frames(fd, count, bytes);
    wait_until_taken(fd);
    printf("%llu\n", (unsigned long long)(now_ns() - begin));
    return 0;
}
