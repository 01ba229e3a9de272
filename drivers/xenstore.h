// SPDX-License-Identifier: BSD-2-Clause
/*
 * xenstore.h - the guest's client of xenstore.
 *
 * - Paths are relative to the guest's own ("device/vif/0/mac") or absolute.
 * - Every call blocks its thread until the answer is there, others run meanwhile; any number of
 *   threads may wait at once. 0 or a negative errno: the store's own, -EIO when the other side breaks
 *   the protocol (then every later call fails at once), -ETIMEDOUT when it does not answer.
 * - What is read was written by somebody else. It is bounded (4,096 bytes), nothing more.
 */
#ifndef DRIVERS_XENSTORE_H
#define DRIVERS_XENSTORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `ring` NULL: there is no store, every call fails with -ENODEV. */
int xenstore_init(void *ring, uint32_t port);

/* *value is malloc'ed: `*length` bytes and a NUL. `length` may be NULL. */
int xenstore_read(const char *path, char **value, size_t *length);
/* Into a buffer, cut at its size, always ended by NUL. */
int xenstore_read_text(const char *path, char *buffer, size_t size);
/* A decimal number and nothing else; -EINVAL otherwise. */
int xenstore_read_number(const char *path, uint64_t *number);
int xenstore_write(const char *path, const char *value, size_t length);
int xenstore_printf(const char *path, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Children's names, each ended by NUL, one after the other: free(*names). */
int xenstore_directory(const char *path, char **names, size_t *length);
int xenstore_remove(const char *path);
int xenstore_mkdir(const char *path);
/* "n5": domain 5 owns it, nobody else (but dom0) may look. */
int xenstore_set_permissions(const char *path, const char *permissions);

/*
 * Calls `changed` with the path that changed, whenever something at or below `path` does, and once
 * at the start. It is called between threads: it must not block. The handle, or a negative errno.
 */
typedef void xenstore_changed(void *argument, const char *path);
int xenstore_watch(const char *path, xenstore_changed *changed, void *argument);
void xenstore_unwatch(int handle);

/* Writes without waiting for room or answer: a crash's last words. */
void xenstore_post(const char *path, const char *value);

#endif
