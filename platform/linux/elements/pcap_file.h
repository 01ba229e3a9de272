// SPDX-License-Identifier: BSD-2-Clause
/*
 * pcap_file.h - the capture file format of tcpdump, as FromDump and ToDump use it.
 *
 * Source: IETF draft-ietf-opsawg-pcap. Files come in both byte orders, with
 * microsecond or nanosecond timestamps.
 */
#ifndef PLATFORM_LINUX_ELEMENTS_PCAP_FILE_H
#define PLATFORM_LINUX_ELEMENTS_PCAP_FILE_H

#include <stdint.h>

enum {
    PCAP_MAGIC_US = 0xA1B2C3D4, PCAP_MAGIC_NS = 0xA1B23C4D,
    PCAP_RECORD_MAX = 262144,           /* longer ones are damage, not packets */
};

struct pcap_file_header {
    uint32_t magic;
    uint16_t version_major, version_minor;
    uint32_t zone, accuracy;
    uint32_t snaplen;
    uint32_t linktype;
};

struct pcap_record_header {
    uint32_t seconds, fraction;         /* fraction: micro- or nanoseconds */
    uint32_t captured, length;          /* bytes in the file; bytes on the wire */
};

/* Link types (tcpdump.org/linktypes.html), with the names that ToDump's ENCAP takes. */
struct pcap_linktype {
    uint32_t number;
    const char *name;
};

#define PCAP_LINKTYPES {1, "ETHER"}, {101, "IP"}, {12, "RAW"}, {14, "RAW14"}, {113, "SLL"}, \
                       {0, "NULL"}, {105, "802_11"}

static inline int pcap_linktype_is_ip(uint32_t linktype)
{
    return linktype == 101 || linktype == 12 || linktype == 14;
}

#endif
