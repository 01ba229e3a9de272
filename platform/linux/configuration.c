// SPDX-License-Identifier: BSD-2-Clause
/* configuration.c - from the command line to a router; see configuration.h. */
#include "platform/linux/configuration.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/linux/options.h"
#include "platform/platform.h"
#include "router/router.h"

#define SOCKET_NAME "click_driver@@ControlSocket"

static bool has_element(const struct plan *plan, const char *name)
{
    for (unsigned i = 0; i < plan->n_elements; i++)
        if (strcmp(plan->elements[i].name, name) == 0)
            return true;
    return false;
}

/* The first is click_driver@@ControlSocket, then come ...@1, ...@2. */
static void socket_name(char name[64], const struct plan *plan, unsigned *number)
{
    do {
        snprintf(name, 64, *number ? SOCKET_NAME "@%u" : SOCKET_NAME, *number);
        ++*number;
    } while (has_element(plan, name));
}

static bool add_sockets(struct plan *plan, const struct options *options, bool replaces)
{
    unsigned number = 0;
    bool ok = true;

    for (unsigned i = 0; ok && i < options->n_sockets; i++) {
        const struct options_socket *socket = &options->sockets[i];
        struct text config = {0};
        char name[64];

        text_printf(&config, "%s, ", socket->type);
        args_quote(&config, socket->place, strlen(socket->place));
        if (replaces)
            text_puts(&config, ", RETRIES 1, RETRY_WARNINGS false");
        socket_name(name, plan, &number);
        ok = !config.failed &&
             plan_add_element(plan, name, "ControlSocket", text_string(&config), "click");
        text_free(&config);
    }
    return ok;
}

/* Click says so when the text was in order but what it describes was not. */
static void say_not_initialized(struct errors *errors)
{
    errors_add(errors, NULL, "Router could not be initialized!");
}

struct router *configuration_create(const struct options *options, const char *text,
                                    size_t length, const char *filename, bool replaces,
                                    struct errors *errors)
{
    struct plan *plan = router_parse(text, length, filename, options->defines,
                                     options->n_defines, errors);
    struct router *r = NULL;
    char *source;

    if (!plan)
        return NULL;
    source = strndup(text, length);
    if (source && add_sockets(plan, options, replaces)) {
        r = router_create(plan, source, errors);
        if (!r)
            say_not_initialized(errors);
    } else {
        errors_add(errors, NULL, "out of memory");
        plan_free(plan);
    }
    free(source);
    return r;
}

const char *configuration_name(const struct options *options)
{
    if (!options->file)
        return "config";
    return strcmp(options->file, "-") == 0 ? "<stdin>" : options->file;
}

struct router *configuration_load(const struct options *options, struct errors *errors)
{
    struct router *r;
    size_t length;
    char *text;

    if (!options->file)
        return configuration_create(options, options->expression, strlen(options->expression),
                                    configuration_name(options), false, errors);
    text = platform_file_read(options->file, &length, errors);
    if (!text)
        return NULL;
    r = configuration_create(options, text, length, configuration_name(options), false,
                             errors);
    free(text);
    return r;
}

bool configuration_start(struct router *r, unsigned threads, struct errors *errors)
{
    struct scheduler *scheduler = calloc(threads, sizeof *scheduler);

    if (!scheduler) {
        errors_add(errors, NULL, "out of memory");
        return false;
    }
    for (unsigned t = 0; t < threads; t++) {
        scheduler_init(&scheduler[t]);
        scheduler[t].thread = t;
    }
    scheduler->n_threads = threads;
    if (router_initialize(r, scheduler, errors))
        return true;
    say_not_initialized(errors);
    return false;
}

void configuration_end(struct router *r)
{
    struct scheduler *scheduler = r ? r->scheduler : NULL;
    unsigned threads = r ? r->n_threads : 0;

    router_destroy(r);
    for (unsigned t = 0; scheduler && t < threads; t++)
        scheduler_destroy(&scheduler[t]);
    free(scheduler);
}
