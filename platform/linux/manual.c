// SPDX-License-Identifier: BSD-2-Clause
/* manual.c - click(1) and clickos-elements(7) from their tables; see manual.h. */
#include "platform/linux/manual.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router/element.h"
#include "router/version.h"

static const char click_head[] =
    ".SH NAME\nclick \\- run a Click configuration as a process\n"
    ".SH SYNOPSIS\n.B click\n[\\fIOPTION\\fR]... [\\fIFILE\\fR | \\fINAME\\fB=\\fIVALUE\\fR]...\n"
    ".SH DESCRIPTION\nReads a configuration in the Click language, reports every mistake found in it with "
    "file and line, and otherwise runs it until it stops by itself (an element with STOP true, or "
    "the handler \\fBstop\\fR) or is interrupted with SIGINT or SIGTERM; both stop it cleanly. "
    "\\fINAME\\fB=\\fIVALUE\\fR defines a variable of the configuration. The same files run in a "
    "ClickOS virtual machine; see clickos(1). Devices are named as the host does "
    "(\\fIeth0\\fR); \\fItap:NAME\\fR makes a tap interface.\n.SH OPTIONS\n";

static const char click_tail[] =
    ".SH CONTROL SOCKETS\nPrograms that connect to a ControlSocket call handlers, by Click's ControlSocket "
    "protocol 1.3; clickos\\-elements(7) has the element and its keywords. Options make elements called "
    "\\fIclick_driver@@ControlSocket\\fR, \\fIclick_driver@@ControlSocket@1\\fR and so on: for ports first, "
    "then for Unix sockets, then for descriptors. Whoever can connect may write handlers as well: "
    "\\fB\\-p\\fR \\fIPORT\\fR alone lets in all that reach the host, as Click does.\n"
    ".SH ANOTHER CONFIGURATION\nWith \\fB\\-R\\fR, a write of the handler \\fIhotconfig\\fR makes and initializes a "
    "new router beside the one that runs. When anything is wrong with it, the write fails and what ran goes on. "
    "Otherwise the new one takes its place between two tasks: elements with the name and class of one in the old "
    "configuration go on with what clickos-elements(7) says that they keep, such as a Queue's packets, and all else "
    "begins anew. Control sockets stay open, and clients stay connected.\n"
    ".SH SIGNALS\nSIGINT and SIGTERM stop the driver; handlers asked for are printed all the same. Other signals do "
    "what they do to any process, unless a Script waits for them; SIGPIPE is ignored.\n"
    ".SH EXIT STATUS\n0 when the configuration ran and every handler asked for could be read; 1 when not, "
    "or when the command line was wrong; with \\fB\\-x\\fR, the handler's value: an integer (its lowest eight "
    "bits), 0 for true, 1 for false, 255 for anything else.\n"
    ".SH ENVIRONMENT\n\\fBCLICKPATH\\fR: see \\fB\\-C\\fR. An empty entry, or none at all, stands for the folder of "
    "the file that requires the library; in other folders, \\fIconf/click\\fR and \\fIconf\\fR are looked into first.\n"
    ".SH COMPATIBILITY\nOptions are those of Click's user-level driver, with \\fB\\-\\-simulation\\-time\\fR for "
    "\\fB\\-\\-simtime\\fR, \\fB\\-\\-cpu\\fR for \\fB\\-\\-affinity\\fR, and the opposites "
    "\\fB\\-\\-warnings\\fR, \\fB\\-\\-no\\-affinity\\fR and \\fB\\-\\-no\\-allow\\-reconfigure\\fR; the last of "
    "opposites counts.\n"
    ".SH EXAMPLE\n.nf\nclick -h c.count -e 'InfiniteSource(LIMIT 10, STOP true) -> c :: Counter -> Discard'\n"
    ".fi\n.SH SEE ALSO\nclickos(1), clickos-elements(7)\n";

/* A hyphen at the start of an option, a dot or quote at the start of a line mean something to roff. */
static void print_text(const char *s)
{
    for (; *s; s++) {
        if (*s == '\\')
            fputs("\\e", stdout);
        else if (*s == '-')
            fputs("\\-", stdout);
        else if (*s == '\'')
            fputs("\\(aq", stdout);
        else
            putchar(*s);
    }
}

static void header(const char *name, int section)
{
    printf(".TH %s %d \"\" \"ClickOS %s\" \"ClickOS manual\"\n", name, section, CLICKOS_VERSION);
}

