// SPDX-License-Identifier: BSD-2-Clause
/*
 * netfront_mark.h - an instruction that does nothing but to be seen by netfront_count.c: a long no-operation with
 * an address that spells "mark".
 */
#ifndef BENCH_NETFRONT_MARK_H
#define BENCH_NETFRONT_MARK_H

#define MARK_BYTES 0x0f, 0x1f, 0x80, 'm', 'a', 'r', 'k'

#endif
