// SPDX-License-Identifier: BSD-2-Clause
/* rate_meter.c - how much a second; see rate_meter.h. */
#include "elements/standard/rate_meter.h"

/* Rounded by half a step, so that averages of steady rates reach them. */
static uint64_t move(uint64_t average, uint64_t events)
{
    uint64_t target = (events << RATE_METER_SCALE) + (1 << (RATE_METER_SHIFT - 1));

    return average + (uint64_t)((int64_t)(target - average) >> RATE_METER_SHIFT);
}

void rate_meter_advance(struct rate_meter *meter, uint64_t epoch)
{
    uint64_t idle = epoch - meter->epoch - 1;

    if ((int64_t)(epoch - meter->epoch) <= 0)       /* another thread has told it of a later one */
        return;
    meter->average = move(meter->average, meter->current);
    meter->current = 0;
    meter->epoch = epoch;
    if (idle >= 100)
        meter->average = 0;
    else
        while (idle-- && meter->average)
            meter->average = move(meter->average, 0);
}

/* Averages of sums are sums of averages, when both are of the same time. */
void rate_meter_collect(struct rate_meter *to, struct rate_meter *from)
{
    if ((int64_t)(from->epoch - to->epoch) > 0)
        rate_meter_advance(to, from->epoch);
    else if (from->epoch != to->epoch)
        rate_meter_advance(from, to->epoch);
    to->current += from->current;
    to->average += from->average;
    from->current = from->average = 0;
}

void rate_meter_format(const struct rate_meter *meter, unsigned factor, struct text *out)
{
    const uint64_t one = 1 << RATE_METER_SCALE;
    uint64_t scaled = meter->average * 1000 * factor, fraction;
    char digits[8];
    int n = 0;

    /* Four digits tell fractions of 2^-10 apart; zeros at the end say nothing. */
    fraction = ((scaled & (one - 1)) * 10000 + one / 2) >> RATE_METER_SCALE;
    scaled >>= RATE_METER_SCALE;
    if (fraction == 10000) {
        scaled++;
        fraction = 0;
    }
    text_printf(out, "%llu", (unsigned long long)scaled);
    if (!fraction)
        return;
    for (uint64_t unit = 1000; fraction; unit /= 10) {
        digits[n++] = (char)('0' + fraction / unit);
        fraction %= unit;
    }
    text_putc(out, '.');
    text_add(out, digits, (size_t)n);
}
