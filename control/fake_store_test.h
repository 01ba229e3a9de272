// SPDX-License-Identifier: BSD-2-Clause
/*
 * fake_store_test.h - xenstore in memory, for tests of both ends of the protocol.
 *
 * A tree has two connections: dom0's and the guest's. It keeps xenstore's rules that can hurt: a
 * payload of 4,096 bytes with its path, and for the guest 1,000 nodes of its own, each of at most
 * 2,048 bytes with its children's names. Changes queue up as events for the guest's watch, the same
 * path once, as xenstored does.
 */
#ifndef CONTROL_FAKE_STORE_TEST_H
#define CONTROL_FAKE_STORE_TEST_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/store.h"

enum { FAKE_PAYLOAD = 4096, FAKE_ENTRY = 2048, FAKE_NODES = 1000, FAKE_EVENTS = 4096 };

struct fake_node {
    struct fake_node *next;
    char *path, *value;
    size_t length;
    bool guests;                    /* counts against the guest's quota */
};

struct fake_tree {
    struct fake_node *nodes;
    char *watched;
    char *events[FAKE_EVENTS];
    unsigned n_events;
    unsigned guest_nodes;
    unsigned operations;
    unsigned fail_after;            /* guest writes fail with -ENOSPC when this reaches 0; 0: never */
};

struct fake_store {
    struct store store;
    struct fake_tree *tree;
    bool guest;
};

static inline struct fake_store *fake_of(struct store *store)
{
    return (struct fake_store *)store;
}

static inline struct fake_node *fake_find(struct fake_tree *tree, const char *path)
{
    struct fake_node *n = tree->nodes;

    while (n && strcmp(n->path, path))
        n = n->next;
    return n;
}

static inline bool fake_below(const char *path, const char *top)
{
    size_t n = strlen(top);

    return !strncmp(path, top, n) && (!path[n] || path[n] == '/');
}

static inline void fake_event(struct fake_tree *tree, const char *path)
{
    if (!tree->watched || !fake_below(path, tree->watched))
        return;
    for (unsigned i = 0; i < tree->n_events; i++)
        if (!strcmp(tree->events[i], path))
            return;
    if (tree->n_events < FAKE_EVENTS)
        tree->events[tree->n_events++] = strdup(path);
}

static inline size_t fake_entry_size(struct fake_tree *tree, const char *path)
{
    struct fake_node *node = fake_find(tree, path);
    size_t size = 40 + (node ? node->length : 0), n = strlen(path);

    for (struct fake_node *child = tree->nodes; child; child = child->next)
        if (fake_below(child->path, path) && child->path[n] == '/' && !strchr(child->path + n + 1, '/'))
            size += strlen(child->path + n + 1) + 1;
    return size;
}

static inline int fake_write(struct store *store, const char *path, const char *value, size_t length)
{
    struct fake_store *fake = fake_of(store);
    struct fake_tree *tree = fake->tree;
    struct fake_node *node = fake_find(tree, path);
    char *slash, *parent;

    tree->operations++;
    if (strlen(path) + 20 + length > FAKE_PAYLOAD)
        return -E2BIG;
    if (fake->guest && tree->fail_after && !--tree->fail_after)
        return -ENOSPC;
    if (fake->guest && (length + 40 > FAKE_ENTRY || (!node && tree->guest_nodes >= FAKE_NODES)))
        return -ENOSPC;
    if (!node) {
        parent = strdup(path);
        slash = strrchr(parent, '/');
        if (slash) {
            *slash = '\0';
            if (!fake_find(tree, parent)) {
                int error = fake_write(store, parent, "", 0);

                if (error) {
                    free(parent);
                    return error;
                }
            }
            if (fake->guest && fake_entry_size(tree, parent) + strlen(path) - strlen(parent) > FAKE_ENTRY) {
                free(parent);
                return -ENOSPC;
            }
        }
        free(parent);
        node = calloc(1, sizeof *node);
        node->path = strdup(path);
        node->guests = fake->guest;
        tree->guest_nodes += node->guests;
        node->next = tree->nodes;
        tree->nodes = node;
    }
    free(node->value);
    node->value = malloc(length + 1);
    memcpy(node->value, value, length);
    node->value[length] = '\0';
    node->length = length;
    fake_event(tree, path);
    return 0;
}

static inline int fake_read(struct store *store, const char *path, char **value, size_t *length)
{
    struct fake_node *node = fake_find(fake_of(store)->tree, path);

    fake_of(store)->tree->operations++;
    if (!node)
        return -ENOENT;
    *value = malloc(node->length + 1);
    memcpy(*value, node->value, node->length + 1);
    *length = node->length;
    return 0;
}

static inline int fake_directory(struct store *store, const char *path, char ***names, unsigned *n)
{
    struct fake_tree *tree = fake_of(store)->tree;
    size_t length = strlen(path);
    unsigned count = 0;

    if (!fake_find(tree, path))
        return -ENOENT;
    for (struct fake_node *node = tree->nodes; node; node = node->next)
        count++;
    *names = calloc(count + 1, sizeof **names);
    *n = 0;
    for (struct fake_node *node = tree->nodes; node; node = node->next)
        if (fake_below(node->path, path) && node->path[length] && !strchr(node->path + length + 1, '/'))
            (*names)[(*n)++] = strdup(node->path + length + 1);
    return 0;
}

static inline int fake_remove(struct store *store, const char *path)
{
    struct fake_tree *tree = fake_of(store)->tree;
    bool found = false;

    for (struct fake_node **at = &tree->nodes; *at; ) {
        struct fake_node *node = *at;

        if (!fake_below(node->path, path)) {
            at = &node->next;
            continue;
        }
        found = true;
        *at = node->next;
        tree->guest_nodes -= node->guests;
        free(node->path);
        free(node->value);
        free(node);
    }
    if (found)
        fake_event(tree, path);
    return 0;
}

static inline int fake_watch(struct store *store, const char *path)
{
    struct fake_tree *tree = fake_of(store)->tree;

    tree->watched = strdup(path);
    fake_event(tree, path);
    return 0;
}

static inline int fake_private_directory(struct store *store, const char *path)
{
    return fake_write(store, path, "", 0);
}

static inline struct fake_store fake_connection(struct fake_tree *tree, bool guest)
{
    return (struct fake_store){
        {fake_read, fake_write, fake_directory, fake_remove, fake_watch, fake_private_directory}, tree, guest,
    };
}

/* The oldest event, malloc'ed; NULL: none. */
static inline char *fake_next_event(struct fake_tree *tree)
{
    char *first = tree->n_events ? tree->events[0] : NULL;

    if (first)
        memmove(tree->events, tree->events + 1, --tree->n_events * sizeof *tree->events);
    return first;
}

static inline void fake_free(struct fake_tree *tree)
{
    char *event;

    while ((event = fake_next_event(tree)))
        free(event);
    while (tree->nodes) {
        struct fake_node *next = tree->nodes->next;

        free(tree->nodes->path);
        free(tree->nodes->value);
        free(tree->nodes);
        tree->nodes = next;
    }
    free(tree->watched);
    *tree = (struct fake_tree){0};
}

#endif
