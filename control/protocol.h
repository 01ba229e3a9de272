// SPDX-License-Identifier: BSD-2-Clause
/*
 * protocol.h - messages in xenstore, as both ends read and write them: docs/control-protocol.md.
 *
 * A message is a node whose value is a line of words, `verb name=value name ...`, and maybe data
 * after the newline. Data that does not fit stands in chunks under a node beside it. All that
 * xenstore could not hold, or that would end a word, is written as %XX.
 */
#ifndef CONTROL_PROTOCOL_H
#define CONTROL_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/store.h"
#include "router/text.h"

#define PROTOCOL_VERSION "1"
#define PROTOCOL_ROOT "data/clickos"        /* below the guest's own path */

enum {
    /* Payload 4,096 with the path; the rest of it is path. For dom0, which has no quota. */
    PROTOCOL_CHUNK_HOST = 3000,
    /* A guest's node may be 2,048 bytes with its permissions (xenstored -S). */
    PROTOCOL_CHUNK_GUEST = 1800,
    PROTOCOL_CHUNKS_MAX = 4000,
    PROTOCOL_DATA_MAX = 4 << 20,            /* of a message, after unescaping */
    /* The names of a directory's children count as part of it. */
    PROTOCOL_REPLY_MAX = 400 * PROTOCOL_CHUNK_GUEST,
    PROTOCOL_WORDS_MAX = 12,
    PROTOCOL_PATH_MAX = 256,
    PROTOCOL_ID_MAX = 40,                   /* characters of a request's id */
};

struct message {
    char *line;                             /* owned; `verb` and the words point into it */
    const char *verb;
    unsigned n_words;
    const char *name[PROTOCOL_WORDS_MAX];
    char *value[PROTOCOL_WORDS_MAX];        /* unescaped */
    struct text data;                       /* unescaped */
};

/* NULL: the message does not have it. A bare word's value is "". */
const char *message_word(const struct message *m, const char *name);
/* False when missing, not a number, or above max. */
bool message_number(const struct message *m, const char *name, uint64_t max, uint64_t *value);
void message_free(struct message *m);

/* Adds ` name=value` to a line under construction; value NULL: a bare word. */
void protocol_word(struct text *line, const char *name, const char *value);

void protocol_escape(struct text *out, const char *bytes, size_t n);
/* False: a % without two hex digits, or memory ran out. */
bool protocol_unescape(struct text *out, const char *s, size_t n);
uint32_t protocol_sum(const char *bytes, size_t n);

/*
 * Writes data as chunks <directory>/0, 1, ... of at most `limit` escaped bytes; adds the words that
 * describe them to the line. 0 or a negative errno.
 */
int protocol_write_chunks(struct store *store, const char *directory, size_t limit,
                          const char *data, size_t length, struct text *line);
/*
 * Writes the node that makes the message visible, last of all. Data goes into it when it fits into
 * `limit`, otherwise into chunks below <directory>/data. `line` is consumed.
 */
int protocol_send(struct store *store, const char *directory, const char *node, size_t limit,
                  struct text *line, const char *data, size_t length);

/*
 * Reads <directory>/<node> and its chunks, which stand below <directory>/data or, if the message has
 * the word `config`, below `config_directory` (may be NULL). -ENOENT: no such node. -EBADMSG: not a message, `why` (may be NULL) says in
 * which way. -E2BIG, -ENOMEM.
 */
int protocol_receive(struct store *store, const char *directory, const char *node,
                     const char *config_directory, struct message *m, const char **why);

/* Whether the name may stand in a path: letters, digits, - and _, not too long. */
bool protocol_id_valid(const char *id);

#endif
