// SPDX-License-Identifier: BSD-2-Clause
/*
 * arg_types.c - the types that argument tables name: how each is read and written.
 *
 * A reader looks at the whole text or fails. Addresses and ports may be names that
 * AddressInfo and PortInfo defined; see names.h.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router/args.h"
#include "router/element.h"
#include "router/headers.h"
#include "router/names.h"
#include "router/router.h"

/* ---- integers ---- */

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* Also says whether the text was a number too large for `max`. */
static bool read_digits(const char *s, uint64_t max, uint64_t *value, bool *too_large)
{
    unsigned base = 10;
    bool any = false;
    uint64_t v = 0;

    *too_large = false;
    if (s[0] == '0' && (s[1] | 0x20) == 'x') {
        base = 16;
        s += 2;
    } else if (s[0] == '0' && (s[1] | 0x20) == 'b') {
        base = 2;
        s += 2;
    } else if (s[0] == '0' && s[1]) {
        base = 8;
        s++;
        any = true;
    }
    for (; *s; s++) {
        unsigned digit = (unsigned)digit_value(*s);

        if (*s == '_' && any && s[1] != '_' && s[1])
            continue;
        if (digit >= base)
            return false;
        any = true;
        if (v > (max - digit) / base || (v == (max - digit) / base && v * base > max - digit))
            *too_large = true;
        else
            v = v * base + digit;
    }
    if (any && !*too_large)
        *value = v;
    return any;
}

bool args_read_unsigned(const char *text, uint64_t max, uint64_t *value)
{
    bool too_large;

    return read_digits(text + (*text == '+'), max, value, &too_large) && !too_large;
}

static bool read_integer(const struct arg_context *c, const char *text, int64_t type_min,
                         uint64_t type_max, int64_t *value)
{
    uint64_t max = type_max, magnitude = 0;
    int64_t min = type_min;
    bool negative = *text == '-', too_large;

    if (c->min || c->max) {
        min = c->min;
        max = (uint64_t)c->max;
    }
    if (!read_digits(text + (negative || *text == '+'), UINT64_MAX, &magnitude, &too_large))
        return args_error(c, "invalid number (got '%s')", text);
    if (negative && (too_large || (min < 0 ? magnitude > (uint64_t)-(min + 1) + 1 : magnitude > 0)))
        return args_error(c, "out of range, bound %lld", (long long)min);
    if (negative && min >= 0 && magnitude > 0)
        return args_error(c, "out of range, bound %lld", (long long)min);
    if (!negative && (too_large || magnitude > max))
        return args_error(c, "out of range, bound %llu", (unsigned long long)max);
    *value = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    if (!negative && min > 0 && magnitude < (uint64_t)min)
        return args_error(c, "out of range, bound %lld", (long long)min);
    return true;
}

#define INTEGER(id, ctype, type_min, type_max, print, cast)                                  \
    static bool parse_##id(const struct arg_context *c, const char *text, void *value)       \
    {                                                                                        \
        int64_t v;                                                                           \
        ctype narrow;                                                                        \
                                                                                             \
        if (!read_integer(c, text, type_min, type_max, &v))                                  \
            return false;                                                                    \
        narrow = (ctype)v;                                                                   \
        memcpy(value, &narrow, sizeof narrow);                                               \
        return true;                                                                         \
    }                                                                                        \
    static void format_##id(const void *value, struct text *out)                             \
    {                                                                                        \
        ctype narrow;                                                                        \
                                                                                             \
        memcpy(&narrow, value, sizeof narrow);                                               \
        text_printf(out, print, (cast)narrow);                                               \
    }

INTEGER(int, int32_t, INT32_MIN, INT32_MAX, "%d", int)
INTEGER(unsigned, uint32_t, 0, UINT32_MAX, "%u", unsigned)
INTEGER(u8, uint8_t, 0, UINT8_MAX, "%u", unsigned)
INTEGER(u16, uint16_t, 0, UINT16_MAX, "%u", unsigned)
INTEGER(u64, uint64_t, 0, UINT64_MAX, "%llu", unsigned long long)
INTEGER(int64, int64_t, INT64_MIN, INT64_MAX, "%lld", long long)

