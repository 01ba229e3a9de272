// SPDX-License-Identifier: BSD-2-Clause
/*
 * icmp_names.h - what ICMP elements know about types and codes.
 */
#ifndef ELEMENTS_ICMP_NAMES_H
#define ELEMENTS_ICMP_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "router/element.h"

/* An error message, which must never be answered with another (RFC 1812, 4.3.2.7). */
bool icmp_is_error(unsigned type);
/* A code by number or, for types that have them, by name. */
bool icmp_code_read(const struct element *scope, unsigned type, const char *text, uint32_t *code);
/* Or NULL. */
const char *icmp_code_name(unsigned type, unsigned code);

extern const struct arg_type
    arg_icmp_type,                  /* uint32_t: a number or a name */
    arg_icmp_error_type;            /* uint32_t: of an error message */

#endif
