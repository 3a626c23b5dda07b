// SPDX-License-Identifier: MIT
// session.c - see session.h. One row of a table for each word that a server says; what is not in it
// is shown as it stands, so nothing that a server answers is lost.
#include "chat/join/session.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"

enum { TRIES = 5, BODY = SESSION_LINE - 2, UNKNOWN_MASK = 10 + 1 + 64 };

enum {
    RPL_ENDOFNAMES = 366,
    ERR_FIRST = 400,
    ERR_ERRONEUSNICKNAME = 432,
    ERR_LAST = 599,
};

static void copy(char *out, size_t room, const char *from)
{
    size_t size = utf8_cut(from, strlen(from), room - 1);
    (void)snprintf(out, room, "%.*s", (int)size, from);
}

// ---- sending -------------------------------------------------------------------------------

void session_send(struct session *s, const char *fmt, ...)
{
    char line[SESSION_LINE + 4];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(line, sizeof line, fmt, args); // cut on purpose
    va_end(args);
    line[utf8_cut(line, strlen(line), BODY)] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    pace_send(s, line);
}

void session_begin(struct session *s, const struct session_options *options,
                   const struct session_ops *ops, void *ctx)
{
    *s = (struct session){.ops = ops, .ctx = ctx, .options = *options};
    copy(s->nick, sizeof s->nick, options->nick);
    copy(s->ranks, sizeof s->ranks, "~&@%+");
    copy(s->kinds, sizeof s->kinds, "#&");
}

void session_over(struct session *s)
{
    past_end(s);
    pace_end(s);
}

void session_greet(struct session *s)
{
    if (s->options.echo)
        session_send(s, "CAP LS 302");
    if (*s->options.password)
        session_send(s, "PASS :%s", s->options.password);
    session_send(s, "NICK %s", s->nick);
    session_send(s, "USER weft 0 * :%s", s->options.nick);
}

// ---- news ----------------------------------------------------------------------------------

static void tell(struct session *s, const struct message *m, struct news news)
{
    static const char none[] = "";
    int64_t now = s->ops->now_s(s->ctx);
    news.time_s = m ? message_time(m, now) : now;
    news.millis = m ? message_millis(m) : 0;
    news.numeric = m ? m->numeric : 0;
    news.room = news.room ? news.room : none;
    news.who = news.who ? news.who : m ? m->nick : none;
    news.other = news.other ? news.other : none;
    news.text = news.text ? news.text : none;
    if (m)
        past_describe(s, m, &news);
    news.id = news.id ? news.id : none;
    if (!past_holds(s, &news))
        s->ops->tell(s->ctx, &news);
}

static bool is_me(const struct session *s, const char *nick)
{
    return names_equal(s->casemap, nick, s->nick);
}

bool session_is_room(const struct session *s, const char *name)
{
    return *name && strchr(s->kinds, *name);
}

// Those with a rank in a room (STATUSMSG) are in that room.
static const char *room_of(const struct session *s, const char *target)
{
    size_t ranks = strspn(target, s->ranks);
    return session_is_room(s, target + ranks) ? target + ranks : target;
}

// ---- speech --------------------------------------------------------------------------------

// What is left of a line for the text, when the server sends it on to others.
static size_t text_room(const struct session *s, const char *target, bool action)
{
    size_t mask = *s->mask ? strlen(s->mask) : UNKNOWN_MASK;
    size_t head = strlen(":! PRIVMSG  :") + strlen(s->nick) + mask + strlen(target) +
                  (action ? strlen("\1ACTION \1") : 0);
    return head + 40 < BODY ? BODY - head : 40;
}

// The next piece: up to the last space that fits, if there is one in its second half.
static size_t piece_size(const char *text, size_t size, size_t most)
{
    size_t cut = utf8_cut(text, size, most);
    if (cut == size)
        return size;
    for (size_t at = cut; at > cut / 2; at--)
        if (text[at - 1] == ' ')
            return at;
    return cut;
}

static void say_piece(struct session *s, const char *target, const char *piece, bool action)
{
    session_send(s, action ? "PRIVMSG %s :\1ACTION %s\1" : "PRIVMSG %s :%s", target, piece);
    if (!s->echo)
        tell(s, NULL,
             (struct news){.kind = action ? NEWS_ACTION : NEWS_SAID,
                           .room = room_of(s, target),
                           .who = s->nick,
                           .text = piece,
                           .mine = true});
}

void session_say(struct session *s, const char *target, const char *text, bool action)
{
    char piece[SESSION_LINE];
    size_t left = strcspn(text, "\r\n"), most = text_room(s, target, action);
    while (left > 0) {
        size_t size = piece_size(text, left, most);
        memcpy(piece, text, size);
        piece[size] = '\0';
        say_piece(s, target, piece, action);
        text += size;
        left -= size;
    }
}

