// SPDX-License-Identifier: BSD-2-Clause
/*
 * control_socket.h - how a ControlSocket's TCP port is written: in a configuration, and behind --port.
 *
 * PORT, a number or a name; ADDRESS:PORT; and either with a + behind it: that port or, when others have
 * it, one of the next.
 */
#ifndef LINUX_ELEMENTS_CONTROL_SOCKET_H
#define LINUX_ELEMENTS_CONTROL_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

struct element;

struct control_port {
    bool has_address;
    uint32_t address;                   /* network order */
    uint16_t port;
    bool or_next;
};

/* Names of addresses and ports are looked up as `scope` sees them; it may be NULL. */
bool control_port_read(const struct element *scope, const char *text, struct control_port *port);

#endif
