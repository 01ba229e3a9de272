// SPDX-License-Identifier: BSD-2-Clause
/*
 * control_session_test.c - the ControlSocket protocol without sockets.
 *
 * The router behind the sessions is a toy: `echo` gives back its parameter, `store` keeps what is written,
 * `big` has CONTROL_OUTPUT_HIGH bytes, the rest fails in some way each.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/linux/elements/control_session.h"

enum { COMMAND_MAX = 1 << 20, COMMAND_FREE = 4096 };

static struct text stored;
static unsigned calls_made;

static void toy_read(void *context, const char *handler, const char *parameter, size_t length,
                     struct control_answer *answer)
{
    assert_ptr_equal(context, &stored);
    calls_made++;
    if (strcmp(handler, "echo") == 0) {
        text_add(&answer->data, parameter, length);
    } else if (strcmp(handler, "big") == 0) {
        for (int i = 0; i < CONTROL_OUTPUT_HIGH; i++)
            text_putc(&answer->data, (char)i);
    } else if (strcmp(handler, "bad") == 0) {
        answer->code = CONTROL_UNSPECIFIED;
        text_puts(&answer->messages, "first\nsecond\n");
        text_puts(&answer->data, "half");
    } else {
        answer->code = CONTROL_NO_HANDLER;
        text_printf(&answer->messages, "No handler named '%s'", handler);
    }
}

static void toy_write(void *context, const char *handler, const char *value, size_t length,
                      struct control_answer *answer)
{
    (void)context;
    calls_made++;
    if (strcmp(handler, "store") == 0) {
        text_truncate(&stored, 0);
        text_add(&stored, value, length);
    } else if (strcmp(handler, "warns") == 0) {
        answer->code = CONTROL_OK_WARNINGS;
        text_puts(&answer->messages, "warning: hm\n");
    } else {
        answer->code = CONTROL_HANDLER_ERROR;
    }
}

static void toy_check(void *context, const char *handler, bool writing,
                      struct control_answer *answer)
{
    (void)context;
    calls_made++;
    if (strcmp(handler, writing ? "store" : "echo") && strcmp(handler, "e.name")) {
        answer->code = CONTROL_NO_ELEMENT;
        text_puts(&answer->messages, "No such thing");
    }
}

static const struct control_calls toy = {toy_read, toy_write, toy_check};

static struct control_session session;
static struct control_memory memory;

static int begin(void **state)
{
    size_t n;

    (void)state;
    memory = (struct control_memory){COMMAND_MAX, COMMAND_FREE, 0, 2 * COMMAND_MAX};
    calls_made = 0;
    control_session_init(&session, &toy, &stored, &memory);
    assert_memory_equal(control_session_output(&session, &n), CONTROL_GREETING,
                        strlen(CONTROL_GREETING));
    assert_int_equal(n, strlen(CONTROL_GREETING));
    control_session_sent(&session, n);
    return 0;
}

static int end(void **state)
{
    (void)state;
    control_session_free(&session);
    assert_int_equal(memory.used, 0);
    text_free(&stored);
    return 0;
}

/* Hands in all of it, at most `cut` bytes at a time, and takes the answers as they come. */
static void feed(struct text *answers, const char *bytes, size_t n, size_t cut)
{
    while (n) {
        size_t give = n < cut ? n : cut, length;
        size_t took = control_session_input(&session, bytes, give);
        const char *output = control_session_output(&session, &length);

        assert_true(took <= give);
        assert_true(took || length);
        text_add(answers, output, length);
        control_session_sent(&session, length);
        bytes += took;
        n -= took;
    }
}

static void expect_answer(const char *bytes, size_t n, bool ended, const char *want)
{
    static const size_t cuts[] = {1, 2, 3, 7, 100000};

    for (unsigned i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        struct text answers = {0};
        const char *rest;
        size_t length;

        control_session_free(&session);
        begin(NULL);
        feed(&answers, bytes, n, cuts[i]);
        if (ended)
            control_session_end(&session);
        rest = control_session_output(&session, &length);
        text_add(&answers, rest, length);
        assert_string_equal(text_string(&answers), want);
        text_free(&answers);
    }
}

/* What is said to `sent`, however it is cut. */
static void says(const char *sent, const char *want)
{
    expect_answer(sent, strlen(sent), false, want);
}

/* What is said when the client sends that and no more. */
static void says_at_end(const char *sent, const char *want)
{
    expect_answer(sent, strlen(sent), true, want);
}