// CTCP: a question of a program, or the answer to one. It is told, and nobody makes us say
// something: who wants to know what we are can ask us.
static void tell_question(struct session *s, const struct message *m, struct news news)
{
    char text[MESSAGE_MAX];
    bool answer = news.kind == NEWS_NOTICE;
    const char *who = news.mine ? "you" : m->nick, *asks = answer ? "answer" : "ask";
    if (!*news.text)
        return;
    (void)snprintf(text, sizeof text, "%s %s%s %s%s", who, asks, news.mine ? "" : "s",
                   answer ? "" : "for ", news.text); // cut on purpose
    news.kind = NEWS_TELL;
    news.text = text;
    tell(s, m, news);
}

static void on_speech(struct session *s, const struct message *m)
{
    const char *target = room_of(s, message_param(m, 0));
    char *text = m->count > 1 ? m->params[1] : NULL;
    bool mine = is_me(s, m->nick), notice = strcmp(m->command, "NOTICE") == 0;
    struct news news = {.kind = notice ? NEWS_NOTICE : NEWS_SAID, .mine = mine, .text = text};
    if (!text || !*m->nick)
        return;
    news.room = session_is_room(s, target) || mine ? target : m->nick;
    if (!*m->host || !s->registered) // the server itself
        news.room = session_is_room(s, target) ? target : "";
    if (*text == '\1') {
        size_t size = strcspn(text + 1, "\1");
        text[1 + size] = '\0';
        bool action = strncmp(text + 1, "ACTION", 6) == 0 && strchr(" ", text[7]); // or its end
        news.text = action ? text + 7 + (text[7] == ' ') : text + 1;
        if (!action) {
            tell_question(s, m, news);
            return;
        }
        news.kind = NEWS_ACTION;
    }
    tell(s, m, news);
}

// ---- who is where --------------------------------------------------------------------------

static void learn_mask(struct session *s, const struct message *m)
{
    if (is_me(s, m->nick) && *m->host)
        copy(s->mask, sizeof s->mask, m->host);
}

static void on_join(struct session *s, const struct message *m)
{
    bool mine = is_me(s, m->nick);
    learn_mask(s, m);
    if (mine)
        past_ask(s, message_param(m, 0)); // before it is known that we are there
    tell(s, m, (struct news){.kind = NEWS_JOIN, .room = message_param(m, 0), .mine = mine});
}

static void on_part(struct session *s, const struct message *m)
{
    tell(s, m,
         (struct news){.kind = NEWS_PART,
                       .room = message_param(m, 0),
                       .text = message_param(m, 1),
                       .mine = is_me(s, m->nick)});
}

static void on_kick(struct session *s, const struct message *m)
{
    tell(s, m,
         (struct news){.kind = NEWS_KICK,
                       .room = message_param(m, 0),
                       .other = message_param(m, 1),
                       .text = message_param(m, 2),
                       .mine = is_me(s, message_param(m, 1))});
}

static void on_quit(struct session *s, const struct message *m)
{
    tell(s, m,
         (struct news){.kind = NEWS_QUIT, .text = message_param(m, 0), .mine = is_me(s, m->nick)});
}

static void on_nick(struct session *s, const struct message *m)
{
    bool mine = is_me(s, m->nick);
    if (mine)
        copy(s->nick, sizeof s->nick, message_param(m, 0));
    tell(s, m, (struct news){.kind = NEWS_NICK, .other = message_param(m, 0), .mine = mine});
}

static void on_topic(struct session *s, const struct message *m)
{
    tell(s, m,
         (struct news){.kind = NEWS_TOPIC,
                       .room = message_param(m, 0),
                       .text = message_param(m, 1),
                       .mine = is_me(s, m->nick)});
}

static void on_topic_is(struct session *s, const struct message *m)
{
    tell(s, m,
         (struct news){
             .kind = NEWS_TOPIC, .room = message_param(m, 1), .who = "", .text = message_last(m)});
}

static void on_members(struct session *s, const struct message *m)
{
    bool end = m->numeric == RPL_ENDOFNAMES;
    tell(s, m,
         (struct news){.kind = end ? NEWS_MEMBERS_END : NEWS_MEMBERS,
                       .room = message_param(m, end ? 1 : 2),
                       .text = message_last(m)});
}

// ---- registration --------------------------------------------------------------------------

static void on_ping(struct session *s, const struct message *m)
{
    session_send(s, "PONG :%s", message_last(m));
}

