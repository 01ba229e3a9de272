// SPDX-License-Identifier: BSD-2-Clause
/* exposition_test.c - Prometheus' text format, from VMs that behave and from those that do not. */
#include "cli/exposition.h"
#include "tests/running.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static struct observed_vm vm(const char *name, uint32_t domid, const char *vifs)
{
    return (struct observed_vm){
        .name = name, .there = true, .answers = true, .vifs = figures_read(vifs, true),
        .domain = {.domid = domid, .pv = true, .state = STATE_RUNNING, .memory_kb = 4096, .cpu_ns = 1500000000},
        .share = {.cap = 25, .weight = 256},
    };
}

static char *written(struct observed_vm *vms, unsigned n)
{
    struct observation o = {.took_ns = 12000000, .n = n, .vms = vms};
    struct text out = {0};

    exposition_write(&o, &out);
    for (unsigned i = 0; i < n; i++) {
        figures_free(&vms[i].vifs);
        figures_free(&vms[i].memory);
        figures_free(&vms[i].resources);
    }
    return text_take(&out);
}

static void has(const char *text, const char *lines)
{
    if (!strstr(text, lines))
        fail_msg("no\n%s\nin\n%s", lines, text);
}

static void test_a_vm(void **state)
{
    struct observed_vm one = vm("fw", 3, "0 state up\n0 mac 00:16:3e:00:00:01\n0 modes poll,gru,fr\n0 rx_packets 18\n0 mtu 1500\n"
                                         "0 rx_drops.no_buffer 3\n0 rx_drops.nobody 4\n0 rx_batch.1 5\n0 rx_batch.2 2\n0 rx_batch.16 1\n"
                                         "0 notifications_sent 9\n0 notifications_sent.rx 9\n1 state down\n1 rx_packets 0\n1 new_thing 7\n");
    char *text;

    (void)state;
    one.n_instances = instances_read("0 Running 3 12\n7 Stopped 1 2\n", one.instances);
    one.memory = figures_read("total 3543040\npackets 252\npacket_failures 0\nunheard_of 1\n", false);
    one.resources = figures_read("grants_free 12\n", false);
    text = written(&one, 1);
    has(text, "# HELP clickos_up Whether the VM is there and answered in time.\n# TYPE clickos_up gauge\nclickos_up{vm=\"fw\"} 1\n");
    has(text, "\nclickos_scrape_duration_seconds 0.012\n");
    has(text, "\nclickos_domain_info{vm=\"fw\",domid=\"3\",type=\"pv\"} 1\n");
    has(text, "\nclickos_domain_state{vm=\"fw\",domid=\"3\",state=\"running\"} 1\n"
              "clickos_domain_state{vm=\"fw\",domid=\"3\",state=\"paused\"} 0\n");
    has(text, "# TYPE clickos_domain_cpu_seconds_total counter\nclickos_domain_cpu_seconds_total{vm=\"fw\",domid=\"3\"} 1.5\n");
    has(text, "\nclickos_domain_memory_bytes{vm=\"fw\",domid=\"3\"} 4194304\n");
    has(text, "\nclickos_domain_cpu_cap_ratio{vm=\"fw\",domid=\"3\"} 0.25\n");
    has(text, "\nclickos_instance_state{vm=\"fw\",domid=\"3\",instance=\"7\",state=\"Running\"} 0\n"
              "clickos_instance_state{vm=\"fw\",domid=\"3\",instance=\"7\",state=\"Stopped\"} 1\n");
    has(text, "\nclickos_instance_generation{vm=\"fw\",domid=\"3\",instance=\"0\"} 3\n");
    has(text, "\nclickos_memory_size_bytes{vm=\"fw\",domid=\"3\"} 3543040\n");
    has(text, "\nclickos_packet_pool_failures_total{vm=\"fw\",domid=\"3\"} 0\n");
    has(text, "\nclickos_grants_free{vm=\"fw\",domid=\"3\"} 12\n");
    has(text, "\nclickos_vif_up{vm=\"fw\",domid=\"3\",vif=\"0\"} 1\nclickos_vif_up{vm=\"fw\",domid=\"3\",vif=\"1\"} 0\n");
    has(text, "\nclickos_vif_info{vm=\"fw\",domid=\"3\",vif=\"0\",mac=\"00:16:3e:00:00:01\",modes=\"poll,gru,fr\"} 1\n"
              "clickos_vif_info{vm=\"fw\",domid=\"3\",vif=\"1\"} 1\n");
    has(text, "counter\nclickos_vif_receive_packets_total{vm=\"fw\",domid=\"3\",vif=\"0\"} 18\n"
              "clickos_vif_receive_packets_total{vm=\"fw\",domid=\"3\",vif=\"1\"} 0\n");
    has(text, "\nclickos_vif_receive_drops_total{vm=\"fw\",domid=\"3\",vif=\"0\",reason=\"no_buffer\"} 3\n");
    has(text, "\nclickos_vif_notifications_sent_total{vm=\"fw\",domid=\"3\",vif=\"0\",direction=\"rx\"} 9\n");
    has(text, "# TYPE clickos_vif_receive_batch_packets histogram\n"
              "clickos_vif_receive_batch_packets_bucket{vm=\"fw\",domid=\"3\",vif=\"0\",le=\"1\"} 5\n"
              "clickos_vif_receive_batch_packets_bucket{vm=\"fw\",domid=\"3\",vif=\"0\",le=\"2\"} 7\n"
              "clickos_vif_receive_batch_packets_bucket{vm=\"fw\",domid=\"3\",vif=\"0\",le=\"16\"} 8\n"
              "clickos_vif_receive_batch_packets_bucket{vm=\"fw\",domid=\"3\",vif=\"0\",le=\"+Inf\"} 8\n"
              "clickos_vif_receive_batch_packets_sum{vm=\"fw\",domid=\"3\",vif=\"0\"} 22\n"
              "clickos_vif_receive_batch_packets_count{vm=\"fw\",domid=\"3\",vif=\"0\"} 8\n");
    assert_null(strstr(text, "new_thing"));
    assert_null(strstr(text, "unheard_of"));
    free(text);
}

