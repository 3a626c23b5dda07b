// SPDX-License-Identifier: MIT
// isupport.c - 005: what this server can, and how much of it, in the words of the ISUPPORT draft.
// At most 13 tokens a line.
#include <stdio.h>
#include <string.h>

#include "chat/irc/handlers.h"
#include "chat/irc/limits.h"

#define TEXT(x) #x
#define NUMBER(x) TEXT(x)

// %d stands for a number of the settings, %s for a text; without text there is no token.
static const struct {
    const char *token;
    size_t setting; // its place in irc_settings
} tokens[] = {
    {"AWAYLEN=" NUMBER(LIMIT_AWAY), 0},
    {"BOT=B", 0},
    {"CASEMAPPING=ascii", 0},
    {"CHANLIMIT=#:%d", offsetof(struct irc_settings, rooms_each)},
    {"CHANMODES=Ibe,k,l,CTimnst", 0},
    {"CHANNELLEN=" NUMBER(LIMIT_ROOM_NAME), 0},
    {"CHANTYPES=#", 0},
    {"CHATHISTORY=%d", offsetof(struct irc_settings, history_max)},
    {"CLIENTTAGDENY=%s", offsetof(struct irc_settings, tags_refused)},
    {"ELIST=CMNTU", 0},
    {"EXCEPTS=e", 0},
    {"HOSTLEN=" NUMBER(LIMIT_HOST), 0},
    {"INVEX=I", 0},
    {"KEYLEN=" NUMBER(LIMIT_KEY), 0},
    {"KICKLEN=" NUMBER(LIMIT_KICK), 0},
    {"MAXLIST=b:%d,e:%d,I:%d", offsetof(struct irc_settings, list_size)},
    {"MAXTARGETS=" NUMBER(LIMIT_TARGETS), 0},
    {"MODES=" NUMBER(LIMIT_MODES), 0},
    {"MONITOR=%d", offsetof(struct irc_settings, watches)},
    {"MSGREFTYPES=msgid,timestamp", offsetof(struct irc_settings, history)},
    {"NAMELEN=" NUMBER(LIMIT_REAL), 0},
    {"NETWORK=%s", offsetof(struct irc_settings, network)},
    {"NICKLEN=" NUMBER(LIMIT_NICK), 0},
    {"PREFIX=(qaohv)~&@%+", 0},
    {"SAFELIST", 0},
    {"STATUSMSG=~&@%+", 0},
    {"TARGMAX=JOIN:,KICK:4,LIST:,MONITOR:,NAMES:4,NOTICE:4,PART:,PRIVMSG:4,TAGMSG:4,WHOIS:1,"
     "WHOWAS:4",
     0},
    {"TOPICLEN=" NUMBER(LIMIT_TOPIC), 0},
    {"USERLEN=" NUMBER(LIMIT_LOGIN), 0},
    {"UTF8ONLY", 0},
    {"WHOX", 0},
};
enum { TOKENS = sizeof tokens / sizeof tokens[0], A_LINE = 13, TOKEN = 200 };

_Static_assert(sizeof "CLIENTTAGDENY=" + IRC_WORD_MAX <= TOKEN, "whole, with the longest name");

// The first "%d" or "%s", or NULL. PREFIX has a '%' of its own.
static const char *find_blank(const char *token)
{
    const char *at = strchr(token, '%');
    while (at && (!at[1] || !strchr("ds", at[1])))
        at = strchr(at + 1, '%');
    return at;
}

// The token with the text in each of its blanks; what does not fit is cut.
static void fill_in(const char *token, const char *text, char *out, size_t room)
{
    size_t size = 0;
    for (const char *blank; (blank = find_blank(token)) && size < room; token = blank + 2)
        size += (size_t)snprintf(out + size, room - size, "%.*s%s", (int)(blank - token), token,
                                 text);
    if (size < room)
        (void)snprintf(out + size, room - size, "%s", token);
}

// A token as it is shown; false: it is not.
static bool word_token(const struct irc_settings *set, int i, char *out, size_t room)
{
    const char *from = tokens[i].token, *blank = find_blank(from);
    const char *setting = (const char *)set + tokens[i].setting;
    const char *text = "";
    char number[16];
    if (blank && blank[1] == 's')
        text = *(const char *const *)setting;
    if (blank && blank[1] == 'd') {
        (void)snprintf(number, sizeof number, "%d", *(const int *)setting);
        text = number;
    }
    bool needs_history = strncmp(from, "CHATHISTORY", 11) == 0 || strncmp(from, "MSGREF", 6) == 0;
    if (needs_history && !set->history)
        return false;
    if (text)
        fill_in(from, text, out, room);
    return text != NULL;
}

// One that is not as it was: as it is shown, or "-NAME" where it is none any more.
static bool word_change(const struct irc_settings *before, const struct irc_settings *set, int i,
                        char *out, size_t room)
{
    char was[TOKEN];
    bool shown_before = word_token(before, i, was, sizeof was);
    if (word_token(set, i, out, room))
        return !shown_before || strcmp(was, out) != 0;
    if (shown_before)
        (void)snprintf(out, room, "-%.*s", (int)strcspn(was, "="), was);
    return shown_before;
}

static const char supported[] = " :are supported by this server";

static void flush(struct session *s, char *text, size_t *size)
{
    if (*size > 0)
        reply(s, RPL_ISUPPORT, "%s%s", text, supported);
    *size = 0;
}

// All, or with `before` those that are not as they were.
static void send_tokens(struct session *s, const struct irc_settings *before)
{
    const struct irc_settings *set = &s->irc->set;
    char text[LINE_BODY_MAX + 1], token[TOKEN];
    size_t most = reply_room(s) - strlen(supported), size = 0;
    for (int i = 0, n = 0; i < TOKENS; i++) {
        bool told = before ? word_change(before, set, i, token, sizeof token)
                           : word_token(set, i, token, sizeof token);
        if (!told)
            continue;
        if (n == A_LINE || size + 1 + strlen(token) > most) {
            flush(s, text, &size);
            n = 0;
        }
        n++;
        size += (size_t)snprintf(text + size, sizeof text - size, "%s%s", size > 0 ? " " : "",
                                 token);
    }
    flush(s, text, &size);
}

void send_isupport(struct session *s)
{
    send_tokens(s, NULL);
}

void tell_isupport_changes(struct irc *irc, const struct irc_settings *before)
{
    struct session *s;
    LIST_FOREACH (s, &irc->sessions, link) {
        struct labelled *answer = answer_aside(s);
        if (s->registered)
            send_tokens(s, before);
        s->answer = answer;
    }
}
