// SPDX-License-Identifier: BSD-2-Clause
/* profile.c - clickos profile: where a VM's cycles go, element by element. */
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "cli/print.h"
#include "cli/profile_json.h"

static bool switch_profile(struct client *client, unsigned instance, const char *word)
{
    char *said = client_handler(client, instance, "profile", word);

    free(said);
    return said != NULL;
}

static int show(const struct client *client, const char *table)
{
    json_t *json;

    if (!client->json) {
        print_line(stdout, table, strlen(table), true);
        return EXIT_SUCCESS;
    }
    json = profile_json(table);
    if (!json) {
        fprintf(stderr, "clickos: VM '%s' sent a profile that cannot be read\n", client->name);
        return EXIT_FAILURE;
    }
    print_json(json);
    return EXIT_SUCCESS;
}

static int run(const struct invocation *invocation)
{
    unsigned seconds = (unsigned)option_number(invocation, "seconds");
    unsigned instance = (unsigned)option_number(invocation, "instance");
    struct client client;
    char *table = NULL;
    int code = EXIT_FAILURE;

    if (!client_open(&client, invocation, invocation->operand[0]))
        return EXIT_FAILURE;
    if (switch_profile(&client, instance, "reset") && switch_profile(&client, instance, "on")) {
        client_pause(seconds);
        /* First off, so that the table has a whole number of calls, and nothing stays on if it cannot be had. */
        if (switch_profile(&client, instance, "off"))
            table = client_handler(&client, instance, "profile", NULL);
    }
    if (table)
        code = show(&client, table);
    free(table);
    client_close(&client);
    return code;
}

static const struct option options[] = {
    {.name = "seconds", .letter = 's', .value = "N", .initial = "5", .min = 1, .max = 86400,
     .help = "how long to measure; an interrupt (^C) ends it earlier"},
    OPTION_INSTANCE, OPTION_JSON, OPTION_TIMEOUT, OPTION_VERBOSE, {0},
};

const struct command command_profile = {
    .name = "profile", .operands = "VM", .min_operands = 1, .max_operands = 1,
    .summary = "measures where an instance's cycles go, element by element",
    .description = "Self: cycles of the element without those of the elements that it calls; total: with them.\n"
                   "A VM is as fast as ever when this is over: the router's handler `profile` is off then.",
    .options = options, .run = run,
};