#define READ_OK "200 Read handler 'echo' OK\r\n"
#define WRITE_OK "200 Write handler 'store' OK\r\n"
#define WRONG_NUMBER "500 Wrong number of arguments\r\n"

static void test_reads(void **state)
{
    (void)state;
    says("READ echo\n", READ_OK "DATA 0\r\n");
    says("read echo a  b \n", READ_OK "DATA 4\r\na  b");
    says("GET echo x\r", READ_OK "DATA 1\r\nx");
    says("\r\n \n\rREAD\techo\tx\r\n", READ_OK "DATA 1\r\nx");
    says("READ bad\n", "590-Read handler 'bad' error:\r\n590-first\r\n590 second\r\n");
    says("READ none\nREAD echo\n", "511 No handler named 'none'\r\n" READ_OK "DATA 0\r\n");
}

static void test_data_may_be_any_bytes(void **state)
{
    (void)state;
    says("READDATA echo 6\na\r\nb\n\nREAD echo\n", READ_OK "DATA 6\r\na\r\nb\n\n" READ_OK "DATA 0\r\n");
    says("READDATA echo 0x3\r\nabcREAD echo\n", READ_OK "DATA 3\r\nabc" READ_OK "DATA 0\r\n");
    says("READDATA echo 0\rREAD echo\n", READ_OK "DATA 0\r\n" READ_OK "DATA 0\r\n");
    expect_answer("WRITEDATA store 3\n\0\0\0", 21, false, WRITE_OK);
    assert_memory_equal(stored.s, "\0\0\0", 3);
}

static void test_data_up_to_a_line(void **state)
{
    (void)state;
    says("READUNTIL echo END\r\na\r\n END\r\nEND\t \r\nREAD echo\n",
         READ_OK "DATA 9\r\na\r\n END\r\n" READ_OK "DATA 0\r\n");
    says("READUNTIL echo\na\r\nb\r\n\r\nREAD echo\n", READ_OK "DATA 6\r\na\r\nb\r\n" READ_OK "DATA 0\r\n");
    says("READUNTIL echo X Y\nX  Y\nX Y\n", READ_OK "DATA 5\r\nX  Y\n");
    says("READUNTIL echo\n\n", READ_OK "DATA 0\r\n");
    says("WRITEUNTIL store END\nEN\nENDE\rEND\r", WRITE_OK);
    assert_string_equal(text_string(&stored), "EN\nENDE\r");
}

static void test_writes(void **state)
{
    (void)state;
    says("WRITE store a b\n", WRITE_OK);
    assert_string_equal(text_string(&stored), "a b");
    says("SET store\nSETDATA store 1\nz", WRITE_OK WRITE_OK);
    assert_string_equal(text_string(&stored), "z");
    says("WRITE warns 1\n", "220-Write handler 'warns' OK with warnings:\r\n220 warning: hm\r\n");
    says("WRITE fails 1\n", "520 Write handler 'fails' error\r\n");
}

static void test_checks(void **state)
{
    (void)state;
    says("CHECKREAD echo\nCHECKWRITE store\n", READ_OK WRITE_OK);
    says("CHECKREAD store\nCHECKWRITE echo\n", "510 No such thing\r\n510 No such thing\r\n");
}

static void test_llrpc_is_refused(void **state)
{
    (void)state;
    says("LLRPC e#8004400F 2\nxyLLRPC e#1\n", "501 Cannot call LLRPC 'e#8004400F' remotely\r\n"
         "501 Cannot call LLRPC 'e#1' remotely\r\n");
    says("LLRPC f#1\n", "510 No such thing\r\n");
    says("LLRPC e#\nLLRPC e\nLLRPC e#x\nLLRPC e#123456789\n",
         "500 Syntax error in LLRPC name 'e#'\r\n500 Syntax error in LLRPC name 'e'\r\n"
         "500 Syntax error in LLRPC name 'e#x'\r\n500 Syntax error in LLRPC name 'e#123456789'\r\n");
}

static void test_bad_commands(void **state)
{
    static const char *const too_few[] = {"READ", "WRITE", "GET", "SET", "READDATA a", "WRITEDATA a",
                                          "READUNTIL", "CHECKREAD", "LLRPC", "READDATA a 1 2",
                                          "CHECKWRITE a b", "LLRPC a 1 2"};
    char line[64];

    (void)state;
    for (unsigned i = 0; i < sizeof too_few / sizeof *too_few; i++) {
        snprintf(line, sizeof line, "%s\n", too_few[i]);
        says(line, WRONG_NUMBER);
    }
    says("READDATA echo -1\n", "500 Syntax error in 'READDATA'\r\n");
    says("WRITEDATA store 99999999999\n", "500 Syntax error in 'WRITEDATA'\r\n");
    says("llrpc e#1 x\n", "500 Syntax error in 'LLRPC'\r\n");
    says("jump\x1b[0m high\n", "501 Command 'JUMP^[[0M' unimplemented\r\n");
    says("READ n\x7f\n", "511 No handler named 'n^?'\r\n");
    expect_answer("READ ec\0ho\n", 11, false, "500 Syntax error in 'READ'\r\n");
    assert_int_equal(calls_made, 0);
}

