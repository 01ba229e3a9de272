// SPDX-License-Identifier: BSD-2-Clause
/* names.c - names for numbers; see names.h. Looked up at configure time only. */
#include "router/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "platform/platform.h"
#include "router/args.h"
#include "router/element.h"
#include "router/headers.h"
#include "router/packet.h"
#include "router/router.h"

/* ---- the well-known ---- */

/* An annotation's number is its offset, with its size in the upper half, as in Click. */
#define ANNOTATION(offset, size) ((size) << 16 | (offset))

struct well_known {
    const char *name;
    uint32_t value;
};

/* Where a number has several names, names_of() gives the first. */
static const struct well_known
    protocols[] = {
        {"icmp", IP_PROTO_ICMP}, {"igmp", IP_PROTO_IGMP}, {"ipip", 4}, {"ipencap", 4},
        {"tcp", IP_PROTO_TCP}, {"egp", 8}, {"igp", 9}, {"udp", IP_PROTO_UDP}, {"rdp", 27},
        {"dccp", IP_PROTO_DCCP}, {"ipv6", IP_PROTO_IPV6}, {"ip6", IP_PROTO_IPV6},
        {"ipv6-route", 43}, {"ipv6-frag", 44}, {"rsvp", 46}, {"gre", IP_PROTO_GRE},
        {"esp", IP_PROTO_ESP}, {"ah", IP_PROTO_AH}, {"icmp6", IP_PROTO_ICMP6},
        {"ipv6-icmp", IP_PROTO_ICMP6}, {"ipv6-nonxt", 59}, {"ipv6-opts", 60}, {"eigrp", 88},
        {"ospf", 89}, {"pim", 103}, {"ipcomp", 108}, {"vrrp", 112}, {"l2tp", 115},
        {"sctp", IP_PROTO_SCTP}, {"udplite", IP_PROTO_UDPLITE}, {"mpls-in-ip", 137},
        /* Click's own: no number on the wire but a set of them. */
        {"tcpudp", NAMES_PROTO_TCP_OR_UDP}, {"transp", NAMES_PROTO_TRANSPORT},
        {"payload", NAMES_PROTO_PAYLOAD},
    },
    icmp_types[] = {
        {"echo-reply", ICMP_ECHO_REPLY}, {"unreachable", ICMP_UNREACHABLE},
        {"sourcequench", ICMP_SOURCE_QUENCH}, {"redirect", ICMP_REDIRECT}, {"echo", ICMP_ECHO},
        {"routeradvert", 9}, {"routersolicit", 10}, {"timeexceeded", ICMP_TIME_EXCEEDED},
        {"parameterproblem", ICMP_PARAMETER_PROBLEM}, {"timestamp", ICMP_TIMESTAMP},
        {"timestamp-reply", ICMP_TIMESTAMP_REPLY}, {"inforeq", ICMP_INFO_REQUEST},
        {"inforeq-reply", ICMP_INFO_REPLY}, {"maskreq", 17}, {"maskreq-reply", 18},
    },
    /* RFC 792, 1122 and 1812. */
    unreachable_codes[] = {
        {"net", 0}, {"host", 1}, {"protocol", 2}, {"port", 3}, {"needfrag", 4},
        {"srcroutefail", 5}, {"netunknown", 6}, {"hostunknown", 7}, {"isolated", 8},
        {"netprohibited", 9}, {"hostprohibited", 10}, {"tosnet", 11}, {"toshost", 12},
        {"filterprohibited", 13}, {"hostprecedence", 14}, {"precedencecutoff", 15},
    },
    redirect_codes[] = {{"net", 0}, {"host", 1}, {"tosnet", 2}, {"toshost", 3}},
    time_exceeded_codes[] = {{"transit", 0}, {"reassembly", 1}},
    parameter_problem_codes[] = {{"erroratptr", 0}, {"missingopt", 1}, {"length", 2}},
    ports[] = {
        {"tcpmux", 1}, {"echo", 7}, {"discard", 9}, {"systat", 11}, {"daytime", 13},
        {"netstat", 15}, {"qotd", 17}, {"chargen", 19}, {"ftp-data", 20}, {"ftp", 21},
        {"ssh", 22}, {"telnet", 23}, {"smtp", 25}, {"mail", 25}, {"time", 37}, {"whois", 43},
        {"tacacs", 49}, {"domain", 53}, {"dns", 53}, {"bootps", 67}, {"bootpc", 68},
        {"tftp", 69}, {"gopher", 70}, {"finger", 79}, {"http", 80}, {"www", 80},
        {"kerberos", 88}, {"pop2", 109}, {"pop3", 110}, {"pop-3", 110}, {"sunrpc", 111},
        {"portmapper", 111}, {"auth", 113}, {"ident", 113}, {"sftp", 115}, {"nntp", 119},
        {"ntp", 123}, {"netbios-ns", 137}, {"netbios-dgm", 138}, {"netbios-ssn", 139},
        {"imap", 143}, {"imap2", 143}, {"snmp", 161}, {"snmp-trap", 162}, {"snmptrap", 162},
        {"xdmcp", 177}, {"bgp", 179}, {"irc", 194}, {"imap3", 220}, {"ldap", 389},
        {"https", 443}, {"microsoft-ds", 445}, {"submissions", 465}, {"isakmp", 500},
        {"rip", 520}, {"route", 520}, {"router", 520}, {"ripng", 521},
        {"dhcpv6-client", 546}, {"dhcpv6-server", 547}, {"rtsp", 554}, {"submission", 587},
        {"ipp", 631}, {"ldaps", 636}, {"rsync", 873}, {"ftps-data", 989}, {"ftps", 990},
        {"telnets", 992}, {"imaps", 993}, {"pop3s", 995}, {"socks", 1080}, {"openvpn", 1194},
        {"ms-sql-s", 1433}, {"l2f", 1701}, {"pptp", 1723}, {"radius", 1812},
        {"radius-acct", 1813}, {"nfs", 2049}, {"iscsi-target", 3260}, {"mysql", 3306},
        {"ms-wbt-server", 3389}, {"sip", 5060}, {"sip-tls", 5061}, {"xmpp-client", 5222},
        {"mdns", 5353}, {"postgresql", 5432}, {"amqp", 5672}, {"x11", 6000}, {"redis", 6379},
        {"http-alt", 8080},
    },
    tcp_ports[] = {{"exec", 512}, {"login", 513}, {"shell", 514}, {"printer", 515}},
    udp_ports[] = {{"biff", 512}, {"who", 513}, {"syslog", 514}, {"talk", 517}},
    annotations[] = {
        {"AGGREGATE", ANNOTATION(ANNO_AGGREGATE, 4)},
        {"DST_IP", ANNOTATION(ANNO_DST_IP, 4)},
        {"DST_IP6", ANNOTATION(ANNO_DST_IP6, 16)},
        {"EXTRA_LENGTH", ANNOTATION(ANNO_EXTRA_LENGTH, 4)},
        {"EXTRA_PACKETS", ANNOTATION(ANNO_EXTRA_PACKETS, 4)},
        {"FIRST_TIMESTAMP", ANNOTATION(ANNO_FIRST_TIMESTAMP, 8)},
        {"FWD_RATE", ANNOTATION(20, 4)},
        {"GRID_ROUTE_CB", ANNOTATION(27, 1)},
        {"FIX_IP_SRC", ANNOTATION(ANNO_FIX_IP_SRC, 1)},
        {"ICMP_PARAMPROB", ANNOTATION(ANNO_ICMP_PARAMPROB, 1)},
        {"IPREASSEMBLER", ANNOTATION(28, 4)},
        {"IPSEC_SPI", ANNOTATION(32, 4)},
        {"IPSEC_SA_DATA_REFERENCE", ANNOTATION(36, 8)},
        {"MISC_IP", ANNOTATION(20, 4)},
        {"PACKET_NUMBER", ANNOTATION(ANNO_PACKET_NUMBER, 4)},
        {"PAINT", ANNOTATION(ANNO_PAINT, 1)},
        {"REV_RATE", ANNOTATION(24, 4)},
        {"SEQUENCE_NUMBER", ANNOTATION(ANNO_SEQUENCE_NUMBER, 4)},
        {"VLAN", ANNOTATION(ANNO_VLAN_TCI, 2)},
        {"VLAN_TCI", ANNOTATION(ANNO_VLAN_TCI, 2)},
    };

