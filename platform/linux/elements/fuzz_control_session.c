// SPDX-License-Identifier: BSD-2-Clause
/*
 * fuzz_control_session.c - libFuzzer target: any bytes from a client, cut anywhere.
 *
 * The first byte says how the rest is cut, and whether output is sent. However that is, the answers must be
 * those to the whole at once, nothing may be kept in the end, and bounds hold, which are low here.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "platform/linux/elements/control_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { VALUE_MAX = 1000 };

static void must(bool good)
{
    if (!good)
        abort();
}

/* Handlers say what they were given; the first letter decides how it ends. */
static void give(const char *handler, const char *value, size_t length,
                 struct control_answer *answer, struct text *out)
{
    static const enum control_code codes[] = {CONTROL_OK, CONTROL_OK_WARNINGS, CONTROL_NO_ELEMENT,
                                              CONTROL_HANDLER_ERROR, CONTROL_UNSPECIFIED};

    must(value != NULL);
    answer->code = codes[(unsigned char)handler[0] % (sizeof codes / sizeof *codes)];
    text_puts(out, handler);
    text_add(out, value, length < VALUE_MAX ? length : VALUE_MAX);
}

static void call_read(void *context, const char *handler, const char *parameter, size_t length,
                      struct control_answer *answer)
{
    (void)context;
    give(handler, parameter, length, answer, &answer->data);
}

static void call_write(void *context, const char *handler, const char *value, size_t length,
                       struct control_answer *answer)
{
    (void)context;
    give(handler, value, length, answer, &answer->messages);
}

static void call_check(void *context, const char *handler, bool writing,
                       struct control_answer *answer)
{
    (void)context;
    give(handler, writing ? "w" : "r", 1, answer, &answer->messages);
}

static const struct control_calls calls = {call_read, call_write, call_check};

static void send_output(struct control_session *s, struct text *sent, size_t most)
{
    size_t n;
    const char *output = control_session_output(s, &n);

    if (n > most)
        n = most;
    text_add(sent, output, n);
    control_session_sent(s, n);
}

static void converse(const char *bytes, size_t size, size_t cut, size_t most, struct text *sent)
{
    struct control_memory memory = {500, 100, 0, 200};
    struct control_session s;
    size_t n;

    control_session_init(&s, &calls, NULL, &memory);
    while (size) {
        size_t offered = size < cut ? size : cut;
        size_t took = control_session_input(&s, bytes, offered);

        must(took <= offered);
        must(took || !control_session_listens(&s));
        must(memory.used <= memory.max && memory.used <= s.in.length);
        send_output(&s, sent, took ? most : SIZE_MAX);
        bytes += took;
        size -= took;
    }
    while (!control_session_listens(&s) && !control_session_over(&s))
        send_output(&s, sent, SIZE_MAX);
    if (!control_session_over(&s))
        control_session_end(&s);
    must(control_session_over(&s));
    send_output(&s, sent, SIZE_MAX);
    control_session_output(&s, &n);
    must(n == 0);
    control_session_free(&s);
    must(memory.used == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text whole = {0}, pieces = {0};

    if (!size)
        return 0;
    converse((const char *)data + 1, size - 1, size, SIZE_MAX, &whole);
    converse((const char *)data + 1, size - 1, 1 + data[0] % 16, data[0] / 16 * 10, &pieces);
    must(whole.length == pieces.length && !memcmp(whole.s, pieces.s, whole.length));
    must(whole.length >= strlen(CONTROL_GREETING));
    text_free(&whole);
    text_free(&pieces);
    return 0;
}