static void test_a_vm_that_is_not_there(void **state)
{
    struct observed_vm two[] = {{.name = "gone"}, vm("silent", 4, "")};
    char *text;

    (void)state;
    two[1].answers = false;
    text = written(two, 2);
    has(text, "clickos_up{vm=\"gone\"} 0\nclickos_up{vm=\"silent\"} 0\n");
    has(text, "clickos_domain_cpu_seconds_total{vm=\"silent\",domid=\"4\"} 1.5\n");
    assert_null(strstr(strstr(text, "gone") + 1, "gone"));
    free(text);
}

/* "name", maybe "{label="value",...}", a blank and a number. */
static void is_sample(const char *line, size_t n)
{
    const char *s = line, *end = line + n;

    for (; isalnum((unsigned char)*s) || *s == '_'; s++)
        ;
    if (*s == '{')
        for (char separator = '{'; *s == separator; separator = ',') {
            for (s++; isalpha((unsigned char)*s); s++)
                ;
            assert_int_equal(*s++, '=');
            assert_int_equal(*s++, '"');
            for (; *s != '"'; s++) {
                assert_true((unsigned char)*s >= ' ' && *s != 0x7f);
                if (*s == '\\')
                    assert_non_null(memchr("\\\"n", *++s, 3));
            }
            s++;
        }
    if (*s == '}')
        s++;
    assert_int_equal(*s++, ' ');
    assert_true(s < end && strspn(s, "0123456789.e+") == (size_t)(end - s));
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Well-formed, and no sample twice. */
static void is_exposition(char *text)
{
    char *samples[4000], *saved = NULL;
    unsigned n = 0;

    assert_int_equal(text[strlen(text) - 1], '\n');
    for (char *line = strtok_r(text, "\n", &saved); line; line = strtok_r(NULL, "\n", &saved)) {
        if (!strncmp(line, "# HELP clickos_", 15) || !strncmp(line, "# TYPE clickos_", 15))
            continue;
        is_sample(line, strlen(line));
        assert_true(n < 4000);
        *strrchr(line, ' ') = '\0';
        samples[n++] = line;
    }
    qsort(samples, n, sizeof *samples, compare_lines);
    for (unsigned i = 1; i < n; i++)
        assert_string_not_equal(samples[i - 1], samples[i]);
}

static void test_names_and_guests_that_would_break_it(void **state)
{
    struct observed_vm three[] = {
        vm("a\"b\\c\nd\x1b[2J", 1,
           "0 state up\"} 1\n0 mac \\\"\n0 modes a\\\n0 rx_packets 1\n0 rx_packets 2\n0 rx_packets.x 3\n0 rx_drops 4\n"
           "0 rx_batch.1 18446744073709551615\n0 rx_batch.2 5\n0 rx_batch.02 5\n0 rx_batch.x 9\n0 rx_batch.2x 9\n0 rx_batch.10 1\n"
           "0 rx_batch 3\n0 tx_batch.0 1\n00 state up\n000 rx_batch.1 3\n0 tx_packets up\n0 rx_bytes 1e9\n0 mtu\n"),
        vm("\xff\xc2\x9b\xc3\xa9", 2, "1 rx_batch.x 1\n1 rx_drops.a 1\n1 rx_drops.a 2\n"),
        vm("", 3, ""),
    };
    char *text = written(three, 3);

    (void)state;
    has(text, "clickos_up{vm=\"a\\\"b\\\\c\\nd\\\\x1b[2J\"} 1\n");
    has(text, "clickos_vif_info{vm=\"a\\\"b\\\\c\\nd\\\\x1b[2J\",domid=\"1\",vif=\"0\",mac=\"\\\\\\\"\",modes=\"a\\\\\"} 1\n");
    has(text, "le=\"1\"} 18446744073709551615\n");
    has(text, "le=\"2\"} 18446744073709551615\n");
    is_exposition(text);
    free(text);
}

int main(void)
{
    return RUN_TESTS(TEST(test_a_vm), TEST(test_a_vm_that_is_not_there), TEST(test_names_and_guests_that_would_break_it));
}
