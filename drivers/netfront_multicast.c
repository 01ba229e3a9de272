// SPDX-License-Identifier: BSD-2-Clause
/*
 * netfront_multicast.c - which multicasts a backend hands over: all, or those to groups that it was told of.
 *
 * A router wants all, and so it is by default. Who wants few saves the guest a wake-up for each of the others. Broadcasts
 * come in any case. Groups are told through the send ring (netif.h: XEN_NETIF_EXTRA_TYPE_MCAST_ADD and _DEL), before the
 * backend is asked to filter, so that none of theirs is missed in between.
 */
#include <string.h>

#include "drivers/netfront.h"
#include "router/args.h"

static const char separators[] = ", \t\n";

/* The word at *text, which then is what follows it. */
static bool parse_address(const char **text, uint8_t address[6])
{
    char word[18];
    size_t length = strcspn(*text, separators);

    if (length >= sizeof word)
        return false;
    memcpy(word, *text, length);
    word[length] = '\0';
    if (!args_read_ether(NULL, word, address))
        return false;
    *text += length;
    return true;
}

static bool is_all(const char *text)
{
    return !strncmp(text, "all", 3) && !text[3 + strspn(text + 3, separators)];
}

bool netfront_multicast_parse(const char *text, struct netfront_groups *groups, struct errors *errors)
{
    struct netfront_groups g = { .filter = true };

    text += strspn(text, separators);
    if (is_all(text)) {
        *groups = (struct netfront_groups){ .filter = false };
        return true;
    }
    if (!strncmp(text, "none", 4) && !text[4 + strspn(text + 4, separators)])
        text += strlen(text);
    else if (!*text)
        return errors_add(errors, NULL, "expected all, none, or group addresses such as 01:00:5e:00:00:05"), false;
    while (*text) {
        uint8_t *address = g.address[g.n];

        if (g.n == NETFRONT_GROUPS_MAX)
            return errors_add(errors, NULL, "at most %d groups", NETFRONT_GROUPS_MAX), false;
        if (!parse_address(&text, address) || !(address[0] & 1)) {
            errors_add(errors, NULL, "expected all, none, or group addresses such as 01:00:5e:00:00:05, got '%.32s'", text);
            return false;
        }
        g.n++;
        text += strspn(text, separators);
    }
    *groups = g;
    return true;
}

void netfront_multicast_format(const struct netfront_groups *groups, struct text *out)
{
    if (!groups->filter || groups->n == 0)
        text_puts(out, groups->filter ? "none" : "all");
    for (unsigned i = 0; i < groups->n; i++) {
        char mac[18];

        text_printf(out, "%s%s", i ? "," : "", args_format_mac(mac, groups->address[i]));
    }
}

static bool has(const struct netfront_groups *groups, const uint8_t address[6])
{
    for (unsigned i = 0; i < groups->n; i++)
        if (!memcmp(groups->address[i], address, 6))
            return true;
    return false;
}

/* Of those groups, the ones that are not among the others. False: the connection ended. */
static bool tell(struct vif *vif, uint8_t type, const struct netfront_groups *groups, const struct netfront_groups *others)
{
    for (unsigned i = 0; i < groups->n; i++) {
        struct netif_extra_info extra = { .type = type };

        if (has(others, groups->address[i]))
            continue;
        memcpy(extra.u.mcast.addr, groups->address[i], sizeof extra.u.mcast.addr);
        while (!netfront_describe(&vif->queue[0], &extra)) {
            if (!vif->up)
                return false;
            thread_sleep_until(time_now() + 10000000);      /* the ring is full */
        }
    }
    return true;
}

/* A backend that does not filter may know of some all the same. */
bool netfront_multicast_tell(struct vif *vif)
{
    struct netfront_groups wanted = vif->groups, *told = &vif->groups_told;     /* the first may change while we sleep */

    vif->groups_changed = false;
    if (!wanted.filter) {
        told->filter = false;
        return true;
    }
    if (!tell(vif, XEN_NETIF_EXTRA_TYPE_MCAST_DEL, told, &wanted) ||
        !tell(vif, XEN_NETIF_EXTRA_TYPE_MCAST_ADD, &wanted, told))
        return false;
    *told = wanted;
    return true;
}