#define TABLE(t) {t, sizeof t / sizeof *t}

/* A kind may draw on two tables. */
static const struct {
    const struct well_known *names;
    size_t n;
} tables[NAME_KINDS][2] = {
    [NAME_TCP_PORT] = {TABLE(ports), TABLE(tcp_ports)},
    [NAME_UDP_PORT] = {TABLE(ports), TABLE(udp_ports)},
    [NAME_IP_PROTO] = {TABLE(protocols)},
    [NAME_ICMP_TYPE] = {TABLE(icmp_types)},
    [NAME_ICMP_UNREACHABLE_CODE] = {TABLE(unreachable_codes)},
    [NAME_ICMP_REDIRECT_CODE] = {TABLE(redirect_codes)},
    [NAME_ICMP_TIME_EXCEEDED_CODE] = {TABLE(time_exceeded_codes)},
    [NAME_ICMP_PARAMETER_PROBLEM_CODE] = {TABLE(parameter_problem_codes)},
    [NAME_ANNO] = {TABLE(annotations)},
};

static bool find_well_known(enum name_kind kind, const char *name, uint32_t *value)
{
    for (unsigned t = 0; t < 2; t++)
        for (size_t i = 0; i < tables[kind][t].n; i++)
            if (strcmp(tables[kind][t].names[i].name, name) == 0) {
                *value = tables[kind][t].names[i].value;
                return true;
            }
    return false;
}

