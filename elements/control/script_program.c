// SPDX-License-Identifier: BSD-2-Clause
/* script_program.c - the instructions of a Script, read and linked; see script.h. */
#include <stdlib.h>
#include <string.h>

#include "elements/control/script.h"
#include "elements/control/script_instructions.h"

static const struct script_opcode opcodes[] = {
    {"set", SCRIPT_TAKES_VARIABLE_AND_TEXT, instruction_set, 0, 0},
    {"setq", SCRIPT_TAKES_VARIABLE_AND_TEXT, instruction_set, SCRIPT_UNQUOTES, 0},
    {"init", SCRIPT_TAKES_VARIABLE, instruction_none, SCRIPT_ONCE, 0},
    {"initq", SCRIPT_TAKES_VARIABLE, instruction_none, SCRIPT_ONCE | SCRIPT_UNQUOTES, 0},
    {"export", SCRIPT_TAKES_VARIABLE, instruction_none, SCRIPT_ONCE | SCRIPT_EXPORTS, 0},
    {"exportq", SCRIPT_TAKES_VARIABLE, instruction_none,
     SCRIPT_ONCE | SCRIPT_EXPORTS | SCRIPT_UNQUOTES, 0},

    {"print", SCRIPT_TAKES_TEXT, instruction_print, SCRIPT_NEWLINE, 0},
    {"printq", SCRIPT_TAKES_TEXT, instruction_print, SCRIPT_NEWLINE | SCRIPT_UNQUOTES, 0},
    {"printn", SCRIPT_TAKES_TEXT, instruction_print, 0, 0},
    {"printnq", SCRIPT_TAKES_TEXT, instruction_print, SCRIPT_UNQUOTES, 0},
    {"save", SCRIPT_TAKES_TEXT, instruction_save, SCRIPT_NEWLINE, 0},
    {"append", SCRIPT_TAKES_TEXT, instruction_save, SCRIPT_NEWLINE | SCRIPT_APPENDS, 0},
    {"read", SCRIPT_TAKES_TEXT, instruction_read, 0, 0},
    {"readq", SCRIPT_TAKES_TEXT, instruction_read, SCRIPT_UNQUOTES, 0},
    {"write", SCRIPT_TAKES_TEXT, instruction_write, 0, 0},
    {"writeq", SCRIPT_TAKES_TEXT, instruction_write, SCRIPT_UNQUOTES, 0},

    {"pause", SCRIPT_TAKES_COUNT, instruction_pause, 0, 0},
    {"wait_step", SCRIPT_TAKES_COUNT, instruction_pause, 0, 0},
    {"wait_stop", SCRIPT_TAKES_COUNT, instruction_pause, 0, 0},
    {"wait", SCRIPT_TAKES_COUNT_OR_TEXT, instruction_wait, 0, 0},
    {"wait_time", SCRIPT_TAKES_TEXT, instruction_wait, 0, 0},
    {"wait_for", SCRIPT_TAKES_TEXT, instruction_wait, 0, 0},

    {"label", SCRIPT_TAKES_LABEL, instruction_none, 0, 0},
    {"goto", SCRIPT_TAKES_TEXT, instruction_goto, 0, 0},
    {"loop", SCRIPT_TAKES_NOTHING, instruction_goto, 0, 0},
    {"end", SCRIPT_TAKES_NOTHING, instruction_end, 0, SCRIPT_END},
    {"exit", SCRIPT_TAKES_NOTHING, instruction_end, 0, SCRIPT_EXIT},
    {"stop", SCRIPT_TAKES_NOTHING, instruction_end, 0, SCRIPT_STOP},
    {"error", SCRIPT_TAKES_TEXT, instruction_error, 0, SCRIPT_ERROR},
    {"errorq", SCRIPT_TAKES_TEXT, instruction_error, SCRIPT_UNQUOTES, SCRIPT_ERROR},
    {"return", SCRIPT_TAKES_TEXT, instruction_return, 0, SCRIPT_RETURN},
    {"returnq", SCRIPT_TAKES_TEXT, instruction_return, SCRIPT_UNQUOTES, SCRIPT_RETURN},
};

/* In front of a program that does not begin by waiting: the step that starts it. */
static const struct script_opcode start = {"start", SCRIPT_TAKES_NOTHING, instruction_start, 0, 0};

static const struct script_opcode *find_opcode(const char *name)
{
    for (unsigned i = 0; i < sizeof opcodes / sizeof *opcodes; i++)
        if (strcmp(opcodes[i].name, name) == 0)
            return &opcodes[i];
    return NULL;
}

static bool syntax_error(struct errors *errors, const char *name)
{
    errors_add(errors, NULL, "syntax error at '%s'", name);
    return false;
}

static bool out_of_memory(struct errors *errors)
{
    errors_add(errors, NULL, "out of memory");
    return false;
}

/* Room for one more, not yet counted. */
static struct script_instruction *grow(struct script_program *p, const struct script_opcode *op,
                                       struct errors *errors)
{
    if (p->n >= SCRIPT_INSTRUCTIONS_MAX) {
        errors_add(errors, NULL, "more than %d instructions", SCRIPT_INSTRUCTIONS_MAX);
        return NULL;
    }
    if (p->n % 32 == 0) {
        struct script_instruction *at = realloc(p->at, (p->n + 32) * sizeof *at);

        if (!at) {
            out_of_memory(errors);
            return NULL;
        }
        p->at = at;
    }
    p->at[p->n] = (struct script_instruction){.op = op, .end = op->end};
    return &p->at[p->n];
}

static bool waits(const struct script_opcode *op)
{
    return op->run == instruction_pause || op->run == instruction_wait;
}

