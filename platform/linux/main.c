// SPDX-License-Identifier: BSD-2-Clause
/*
 * main.c - the `click` program: runs a configuration as a process.
 *
 * Options, output and exit codes are those of Click's user-level driver, click(1): 0 all well, 1
 * the configuration, a handler or the command line was wrong, or what an exit handler says.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "platform/linux/clock.h"
#include "platform/linux/configuration.h"
#include "platform/linux/loop.h"
#include "platform/linux/options.h"
#include "platform/linux/reconfigure.h"
#include "platform/linux/results.h"
#include "platform/linux/threads.h"
#include "platform/platform.h"
#include "router/profile.h"
#include "router/router.h"

enum { PACKETS_AT_START = 256, PACKETS_MAX = 1 << 17 };

static void print_time(uint64_t wall_ns, const struct rusage *before)
{
    struct rusage after;
    double user, system;

    getrusage(RUSAGE_SELF, &after);
    user = (double)(after.ru_utime.tv_sec - before->ru_utime.tv_sec) +
           (double)(after.ru_utime.tv_usec - before->ru_utime.tv_usec) / 1e6;
    system = (double)(after.ru_stime.tv_sec - before->ru_stime.tv_sec) +
             (double)(after.ru_stime.tv_usec - before->ru_stime.tv_usec) / 1e6;
    printf("%.3fu %.3fs %u:%05.2f\n", user, system, (unsigned)(wall_ns / 60000000000),
           (double)(wall_ns % 60000000000) / 1e9);
}

static void print_profile(struct router *r)
{
    struct errors errors = {0};
    struct text table = {0};

    profile_switch(r, false);
    router_read(r, "profile", NULL, &table, &errors);
    fputs(text_string(&table), stderr);
    text_free(&table);
    results_report(&errors, false);
}

static bool drive(const struct options *options, struct router *r)
{
    bool ok = true;
    uint64_t started = clock_real_ns();
    struct rusage before;

    getrusage(RUSAGE_SELF, &before);
    if (!options->quit && r->n_elements)
        ok = loop_run(r->scheduler, reconfigure_next);
    else if (!options->quit && !options->no_warnings)
        fprintf(stderr, "warning: %s: configuration has no elements, exiting\n",
                configuration_name(options));
    if (options->time)
        print_time(clock_real_ns() - started, &before);
    return ok;
}

/* The router is there, configured, and is taken; ends with the exit status. */
static int run(const struct options *options, struct router *r)
{
    struct errors errors = {0};
    bool up = configuration_start(r, options->threads, &errors);
    int status = 0;

    reconfigure_begin(r, options);
    results_report(&errors, options->no_warnings);
    if (up) {
        if (options->output && !results_write_flat(r, options->output))
            status = 1;
        if (options->profile && !profile_switch(r, true))
            fprintf(stderr, "warning: no memory for --profile\n");
        if (!drive(options, r))
            status = 1;
        r = reconfigure_current();      /* not the one that it was, maybe */
        if (options->profile)
            print_profile(r);
        if (!results_print(r, options->handlers, options->n_handlers))
            status = 1;
        if (options->exit_handler)
            status = results_exit_status(r, options->exit_handler);
    } else {
        status = 1;
    }
    reconfigure_end();
    return status;
}

static int load_and_run(const struct options *options)
{
    struct errors errors = {0};
    struct router *r = configuration_load(options, &errors);

    results_report(&errors, options->no_warnings && r);
    return r ? run(options, r) : 1;
}

int main(int argc, char **argv)
{
    struct options options;
    int status = options_read(&options, argc, argv);

    if (status < 0 && (packet_pool_init(PACKETS_AT_START, PACKETS_MAX) < 0 ||
                       (options.threads > 1 && !packet_pool_share(options.threads)))) {
        fprintf(stderr, "click: out of memory\n");
        status = 1;
    }
    if (status < 0) {
        signal(SIGPIPE, SIG_IGN);       /* a reader who has left is an error of write(), as in Click */
        if (options.cpu >= 0)
            threads_use_cpus((unsigned)options.cpu);
        if (options.simulate)
            clock_simulate(options.simulation_start_ns);
        status = load_and_run(&options);
        /* Our own invariant: a router that is gone holds no packet. */
        if (packet_pool_in_use()) {
            fprintf(stderr, "click: %u packets were not returned\n", packet_pool_in_use());
            status = 70;
        }
    }
    packet_pool_destroy();
    loop_free();
    options_free(&options);
    return status;
}