const struct arg_type arg_int = {"integer", sizeof(int32_t), parse_int, format_int, NULL};
const struct arg_type arg_unsigned = {"unsigned", sizeof(uint32_t), parse_unsigned,
                                      format_unsigned, NULL};
const struct arg_type arg_u8 = {"byte", sizeof(uint8_t), parse_u8, format_u8, NULL};
const struct arg_type arg_u16 = {"unsigned, 16 bits", sizeof(uint16_t), parse_u16, format_u16,
                                 NULL};
const struct arg_type arg_u64 = {"unsigned, 64 bits", sizeof(uint64_t), parse_u64, format_u64,
                                 NULL};
const struct arg_type arg_int64 = {"integer, 64 bits", sizeof(int64_t), parse_int64,
                                   format_int64, NULL};

/* ---- booleans ---- */

static bool parse_bool(const struct arg_context *c, const char *text, void *value)
{
    static const char *const yes[] = {"1", "true", "yes", "t", "y"};
    static const char *const no[] = {"0", "false", "no", "f", "n"};
    bool v;

    (void)c;
    for (unsigned i = 0; i < sizeof yes / sizeof *yes; i++) {
        if (strcmp(text, yes[i]) != 0 && strcmp(text, no[i]) != 0)
            continue;
        v = strcmp(text, yes[i]) == 0;
        memcpy(value, &v, sizeof v);
        return true;
    }
    return false;
}

static void format_bool(const void *value, struct text *out)
{
    text_puts(out, *(const bool *)value ? "true" : "false");
}

const struct arg_type arg_bool = {"boolean", sizeof(bool), parse_bool, format_bool, NULL};

/* ---- strings ---- */

static void release_string(void *value)
{
    struct arg_string *string = value;

    free(string->s);
    *string = (struct arg_string){0};
}

static bool parse_string(const struct arg_context *c, const char *text, void *value)
{
    struct arg_string string;

    if (!args_is_one_word(text))
        return false;
    string.s = args_unquote(text, &string.length);
    if (!string.s)
        return args_error(c, "out of memory");
    memcpy(value, &string, sizeof string);
    return true;
}

static void format_string(const void *value, struct text *out)
{
    const struct arg_string *string = value;

    if (string->s)
        text_add(out, string->s, string->length);
}

static bool parse_word(const struct arg_context *c, const char *text, void *value)
{
    struct arg_string string;

    if (!parse_string(c, text, &string))
        return false;
    if (!string.length || string.s[strcspn(string.s, " \t\r\n\v\f")]) {
        release_string(&string);
        return false;
    }
    memcpy(value, &string, sizeof string);
    return true;
}

static bool parse_text(const struct arg_context *c, const char *text, void *value)
{
    struct arg_string string = {strdup(text), strlen(text)};

    if (!string.s)
        return args_error(c, "out of memory");
    memcpy(value, &string, sizeof string);
    return true;
}

const struct arg_type arg_string = {"string", sizeof(struct arg_string), parse_string,
                                    format_string, release_string};
const struct arg_type arg_word = {"word", sizeof(struct arg_string), parse_word, format_string,
                                  release_string};
const struct arg_type arg_text = {"text", sizeof(struct arg_string), parse_text, format_string,
                                  release_string};

/* ---- addresses ---- */

/* "a.b.c.d" and nothing after; the end of what was read otherwise tells a prefix. */
static const char *read_dotted(const char *s, uint32_t *address)
{
    uint8_t byte[4];

    for (int i = 0; i < 4; i++) {
        unsigned v = 0, digits = 0;

        while (*s >= '0' && *s <= '9' && digits < 3) {
            v = v * 10 + (unsigned)(*s++ - '0');
            digits++;
        }
        if (!digits || v > 255 || (i < 3 && *s++ != '.'))
            return NULL;
        byte[i] = (uint8_t)v;
    }
    memcpy(address, byte, 4);
    return s;
}

