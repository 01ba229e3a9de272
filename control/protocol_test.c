// SPDX-License-Identifier: BSD-2-Clause
/* protocol_test.c - messages: what goes in comes out, and hostile ones are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/fake_store_test.h"
#include "control/protocol.h"

static struct fake_tree tree;
static struct fake_store dom0, guest;

static int setup(void **state)
{
    (void)state;
    dom0 = fake_connection(&tree, false);
    guest = fake_connection(&tree, true);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_free(&tree);
    return 0;
}

static void put(const char *path, const char *value)
{
    assert_int_equal(fake_write(&dom0.store, path, value, strlen(value)), 0);
}

static int receive(struct message *m)
{
    return protocol_receive(&guest.store, "d", "request", NULL, m, NULL);
}

static void refused(const char *value, int error)
{
    struct message m;
    int got;

    put("d/request", value);
    got = receive(&m);
    if (got != error)
        fail_msg("'%s': %d, expected %d", value, got, error);
}

static void test_escape_every_byte(void **state)
{
    struct text escaped = {0}, back = {0};
    char bytes[512];

    (void)state;
    for (int i = 0; i < 512; i++)
        bytes[i] = (char)i;
    protocol_escape(&escaped, bytes, sizeof bytes);
    for (size_t i = 0; i < escaped.length; i++)
        assert_true(escaped.s[i] == '\n' || escaped.s[i] == '\t' || (escaped.s[i] >= 0x20 && escaped.s[i] < 0x7f));
    assert_true(protocol_unescape(&back, escaped.s, escaped.length));
    assert_int_equal(back.length, sizeof bytes);
    assert_memory_equal(back.s, bytes, sizeof bytes);
    text_free(&escaped);
    text_free(&back);
}

static void test_bad_escapes(void **state)
{
    static const char *const bad[] = {"%", "a%4", "%G0", "%0x", "ok%zz"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct text back = {0};

        assert_false(protocol_unescape(&back, bad[i], strlen(bad[i])));
        text_free(&back);
    }
}

/* Sends n bytes one way and looks at what arrives. */
static void round_trip(struct fake_store *from, struct fake_store *to, size_t limit, size_t n)
{
    char *bytes = malloc(n + 1);
    struct text line = {0};
    struct message m;
    uint32_t random = 1;

    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)((random = random * 1664525u + 1013904223u) >> 24);
    text_puts(&line, "write");
    protocol_word(&line, "handler", "a b%\n.c");
    protocol_word(&line, "bare", NULL);
    assert_int_equal(protocol_send(&from->store, "d", "request", limit, &line, bytes, n), 0);
    assert_int_equal(protocol_receive(&to->store, "d", "request", NULL, &m, NULL), 0);
    assert_string_equal(m.verb, "write");
    assert_string_equal(message_word(&m, "handler"), "a b%\n.c");
    assert_string_equal(message_word(&m, "bare"), "");
    assert_null(message_word(&m, "other"));
    assert_int_equal(m.data.length, n);
    assert_memory_equal(text_string(&m.data), bytes, n);
    message_free(&m);
    free(bytes);
    fake_remove(&dom0.store, "d");
}

static void test_round_trips(void **state)
{
    static const size_t sizes[] = {0, 1, 100, 599, 600, 601, 1500, 4096, 65536, 200000, 300000};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        round_trip(&dom0, &guest, PROTOCOL_CHUNK_HOST, sizes[i]);
        round_trip(&guest, &dom0, PROTOCOL_CHUNK_GUEST, sizes[i]);
    }
    round_trip(&dom0, &guest, PROTOCOL_CHUNK_HOST, 1 << 20);
}

/* Plain text up to the promised size fits a guest's quota. */
static void test_largest_reply(void **state)
{
    struct text line = {0};
    struct message m;
    char *bytes = malloc(PROTOCOL_REPLY_MAX);

    (void)state;
    memset(bytes, 'x', PROTOCOL_REPLY_MAX);
    text_puts(&line, "ok");
    assert_int_equal(protocol_send(&guest.store, "data/clickos/63/reply/0123456789abcdef", "status",
                                   PROTOCOL_CHUNK_GUEST, &line, bytes, PROTOCOL_REPLY_MAX), 0);
    assert_int_equal(protocol_receive(&dom0.store, "data/clickos/63/reply/0123456789abcdef", "status", NULL, &m,
                                      NULL), 0);
    assert_int_equal(m.data.length, PROTOCOL_REPLY_MAX);
    message_free(&m);
    free(bytes);
}