const char *names_of(enum name_kind kind, uint32_t value)
{
    for (unsigned t = 0; t < 2; t++)
        for (size_t i = 0; i < tables[kind][t].n; i++)
            if (tables[kind][t].names[i].value == value)
                return tables[kind][t].names[i].name;
    return NULL;
}

/* ---- those that a configuration defines ---- */

static const uint8_t sizes[NAME_KINDS] = {
    [NAME_IP] = 4,
    [NAME_IP_PREFIX] = sizeof(struct arg_prefix),
    [NAME_ETHER] = 6,
    [NAME_IP6] = 16,
    [NAME_IP6_PREFIX] = 17,
    [NAME_REWRITER_PATTERN] = sizeof(void *),
};

static size_t size_of(enum name_kind kind)
{
    return sizes[kind] ? sizes[kind] : sizeof(uint32_t);
}

/* An AddressInfo may hold thousands: found by hash of the name, whatever its scope. */
enum { SLOTS = 1024 };

struct entry {
    struct entry *next;
    enum name_kind kind;
    size_t scope_length;            /* key begins with the scope, "fw/in/", then the name */
    uint8_t value[NAME_VALUE_MAX];
    char key[];
};

struct names {
    struct entry *slots[SLOTS];
    bool system_read;
};

static unsigned slot_of(const char *name)
{
    unsigned h = 5381;

    while (*name)
        h = h * 33 + (unsigned char)*name++;
    return h % SLOTS;
}

/* Length of the compound's part of an element's name, with its last slash. */
static size_t scope_of(const struct element *e)
{
    const char *slash = strrchr(e->name, '/');

    return slash ? (size_t)(slash - e->name) + 1 : 0;
}

static struct entry *find(const struct names *names, enum name_kind kind, const char *scope,
                          size_t scope_length, const char *name)
{
    for (struct entry *n = names->slots[slot_of(name)]; n; n = n->next)
        if (n->kind == kind && n->scope_length == scope_length &&
            memcmp(n->key, scope, scope_length) == 0 && strcmp(n->key + scope_length, name) == 0)
            return n;
    return NULL;
}

bool names_configure(struct element *e, const struct words *rest, struct errors *errors,
                     bool (*define)(struct element *e, const struct words *words,
                                    struct errors *errors))
{
    bool ok = true;

    for (unsigned i = 0; i < rest->n; i++) {
        struct words words;

        if (words_split_spaces(&words, rest->word[i]) < 0)
            return element_error(e, errors, "out of memory");
        ok = define(e, &words, errors) && ok;
        words_free(&words);
    }
    return ok;
}

/* NULL: out of memory. */
static struct names *names_of_router(struct router *router)
{
    if (!router->names)
        router->names = calloc(1, sizeof(struct names));
    return router->names;
}

static struct entry *add(struct names *names, enum name_kind kind, const char *scope,
                         size_t scope_length, const char *name)
{
    struct entry **slot = &names->slots[slot_of(name)];
    size_t length = strlen(name);
    struct entry *n = malloc(sizeof *n + scope_length + length + 1);

    if (!n)
        return NULL;
    n->kind = kind;
    n->scope_length = scope_length;
    memcpy(n->key, scope, scope_length);
    memcpy(n->key + scope_length, name, length + 1);
    n->next = *slot;
    *slot = n;
    return n;
}

