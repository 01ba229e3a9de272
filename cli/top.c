// SPDX-License-Identifier: BSD-2-Clause
/* top.c - clickos top: what VMs do, live. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "cli/print.h"
#include "cli/top_screen.h"

struct top {
    const struct invocation *invocation;
    struct top_view view;
    struct observation before, now;
};

/* What was now becomes before. The first look stands for both. */
static bool look(struct top *top)
{
    const struct invocation *invocation = top->invocation;
    struct observation next;

    if (!observe(invocation, invocation->operand, (unsigned)invocation->n_operands,
                 option_number(invocation, "timeout") * 1000, &next))
        return false;
    observation_free(&top->before);
    top->before = top->now;
    top->now = next;
    return true;
}

static uint64_t next_look(const struct top *top)
{
    return top->now.at_ns + (uint64_t)option_number(top->invocation, "delay") * 1000000000u;
}

static void print(const struct top *top)
{
    struct text lines = {0};

    if (option_given(top->invocation, "json")) {
        print_json(top_view_json(&top->view, &top->before, &top->now));
    } else {
        top_view_text(&top->view, &top->before, &top->now, &lines);
        text_putc(&lines, '\n');
        print_line(stdout, text_string(&lines), lines.length, true);
        text_free(&lines);
    }
}

/* For a file or a program. `n`: how often; 0: until a signal comes, or nobody reads any more. */
static int batch(struct top *top, long n)
{
    if (!look(top))
        return EXIT_FAILURE;
    for (long i = 0; !n || i < n; i++) {
        client_pause_until(next_look(top));
        if (client_interrupted())
            return EXIT_SUCCESS;
        if (!look(top))
            return EXIT_FAILURE;
        if (client_interrupted())
            return EXIT_SUCCESS;
        print(top);
        if (fflush(stdout))
            return EXIT_SUCCESS;        /* main() says so */
    }
    return EXIT_SUCCESS;
}

static void draw(const struct top *top)
{
    const struct observation *before = top->before.at_ns ? &top->before : &top->now;
    struct text lines = {0};

    top_view_text(&top->view, before, &top->now, &lines);
    top_screen_draw(&top->view, text_string(&lines));
    text_free(&lines);
}

static int live(struct top *top, long n)
{
    enum top_wish wish = TOP_DRAW;
    bool good = true;

    if (!look(top) || !top_screen_open(&top->view))
        return EXIT_FAILURE;
    draw(top);
    for (long looks = 0; good && (!n || looks < n); ) {
        wish = top_screen_wait(&top->view, next_look(top));
        if (wish == TOP_QUIT)
            break;
        if (wish == TOP_LOOK) {
            good = look(top);
            looks++;
        }
        if (good)
            draw(top);
    }
    top_screen_close();
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run(const struct invocation *invocation)
{
    struct top top = {.invocation = invocation};
    const char *sort = option_value(invocation, "sort");
    bool json = option_given(invocation, "json");
    long n = option_number(invocation, "iterations");
    int code = EXIT_FAILURE;

    while (sort && strcmp(sort, top_sort_names[top.view.sort]))
        top.view.sort++;
    if (client_all_there(invocation)) {
        client_catch_signals();
        code = json || option_given(invocation, "batch") ? batch(&top, json && !n ? 1 : n) : live(&top, n);
    }
    observation_free(&top.before);
    observation_free(&top.now);
    return code;
}

static const struct option options[] = {
    {.name = "delay", .letter = 'd', .value = "SECONDS", .initial = "3", .min = 1, .max = 3600,
     .help = "time from one look to the next"},
    {.name = "batch", .letter = 'b', .help = "print, for a file or another program, in place of a screen"},
    {.name = "iterations", .letter = 'n', .value = "N", .min = 1, .max = 1000000000,
     .help = "end after so many"},
    {.name = "sort", .letter = 'o', .value = "cpu|memory|name|packets|drops", .initial = "cpu",
     .choices = top_sort_names, .help = "what stands first; keys change it"},
    {.name = "json", .help = "print JSON for programs, once when there is no --iterations"},
    {.name = "timeout", .letter = 't', .value = "SECONDS", .initial = "1", .min = 1, .max = 60,
     .help = "how long to wait for the answers of all VMs together"},
    OPTION_VERBOSE, {0},
};

const struct command command_top = {
    .name = "top", .operands = "[VM...]", .min_operands = 0, .max_operands = 1000,
    .summary = "shows live what VMs, instances and vifs do",
    .description = "CPU% is of one processor. MEM(M) is the VM's memory in MB, USE% how much of it is in use inside. RX is what a vif\n"
                   "receives and TX what it sends, in packets and bits a second; DROP/s is both ways. What is shown happened\n"
                   "between two looks, so the first lines of --batch come after one --delay.\n"
                   "Keys: P, M, N, R, D and s sort, v and i hide vifs and instances, h is help, q ends.",
    .options = options, .run = run,
};
