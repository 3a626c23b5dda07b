// SPDX-License-Identifier: MIT
// settings_fuzz.c - any bytes as the file of settings (chat/settings.h).
//
// The file is memory that has a name. A mistake is one line that says where; read again, the same
// comes of it; and what was read can be adopted and given back.
#define _GNU_SOURCE // memfd_create
#include "fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "chat/settings.h"

static bool read_file(struct settings *set, const char *path, char *wrong, size_t room)
{
    *set = (struct settings){.port = NO_PORT};
    return settings_read_file(set, path, wrong, room);
}

static void check_wrong(const char *path, const char *wrong)
{
    size_t size = strlen(path);
    must(strncmp(wrong, path, size) == 0 && wrong[size] == ':');
    must(strtol(wrong + size + 1, NULL, 10) > 0);
    must(!strchr(wrong, '\n'));
}

static void check_same(const struct settings *a, const struct settings *b)
{
    for (int i = 0; settings_table[i].option; i++) {
        size_t place = settings_table[i].place;
        must(settings_table[i].kind->same((const char *)a + place, (const char *)b + place));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64], wrong[512] = "", again[512] = "";
    struct settings one, two;
    int fd = memfd_create("weft.ini", MFD_CLOEXEC);
    must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    bool good = read_file(&one, path, wrong, sizeof wrong);
    must(read_file(&two, path, again, sizeof again) == good);
    must(strcmp(wrong, again) == 0);
    check_same(&one, &two);
    if (!good)
        check_wrong(path, wrong);
    must(settings_differ(&one, &two, 0) == -1);
    settings_adopt(&one, &two);
    settings_free(&one);
    settings_free(&two);
    (void)close(fd); // it is memory
    return 0;
}
