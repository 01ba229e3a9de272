// SPDX-License-Identifier: BSD-2-Clause
/*
 * print.c - Print([LABEL, MAXLENGTH, keywords]): prints each packet, and passes it on.
 *
 *     LABEL: TIMESTAMP:  LENGTH | BYTES
 *
 * MAXLENGTH bytes are printed (default 24; negative: all). Keywords: CONTENTS HEX (default),
 * ASCII or NONE; TIMESTAMP, PRINTANNO, HEADROOM (default false), ACTIVE (default true).
 * Handlers: active (read, write).
 */
#include <string.h>
#include <strings.h>

#include "platform/platform.h"
#include "router/element.h"

enum contents { CONTENTS_NONE, CONTENTS_HEX, CONTENTS_ASCII };

struct print {
    struct element base;
    struct arg_string label, contents_word;
    int32_t max_length;
    enum contents contents;
    bool timestamp, annotations, headroom, active;
    bool deprecated[2];
};

static void add_hex(struct text *out, const uint8_t *data, uint32_t n, bool grouped)
{
    static const char digits[] = "0123456789abcdef";

    for (uint32_t i = 0; i < n; i++) {
        if (grouped && i && i % 4 == 0)
            text_putc(out, ' ');
        text_putc(out, digits[data[i] >> 4]);
        text_putc(out, digits[data[i] & 15]);
    }
}

static void add_ascii(struct text *out, const uint8_t *data, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (i % 8 == 0)
            text_putc(out, ' ');
        text_putc(out, data[i] < 32 || data[i] > 126 ? '.' : (char)data[i]);
    }
}

static void print(const struct print *pr, const struct packet *p)
{
    uint32_t shown = pr->contents == CONTENTS_NONE ? 0 : p->length;
    const char *separator = "";
    struct text out = {0};

    if (pr->contents != CONTENTS_NONE && pr->max_length >= 0 && shown > (uint32_t)pr->max_length)
        shown = (uint32_t)pr->max_length;
    if (pr->label.length) {
        text_add(&out, pr->label.s, pr->label.length);
        separator = ": ";
    }
    if (pr->timestamp) {
        text_puts(&out, separator);
        args_format_ns(&out, p->timestamp_ns);
        separator = ": ";
    }
    text_printf(&out, "%s%4u", separator, p->length);
    if (pr->headroom)
        text_printf(&out, " (h%u t%u)", packet_headroom(p), packet_tailroom(p));
    if (pr->annotations) {
        text_puts(&out, " | ");
        add_hex(&out, p->anno, PACKET_ANNOTATIONS, false);
    }
    if (shown) {
        text_puts(&out, " | ");
        if (pr->contents == CONTENTS_HEX)
            add_hex(&out, p->data, shown, true);
        else
            add_ascii(&out, p->data, shown);
    }
    text_putc(&out, '\n');
    platform_log(text_string(&out), out.length);
    text_free(&out);
}

static inline struct packet *action(struct element *e, struct packet *p)
{
    struct print *pr = element_as(struct print, e);

    if (pr->active)
        print(pr, p);
    return p;
}
ELEMENT_ACTION(action)

static void setup(struct element *e)
{
    struct print *pr = element_as(struct print, e);

    pr->max_length = 24;
    pr->active = true;
}

static bool configure(struct element *e, const struct words *rest, struct errors *errors)
{
    static const struct {
        const char *word;
        enum contents contents;
    } words[] = {
        {"NONE", CONTENTS_NONE}, {"HEX", CONTENTS_HEX}, {"ASCII", CONTENTS_ASCII},
        {"false", CONTENTS_NONE}, {"true", CONTENTS_HEX},       /* what old configurations say */
        {"no", CONTENTS_NONE}, {"yes", CONTENTS_HEX}, {"0", CONTENTS_NONE}, {"1", CONTENTS_HEX},
        {"f", CONTENTS_NONE}, {"t", CONTENTS_HEX}, {"n", CONTENTS_NONE}, {"y", CONTENTS_HEX},
    };
    struct print *pr = element_as(struct print, e);
    const char *word = pr->contents_word.s;

    (void)rest;
    for (int i = 0; i < 2; i++)
        if (pr->deprecated[i])
            errors_warn(errors, NULL, "%s: argument deprecated", i ? "NBYTES" : "LENGTH");
    if (!word) {
        pr->contents = CONTENTS_HEX;
        return true;
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(word, words[i].word) == 0) {
            pr->contents = words[i].contents;
            return true;
        }
    return element_error(e, errors, "bad contents value '%s'; should be 'NONE', 'HEX', or 'ASCII'",
                         word);
}

#define FLAG(NAME, member, text)                                            \
    {.name = NAME, .kind = ARG_KEYWORD, .type = &arg_bool,                  \
     .offset = offsetof(struct print, member), .help = text}

static const struct argument arguments[] = {
    {.name = "LABEL", .kind = ARG_OPTIONAL, .type = &arg_string,
     .offset = offsetof(struct print, label), .help = "what each line begins with"},
    {.name = "MAXLENGTH", .kind = ARG_OPTIONAL, .type = &arg_int,
     .offset = offsetof(struct print, max_length),
     .help = "bytes of each packet to print; default 24, negative: all"},
    {.name = "LENGTH", .kind = ARG_KEYWORD, .type = &arg_int,
     .offset = offsetof(struct print, max_length), .given = offsetof(struct print, deprecated[0]),
     .help = "old name of MAXLENGTH"},
    {.name = "NBYTES", .kind = ARG_KEYWORD, .type = &arg_int,
     .offset = offsetof(struct print, max_length), .given = offsetof(struct print, deprecated[1]),
     .help = "old name of MAXLENGTH"},
    {.name = "CONTENTS", .kind = ARG_KEYWORD, .type = &arg_word,
     .offset = offsetof(struct print, contents_word), .help = "HEX (default), ASCII or NONE"},
    FLAG("TIMESTAMP", timestamp, "print timestamps; default false"),
    FLAG("PRINTANNO", annotations, "print the annotations; default false"),
    FLAG("ACTIVE", active, "false: print nothing; default true"),
    FLAG("HEADROOM", headroom, "print the room in front and behind; default false"),
    {.name = "CPU", .kind = ARG_IGNORED, .type = &arg_bool, .help = "accepted, has no effect"},
    {0},
};

static const struct handler handlers[] = {
    {.name = "active", .flags = HANDLER_READ | HANDLER_WRITE | HANDLER_CALM | HANDLER_CHECKBOX,
     .type = &arg_bool,
     .offset = offsetof(struct print, active), .help = "whether it prints"},
    {0},
};

ELEMENT_CLASS(print) = {
    .name = "Print", .ports = PORTS_1_1, .processing = AGNOSTIC, .size = sizeof(struct print),
    .arguments = arguments, .handlers = handlers, .live_config = true, .setup = setup,
    .configure = configure, .order = ORDER_SEEN,
    ELEMENT_ENTRIES(action),
    .threads = THREADS_EACH,
    .offload = true, .group = "standard", .purpose = "prints packets' bytes",
};