static void test_the_end_of_input(void **state)
{
    (void)state;
    says_at_end("", "");
    says_at_end("READ echo x", READ_OK "DATA 1\r\nx");
    says_at_end("READDATA echo 0", READ_OK "DATA 0\r\n");
    says_at_end("READDATA echo 3\nab", "500 Not enough data\r\n");
    says_at_end("READDATA echo 3", "500 Not enough data\r\n");
    says_at_end("WRITEUNTIL store END\nREAD echo\nEND", "500 Not enough data\r\n");
    assert_int_equal(calls_made, 0);
    assert_true(control_session_over(&session));
}

static void test_quit(void **state)
{
    (void)state;
    says("QUIT\nREAD echo\n", "200 Goodbye!\r\n");
    assert_true(control_session_over(&session));
    says("close\n", "200 Goodbye!\r\n");
    says("QUIT now\n", "500 Bad command syntax\r\n200 Goodbye!\r\n");
}

static void test_help_names_every_command(void **state)
{
    static const char *const names[] = {"READ", "READDATA", "READUNTIL", "WRITE", "WRITEDATA",
                                        "WRITEUNTIL", "CHECKREAD", "CHECKWRITE", "LLRPC", "HELP"};
    struct text answers = {0};
    char line[32];

    (void)state;
    feed(&answers, "HELP\n", 5, 5);
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(line, sizeof line, "\r\n200-%s ", names[i]);
        assert_non_null(strstr(text_string(&answers), line));
    }
    assert_non_null(strstr(text_string(&answers), "\r\n200 QUIT "));
    text_free(&answers);
}

/* ---- bounds ---- */

static void feed_many(size_t n, char c, struct text *answers)
{
    char block[4096];

    memset(block, c, sizeof block);
    while (n) {
        size_t give = n < sizeof block ? n : sizeof block;

        feed(answers, block, give, give);
        n -= give;
        assert_true(memory.used <= COMMAND_MAX);
        assert_true(session.in.capacity <= 2 * COMMAND_MAX);
    }
}

static void test_endless_lines(void **state)
{
    struct text answers = {0};

    (void)state;
    feed_many(100 << 20, 'x', &answers);
    assert_int_equal(memory.used, 0);
    feed(&answers, "\nREAD echo\n", 11, 11);
    assert_string_equal(text_string(&answers),
                        "521 Command too long\r\n" READ_OK "DATA 0\r\n");
    text_free(&answers);
}

static void test_too_much_data_is_skipped(void **state)
{
    struct text answers = {0};
    char line[64];
    int n = snprintf(line, sizeof line, "WRITEDATA store %d\n", COMMAND_MAX + 1);

    (void)state;
    feed(&answers, line, (size_t)n, (size_t)n);
    feed_many(COMMAND_MAX + 1, '\n', &answers);
    assert_string_equal(text_string(&answers), "521 Data too large for handler 'store'\r\n");
    text_truncate(&answers, 0);
    feed(&answers, "WRITEUNTIL store END\n", 21, 21);
    feed_many(3 * COMMAND_MAX, '\n', &answers);
    feed(&answers, "END \nREAD echo\n", 15, 1);
    assert_string_equal(text_string(&answers), "521 Data too large for handler 'store'\r\n" READ_OK
                                               "DATA 0\r\n");
    assert_int_equal(calls_made, 1);
    text_free(&answers);
}

static void test_as_much_data_as_allowed(void **state)
{
    struct text answers = {0};
    char line[64];
    int n = snprintf(line, sizeof line, "WRITEDATA store %d\n", COMMAND_MAX);

    (void)state;
    feed(&answers, line, (size_t)n, (size_t)n);
    feed_many(COMMAND_MAX, 'y', &answers);
    assert_string_equal(text_string(&answers), WRITE_OK);
    assert_int_equal(stored.length, COMMAND_MAX);
    text_free(&answers);
}

