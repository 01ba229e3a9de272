// SPDX-License-Identifier: BSD-2-Clause
/* netfront_report_test.c - each line is one fact, under a name that no other has; counts are those of the queues. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/netfront_report.c"

unsigned netfront_rx_posted(const struct netfront_queue *queue)
{
    return queue->rx.req_prod_pvt;
}

unsigned netfront_tx_under_way(const struct netfront_queue *queue)
{
    return queue->tx.req_prod_pvt;
}

void netfront_modes_format(unsigned modes, struct text *out)
{
    text_printf(out, "modes %u", modes);
}

void netfront_features_format(unsigned set, struct text *out)
{
    text_printf(out, "features %u", set);
}

void netfront_multicast_format(const struct netfront_groups *groups, struct text *out)
{
    text_printf(out, "groups %u", groups->n);
}

static struct vif vif;

static void assert_line(const char *text, const char *line)
{
    const char *at = strstr(text, line);

    if (!at || (at > text && at[-1] != '\n') || at[strlen(line)] != '\n')
        fail_msg("no line '%s' in:\n%s", line, text);
}

static void test_lines(void **state)
{
    struct netfront_counts *counts = &vif.queue[0].counts;
    struct text out = {0};

    (void)state;
    vif = (struct vif){ .number = 7, .mac = { 0, 0x16, 0x3e, 1, 2, 255 }, .mtu = 1500, .up = true, .connections = 2,
                        .takes = 3, .gives = 5, .groups.n = 6 };
    vif.queue[0].rx.req_prod_pvt = 256;
    vif.queue[0].tx.req_prod_pvt = 3;
    vif.queue[0].rx_reference = 9;
    vif.queue[0].own_grants = 3;
    vif.queue[0].modes = 6;
    counts->rx_packets = 18446744073709551615ull;
    counts->drops[DROP_NOBODY] = 5;
    counts->drops[DROP_TX_BACKEND_ERROR] = 6;
    counts->notified[NETFRONT_RX] = 10;
    counts->notified[NETFRONT_TX] = 20;
    counts->batches[NETFRONT_TX][6] = 11;
    netfront_report(&vif, &out);
    const char *const lines[] = {
        "7 state up", "7 mac 00:16:3e:01:02:ff", "7 mtu 1500", "7 connections 2", "7 rx_posted 256", "7 tx_under_way 3",
        "7 grants_in_use 4", "7 modes modes 6", "7 rx_packets 18446744073709551615", "7 rx_drops.nobody 5", "7 tx_drops.backend_error 6",
        "7 rx_drops.backend_error 0", "7 tx_drops.short 0", "7 notifications_sent 30", "7 notifications_sent.rx 10",
        "7 takes features 3", "7 gives features 5", "7 multicast groups 6", "7 notifications_sent.tx 20", "7 rx_batch.1 0", "7 tx_batch.64 11", "7 breaks 0", "7 last_break -",
    };
    for (unsigned i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_line(text_string(&out), lines[i]);
    text_free(&out);
}

/* Why a vif was shut, at the time and later. */
static void test_broken(void **state)
{
    struct text out = {0};

    (void)state;
    vif = (struct vif){ .number = 1, .broken = true, .broken_by = "answered a request twice", .breaks = 3 };
    netfront_report(&vif, &out);
    assert_line(text_string(&out), "1 state broken: the backend answered a request twice");
    text_free(&out);
    vif.broken = false;
    vif.up = true;
    netfront_report(&vif, &out);
    assert_line(text_string(&out), "1 state up");
    assert_line(text_string(&out), "1 gref_mapping -");
    assert_line(text_string(&out), "1 breaks 3");
    assert_line(text_string(&out), "1 last_break answered a request twice");
    text_free(&out);
}

/* Whoever reads the lines goes by their names. */
static void test_names_are_unique_words(void **state)
{
    struct text out = {0};
    char name[64], other[64];

    (void)state;
    vif = (struct vif){ .number = 0 };
    netfront_report(&vif, &out);
    for (const char *line = text_string(&out); *line; line = strchr(line, '\n') + 1) {
        assert_int_equal(sscanf(line, "0 %63[a-z0-9_.] %*[^\n]", name), 1);
        for (const char *next = strchr(line, '\n') + 1; *next; next = strchr(next, '\n') + 1) {
            assert_int_equal(sscanf(next, "0 %63[a-z0-9_.] ", other), 1);
            assert_string_not_equal(name, other);
        }
    }
    text_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_names_are_unique_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
