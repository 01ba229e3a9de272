// SPDX-License-Identifier: BSD-2-Clause
/*
 * store.h - the few things that both ends of the control protocol ask of xenstore.
 *
 * Three answers exist: the guest's xenstore client, libxenstore in the command (cli/), and a
 * store in memory for tests. Every function returns 0 or a negative errno (-ENOENT: no such
 * node). What comes out of a store was written by somebody else: check it.
 */
#ifndef CONTROL_STORE_H
#define CONTROL_STORE_H

#include <stddef.h>

struct store {
    /* *value is malloc'ed, `*length` bytes and a NUL. */
    int (*read)(struct store *store, const char *path, char **value, size_t *length);
    int (*write)(struct store *store, const char *path, const char *value, size_t length);
    /* Names of the children, malloc'ed; free with store_names_free(). */
    int (*directory)(struct store *store, const char *path, char ***names, unsigned *n);
    /* The node with all below it; a node that is not there is no error. */
    int (*remove)(struct store *store, const char *path);
    /*
     * From now on a change at or below `path` is reported to whoever runs the loop, `path` itself
     * at once. One watch is all that the guest uses.
     */
    int (*watch)(struct store *store, const char *path);
    /* An empty node that only we may write: its later children inherit that. */
    int (*private_directory)(struct store *store, const char *path);
};

void store_names_free(char **names, unsigned n);

#endif
