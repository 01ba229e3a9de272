// SPDX-License-Identifier: BSD-2-Clause
/* print.c - output for people and for programs; see print.h. */
#include "cli/print.h"

#include <string.h>

static bool steers(unsigned char c)
{
    return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f;
}

void print_text(FILE *to, const char *text, size_t length, bool harmless)
{
    if (!harmless) {
        fwrite(text, 1, length, to);
        return;
    }
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];

        /* 0x80 to 0x9f after 0xc2 is a control character of 8-bit terminals written in UTF-8. */
        if (steers(c) || (c == 0xc2 && i + 1 < length && ((unsigned char)text[i + 1] & 0xe0) == 0x80))
            fprintf(to, "\\x%02x", c);
        else
            fputc(c, to);
    }
}

void print_line(FILE *to, const char *text, size_t length, bool harmless)
{
    print_text(to, text, length, harmless);
    if (length && text[length - 1] != '\n')
        fputc('\n', to);
}

void print_json(json_t *json)
{
    json_dumpf(json, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(json);
}

void print_json_error(const char *code, const struct text *message)
{
    print_json(json_pack("{s:{s:s, s:o}}", "error", "code", code, "message",
                         json_text(text_string(message), message->length)));
}

json_t *json_text(const char *bytes, size_t length)
{
    json_t *string = json_stringn(bytes, length);
    struct text shown = {0};

    if (string)
        return string;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)bytes[i] >= 0x80)
            text_printf(&shown, "\\x%02x", (unsigned char)bytes[i]);
        else
            text_putc(&shown, bytes[i]);
    string = json_stringn(text_string(&shown), shown.length);
    text_free(&shown);
    return string;
}
