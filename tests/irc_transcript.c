// SPDX-License-Identifier: MIT
// irc_transcript FILE - plays a transcript of tests/irc against the hub: no sockets, its own clock.
//
// A line begins with a word; "alice" stands for any client:
//
//     +alice [cap ...]   connects, asks for these capabilities, registers, forgets what came
//     +alice raw         connects
//     alice: LINE        says it
//     alice< PATTERN     the next line that it gets
//     alice<~ PATTERN    some line from here on; those before it are passed over
//     alice<! PATTERN    no line that waits
//     alice<.            no line waits
//     alice<-            forgets what waits
//     alice<x            the server has closed the connection
//     -alice             closes it
//     wait 2s            the clock goes on: ms, s, m, h
//     jump -1h           the clock is set, forward or back, while nobody looks
//     set NAME VALUE     a setting, before the first client
//     reset NAME [VALUE] otherwise from now on, as after REHASH: a number, a text or a time;
//                        without a value as if it had never been set
//     restart            the server ends and begins anew on the same data
//     disk waits         from now on nobody is told what has become of what is to be kept
//     disk keeps [N]     all of it is kept, and what comes from now on; or the next N records
//     disk fails [N]     the same, but the disk does not take it
//
// Patterns are told in irc_pattern.h.
//
// A client that flood control holds off is not read from: its lines wait, and are taken as the
// clock goes on.
#include <ctype.h>
#include <errno.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weft/weft.h>

#include "chat/irc/irc.h"
#include "chat/store/store.h"
#include "irc_pattern.h"

enum { CLIENTS = 200, LINES = 2000 };

struct client {
    struct wire wire; // first
    char name[NICK_MAX + 1];
    struct session *session; // NULL: closed
    char *lines[LINES];      // that it has not looked at, from `next`
    int next, count;
    char *waiting; // lines that are not yet to be read, each with its newline
    size_t waiting_size;
    bool closed;
};

static struct client clients[CLIENTS];
static int client_count;
static int64_t clock_ms = 1767225600000; // 2026-01-01
static struct hub hub;
static struct irc *irc;
static struct irc_settings settings = {
    .name = "weft.test", .network = "weft", .description = "test server"};
static struct irc_operator operators[4];
static struct store *store; // NULL: no history
static char folder[] = "/tmp/irc_transcript.XXXXXX";
static bool no_history, exempt;
static int64_t settled, committed; // records of which everybody was told; of which we were
static enum disk { DISK_KEEPS, DISK_WAITS, DISK_FAILS } disk;
static const char *file;
static int line_number;

static void remove_folder(void)
{
    static const char *const names[] = {"history.db", "history.db-wal", "history.db-shm",
                                        "words.db",   "words.db-wal",   "words.db-shm",
                                        "lock"};
    char path[sizeof folder + 32];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path); // it may not be there
    }
    (void)rmdir(folder);
}

__attribute__((format(printf, 1, 2))) static _Noreturn void stop(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)fprintf(stderr, "%s:%d: ", file, line_number);
    (void)vfprintf(stderr, fmt, args);
    (void)fputs("\n", stderr);
    va_end(args);
    remove_folder();
    _exit(1); // the history's threads would be waited for
}

// ---- the server ----------------------------------------------------------------------------

static int64_t now(const struct hub *of)
{
    (void)of;
    return clock_ms;
}

static int post(struct wire *wire, const char *lines, size_t size)
{
    struct client *c = (struct client *)wire;
    const char *end = lines + size;
    while (lines < end) {
        const char *stop_at = memchr(lines, '\n', (size_t)(end - lines));
        if (!stop_at || stop_at == lines || stop_at[-1] != '\r')
            stop("%s got a line without its end", c->name);
        if (c->count == LINES)
            stop("%s got too many lines", c->name);
        c->lines[c->count++] = strndup(lines, (size_t)(stop_at - lines) - 1);
        lines = stop_at + 1;
    }
    return 0;
}

static const struct wire_ops memory = {.post = post};

static void start_server(void)
{
    if (irc)
        return;
    hub_init(&hub, now, NULL);
    settled = committed = 0;
    if (!no_history && store_open(&store, &(struct store_options){.folder = folder}) < 0)
        stop("history: %s", weft_error());
    settings.history = store;
    irc = irc_new(&hub, &settings);
    if (!irc)
        stop("no memory for a server");
}

