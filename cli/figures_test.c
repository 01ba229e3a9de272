// SPDX-License-Identifier: BSD-2-Clause
/* figures_test.c - what a VM says about itself, and what a hostile one might. */
#include "cli/figures.h"
#include "tests/running.h"

#include <stdlib.h>
#include <string.h>

static void is(const char *text, bool vifs, int vif, const char *wanted, unsigned unreadable)
{
    struct figures figures = figures_read(text, vifs);
    json_t *json = figures_json(&figures, vif);
    char *dump = json_dumps(json, JSON_COMPACT);

    assert_string_equal(dump, wanted);
    assert_int_equal(figures.unreadable, unreadable);
    free(dump);
    json_decref(json);
    figures_free(&figures);
}

static void test_lines(void **state)
{
    static const char vifs[] = "0 state up\n0 mac 00:16:3e:00:00:01\n0 rx_packets 12345\n0 rx_drops.no_buffer 3\n"
                               "1 state closed\n0 modes poll,gru,fr\n0 rx_batch.64 1\n0 rx_batch.1 7\n0 rx_batch.16 2\n"
                               "1 tx_bytes 18446744073709551615";

    (void)state;
    is(vifs, true, 0,
       "{\"mac\":\"00:16:3e:00:00:01\",\"modes\":\"poll,gru,fr\",\"rx_batch.1\":7,\"rx_batch.16\":2,\"rx_batch.64\":1,"
       "\"rx_drops.no_buffer\":3,\"rx_packets\":12345,\"state\":\"up\"}", 0);
    /* JSON's integers end before Xen's. */
    is(vifs, true, 1, "{\"state\":\"closed\",\"tx_bytes\":\"18446744073709551615\"}", 0);
    is(vifs, true, 2, "{}", 0);
    is("grants_free 12\nmore than_one word\n", false, FIGURE_NO_VIF, "{\"grants_free\":12,\"more\":\"than_one word\"}", 0);
    is("", true, 0, "{}", 0);
}

static void test_find(void **state)
{
    struct figures f = figures_read("3 b.2 20\n3 b 7\n0 a 1\n3 b.10 30\n3 b.x 40\n3 c up\n", true);

    (void)state;
    assert_int_equal(figures_find(&f, 3, "b", "10")->value, 30);
    assert_int_equal(figures_find(&f, 3, "b", "x")->value, 40);
    assert_int_equal(figures_find(&f, 3, "b", "2")->value, 20);
    assert_int_equal(figures_number(&f, 3, "b"), 7);
    assert_int_equal(figures_number(&f, 0, "a"), 1);
    assert_int_equal(figures_number(&f, 3, "c"), 0);
    /* One order, whatever the names: else what was said twice would stand twice. */
    figures_free(&f);
    f = figures_read("0 a.2 1\n0 a.10 2\n0 a.1x 3\n0 a.2 4\n0 a.01 5\n0 a.1x 6\n0 a.10 7\n0 a 8\n", true);
    assert_int_equal(f.n, 5);
    assert_int_equal(f.unreadable, 3);
    assert_int_equal(figures_find(&f, 0, "a", "1x")->value, 3);
    assert_int_equal(figures_find(&f, 0, "a", "")->value, 8);
    assert_null(figures_find(&f, 0, "b", ""));
    assert_null(figures_find(&f, 4, "z", "z"));
    figures_free(&f);
}

static void test_what_a_guest_might_send(void **state)
{
    static const char *const lines[] = {
        "0", "0 ", "0 x", "0 x ", "x 1", " 0 x 1", "-1 x 1", "256 x 1", "0000 x 1", "0 X 1", "0 x. 1", "0 .x 1", "0 x.y.z 1",
        "0  x 1", "0 x\t1", "0 x 1\r", "0 x \x1b[2J", "0 x \x9b", "0 x caf\xc3\xa9", "0 x{vm=\"a\"} 1", "0 x \x7f",
        "0 abcdefghijklmnopqrstuvwxyzabcdef 1", "0 x.abcdefghijklmnopqrstuvwxyzabcdef 1", "99999999999999999999 x 1",
        "0 x 1234567890123456789012345678901234567890123456789012345678901234"
        "1234567890123456789012345678901234567890123456789012345678901234", "",
    };

    (void)state;
    for (unsigned i = 0; i < sizeof lines / sizeof *lines; i++) {
        char text[200];

        snprintf(text, sizeof text, "%s\n0 good 1", lines[i]);
        is(text, true, 0, "{\"good\":1}", 1);
    }
    /* Said twice, it counts the first time; not a number, it is text. */
    is("0 x 1\n0 y 2\n0 x 3\n", true, 0, "{\"x\":1,\"y\":2}", 1);
    is("0 x 99999999999999999999999\n0 y -1\n0 z 1.5\n", true, 0, "{\"x\":\"99999999999999999999999\",\"y\":\"-1\",\"z\":\"1.5\"}", 0);
    /* The name's last character before the line's end is not read past. */
    is("0 x\n1 1", true, 0, "{}", 2);
}

static void test_bounded(void **state)
{
    char *text = malloc(16 * (FIGURES_MAX + 100)), *end = text;
    struct figures f;

    (void)state;
    for (unsigned i = 0; i < FIGURES_MAX + 100; i++)
        end += sprintf(end, "%u n%u 1\n", i % 250, i);
    f = figures_read(text, true);
    assert_int_equal(f.n, FIGURES_MAX);
    assert_int_equal(f.unreadable, 100);
    figures_free(&f);
    /* The same over and over. */
    end = text;
    for (unsigned i = 0; i < FIGURES_MAX + 100; i++)
        end += sprintf(end, "0 a.b %u\n", i);
    f = figures_read(text, true);
    assert_int_equal(f.n, 1);
    assert_int_equal(f.figure->value, 0);
    figures_free(&f);
    free(text);
}

static void test_instances(void **state)
{
    struct instance list[INSTANCES_MAX];

    (void)state;
    assert_int_equal(instances_read("0 Running 3 12\n63 Stopped 18 1\n", list), 2);
    assert_int_equal(list[1].id, 63);
    assert_string_equal(list[1].status, "Stopped");
    assert_int_equal(list[0].elements, 12);
    assert_int_equal(instances_read("", list), 0);
    assert_int_equal(instances_read("0 \x1b[2J 1 1\n", list), 0);
    assert_int_equal(instances_read("0 Running 1 1\n0 Running 1 1\n", list), 1);
    assert_int_equal(instances_read("1 Running 1 1\n64 Running 1 1\n", list), 1);
    assert_int_equal(instances_read("99999999999 Running 1 1\n", list), 0);
    assert_int_equal(instances_read("0 Running", list), 0);
}

int main(void)
{
    return RUN_TESTS(TEST(test_lines), TEST(test_find), TEST(test_what_a_guest_might_send), TEST(test_bounded),
                     TEST(test_instances));
}
