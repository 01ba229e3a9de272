// SPDX-License-Identifier: BSD-2-Clause
/* version.h - what we call ourselves, and the version of Click whose language and elements we speak. */
#ifndef ROUTER_VERSION_H
#define ROUTER_VERSION_H

#define CLICKOS_VERSION "0.1.0"
#define CLICK_VERSION "2.0.1"

#endif
