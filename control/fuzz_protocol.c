// SPDX-License-Identifier: BSD-2-Clause
/*
 * fuzz_protocol.c - libFuzzer target: any bytes as a message and its chunks.
 *
 * The input is cut at bytes 0xff: the first part is the node, the rest are chunks. What is understood must
 * say the same when it is sent again. Build: clang -fsanitize=fuzzer,address,undefined with
 * protocol.c and router/text.c.
 */
#include <stdint.h>

#include "control/fake_store_test.h"
#include "control/protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
    if (!good)
        abort();
}

static void send_again(struct fake_store *dom0, const struct message *m)
{
    struct text line = {0};
    struct message again;
    int error;

    text_puts(&line, m->verb);
    for (unsigned i = 0; i < m->n_words; i++)
        if (strcmp(m->name[i], "chunks") && strcmp(m->name[i], "length") && strcmp(m->name[i], "sum"))
            protocol_word(&line, m->name[i], m->value[i]);
    error = protocol_send(&dom0->store, "e", "request", PROTOCOL_CHUNK_HOST, &line, text_string(&m->data),
                          m->data.length);
    must(!error || error == -E2BIG);
    if (error)
        return;
    error = protocol_receive(&dom0->store, "e", "request", NULL, &again, NULL);
    if (error == -EBADMSG && m->n_words > PROTOCOL_WORDS_MAX - 3)
        return;                     /* with chunks it has three words more */
    must(!error && !strcmp(again.verb, m->verb) && again.data.length == m->data.length &&
         !memcmp(text_string(&again.data), text_string(&m->data), m->data.length));
    message_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fake_tree tree = {0};
    struct fake_store dom0 = fake_connection(&tree, false);
    struct message m;
    const char *at = (const char *)data, *end = at + size;

    for (unsigned part = 0; at <= end && part < 50; part++) {
        const char *stop = at < end ? memchr(at, 0xff, (size_t)(end - at)) : NULL;
        char path[32];

        if (!stop)
            stop = end;
        if (part)
            snprintf(path, sizeof path, "d/data/%u", part - 1);
        else
            snprintf(path, sizeof path, "d/request");
        fake_write(&dom0.store, path, at, (size_t)(stop - at));
        at = stop + 1;
    }
    if (!protocol_receive(&dom0.store, "d", "request", NULL, &m, NULL)) {
        send_again(&dom0, &m);
        message_free(&m);
    }
    fake_free(&tree);
    return 0;
}