static void test_memory_is_shared(void **state)
{
    enum { SIZE = COMMAND_FREE + 90 };
    struct control_session other;
    struct text answers = {0};
    char line[64], block[SIZE] = {0};
    int n = snprintf(line, sizeof line, "WRITEDATA store %d\n", SIZE);

    (void)state;
    memory.max = 100;
    control_session_init(&other, &toy, &stored, &memory);
    feed(&answers, line, (size_t)n, 1);
    feed_many(SIZE - 1, 'z', &answers);
    assert_int_equal(memory.used, 89);
    assert_int_equal(control_session_input(&other, line, (size_t)n), n);
    assert_int_equal(control_session_input(&other, block, SIZE), SIZE);
    assert_int_equal(control_session_input(&other, "READ echo x\n", 12), 12);
    assert_string_equal(text_string(&other.out),
                        CONTROL_GREETING "521 Data too large for handler 'store'\r\n" READ_OK
                                         "DATA 1\r\nx");
    control_session_free(&other);
    feed_many(1, 'z', &answers);
    assert_string_equal(text_string(&answers), WRITE_OK);
    text_free(&answers);
}

/* Half a command goes on under another context, and counts there. */
static void test_a_session_moves(void **state)
{
    enum { SIZE = COMMAND_FREE + 90 };
    struct control_memory elsewhere = {COMMAND_MAX, COMMAND_FREE, 0, 10};
    struct text answers = {0};
    char line[64];
    int n = snprintf(line, sizeof line, "WRITEDATA store %d\n", SIZE);

    (void)state;
    feed(&answers, line, (size_t)n, 1);
    feed_many(SIZE - 1, 'z', &answers);
    control_session_move(&session, &stored, &elsewhere);
    assert_int_equal(memory.used, 0);
    assert_int_equal(elsewhere.used, 89);
    feed(&answers, "zREAD echo\n", 11, 11);
    assert_int_equal(elsewhere.used, 0);
    assert_string_equal(text_string(&answers), "521 Data too large for handler 'store'\r\n" READ_OK
                                               "DATA 0\r\n");
    text_free(&answers);
    control_session_move(&session, &stored, &memory);
}

static void test_who_does_not_read_is_not_heard(void **state)
{
    static const char line[] = "READ big\nREAD echo\n";
    size_t n, took = control_session_input(&session, line, sizeof line - 1);

    (void)state;
    assert_int_equal(took, 9);
    assert_false(control_session_listens(&session));
    assert_int_equal(control_session_input(&session, line + took, 10), 0);
    control_session_output(&session, &n);
    assert_true(n > CONTROL_OUTPUT_HIGH && n < CONTROL_OUTPUT_HIGH + 100);
    control_session_sent(&session, n - CONTROL_OUTPUT_HIGH);
    assert_int_equal(control_session_input(&session, line + took, 10), 0);
    control_session_sent(&session, 1);
    assert_int_equal(control_session_input(&session, line + took, 10), 10);
    assert_int_equal(calls_made, 2);
}

/* Sent in pieces of odd sizes, the output is what it would have been at once. */
static void test_output_in_pieces(void **state)
{
    struct text whole = {0};
    size_t n, at = 0, piece = 1;
    const char *output;

    (void)state;
    control_session_input(&session, "READ big\n", 9);
    output = control_session_output(&session, &n);
    text_add(&whole, output, n);
    while (output = control_session_output(&session, &n), n) {
        size_t take = piece < n ? piece : n;

        assert_memory_equal(output, whole.s + at, take);
        control_session_sent(&session, take);
        at += take;
        piece = piece * 2 + 1;
    }
    assert_int_equal(at, whole.length);
    text_free(&whole);
}

static void test_one_command_at_a_time(void **state)
{
    (void)state;
    assert_int_equal(control_session_input(&session, "READ echo\nREAD echo\n", 20), 10);
    assert_int_equal(calls_made, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(test_reads),
        TEST(test_data_may_be_any_bytes),
        TEST(test_data_up_to_a_line),
        TEST(test_writes),
        TEST(test_checks),
        TEST(test_llrpc_is_refused),
        TEST(test_bad_commands),
        TEST(test_the_end_of_input),
        TEST(test_quit),
        TEST(test_help_names_every_command),
        TEST(test_endless_lines),
        TEST(test_too_much_data_is_skipped),
        TEST(test_as_much_data_as_allowed),
        TEST(test_memory_is_shared),
        TEST(test_a_session_moves),
        TEST(test_who_does_not_read_is_not_heard),
        TEST(test_output_in_pieces),
        TEST(test_one_command_at_a_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
