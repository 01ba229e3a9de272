// SPDX-License-Identifier: BSD-2-Clause
/*
 * rate_meter.h - how much a second, as an exponentially weighted moving average.
 *
 * Events of one millisecond are summed up; each millisecond that ended moves the average a
 * 16th of the way towards its sum (Click's parameters at user level). Fixed point with
 * RATE_METER_SCALE fraction bits.
 */
#ifndef STANDARD_RATE_METER_H
#define STANDARD_RATE_METER_H

#include <stdint.h>

#include "router/text.h"

enum { RATE_METER_SCALE = 10, RATE_METER_SHIFT = 4 };

struct rate_meter {
    uint64_t epoch;             /* milliseconds */
    uint64_t current;           /* events in this epoch */
    uint64_t average;           /* per epoch, scaled */
};

/* Adds what another meter counted in the same time, and empties that one. */
void rate_meter_collect(struct rate_meter *to, struct rate_meter *from);

/* Moves on to the epoch of now_ns; slow, called once a millisecond at most. */
void rate_meter_advance(struct rate_meter *meter, uint64_t epoch);

static inline void rate_meter_add(struct rate_meter *meter, uint64_t epoch, uint64_t events)
{
    if (__builtin_expect(epoch != meter->epoch, 0))
        rate_meter_advance(meter, epoch);
    meter->current += events;
}

/* Per second, times `factor`, as a decimal number. */
void rate_meter_format(const struct rate_meter *meter, unsigned factor, struct text *out);

#endif
