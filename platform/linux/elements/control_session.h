// SPDX-License-Identifier: BSD-2-Clause
/*
 * control_session.h - one client of a ControlSocket: bytes in, bytes out, calls in between.
 *
 * The ControlSocket protocol, version 1.3, without a socket: whoever has the connection hands in
 * what the client sent, sends what stands in the output, and carries out the calls.
 *
 * - control_session_input() carries out at most one command, so that a client who sends many takes turns
 *   with others. Where it takes less than it was given, the rest is to be given again.
 * - It takes nothing while CONTROL_OUTPUT_HIGH bytes or more wait to be sent: a client who does not read is
 *   not listened to, and nothing is lost. The output never holds more than that and one reply.
 * - How long a command with its data may be, and all sessions together, says their control_memory; what is
 *   longer is skipped and refused, and the session goes on behind it.
 * - What a client sends decides nothing else: lines end with CR, LF or CRLF, however the bytes are cut.
 */
#ifndef LINUX_ELEMENTS_CONTROL_SESSION_H
#define LINUX_ELEMENTS_CONTROL_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "router/text.h"

#define CONTROL_GREETING "Click::ControlSocket/1.3\r\n"

enum { CONTROL_OUTPUT_HIGH = 1 << 16 };

enum control_code {
    CONTROL_OK = 200,
    CONTROL_OK_WARNINGS = 220,
    CONTROL_SYNTAX = 500,
    CONTROL_UNIMPLEMENTED = 501,
    CONTROL_NO_ELEMENT = 510,
    CONTROL_NO_HANDLER = 511,
    CONTROL_HANDLER_ERROR = 520,
    CONTROL_TOO_BIG = 521,
    CONTROL_PERMISSION = 530,
    CONTROL_UNSPECIFIED = 590,
};

/* What a call came to. The session frees it. */
struct control_answer {
    enum control_code code;
    struct text messages;               /* lines for people: errors, or why not */
    struct text data;                   /* what a read gave */
};

/* Each gets a zeroed answer with the code CONTROL_OK. */
struct control_calls {
    void (*read)(void *context, const char *handler, const char *parameter, size_t length,
                 struct control_answer *answer);
    void (*write)(void *context, const char *handler, const char *value, size_t length,
                  struct control_answer *answer);
    /* Is there such a handler, and may it be used in that way? */
    void (*check)(void *context, const char *handler, bool writing, struct control_answer *answer);
};

/* What unfinished commands hold, and may hold. */
struct control_memory {
    size_t command_max;                 /* each, with its data */
    size_t free;                        /* of each, does not count below: short commands always fit */
    size_t used, max;                   /* all sessions together */
};

enum control_state { CONTROL_LINE, CONTROL_COUNTED, CONTROL_UNTIL, CONTROL_OVER };

struct control_session {
    const struct control_calls *calls;
    void *context;
    struct control_memory *memory;
    enum control_state state;
    const struct control_command *command;      /* whose data is being collected */
    char *handler, *terminator;         /* its words */
    struct text in;                     /* the line, or the data, so far */
    size_t left;                        /* data still to come */
    size_t line_begin, line_length;     /* UNTIL: where the line stands in `in`, how much came */
    bool line_differs;                  /* from the terminator */
    bool too_big;                       /* what comes is no longer kept */
    bool after_cr;                      /* a command's line ended so: a LF now belongs to it */
    bool data_after_cr;                 /* the same for a line of data */
    bool broken;                        /* out of memory: the client cannot be answered */
    struct text out;
    size_t out_begin;                   /* what stands before has been sent */
};

void control_session_init(struct control_session *session, const struct control_calls *calls,
                          void *context, struct control_memory *memory);
void control_session_free(struct control_session *session);

/* From now on calls have another context, and what it holds counts elsewhere, whatever the bounds. */
void control_session_move(struct control_session *session, void *context,
                          struct control_memory *memory);

/* Says how many of the bytes it took. */
size_t control_session_input(struct control_session *session, const char *bytes, size_t n);
/* Nothing more will come: an unfinished line is a command all the same. */
void control_session_end(struct control_session *session);

/* What is to be sent; *n bytes, 0: nothing. */
const char *control_session_output(const struct control_session *session, size_t *n);
void control_session_sent(struct control_session *session, size_t n);

/* Does it take input now? */
bool control_session_listens(const struct control_session *session);
/* True: the connection is to be closed when the output is sent. */
bool control_session_over(const struct control_session *session);

#endif