bool args_read_ip(const struct element *scope, const char *text, uint32_t *address)
{
    uint32_t v;
    const char *end = read_dotted(text, &v);

    if (end && !*end) {
        *address = v;
        return true;
    }
    return scope && names_find(scope, NAME_IP, text, address, sizeof *address);
}

static uint32_t mask_of_length(unsigned length)
{
    return length ? be32(UINT32_MAX << (32 - length)) : 0;
}

/* "10" and "10.1", in front of a prefix length, stand for 10.0.0.0 and 10.1.0.0. */
static bool read_short_dotted(const char *text, uint32_t *address)
{
    char whole[64 + 6];
    size_t length = strlen(text);
    const char *end;
    unsigned dots = 0;

    for (const char *s = text; *s; s++)
        dots += *s == '.';
    if (!length || length >= 64 || dots > 2 || text[length - 1] == '.')
        return false;
    snprintf(whole, sizeof whole, "%s%s", text, &".0.0.0"[2 * dots]);
    end = read_dotted(whole, address);
    return end && !*end;
}

/* Decimal whatever it begins with. */
static bool read_prefix_length(const char *s, unsigned *length)
{
    unsigned v = 0;

    if (!*s)
        return false;
    for (; isdigit((unsigned char)*s) && v <= 32; s++)
        v = v * 10 + (unsigned)(*s - '0');
    *length = v;
    return !*s && v <= 32;
}

bool args_read_prefix(const struct element *scope, const char *text, struct arg_prefix *prefix)
{
    const char *slash = strchr(text, '/');
    char address[64];
    unsigned length;
    struct arg_prefix v;

    if (!slash) {
        if (args_read_ip(NULL, text, &v.address)) {
            *prefix = (struct arg_prefix){v.address, UINT32_MAX};
            return true;
        }
        if (!scope)
            return false;
        /* A name for an address and a prefix means the address; NAME:ipnet is the prefix. */
        if (!args_read_ip(scope, text, &v.address))
            return names_find(scope, NAME_IP_PREFIX, text, prefix, sizeof *prefix);
        *prefix = (struct arg_prefix){v.address, UINT32_MAX};
        return true;
    }
    if ((size_t)(slash - text) >= sizeof address)
        return false;
    snprintf(address, sizeof address, "%.*s", (int)(slash - text), text);
    if (!args_read_ip(scope, address, &v.address) && !read_short_dotted(address, &v.address))
        return false;
    if (read_prefix_length(slash + 1, &length))
        v.mask = mask_of_length(length);
    else if (!args_read_ip(NULL, slash + 1, &v.mask))
        return false;
    *prefix = v;
    return true;
}

bool args_read_ether(const struct element *scope, const char *text, uint8_t mac[6])
{
    const char *s = text;
    char separator = strchr(text, '-') ? '-' : ':';
    uint8_t v[6];

    for (int i = 0; i < 6; i++) {
        unsigned byte = 0, digits = 0;

        while (digit_value(*s) < 16 && digits < 2) {
            byte = byte * 16 + (unsigned)digit_value(*s++);
            digits++;
        }
        if (!digits || (i < 5 && *s != separator) || (i == 5 && *s))
            return scope && names_find(scope, NAME_ETHER, text, mac, 6);
        v[i] = (uint8_t)byte;
        s++;
    }
    memcpy(mac, v, 6);
    return true;
}

