// SPDX-License-Identifier: MIT
// chat.h - the commands of `weft chat`, one function each. Returns a status of status.h.
#ifndef WEFT_CHAT_CHAT_H
#define WEFT_CHAT_CHAT_H

int chat_backup(int argc, char **argv); // backup.c
int chat_passwd(int argc, char **argv); // passwd.c

#endif
