// SPDX-License-Identifier: MIT
// keep.c - see keep.h.
#include "chat/keep.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <weft/weft.h>

#include "chat/server.h"
#include "chat/store/store.h"

enum { LAST_WRITES_MS = 5000 };

bool keep_folder(char out[KEEP_FOLDER])
{
    const char *state = getenv("STATE_DIRECTORY"), *xdg = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    int size = -1;
    if (state && *state) // of several the first
        size = snprintf(out, KEEP_FOLDER, "%.*s", (int)strcspn(state, ":"), state);
    else if (xdg && *xdg == '/')
        size = snprintf(out, KEEP_FOLDER, "%s/weft", xdg);
    else if (home && *home == '/')
        size = snprintf(out, KEEP_FOLDER, "%s/.local/state/weft", home);
    return size > 0 && size < KEEP_FOLDER;
}

// All folders that lead to this one. That one cannot be made is found out by who needs it.
static void make_parents(const char *folder)
{
    char path[KEEP_FOLDER];
    (void)snprintf(path, sizeof path, "%s", folder);
    for (char *at = path + 1; (at = strchr(at, '/')); at++) {
        *at = '\0';
        (void)mkdir(path, 0700);
        *at = '/';
    }
}

int keep_open(struct server *server, const char *folder, bool full_sync,
              const struct irc_settings *irc)
{
    const struct store_options options = {.folder = folder,
                                          .full_sync = full_sync,
                                          .keep_days = irc->keep_days,
                                          .keep_count = irc->keep_count};
    make_parents(folder);
    return store_open(&server->history, &options);
}

// What the store did not even take, as long as it was stopped: told when it goes on, or ends.
static void tell_refused(struct server *s, int64_t *told, int64_t refused)
{
    if (refused > *told)
        journal_event(&s->events, "history", log_number("lost", refused - *told),
                      log_text("reason", "history was stopped, or its queue full"));
    *told = refused;
}

// On the hub's loop: the store's own thread knows nothing of sessions.
static int pass_on(struct server *const *arg, weft_none *none)
{
    struct server *s = *arg;
    struct store_progress p = {0};
    struct store_status end;
    int64_t told = 0;
    int rc;
    (void)none;
    while ((rc = store_wait_progress(s->history, p.last, &p, WEFT_FOREVER)) == 0) {
        if (p.code < 0)
            journal_event(&s->events, "history", log_number("lost", p.last - p.first + 1),
                          log_text("reason", strerror(-p.code)));
        tell_refused(s, &told, p.refused);
        irc_progress(s->irc, &p);
    }
    store_status(s->history, &end);
    tell_refused(s, &told, end.refused);
    return rc == -EPIPE ? 0 : rc; // ended, and all were told
}
WEFT_TASK(pass_on, struct server *, weft_none);

int keep_start(struct server *server)
{
    server->keeper = weft_start_as(WEFT_WITH(.kind = WEFT_FIBERS, .name = "keeper"), pass_on,
                                   &server);
    return server->keeper ? 0 : weft_error_code();
}

void keep_close(struct server *server)
{
    if (!server->history)
        return;
    store_end(server->history);
    if (server->keeper)
        (void)weft_join(&server->keeper, NULL, 0); // why it ended was told
    int rc = store_close(&server->history, weft_after_ms(LAST_WRITES_MS));
    if (rc < 0)
        journal_event(&server->events, "history", log_text("reason", weft_error()));
}
