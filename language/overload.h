// SPDX-License-Identifier: BSD-2-Clause
/*
 * overload.h - which of a compound's definitions fits a use, and what its parameters become.
 */
#ifndef LANGUAGE_OVERLOAD_H
#define LANGUAGE_OVERLOAD_H

#include "language/syntax.h"
#include "router/args.h"

/* A use of a compound class. */
struct use {
    const struct words *arguments;
    unsigned n_inputs, n_outputs;
    struct landmark *landmark;
};

/*
 * The definition for a use, with `*values` (one for each formal, in the tree's arena). NULL: either
 * `*primitive` is the class that `...` ended at, or nothing fits, which was reported.
 */
const struct syntax_body *overload_choose(struct syntax *syntax, const struct syntax_class *class,
                                          const struct use *use, const char ***values,
                                          const struct syntax_class **primitive);

#endif
