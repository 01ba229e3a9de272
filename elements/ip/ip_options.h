// SPDX-License-Identifier: BSD-2-Clause
/*
 * ip_options.h - walking the options of an IPv4 header (RFC 791, 3.1).
 *
 *     unsigned at = 0;
 *     while (ip_options_next(options, length, &at, &option)) ...
 *
 * `length` is that of the option area, the header length less 20. Padding is skipped. The walk
 * ends at the end-of-list option, at the end, or at an option whose length is wrong;
 * option.bad tells the last.
 */
#ifndef ELEMENTS_IP_OPTIONS_H
#define ELEMENTS_IP_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum {
    IP_OPTION_END = 0, IP_OPTION_NOP = 1, IP_OPTION_RECORD_ROUTE = 7, IP_OPTION_TIMESTAMP = 68,
    IP_OPTION_LOOSE_ROUTE = 131, IP_OPTION_STRICT_ROUTE = 137,
    IP_OPTION_COPIED = 0x80,        /* the flag: goes into every fragment */
    IP_OPTIONS_MAX = 40,            /* bytes */
};

struct ip_option {
    uint8_t type;
    unsigned at;                    /* from the beginning of the options */
    unsigned length;                /* 2 or more, with type and length bytes; inside the options */
    bool bad;                       /* no such option: the length at `at` + 1 is wrong */
};

static inline bool ip_options_next(const uint8_t *options, unsigned length, unsigned *next,
                                   struct ip_option *option)
{
    unsigned at = *next;

    option->bad = false;
    while (at < length && options[at] == IP_OPTION_NOP)
        at++;
    if (at >= length || options[at] == IP_OPTION_END)
        return false;
    option->type = options[at];
    option->at = at;
    option->length = at + 1 < length ? options[at + 1] : 0;
    if (option->length < 2 || option->length > length - at) {
        option->bad = true;
        return false;
    }
    *next = at + option->length;
    return true;
}

#endif
