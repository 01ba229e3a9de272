// SPDX-License-Identifier: BSD-2-Clause
/* packet_test.c - the pool, clones, room at both ends; the pool is full again after each test. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "router/packet.h"

enum { LIMIT = 128 };

static int setup(void **state)
{
    (void)state;
    return packet_pool_init(16, LIMIT);
}

static int teardown(void **state)
{
    uint32_t held = packet_pool_in_use();

    (void)state;
    packet_pool_destroy();
    return held != 0;
}

static void test_make_and_free(void **state)
{
    struct packet *p = packet_make(10, "hello", 5, 7);

    (void)state;
    assert_non_null(p);
    assert_int_equal(packet_headroom(p), 10);
    assert_int_equal(p->length, 5);
    assert_true(packet_tailroom(p) >= 7);
    assert_memory_equal(p->data, "hello", 5);
    assert_null(p->network);
    assert_int_equal(packet_dst_ip(p), 0);
    assert_int_equal(packet_pool_in_use(), 1);
    packet_free(p);
    assert_int_equal(packet_pool_in_use(), 0);
}

static void test_a_clone_shares_bytes_but_not_marks(void **state)
{
    struct packet *p = packet_make(32, "abcdef", 6, 0), *clone;

    (void)state;
    packet_set_dst_ip(p, 42);
    clone = packet_clone(p);
    assert_non_null(clone);
    assert_ptr_equal(clone->data, p->data);
    assert_true(packet_is_shared(p) && packet_is_shared(clone));
    packet_pull(clone, 2);
    packet_set_dst_ip(clone, 7);
    assert_int_equal(p->length, 6);
    assert_int_equal(packet_dst_ip(p), 42);

    /* A writer gets bytes of its own; the annotations come along. */
    clone = packet_writable(clone);
    assert_non_null(clone);
    clone->data[0] = 'X';
    assert_memory_equal(p->data, "abcdef", 6);
    assert_int_equal(packet_dst_ip(clone), 7);
    assert_false(packet_is_shared(p));
    packet_free(clone);
    packet_free(p);
}

static void test_a_clone_outlives_its_original(void **state)
{
    struct packet *p = packet_make(0, "abc", 3, 0), *first = packet_clone(p),
                  *second = packet_clone(first);

    (void)state;
    packet_free(p);
    assert_memory_equal(second->data, "abc", 3);
    packet_free(first);
    assert_memory_equal(second->data, "abc", 3);
    assert_false(packet_is_shared(second));
    packet_free(second);
}

static void test_push_beyond_the_headroom_moves_marks(void **state)
{
    struct packet *p = packet_make(4, "0123456789", 10, 0);

    (void)state;
    p->network = p->data + 3;
    p = packet_push(p, 100);
    assert_non_null(p);
    assert_int_equal(p->length, 110);
    assert_memory_equal(p->data + 100, "0123456789", 10);
    assert_ptr_equal(p->network, p->data + 103);
    p = packet_put(p, 20);
    assert_non_null(p);
    assert_int_equal(p->length, 130);
    assert_memory_equal(p->data + 100, "0123456789", 10);
    packet_free(p);
}

/* The Ethernet header that Strip left in front is still what the mac mark says, or the mark is gone. */
static void test_bytes_in_the_headroom_move_along(void **state)
{
    for (uint32_t more = 0; more < 2100; more += 50) {
        struct packet *p = packet_make(20, "ethernetIP", 10, 0);

        (void)state;
        p->mac = p->data;
        packet_pull(p, 8);
        p->network = p->data;
        p = packet_put(p, more);
        assert_non_null(p);
        assert_memory_equal(p->network, "IP", 2);
        if (p->mac)
            assert_memory_equal(p->mac, "ethernetIP", 10);
        else
            assert_true(more > 1500);
        packet_free(p);
    }
}

static void test_push_onto_a_shared_packet_copies(void **state)
{
    struct packet *p = packet_make(64, "payload", 7, 0), *clone = packet_clone(p);

    (void)state;
    clone = packet_push(clone, 14);
    assert_non_null(clone);
    memset(clone->data, 0xAA, 14);
    assert_ptr_not_equal(clone->owner, p);
    assert_memory_equal(clone->data + 14, "payload", 7);
    assert_memory_equal(p->data, "payload", 7);
    packet_free(p);
    packet_free(clone);
}

