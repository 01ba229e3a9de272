// SPDX-License-Identifier: BSD-2-Clause
/*
 * args.h - element arguments, declared as tables.
 *
 * A class lists its arguments with name, type, place in the element's struct, and one line of
 * help; parsing, errors, `config` and value handlers, manual pages and completion all
 * come from that table. Rules as in Click:
 *
 * - A configuration string is split at top-level commas. Comments vanish, quotes stay
 *   until a type reads them. A trailing empty argument is dropped.
 * - An empty argument counts as not given.
 * - An argument that starts with an unquoted word of a declared name followed by more
 *   is a keyword argument; the last of duplicates wins.
 * - Values are stored only when every argument parsed.
 */
#ifndef ROUTER_ARGS_H
#define ROUTER_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "router/errors.h"

struct element;

/* ---- strings of arguments ---- */

struct words {
    char **word;
    unsigned n;
};

/* Splits at commas outside quotes and parentheses; strips comments and outer space. 0 or -ENOMEM. */
int words_split_commas(struct words *words, const char *text);
/* Splits at white space outside quotes. */
int words_split_spaces(struct words *words, const char *text);
/* Takes the first word off, and the space behind it: malloc'ed, "" when there is none. */
char *words_shift(const char **text);
void words_free(struct words *words);
/* "NAME value" gives 4; a word alone, a quoted or numeric start give 0. */
unsigned args_keyword_length(const char *word);
/* Reads quotes, backslashes and \<hex> as Click does; malloc'ed, `*length` bytes and a NUL. */
char *args_unquote(const char *text, size_t *length);
/* Whether there is no white space but in quotes, and the text is not empty. */
bool args_is_one_word(const char *text);
/* Appends text so that args_unquote() gives it back, quoted only when needed. */
void args_quote(struct text *out, const char *bytes, size_t length);

/* ---- types ---- */

struct arg_context {
    struct element *element;        /* whose configuration; scope of AddressInfo names. May be NULL */
    struct errors *errors;
    const char *name;               /* the argument's name, for messages */
    int64_t min, max;               /* bounds of integer types; 0, 0: the type's own */
};

struct arg_type {
    const char *name;               /* as manuals print it: "unsigned", "IP address" */
    size_t size;                    /* of the value, bytes */
    /* Reads text into value. False leaves that untouched; the caller reports it when there is no error yet. */
    bool (*parse)(const struct arg_context *context, const char *text, void *value);
    void (*format)(const void *value, struct text *out);
    void (*release)(void *value);   /* frees what value owns; NULL: nothing */
};

struct arg_string { char *s; size_t length; };                    /* malloc'ed, NUL-terminated */
struct arg_prefix { uint32_t address, mask; };                    /* network order */
struct arg_handler { struct element *element; char *name; };      /* name: NULL when not given */

extern const struct arg_type
    arg_int,            /* int32_t */
    arg_unsigned,       /* uint32_t */
    arg_u8, arg_u16,    /* uint8_t, uint16_t */
    arg_u64,            /* uint64_t */
    arg_int64,          /* int64_t */
    arg_bool,           /* bool */
    arg_string,         /* struct arg_string: quotes removed; white space only within quotes */
    arg_word,           /* struct arg_string: quotes removed, no white space */
    arg_text,           /* struct arg_string: as it stands, quotes and all */
    arg_ip,             /* uint32_t, network order; AddressInfo names */
    arg_ip_prefix,      /* struct arg_prefix: a.b.c.d/len, a.b.c.d/mask, a.b.c.d (= /32) */
    arg_ether,          /* uint8_t[6]; AddressInfo names */
    arg_seconds,        /* uint64_t nanoseconds, at most INT64_MAX; seconds or with a unit (ms, min, ...) */
    arg_seconds_u32,    /* uint32_t seconds, rounded */
    arg_bandwidth,      /* uint64_t bytes per second; "8Mbps", "1MB/s", plain: bytes/s */
    arg_ethertype,      /* uint16_t, host order */
    arg_tcp_port, arg_udp_port,     /* uint16_t, host order; PortInfo and well-known names */
    arg_anno_u8,        /* uint32_t: annotation offset of 1 byte: number or name (PAINT) */
    arg_anno_u32,       /* uint32_t: of 4 bytes (DST_IP) */
    arg_element,        /* struct element *: name, local scope first */
    arg_handler_read,   /* struct arg_handler: "element.handler" that can be read */
    arg_handler_write;  /* struct arg_handler: "element.handler value" is for the element to split */

/* ---- tables ---- */

enum arg_kind {
    ARG_REQUIRED = 1,       /* positional */
    ARG_OPTIONAL,           /* positional, may be missing */
    ARG_KEYWORD,            /* NAME value */
    ARG_KEYWORD_REQUIRED,
    ARG_REST,               /* all remaining positional arguments go to configure() as words */
    ARG_IGNORED,            /* deprecated: accepted, checked, not stored */
};

struct argument {
    const char *name;
    enum arg_kind kind;
    const struct arg_type *type;
    size_t offset;          /* in the element's struct */
    size_t given;           /* offset of a bool that tells whether it was given; 0: nobody asks */
    int64_t min, max;       /* for integers, when not both 0 */
    const char *help;
};

/*
 * Reads a configuration into the element by its class's table. `rest` receives the words of
 * ARG_REST (free it with words_free() in any case). False when errors were added.
 */
bool args_parse(struct element *element, const char *config, struct words *rest,
                struct errors *errors);
/*
 * The same for an element that runs: rows that are not given get the values that they had after
 * setup() (a copy of the element from then is `defaults`). What was there before goes to `undo`, for
 * one of the two functions below; when false is returned nothing changed and undo is empty.
 */
struct args_undo { void *values; };
bool args_replace(struct element *element, const void *defaults, const char *config,
                  struct args_undo *undo, struct words *rest, struct errors *errors);
void args_commit(struct element *element, struct args_undo *undo);
void args_rollback(struct element *element, struct args_undo *undo);
/* Frees every value that the table placed in the element. */
void args_release(struct element *element);

/* Reports in Click's form, "NAME: message", within the context's element. Always returns false. */
bool args_error(const struct arg_context *context, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- readers that element code shares ---- */

/* Each reads the whole text, without messages. */
bool args_read_unsigned(const char *text, uint64_t max, uint64_t *value);  /* 12, 0x1F, 017, 0b1, 1_000 */
bool args_read_ip(const struct element *scope, const char *text, uint32_t *address);
bool args_read_prefix(const struct element *scope, const char *text, struct arg_prefix *prefix);
bool args_read_ether(const struct element *scope, const char *text, uint8_t mac[6]);
/* Fixed-point: "1.5" with scale 1000 gives 1500; also "1_000.5" and "15e-1". */
bool args_read_decimal(const char *text, uint64_t scale, uint64_t *value);

/* "1.2.3.4" for an address in network order, into a buffer of 16. */
const char *args_format_ip(char buffer[16], uint32_t address);
/* "00-1A-2B-3C-4D-5E", Click's form, into a buffer of 18. */
const char *args_format_ether(char buffer[18], const uint8_t mac[6]);
/* "00:16:3e:01:02:03", as Linux and Xen write it; the one above is Click's way. */
const char *args_format_mac(char buffer[18], const uint8_t mac[6]);
void args_format_prefix(struct text *out, uint32_t address, uint32_t mask);
/* "12.345678", Click's timestamp form (microseconds). */
void args_format_ns(struct text *out, uint64_t ns);

#endif
