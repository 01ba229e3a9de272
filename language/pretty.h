// SPDX-License-Identifier: BSD-2-Clause
/*
 * pretty.h - a configuration in one canonical, readable form; comments and meaning stay.
 *
 * - One statement a line, four spaces for each brace or group that spans lines, ` -> ` and ` :: `
 *   spaced, ports close to their element, at most one blank line in a row. A chain that is broken before
 *   an arrow stays broken there. Configuration strings stay as written.
 * - A text already in that form comes out unchanged.
 * - For texts that language_parse() takes; of others it finds only what is wrong with tokens and
 *   brackets. False, with errors added and nothing written to `out`, then or without memory.
 */
#ifndef LANGUAGE_PRETTY_H
#define LANGUAGE_PRETTY_H

#include <stdbool.h>
#include <stddef.h>

#include "router/errors.h"
#include "router/text.h"

bool language_pretty(const char *text, size_t length, const char *filename, struct text *out,
                     struct errors *errors);

#endif
