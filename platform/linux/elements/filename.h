// SPDX-License-Identifier: BSD-2-Clause
/*
 * filename.h - the type of arguments that name files: struct arg_string, quotes removed, not empty. "~/" in
 * front stands for the home folder of whoever runs the program.
 */
#ifndef PLATFORM_LINUX_ELEMENTS_FILENAME_H
#define PLATFORM_LINUX_ELEMENTS_FILENAME_H

#include "router/args.h"

extern const struct arg_type arg_filename;

#endif
