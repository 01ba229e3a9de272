// SPDX-License-Identifier: BSD-2-Clause
/*
 * ip_address_list.c - argument types for lists of addresses; see ip_address_list.h.
 */
#include "elements/ip/ip_address_list.h"

#include <stdlib.h>

#include "router/element.h"

static bool add(struct ip_address_list *list, uint32_t address)
{
    uint32_t *grown = realloc(list->address, (list->n + 1) * sizeof *grown);

    if (!grown)
        return false;
    list->address = grown;
    list->address[list->n++] = address;
    return true;
}

static void release_list(void *value)
{
    struct ip_address_list *list = value;

    free(list->address);
    *list = (struct ip_address_list){0};
}

static bool parse_list(const struct arg_context *context, const char *text, void *value)
{
    struct ip_address_list list = {0};
    struct words words;
    uint32_t address;
    bool ok = words_split_spaces(&words, text) == 0;

    for (unsigned i = 0; ok && i < words.n; i++)
        ok = args_read_ip(context->element, words.word[i], &address) && add(&list, address);
    words_free(&words);
    if (ok)
        *(struct ip_address_list *)value = list;
    else
        release_list(&list);
    return ok;
}

static void format_list(const void *value, struct text *out)
{
    const struct ip_address_list *list = value;
    char buffer[16];

    for (uint32_t i = 0; i < list->n; i++)
        text_printf(out, "%s%s", i ? " " : "", args_format_ip(buffer, list->address[i]));
}

const struct arg_type arg_ip_address_list = {
    .name = "IP addresses", .size = sizeof(struct ip_address_list),
    .parse = parse_list, .format = format_list, .release = release_list,
};

static void release_interfaces(void *value)
{
    struct ip_interfaces *interfaces = value;

    release_list(&interfaces->broadcast);
    release_list(&interfaces->own);
    release_list(&interfaces->mask);
}

static bool parse_interfaces(const struct arg_context *context, const char *text, void *value)
{
    struct ip_interfaces i = {0};
    struct arg_prefix prefix;
    struct words words;
    bool ok = words_split_spaces(&words, text) == 0;

    for (unsigned w = 0; ok && w < words.n; w++)
        ok = args_read_prefix(context->element, words.word[w], &prefix) &&
             add(&i.broadcast, prefix.address | ~prefix.mask) && add(&i.own, prefix.address) &&
             add(&i.mask, prefix.mask);
    words_free(&words);
    ok = ok && add(&i.broadcast, 0) && add(&i.broadcast, 0xFFFFFFFF);
    if (ok)
        *(struct ip_interfaces *)value = i;
    else
        release_interfaces(&i);
    return ok;
}

static void format_interfaces(const void *value, struct text *out)
{
    const struct ip_interfaces *interfaces = value;

    for (uint32_t i = 0; i < interfaces->own.n; i++) {
        if (i)
            text_putc(out, ' ');
        args_format_prefix(out, interfaces->own.address[i], interfaces->mask.address[i]);
    }
}

const struct arg_type arg_ip_interfaces = {
    .name = "IP addresses with prefixes", .size = sizeof(struct ip_interfaces),
    .parse = parse_interfaces, .format = format_interfaces, .release = release_interfaces,
};