static bool begin(struct script_program *p, const struct script_opcode *first,
                  struct errors *errors)
{
    if (p->n || waits(first))
        return true;
    if (!grow(p, &start, errors))
        return false;
    p->n++;
    return true;
}

/* Words that name variables and labels. */
static bool read_variable(struct script *s, struct script_instruction *i, const char **text,
                          struct errors *errors)
{
    char *name = words_shift(text);
    int variable = name && *name ? script_variable_add(s, name) : -1;
    bool ok = variable >= 0;

    if (!ok && name && !*name)
        syntax_error(errors, i->op->name);
    else if (!ok)
        errors_add(errors, NULL, "no room for the variable '%s'", name ? name : "");
    free(name);
    if (!ok)
        return false;
    i->variable = (unsigned)variable;
    if (i->op->flags & SCRIPT_EXPORTS)
        s->variables[variable].exported = true;
    return true;
}

static bool read_count(struct script_instruction *i, const char *text, struct errors *errors)
{
    uint64_t count = 1;

    if (*text && !args_read_unsigned(text, INT32_MAX, &count))
        return syntax_error(errors, i->op->name);
    i->wanted = (unsigned)count;
    return true;
}

/* One word and no more. */
static bool read_label(struct script_instruction *i, const char **text, struct errors *errors)
{
    char *word = words_shift(text);
    bool ok = word && *word && !**text;

    i->text = word;
    *text = "";
    return ok || syntax_error(errors, i->op->name);
}

static bool read_operand(struct script *s, struct script_instruction *i, const char *text,
                         struct errors *errors)
{
    const struct script_opcode *op = i->op;

    switch (op->operand) {
    case SCRIPT_TAKES_TEXT:
        break;
    case SCRIPT_TAKES_NOTHING:
        if (*text)
            return syntax_error(errors, op->name);
        break;
    case SCRIPT_TAKES_COUNT_OR_TEXT:
        if (*text)
            break;
        i->op = find_opcode("pause");
        return read_count(i, text, errors);
    case SCRIPT_TAKES_COUNT:
        return read_count(i, text, errors);
    case SCRIPT_TAKES_LABEL:
        return read_label(i, &text, errors);
    case SCRIPT_TAKES_VARIABLE:
    case SCRIPT_TAKES_VARIABLE_AND_TEXT:
        if (!read_variable(s, i, &text, errors))
            return false;
        if (!*text && op->operand == SCRIPT_TAKES_VARIABLE_AND_TEXT)
            return syntax_error(errors, op->name);
        break;
    }
    i->text = strdup(text);
    return i->text || out_of_memory(errors);
}

bool script_program_add(struct script *s, const char *text, struct errors *errors)
{
    char *name = words_shift(&text);
    const struct script_opcode *op = name ? find_opcode(name) : NULL;
    struct script_instruction *i = NULL;
    bool ok = name != NULL;

    if (!name)
        out_of_memory(errors);
    else if (*name && !op)
        ok = syntax_error(errors, name);
    free(name);
    if (!op)
        return ok;
    if (begin(&s->program, op, errors))
        i = grow(&s->program, op, errors);
    if (!i)
        return false;
    ok = read_operand(s, i, text, errors);
    s->program.n++;
    return ok;
}

static bool append(struct script *s, const char *name, struct errors *errors)
{
    return script_program_add(s, name, errors);
}

/* What jumps and where to: "LABEL [CONDITION]" becomes a target, and the condition stays as text. */
static bool link_goto(struct script_program *p, struct script_instruction *i, struct errors *errors)
{
    const char *rest = i->text;
    char *label = words_shift(&rest), *condition = strdup(rest);
    bool ok = label && condition;

    if (!ok) {
        out_of_memory(errors);
        free(condition);
    } else {
        free(i->text);
        i->text = condition;
        /* `loop`, and a goto without a label, lead to the beginning. */
        ok = !*label || script_program_find(p, label, &i->target, &i->end);
        if (!ok)
            errors_add(errors, NULL, "no such label '%s'", label);
    }
    free(label);
    return ok;
}

bool script_program_finish(struct script *s, struct errors *errors)
{
    struct script_program *p = &s->program;
    bool driver = s->type == SCRIPT_DRIVER, ok = true;

    for (unsigned i = 0; i < p->n; i++)
        if (p->at[i].op->run == instruction_goto && p->at[i].text)
            ok &= link_goto(p, &p->at[i], errors);
    if (!p->n && driver)
        ok = append(s, "pause", errors) && ok;
    return append(s, driver ? "stop" : "end", errors) && ok;
}

void script_program_free(struct script_program *p)
{
    for (unsigned i = 0; i < p->n; i++)
        free(p->at[i].text);
    free(p->at);
    *p = (struct script_program){0};
}

bool script_program_find(const struct script_program *p, const char *label, unsigned *target,
                         enum script_end *end)
{
    const struct script_opcode *op = find_opcode(label);

    *end = SCRIPT_NOT_OVER;
    for (*target = 0; *target < p->n; ++*target) {
        const struct script_instruction *i = &p->at[*target];

        if (i->op->operand == SCRIPT_TAKES_LABEL && i->text && strcmp(i->text, label) == 0)
            return true;
    }
    *target = 0;
    if (op && op->end && op->end != SCRIPT_RETURN) {
        *end = op->end;
        return true;
    }
    return strcmp(label, "begin") == 0 || strcmp(label, "loop") == 0;
}

void script_program_rewind(struct script_program *p, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to && i < p->n; i++)
        p->at[i].steps = 0;
}

bool script_starts_at_once(const struct script_program *p)
{
    return p->at[0].op == &start;
}

bool script_starts_with_wait(const struct script_program *p)
{
    return p->at[0].op->run == instruction_wait;
}
