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
//     set NAME VALUE     a setting, before the first client
//     restart            the server ends and begins anew on the same data
//
// In a pattern * is any text, \* that character, \s a space, \xNN a byte, {name} a word, the same
// each time. "@a=b;c=* rest" wants these tags at least, "@- rest" none; without '@' tags are not
// looked at. {name} in a LINE is the word that was found.
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

enum { CLIENTS = 200, WORDS = 64, WORD = 200, LINES = 2000, TEXT = 20000 };

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
static struct {
    char name[WORD], value[WORD];
} words[WORDS];
static int word_count;
static int64_t clock_ms = 1767225600000; // 2026-01-01
static struct hub hub;
static struct irc *irc;
static struct irc_settings settings = {
    .name = "weft.test", .network = "weft", .description = "test server"};
static struct irc_operator operators[4];
static struct store *store; // NULL: no history
static char folder[] = "/tmp/irc_transcript.XXXXXX";
static bool no_history, exempt;
static int64_t settled; // records of which everybody was told
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
    settled = 0;
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

// Everything that was to be kept is on disk: whoever waits for it is told.
static void settle(void)
{
    struct store_status status;
    struct store_progress p;
    if (!store)
        return;
    for (store_status(store, &status); settled < status.appended; settled = p.last) {
        if (store_wait_progress(store, settled, &p, weft_after_ms(20000)) < 0)
            stop("history does not answer: %s", weft_error());
        irc_progress(irc, &p);
    }
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
    char text[TEXT];
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

// ---- patterns ------------------------------------------------------------------------------

static char *find_word(const char *name, size_t size)
{
    for (int i = 0; i < word_count; i++)
        if (strlen(words[i].name) == size && strncmp(words[i].name, name, size) == 0)
            return words[i].value;
    return NULL;
}

static const char *read_hex(const char *at, char *out)
{
    char digits[3] = {at[0], at[0] ? at[1] : '\0', '\0'};
    *out = (char)strtol(digits, NULL, 16);
    return at + 2;
}

// What stands in a LINE: escapes and words that were found. Its size: there may be NULs.
static size_t expand(const char *from, char *out)
{
    const char *begin = out;
    while (*from) {
        const char *close = *from == '{' ? strchr(from, '}') : NULL;
        char *value = close ? find_word(from + 1, (size_t)(close - from) - 1) : NULL;
        if (value) {
            out = stpcpy(out, value);
            from = close + 1;
        } else if (from[0] == '\\' && from[1] == 'x') {
            from = read_hex(from + 2, out++);
        } else if (from[0] == '\\' && from[1] == 's') {
            *out++ = ' ';
            from += 2;
        } else {
            *out++ = *from++;
        }
    }
    return (size_t)(out - begin);
}

static bool fits(const char *pattern, const char *text);

static bool fits_word(const char *pattern, const char *text)
{
    const char *close = strchr(pattern, '}');
    size_t size = (size_t)(close - pattern) - 1;
    char *known = find_word(pattern + 1, size);
    if (known)
        return strncmp(text, known, strlen(known)) == 0 && fits(close + 1, text + strlen(known));
    size_t most = strcspn(text, " ;");
    if (word_count == WORDS || size >= WORD)
        stop("too many words");
    int slot = word_count++;
    (void)snprintf(words[slot].name, WORD, "%.*s", (int)size, pattern + 1);
    for (size_t n = most; n > 0; n--) {
        (void)snprintf(words[slot].value, WORD, "%.*s", (int)n, text);
        if (fits(close + 1, text + n))
            return true;
    }
    word_count = slot;
    return false;
}

static bool fits(const char *pattern, const char *text)
{
    char c;
    for (;; pattern++, text++) {
        if (*pattern == '{' && strchr(pattern, '}'))
            return fits_word(pattern, text);
        if (*pattern == '*') {
            while (!fits(pattern + 1, text))
                if (!*text++)
                    return false;
            return true;
        }
        if (!*pattern || !*text)
            return !*pattern && !*text;
        c = *pattern;
        if (c == '\\' && pattern[1] == 'x') {
            pattern = read_hex(pattern + 2, &c) - 1;
        } else if (c == '\\' && pattern[1]) {
            c = *++pattern == 's' ? ' ' : *pattern;
        }
        if (c != *text)
            return false;
    }
}

// Each tag of the pattern is one of the line's.
static bool fits_tags(const char *pattern, size_t size, const char *line)
{
    char wanted[TEXT], tags[TEXT];
    size_t tags_size = *line == '@' ? strcspn(line + 1, " ") : 0;
    (void)snprintf(wanted, sizeof wanted, "%.*s", (int)size, pattern);
    if (strcmp(wanted, "-") == 0)
        return tags_size == 0;
    char *at = wanted;
    for (char *want; (want = strsep(&at, ";"));) {
        bool found = false;
        (void)snprintf(tags, sizeof tags, "%.*s", (int)tags_size, line + 1);
        char *rest = tags;
        for (char *tag; !found && (tag = strsep(&rest, ";"));)
            found = fits(want, tag);
        if (!found)
            return false;
    }
    return true;
}

static bool fits_line(const char *pattern, const char *line)
{
    int known = word_count;
    const char *body = *line == '@' ? line + strcspn(line, " ") + 1 : line;
    size_t size = *pattern == '@' ? strcspn(pattern + 1, " ") : 0;
    bool good = size == 0 || fits_tags(pattern + 1, size, line);
    good = good && fits(size > 0 ? pattern + 1 + size + 1 : pattern, body);
    if (!good)
        word_count = known;
    return good;
}

// ---- expectations --------------------------------------------------------------------------

static void expect_next(struct client *c, const char *pattern)
{
    if (c->next == c->count)
        stop("%s got nothing, not %s", c->name, pattern);
    if (!fits_line(pattern, c->lines[c->next]))
        stop("%s got   %s\n    not %s", c->name, c->lines[c->next], pattern);
    free(c->lines[c->next++]);
}

static void expect_some(struct client *c, const char *pattern)
{
    int from = c->next;
    while (from < c->count && !fits_line(pattern, c->lines[from]))
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
        if (fits_line(pattern, c->lines[i]))
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

static void set(char *rest)
{
    char *name = strsep(&rest, " ");
    if (irc || !rest)
        stop("a setting has a value, and comes before the first client");
    if (strcmp(name, "server.password") == 0)
        settings.password = strdup(rest);
    else if (strcmp(name, "motd") == 0)
        settings.motd = unescape(rest);
    else if (strcmp(name, "admin.name") == 0)
        settings.admin_name = strdup(rest);
    else if (strcmp(name, "admin.location") == 0)
        settings.admin_place = strdup(rest);
    else if (strcmp(name, "admin.email") == 0)
        settings.admin_mail = strdup(rest);
    else if (strcmp(name, "limit.monitor") == 0)
        settings.watches = atoi(rest);
    else if (strcmp(name, "clienttagdeny") == 0)
        settings.tags_refused = strdup(rest);
    else if (strcmp(name, "limit.channels") == 0)
        settings.rooms_each = atoi(rest);
    else if (strcmp(name, "limit.list") == 0)
        settings.list_size = atoi(rest);
    else if (strcmp(name, "register.timeout") == 0)
        settings.register_ms = read_ms(rest);
    else if (strcmp(name, "ping.interval") == 0)
        settings.ping_ms = read_ms(rest);
    else if (strcmp(name, "ping.timeout") == 0)
        settings.answer_ms = read_ms(rest);
    else if (strcmp(name, "history") == 0)
        no_history = strcmp(rest, "off") == 0;
    else if (strcmp(name, "history.days") == 0)
        settings.keep_days = atoi(rest);
    else if (strcmp(name, "history.count") == 0)
        settings.keep_count = atoi(rest);
    else if (strcmp(name, "history.max") == 0)
        settings.history_max = atoi(rest);
    else if (strcmp(name, "flood.burst") == 0)
        settings.flood_burst = atoi(rest);
    else if (strcmp(name, "flood.rate") == 0)
        settings.flood_rate = atoi(rest);
    else if (strcmp(name, "flood.backlog") == 0)
        settings.flood_backlog_kb = atoi(rest);
    else if (strcmp(name, "flood.exempt") == 0)
        exempt = rest[0] == 'y';
    else if (strncmp(name, "oper.", 5) == 0)
        add_operator(name + 5, rest);
    else
        stop("there is no setting %s", name);
}

static void close_client(const char *name)
{
    struct client *c = find_client(name, strlen(name));
    session_close(&c->session, "Connection closed");
    c->closed = true;
}

static void play(char *line)
{
    char text[TEXT];
    size_t size = strcspn(line, " :<");
    if (*line == '#' || !*line)
        return;
    if (*line == '+') {
        connect_client(line + 1);
    } else if (*line == '-') {
        close_client(line + 1);
    } else if (line[size] == ':') {
        size_t length = expand(line + size + 1 + (line[size + 1] == ' '), text);
        send_bytes(find_client(line, size), text, length);
    } else if (line[size] == '<') {
        char what = line[size + 1];
        const char *pattern = line + size + 1 + (what && what != ' ');
        expect(find_client(line, size), what, *pattern == ' ' ? pattern + 1 : pattern);
    } else if (strncmp(line, "wait ", 5) == 0) {
        pass_time(read_ms(line + 5));
    } else if (strncmp(line, "set ", 4) == 0) {
        set(line + 4);
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
