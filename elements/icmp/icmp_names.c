// SPDX-License-Identifier: BSD-2-Clause
/*
 * icmp_names.c - what ICMP elements know about types and codes; see icmp_names.h.
 */
#include "elements/icmp/icmp_names.h"

#include <string.h>

#include "router/headers.h"
#include "router/names.h"

static const struct {
    uint8_t type;
    bool has_codes;
    enum name_kind codes;
} errors_table[] = {
    {ICMP_UNREACHABLE, true, NAME_ICMP_UNREACHABLE_CODE},
    {ICMP_SOURCE_QUENCH, false, NAME_KINDS},
    {ICMP_REDIRECT, true, NAME_ICMP_REDIRECT_CODE},
    {ICMP_TIME_EXCEEDED, true, NAME_ICMP_TIME_EXCEEDED_CODE},
    {ICMP_PARAMETER_PROBLEM, true, NAME_ICMP_PARAMETER_PROBLEM_CODE},
};

static int find(unsigned type)
{
    for (unsigned i = 0; i < sizeof errors_table / sizeof *errors_table; i++)
        if (errors_table[i].type == type)
            return (int)i;
    return -1;
}

bool icmp_is_error(unsigned type)
{
    return find(type) >= 0;
}

bool icmp_code_read(const struct element *scope, unsigned type, const char *text, uint32_t *code)
{
    int row = find(type);
    uint64_t number;

    if (args_read_unsigned(text, 255, &number)) {
        *code = (uint32_t)number;
        return true;
    }
    return row >= 0 && errors_table[row].has_codes &&
           names_find(scope, errors_table[row].codes, text, code, sizeof *code) && *code <= 255;
}

const char *icmp_code_name(unsigned type, unsigned code)
{
    int row = find(type);

    return row >= 0 && errors_table[row].has_codes ? names_of(errors_table[row].codes, code) : NULL;
}

static bool parse(const struct arg_context *context, const char *text, void *value)
{
    uint64_t number;
    uint32_t type;

    if (!args_read_unsigned(text, UINT32_MAX, &number)) {
        if (!names_find(context->element, NAME_ICMP_TYPE, text, &type, sizeof type))
            return args_error(context, "invalid number");
        number = type;
    }
    type = (uint32_t)number;
    memcpy(value, &type, sizeof type);
    return true;
}

static bool parse_error_type(const struct arg_context *context, const char *text, void *value)
{
    uint32_t type;

    if (!parse(context, text, &type))
        return false;
    if (icmp_is_error(type)) {
        memcpy(value, &type, sizeof type);
        return true;
    }
    if (type > 255)
        errors_add(context->errors, NULL, "ICMP type must be between 0 and 255");
    else
        errors_add(context->errors, NULL, "ICMP type %u is not an error type", type);
    return false;
}

static void format(const void *value, struct text *out)
{
    uint32_t type;
    const char *name;

    memcpy(&type, value, sizeof type);
    name = names_of(NAME_ICMP_TYPE, type);
    if (name)
        text_puts(out, name);
    else
        text_printf(out, "%u", type);
}

const struct arg_type arg_icmp_type = {
    .name = "ICMP type", .size = sizeof(uint32_t), .parse = parse, .format = format,
};

const struct arg_type arg_icmp_error_type = {
    .name = "ICMP error type", .size = sizeof(uint32_t), .parse = parse_error_type,
    .format = format,
};
