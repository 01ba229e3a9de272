// SPDX-License-Identifier: BSD-2-Clause
/*
 * script_run.c - how long a Script runs at a time; see script.h.
 *
 * - A run goes on until the script blocks with no steps left, or is over.
 * - One that its timer started gives others their turn after a slice of instructions: it sets the
 *   timer to now, and goes on from there. Called ones cannot: somebody waits for their value.
 * - Too many jumps without blocking, or too many instructions within one call, scripts called from it
 *   included, are taken for an endless loop: the script is over for good, until somebody calls it.
 */
#include <string.h>

#include "elements/control/script.h"
#include "platform/platform.h"

/* Lines that were added go out at once, so that they stand in order with what scripts print. */
static void flush(struct errors *errors)
{
    if (!errors->text.length)
        return;
    platform_log(text_string(&errors->text), errors->text.length);
    text_truncate(&errors->text, 0);
}

static void give_up(struct script *s, const char *why)
{
    element_log_declared(&s->base, "%s, giving up", why);
    s->position = s->program.n;
    timer_clear(&s->timer);
}

static void yield(struct script_run *run)
{
    struct script *s = run->script;

    s->yielded = true;
    s->yielded_steps = run->limit - s->steps;
    s->yielded_jumps = run->jumps;
    timer_set_after(&s->timer, 0);
}

/* Runs the instruction where the script stands. */
static enum script_outcome step(struct script_run *run)
{
    struct script *s = run->script;
    unsigned here = s->position++;
    struct script_instruction *i = &s->program.at[here];
    enum script_outcome outcome = i->op->run(run, i);

    if (outcome == SCRIPT_BLOCK || outcome == SCRIPT_FINISH)
        s->position = here;
    else if (s->position != here + 1)
        run->jumps++;
    return outcome;
}

static enum script_outcome run_on(struct script_run *run, bool logged, bool may_yield)
{
    struct script *s = run->script;
    struct router *r = s->base.router;
    enum script_outcome outcome = SCRIPT_NEXT;
    unsigned slice = SCRIPT_SLICE;

    while (outcome == SCRIPT_NEXT && s->steps <= run->limit && s->position < s->program.n) {
        if (run->jumps >= SCRIPT_JUMPS_MAX) {
            give_up(s, "too many jumps");
            break;
        }
        if (!r->script_work_left) {
            give_up(s, "too many instructions");
            break;
        }
        if (may_yield && !slice--) {
            yield(run);
            break;
        }
        r->script_work_left--;
        outcome = step(run);
        if (logged)
            flush(run->errors);
    }
    return outcome;
}

static void run_script(struct script *s, int64_t steps, enum script_reason reason, bool logged,
                       struct errors *errors)
{
    struct router *r = s->base.router;
    struct script_run run = {.script = s, .errors = errors, .limit = s->steps + steps,
                             .by_driver = reason == SCRIPT_BY_DRIVER};

    if (s->running) {
        s->running->limit += steps;
        return;
    }
    if (reason == SCRIPT_BY_TIMER && s->yielded)
        run.jumps = s->yielded_jumps;
    s->yielded = false;
    if (!r->script_depth++)
        r->script_work_left = SCRIPT_WORK_MAX;
    s->running = &run;
    if (run_on(&run, logged, reason == SCRIPT_BY_TIMER) != SCRIPT_FINISH && run.by_driver)
        router_adjust_runs(r, 1);
    s->running = NULL;
    r->script_depth--;
}

void script_run(struct script *s, int64_t steps, enum script_reason reason, struct errors *errors)
{
    run_script(s, steps, reason, false, errors);
}

void script_run_logged(struct script *s, int64_t steps, enum script_reason reason)
{
    struct errors errors = {0};
    struct errors_context context;
    struct text message = {0};

    text_printf(&message, "While executing '%s :: %s':", s->base.name, s->base.class->name);
    /* As with Click, the driver's own script speaks without being introduced. */
    if (reason != SCRIPT_BY_DRIVER)
        errors_enter(&errors, &context, NULL, text_string(&message));
    run_script(s, steps, reason, true, &errors);
    if (reason != SCRIPT_BY_DRIVER)
        errors_leave(&errors);
    flush(&errors);
    text_free(&message);
    errors_free(&errors);
}

enum script_end script_ended(const struct script *s)
{
    return s->position < s->program.n ? s->program.at[s->position].end : SCRIPT_NOT_OVER;
}

int script_result(struct script *s, struct text *value)
{
    enum script_end end = script_ended(s);
    int variable;

    if (value && end == SCRIPT_RETURN) {
        variable = script_variable_find(s, "_", 1);
        if (variable >= 0)
            text_add(value, s->variables[variable].value, s->variables[variable].length);
    } else if (value && end == SCRIPT_END && s->type == SCRIPT_PACKET) {
        text_puts(value, "0");
    }
    return end == SCRIPT_ERROR ? -1 : end == SCRIPT_STOP ? 1 : 0;
}
