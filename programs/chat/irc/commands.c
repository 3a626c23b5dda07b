// SPDX-License-Identifier: MIT
// commands.c - the table of commands: name, fewest parameters, rights, cost, handler, help.
#include <strings.h>

#include "chat/irc/handlers.h"
#include "chat/irc/monitor.h"
#include "chat/irc/whowas.h"

const struct command irc_commands[] = {
    {"ADMIN", 0, 0, 2, on_admin, "ADMIN: who looks after this server"},
    {"AWAY", 0, 0, 2, on_away, "AWAY [<why>]: gone for a while; without a reason, back"},
    {"BATCH", 1, 0, 1, on_batch, "BATCH +<reference> draft/multiline <target>: several lines"},
    {"CAP", 1, COMMAND_EARLY, 1, on_cap, "CAP LS|LIST|REQ|END: what client and server can"},
    {"CHATHISTORY", 0, 0, 4, on_chathistory,
     "CHATHISTORY BEFORE|AFTER|LATEST|AROUND|BETWEEN|TARGETS ...: what was said"},
    {"ERROR", 0, COMMAND_EARLY, 1, on_error, "ERROR: servers say it"},
    {"HELP", 0, 0, 2, on_help, "HELP [<command>]: what a command does"},
    {"HELPOP", 0, 0, 2, on_help, "HELPOP [<command>]: the same as HELP"},
    {"INFO", 0, 0, 2, on_info, "INFO: about this server"},
    {"INVITE", 0, 0, 2, on_invite, "INVITE <nick> <#room>: ask somebody in"},
    {"ISON", 1, 0, 2, on_ison, "ISON <nick> [<nick>...]: which of them are here"},
    {"JOIN", 1, 0, 2, on_join, "JOIN <#room>[,<#room>...] [<key>[,<key>...]]: enter rooms"},
    {"KICK", 2, 0, 2, on_kick, "KICK <#room> <nick>[,<nick>...] [<reason>]: put out of a room"},
    {"KILL", 1, COMMAND_OPERATOR, 1, on_kill, "KILL <nick> [<reason>]: end a connection"},
    {"LINKS", 0, 0, 2, on_links, "LINKS: the servers of this network"},
    {"LIST", 0, 0, 4, on_list, "LIST [<mask>,<!mask>,<>n>,<<n>,C<n,C>n,T<n,T>n]: rooms"},
    {"LUSERS", 0, 0, 2, on_lusers, "LUSERS: how many are here"},
    {"MENTIONS", 0, 0, 4, on_mentions,
     "MENTIONS [timestamp=<time>|* [<limit>]]: what was said with your nick since you left"},
    {"MODE", 1, 0, 2, on_mode, "MODE <#room|nick> [<modes> [<values>...]]: show or change"},
    {"MONITOR", 1, 0, 2, on_monitor, "MONITOR +|-|C|L|S [<nick>,...]: be told who comes and goes"},
    {"MOTD", 0, 0, 2, on_motd, "MOTD: the message of the day"},
    {"NAMES", 0, 0, 2, on_names, "NAMES <#room>: who is in a room"},
    {"NICK", 0, COMMAND_EARLY, 2, on_nick, "NICK <nick>: be called so"},
    {"NOTICE", 0, 0, 1, on_notice, "NOTICE <target>[,<target>...] <text>: say, no answer wanted"},
    {"OPER", 2, 0, 8, on_oper, "OPER <name> <password>: look after this server"},
    {"PART", 1, 0, 2, on_part, "PART <#room>[,<#room>...] [<reason>]: leave rooms"},
    {"PASS", 1, COMMAND_EARLY, 1, on_pass, "PASS <password>: before anything else"},
    {"PING", 0, COMMAND_EARLY, 1, on_ping, "PING <token>: is the server there"},
    {"PONG", 0, COMMAND_EARLY, 1, on_pong, "PONG <token>: the client is there"},
    {"PRIVMSG", 0, 0, 1, on_privmsg, "PRIVMSG <target>[,<target>...] <text>: say"},
    {"QUIT", 0, COMMAND_EARLY, 1, on_quit, "QUIT [<reason>]: go"},
    {"REDACT", 2, 0, 4, on_redact, "REDACT <target> <msgid> [<why>]: delete a message"},
    {"REHASH", 0, COMMAND_OPERATOR, 2, on_rehash, "REHASH: read the settings again"},
    {"SEARCH", 1, 0, 4, on_search, "SEARCH in=<#room>;from=<nick>;text=<words>: in the history"},
    {"SETNAME", 1, 0, 2, on_setname, "SETNAME <real name>: be called so"},
    {"STATS", 1, 0, 2, on_stats, "STATS u|m: how long the server has run; which commands"},
    {"TAGMSG", 1, 0, 1, on_tagmsg, "TAGMSG <target>: only tags, such as who is typing"},
    {"TIME", 0, 0, 2, on_time, "TIME: what time it is"},
    {"TOPIC", 1, 0, 2, on_topic, "TOPIC <#room> [<text>]: what a room is about"},
    {"USER", 4, COMMAND_EARLY, 1, on_user, "USER <login> 0 * <real name>: who you are"},
    {"USERHOST", 1, 0, 2, on_userhost, "USERHOST <nick> [<nick>...]: where they come from"},
    {"VERSION", 0, 0, 2, on_version, "VERSION: of this server, and what it can"},
    {"WALLOPS", 1, COMMAND_OPERATOR, 2, on_wallops, "WALLOPS <text>: say to all who listen"},
    {"WHO", 1, 0, 4, on_who, "WHO <#room|mask> [o][%<fields>[,<token>]]: who is there"},
    {"WHOIS", 0, 0, 2, on_whois, "WHOIS <nick>: what may be known of somebody"},
    {"WHOWAS", 0, 0, 2, on_whowas, "WHOWAS <nick> [<count>]: who was called so"},
    {.name = NULL},
};

_Static_assert(sizeof irc_commands / sizeof irc_commands[0] <= COMMANDS_MAX, "each is counted");

const struct command *command_find(const char *name)
{
    for (const struct command *c = irc_commands; c->name; c++)
        if (strcasecmp(c->name, name) == 0)
            return c;
    return NULL;
}
