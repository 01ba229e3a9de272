// SPDX-License-Identifier: BSD-2-Clause
/*
 * ip_name_info.c - IPNameInfo(): stands for the names of IP protocols, ports, ICMP types.
 *
 * They are always there (router/names.c); the class exists because Click has it, and
 * configurations have no use for it.
 */
#include "router/element.h"

ELEMENT_CLASS(ip_name_info) = {
    .name = "IPNameInfo", .ports = PORTS_0_0, .processing = AGNOSTIC,
    .size = sizeof(struct element), .phase = PHASE_INFO,
    .group = "ip", .purpose = "stands for the well-known names of protocols, ports and ICMP types",
    .manual = "Those names are always there; a configuration need not mention this element.",
};