// The client's task would see at once that its session has ended.
static void reap(void)
{
    for (int i = 0; i < client_count; i++)
        if (clients[i].session && session_ended(clients[i].session)) {
            session_close(&clients[i].session, "Connection closed");
            clients[i].closed = true;
        }
}

static void wake(void *task)
{
    (void)task;
}

static void end_server(void)
{
    for (int i = 0; i < client_count; i++) {
        clients[i].closed = true;
        session_close(&clients[i].session, "Server shutting down");
    }
    irc_free(&irc);
    hub_free(&hub);
    if (store && store_close(&store, weft_after_ms(20000)) < 0)
        stop("history: %s", weft_error());
}

// The records up to this one are on disk: whoever waits for them is told so, or that they are not.
static void settle_up_to(int64_t last, int code)
{
    struct store_progress p;
    for (; committed < last; committed = p.last)
        if (store_wait_progress(store, committed, &p, weft_after_ms(20000)) < 0 || p.code < 0)
            stop("history does not answer: %s", weft_error());
    if (last > settled)
        irc_progress(irc, &(struct store_progress){settled + 1, last, .code = code});
    settled = last;
}

static void settle(void)
{
    struct store_status status;
    if (!store || disk == DISK_WAITS)
        return;
    store_status(store, &status);
    settle_up_to(status.appended, disk == DISK_FAILS ? -ENOSPC : 0);
}

// ---- lines to the server -------------------------------------------------------------------

static void read_line(struct client *c, char *line, size_t size)
{
    if (size > 0 && line[size - 1] == '\r')
        line[--size] = '\0';
    if (size > SESSION_LINE - 2)
        session_too_long(c->session);
    else
        session_line(c->session, line, size);
    settle();
    reap();
}

// As the client's task does: what its budget allows, and a look at the rest.
static void read_waiting(struct client *c)
{
    char *at = c->waiting, *end = at + c->waiting_size;
    while (c->session && at < end && session_delay(c->session) == 0) {
        char *newline = memchr(at, '\n', (size_t)(end - at));
        *newline = '\0';
        read_line(c, at, (size_t)(newline - at));
        at = newline + 1;
    }
    c->waiting_size = (size_t)(end - at);
    if (c->waiting_size > 0)
        memmove(c->waiting, at, c->waiting_size);
    if (c->session && session_delay(c->session) > 0)
        session_backlog(c->session, c->waiting_size);
    reap();
}

// ---- clients -------------------------------------------------------------------------------

static struct client *find_client(const char *name, size_t size)
{
    for (int i = client_count - 1; i >= 0; i--)
        if (strlen(clients[i].name) == size && strncmp(clients[i].name, name, size) == 0)
            return &clients[i];
    stop("there is no client %.*s", (int)size, name);
}

static void send_bytes(struct client *c, const char *bytes, size_t size)
{
    if (!c->session)
        stop("%s is not connected", c->name);
    c->waiting = realloc(c->waiting, c->waiting_size + size + 1);
    if (!c->waiting)
        stop("no memory for a line");
    memcpy(c->waiting + c->waiting_size, bytes, size);
    c->waiting[c->waiting_size + size] = '\n';
    c->waiting_size += size + 1;
    read_waiting(c);
}

static void send_text(struct client *c, const char *text)
{
    send_bytes(c, text, strlen(text));
}

static void forget(struct client *c)
{
    while (c->next < c->count)
        free(c->lines[c->next++]);
    c->next = c->count = 0;
}

static void connect_client(char *rest)
{
    char *name = strsep(&rest, " ");
    char text[PATTERN_TEXT];
    start_server();
    if (client_count == CLIENTS || strlen(name) > NICK_MAX)
        stop("too many clients, or too long a name");
    struct client *c = &clients[client_count++];
    c->wire.ops = &memory;
    (void)snprintf(c->name, sizeof c->name, "%s", name);
    c->session = session_open(irc, &c->wire, "host", wake, c);
    if (exempt)
        session_exempt(c->session);
    if (rest && strcmp(rest, "raw") == 0)
        return;
    if (rest) {
        (void)snprintf(text, sizeof text, "CAP REQ :%s", rest);
        send_text(c, text);
        if (c->count == 0 || !strstr(c->lines[c->count - 1], " ACK "))
            stop("%s was refused these capabilities: %s", name, rest);
    }
    (void)snprintf(text, sizeof text, "NICK %s", name);
    send_text(c, text);
    (void)snprintf(text, sizeof text, "USER %s 0 * :%s", name, name);
    send_text(c, text);
    if (rest)
        send_text(c, "CAP END");
    if (!c->session || !session_registered(c->session))
        stop("%s was not registered: %s", name, c->count > 0 ? c->lines[c->count - 1] : "");
    forget(c);
}

