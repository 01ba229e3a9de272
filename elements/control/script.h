// SPDX-License-Identifier: BSD-2-Clause
/*
 * script.h - a Script between its files.
 *
 * - script_program.c reads instructions: a table names them and says what they take.
 * - script_instructions.c carries them out, one function each.
 * - script_variables.c keeps variables and replaces them in texts; what $(...) computes with are
 *   handlers, most of them in functions.c.
 * - script_run.c decides how long: until the script blocks, ends, or has had its share.
 * - script.c is the element: types, packets, timers, handlers.
 *
 * What a script can use up is bounded: instructions and variables by the enum below, jumps and
 * instructions a run, nesting by HANDLER_DEPTH_MAX.
 */
#ifndef CONTROL_SCRIPT_H
#define CONTROL_SCRIPT_H

#include "router/element.h"
#include "router/router.h"

enum {
    SCRIPT_INSTRUCTIONS_MAX = 4096,
    SCRIPT_VARIABLES_MAX = 1024,
    SCRIPT_NAMES_MAX = 256,         /* handlers that a TYPE PROXY script was asked for */
    SCRIPT_TEXT_MAX = 65536,        /* bytes of a value, and of what an instruction makes of its text */
    SCRIPT_JUMPS_MAX = 1000,        /* without blocking; more is taken for an endless loop */
    SCRIPT_SLICE = 300,             /* instructions before others have their turn, where that can be */
    SCRIPT_WORK_MAX = 100000,       /* instructions within one call, scripts called from there included */
};

enum script_type {
    SCRIPT_ACTIVE, SCRIPT_DRIVER, SCRIPT_SIGNAL, SCRIPT_PASSIVE, SCRIPT_PROXY, SCRIPT_PACKET,
};

struct script;
struct script_run;
struct script_instruction;

/* ---- programs ---- */

enum script_outcome {
    SCRIPT_NEXT,                /* go on, at the place where `position` is */
    SCRIPT_BLOCK,               /* come back to this instruction */
    SCRIPT_WAIT_FAILED,         /* come back behind it, when somebody steps */
    SCRIPT_FINISH,              /* the script is over; it stands at this instruction */
};

/* How a script ended; also what a `goto` may name instead of a label. */
enum script_end { SCRIPT_NOT_OVER, SCRIPT_END, SCRIPT_EXIT, SCRIPT_STOP, SCRIPT_ERROR, SCRIPT_RETURN };

typedef enum script_outcome script_function(struct script_run *run, struct script_instruction *i);

/* What an instruction is followed by. */
enum script_operand {
    SCRIPT_TAKES_TEXT, SCRIPT_TAKES_NOTHING, SCRIPT_TAKES_COUNT, SCRIPT_TAKES_COUNT_OR_TEXT,
    SCRIPT_TAKES_LABEL, SCRIPT_TAKES_VARIABLE, SCRIPT_TAKES_VARIABLE_AND_TEXT,
};

enum {
    SCRIPT_UNQUOTES = 1,        /* takes a layer of quotes off */
    SCRIPT_NEWLINE = 2,
    SCRIPT_APPENDS = 4,
    SCRIPT_ONCE = 8,            /* done when the router starts, nothing later */
    SCRIPT_EXPORTS = 16,        /* the variable becomes a read handler */
};

struct script_opcode {
    const char *name;
    enum script_operand operand;
    script_function *run;
    unsigned flags;
    enum script_end end;
};

struct script_instruction {
    const struct script_opcode *op;
    char *text;
    unsigned variable;
    unsigned target;            /* of a goto to a label */
    enum script_end end;        /* of the instruction, or of a goto that ends the script */
    unsigned wanted, steps;     /* of a pause: steps it waits for, steps it has got */
};

struct script_program {
    struct script_instruction *at;
    unsigned n;
};

