// SPDX-License-Identifier: BSD-2-Clause
/*
 * headers.h - network headers as they stand in a frame.
 *
 * All packed: a frame starts anywhere. Integers wider than a byte are in network
 * order and typed so (be16_t, be32_t); read them with be16_get() and be32_get().
 * Sources: IEEE 802.3, RFC 826 (ARP), 791 (IPv4), 792 (ICMP), 768 (UDP), 9293 (TCP), 8200 (IPv6).
 */
#ifndef ROUTER_HEADERS_H
#define ROUTER_HEADERS_H

#include <stdint.h>
#include <string.h>

typedef uint16_t be16_t;
typedef uint32_t be32_t;

static inline uint16_t be16(uint16_t v) { return __builtin_bswap16(v); }
static inline uint32_t be32(uint32_t v) { return __builtin_bswap32(v); }

/* Unaligned reads and writes of network-order integers, as host integers. */
static inline uint16_t be16_get(const void *at)
{
    uint16_t v;

    memcpy(&v, at, sizeof v);
    return be16(v);
}

static inline uint32_t be32_get(const void *at)
{
    uint32_t v;

    memcpy(&v, at, sizeof v);
    return be32(v);
}

static inline void be16_put(void *at, uint16_t v)
{
    v = be16(v);
    memcpy(at, &v, sizeof v);
}

static inline void be32_put(void *at, uint32_t v)
{
    v = be32(v);
    memcpy(at, &v, sizeof v);
}

enum { ETHERTYPE_IPV4 = 0x0800, ETHERTYPE_ARP = 0x0806, ETHERTYPE_VLAN = 0x8100,
       ETHERTYPE_IPV6 = 0x86DD };

enum { ETHER_HEADER = 14, VLAN_TAG = 4 };      /* lengths in bytes */

struct eth_header {
    uint8_t dst[6];
    uint8_t src[6];
    be16_t ethertype;
} __attribute__((packed));

struct arp_header {                 /* Ethernet and IPv4 */
    be16_t hardware, protocol;
    uint8_t hardware_length, protocol_length;
    be16_t operation;
    uint8_t sender_mac[6];
    be32_t sender_ip;
    uint8_t target_mac[6];
    be32_t target_ip;
} __attribute__((packed));

enum { ARP_REQUEST = 1, ARP_REPLY = 2, ARP_HARDWARE_ETHERNET = 1 };

struct ip_header {
    uint8_t version_ihl;
    uint8_t tos;
    be16_t total_length;
    be16_t id;
    be16_t fragment;                /* flags and offset */
    uint8_t ttl;
    uint8_t protocol;
    uint16_t checksum;              /* as it stands; see checksum.h */
    be32_t src, dst;
} __attribute__((packed));

enum { IP_RF = 0x8000, IP_DF = 0x4000, IP_MF = 0x2000, IP_OFFSET_MASK = 0x1FFF };
enum { IP_PROTO_ICMP = 1, IP_PROTO_IGMP = 2, IP_PROTO_TCP = 6, IP_PROTO_UDP = 17,
       IP_PROTO_DCCP = 33, IP_PROTO_IPV6 = 41, IP_PROTO_GRE = 47, IP_PROTO_ESP = 50,
       IP_PROTO_AH = 51, IP_PROTO_ICMP6 = 58, IP_PROTO_SCTP = 132, IP_PROTO_UDPLITE = 136 };

static inline unsigned ip_version(const struct ip_header *ip) { return ip->version_ihl >> 4; }
/* Header length in bytes. */
static inline unsigned ip_header_length(const struct ip_header *ip)
{
    return (ip->version_ihl & 15u) * 4;
}
/* A fragment other than the first: no transport header in it. */
static inline int ip_later_fragment(const struct ip_header *ip)
{
    return (ip->fragment & be16(IP_OFFSET_MASK)) != 0;
}
static inline int ip_is_fragment(const struct ip_header *ip)
{
    return (ip->fragment & be16(IP_OFFSET_MASK | IP_MF)) != 0;
}

struct tcp_header {
    be16_t src_port, dst_port;
    be32_t seq, ack;
    uint8_t offset;                 /* header length in words, upper four bits */
    uint8_t flags;                  /* TCP_FIN ... */
    be16_t window;
    uint16_t checksum;
    be16_t urgent;
} __attribute__((packed));

enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16, TCP_URG = 32,
       TCP_ECE = 64, TCP_CWR = 128 };

struct udp_header {
    be16_t src_port, dst_port;
    be16_t length;
    uint16_t checksum;              /* 0: none */
} __attribute__((packed));

struct icmp_header {
    uint8_t type, code;
    uint16_t checksum;
    union {
        struct { be16_t id, sequence; } __attribute__((packed)) echo;
        be32_t word;                /* gateway; pointer in the first byte; next-hop MTU in the last two */
        uint8_t pointer;
    } __attribute__((packed));
} __attribute__((packed));

enum { ICMP_ECHO_REPLY = 0, ICMP_UNREACHABLE = 3, ICMP_SOURCE_QUENCH = 4, ICMP_REDIRECT = 5,
       ICMP_ECHO = 8, ICMP_TIME_EXCEEDED = 11, ICMP_PARAMETER_PROBLEM = 12, ICMP_TIMESTAMP = 13,
       ICMP_TIMESTAMP_REPLY = 14, ICMP_INFO_REQUEST = 15, ICMP_INFO_REPLY = 16 };

#endif
