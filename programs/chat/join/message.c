// SPDX-License-Identifier: MIT
// message.c - see message.h.
#define _GNU_SOURCE // timegm
#include "chat/join/message.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "chat/irc/line.h"

// Ends the word at *at and moves behind it and the spaces that follow.
static char *take_word(char **at)
{
    char *word = *at;
    *at += strcspn(*at, " ");
    while (**at == ' ')
        *(*at)++ = '\0';
    return word;
}

static void take_source(struct message *m, char *source)
{
    char *host = strpbrk(source, "!@");
    m->nick = source;
    if (!host)
        return;
    m->host = host + 1;
    *host = '\0';
}

static void take_params(struct message *m, char *at)
{
    while (*at && m->count < MESSAGE_PARAMS) {
        bool last = *at == ':' || m->count == MESSAGE_PARAMS - 1;
        m->params[m->count++] = *at == ':' ? at + 1 : last ? at : take_word(&at);
        if (last)
            return;
    }
}

bool message_read(struct message *m, char *text)
{
    char *at = text + strspn(text, " ");
    *m = (struct message){.tags = "", .nick = "", .host = "", .command = ""};
    if (*at == '@')
        m->tags = take_word(&at) + 1;
    if (*at == ':')
        take_source(m, take_word(&at) + 1);
    m->command = take_word(&at);
    if (strlen(m->command) == 3 && strspn(m->command, "0123456789") == 3)
        m->numeric = atoi(m->command);
    take_params(m, at);
    return *m->command != '\0';
}

const char *message_param(const struct message *m, int i)
{
    return i < m->count ? m->params[i] : "";
}

const char *message_last(const struct message *m)
{
    return m->count > 0 ? m->params[m->count - 1] : "";
}

int64_t message_time(const struct message *m, int64_t now)
{
    char text[32] = "";
    size_t size;
    struct tm tm = {0};
    const char *value = tag_find(m->tags, "time", &size);
    if (!value || size >= sizeof text)
        return now;
    memcpy(text, value, size);
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    return rest && (*rest == '.' || *rest == 'Z') ? (int64_t)timegm(&tm) : now;
}

int message_millis(const struct message *m)
{
    size_t size;
    const char *value = tag_find(m->tags, "time", &size);
    const char *point = value ? memchr(value, '.', size) : NULL;
    int millis = 0;
    for (int i = 1; point && i <= 3; i++) { // a digit that is not there is a 0
        bool digit = point + i < value + size && point[i] >= '0' && point[i] <= '9';
        millis = millis * 10 + (digit ? point[i] - '0' : 0);
    }
    return millis;
}