int names_define(struct element *definer, enum name_kind kind, const char *name,
                 const void *value, size_t size)
{
    struct names *names = names_of_router(definer->router);
    size_t scope = scope_of(definer);
    struct entry *n;

    if (size != size_of(kind))
        return -EINVAL;
    if (!names)
        return -ENOMEM;
    n = find(names, kind, definer->name, scope, name);
    if (!n)
        n = add(names, kind, definer->name, scope, name);
    if (!n)
        return -ENOMEM;
    memcpy(n->value, value, size);
    return 0;
}

/* ---- those that the system has in files, where there are files ---- */

/* Their scope; none of a configuration's is called so. */
#define SYSTEM "//"

static void add_system_name(struct names *names, enum name_kind kind, const char *name,
                            uint32_t value)
{
    struct entry *n;

    if (find(names, kind, SYSTEM, strlen(SYSTEM), name))    /* the first counts */
        return;
    n = add(names, kind, SYSTEM, strlen(SYSTEM), name);
    if (n)
        memcpy(n->value, &value, sizeof value);
}

/* "name 80/tcp alias alias" or "name 17 alias" */
static void read_system_line(struct names *names, const struct words *words, bool services)
{
    enum name_kind kind = NAME_IP_PROTO;
    char *slash;
    uint64_t value;

    if (words->n < 2)
        return;
    slash = services ? strchr(words->word[1], '/') : NULL;
    if (slash) {
        *slash++ = '\0';
        kind = strcmp(slash, "tcp") == 0 ? NAME_TCP_PORT : NAME_UDP_PORT;
        if (kind == NAME_UDP_PORT && strcmp(slash, "udp") != 0)
            return;
    }
    if (services != !!slash ||
        !args_read_unsigned(words->word[1], services ? UINT16_MAX : UINT8_MAX, &value))
        return;
    for (unsigned i = 0; i < words->n; i++)
        if (i != 1)
            add_system_name(names, kind, words->word[i], (uint32_t)value);
}

static void read_system_file(struct names *names, const char *file, bool services)
{
    struct errors unwanted = {0};
    size_t length = 0;
    char *text = platform_file_read(file, &length, &unwanted), *end;

    for (char *line = text; line && *line; line = end) {
        struct words words;

        end = line + strcspn(line, "\n");
        if (*end)
            *end++ = '\0';
        line[strcspn(line, "#")] = '\0';
        if (words_split_spaces(&words, line) == 0)
            read_system_line(names, &words, services);
        words_free(&words);
    }
    free(text);
    errors_free(&unwanted);
}

/* Once a router, and only when a name is none of the others. */
static bool find_system(const struct element *user, enum name_kind kind, const char *name,
                        uint32_t *value)
{
    struct names *names = user && user->router ? names_of_router(user->router) : NULL;
    const struct entry *n;

    if (!platform_has_files || !names ||
        (kind != NAME_IP_PROTO && kind != NAME_TCP_PORT && kind != NAME_UDP_PORT))
        return false;
    if (!names->system_read) {
        names->system_read = true;
        read_system_file(names, "/etc/services", true);
        read_system_file(names, "/etc/protocols", false);
    }
    n = find(names, kind, SYSTEM, strlen(SYSTEM), name);
    if (n)
        memcpy(value, n->value, sizeof *value);
    return n != NULL;
}

/* Looks in the scope of `user` and in those around it, the innermost first. */
static bool find_defined(const struct element *user, enum name_kind kind, const char *name,
                         void *value)
{
    const struct names *names = user && user->router ? user->router->names : NULL;
    size_t scope;

    if (!names)
        return false;
    for (scope = scope_of(user);;) {
        const struct entry *n = find(names, kind, user->name, scope, name);

        if (n) {
            memcpy(value, n->value, size_of(kind));
            return true;
        }
        if (!scope)
            return false;
        for (scope--; scope && user->name[scope - 1] != '/'; scope--)
            ;
    }
}

/* ---- suffixes: "net:bcast" is computed from the prefix called "net" ---- */

enum derivation { AS_IT_IS, BROADCAST, GATEWAY };

static const struct suffix {
    enum name_kind kind;
    const char *text;
    enum derivation derivation;
} suffixes[] = {
    {NAME_IP, "ip", AS_IT_IS}, {NAME_IP, "ip4", AS_IT_IS},
    {NAME_IP, "bcast", BROADCAST}, {NAME_IP, "gw", GATEWAY},
    {NAME_IP_PREFIX, "net", AS_IT_IS}, {NAME_IP_PREFIX, "ipnet", AS_IT_IS},
    {NAME_IP_PREFIX, "ip4net", AS_IT_IS},
    {NAME_ETHER, "eth", AS_IT_IS}, {NAME_ETHER, "ether", AS_IT_IS},
    {NAME_ETHER, "ethernet", AS_IT_IS},
    {NAME_IP6, "ip6", AS_IT_IS}, {NAME_IP6_PREFIX, "ip6net", AS_IT_IS},
};

