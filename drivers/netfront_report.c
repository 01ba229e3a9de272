// SPDX-License-Identifier: BSD-2-Clause
/*
 * netfront_report.c - what a vif is and has counted, as text: lines "VIF NAME VALUE".
 *
 * One table has the names, by which commands and handlers know them; docs/netfront.md says what they mean.
 * Counts go on when the vif is connected again, and are the sum over its queues.
 */
#include "drivers/netfront.h"
#include "router/args.h"

static const char *const drop_names[DROP_REASONS] = {
    [DROP_NO_BUFFER] = "no_buffer",
    [DROP_NOBODY] = "nobody",
    [DROP_BACKEND_ERROR] = "backend_error",
    [DROP_BAD_SLOT] = "bad_slot",
    [DROP_CHAINED] = "chained",
    [DROP_BAD_EXTRA] = "bad_extra",
    [DROP_BLANK_CHECKSUM] = "blank_checksum",
    [DROP_SHORT] = "short",
    [DROP_TX_SHORT] = "short",
    [DROP_TX_LONG] = "long",
    [DROP_TX_NO_GRANT] = "no_grant",
    [DROP_TX_BACKEND_ERROR] = "backend_error",
    [DROP_TX_NO_ROOM] = "no_room",
    [DROP_TX_UNFINISHED] = "unfinished",
};

static const char *const direction_names[NETFRONT_DIRECTIONS] = { "rx", "tx" };

static const char *const size_names[NETFRONT_BATCH_SIZES] = { "1", "2", "4", "8", "16", "32", "64" };
_Static_assert(1 << (NETFRONT_BATCH_SIZES - 1) == BATCH_MAX, "a name for each size");

/* ---- what is not a count ---- */

static void add_state(const struct vif *vif, struct text *out)
{
    if (vif->broken)
        text_printf(out, "broken: the backend %s", vif->broken_by);
    else
        text_puts(out, vif->up ? "up" : vif->gone ? "gone" : "down");
}

static void add_breaks(const struct vif *vif, struct text *out)
{
    text_printf(out, "%llu", (unsigned long long)vif->breaks);
}

static void add_last_break(const struct vif *vif, struct text *out)
{
    text_printf(out, "%s", vif->broken_by ? vif->broken_by : "-");
}

static void add_mac(const struct vif *vif, struct text *out)
{
    char mac[18];

    text_puts(out, args_format_mac(mac, vif->mac));
}

static void add_mtu(const struct vif *vif, struct text *out)
{
    text_printf(out, "%u", vif->mtu);
}

static void add_modes(const struct vif *vif, struct text *out)
{
    netfront_modes_format(vif->queue[0].modes, out);
}

static void add_takes(const struct vif *vif, struct text *out)
{
    netfront_features_format(vif->takes, out);
}

static void add_gives(const struct vif *vif, struct text *out)
{
    netfront_features_format(vif->gives, out);
}

static void add_multicast(const struct vif *vif, struct text *out)
{
    netfront_multicast_format(&vif->groups, out);
}

static void add_connections(const struct vif *vif, struct text *out)
{
    text_printf(out, "%llu", (unsigned long long)vif->connections);
}

static void add_gref_mapping(const struct vif *vif, struct text *out)
{
    static const char *const states[] = {
        [NETFRONT_CONTROL_NONE] = "-",
        [NETFRONT_CONTROL_UNSUPPORTED] = "unsupported",
        [NETFRONT_CONTROL_UNANSWERED] = "unanswered",
        [NETFRONT_CONTROL_REFUSED] = "refused",
    };

    if (vif->control.state == NETFRONT_CONTROL_MAPPED)
        text_printf(out, "%u", vif->control.mapped);
    else
        text_puts(out, states[vif->control.state]);
}

static void add_sum(const struct vif *vif, unsigned (*one)(const struct netfront_queue *), struct text *out)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < NETFRONT_QUEUES; i++)
        sum += one(&vif->queue[i]);
    text_printf(out, "%u", sum);
}

static void add_rx_posted(const struct vif *vif, struct text *out)
{
    add_sum(vif, netfront_rx_posted, out);
}

