// SPDX-License-Identifier: BSD-2-Clause
/*
 * library.c - where require(library NAME) finds its file, in a process.
 *
 * An absolute NAME is the file. Otherwise each folder of CLICKPATH is asked, with conf/click/ and conf/ in
 * it first; an empty entry, or none at all, stands for the folder of the file that requires it.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "platform/platform.h"
#include "router/errors.h"

static char *found_file(const char *folder, size_t length, const char *below, const char *name)
{
    struct stat status;
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%.*s%s%s%s", (int)length, folder,
                     length && folder[length - 1] == '/' ? "" : "/", below, name);

    if (n < 0 || (size_t)n >= sizeof path || stat(path, &status) < 0 || !S_ISREG(status.st_mode))
        return NULL;
    return strdup(path);
}

static char *find_below(const char *folder, size_t length, const char *name)
{
    static const char *const below[] = {"conf/click/", "conf/", ""};
    char *path = NULL;

    for (unsigned i = 0; !path && i < sizeof below / sizeof *below; i++)
        path = found_file(folder, length, below[i], name);
    return path;
}

static char *find_beside(const char *includer, const char *name)
{
    const char *slash = strrchr(includer, '/');

    return slash ? found_file(includer, (size_t)(slash - includer) + 1, "", name)
                 : found_file(".", 1, "", name);
}

static char *find_library(const char *name, const char *includer)
{
    const char *folder = getenv("CLICKPATH");
    bool beside = false;
    char *path = NULL;

    if (*name == '/')
        return strdup(name);
    for (folder = folder ? folder : ""; !path; folder++) {
        size_t length = strcspn(folder, ":");

        if (length)
            path = find_below(folder, length, name);
        else if (!beside) {
            beside = true;
            path = find_beside(includer, name);
        }
        folder += length;
        if (!*folder)
            break;
    }
    return path;
}

char *platform_library_read(const char *name, const char *includer, char **path, size_t *length)
{
    struct errors unwanted = {0};       /* the language says that there is none */
    char *text = NULL;

    *path = find_library(name, includer);
    if (*path)
        text = platform_file_read(*path, length, &unwanted);
    errors_free(&unwanted);
    return text;
}
