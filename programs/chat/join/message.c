// SPDX-License-Identifier: MIT
// message.c - see message.h.
#define _GNU_SOURCE // timegm
#include "chat/join/message.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "chat/irc/line.h"

static void take_source(struct message *m, char *source)
{
    char *host = strpbrk(source, "!@");
    m->nick = source;
    if (!host)
        return;
    m->host = host + 1;
    *host = '\0';
}

bool message_read(struct message *m, char *text)
{
    char *at = text + strspn(text, " ");
    *m = (struct message){.tags = "", .nick = "", .host = "", .command = ""};
    if (*at == '@')
        m->tags = line_word(&at) + 1;
    if (*at == ':')
        take_source(m, line_word(&at) + 1);
    m->command = line_word(&at);
    if (strlen(m->command) == 3 && strspn(m->command, "0123456789") == 3)
        m->numeric = atoi(m->command);
    m->count = line_params(at, m->params);
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
