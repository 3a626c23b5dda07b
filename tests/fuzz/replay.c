// SPDX-License-Identifier: MIT
// replay FOLDER... - a fuzz target's main where there is no libFuzzer: gives it each file of these
// folders, in the order of their names, and cut short at some places. None at all is a mistake.
#define _GNU_SOURCE // asprintf
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum { INPUT_MAX = 1 << 20, CUTS = 8 };

// A copy of its own size, so that a sanitizer sees what is read behind it.
static void give(const unsigned char *bytes, size_t size)
{
    unsigned char *copy = malloc(size > 0 ? size : 1);
    must(copy);
    memcpy(copy, bytes, size);
    must(LLVMFuzzerTestOneInput(copy, size) == 0);
    free(copy);
}

static void replay(const char *path)
{
    static unsigned char bytes[INPUT_MAX];
    FILE *file = fopen(path, "re");
    must(file);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    must(size < sizeof bytes && !ferror(file));
    (void)fclose(file); // was only read
    (void)printf("%s\n", path);
    (void)fflush(stdout); // or a crash loses it
    give(bytes, size);
    for (size_t i = 0; i < CUTS; i++)
        give(bytes, size * i / CUTS);
}

static int is_file(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static size_t replay_folder(const char *folder)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, is_file, alphasort);
    must(count >= 0);
    for (int i = 0; i < count; i++) {
        char *path;
        must(asprintf(&path, "%s/%s", folder, entries[i]->d_name) > 0);
        replay(path);
        free(path);
        free(entries[i]);
    }
    free(entries);
    return (size_t)count;
}

int main(int argc, char **argv)
{
    size_t files = 0;
    for (int i = 1; i < argc; i++)
        files += replay_folder(argv[i]);
    must(files > 0);
    return 0;
}
