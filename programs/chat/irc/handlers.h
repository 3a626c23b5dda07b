// SPDX-License-Identifier: MIT
// handlers.h - the commands of the table in commands.c, by the file that has them.
#ifndef WEFT_CHAT_IRC_HANDLERS_H
#define WEFT_CHAT_IRC_HANDLERS_H

#include "chat/irc/session.h"

typedef void handler(struct session *s, const struct line *line);

handler on_cap;                                  // caps.c
void on_cap_end(struct session *s);              // register.c: CAP END
handler on_nick, on_user, on_pass;               // register.c
handler on_ping, on_pong, on_quit, on_error;     // register.c
handler on_join, on_part;                        // join.c
handler on_topic, on_kick, on_invite;            // room.c
handler on_names;                                // names.c
handler on_list;                                 // list.c
handler on_privmsg, on_notice, on_tagmsg;        // message.c
handler on_mode;                                 // mode.c
handler on_away, on_setname;                     // user.c
handler on_ison, on_userhost;                    // user.c
handler on_who;                                  // who.c
handler on_whois;                                // whois.c
handler on_lusers, on_motd, on_time, on_version; // server.c
handler on_info, on_admin, on_help, on_stats;    // server.c
handler on_links;                                // server.c
handler on_oper, on_kill, on_wallops, on_rehash; // operator.c

handler on_batch;       // batch.c
handler on_chathistory; // history.c
handler on_search;      // search.c
handler on_mentions;    // mentions.c
handler on_redact;      // redact.c

// What others share with these files.
// A message, of several lines too; target is changed on the way.
void say_message(struct session *s, enum event_kind kind, char *target, const char *text,
                 const char *tags); // message.c
// The name is ours, or a mask of it, or the nick of somebody here. If not, the client was told.
bool names_this_server(struct session *s, char *name); // server.c
void send_motd(struct session *s);                     // server.c
void send_lusers(struct session *s);                   // server.c
void send_isupport(struct session *s);                 // isupport.c
// To all who are registered, if there are any: 005 with what was otherwise before.
void tell_isupport_changes(struct irc *irc, const struct irc_settings *before); // isupport.c
void send_names(struct session *s, const struct room *room);                    // names.c
void send_topic(struct session *s, const struct room *room);                    // room.c
// room.c: a room, and the client's place in it; another's. False, NULL: it was told what is wrong.
bool find_place(struct session *s, char *name, struct room **room, struct member **member);
struct member *find_other(struct session *s, const struct room *room, char *nick);

#endif
