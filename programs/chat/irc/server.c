// SPDX-License-Identifier: MIT
// server.c - what the server says of itself: MOTD, LUSERS, TIME, VERSION, INFO, ADMIN, LINKS.
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <weft/base.h>

#include "chat/irc/handlers.h"

void send_motd(struct session *s)
{
    const char *motd = s->irc->set.motd, *name = s->irc->set.name;
    if (!motd || !*motd) {
        reply(s, ERR_NOMOTD, ":MOTD File is missing");
        return;
    }
    reply(s, RPL_MOTDSTART, ":- %s Message of the day - ", name);
    for (const char *line = motd; *line; line += strspn(line, "\n") > 0) {
        size_t size = strcspn(line, "\n");
        reply(s, RPL_MOTD, ":- %.*s", (int)size, line);
        line += size;
    }
    reply(s, RPL_ENDOFMOTD, ":End of /MOTD command.");
}

void send_lusers(struct session *s)
{
    const struct irc *irc = s->irc;
    const struct hub *hub = irc->hub;
    size_t users = HASH_COUNT(hub->users), most = hub->most_users;
    reply(s, RPL_LUSERCLIENT, ":There are %zu users and %zu invisible on 1 servers",
          users - hub->invisible, hub->invisible);
    reply(s, RPL_LUSEROP, "%zu :operator(s) online", hub->operators);
    reply(s, RPL_LUSERUNKNOWN, "%zu :unknown connection(s)", irc->unknown);
    reply(s, RPL_LUSERCHANNELS, "%zu :channels formed", (size_t)HASH_COUNT(hub->rooms));
    reply(s, RPL_LUSERME, ":I have %zu clients and 0 servers", users); // as 265 says
    reply(s, RPL_LOCALUSERS, "%zu %zu :Current local users %zu, max %zu", users, most, users, most);
    reply(s, RPL_GLOBALUSERS, "%zu %zu :Current global users %zu, max %zu", users, most, users,
          most);
}

bool names_this_server(struct session *s, char *name)
{
    if (mask_fits(name, s->irc->set.name) || user_find(s->irc->hub, name))
        return true;
    reply(s, ERR_NOSUCHSERVER, "%s :No such server", shown(name));
    return false;
}

static bool is_for_us(struct session *s, const struct line *line, int at)
{
    return line->count <= at || names_this_server(s, line->params[at]);
}

void on_lusers(struct session *s, const struct line *line)
{
    (void)line;
    send_lusers(s);
}

void on_motd(struct session *s, const struct line *line)
{
    if (is_for_us(s, line, 0))
        send_motd(s);
}

void on_time(struct session *s, const struct line *line)
{
    char text[64];
    if (!is_for_us(s, line, 0))
        return;
    time_t now = (time_t)(s->irc->hub->now(s->irc->hub) / 1000);
    struct tm t;
    (void)gmtime_r(&now, &t);
    (void)strftime(text, sizeof text, "%A %B %d %Y -- %H:%M:%S UTC", &t);
    reply(s, RPL_TIME, "%s :%s", s->irc->set.name, text);
}

void on_version(struct session *s, const struct line *line)
{
    if (!is_for_us(s, line, 0))
        return;
    reply(s, RPL_VERSION, "weft-%s %s :%s", weft_version(), s->irc->set.name,
          s->irc->set.description);
    send_isupport(s);
}

void on_info(struct session *s, const struct line *line)
{
    if (!is_for_us(s, line, 0))
        return;
    reply(s, RPL_INFO, ":weft %s", weft_version());
    reply(s, RPL_INFO, ":A chat server of fibers: one for each of you.");
    reply(s, RPL_ENDOFINFO, ":End of /INFO list");
}

void on_admin(struct session *s, const struct line *line)
{
    const struct irc_settings *set = &s->irc->set;
    if (!is_for_us(s, line, 0))
        return;
    if (!set->admin_name && !set->admin_place && !set->admin_mail) {
        reply(s, ERR_NOADMININFO, "%s :No administrative info available", set->name);
        return;
    }
    reply(s, RPL_ADMINME, "%s :Administrative info", set->name);
    reply(s, RPL_ADMINLOC1, ":%s", set->admin_name ? set->admin_name : "");
    reply(s, RPL_ADMINLOC2, ":%s", set->admin_place ? set->admin_place : "");
    reply(s, RPL_ADMINEMAIL, ":%s", set->admin_mail ? set->admin_mail : "");
}

void on_links(struct session *s, const struct line *line)
{
    const char *name = s->irc->set.name;
    const char *mask = line->count > 0 ? line->params[line->count - 1] : "*";
    if (mask_fits(mask, name))
        reply(s, RPL_LINKS, "%s %s :0 %s", name, name, s->irc->set.description);
    reply(s, RPL_ENDOFLINKS, "%s :End of /LINKS list",
          line->count > 0 ? shown(line->params[line->count - 1]) : mask);
}

// ---- figures and help ----------------------------------------------------------------------

static void send_uptime(struct session *s)
{
    long long up = (s->irc->hub->now(s->irc->hub) - s->irc->started) / 1000;
    reply(s, RPL_STATSUPTIME, ":Server Up %lld days %lld:%02lld:%02lld", up / 86400, up / 3600 % 24,
          up / 60 % 60, up % 60);
}

static void send_usage(struct session *s)
{
    for (int i = 0; irc_commands[i].name; i++)
        if (s->irc->used[i] > 0)
            reply(s, RPL_STATSCOMMANDS, "%s %lu", irc_commands[i].name, s->irc->used[i]);
}

void on_stats(struct session *s, const struct line *line)
{
    char query = *line->params[0], letter[2] = "";
    if (!is_for_us(s, line, 1))
        return;
    if (query > ' ' && query < 0x7F) // a part of a character is below 0 only where char is signed
        letter[0] = query;
    if (query == 'u')
        send_uptime(s);
    if (query == 'm')
        send_usage(s);
    reply(s, RPL_ENDOFSTATS, "%s :End of /STATS report", shown(letter));
}

static void help_on(struct session *s, const struct command *command)
{
    reply(s, RPL_HELPSTART, "%s :** Help for %s **", command->name, command->name);
    reply(s, RPL_HELPTXT, "%s :%s", command->name, command->help);
    reply(s, RPL_ENDOFHELP, "%s :End of /HELP", command->name);
}

static void help_on_all(struct session *s)
{
    reply(s, RPL_HELPSTART, "* :** Commands; HELP <command> tells more **");
    for (const struct command *c = irc_commands; c->name; c++)
        reply(s, RPL_HELPTXT, "* :%s", c->help);
    reply(s, RPL_ENDOFHELP, "* :End of /HELP");
}

void on_help(struct session *s, const struct line *line)
{
    const char *word = line->count > 0 ? line->params[0] : "";
    const struct command *command = command_find(word);
    if (!*word)
        help_on_all(s);
    else if (command)
        help_on(s, command);
    else
        reply(s, ERR_HELPNOTFOUND, "%s :No help available on this topic", shown(line->params[0]));
}
