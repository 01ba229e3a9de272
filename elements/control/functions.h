// SPDX-License-Identifier: BSD-2-Clause
/*
 * functions.h - what scripts compute with: each function is a read handler that takes its
 * arguments, words with spaces between them, as parameter.
 *
 * - Numbers are integers of 64 bits or decimal fractions; a calculation is one of integers as long as
 *   all its words are. Integers wrap around.
 * - Truth is `true` or `false`; what a configuration takes for a boolean is understood.
 * - A word that makes no sense is an error, and there is no value.
 * Only those of the last two lines look at the element; the others may be called with NULL.
 */
#ifndef CONTROL_FUNCTIONS_H
#define CONTROL_FUNCTIONS_H

#include "router/element.h"

handler_read_function function_add, function_sub, function_min, function_max, function_mul,
    function_div, function_idiv, function_mod, function_rem, function_neg, function_abs;
handler_read_function function_eq, function_ne, function_lt, function_le, function_gt, function_ge;
handler_read_function function_not, function_and, function_or, function_nand, function_nor,
    function_if, function_in;
handler_read_function function_first, function_length, function_unquote, function_sprintf;
handler_read_function function_htons, function_htonl, function_ntohs, function_ntohl;
handler_read_function function_random, function_now, function_cat, function_catq, function_kill;
handler_read_function function_readable, function_writable;

#endif
