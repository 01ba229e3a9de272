// SPDX-License-Identifier: BSD-2-Clause
/*
 * script_instructions.c - what the instructions of a Script do; see script.h.
 *
 * A text that an instruction has is expanded each time that it runs. An error is reported and the script
 * goes on with the next instruction, as Click's does, but for `error` itself.
 */
#include "elements/control/script_instructions.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "platform/platform.h"

/* ---- calling handlers ---- */

/* "HANDLER [PARAMETER]", taken apart. */
struct call {
    struct handler_target target;
    struct text parameter;
};

/* `parameter` is to be freed in any case. */
static bool find_call(struct script_run *run, const char *text, unsigned flags, bool writing,
                      struct call *call)
{
    char *word = words_shift(&text), *name;
    size_t length;
    bool ok;

    *call = (struct call){0};
    name = word ? args_unquote(word, &length) : NULL;
    ok = name && handler_resolve(&run->script->base, name, writing, &call->target, run->errors);
    free(word);
    free(name);
    if (!ok)
        return false;
    text_puts(&call->parameter, text);
    if (flags & SCRIPT_UNQUOTES)
        ok = script_unquote(run, &call->parameter);
    if (ok && !writing && call->parameter.length &&
        !(call->target.handler->flags & HANDLER_PARAMETER)) {
        errors_add(run->errors, NULL, "read handler '%s' does not take parameters",
                   call->target.name);
        ok = false;
    }
    return ok;
}

/* Errors of the call stand under what was called. */
static void enter(struct script_run *run, const struct call *call, struct errors_context *context,
                  struct text *message)
{
    text_printf(message, "While calling '%s%s%s':", call->target.name,
                call->parameter.length ? " " : "", text_string(&call->parameter));
    errors_enter(run->errors, context, NULL, text_string(message));
}

static void leave(struct script_run *run, struct text *message)
{
    errors_leave(run->errors);
    text_free(message);
}

bool script_read(struct script_run *run, const char *text, unsigned flags, bool announce,
                 struct handler_target *target, struct text *out)
{
    struct errors_context context;
    struct text message = {0};
    struct call call;
    bool ok = find_call(run, text, flags, false, &call);
    size_t before = out->length;

    if (ok) {
        *target = call.target;
        if (announce)
            enter(run, &call, &context, &message);
        ok = handler_read_status(run->script->base.router, call.target.element,
                                 call.target.handler, call.target.index,
                                 text_string(&call.parameter), call.parameter.length, out,
                                 run->errors) >= 0;
        if (announce)
            leave(run, &message);
        if (!ok)
            text_truncate(out, before);
    }
    text_free(&call.parameter);
    return ok;
}

enum script_outcome instruction_write(struct script_run *run, struct script_instruction *i)
{
    struct errors_context context;
    struct text text = {0}, message = {0};
    struct call call = {0};

    if (script_expand(run, i->text, false, &text) &&
        find_call(run, text_string(&text), i->op->flags, true, &call)) {
        enter(run, &call, &context, &message);
        run->script->write_status =
            handler_write_status(run->script->base.router, call.target.element,
                                 call.target.handler, call.target.index,
                                 text_string(&call.parameter), call.parameter.length,
                                 run->errors);
        leave(run, &message);
    }
    text_free(&call.parameter);
    text_free(&text);
    return SCRIPT_NEXT;
}

/* The handler's name and value, to the log. */
enum script_outcome instruction_read(struct script_run *run, struct script_instruction *i)
{
    struct text text = {0}, value = {0}, line = {0};
    struct handler_target target = {0};

    if (script_expand(run, i->text, false, &text)) {
        script_read(run, text_string(&text), i->op->flags, true, &target, &value);
        if (target.handler) {
            text_printf(&line, "%s:\n", target.name);
            text_add(&line, text_string(&value), value.length);
            text_putc(&line, '\n');
            platform_log(text_string(&line), line.length);
        }
    }
    text_free(&line);
    text_free(&value);
    text_free(&text);
    return SCRIPT_NEXT;
}

/* ---- printing ---- */

/* A handler's value, if the text begins with a letter, or the text without its quotes. */
static bool evaluate(struct script_run *run, const char *text, unsigned flags, struct text *value)
{
    bool handler = isalpha((unsigned char)*text) || *text == '@' || *text == '_';
    struct handler_target target;
    struct text expanded = {0};
    unsigned before = run->errors->count;

    if (script_expand(run, text, !handler, &expanded)) {
        if (handler) {
            script_read(run, text_string(&expanded), flags, true, &target, value);
        } else if (script_unquote(run, &expanded)) {
            text_add(value, text_string(&expanded), expanded.length);
        }
    }
    text_free(&expanded);
    return run->errors->count == before;
}

static void print(struct script_run *run, const struct script_instruction *i, const char *text,
                  const char *file, bool append)
{
    bool to_file = *file && strcmp(file, "-") != 0, ok;
    struct text value = {0};

    /* A file is made, or emptied, before anything is asked. */
    if (to_file && !platform_file_write(file, append, "", 0, run->errors))
        return;
    ok = evaluate(run, text, i->op->flags, &value);
    /* What could not be had prints no empty line. */
    if (ok && (i->op->flags & SCRIPT_NEWLINE) &&
        (!value.length || value.s[value.length - 1] != '\n'))
        text_putc(&value, '\n');
    if (to_file)
        platform_file_write(file, true, text_string(&value), value.length, run->errors);
    else
        platform_print(text_string(&value), value.length);
    text_free(&value);
}