static void test_an_empty_pool_answers_null(void **state)
{
    struct packet *held[LIMIT + 1];
    struct packet_pool_stats stats;
    unsigned n = 0;

    (void)state;
    while (n <= LIMIT && (held[n] = packet_new()))
        n++;
    assert_int_equal(n, LIMIT);
    packet_pool_stats(&stats);
    assert_int_equal(stats.failures, 1);
    assert_int_equal(stats.total, LIMIT);
    while (n)
        packet_free(held[--n]);
    assert_non_null(held[0] = packet_new());
    packet_free(held[0]);
}

static struct packet_pool_stats stats(void)
{
    struct packet_pool_stats s;

    packet_pool_stats(&s);
    return s;
}

static struct packet *long_packet(uint32_t tailroom)
{
    struct packet *p = packet_make(64, NULL, 60000, tailroom);

    assert_non_null(p);
    memset(p->data, 1, p->length);
    return p;
}

static void test_a_long_packet_has_a_large_buffer(void **state)
{
    struct packet *p = long_packet(0), *clone = packet_clone(p);
    uint8_t *head = p->head;

    (void)state;
    packet_free(p);
    assert_int_equal(stats().large_total, 1);
    assert_int_equal(stats().large_free, 0);
    packet_free(clone);
    assert_int_equal(stats().large_free, 1);
    p = long_packet(0);
    assert_ptr_equal(p->head, head);
    assert_int_equal(stats().large_total, 1);
    packet_free(p);
    assert_null(packet_make(0, NULL, PACKET_LENGTH_MAX + 1, 0));
}

/* Beyond what a large buffer holds, and when all of these are in use. */
static void test_then_it_comes_from_the_heap(void **state)
{
    struct packet *p = long_packet(PACKET_LARGE_CAPACITY), *held[1000];
    unsigned n = 0;

    (void)state;
    assert_int_equal(stats().heap, 1);
    packet_free(p);
    assert_int_equal(stats().heap, 0);
    while (stats().heap == 0)
        held[n++] = long_packet(0);
    assert_int_equal(stats().large_free, 0);
    assert_int_equal(stats().large_total, n - 1);
    while (n > 0)
        packet_free(held[--n]);
    assert_int_equal(stats().heap, 0);
    assert_int_equal(stats().large_free, stats().large_total);
}

/* What a device left to do goes with the bytes: to clones and copies, and not to the next user of the struct. */
static void test_what_is_unfinished_stays_so(void **state)
{
    struct packet *p = packet_make(64, "abcd", 4, 0), *clone, *copy;

    (void)state;
    p->flags |= PACKET_F_BLANK;
    p->segment_size = 1000;
    assert_true(packet_is_plain(p));
    clone = packet_clone(p);
    assert_int_equal(clone->segment_size, 1000);
    assert_true(clone->flags & PACKET_F_BLANK);
    copy = packet_push(clone, 1);
    assert_ptr_not_equal(copy, clone);
    assert_int_equal(copy->segment_size, 1000);
    assert_true(copy->flags & PACKET_F_BLANK);
    packet_free(copy);
    packet_free(p);
    clone = packet_new();
    assert_ptr_equal(clone, p);
    assert_false(clone->flags & PACKET_F_BLANK);
    assert_int_equal(clone->segment_size, 0);
    packet_free(clone);
}

