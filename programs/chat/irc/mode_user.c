// SPDX-License-Identifier: MIT
// mode_user.c - MODE of oneself.
#include <stdio.h>
#include <string.h>

#include "chat/irc/mode.h"

static const struct {
    char letter;
    enum user_mode mode;
} modes[] = {
    {'B', USER_BOT},
    {'i', USER_INVISIBLE},
    {'o', USER_OPERATOR},
    {'w', USER_WALLOPS},
};
enum { MODES = sizeof modes / sizeof modes[0] };

static void show(struct session *s)
{
    char letters[MODES + 2] = "+";
    size_t size = 1;
    for (int i = 0; i < MODES; i++)
        if (s->user.modes & modes[i].mode)
            letters[size++] = modes[i].letter;
    letters[size] = '\0';
    reply(s, RPL_UMODEIS, "%s", letters);
}

// Nobody makes itself an operator: that is OPER's.
static bool may_set(enum user_mode mode, bool on)
{
    return mode != USER_OPERATOR || !on;
}

// What has changed goes to `out`, as "+wi-B".
static void change(struct session *s, const char *letters, char *out, bool *unknown)
{
    bool on = true;
    char sign = '\0';
    for (; *letters; letters++) {
        int i = 0;
        while (i < MODES && modes[i].letter != *letters)
            i++;
        if (*letters == '+' || *letters == '-') {
            on = *letters == '+';
        } else if (i == MODES) {
            *unknown = true;
        } else if (may_set(modes[i].mode, on) && !(s->user.modes & modes[i].mode) == on) {
            user_set_mode(&s->user, modes[i].mode, on);
            if (sign != (on ? '+' : '-'))
                *out++ = sign = on ? '+' : '-';
            *out++ = *letters;
        }
    }
    *out = '\0';
}

void mode_of_user(struct session *s, const struct line *line)
{
    const char *nick = line->params[0];
    struct user *user = user_find(s->irc->hub, nick);
    if (!user) {
        reply(s, ERR_NOSUCHNICK, "%s :No such nick/channel", shown(line->params[0]));
    } else if (user != &s->user) {
        reply(s, ERR_USERSDONTMATCH, ":Cannot change mode for other users");
    } else if (line->count == 1) {
        show(s);
    } else {
        char changed[2 * LINE_BODY_MAX], text[3 * LINE_BODY_MAX];
        bool unknown = false;
        change(s, line->params[1], changed, &unknown);
        if (unknown)
            reply(s, ERR_UMODEUNKNOWNFLAG, ":Unknown MODE flag");
        (void)snprintf(text, sizeof text, ":%s MODE %s %s", user->source, user->name, changed);
        if (*changed)
            say(s, NULL, text);
    }
}