// ---- expectations --------------------------------------------------------------------------

static void expect_next(struct client *c, const char *pattern)
{
    if (c->next == c->count)
        stop("%s got nothing, not %s", c->name, pattern);
    if (!pattern_fits(pattern, c->lines[c->next]))
        stop("%s got   %s\n    not %s", c->name, c->lines[c->next], pattern);
    free(c->lines[c->next++]);
}

static void expect_some(struct client *c, const char *pattern)
{
    int from = c->next;
    while (from < c->count && !pattern_fits(pattern, c->lines[from]))
        from++;
    if (from == c->count) {
        for (int i = c->next; i < c->count; i++)
            (void)fprintf(stderr, "  %s\n", c->lines[i]);
        stop("%s got no %s, but the above", c->name, pattern);
    }
    while (c->next <= from)
        free(c->lines[c->next++]);
}

static void expect_none(struct client *c, const char *pattern)
{
    for (int i = c->next; i < c->count; i++)
        if (pattern_fits(pattern, c->lines[i]))
            stop("%s got   %s", c->name, c->lines[i]);
}

static void expect(struct client *c, char what, const char *pattern)
{
    if (what == '~')
        expect_some(c, pattern);
    else if (what == '!')
        expect_none(c, pattern);
    else if (what == '-')
        forget(c);
    else if (what == '.' && c->next < c->count)
        stop("%s got   %s", c->name, c->lines[c->next]);
    else if (what == 'x' && !c->closed)
        stop("the connection of %s is still open", c->name);
    else if (what == ' ')
        expect_next(c, pattern);
    else if (!strchr(".x", what))
        stop("what does < %c mean?", what);
}

// ---- the file ------------------------------------------------------------------------------

static int64_t read_ms(const char *text)
{
    char *unit;
    long long n = strtoll(text, &unit, 10);
    const char *units[] = {"ms", "s", "m", "h"};
    const int64_t sizes[] = {1, 1000, 60000, 3600000};
    for (int i = 0; i < 4; i++)
        if (strcmp(unit, units[i]) == 0)
            return n * sizes[i];
    stop("%s is no time", text);
}

// In steps, as each client's task would look at its session when it is due, and when it may be read
// from again.
static void pass_time(int64_t ms)
{
    for (int64_t end = clock_ms + ms; clock_ms < end;) {
        clock_ms += end - clock_ms < 250 ? end - clock_ms : 250;
        for (int i = 0; i < client_count; i++)
            if (clients[i].session)
                session_tick(clients[i].session);
        reap();
        for (int i = 0; i < client_count; i++)
            if (clients[i].session)
                read_waiting(&clients[i]);
    }
}

static void add_operator(const char *name, const char *password)
{
    char *hash = malloc(crypto_pwhash_STRBYTES);
    struct irc_operator *o = &operators[settings.operator_count++];
    if (!hash || crypto_pwhash_str(hash, password, strlen(password), crypto_pwhash_OPSLIMIT_MIN,
                                   crypto_pwhash_MEMLIMIT_MIN) < 0)
        stop("no memory for a password");
    *o = (struct irc_operator){.name = strdup(name), .hash = hash};
    settings.operators = operators;
}

static char *unescape(const char *text)
{
    char *copy = strdup(text), *out = copy;
    for (; *text; text++)
        *out++ = (char)(text[0] == '\\' && text[1] == 'n' ? (text++, '\n') : *text);
    *out = '\0';
    return copy;
}

// The settings that are a number, a text or a time; the others have a branch in set().
static const struct {
    const char *name;
    int *number;
    const char **text;
    int64_t *ms;
} rows[] = {
    {"server.name", .text = &settings.name},
    {"server.password", .text = &settings.password},
    {"admin.name", .text = &settings.admin_name},
    {"admin.location", .text = &settings.admin_place},
    {"admin.email", .text = &settings.admin_mail},
    {"clienttagdeny", .text = &settings.tags_refused},
    {"limit.monitor", .number = &settings.watches},
    {"limit.channels", .number = &settings.rooms_each},
    {"limit.list", .number = &settings.list_size},
    {"history.days", .number = &settings.keep_days},
    {"history.count", .number = &settings.keep_count},
    {"history.max", .number = &settings.history_max},
    {"flood.burst", .number = &settings.flood_burst},
    {"flood.rate", .number = &settings.flood_rate},
    {"flood.backlog", .number = &settings.flood_backlog_kb},
    {"register.timeout", .ms = &settings.register_ms},
    {"ping.interval", .ms = &settings.ping_ms},
    {"ping.timeout", .ms = &settings.answer_ms},
};