/* Random operations against a plain copy of what the packet should hold. */
static void test_random_edits(void **state)
{
    uint8_t model[4096];

    (void)state;
    srand(7);
    for (int round = 0; round < 300; round++) {
        uint32_t length = 1 + (uint32_t)rand() % 200, start = 2000;
        struct packet *p, *other = NULL;

        for (uint32_t i = 0; i < length; i++)
            model[start + i] = (uint8_t)rand();
        p = packet_make((uint32_t)rand() % 80, model + start, length, (uint32_t)rand() % 80);
        assert_non_null(p);
        for (int step = 0; step < 20; step++) {
            uint32_t n = (uint32_t)rand() % 60;

            switch (rand() % 5) {
            case 0:
                p = packet_push(p, n);
                start -= n;
                length += n;
                for (uint32_t i = 0; i < n; i++)
                    p->data[i] = model[start + i] = (uint8_t)rand();
                break;
            case 1:
                n = n < length ? n : length;
                packet_pull(p, n);
                start += n;
                length -= n;
                break;
            case 2:
                p = packet_put(p, n);
                for (uint32_t i = 0; i < n; i++)
                    p->data[length + i] = model[start + length + i] = (uint8_t)rand();
                length += n;
                break;
            case 3:
                n = n < length ? n : length;
                packet_take(p, n);
                length -= n;
                break;
            case 4:
                if (other)
                    packet_free(other);
                other = packet_clone(p);
                break;
            }
            assert_int_equal(p->length, length);
            assert_memory_equal(p->data, model + start, length);
        }
        if (other)
            packet_free(other);
        packet_free(p);
    }
}

/* ---- several threads ---- */

enum { PASSED = 200000, RING = 64 };

static struct packet *ring[RING];

/* Frees what comes, and passes it on between times as a loop would. */
static void *consume(void *unused)
{
    platform_thread = 1;
    assert_true(packet_pool_join());
    for (unsigned i = 0; i < PASSED; i++) {
        struct packet *p;

        while (!(p = __atomic_exchange_n(&ring[i % RING], NULL, __ATOMIC_ACQUIRE)))
            sched_yield();
        assert_memory_equal(p->data, &i, sizeof i);
        packet_free(p);
        if (i % 16 == 0)
            packet_pool_exchange();
    }
    packet_pool_leave();
    return unused;
}

/* Every third one is a clone, whose original is freed here while it is freed there. */
static void test_packets_come_back_from_another_thread(void **state)
{
    struct packet_pool_stats stats;
    pthread_t thread;

    (void)state;
    packet_pool_destroy();
    assert_int_equal(packet_pool_init(16, 1024), 0);
    assert_true(packet_pool_share(2));
    assert_int_equal(pthread_create(&thread, NULL, consume, NULL), 0);
    for (unsigned i = 0; i < PASSED; i++) {
        struct packet *p, *clone = NULL;

        while (!(p = packet_make(64, &i, sizeof i, 0)))
            sched_yield();
        if (i % 3 == 0)
            clone = packet_clone(p);
        while (__atomic_load_n(&ring[i % RING], __ATOMIC_RELAXED))
            sched_yield();
        __atomic_store_n(&ring[i % RING], clone ? clone : p, __ATOMIC_RELEASE);
        if (clone)
            packet_free(p);
        packet_pool_exchange();
    }
    pthread_join(thread, NULL);
    packet_pool_stats(&stats);
    assert_int_equal(packet_pool_in_use(), 0);
    assert_int_equal(stats.free, stats.total);
    assert_true(stats.total <= 1024);
    assert_true(stats.shells_total <= 1024);
}

static void test_clones_are_made_and_freed_together(void **state)
{
    struct packet *p = packet_make(0, "abc", 3, 0), *q = packet_make(0, "def", 3, 0), *made[8];

    (void)state;
    assert_int_equal(packet_clone_many(p, made, 4), 4);
    assert_int_equal(packet_clone_many(made[3], made + 4, 2), 2);
    made[6] = q;
    made[7] = p;
    assert_int_equal(packet_free_alike(made, 8), 6);
    assert_false(packet_is_shared(p));
    assert_int_equal(packet_pool_in_use(), 2);
    assert_int_equal(packet_free_alike(made + 6, 2), 1);
    assert_int_equal(packet_free_alike(made + 7, 1), 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_make_and_free),
        TEST(test_a_clone_shares_bytes_but_not_marks),
        TEST(test_a_clone_outlives_its_original),
        TEST(test_push_beyond_the_headroom_moves_marks),
        TEST(test_bytes_in_the_headroom_move_along),
        TEST(test_push_onto_a_shared_packet_copies),
        TEST(test_an_empty_pool_answers_null),
        TEST(test_a_long_packet_has_a_large_buffer), TEST(test_then_it_comes_from_the_heap),
        TEST(test_what_is_unfinished_stays_so),
        TEST(test_random_edits),
        TEST(test_clones_are_made_and_freed_together),
        TEST(test_packets_come_back_from_another_thread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