static void on_pong(struct session *s, const struct message *m)
{
    pace_on_pong(s, m);
    past_on_pong(s, m);
}

static void on_nothing(struct session *s, const struct message *m)
{
    (void)s; // what only tells programs something
    (void)m;
}

// Adds those of `offered` that we know to what we ask for.
static void want(struct session *s, const char *offered)
{
    static const char *const known[] = {
        "server-time",     "echo-message",      "multi-prefix",
        "cap-notify",      "standard-replies",  "batch",
        "message-tags",    "draft/chathistory", "draft/message-redaction",
        "draft/multiline", "soju.im/search",
    };
    size_t size;
    for (const char *at = offered; *at; at += size) {
        at += strspn(at, " ");
        size = strcspn(at, " ");
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
            size_t used = strlen(s->wanted), length = strlen(known[i]);
            bool same = strncmp(at, known[i], length) == 0 && strcspn(at, " =") == length;
            if (same && used + length + 2 < sizeof s->wanted)
                (void)snprintf(s->wanted + used, sizeof s->wanted - used, "%s%s",
                               used > 0 ? " " : "", known[i]);
        }
    }
}

static bool has_word(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = list; *(at += strspn(at, " ")); at += strcspn(at, " "))
        if (strcspn(at, " ") == length && memcmp(at, word, length) == 0)
            return true;
    return false;
}

// What we have is in the list: all that the past needs, the echo included (see past.c).
static bool has_history(const char *list)
{
    static const char *const needed[] = {"batch", "message-tags", "server-time", "echo-message",
                                         "draft/chathistory"};
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        if (!has_word(list, needed[i]))
            return false;
    return true;
}

// Some that we had are gone.
static void lose(struct session *s, const char *list)
{
    s->echo = s->echo && !has_word(list, "echo-message");
    s->history = s->history && s->echo && !has_word(list, "draft/chathistory") &&
                 !has_word(list, "batch") && !has_word(list, "message-tags") &&
                 !has_word(list, "server-time");
}

static void on_cap(struct session *s, const struct message *m)
{
    const char *word = message_param(m, 1), *list = message_last(m);
    bool more = strcmp(message_param(m, 2), "*") == 0 && m->count > 3;
    if (strcmp(word, "LS") == 0) {
        want(s, list);
        if (!more && *s->wanted)
            session_send(s, "CAP REQ :%s", s->wanted);
        else if (!more)
            session_send(s, "CAP END");
    } else if (strcmp(word, "ACK") == 0 || strcmp(word, "NAK") == 0) {
        s->echo = *word == 'A' && has_word(list, "echo-message");
        s->history = *word == 'A' && has_history(list);
        session_send(s, "CAP END");
    } else if (strcmp(word, "DEL") == 0)
        lose(s, list);
}

static void on_welcome(struct session *s, const struct message *m)
{
    s->registered = true;
    copy(s->nick, sizeof s->nick, message_param(m, 0));
    tell(s, m, (struct news){.kind = NEWS_WELCOME, .who = s->nick, .text = message_last(m)});
}

// "PREFIX=(ov)@+", "CASEMAPPING=ascii", "CHANTYPES=#"
static void on_isupport(struct session *s, const struct message *m)
{
    for (int i = 1; i + 1 < m->count; i++) {
        const char *token = m->params[i], *value = strchr(token, '=');
        const char *ranks = value ? strchr(value, ')') : NULL;
        if (!value)
            continue;
        if (strncmp(token, "PREFIX=", 7) == 0 && ranks)
            copy(s->ranks, sizeof s->ranks, ranks + 1);
        if (strncmp(token, "CASEMAPPING=", 12) == 0)
            s->casemap = casemap_read(value + 1);
        if (strncmp(token, "CHANTYPES=", 10) == 0)
            copy(s->kinds, sizeof s->kinds, value + 1);
        if (strncmp(token, "CHATHISTORY=", 12) == 0)
            s->history_most = atoi(value + 1);
    }
}

static void on_other(struct session *s, const struct message *m);

static void on_bad_nick(struct session *s, const struct message *m)
{
    size_t size = strlen(s->nick);
    if (s->registered) {
        on_other(s, m);
    } else if (m->numeric != ERR_ERRONEUSNICKNAME && s->tries++ < TRIES &&
               size + 2 < sizeof s->nick) {
        s->nick[size] = '_';
        s->nick[size + 1] = '\0';
        session_send(s, "NICK %s", s->nick);
    } else
        tell(s, m, (struct news){.kind = NEWS_REFUSED, .text = message_last(m)});
}

