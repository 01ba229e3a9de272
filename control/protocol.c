// SPDX-License-Identifier: BSD-2-Clause
/*
 * protocol.c - messages in xenstore, as both ends read and write them; see protocol.h.
 *
 * A message comes from another domain: counts and lengths are checked before anything is
 * allocated by them, and a sum tells chunks of two writers from those of one.
 */
#include "control/protocol.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- escaping ---- */

static bool plain(unsigned char c)
{
    return c == '\n' || c == '\t' || (c >= 0x20 && c < 0x7f && c != '%');
}

static void add_escaped(struct text *out, unsigned char c)
{
    char hex[4];

    snprintf(hex, sizeof hex, "%%%02X", c);
    text_add(out, hex, 3);
}

void protocol_escape(struct text *out, const char *bytes, size_t n)
{
    size_t from = 0;

    for (size_t i = 0; i < n; i++) {
        if (plain((unsigned char)bytes[i]))
            continue;
        text_add(out, bytes + from, i - from);
        add_escaped(out, (unsigned char)bytes[i]);
        from = i + 1;
    }
    text_add(out, bytes + from, n - from);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

bool protocol_unescape(struct text *out, const char *s, size_t n)
{
    const char *end = s + n;

    while (s < end) {
        const char *percent = memchr(s, '%', (size_t)(end - s));
        const char *stop = percent ? percent : end;

        text_add(out, s, (size_t)(stop - s));
        if (!percent)
            break;
        if (end - percent < 3 || hex_digit(percent[1]) < 0 || hex_digit(percent[2]) < 0)
            return false;
        text_putc(out, (char)(hex_digit(percent[1]) << 4 | hex_digit(percent[2])));
        s = percent + 3;
    }
    return !out->failed;
}

/* FNV-1a: it finds accidents; who may write the chunks may write the sum. */
uint32_t protocol_sum(const char *bytes, size_t n)
{
    uint32_t sum = 2166136261u;

    for (size_t i = 0; i < n; i++)
        sum = (sum ^ (unsigned char)bytes[i]) * 16777619u;
    return sum;
}

void protocol_word(struct text *line, const char *name, const char *value)
{
    text_putc(line, ' ');
    text_puts(line, name);
    if (!value)
        return;
    text_putc(line, '=');
    for (; *value; value++)
        if (*value == ' ' || *value == '\n' || *value == '\t' || !plain((unsigned char)*value))
            add_escaped(line, (unsigned char)*value);
        else
            text_putc(line, *value);
}

bool protocol_id_valid(const char *id)
{
    size_t n = strspn(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_");

    return n && !id[n] && n <= PROTOCOL_ID_MAX;
}

/* ---- writing ---- */

/* How many of the bytes fit into `limit` once they are escaped. */
static size_t fitting(const char *bytes, size_t n, size_t limit)
{
    size_t used = 0, i;

    for (i = 0; i < n; i++) {
        used += plain((unsigned char)bytes[i]) ? 1 : 3;
        if (used > limit)
            break;
    }
    return i;
}

static void add_extent(struct text *line, unsigned chunks, const char *data, size_t length)
{
    text_printf(line, " chunks=%u length=%zu sum=%u", chunks, length, protocol_sum(data, length));
}

int protocol_write_chunks(struct store *store, const char *directory, size_t limit,
                          const char *data, size_t length, struct text *line)
{
    char path[PROTOCOL_PATH_MAX + 16];
    struct text chunk = {0};
    unsigned chunks = 0;
    int error = 0;

    for (size_t at = 0; at < length && !error;) {
        size_t n = fitting(data + at, length - at, limit);

        if (chunks == PROTOCOL_CHUNKS_MAX) {
            error = -E2BIG;
            break;
        }
        text_truncate(&chunk, 0);
        protocol_escape(&chunk, data + at, n);
        snprintf(path, sizeof path, "%s/%u", directory, chunks);
        error = chunk.failed ? -ENOMEM : store->write(store, path, chunk.s, chunk.length);
        chunks++;
        at += n;
    }
    text_free(&chunk);
    add_extent(line, chunks, data, length);
    return error;
}

int protocol_send(struct store *store, const char *directory, const char *node, size_t limit,
                  struct text *line, const char *data, size_t length)
{
    char path[PROTOCOL_PATH_MAX];
    int error = 0;

    if (line->length > limit) {
        text_free(line);
        return -E2BIG;
    }
    if (length && fitting(data, length, limit - line->length) == length) {
        text_putc(line, '\n');
        protocol_escape(line, data, length);
    } else if (length) {
        snprintf(path, sizeof path, "%s/data", directory);
        error = protocol_write_chunks(store, path, limit, data, length, line);
    }
    if (!error && line->failed)
        error = -ENOMEM;
    snprintf(path, sizeof path, "%s/%s", directory, node);
    if (!error)
        error = store->write(store, path, text_string(line), line->length);
    text_free(line);
    return error;
}

/* ---- reading ---- */

const char *message_word(const struct message *m, const char *name)
{
    for (unsigned i = 0; i < m->n_words; i++)
        if (!strcmp(m->name[i], name))
            return m->value[i];
    return NULL;
}

bool message_number(const struct message *m, const char *name, uint64_t max, uint64_t *value)
{
    const char *s = message_word(m, name);
    uint64_t v = 0;

    if (!s || !*s)
        return false;
    for (; *s; s++) {
        if (*s < '0' || *s > '9' || v > (UINT64_MAX - 9) / 10)
            return false;
        v = v * 10 + (uint64_t)(*s - '0');
    }
    *value = v;
    return v <= max;
}

void message_free(struct message *m)
{
    for (unsigned i = 0; i < m->n_words; i++)
        free(m->value[i]);
    free(m->line);
    text_free(&m->data);
    *m = (struct message){0};
}

/* Takes apart the line in m->line. */
static int read_words(struct message *m, const char **why)
{
    char *at = m->line;

    for (unsigned i = 0;; i++) {
        char *word = at, *value;
        struct text unescaped = {0};

        at += strcspn(at, " ");
        if (at == word) {
            *why = "empty word";
            return -EBADMSG;
        }
        if (*at)
            *at++ = '\0';
        else
            at = NULL;
        if (i == 0) {
            m->verb = word;
        } else if (m->n_words == PROTOCOL_WORDS_MAX) {
            *why = "too many words";
            return -EBADMSG;
        } else {
            value = strchr(word, '=');
            if (value)
                *value++ = '\0';
            else
                value = word + strlen(word);
            if (!protocol_unescape(&unescaped, value, strlen(value))) {
                int error = unescaped.failed ? -ENOMEM : -EBADMSG;

                text_free(&unescaped);
                *why = "bad % escape";
                return error;
            }
            m->name[m->n_words] = word;
            m->value[m->n_words] = text_take(&unescaped);
            if (!m->value[m->n_words])
                return -ENOMEM;
            m->n_words++;
        }
        if (!at)
            return 0;
    }
}

static int read_chunks(struct store *store, const char *directory, struct message *m,
                       uint64_t chunks, const char **why)
{
    char path[PROTOCOL_PATH_MAX + 16];
    uint64_t length = 0, sum = 0;

    if (!message_number(m, "length", PROTOCOL_DATA_MAX, &length) ||
        !message_number(m, "sum", UINT32_MAX, &sum)) {
        *why = "chunks without a length (up to 4 MiB) and a sum";
        return -EBADMSG;
    }
    for (unsigned i = 0; i < chunks; i++) {
        char *value;
        size_t n;
        int error;
        bool good;

        snprintf(path, sizeof path, "%s/%u", directory, i);
        error = store->read(store, path, &value, &n);
        if (error) {
            *why = "a chunk is missing";
            return error == -ENOENT ? -EBADMSG : error;
        }
        good = protocol_unescape(&m->data, value, n);
        free(value);
        if (m->data.failed)
            return -ENOMEM;
        if (!good || m->data.length > length) {
            *why = good ? "the chunks are longer than said" : "bad % escape in a chunk";
            return -EBADMSG;
        }
    }
    if (m->data.length != length || protocol_sum(text_string(&m->data), length) != sum) {
        *why = "the chunks do not match their sum; somebody else wrote them at the same time?";
        return -EBADMSG;
    }
    return 0;
}

int protocol_receive(struct store *store, const char *directory, const char *node,
                     const char *config_directory, struct message *m, const char **why)
{
    char path[PROTOCOL_PATH_MAX];
    const char *unused;
    char *value, *newline;
    size_t n;
    uint64_t chunks;
    int error;

    *m = (struct message){0};
    if (!why)
        why = &unused;
    *why = "";
    snprintf(path, sizeof path, "%s/%s", directory, node);
    error = store->read(store, path, &value, &n);
    if (error)
        return error;
    m->line = value;
    newline = memchr(value, '\n', n);
    if (newline)
        *newline = '\0';
    if (strlen(value) != (newline ? (size_t)(newline - value) : n)) {
        *why = "a NUL byte";
        error = -EBADMSG;
    } else {
        error = read_words(m, why);
    }
    if (!error && message_word(m, "chunks")) {
        if (message_number(m, "chunks", PROTOCOL_CHUNKS_MAX, &chunks)) {
            bool config = config_directory && message_word(m, "config");

            snprintf(path, sizeof path, "%s/data", directory);
            error = read_chunks(store, config ? config_directory : path, m, chunks, why);
        } else {
            *why = "bad number of chunks";
            error = -EBADMSG;
        }
    } else if (!error && newline) {
        newline++;
        if (!protocol_unescape(&m->data, newline, n - (size_t)(newline - value))) {
            *why = "bad % escape";
            error = m->data.failed ? -ENOMEM : -EBADMSG;
        }
    }
    if (error)
        message_free(m);
    return error;
}

void store_names_free(char **names, unsigned n)
{
    if (!names)
        return;
    for (unsigned i = 0; i < n; i++)
        free(names[i]);
    free(names);
}
