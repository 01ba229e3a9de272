// SPDX-License-Identifier: BSD-2-Clause
/* generate.c - the manual page clickos(1) and bash completion, from the table of commands. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"

#ifndef KERNEL_DEFAULT
#define KERNEL_DEFAULT "/usr/local/lib/clickos/clickos.elf"
#endif

/* Text for troff: a hyphen that is typed, and no line that begins with a request. */
static void roff(const char *s)
{
    bool line_start = true;

    for (; *s; s++) {
        if (line_start && (*s == '.' || *s == '\''))
            printf("\\&");
        if (*s == '-')
            printf("\\-");
        else if (*s == '\\')
            printf("\\e");
        else if (*s != '`')
            putchar(*s);
        line_start = *s == '\n';
    }
}

static void man_command(const struct command *command)
{
    printf(".SS \"clickos %s", command->name);
    printf("%s%s", *command->operands ? " " : "", command->operands);
    printf("\"\n");
    roff(command->summary);
    printf(".\n");
    if (command->description) {
        printf(".PP\n");
        roff(command->description);
        printf("\n");
    }
    for (const struct option *o = command->options; o->name; o++) {
        printf(".TP\n.B ");
        if (o->letter)
            printf("\\-%c, ", o->letter);
        printf("\\-\\-");
        roff(o->name);
        if (o->value) {
            printf(" \\fI");
            roff(o->value);
            printf("\\fR");
        }
        printf("\n");
        roff(o->help);
        if (o->repeat)
            printf("; may be repeated");
        if (o->initial)
            printf(" (default %s)", o->initial);
        printf(".\n");
    }
}

void generate_man(void)
{
    printf(".\\\" Made by clickos --generate-man from the table of commands.\n"
           ".TH CLICKOS 1 \"\" ClickOS \"ClickOS Manual\"\n.SH NAME\n"
           "clickos \\- make ClickOS VMs and run Click configurations in them\n.SH SYNOPSIS\n");
    for (const struct command *const *c = commands; *c; c++) {
        printf(".B clickos %s\n", (*c)->name);
        if ((*c)->options[0].name)
            printf("[\\fIOPTION\\fR]... ");
        roff((*c)->operands);
        printf("\n.br\n");
    }
    printf(".SH DESCRIPTION\n"
           "Runs in Xen's dom0, as root. A ClickOS VM holds up to 64 instances, each of which runs one Click\n"
           "configuration. They are started, replaced, read and written while the VM runs.\n"
           ".PP\n"
           "VMs made here are ordinary domains: xl list, xl console and xl destroy work with them.\n"
           ".SH COMMANDS\n");
    for (const struct command *const *c = commands; *c; c++)
        man_command(*c);
    printf(".SH EXIT STATUS\n"
           "0 when it is done, 1 when it failed (errors of a configuration are printed with file and line), 2 when\n"
           "the command line is wrong.\n"
           ".SH ENVIRONMENT\n.TP\n.B CLICKOS_KERNEL\nThe guest's image, when there is no \\-\\-kernel.\n"
           ".SH FILES\n.TP\n.I " KERNEL_DEFAULT "\nThe guest's image.\n"
           ".TP\n.I /run/clickos\\-reap.lock\nHeld by the process that takes away VMs which ended.\n"
           ".SH EXAMPLES\n.nf\n"
           "clickos create fw \\-\\-memory 4 \\-\\-vif bridge=br0 \\-\\-vif bridge=br1 \\-\\-config firewall.click\n"
           "clickos read fw allowed.count\n"
           "clickos start fw stricter.click\n"
           "clickos list fw \\-\\-json\n"
           "clickos top \\-\\-sort packets\n"
           "clickos metrics \\-\\-listen 127.0.0.1:9100\n"
           "clickos destroy fw\n.fi\n"
           ".SH SEE ALSO\n.BR click (1),\n.BR clickos\\-elements (7),\n.BR xl (1)\n");
}

void generate_completion(void)
{
    printf("# bash completion for clickos, made by clickos --generate-completion\n"
           "_clickos()\n{\n"
           "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} options\n"
           "    COMPREPLY=()\n"
           "    if [ \"$COMP_CWORD\" = 1 ]; then\n"
           "        COMPREPLY=($(compgen -W '");
    for (const struct command *const *c = commands; *c; c++)
        printf("%s ", (*c)->name);
    printf("--help' -- \"$cur\"))\n        return\n    fi\n"
           "    case ${COMP_WORDS[1]} in\n");
    for (const struct command *const *c = commands; *c; c++) {
        printf("        %s) options='", (*c)->name);
        for (const struct option *o = (*c)->options; o->name; o++)
            printf("--%s ", o->name);
        printf("--help' ;;\n");
    }
    printf("        *) return ;;\n    esac\n"
           "    case $prev in\n"
           "        --config|--kernel|--ramdisk|--file|-c|-f) compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n"
           "        --type) COMPREPLY=($(compgen -W 'pv pvh' -- \"$cur\")); return ;;\n"
           "        --sort|-o) COMPREPLY=($(compgen -W 'cpu memory name packets drops' -- \"$cur\")); return ;;\n"
           "        --vif) COMPREPLY=($(compgen -W \"$(ls -d /sys/class/net/*/bridge 2>/dev/null |\n"
           "            sed 's,/sys/class/net/\\(.*\\)/bridge,bridge=\\1,')\" -- \"$cur\")); return ;;\n"
           "    esac\n"
           "    if [[ $cur == -* ]]; then\n"
           "        COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
           "    elif [ \"${COMP_WORDS[1]}\" = start ] && [ \"$COMP_CWORD\" -gt 2 ]; then\n"
           "        compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\"))\n"
           "    elif [ \"${COMP_WORDS[1]}\" != create ] && [ \"$COMP_CWORD\" = 2 ]; then\n"
           "        COMPREPLY=($(compgen -W \"$(clickos list --names 2>/dev/null)\" -- \"$cur\"))\n"
           "    elif [ \"$COMP_CWORD\" = 3 ] && [[ ${COMP_WORDS[1]} == @(read|write|handlers) ]]; then\n"
           "        COMPREPLY=($(compgen -W \"$(clickos handlers \"${COMP_WORDS[2]}\" --timeout 1 2>/dev/null |\n"
           "            sed -e 1d -e 's/ .*//')\" -- \"$cur\"))\n"
           "    fi\n}\n"
           "complete -F _clickos clickos\n");
}
