// SPDX-License-Identifier: MIT
// commands.c - see commands.h. A row for each command: its name, its fewest words, what it does.
#include "chat/join/commands.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "chat/join/news.h"

enum { LINE_ROOM = 4096, TIME_ROOM = 40 };

static void note(struct desk *d, enum said_kind kind, const char *text)
{
    model_note(d->model, model_active(d->model), kind, d->now_s, "%s", text);
}

// The first word of *text into `word`, and *text behind it and its spaces.
static void take_word(const char **text, char *word, size_t room)
{
    size_t size = strcspn(*text, " ");
    (void)snprintf(word, room, "%.*s", (int)size, *text); // what is longer is no name anywhere
    *text += size;
    *text += strspn(*text, " ");
}

// Takes a room in front of the rest if there is one; else it is the active one. "": there is none.
static const char *take_room(struct desk *d, const char **text, char word[NAME_ROOM])
{
    struct room *r = model_active(d->model);
    if (session_is_room(d->session, *text)) {
        take_word(text, word, NAME_ROOM);
        return word;
    }
    if (r->channel)
        return r->name;
    note(d, SAID_ERROR, "in which room? It begins with #");
    return "";
}

bool desk_say(struct desk *d, const char *text)
{
    struct room *r = model_active(d->model);
    if (!d->connected) {
        note(d, SAID_ERROR, "not connected: nothing was sent");
        return false;
    }
    if (r == d->model->rooms[0])
        note(d, SAID_ERROR, "nobody hears you here: /join #room, or /msg nick text");
    else
        session_say(d->session, r->name, text, false);
    return true;
}

// ---- the commands --------------------------------------------------------------------------

static void on_join(struct desk *d, const char *rest)
{
    char name[NAME_ROOM];
    take_word(&rest, name, sizeof name);
    bool bare = !session_is_room(d->session, name);
    char whole[NAME_ROOM + 1];
    (void)snprintf(whole, sizeof whole, "%s%s", bare ? "#" : "", name);
    struct room *r = model_find(d->model, whole);
    if (r && r->joined) {
        model_show(d->model, model_index(d->model, r));
        return;
    }
    session_send(d->session, *rest ? "JOIN %s %s" : "JOIN %s", whole, rest);
    char key[KEYRING_KEY];
    take_word(&rest, key, sizeof key);
    keyring_put(d->keyring, d->session->casemap, whole, key);
}

// Leaving a private talk, or a room that one is not in, only closes it here.
static void on_part(struct desk *d, const char *rest)
{
    char name[NAME_ROOM];
    struct room *r = model_active(d->model);
    if (session_is_room(d->session, rest)) {
        take_word(&rest, name, sizeof name);
        r = model_find(d->model, name);
    }
    if (r && r->joined)
        session_send(d->session, *rest ? "PART %s :%s" : "PART %s", r->name, rest);
    else if (r && r != d->model->rooms[0])
        model_close(d->model, r);
    else
        note(d, SAID_ERROR, "you are not in that room");
}

static void on_nick(struct desk *d, const char *rest)
{
    size_t size = strcspn(rest, " ");
    if (rest[size + strspn(rest + size, " ")])
        note(d, SAID_ERROR, "a nick is one word");
    else
        session_send(d->session, "NICK %.*s", (int)size, rest);
}

static void on_me(struct desk *d, const char *rest)
{
    struct room *r = model_active(d->model);
    if (r == d->model->rooms[0])
        note(d, SAID_ERROR, "nobody sees you here: /join #room");
    else
        session_say(d->session, r->name, rest, true);
}

// Without a text it only opens the talk.
static void on_msg(struct desk *d, const char *rest)
{
    char name[NAME_ROOM];
    take_word(&rest, name, sizeof name);
    struct room *r = model_room(d->model, name, session_is_room(d->session, name));
    if (r)
        model_show(d->model, model_index(d->model, r));
    if (*rest)
        session_say(d->session, name, rest, false);
}

static void on_topic(struct desk *d, const char *rest)
{
    char word[NAME_ROOM];
    const char *room = take_room(d, &rest, word);
    if (*room)
        session_send(d->session, *rest ? "TOPIC %s :%s" : "TOPIC %s", room, rest);
}

