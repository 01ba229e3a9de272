// SPDX-License-Identifier: BSD-2-Clause
/*
 * checksum_test.c - the fast sum against the definition: every length from 0 to 300 at every
 * alignment of a word, bytes that make carries, chains, the transport form, updates.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "router/checksum.h"

/* RFC 1071's definition, a byte pair at a time, in the frame's byte order. */
static uint16_t naive(const uint8_t *data, size_t length)
{
    uint32_t sum = 0;
    uint16_t result;

    for (size_t i = 0; i < length; i += 2) {
        sum += (uint32_t)data[i] << 8 | (i + 1 < length ? data[i + 1] : 0);
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    be16_put(&result, (uint16_t)~sum);
    return result;
}

static uint32_t random_state = 12345;

static uint8_t random_byte(void)
{
    random_state = random_state * 1664525 + 1013904223;
    return (uint8_t)(random_state >> 24);
}

enum fill { FILL_RANDOM, FILL_ONES, FILL_ZEROS, FILLS };

static void fill(uint8_t *to, size_t n, enum fill how)
{
    for (size_t i = 0; i < n; i++)
        to[i] = how == FILL_RANDOM ? random_byte() : how == FILL_ONES ? 0xFF : 0;
}

static void every_length_and_alignment(void **state)
{
    (void)state;
    for (int how = 0; how < FILLS; how++) {
        for (size_t length = 0; length <= 300; length++) {
            for (size_t start = 0; start < 8; start++) {
                /* malloc'ed to the byte, so that ASan sees a read too far. */
                uint8_t *room = malloc(start + length + 1);

                assert_non_null(room);
                room = realloc(room, start + length ? start + length : 1);
                fill(room, start + length, how);
                assert_int_equal(checksum_of(room + start, length), naive(room + start, length));
                free(room);
            }
        }
    }
}

static void long_ranges(void **state)
{
    static const size_t lengths[] = {1459, 1460, 1500, 9000, 65534, 65535};
    uint8_t *room = malloc(65536);

    (void)state;
    assert_non_null(room);
    for (int how = 0; how < FILLS; how++) {
        fill(room, 65536, how);
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
            assert_int_equal(checksum_of(room + 1, lengths[i]), naive(room + 1, lengths[i]));
    }
    free(room);
}

static void chains_give_the_sum_of_the_whole(void **state)
{
    uint8_t data[400];

    (void)state;
    for (int how = 0; how < FILLS; how++) {
        fill(data, sizeof data, how);
        for (size_t cut = 0; cut <= sizeof data; cut += 2) {
            uint64_t sum = checksum_add(0, data, cut);

            sum = checksum_add(sum, data + cut, sizeof data - cut);
            assert_int_equal(checksum_fold(sum), naive(data, sizeof data));
        }
    }
    /* A sum that arrives full must lose no carry. */
    fill(data, sizeof data, FILL_ONES);
    assert_int_equal(checksum_fold(checksum_add(UINT64_MAX, data, 100)), naive(data, 100));
}

static void header_form(void **state)
{
    /* The example that RFC 1071 readers know: 4500 0073 ... has checksum b861. */
    static const uint8_t known[20] = {0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
                                      0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7};
    uint8_t header[20 + 3];

    (void)state;
    assert_int_equal(checksum_of(known, 20), 0);
    assert_int_equal(checksum_of_20(known), 0);
    for (int i = 0; i < 10000; i++) {
        fill(header, sizeof header, i ? FILL_RANDOM : FILL_ONES);
        assert_int_equal(checksum_of_20(header + i % 4), naive(header + i % 4, 20));
    }
}

static void transport_form(void **state)
{
    (void)state;
    for (size_t length = 8; length < 200; length++) {
        struct ip_header ip;
        uint8_t whole[12 + 200];

        fill((uint8_t *)&ip, sizeof ip, FILL_RANDOM);
        fill(whole + 12, length, FILL_RANDOM);
        memcpy(whole, &ip.src, 4);
        memcpy(whole + 4, &ip.dst, 4);
        whole[8] = 0;
        whole[9] = ip.protocol;
        be16_put(whole + 10, (uint16_t)length);
        assert_int_equal(checksum_transport(&ip, whole + 12, length), naive(whole, 12 + length));
    }
}

static void updates_agree_with_recomputing(void **state)
{
    uint8_t data[40];

    (void)state;
    for (int i = 0; i < 20000; i++) {
        uint16_t old, from16, to16;
        uint32_t from, to;
        size_t at = 4 * (random_byte() % 10u);

        fill(data, sizeof data, FILL_RANDOM);
        data[0] |= 1;               /* an all-zero range is the one case where they may differ */
        old = checksum_of(data, sizeof data);
        memcpy(&from, data + at, 4);
        fill(data + at, 4, FILL_RANDOM);
        data[0] |= 1;
        memcpy(&to, data + at, 4);
        assert_int_equal(checksum_update32(old, from, to), naive(data, sizeof data));

        old = checksum_of(data, sizeof data);
        memcpy(&from16, data + 20, 2);
        fill(data + 20, 2, FILL_RANDOM);
        memcpy(&to16, data + 20, 2);
        assert_int_equal(checksum_update(old, from16, to16), naive(data, sizeof data));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_and_alignment),
        cmocka_unit_test(long_ranges),
        cmocka_unit_test(chains_give_the_sum_of_the_whole),
        cmocka_unit_test(header_form),
        cmocka_unit_test(transport_form),
        cmocka_unit_test(updates_agree_with_recomputing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
