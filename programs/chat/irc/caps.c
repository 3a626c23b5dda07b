// SPDX-License-Identifier: MIT
// caps.c - CAP: what a client may ask for (IRCv3 capability negotiation, version 302).
//
// The whole list fits in one line: some clients take a second one for the answer to their REQ.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <weft/tls.h>

#include "chat/irc/handlers.h"

static const struct {
    const char *name;
    unsigned bit;
    const char *value; // that version 302 shows. NULL: none
} caps[] = {
    {"away-notify", CAP_AWAY, NULL},
    {"batch", CAP_BATCH, NULL},
    {"cap-notify", CAP_CAP_NOTIFY, NULL},
    {"chghost", CAP_CHGHOST, NULL},
    {"draft/chathistory", CAP_HISTORY, NULL},
    {"draft/event-playback", CAP_EVENT_PLAYBACK, NULL},
    {"draft/message-redaction", CAP_REDACTION, NULL},
    {"draft/multiline", CAP_MULTILINE, "max-bytes=4096,max-lines=32"},
    {"echo-message", CAP_ECHO, NULL},
    {"extended-join", CAP_EXTENDED_JOIN, NULL},
    {"extended-monitor", CAP_EXTENDED_MONITOR, NULL},
    {"invite-notify", CAP_INVITE, NULL},
    {"labeled-response", CAP_LABEL, NULL},
    {"message-tags", CAP_TAGS, NULL},
    {"multi-prefix", CAP_MULTI_PREFIX, NULL},
    {"no-implicit-names", CAP_NO_IMPLICIT_NAMES, NULL},
    {"server-time", CAP_TIME, NULL},
    {"setname", CAP_SETNAME, NULL},
    {"soju.im/search", CAP_SEARCH, NULL},
    {"standard-replies", CAP_STANDARD_REPLIES, NULL},
    {"userhost-in-names", CAP_USERHOST_IN_NAMES, NULL},
};
enum { CAPS = sizeof caps / sizeof caps[0] };

// Those that this server has.
static unsigned offered(const struct session *s)
{
    const unsigned of_history = CAP_HISTORY | CAP_EVENT_PLAYBACK | CAP_SEARCH | CAP_REDACTION;
    return s->irc->set.history ? ~0u : ~of_history;
}

static unsigned cap_find(const struct session *s, const char *name, size_t size)
{
    for (int i = 0; i < CAPS; i++)
        if ((offered(s) & caps[i].bit) && strlen(caps[i].name) == size &&
            memcmp(caps[i].name, name, size) == 0)
            return caps[i].bit;
    return 0;
}

// The names of these capabilities, a space between each two.
static void list_caps(unsigned bits, bool values, char *out, size_t room)
{
    size_t size = 0;
    *out = '\0';
    for (int i = 0; i < CAPS; i++) {
        bool value = values && caps[i].value;
        if (bits & caps[i].bit)
            size += (size_t)snprintf(out + size, room - size, "%s%s%s%s", size > 0 ? " " : "",
                                     caps[i].name, value ? "=" : "", value ? caps[i].value : "");
    }
}

static void send_list(struct session *s, const char *subcommand, unsigned bits)
{
    char list[LINE_BODY_MAX];
    bool values = s->version_302 && strcmp(subcommand, "LS") == 0;
    list_caps(bits, values, list, sizeof list);
    tell(s, "CAP %s %s :%s", session_name(s), subcommand, list);
}

// Strict transport security, which is told, and can not be asked for: clients without TLS are sent
// to the port with it, those with TLS are told for how long that holds. "": nothing is told, as
// where there are to be no values.
static void word_sts(const struct session *s, bool values, char *out, size_t room)
{
    const struct irc_settings *set = &s->irc->set;
    bool safe = s->wire->conn && weft_tls_protocol(s->wire->conn);
    *out = '\0';
    if (set->sts_port == 0 || !values)
        return;
    if (safe)
        (void)snprintf(out, room, " sts=duration=%ld", set->sts_seconds);
    else
        (void)snprintf(out, room, " sts=port=%d", set->sts_port);
}

// The answer is one of the version that is asked for; the client stays at the highest it named.
static void on_ls(struct session *s, const struct line *line)
{
    char list[LINE_BODY_MAX], sts[48];
    bool values = line->count > 1 && strtol(line->params[1], NULL, 10) >= 302;
    s->negotiating = !s->registered;
    if (values) {
        s->version_302 = true;
        s->caps |= CAP_CAP_NOTIFY; // implied
    }
    list_caps(offered(s), values, list, sizeof list);
    word_sts(s, values, sts, sizeof sts);
    tell(s, "CAP %s LS :%s%s", session_name(s), list, sts);
}

// Word for word, in as many lines as it takes: clients look for each name that they asked for.
static void answer_request(struct session *s, const char *answer, const char *names)
{
    size_t before = strlen(s->irc->set.name) + strlen(session_name(s)) + sizeof ": CAP  ACK :" - 1;
    size_t most = LINE_BODY_MAX - before;
    while (strlen(names) > most) {
        size_t size = most;
        while (size > 0 && names[size] != ' ')
            size--;
        if (size == 0)
            break; // one word as long as that: it is cut
        tell(s, "CAP %s %s :%.*s", session_name(s), answer, (int)size, names);
        names += size + strspn(names + size, " ");
    }
    tell(s, "CAP %s %s :%s", session_name(s), answer, names);
}

// All that is asked for, or nothing.
static void on_req(struct session *s, const struct line *line)
{
    const char *names = line->count > 1 ? line->params[1] : "";
    unsigned wanted = s->caps;
    bool known = true;
    s->negotiating = !s->registered;
    for (const char *at = names; *at; at += strspn(at, " ")) {
        size_t size = strcspn(at, " ");
        bool off = *at == '-';
        unsigned bit = cap_find(s, at + off, size - off);
        known = known && (bit || size == 0);
        wanted = off ? wanted & ~bit : wanted | bit;
        at += size;
    }
    if (s->version_302 && !(wanted & CAP_CAP_NOTIFY))
        known = false; // implied, so it stays
    if (known)
        s->caps = wanted;
    answer_request(s, known ? "ACK" : "NAK", names);
}

void on_cap(struct session *s, const struct line *line)
{
    char *word = line->params[0];
    if (strcasecmp(word, "LS") == 0)
        on_ls(s, line);
    else if (strcasecmp(word, "LIST") == 0)
        send_list(s, "LIST", s->caps);
    else if (strcasecmp(word, "REQ") == 0)
        on_req(s, line);
    else if (strcasecmp(word, "END") == 0)
        on_cap_end(s);
    else
        reply(s, ERR_INVALIDCAPCMD, "%s :Invalid CAP command", shown(word));
}
