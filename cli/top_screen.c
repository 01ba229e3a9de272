// SPDX-License-Identifier: BSD-2-Clause
/* top_screen.c - clickos top on a terminal, by ncurses; see top_screen.h. */
#include "cli/top_screen.h"

#include <locale.h>
#include <ncurses.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/client.h"

static SCREEN *screen;
static bool help;           /* in place of the VMs */
static int scrolled;        /* lines of VMs above the screen */

static const char help_text[] =
    "Keys\n"
    "\n"
    "  P        sorts by CPU             M        by memory\n"
    "  R        by packets a second      D        by drops a second\n"
    "  N        by name                  s        by the next of these\n"
    "  v        vifs on and off          i        instances on and off\n"
    "  up down  scrolls, also pages      space    looks again at once\n"
    "  h ?      this text, on and off    q        ends\n"
    "\n"
    "CPU% is of one processor, as in xentop. MEM(M) is the VM's memory, USE% how much of it is in use inside.\n"
    "RX is what a vif receives and TX what it sends: packets and bits a second. DROP/s is both ways.\n";

bool top_screen_open(struct top_view *view)
{
    setlocale(LC_CTYPE, "");      /* and no commas in numbers */
    screen = isatty(STDOUT_FILENO) && isatty(STDIN_FILENO) ? newterm(NULL, stdout, stdin) : NULL;
    if (!screen) {
        const char *term = getenv("TERM");

        fprintf(stderr, "clickos: top needs a terminal that it knows (TERM is '%s'); --batch prints instead\n",
                term ? term : "");
        return false;
    }
    cbreak();
    noecho();
    curs_set(0);
    keypad(stdscr, TRUE);
    set_escdelay(25);
    view->columns = COLS;
    return true;
}

void top_screen_close(void)
{
    endwin();
    delscreen(screen);
}

/* One line, cut at the screen's edge. */
static void draw_line(int y, const char *line, size_t n)
{
    move(y, 0);
    clrtoeol();
    addnstr(line, n < (size_t)COLS ? (int)n : COLS);
}

static unsigned count_lines(const char *text)
{
    unsigned n = 0;

    for (; *text; text++)
        n += *text == '\n';
    return n;
}

void top_screen_draw(const struct top_view *view, const char *lines)
{
    int number = 0, y = 0, below, last;

    if (help)
        lines = help_text;
    below = help ? 0 : (int)count_lines(lines) - (TOP_TITLE_LINE + 1);
    last = below - (LINES - (TOP_TITLE_LINE + 1));
    scrolled = scrolled > last ? last : scrolled;
    scrolled = scrolled < 0 || help ? 0 : scrolled;
    erase();
    for (; *lines && y < LINES; number++) {
        size_t n = strcspn(lines, "\n");

        if (help || number <= TOP_TITLE_LINE || number > TOP_TITLE_LINE + scrolled) {
            if (!help && number == TOP_TITLE_LINE)
                attron(A_REVERSE);
            draw_line(y++, lines, n);
            attroff(A_REVERSE);
        }
        lines += n + (lines[n] == '\n');
    }
    if (!help && LINES > 1) {
        move(1, 0);
        printw("sorted by %s; h: help, q: quit", top_sort_names[view->sort]);
    }
    refresh();
}

static enum top_wish take_key(struct top_view *view, int key)
{
    static const struct {
        int key;
        enum top_sort sort;
    } sorts[] = {{'P', TOP_CPU}, {'M', TOP_MEMORY}, {'N', TOP_NAME}, {'R', TOP_PACKETS}, {'D', TOP_DROPS}};

    for (unsigned i = 0; i < sizeof sorts / sizeof *sorts; i++)
        if (sorts[i].key == key)
            view->sort = sorts[i].sort;
    switch (key) {
    case 'q': case 'Q':
        return TOP_QUIT;
    case ' ':
        return TOP_LOOK;
    case 's':
        view->sort = (view->sort + 1) % TOP_SORTS;
        break;
    case 'v':
        view->hide_vifs = !view->hide_vifs;
        break;
    case 'i':
        view->hide_instances = !view->hide_instances;
        break;
    case 'h': case '?':
        help = !help;
        break;
    case KEY_UP: case 'k':
        scrolled--;
        break;
    case KEY_DOWN: case 'j':
        scrolled++;
        break;
    case KEY_PPAGE:
        scrolled -= LINES / 2;
        break;
    case KEY_NPAGE:
        scrolled += LINES / 2;
        break;
    case KEY_RESIZE:
        view->columns = COLS;
        break;
    }
    return TOP_DRAW;
}

enum top_wish top_screen_wait(struct top_view *view, uint64_t end_ns)
{
    uint64_t now = now_ns();
    int key;

    if (client_interrupted())
        return TOP_QUIT;
    /* Keys first: a look may take longer than the time from one to the next. */
    timeout(now < end_ns ? (int)((end_ns - now) / 1000000 + 1) : 0);
    key = getch();
    if (client_interrupted())
        return TOP_QUIT;
    /* Not a key: the time is over, or the terminal went away and there will never be one. */
    if (key == ERR)
        return isatty(STDIN_FILENO) ? now_ns() >= end_ns ? TOP_LOOK : TOP_DRAW : TOP_QUIT;
    return take_key(view, key);
}
