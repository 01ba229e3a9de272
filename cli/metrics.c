// SPDX-License-Identifier: BSD-2-Clause
/* metrics.c - clickos metrics: what VMs do, for Prometheus, once or over HTTP. */
#include <stdlib.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/exposition.h"
#include "cli/http.h"
#include "cli/print.h"

/* Those who ask within this time after another get what he got: many who ask do not make a VM busy. */
#define FRESH_NS UINT64_C(1000000000)

struct source {
    const struct invocation *invocation;
    struct text last;
    uint64_t last_ns;               /* 0: nothing yet */
};

static bool look(struct source *source)
{
    const struct invocation *invocation = source->invocation;
    struct observation observation;

    if (!observe(invocation, invocation->operand, (unsigned)invocation->n_operands,
                 option_number(invocation, "timeout") * 1000, &observation))
        return false;
    text_truncate(&source->last, 0);
    exposition_write(&observation, &source->last);
    observation_free(&observation);
    source->last_ns = now_ns();
    return !source->last.failed;
}

static bool make(void *argument, struct text *out)
{
    struct source *source = argument;

    if ((!source->last_ns || now_ns() - source->last_ns >= FRESH_NS) && !look(source))
        return false;
    text_add(out, source->last.s, source->last.length);
    return !out->failed;
}

static int serve(struct source *source, const char *address)
{
    const struct http_page page = {"/metrics", "ClickOS metrics", EXPOSITION_TYPE, make, source};
    int fd = http_listen(address);

    if (fd == -2)
        return usage_error(source->invocation->command, "--listen: want ADDRESS:PORT, 127.0.0.1:9100 or [::1]:9100 say, got '%s'",
                           address);
    if (fd < 0)
        return EXIT_FAILURE;
    client_catch_signals();
    /* Without Xen there would never be anything to serve. */
    if (client_toolstack(source->invocation) && http_serve(fd, &page, client_interrupted))
        return EXIT_SUCCESS;
    close(fd);
    return EXIT_FAILURE;
}

static int run(const struct invocation *invocation)
{
    const char *listen = option_value(invocation, "listen");
    struct source source = {.invocation = invocation};
    int code = EXIT_FAILURE;

    if (listen) {
        code = serve(&source, listen);
    } else if (client_all_there(invocation) && look(&source)) {
        print_text(stdout, source.last.s, source.last.length, false);
        code = client_interrupted() ? EXIT_FAILURE : EXIT_SUCCESS;
    }
    text_free(&source.last);
    return code;
}

static const struct option options[] = {
    {.name = "listen", .letter = 'l', .value = "ADDRESS:PORT",
     .help = "serve them over HTTP at /metrics, until SIGTERM or ^C; port 0: one that is free"},
    {.name = "timeout", .letter = 't', .value = "SECONDS", .initial = "2", .min = 1, .max = 60,
     .help = "how long to wait for the answers of all VMs together"},
    OPTION_VERBOSE, {0},
};

const struct command command_metrics = {
    .name = "metrics", .operands = "[VM...]", .min_operands = 0, .max_operands = 1000,
    .summary = "prints what VMs, instances and vifs have counted, in Prometheus' text format",
    .description = "Of all ClickOS VMs, or of those named; with --listen, a VM that is named may come and go. One that does\n"
                   "not answer in time has clickos_up 0, and only what Xen knows of it: others do not wait for it.\n"
                   "--listen needs libmicrohttpd (on Debian, the package libmicrohttpd12). Who asks less than a\n"
                   "second after another gets the same answer.",
    .options = options, .run = run,
};