/* Adds the instruction; false: an error was added. */
bool script_program_add(struct script *s, const char *text, struct errors *errors);
/* After all were added: labels, and what stands before and behind every program. */
bool script_program_finish(struct script *s, struct errors *errors);
void script_program_free(struct script_program *program);
/* Where a label leads. False: there is none. `end`: it is one of those that end a script. */
bool script_program_find(const struct script_program *program, const char *label, unsigned *target,
                         enum script_end *end);
/* Pauses from here up to there count anew. */
void script_program_rewind(struct script_program *program, unsigned from, unsigned to);
bool script_starts_at_once(const struct script_program *program);
bool script_starts_with_wait(const struct script_program *program);

/* ---- variables ---- */

struct script_variable {
    char *name;
    char *value;                /* NULL: empty */
    size_t length;
    bool exported;
};

/* -1: there is none, or (add) there are too many. */
int script_variable_find(const struct script *s, const char *name, size_t length);
int script_variable_add(struct script *s, const char *name);
/* Takes the text. False: an error was added. */
bool script_variable_set(struct script *s, unsigned variable, struct text *value,
                         struct errors *errors);

/* ---- running ---- */

struct script_run {
    struct script *script;
    struct errors *errors;
    int64_t limit;              /* of script->steps: blocking instructions up to here are passed */
    unsigned jumps;
    bool by_driver;             /* the driver wants to stop and asks */
};

enum script_reason { SCRIPT_CALLED, SCRIPT_BY_DRIVER, SCRIPT_BY_TIMER };

/*
 * Goes on from s->position, past `steps` blocking instructions. Within a run of the same script it only
 * adds to that one's steps.
 */
void script_run(struct script *s, int64_t steps, enum script_reason reason, struct errors *errors);
/* The same, with errors to the log under the script's name. */
void script_run_logged(struct script *s, int64_t steps, enum script_reason reason);
/* The value with which it ended, if it did. 0; 1: by `stop`; negative: by an error. */
int script_result(struct script *s, struct text *value);
enum script_end script_ended(const struct script *s);

/* `text` with its variables replaced, appended to out. False: it got too long, an error was added. */
bool script_expand(struct script_run *run, const char *text, bool quote, struct text *out);
/* Takes a layer of quotes off. */
bool script_unquote(struct script_run *run, struct text *text);
/*
 * Calls the read handler of "HANDLER [PARAMETER]", whose value is appended; `target` tells who it
 * was. Errors of finding it come as they are, those of the call under "While calling ...", if `announce`.
 */
bool script_read(struct script_run *run, const char *text, unsigned flags, bool announce,
                 struct handler_target *target, struct text *out);
/* The variable gets what the instruction's text is worth. False: an error was added. */
bool script_assign(struct script_run *run, unsigned variable, const struct script_instruction *i);
/* Sets the timer to go on with the next instruction after the time that the text tells. */
bool script_set_timer(struct script_run *run, const char *text);

/* ---- the element ---- */

struct script {
    struct element base;
    struct arg_string type_text;
    enum script_type type;
    bool typed;                 /* the type is not to be guessed from ports */
    uint32_t signals;           /* bit N: signal N */
    struct script_program program;
    struct script_variable *variables;
    unsigned n_variables;
    char *names[SCRIPT_NAMES_MAX];

    struct script_run *running;
    unsigned position;
    int64_t steps;              /* blocking instructions passed so far */
    int write_status;           /* $? */
    struct timer timer;
    bool yielded;               /* the timer is set to go on with these: */
    int64_t yielded_steps;
    unsigned yielded_jumps;

    struct text args;           /* $args, $1, $#: of the last call that succeeded, or the current one */
    const char *called;         /* $0; NULL: nobody calls */
    bool called_to_write;       /* $write */
};

/* What classes that are Scripts by another name share. */
extern const struct argument script_arguments[];
extern const struct handler script_handlers[];
bool script_configure(struct element *e, const struct words *rest, struct errors *errors);
bool script_initialize(struct element *e, struct errors *errors);
void script_cleanup(struct element *e);
void script_push(struct element *e, unsigned port, struct batch *batch);
unsigned script_pull(struct element *e, unsigned port, struct batch *batch, unsigned max);

#endif
