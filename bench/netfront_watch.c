// SPDX-License-Identifier: BSD-2-Clause
/*
 * netfront_watch.c - for dom0: `netfront_watch INTERFACE COUNTER FRAMES`.
 *
 * Waits until an interface's COUNTER (rx_packets, tx_packets) has grown by FRAMES, or has stopped growing for half a second.
 * Prints "begin" after the first tenth, so that what it takes to start the traffic is left out, and at the end
 * "end FRAMES NANOSECONDS TOTAL": frames since then, the time that they took, all frames. A real-time process, so that it
 * looks while others are busy; every 20 ms, because under emulation a look costs so much that every 2 ms took a third
 * of the frames.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_EVERY_US = 20000 };
static const uint64_t patience_ns = 500000000, patience_first_ns = 30000000000;

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t count(int fd)
{
    char text[32];
    ssize_t n = pread(fd, text, sizeof text - 1, 0);

    if (n <= 0) {
        fprintf(stderr, "netfront_watch: the interface is gone\n");
        exit(1);
    }
    text[n] = '\0';
    return strtoull(text, NULL, 10);
}

int main(int argc, char **argv)
{
    char path[128];
    uint64_t wanted = argc == 4 ? strtoull(argv[3], NULL, 10) : 0;

    if (!wanted) {
        fprintf(stderr, "usage: %s INTERFACE COUNTER FRAMES\n", argv[0]);
        return 2;
    }
    snprintf(path, sizeof path, "/sys/class/net/%s/statistics/%s", argv[1], argv[2]);
    int fd = open(path, O_RDONLY);
    if (fd < 0) {
        perror(path);
        return 1;
    }
    const struct sched_param priority = {.sched_priority = 2};
    if (sched_setscheduler(0, SCHED_FIFO, &priority))
        perror("real-time priority");
    uint64_t start = count(fd), seen = 0, last = now_ns(), begin = 0, begin_seen = 0;
    while (seen < wanted && now_ns() - last < (seen ? patience_ns : patience_first_ns)) {
        usleep(LOOK_EVERY_US);
        uint64_t n = count(fd) - start;
        if (n == seen)
            continue;
        seen = n;
        last = now_ns();
        if (!begin && seen >= wanted / 10) {
            begin = last;
            begin_seen = seen;
            puts("begin");
            fflush(stdout);
        }
    }
    printf("end %llu %llu %llu\n", (unsigned long long)(seen - begin_seen), (unsigned long long)(begin ? last - begin : 0),
           (unsigned long long)seen);
    return 0;
}