const char *args_format_ip(char buffer[16], uint32_t address)
{
    uint8_t b[4];

    memcpy(b, &address, 4);
    snprintf(buffer, 16, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
    return buffer;
}

const char *args_format_ether(char buffer[18], const uint8_t mac[6])
{
    snprintf(buffer, 18, "%02X-%02X-%02X-%02X-%02X-%02X", mac[0], mac[1], mac[2], mac[3], mac[4],
             mac[5]);
    return buffer;
}

const char *args_format_mac(char buffer[18], const uint8_t mac[6])
{
    snprintf(buffer, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
    return buffer;
}

void args_format_prefix(struct text *out, uint32_t address, uint32_t mask)
{
    uint32_t host = be32(mask), inverse = ~host;
    char buffer[16];

    text_puts(out, args_format_ip(buffer, address));
    if (inverse & (inverse + 1))        /* not a run of ones */
        text_printf(out, "/%s", args_format_ip(buffer, mask));
    else
        text_printf(out, "/%d", __builtin_popcount(host));
}

void args_format_ns(struct text *out, uint64_t ns)
{
    text_printf(out, "%llu.%06u", (unsigned long long)(ns / 1000000000),
                (unsigned)(ns % 1000000000 / 1000));
}

static bool parse_ip(const struct arg_context *c, const char *text, void *value)
{
    uint32_t v;

    if (!args_read_ip(c->element, text, &v))
        return false;
    memcpy(value, &v, sizeof v);
    return true;
}

static void format_ip(const void *value, struct text *out)
{
    char buffer[16];
    uint32_t v;

    memcpy(&v, value, sizeof v);
    text_puts(out, args_format_ip(buffer, v));
}

static bool parse_prefix(const struct arg_context *c, const char *text, void *value)
{
    struct arg_prefix v;

    if (!args_read_prefix(c->element, text, &v))
        return false;
    memcpy(value, &v, sizeof v);
    return true;
}

static void format_prefix(const void *value, struct text *out)
{
    const struct arg_prefix *prefix = value;

    args_format_prefix(out, prefix->address, prefix->mask);
}

static bool parse_ether(const struct arg_context *c, const char *text, void *value)
{
    return args_read_ether(c->element, text, value);
}

static void format_ether(const void *value, struct text *out)
{
    char buffer[18];

    text_puts(out, args_format_ether(buffer, value));
}

const struct arg_type arg_ip = {"IP address", sizeof(uint32_t), parse_ip, format_ip, NULL};
const struct arg_type arg_ip_prefix = {"IP address prefix", sizeof(struct arg_prefix),
                                       parse_prefix, format_prefix, NULL};
const struct arg_type arg_ether = {"Ethernet address", 6, parse_ether, format_ether, NULL};

/* ---- decimals, times, rates ---- */

/*
 * A number as it was written, without its unit: 0.DIGITS times 10 to the power of `point`. Digits that are
 * beyond any type are not kept.
 */
struct decimal {
    char digits[48];
    unsigned n;
    int point;
};

enum { EXPONENT_MAX = 1000 };           /* as good as endless */

/* Digits, grouped by single underscores; those in front of the decimal point move it. */
static const char *scan_digits(const char *s, struct decimal *d, bool fraction)
{
    for (; isdigit((unsigned char)*s); s++) {
        if (*s != '0' || d->n) {
            if (d->n < sizeof d->digits)
                d->digits[d->n++] = *s;
            if (!fraction && d->point < EXPONENT_MAX)
                d->point++;
        } else if (fraction && d->point > -EXPONENT_MAX) {
            d->point--;
        }
        if (s[1] == '_' && s[2] != '_' && s[2] != '.')
            s++;
    }
    return s;
}

static const char *scan_exponent(const char *s, struct decimal *d)
{
    const char *digits = s + 1;
    int exponent = 0;

    if ((*s | 0x20) != 'e')
        return s;
    digits += *digits == '+' || *digits == '-';
    if (!isdigit((unsigned char)*digits))
        return s;
    for (; isdigit((unsigned char)*digits); digits++)
        if (exponent < EXPONENT_MAX)
            exponent = exponent * 10 + *digits - '0';
    d->point += s[1] == '-' ? -exponent : exponent;
    return digits;
}

/* Where the number stopped; NULL: there is none. */
static const char *scan_decimal(const char *s, struct decimal *d)
{
    const char *whole = s + (*s == '+'), *end;
    bool any;

    *d = (struct decimal){0};
    end = scan_digits(whole, d, false);
    any = end > whole;
    if (*end == '.') {
        const char *fraction = end + 1;

        end = scan_digits(fraction, d, true);
        any |= end > fraction;
    }
    return any ? scan_exponent(end, d) : NULL;
}

/* The digit that counts 10 to the power of -(i + 1) - `point`; there are zeros on either side. */
static unsigned digit_at(const struct decimal *d, int i)
{
    return i >= 0 && (unsigned)i < d->n ? (unsigned)(d->digits[i] - '0') : 0;
}

/* What stands behind the decimal point is worth, rounded; 18 digits of it count. */
static uint64_t fraction_of(const struct decimal *d, uint64_t scale)
{
    uint64_t finer = scale < UINT64_MAX / 160 ? 16 : 1, v = 0;

    for (int i = 17; i >= 0; i--)
        v = (v + digit_at(d, d->point + i) * scale * finer) / 10;
    return (v + finer / 2) / finer;
}

/* False: more than a value holds. */
static bool value_of(const struct decimal *d, uint64_t scale, uint64_t *value)
{
    uint64_t whole = 0, fraction;

    for (int i = 0; d->n && i < d->point; i++) {
        unsigned digit = digit_at(d, i);

        if (UINT64_MAX / scale < digit || whole > (UINT64_MAX / scale - digit) / 10)
            return false;
        whole = whole * 10 + digit;
    }
    fraction = fraction_of(d, scale);
    if (whole > (UINT64_MAX - fraction) / scale)
        return false;
    *value = whole * scale + fraction;
    return true;
}

bool args_read_decimal(const char *text, uint64_t scale, uint64_t *value)
{
    struct decimal d;
    const char *end = scan_decimal(text, &d);

    return end && !*end && value_of(&d, scale, value);
}

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit time_units[] = {
    {"", 1000000000}, {"s", 1000000000}, {"sec", 1000000000}, {"ns", 1}, {"nsec", 1},
    {"us", 1000}, {"usec", 1000}, {"ms", 1000000}, {"msec", 1000000}, {"m", 60000000000},
    {"min", 60000000000}, {"h", 3600000000000}, {"hr", 3600000000000},
    {"d", 86400000000000}, {"day", 86400000000000}, {NULL, 0},
};

/* Nobody lives that long, and to the time that it is now it can be added. */
#define SECONDS_MAX_NS ((uint64_t)INT64_MAX)

/* Factors give bits a second; the type stores bytes. */
static const struct unit rate_units[] = {
    {"", 8}, {"Bps", 8}, {"B/s", 8}, {"bps", 1}, {"b/s", 1}, {"baud", 1},
    {"kBps", 8000}, {"kB/s", 8000}, {"KBps", 8000}, {"KB/s", 8000}, {"kbps", 1000},
    {"kb/s", 1000}, {"Kbps", 1000}, {"Kb/s", 1000}, {"MBps", 8000000}, {"MB/s", 8000000},
    {"Mbps", 1000000}, {"Mb/s", 1000000}, {"GBps", 8000000000}, {"GB/s", 8000000000},
    {"Gbps", 1000000000}, {"Gb/s", 1000000000},
    {"kbaud", 1000}, {"Kbaud", 1000}, {"Mbaud", 1000000}, {"Gbaud", 1000000000}, {NULL, 0},
};

/* What is too large becomes `most`. */
static bool read_with_unit(const char *text, const struct unit *units, uint64_t most, uint64_t *value)
{
    struct decimal d;
    const char *end = scan_decimal(text, &d);

    if (!end)
        return false;
    while (isspace((unsigned char)*end))
        end++;
    for (; units->name; units++) {
        if (strcmp(units->name, end) != 0)
            continue;
        if (!value_of(&d, units->factor, value) || *value > most)
            *value = most;
        return true;
    }
    return false;
}

static bool parse_seconds(const struct arg_context *c, const char *text, void *value)
{
    uint64_t v;

    (void)c;
    if (!read_with_unit(text, time_units, SECONDS_MAX_NS, &v))
        return false;
    memcpy(value, &v, sizeof v);
    return true;
}

/* Seconds without more zeros than needed: "0.5", "300". */
static void format_seconds(const void *value, struct text *out)
{
    uint64_t ns;
    char fraction[10];
    size_t n = 9;

    memcpy(&ns, value, sizeof ns);
    text_printf(out, "%llu", (unsigned long long)(ns / 1000000000));
    snprintf(fraction, sizeof fraction, "%09u", (unsigned)(ns % 1000000000));
    while (n && fraction[n - 1] == '0')
        n--;
    if (n)
        text_printf(out, ".%.*s", (int)n, fraction);
}

static bool parse_seconds_u32(const struct arg_context *c, const char *text, void *value)
{
    uint64_t ns;
    uint32_t v;

    if (!read_with_unit(text, time_units, SECONDS_MAX_NS, &ns))
        return false;
    ns = (ns + 500000000) / 1000000000;
    if (ns > UINT32_MAX)
        return args_error(c, "out of range, bound %u", UINT32_MAX);
    v = (uint32_t)ns;
    memcpy(value, &v, sizeof v);
    return true;
}

static bool parse_bandwidth(const struct arg_context *c, const char *text, void *value)
{
    uint64_t bits;

    if (!read_with_unit(text, rate_units, UINT64_MAX, &bits))
        return false;
    if (bits == UINT64_MAX)
        return args_error(c, "out of range, bound %llu", (unsigned long long)(UINT64_MAX / 8));
    bits = bits / 8 + (bits % 8 >= 4);
    memcpy(value, &bits, sizeof bits);
    return true;
}

static void format_bandwidth(const void *value, struct text *out)
{
    format_u64(value, out);
    text_puts(out, "Bps");
}

const struct arg_type arg_seconds = {"time in seconds", sizeof(uint64_t), parse_seconds,
                                     format_seconds, NULL};
const struct arg_type arg_seconds_u32 = {"time in seconds", sizeof(uint32_t),
                                         parse_seconds_u32, format_unsigned, NULL};
const struct arg_type arg_bandwidth = {"bandwidth", sizeof(uint64_t), parse_bandwidth,
                                       format_bandwidth, NULL};

/* ---- numbers with names ---- */

static bool read_named(const struct arg_context *c, enum name_kind kind, const char *text,
                       uint64_t max, uint64_t *value)
{
    uint32_t named;

    if (args_read_unsigned(text, max, value))
        return true;
    if (!names_find(c->element, kind, text, &named, sizeof named) || named > max)
        return false;
    *value = named;
    return true;
}

static bool parse_port(const struct arg_context *c, enum name_kind kind, const char *text,
                       void *value)
{
    uint64_t wide;
    uint16_t v;

    if (!read_named(c, kind, text, UINT16_MAX, &wide))
        return false;
    v = (uint16_t)wide;
    memcpy(value, &v, sizeof v);
    return true;
}

static bool parse_tcp_port(const struct arg_context *c, const char *text, void *value)
{
    return parse_port(c, NAME_TCP_PORT, text, value);
}

static bool parse_udp_port(const struct arg_context *c, const char *text, void *value)
{
    return parse_port(c, NAME_UDP_PORT, text, value);
}

static bool parse_ethertype(const struct arg_context *c, const char *text, void *value)
{
    uint64_t wide;
    uint16_t v;

    (void)c;
    if (!args_read_unsigned(text, UINT16_MAX, &wide))
        return false;
    v = (uint16_t)wide;
    memcpy(value, &v, sizeof v);
    return true;
}

static void format_ethertype(const void *value, struct text *out)
{
    uint16_t v;

    memcpy(&v, value, sizeof v);
    text_printf(out, "0x%04X", v);
}

static bool parse_anno(const struct arg_context *c, const char *text, void *value, unsigned size)
{
    uint64_t wide;
    uint32_t v;

    if (!read_named(c, NAME_ANNO, text, UINT32_MAX, &wide))
        return false;
    if (wide >> 16 && wide >> 16 != size)   /* Click's numbers carry the size in the upper half */
        return args_error(c, "'%s' has %u bytes, not %u", text, (unsigned)(wide >> 16), size);
    wide &= 0xFFFF;
    if (wide + size > PACKET_ANNOTATIONS)
        return args_error(c, "annotation beyond the %d bytes there are", PACKET_ANNOTATIONS);
    v = (uint32_t)wide;
    memcpy(value, &v, sizeof v);
    return true;
}

static bool parse_anno_u8(const struct arg_context *c, const char *text, void *value)
{
    return parse_anno(c, text, value, 1);
}

static bool parse_anno_u32(const struct arg_context *c, const char *text, void *value)
{
    return parse_anno(c, text, value, 4);
}

const struct arg_type arg_tcp_port = {"TCP port", sizeof(uint16_t), parse_tcp_port, format_u16,
                                      NULL};
const struct arg_type arg_udp_port = {"UDP port", sizeof(uint16_t), parse_udp_port, format_u16,
                                      NULL};
const struct arg_type arg_ethertype = {"Ethernet type", sizeof(uint16_t), parse_ethertype,
                                       format_ethertype, NULL};
const struct arg_type arg_anno_u8 = {"annotation", sizeof(uint32_t), parse_anno_u8,
                                     format_unsigned, NULL};
const struct arg_type arg_anno_u32 = {"annotation", sizeof(uint32_t), parse_anno_u32,
                                      format_unsigned, NULL};

/* ---- elements and handlers ---- */

static bool parse_element(const struct arg_context *c, const char *text, void *value)
{
    struct element *found = c->element ? element_find_partner(c->element, text) : NULL;

    if (!found)
        return args_error(c, "does not name an element (got '%s')", text);
    memcpy(value, &found, sizeof found);
    return true;
}

static void format_element(const void *value, struct text *out)
{
    struct element *e;

    memcpy(&e, value, sizeof e);
    if (e)
        text_puts(out, e->name);
}

/*
 * "element.handler", where the element's name may hold dots no more than a handler's.
 * Whether the handler exists is known only after every element was configured: whoever
 * uses it looks it up in initialize().
 */
static bool parse_handler(const struct arg_context *c, const char *text, void *value)
{
    struct arg_handler v = {0};
    const char *dot = strrchr(text, '.'), *name = dot ? dot + 1 : text;
    char element[256];

    if (!*name || strpbrk(name, " \t\r\n"))
        return false;
    if (dot && dot != text) {
        if ((size_t)(dot - text) >= sizeof element)
            return false;
        snprintf(element, sizeof element, "%.*s", (int)(dot - text), text);
        v.element = c->element ? element_find(c->element, element) : NULL;
        if (!v.element)
            return args_error(c, "no element named '%s'", element);
    }
    v.name = strdup(name);
    if (!v.name)
        return args_error(c, "out of memory");
    memcpy(value, &v, sizeof v);
    return true;
}

static void format_handler(const void *value, struct text *out)
{
    const struct arg_handler *v = value;

    if (v->element)
        text_printf(out, "%s.", v->element->name);
    if (v->name)
        text_puts(out, v->name);
}

static void release_handler(void *value)
{
    struct arg_handler *v = value;

    free(v->name);
    *v = (struct arg_handler){0};
}

const struct arg_type arg_element = {"element name", sizeof(struct element *), parse_element,
                                     format_element, NULL};
const struct arg_type arg_handler_read = {"read handler name", sizeof(struct arg_handler),
                                          parse_handler, format_handler, release_handler};
const struct arg_type arg_handler_write = {"write handler name", sizeof(struct arg_handler),
                                           parse_handler, format_handler, release_handler};
