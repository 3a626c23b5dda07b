// SPDX-License-Identifier: MIT
// world.c - see world.h: the server, its clients, and what they do.
#define _GNU_SOURCE // memmem
#include "world.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <strings.h>
#include <weft/weft.h>

#include "chat/irc/irc.h"

enum { BEGIN_MS = 1000, SLOW_ROOM = 2000, TICK_MS = 20000 };

struct client clients[CLIENTS];
struct hub hub;
struct irc *irc;
static struct store *store;
static int64_t clock_ms;
static unsigned last_label;
static bool in_between; // of a command that waits

static struct irc_operator operators[] = {{.name = "op"}};
static const struct irc_settings usual = {
    .name = "weft.test",
    .network = "weft",
    .description = "a server of tests",
    .motd = "one\ntwo\n",
    .operators = operators,
    .operator_count = 1,
    .rooms_each = 20,
    .list_size = 10,
    .watches = 10,
};

static int64_t now(const struct hub *of)
{
    (void)of;
    return clock_ms;
}

static const char *hash_of(const char *password)
{
    static char hash[crypto_pwhash_STRBYTES]; // made once: that takes a while
    if (!*hash)
        must(sodium_init() >= 0 &&
             crypto_pwhash_str(hash, password, strlen(password), crypto_pwhash_OPSLIMIT_MIN,
                               crypto_pwhash_MEMLIMIT_MIN) == 0);
    return hash;
}

static void rehash(void *owner)
{
    (void)owner; // other settings come as a step of their own
}

static struct irc_settings settings_now(void)
{
    struct irc_settings set = usual;
    operators[0].hash = hash_of("pw");
    set.history = store;
    set.rehash = rehash;
    return set;
}

void world_begin(void)
{
    clock_ms = 1767225600000 + BEGIN_MS; // 2026-01-01
    last_label = 0;
    in_between = false;
    store = memory_open();
    hub_init(&hub, now, NULL);
    struct irc_settings set = settings_now();
    irc = irc_new(&hub, &set);
    must(irc);
}

void world_end(void)
{
    for (int i = 0; i < CLIENTS; i++)
        world_close(i);
    must(!hub.users && !hub.rooms && irc->unknown == 0 && !irc->watches);
    must(hub.invisible == 0 && hub.operators == 0);
    irc_free(&irc);
    hub_free(&hub);
    memory_close(&store);
}

// ---- lines to a client ----------------------------------------------------------------------

// A slow client's queue is full at some time; what was not queued must not be counted as told.
static int post(struct wire *wire, const char *lines, size_t size)
{
    struct client *c = (struct client *)(void *)wire;
    must(size > 0 && c->session && !session_ended(c->session));
    if (c->slow && size > c->room)
        return -ENOBUFS;
    c->room -= c->slow ? size : 0;
    const char *end = lines + size;
    while (lines < end) {
        const char *stop = memmem(lines, (size_t)(end - lines), "\r\n", 2);
        must(stop);
        char *line = strndup(lines, (size_t)(stop - lines));
        must(line);
        view_line(c, line, (size_t)(stop - lines));
        free(line);
        lines = stop + 2;
    }
    return 0;
}

static const struct wire_ops memory = {.post = post};

static void wake(void *task)
{
    (void)task; // reap() looks at everybody after each step
}

// What each client's own task does when it finds its session ended.
static void reap(void)
{
    for (int i = 0; i < CLIENTS; i++)
        if (clients[i].session && !clients[i].busy && session_ended(clients[i].session))
            world_close(i);
}

// ---- steps ----------------------------------------------------------------------------------

void world_connect(int who)
{
    struct client *c = &clients[who];
    char host[32];
    if (c->session)
        return;
    view_forget(c);
    c->wire.ops = &memory;
    c->slow = false;
    (void)snprintf(host, sizeof host, who % 2 ? "192.0.2.%d" : "::%d", who);
    c->session = session_open(irc, &c->wire, host, wake, c);
    must(c->session);
}

void world_close(int who)
{
    struct client *c = &clients[who];
    if (c->busy)
        return;
    session_close(&c->session, "Connection closed");
    view_forget(c);
}

static void say_text(int who, const char *text)
{
    world_say(who, text, strlen(text), false);
}

void world_enter(int who)
{
    char text[64];
    if (clients[who].session)
        return;
    say_text(who, "CAP REQ :away-notify batch chghost draft/chathistory draft/event-playback "
                  "draft/multiline echo-message extended-join extended-monitor invite-notify "
                  "draft/message-redaction labeled-response message-tags multi-prefix server-time "
                  "setname soju.im/search "
                  "standard-replies userhost-in-names");
    (void)snprintf(text, sizeof text, "NICK n%d", who);
    say_text(who, text);
    say_text(who, "USER u 0 * :real");
    say_text(who, "CAP END");
    say_text(who, "JOIN #r");
}

