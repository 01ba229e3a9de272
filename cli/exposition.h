// SPDX-License-Identifier: BSD-2-Clause
/*
 * exposition.h - what was observed as metrics, in Prometheus' text format 0.0.4
 * (prometheus.io/docs/instrumenting/exposition_formats).
 *
 * Metrics come from a table of those we know, so that a guest cannot add any; values are whole numbers that it
 * cannot but write, and label values are quoted.
 */
#ifndef CLI_EXPOSITION_H
#define CLI_EXPOSITION_H

#include "cli/observe.h"
#include "router/text.h"

#define EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

void exposition_write(const struct observation *observation, struct text *out);

#endif