static void add_tx_under_way(const struct vif *vif, struct text *out)
{
    add_sum(vif, netfront_tx_under_way, out);
}

static unsigned own_grants(const struct netfront_queue *queue)
{
    return queue->own_grants + (queue->rx_reference != GRANT_NONE) + (queue->tx_reference != GRANT_NONE);
}

static void add_grants_in_use(const struct vif *vif, struct text *out)
{
    unsigned sum = vif->control.reference != GRANT_NONE;

    for (unsigned i = 0; i < NETFRONT_QUEUES; i++)
        sum += own_grants(&vif->queue[i]);
    text_printf(out, "%u", sum);
}

/* ---- the table ---- */

struct fact {
    const char *name;
    void (*add)(const struct vif *, struct text *);     /* the value; or counts: */
    size_t offset;                  /* in struct netfront_counts */
    unsigned n;
    const char *const *labels;      /* NULL: a line with the sum of the n; otherwise a line each, "name.label" */
};

#define FACT(NAME) { .name = #NAME, .add = add_##NAME }
#define COUNT(member) \
    { .name = #member, .offset = offsetof(struct netfront_counts, member), .n = 1 }
#define COUNTS(NAME, member, N, LABELS) \
    { .name = NAME, .offset = offsetof(struct netfront_counts, member), .n = N, .labels = LABELS }

static const struct fact facts[] = {
    FACT(state), FACT(mac), FACT(mtu), FACT(modes), FACT(takes), FACT(gives), FACT(multicast), FACT(connections), FACT(breaks), FACT(last_break),
    COUNT(rx_packets), COUNT(rx_bytes), COUNT(tx_packets), COUNT(tx_bytes),
    COUNT(rx_large), COUNT(tx_large), COUNT(rx_gso), COUNT(tx_gso), COUNT(rx_blank), COUNT(tx_blank), COUNT(tx_finished),
    COUNTS("rx_drops", drops, DROP_TX_FIRST, drop_names),
    COUNTS("tx_drops", drops[DROP_TX_FIRST], DROP_REASONS - DROP_TX_FIRST, drop_names + DROP_TX_FIRST),
    FACT(rx_posted), FACT(tx_under_way), FACT(grants_in_use), FACT(gref_mapping),
    COUNT(rx_ring_empty), COUNT(tx_ring_full),
    COUNTS("notifications_sent", notified, NETFRONT_DIRECTIONS, NULL),
    COUNTS("notifications_sent", notified, NETFRONT_DIRECTIONS, direction_names),
    COUNT(notifications_received), COUNT(notifications_raised),
    COUNT(poll_rounds), COUNT(polls_empty),
    COUNTS("rx_batch", batches[NETFRONT_RX], NETFRONT_BATCH_SIZES, size_names),
    COUNTS("tx_batch", batches[NETFRONT_TX], NETFRONT_BATCH_SIZES, size_names),
};

static uint64_t count(const struct vif *vif, size_t offset)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < NETFRONT_QUEUES; i++)
        sum += *(const uint64_t *)((const char *)&vif->queue[i].counts + offset);
    return sum;
}

static void add_counts(const struct vif *vif, const struct fact *fact, struct text *out)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < fact->n; i++) {
        uint64_t value = count(vif, fact->offset + i * sizeof(uint64_t));

        sum += value;
        if (fact->labels)
            text_printf(out, "%u %s.%s %llu\n", vif->number, fact->name, fact->labels[i],
                        (unsigned long long)value);
    }
    if (!fact->labels)
        text_printf(out, "%u %s %llu\n", vif->number, fact->name, (unsigned long long)sum);
}

void netfront_report(const struct vif *vif, struct text *out)
{
    for (const struct fact *fact = facts; fact < facts + sizeof facts / sizeof *facts; fact++) {
        if (!fact->add) {
            add_counts(vif, fact, out);
            continue;
        }
        text_printf(out, "%u %s ", vif->number, fact->name);
        fact->add(vif, out);
        text_putc(out, '\n');
    }
}