static bool find_with_suffix(const struct element *user, enum name_kind kind, const char *name,
                             void *value)
{
    const char *colon = strrchr(name, ':');
    const struct suffix *suffix = NULL;
    struct arg_prefix prefix;
    char stem[128];
    uint32_t address;

    for (size_t i = 0; colon && i < sizeof suffixes / sizeof *suffixes; i++)
        if (suffixes[i].kind == kind && strcmp(suffixes[i].text, colon + 1) == 0)
            suffix = &suffixes[i];
    if (!suffix || (size_t)(colon - name) >= sizeof stem)
        return false;
    memcpy(stem, name, (size_t)(colon - name));
    stem[colon - name] = '\0';
    if (suffix->derivation == AS_IT_IS)
        return find_defined(user, kind, stem, value);
    if (!find_defined(user, NAME_IP_PREFIX, stem, &prefix))
        return false;
    if (suffix->derivation == BROADCAST)
        address = prefix.address | ~prefix.mask;
    else                                /* a gateway that nobody named is the net's first host */
        address = (prefix.address & prefix.mask) | be32(1);
    memcpy(value, &address, sizeof address);
    return true;
}

bool names_find(const struct element *user, enum name_kind kind, const char *name, void *value,
                size_t size)
{
    uint32_t number;

    if (size != size_of(kind))
        return false;
    if (find_defined(user, kind, name, value) || find_with_suffix(user, kind, name, value))
        return true;
    if (!find_well_known(kind, name, &number) && !find_system(user, kind, name, &number))
        return false;
    memcpy(value, &number, sizeof number);
    return true;
}

/* Of the element or compound called e->name[0, length), as told from the scope given. */
static bool find_tickets(const struct names *names, const struct element *e, size_t scope,
                         size_t length, uint64_t *tickets)
{
    char name[256];
    const struct entry *n;
    uint32_t v;

    if (length <= scope || length - scope >= sizeof name)
        return false;
    memcpy(name, e->name + scope, length - scope);
    name[length - scope] = '\0';
    n = find(names, NAME_TICKETS, e->name, scope, name);
    if (!n && name[length - scope - 1] == '/') {    /* "c" and "c/" both mean the compound */
        name[length - scope - 1] = '\0';
        n = find(names, NAME_TICKETS, e->name, scope, name);
    }
    if (!n)
        return false;
    memcpy(&v, n->value, sizeof v);
    *tickets = v;
    return true;
}

/*
 * From the innermost scope outwards: what an outer ScheduleInfo says about a part
 * replaces what inner ones said about it and about the compounds between.
 */
uint32_t names_tickets(const struct element *e)
{
    enum { DEPTH_MAX = 16 };
    const struct names *names = e->router->names;
    size_t part[DEPTH_MAX];             /* lengths of "c/", "c/d/", "c/d/i" */
    uint64_t tickets[DEPTH_MAX], product = TASK_TICKETS_DEFAULT;
    int n = 0;

    if (!names)
        return TASK_TICKETS_DEFAULT;
    for (const char *s = e->name; n < DEPTH_MAX; s++)
        if (*s == '/' || !*s) {
            tickets[n] = TASK_TICKETS_DEFAULT;
            part[n++] = (size_t)(s - e->name) + (*s == '/');
            if (!*s)
                break;
        }
    for (int scope = n - 2; scope >= -1; scope--) {
        bool found = false;

        for (int i = n - 1; i > scope; i--) {
            if (find_tickets(names, e, scope < 0 ? 0 : part[scope], part[i], &tickets[i]))
                found = true;
            else if (found)
                tickets[i] = TASK_TICKETS_DEFAULT;
        }
    }
    for (int i = 0; i < n; i++) {
        product = product * tickets[i] / TASK_TICKETS_DEFAULT;
        if (product > TASK_TICKETS_MAX)
            product = TASK_TICKETS_MAX;
    }
    return (uint32_t)product;
}

void names_free(struct router *router)
{
    struct names *names = router->names;

    for (unsigned i = 0; names && i < SLOTS; i++)
        while (names->slots[i]) {
            struct entry *n = names->slots[i];

            names->slots[i] = n->next;
            free(n);
        }
    free(names);
    router->names = NULL;
}