// With "label=zZ7" as its last tag, in `out`; the size, or 0: it will not be answered as one line.
static size_t put_label(const char *line, size_t size, unsigned number, char *out, size_t room)
{
    struct line parsed;
    const char *space = size > 0 && *line == '@' ? memchr(line, ' ', size) : line;
    size_t tags = space ? (size_t)(space - line) : size;
    bool good = size > 0 && !memchr(line, '\r', size) && !memchr(line, '\0', size);
    if (!good || tags >= size)
        return 0;
    int n = snprintf(out, room, "%s%.*s%slabel=" LABEL_MARK "%u%s%.*s", tags ? "" : "@", (int)tags,
                     line, tags ? ";" : "", number, tags ? "" : " ", (int)(size - tags),
                     line + tags);
    must(n > 0 && (size_t)n < room);
    char *copy = strdup(out);
    must(copy);
    int rc = line_parse(&parsed, copy, (size_t)n);
    free(copy);
    return rc == 0 ? (size_t)n : 0;
}

// A batch is answered when it ends, if it is any good: that may be never.
static bool is_batch(const char *line)
{
    line += *line == '@' ? strcspn(line, " ") : 0;
    line += strspn(line, " ");
    line += *line == ':' ? strcspn(line, " ") : 0;
    line += strspn(line, " ");
    return strncasecmp(line, "BATCH", 5) == 0;
}

static void tell_session(struct client *c, char *line, size_t size)
{
    c->busy = true;
    if (size > SESSION_LINE - 2)
        session_too_long(c->session);
    else
        session_line(c->session, line, size);
    c->busy = false;
    unsigned caps = c->session->caps;
    if ((caps & CAP_EVENT_PLAYBACK) && !(caps & CAP_BATCH))
        c->view.unsure = true;
    reap();
}

void world_say(int who, const char *line, size_t size, bool labelled)
{
    struct client *c = &clients[who];
    if (c->busy || memmem(line, size, LABEL_MARK, strlen(LABEL_MARK)))
        return;
    world_connect(who);
    if (session_delay(c->session) > 0)
        return; // flood control: nobody reads from it now
    size_t room = size + 64;
    char *text = malloc(room);
    must(text);
    const unsigned needed = CAP_LABEL | CAP_BATCH;
    bool answers = labelled && (c->session->caps & needed) == needed;
    size_t n = answers ? put_label(line, size, ++last_label, text, room) : 0;
    if (n > 0) {
        label_expect(c, last_label, !is_batch(text));
        size = n;
    } else {
        memcpy(text, line, size);
        text[size] = '\0';
    }
    tell_session(c, text, size);
    free(text);
}

// In steps, as each client's task looks at its session when it is due.
void world_wait(int64_t ms)
{
    for (int64_t end = clock_ms + ms; clock_ms < end;) {
        clock_ms += end - clock_ms < TICK_MS ? end - clock_ms : TICK_MS;
        for (int i = 0; i < CLIENTS; i++)
            if (clients[i].session && !clients[i].busy)
                session_tick(clients[i].session);
        reap();
    }
}

void world_slow(int who)
{
    clients[who].slow = true;
    clients[who].room = SLOW_ROOM;
}

void world_settle(int code)
{
    struct store_progress p;
    if (!memory_settle(store, code, &p))
        return;
    irc_progress(irc, &p);
    reap();
}

void world_rehash(unsigned which)
{
    struct irc_settings set = settings_now();
    set.password = which & 1 ? "secret" : NULL;
    set.tags_refused = which & 2 ? "*,-typing" : NULL;
    set.rooms_each = which & 4 ? 1 : usual.rooms_each;
    set.list_size = which & 8 ? 1 : usual.list_size;
    set.motd = which & 16 ? NULL : usual.motd;
    set.flood_rate = which & 32 ? 2 : 0;
    set.flood_burst = 5;
    irc_set(irc, &set);
}

// ---- a command that waits for the history ---------------------------------------------------

void world_pause(void)
{
    if (in_between)
        return;
    in_between = true;
    world_meanwhile();
    in_between = false;
}

int __wrap_weft_cond_wait(weft_cond *c, weft_mutex *m, weft_time deadline);

// Of the wait in history.c, the only one: somebody else's step, and then the disk has caught up.
int __wrap_weft_cond_wait(weft_cond *c, weft_mutex *m, weft_time deadline)
{
    must(c == &irc->settled_moved && m == &irc->settled_mu);
    (void)deadline; // the disk is never late here
    weft_unlock(m);
    world_pause();
    world_settle(0);
    weft_lock(m);
    return 0;
}