static void test_quota_is_reported(void **state)
{
    struct text line = {0};
    char *bytes = calloc(1, 2000 * 1800 / 3);

    (void)state;
    text_puts(&line, "ok");
    assert_int_equal(protocol_send(&guest.store, "d", "status", PROTOCOL_CHUNK_GUEST, &line, bytes,
                                   2000 * 1800 / 3), -ENOSPC);
    free(bytes);
}

static void test_long_line(void **state)
{
    struct text line = {0};

    (void)state;
    for (int i = 0; i < 5000; i++)
        text_putc(&line, 'x');
    assert_int_equal(protocol_send(&dom0.store, "d", "request", PROTOCOL_CHUNK_HOST, &line, "", 0), -E2BIG);
}

static void test_hostile_lines(void **state)
{
    struct message m;

    (void)state;
    assert_int_equal(receive(&m), -ENOENT);
    refused("", -EBADMSG);
    refused(" ", -EBADMSG);
    refused("start ", -EBADMSG);
    refused("start  file=x", -EBADMSG);
    refused("start file=%4", -EBADMSG);
    refused("start\n%", -EBADMSG);
    refused("a b c d e f g h i j k l m n", -EBADMSG);
    refused("start chunks=", -EBADMSG);
    refused("start chunks=x length=1 sum=1", -EBADMSG);
    refused("start chunks=-1 length=1 sum=1", -EBADMSG);
    refused("start chunks=1", -EBADMSG);
    refused("start chunks=1 length=5", -EBADMSG);
    refused("start chunks=1 length=5 sum=1", -EBADMSG);
    refused("start chunks=4001 length=1 sum=1", -EBADMSG);
    refused("start chunks=99999999999999999999999 length=1 sum=1", -EBADMSG);
    refused("start chunks=18446744073709551616 length=1 sum=1", -EBADMSG);
    refused("start chunks=1 length=4194305 sum=1", -EBADMSG);
    refused("start chunks=1 length=18446744073709551615 sum=1", -EBADMSG);
    fake_write(&dom0.store, "d/request", "start\0file=x", 12);
    assert_int_equal(receive(&m), -EBADMSG);
}

static void test_chunks_of_two_writers(void **state)
{
    struct text line = {0};
    struct message m;
    char bytes[10000];
    const char *why;

    (void)state;
    memset(bytes, 'a', sizeof bytes);
    text_puts(&line, "start");
    assert_int_equal(protocol_send(&dom0.store, "d", "request", PROTOCOL_CHUNK_HOST, &line, bytes, sizeof bytes), 0);
    put("d/data/1", "other text");
    assert_int_equal(protocol_receive(&guest.store, "d", "request", NULL, &m, &why), -EBADMSG);
    assert_non_null(strstr(why, "sum"));
    fake_remove(&dom0.store, "d/data/1");
    assert_int_equal(protocol_receive(&guest.store, "d", "request", NULL, &m, &why), -EBADMSG);
    assert_non_null(strstr(why, "missing"));
}

static void test_ids(void **state)
{
    (void)state;
    assert_true(protocol_id_valid("65a1b2c3004-1f2-0"));
    assert_false(protocol_id_valid(""));
    assert_false(protocol_id_valid("a/b"));
    assert_false(protocol_id_valid("../x"));
    assert_false(protocol_id_valid("a b"));
    assert_false(protocol_id_valid("01234567890123456789012345678901234567890"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_escape_every_byte, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_escapes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_round_trips, setup, teardown),
        cmocka_unit_test_setup_teardown(test_largest_reply, setup, teardown),
        cmocka_unit_test_setup_teardown(test_quota_is_reported, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_line, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hostile_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(test_chunks_of_two_writers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ids, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
