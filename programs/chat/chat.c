// SPDX-License-Identifier: MIT
// weft chat - what is done for a chat server from outside, one small command each.
#include <stdio.h>
#include <string.h>

#include "chat/chat.h"
#include "common/commands.h"
#include "common/options.h"
#include "common/status.h"

static const char me[] = "weft chat";

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} commands[] = {
    {"backup", chat_backup, "copy the history into a file, also while the server runs"},
    {"passwd", chat_passwd, "print the hash of a password, for an operator"},
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

// A failed write to stdout is noticed at the program's end; for stderr there is nobody to tell.
static void print_usage(FILE *out)
{
    (void)fputs("usage: weft chat COMMAND [OPTION...]\nLooks after a chat server.\n\n", out);
    for (int i = 0; i < COMMANDS; i++)
        (void)fprintf(out, "      %-18s%s\n", commands[i].name, commands[i].summary);
    (void)fputs("  -h, --help            print this\n", out);
}

static int unknown_command(const char *word)
{
    const char *names[COMMANDS + 1] = {NULL};
    for (int i = 0; i < COMMANDS; i++)
        names[i] = commands[i].name;
    return unknown_word(me, "command", word, names);
}

int command_chat(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return STATUS_USAGE;
    }
    const char *word = argv[1];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        print_usage(stdout);
        return STATUS_OK;
    }
    for (int i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, word) == 0)
            return commands[i].run(argc - 1, argv + 1);
    return unknown_command(word);
}
