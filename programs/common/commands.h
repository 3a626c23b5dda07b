// SPDX-License-Identifier: MIT
// commands.h - the subcommands of `weft`, one function each. Returns a status of status.h.
#ifndef WEFT_PROGRAMS_COMMANDS_H
#define WEFT_PROGRAMS_COMMANDS_H

int command_serve(int argc, char **argv); // chat/serve.c
int command_join(int argc, char **argv);  // chat/join.c
int command_chat(int argc, char **argv);  // chat/chat.c
int command_fetch(int argc, char **argv); // fetch/fetch.c

#endif