static void on_refusal(struct session *s, const struct message *m)
{
    enum news_kind kind = s->registered ? NEWS_ERROR : NEWS_REFUSED;
    tell(s, m, (struct news){.kind = kind, .text = message_last(m)});
}

static void on_error(struct session *s, const struct message *m)
{
    enum news_kind kind = s->registered ? NEWS_CLOSING : NEWS_REFUSED;
    tell(s, m, (struct news){.kind = kind, .text = message_last(m)});
}

// ---- the rest ------------------------------------------------------------------------------

// The parameters from `first` on, as one text.
static void put_params(const struct message *m, int first, char *out, size_t room)
{
    size_t size = 0;
    out[0] = '\0';
    for (int i = first; i < m->count && size + 1 < room; i++) {
        int n = snprintf(out + size, room - size, "%s%s", size > 0 ? " " : "", m->params[i]);
        size += n > 0 ? (size_t)n : 0;
    }
}

// A mode, an answer, FAIL, or what nobody has heard of.
static void on_other(struct session *s, const struct message *m)
{
    char text[MESSAGE_MAX];
    bool error = (m->numeric >= ERR_FIRST && m->numeric <= ERR_LAST) ||
                 strcmp(m->command, "FAIL") == 0;
    const char *about = "";
    int first = m->numeric ? 1 : 0;
    for (int i = first; i < m->count && !*about; i++)
        about = session_is_room(s, m->params[i]) ? m->params[i] : "";
    put_params(m, first, text, sizeof text);
    char line[MESSAGE_MAX];
    (void)snprintf(line, sizeof line, m->numeric ? "%s%s" : "%s %s", m->numeric ? "" : m->command,
                   text); // cut on purpose
    tell(s, m, (struct news){.kind = error ? NEWS_ERROR : NEWS_TELL, .room = about, .text = line});
}

static void on_invite(struct session *s, const struct message *m)
{
    if (is_me(s, message_param(m, 0)))
        tell(s, m, (struct news){.kind = NEWS_INVITE, .room = message_param(m, 1)});
    else
        on_other(s, m);
}

// ---- history -------------------------------------------------------------------------------

static void on_note(struct session *s, const struct message *m)
{
    const char *code = message_param(m, 1);
    bool kept = strcmp(code, "HISTORY_KEPT") == 0 || strcmp(code, "HISTORY_NOT_KEPT") == 0;
    struct news news = {.kind = kept ? NEWS_KEPT : NEWS_TELL, .room = message_param(m, 2)};
    news.text = message_last(m);
    if (m->count > 3 && (kept || strcmp(code, "ROOM_IS_OPEN") == 0))
        tell(s, m, news);
    else
        on_other(s, m);
}

static void on_fail(struct session *s, const struct message *m)
{
    if (strcmp(message_param(m, 0), "CHATHISTORY") != 0 || !past_on_fail(s, m))
        on_other(s, m);
}

static void on_redact(struct session *s, const struct message *m)
{
    const char *target = room_of(s, message_param(m, 0));
    bool mine = is_me(s, m->nick);
    if (m->count < 2)
        return;
    tell(s, m,
         (struct news){.kind = NEWS_REDACTED,
                       .room = session_is_room(s, target) || mine ? target : m->nick,
                       .id = m->params[1],
                       .text = message_param(m, 2),
                       .mine = mine});
}

static const struct {
    const char *command;
    void (*act)(struct session *s, const struct message *m);
} rows[] = {
    {"PRIVMSG", on_speech},   {"NOTICE", on_speech}, {"JOIN", on_join},      {"PART", on_part},
    {"KICK", on_kick},        {"QUIT", on_quit},     {"NICK", on_nick},      {"TOPIC", on_topic},
    {"PING", on_ping},        {"PONG", on_pong},     {"TAGMSG", on_nothing}, {"CAP", on_cap},
    {"BATCH", past_on_batch}, {"NOTE", on_note},     {"FAIL", on_fail},      {"REDACT", on_redact},
    {"001", on_welcome},      {"005", on_isupport},  {"331", on_nothing},    {"332", on_topic_is},
    {"333", on_nothing},      {"353", on_members},   {"366", on_members},    {"432", on_bad_nick},
    {"433", on_bad_nick},     {"436", on_bad_nick},  {"464", on_refusal},    {"465", on_refusal},
    {"ERROR", on_error},      {"INVITE", on_invite},
};

void session_hear(struct session *s, char *line)
{
    struct message m;
    if (!message_read(&m, line) || past_skips(s, &m))
        return;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(m.command, rows[i].command) == 0) {
            rows[i].act(s, &m);
            return;
        }
    on_other(s, &m);
}