static void on_names(struct desk *d, const char *rest)
{
    char word[NAME_ROOM];
    const char *room = take_room(d, &rest, word);
    struct room *r = *room ? model_find(d->model, room) : NULL;
    if (r)
        r->lists = r->stale = true;
    if (*room)
        session_send(d->session, "NAMES %s", room);
}

static void on_list(struct desk *d, const char *rest)
{
    session_send(d->session, *rest ? "LIST %s" : "LIST", rest);
}

// As the value of a tag is written.
static void escape(const char *from, char *out, size_t room)
{
    static const char special[] = "; \\", letters[] = ":s\\";
    size_t n = 0;
    for (; *from && n + 2 < room; from++) {
        const char *at = strchr(special, *from);
        if (at) {
            out[n++] = '\\';
            out[n++] = letters[at - special];
        } else
            out[n++] = *from;
    }
    out[n] = '\0';
}

struct search {
    char from[NAME_ROOM], since[TIME_ROOM], until[TIME_ROOM]; // "": any
    char words[SESSION_LINE];
};

// "2026-01-31", and how many days behind it, by the clock of who sits here. False: it is no day.
static bool day_begins(const char *text, int later, time_t *at)
{
    int year, month, day, size = 0;
    if (strcspn(text, "-") != 4 || text[strspn(text, "0123456789-")] ||
        sscanf(text, "%4d-%2d-%2d%n", &year, &month, &day, &size) != 3 || text[size])
        return false;
    struct tm t = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_isdst = -1};
    *at = mktime(&t);
    if (t.tm_mon != month - 1 || t.tm_mday != day)
        return false;
    t = (struct tm){
        .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day + later, .tm_isdst = -1};
    *at = mktime(&t);
    return true;
}

static void put_time(char out[TIME_ROOM], time_t at, const char *millis)
{
    struct tm t;
    char second[TIME_ROOM - 8] = "";
    if (gmtime_r(&at, &t))
        (void)strftime(second, sizeof second, "%Y-%m-%dT%H:%M:%S", &t); // "" is no time: refused
    (void)snprintf(out, TIME_ROOM, "%s.%sZ", second, millis);
}

// "from:ada", "on:2026-01-31", "after:", "before:": true, and it is taken. As in the page's search.
// The server's bounds are in what they bound: before a day is until its last moment before it.
static bool take_bound(struct search *f, const char *word)
{
    time_t begin, end;
    const char *value = strchr(word, ':');
    if (!value || !*++value)
        return false;
    if (strncasecmp(word, "from:", 5) == 0) {
        (void)snprintf(f->from, sizeof f->from, "%s", value);
        return true;
    }
    bool on = strncasecmp(word, "on:", 3) == 0;
    bool after = on || strncasecmp(word, "after:", 6) == 0;
    bool before = on || strncasecmp(word, "before:", 7) == 0;
    if ((!after && !before) || !day_begins(value, 0, &begin) || !day_begins(value, 1, &end))
        return false;
    if (after)
        put_time(f->since, begin, "000");
    if (before)
        put_time(f->until, (on ? end : begin) - 1, "999");
    return true;
}

static void read_search(struct search *f, const char *text)
{
    size_t used = 0;
    *f = (struct search){.from = ""};
    while (*text) {
        char word[SESSION_LINE];
        take_word(&text, word, sizeof word);
        if (take_bound(f, word) || used + 1 >= sizeof f->words)
            continue;
        int n = snprintf(f->words + used, sizeof f->words - used, "%s%s", used > 0 ? " " : "",
                         word);
        used += n > 0 ? (size_t)n : 0;
    }
}

static void put_attribute(char *line, size_t room, const char *name, const char *value)
{
    char escaped[2 * SESSION_LINE];
    size_t used = strlen(line);
    if (!*value)
        return;
    escape(value, escaped, sizeof escaped);
    (void)snprintf(line + used, room - used, "%s=%s;", name, escaped); // cut: the line is longer
}