enum script_outcome instruction_print(struct script_run *run, struct script_instruction *i)
{
    const char *text = i->text;
    char *file = NULL;
    bool append = false;

    if (*text == '>') {
        append = text[1] == '>';
        text += append ? 2 : 1;
        file = words_shift(&text);
    }
    print(run, i, text, file ? file : "", append);
    free(file);
    return SCRIPT_NEXT;
}

/* "HANDLER [FILE]" */
enum script_outcome instruction_save(struct script_run *run, struct script_instruction *i)
{
    const char *file = i->text;
    char *handler = words_shift(&file);

    print(run, i, handler ? handler : "", file, i->op->flags & SCRIPT_APPENDS);
    free(handler);
    return SCRIPT_NEXT;
}

/* ---- variables ---- */

bool script_assign(struct script_run *run, unsigned variable, const struct script_instruction *i)
{
    struct text value = {0};
    bool ok = script_expand(run, i->text, false, &value) &&
              (!(i->op->flags & SCRIPT_UNQUOTES) || script_unquote(run, &value)) &&
              script_variable_set(run->script, variable, &value, run->errors);

    text_free(&value);
    return ok;
}

enum script_outcome instruction_set(struct script_run *run, struct script_instruction *i)
{
    script_assign(run, i->variable, i);
    return SCRIPT_NEXT;
}

/* ---- waiting ---- */

enum script_outcome instruction_start(struct script_run *run, struct script_instruction *i)
{
    if (i->wanted) {
        run->script->steps++;
        i->wanted = 0;
    }
    return SCRIPT_NEXT;
}

enum script_outcome instruction_pause(struct script_run *run, struct script_instruction *i)
{
    int64_t left = run->limit - run->script->steps, missing = (int64_t)i->wanted - i->steps;
    int64_t taken = left < missing ? left : missing;

    i->steps += (unsigned)taken;
    run->script->steps += taken;
    return taken < missing ? SCRIPT_BLOCK : SCRIPT_NEXT;
}

bool script_set_timer(struct script_run *run, const char *text)
{
    struct script *s = run->script;
    struct arg_context context = {0};
    struct text expanded = {0};
    uint64_t delay = 0;
    bool ok = script_expand(run, text, false, &expanded) &&
              arg_seconds.parse(&context, text_string(&expanded), &delay);

    text_free(&expanded);
    if (!ok) {
        errors_add(run->errors, NULL, "syntax error at 'wait'");
        return false;
    }
    s->yielded = false;
    timer_set_after(&s->timer, delay);
    return true;
}

enum script_outcome instruction_wait(struct script_run *run, struct script_instruction *i)
{
    struct script *s = run->script;

    if (s->steps < run->limit) {
        s->steps++;
        timer_clear(&s->timer);
        return SCRIPT_NEXT;
    }
    return script_set_timer(run, i->text) ? SCRIPT_BLOCK : SCRIPT_WAIT_FAILED;
}

/* ---- going elsewhere ---- */

enum script_outcome instruction_none(struct script_run *run, struct script_instruction *i)
{
    (void)run;
    (void)i;
    return SCRIPT_NEXT;
}

/* True when there is no condition; *ok tells whether it made sense. */
static bool holds(struct script_run *run, const char *condition, bool *ok)
{
    struct arg_context context = {0};
    struct text expanded = {0};
    bool truth = true;

    *ok = script_expand(run, condition, false, &expanded);
    if (*ok && expanded.length &&
        !arg_bool.parse(&context, text_string(&expanded), &truth)) {
        errors_add(run->errors, NULL, "bad condition '%s'", text_string(&expanded));
        *ok = false;
    }
    text_free(&expanded);
    return *ok && truth;
}

static enum script_outcome finish(struct script_run *run, enum script_end end)
{
    if (end == SCRIPT_STOP) {
        run->script->steps++;
        if (!run->by_driver)
            router_please_stop(run->script->base.router);
    }
    return SCRIPT_FINISH;
}

enum script_outcome instruction_goto(struct script_run *run, struct script_instruction *i)
{
    struct script *s = run->script;
    unsigned here = (unsigned)(i - s->program.at);
    bool ok;

    if (!holds(run, i->text, &ok))
        return SCRIPT_NEXT;
    if (i->end)
        return finish(run, i->end);
    script_program_rewind(&s->program, i->target, here);
    s->position = i->target;
    return SCRIPT_NEXT;
}

enum script_outcome instruction_end(struct script_run *run, struct script_instruction *i)
{
    return finish(run, i->end);
}

enum script_outcome instruction_error(struct script_run *run, struct script_instruction *i)
{
    struct text message = {0};

    if (script_expand(run, i->text, false, &message) &&
        (!(i->op->flags & SCRIPT_UNQUOTES) || script_unquote(run, &message)) && message.length)
        errors_add(run->errors, NULL, "%s", text_string(&message));
    text_free(&message);
    return SCRIPT_FINISH;
}

/* The value is the variable "_". A handler that it calls may have sent the script elsewhere. */
enum script_outcome instruction_return(struct script_run *run, struct script_instruction *i)
{
    struct script *s = run->script;
    unsigned next = s->position;
    int variable = script_variable_add(s, "_");

    if (variable < 0)
        errors_add(run->errors, NULL, "no room for the variable '_'");
    else if (!script_assign(run, (unsigned)variable, i))
        s->variables[variable].length = 0;
    return s->position == next ? SCRIPT_BLOCK : SCRIPT_NEXT;
}
