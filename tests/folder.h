// SPDX-License-Identifier: MIT
// folder.h - for tests of sockets that have a path: a folder of the program's own. It goes with the
// program, and with it what a failed test left there.
#ifndef WEFT_TESTS_FOLDER_H
#define WEFT_TESTS_FOLDER_H

#include "net_helpers.h"

static char folder[] = "/tmp/weft-test-XXXXXX"; // made before the first test

// Overwritten by the next call.
SHARED const char *unix_address(const char *name)
{
    static char address[128];
    snprintf(address, sizeof address, "unix:%s/%s", folder, name);
    return address;
}

SHARED const char *path_of(const char *address)
{
    return address + strlen("unix:");
}

// As link_up, by a path. Nothing on its way: what one end sent the other can receive.
SHARED struct link unix_link_up(void)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    weft_listener *l = weft_listen(unix_address("link"));
    struct link link = {.peer = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_true(l && link.peer >= 0);
    snprintf(sun.sun_path, sizeof sun.sun_path, "%s/link", folder);
    assert_int_equal(connect(link.peer, (struct sockaddr *)&sun, sizeof sun), 0);
    link.ours = weft_accept(l, much_later());
    assert_non_null(link.ours);
    weft_listener_close(&l);
    return link;
}

SHARED int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

SHARED int remove_folder(void **state)
{
    (void)state;
    DIR *all = opendir(folder);
    for (struct dirent *d; all && (d = readdir(all));)
        (void)unlinkat(dirfd(all), d->d_name, 0); // not "." and ".."
    if (all)
        closedir(all);
    return rmdir(folder);
}

#define TEST_MAIN_IN_FOLDER(tests, scenes, count) \
    TEST_MAIN_AROUND(tests, scenes, count, make_folder, remove_folder)

#endif