// Texts stay to the end: the server has those of before until it has been given the new ones.
static const char *keep_text(const char *text)
{
    static char kept[4096], *free_from = kept;
    char *at = free_from;
    size_t size = strlen(text) + 1;
    if (size > (size_t)(kept + sizeof kept - at))
        stop("the texts of the settings have no room");
    free_from += size;
    return memcpy(at, text, size);
}

static bool set_row(const char *name, const char *value)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].name, name) != 0)
            continue;
        if (rows[i].number)
            *rows[i].number = value ? atoi(value) : 0;
        else if (rows[i].text)
            *rows[i].text = value ? keep_text(value) : NULL;
        else
            *rows[i].ms = value ? read_ms(value) : 0;
        return true;
    }
    return false;
}

static void set(char *rest)
{
    char *name = strsep(&rest, " ");
    if (irc || !rest)
        stop("a setting has a value, and comes before the first client");
    if (set_row(name, rest))
        return;
    if (strcmp(name, "motd") == 0)
        settings.motd = unescape(rest);
    else if (strcmp(name, "history") == 0)
        no_history = strcmp(rest, "off") == 0;
    else if (strcmp(name, "flood.exempt") == 0)
        exempt = rest[0] == 'y';
    else if (strncmp(name, "oper.", 5) == 0)
        add_operator(name + 5, rest);
    else
        stop("there is no setting %s", name);
}

static void reset(char *rest)
{
    char *name = strsep(&rest, " ");
    start_server();
    if (!set_row(name, rest))
        stop("there is no number, text or time %s", name);
    irc_set(irc, &settings);
}

static void set_disk(char *rest)
{
    static const char *const words[] = {"keeps", "waits", "fails"};
    const char *word = strsep(&rest, " ");
    enum disk found = DISK_KEEPS;
    while (found < DISK_FAILS && strcmp(words[found], word) != 0)
        found++;
    if (strcmp(words[found], word) != 0 || !store)
        stop("the disk keeps, waits or fails, once there is a client");
    if (rest) {
        settle_up_to(settled + atoi(rest), found == DISK_FAILS ? -ENOSPC : 0);
    } else {
        disk = found;
        settle();
    }
}

static void close_client(const char *name)
{
    struct client *c = find_client(name, strlen(name));
    session_close(&c->session, "Connection closed");
    c->closed = true;
}

static void play(char *line)
{
    char text[PATTERN_TEXT];
    size_t size = strcspn(line, " :<");
    if (*line == '#' || !*line)
        return;
    if (*line == '+') {
        connect_client(line + 1);
    } else if (*line == '-') {
        close_client(line + 1);
    } else if (line[size] == ':') {
        size_t length = pattern_expand(line + size + 1 + (line[size + 1] == ' '), text);
        send_bytes(find_client(line, size), text, length);
    } else if (line[size] == '<') {
        char what = line[size + 1];
        const char *pattern = line + size + 1 + (what && what != ' ');
        expect(find_client(line, size), what, *pattern == ' ' ? pattern + 1 : pattern);
    } else if (strncmp(line, "wait ", 5) == 0) {
        pass_time(read_ms(line + 5));
    } else if (strncmp(line, "jump ", 5) == 0) {
        clock_ms += read_ms(line + 5);
    } else if (strncmp(line, "set ", 4) == 0) {
        set(line + 4);
    } else if (strncmp(line, "reset ", 6) == 0) {
        reset(line + 6);
    } else if (strncmp(line, "disk ", 5) == 0) {
        set_disk(line + 5);
    } else if (strcmp(line, "restart") == 0) {
        end_server();
        start_server();
    } else {
        stop("this means nothing: %s", line);
    }
}

int main(int argc, char **argv)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    file = argc == 2 ? argv[1] : "";
    FILE *in = fopen(file, "r");
    if (!in || sodium_init() < 0 || !mkdtemp(folder))
        stop("usage: irc_transcript FILE: %s", strerror(errno));
    (void)atexit(remove_folder);
    while ((size = getline(&line, &room, in)) >= 0) {
        line_number++;
        if (size > 0 && line[size - 1] == '\n')
            line[size - 1] = '\0';
        play(line);
    }
    end_server();
    free(line);
    (void)fclose(in);
    return 0;
}