// In the room or the talk that is shown; from the server's own room everywhere. The words stand
// last: they are what is cut if the line is too long.
static void on_search(struct desk *d, const char *rest)
{
    struct search f;
    char line[LINE_ROOM] = "";
    struct room *r = model_active(d->model);
    read_search(&f, rest);
    if (r != d->model->rooms[0])
        put_attribute(line, sizeof line, "in", r->name);
    put_attribute(line, sizeof line, "limit", "20");
    put_attribute(line, sizeof line, "from", f.from);
    put_attribute(line, sizeof line, "after", f.since);
    put_attribute(line, sizeof line, "before", f.until);
    put_attribute(line, sizeof line, "text", f.words);
    line[strlen(line) - 1] = '\0'; // the last ';'
    session_send(d->session, "SEARCH %s", line);
}

static void on_mentions(struct desk *d, const char *rest)
{
    (void)rest;
    session_send(d->session, "MENTIONS");
}

static void on_whois(struct desk *d, const char *rest)
{
    session_send(d->session, "WHOIS %s", rest);
}

static void on_quit(struct desk *d, const char *rest)
{
    session_send(d->session, *rest ? "QUIT :%s" : "QUIT", rest);
    d->quit = true;
}

static void on_raw(struct desk *d, const char *rest)
{
    session_send(d->session, "%s", rest);
}

static void on_help(struct desk *d, const char *rest)
{
    static const char *const lines[] = {
        "/join #room [key]   /part [#room] [reason]   /msg nick [text]   /me does something",
        "/nick name   /topic [text]   /names   /list   /whois nick   /raw line   /quit [reason]",
        "/search words: what was said here, also from:nick on:2026-01-31 (after: before:)",
        "/mentions: who called you since you left",
        "Alt+1 to 9, Ctrl+N, Ctrl+P: other rooms   PageUp, PageDown: what was said before",
        "Tab: the rest of a name   Up, Down: lines of before   Ctrl+A E W U K Y, as in a shell",
        "a line that begins with // is said with one of them",
    };
    (void)rest;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        note(d, SAID_EVENT, lines[i]);
}

static const struct {
    int words;
    bool anyhow; // also without a connection
    void (*act)(struct desk *d, const char *rest);
    const char *usage;
} rows[] = {
    {1, false, on_join, "/join #room [key]"}, {0, false, on_part, "/part [#room] [reason]"},
    {1, false, on_nick, "/nick name"},        {1, false, on_me, "/me does something"},
    {1, false, on_msg, "/msg nick [text]"},   {0, false, on_topic, "/topic [#room] [text]"},
    {0, false, on_names, "/names [#room]"},   {0, false, on_list, "/list [pattern]"},
    {1, false, on_search, "/search words"},   {0, false, on_mentions, "/mentions"},
    {1, false, on_whois, "/whois nick"},      {0, true, on_quit, "/quit [reason]"},
    {1, false, on_raw, "/raw line"},          {0, true, on_help, "/help"},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

const char *const command_names[ROWS + 1] = {"/join",  "/part",  "/nick", "/me",     "/msg",
                                             "/topic", "/names", "/list", "/search", "/mentions",
                                             "/whois", "/quit",  "/raw",  "/help",   NULL};

static bool command(struct desk *d, const char *line)
{
    char name[32], text[LINE_ROOM];
    take_word(&line, name, sizeof name);
    for (int i = 0; i < ROWS; i++) {
        if (strcasecmp(name, command_names[i]) != 0)
            continue;
        if (!d->connected && !rows[i].anyhow) {
            note(d, SAID_ERROR, "not connected: nothing was sent");
            return false;
        }
        if (rows[i].words > 0 && !*line) {
            (void)snprintf(text, sizeof text, "usage: %s", rows[i].usage);
            note(d, SAID_ERROR, text);
        } else
            rows[i].act(d, line);
        return true;
    }
    (void)snprintf(text, sizeof text, "there is no %s: /help tells what there is", name);
    note(d, SAID_ERROR, text);
    return true;
}

bool desk_enter(struct desk *d, const char *line)
{
    if (line[0] == '/' && line[1] != '/')
        return command(d, line);
    return desk_say(d, line[0] == '/' ? line + 1 : line);
}

void desk_ask_older(struct desk *d)
{
    struct past_mark first;
    struct room *r = model_active(d->model);
    if (d->connected && news_first(d->model, r, &first) &&
        past_ask_older(d->session, r->name, &first))
        model_begin_older(r);
}