void manual_click(const struct option_row *options)
{
    header("CLICK", 1);
    fputs(click_head, stdout);
    for (const struct option_row *o = options; o->letter; o++) {
        if (!o->help)
            continue;
        printf(".TP\n");
        if (o->letter < 256)
            printf("\\fB\\-%c\\fR, ", o->letter);
        printf("\\fB\\-\\-");
        print_text(o->name);
        printf("\\fR%s\\fI%s\n", o->value && *o->value != '[' ? " " : "", o->value ? o->value : "");
        printf("\\fR");
        print_text(o->help);
        putchar('\n');
    }
    fputs(click_tail, stdout);
}

/* ---- elements ---- */

static const char *const kind_words[] = {
    [ARG_REQUIRED] = "required", [ARG_OPTIONAL] = "optional", [ARG_KEYWORD] = "keyword",
    [ARG_KEYWORD_REQUIRED] = "required keyword", [ARG_REST] = "the remaining arguments",
    [ARG_IGNORED] = "accepted, without effect",
};

static void item(const char *name, const char *note)
{
    printf(".TP\n\\fB");
    print_text(name);
    printf("\\fR (%s)\n", note);
}

void manual_argument_note(const struct argument *a, char note[128])
{
    snprintf(note, 128, "%s%s%s", kind_words[a->kind], a->type ? ", " : "", a->type ? a->type->name : "");
}

void manual_handler_name(const struct handler *h, char name[64])
{
    const char *percent = strchr(h->name, '%');

    snprintf(name, 64, "%.*s%s", (int)(percent ? percent - h->name : 63), h->name, percent ? "N" : "");
}

void manual_handler_note(const struct handler *h, char note[96])
{
    bool readable = h->read || (h->type && (h->flags & HANDLER_READ));
    bool writable = h->write || (h->type && (h->flags & HANDLER_WRITE));

    snprintf(note, 96, "%s%s%s%s%s", readable ? "read" : "",
             h->flags & HANDLER_PARAMETER ? " with a parameter" : "", readable && writable ? ", " : "",
             writable ? "write" : "", h->flags & HANDLER_PRIVATE ? ", from the configuration alone" : "");
}

static void print_arguments(const struct argument *a)
{
    char note[128];

    if (!a || !a->name)
        return;
    printf(".RS\n.PP\nArguments:\n");
    for (; a->name; a++) {
        manual_argument_note(a, note);
        item(a->name, note);
        print_text(a->help ? a->help : "");
        putchar('\n');
    }
    printf(".RE\n");
}

static void print_handlers(const struct handler *h)
{
    bool any = false;

    for (; h && h->name; h++) {
        char name[64], note[96];

        if (!any)
            printf(".RS\n.PP\nHandlers:\n");
        any = true;
        manual_handler_name(h, name);
        manual_handler_note(h, note);
        item(name, note);
        print_text(h->help ? h->help : "");
        putchar('\n');
    }
    if (any)
        printf(".RE\n");
}

static int by_name(const void *a, const void *b)
{
    const struct element_class *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

/* One a line. */
static void print_paragraphs(const char *text)
{
    for (const char *end; *text; text = *end ? end + 1 : end) {
        char *paragraph = strndup(text, strcspn(text, "\n"));

        end = text + strcspn(text, "\n");
        printf(".PP\n");
        print_text(paragraph ? paragraph : "");
        printf("\n");
        free(paragraph);
    }
}

const struct element_class **manual_classes(void)
{
    unsigned n = element_class_count();
    const struct element_class **classes = calloc(n + 1, sizeof *classes);

    if (!classes)
        return NULL;
    for (unsigned i = 0; i < n; i++)
        classes[i] = element_class_at(i);
    qsort(classes, n, sizeof *classes, by_name);
    return classes;
}

void manual_elements(void)
{
    const struct element_class **classes = manual_classes();

    if (!classes)
        return;
    header("CLICKOS-ELEMENTS", 7);
    printf(".SH NAME\nclickos-elements \\- the element classes of ClickOS\n.SH DESCRIPTION\n"
           "Each entry gives a class with its ports (inputs/outputs) and processing "
           "(h push, l pull, a agnostic), then arguments and handlers. Besides its own, every "
           "element has the handlers name, class, config, ports and handlers.\n");
    for (unsigned i = 0; classes[i]; i++) {
        const struct element_class *c = classes[i];

        printf(".SS %s\n", c->name);
        print_text(c->purpose ? c->purpose : "");
        printf(".\n.PP\nPorts ");
        print_text(c->ports);
        printf(", processing ");
        print_text(c->processing);
        printf(".\n");
        if (c->manual)
            print_paragraphs(c->manual);
        print_arguments(c->arguments);
        print_handlers(c->handlers);
    }
    printf(".SH SEE ALSO\nclick(1), clickos(1)\n");
    free(classes);
}
