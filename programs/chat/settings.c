// SPDX-License-Identifier: MIT
// settings.c - see settings.h.
#include "chat/settings.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/options.h"

enum { QUEUE_MB = 16, NO_PORT = -1, WAS_WRONG = -2 };

static const struct {
    const char *name;
    int port;
} defaults[DOORS] = {
    [DOOR_PLAIN] = {"plain", CHAT_PORT},
    [DOOR_IRC] = {"irc", 6667},
    [DOOR_WEB] = {"web", 8080},
};

// What stands on the command line, before the parts are put together.
struct words {
    const char *host, *doors[DOORS];
    int port;
};

static const char *option_megabytes(const char *value, void *target)
{
    int megabytes;
    if (option_count(value, &megabytes) || megabytes > 1024)
        return "is not a number of megabytes (1 to 1024)";
    *(int *)target = megabytes;
    return NULL;
}

static const char *open_door(struct door_setting *door, const char *host, int port)
{
    door->address = door->text;
    return chat_address(door->text, host, port);
}

// "[HOST:]PORT" or "off". NULL, or what is wrong with it.
static const char *read_door(struct door_setting *door, const char *word, const char *host)
{
    char address[CHAT_ADDRESS_MAX], own[CHAT_ADDRESS_MAX];
    door->asked = true;
    if (strcmp(word, "off") == 0)
        return NULL;
    int port = NO_PORT;
    if (!option_port(word, &port))
        return open_door(door, host, port);
    const char *wrong = chat_address_read(address, word);
    if (wrong)
        return wrong;
    if (!strchr(word, ':'))
        return "is not [HOST:]PORT or off";
    port = chat_address_split(address, own);
    return open_door(door, own, port);
}

// Which doors are open: --port is the plain one alone; else each as it is asked for, or by default.
static int place_doors(struct settings *set, const struct words *words,
                       const struct command_line *line)
{
    for (int i = 0; i < DOORS; i++) {
        struct door_setting *door = &set->doors[i];
        const char *word = words->doors[i], *wrong = NULL;
        door->option = words->port != NO_PORT ? "port" : defaults[i].name;
        if (words->port != NO_PORT && i == DOOR_PLAIN)
            door->asked = true, wrong = open_door(door, words->host, words->port);
        else if (word)
            wrong = read_door(door, word, words->host);
        else if (words->port == NO_PORT)
            wrong = open_door(door, words->host, defaults[i].port);
        if (wrong && word) {
            (void)usage_error(line, "--%s '%s' %s", defaults[i].name, word, wrong);
            return WAS_WRONG;
        }
        if (wrong) {
            (void)usage_error(line, "--host '%s' %s", words->host, wrong);
            return WAS_WRONG;
        }
    }
    return 0;
}

// The name of a server has a dot, so that no client takes it for a nick.
static void name_server(struct settings *set)
{
    if (set->irc.name)
        return;
    if (gethostname(set->name, sizeof set->name - 8) < 0 || !*set->name)
        (void)strcpy(set->name, "localhost");
    set->name[63] = '\0';
    if (!strchr(set->name, '.'))
        (void)strcat(set->name, ".local");
    set->irc.name = set->name;
}

static const char *option_name(const char *value, void *target)
{
    if (!strchr(value, '.') || strlen(value) > 63 || strpbrk(value, " :!@*,"))
        return "is not a server's name (with a dot, at most 63 characters)";
    return option_text(value, target);
}

int settings_read(struct settings *set, int argc, char **argv)
{
    struct words words = {.host = CHAT_HOST, .port = NO_PORT};
    *set = (struct settings){.queue_mb = QUEUE_MB};
    set->irc.network = "weft";
    set->irc.description = "a weft chat server";
    const struct option_row rows[] = {
        {"plain", 0, "[HOST:]PORT", "the lecture's door; 0: any free port, off: shut [12345]",
         option_text, &words.doors[DOOR_PLAIN]},
        {"irc", 0, "[HOST:]PORT", "the door for IRC clients [6667]", option_text,
         &words.doors[DOOR_IRC]},
        {"web", 0, "[HOST:]PORT", "the door for browsers [8080]", option_text,
         &words.doors[DOOR_WEB]},
        {"web-host", 0, "NAME", "by which browsers reach this server, behind a proxy", option_text,
         &set->hosts[0]},
        {"web-origin", 0, "URL", "of another page that may use the web door", option_text,
         &set->origins[0]},
        {"port", 'p', "N", "the plain door on this port, and no other door", option_port,
         &words.port},
        {"host", 0, "ADDR", "listen on this address [127.0.0.1]", option_text, &words.host},
        {"name", 0, "NAME", "of the server, as IRC clients see it [this machine's]", option_name,
         &set->irc.name},
        {"network", 0, "NAME", "of the network [weft]", option_text, &set->irc.network},
        {"password", 0, "WORD", "that IRC clients must give", option_text, &set->irc.password},
        {"data", 0, "FOLDER", "keep the history there [~/.local/state/weft]", option_text,
         &set->data},
        {"no-history", 0, NULL, "keep no history", option_flag, &set->no_history},
        {"full-sync", 0, NULL, "a message that was acknowledged survives loss of power too",
         option_flag, &set->full_sync},
        {"queue", 0, "MB", "drop a client when more than so much waits for it [16]",
         option_megabytes, &set->queue_mb},
        {"lecture", 0, NULL, "print the list of connections, as the lecture does", option_flag,
         &set->lecture},
        {0},
    };
    const struct command_line line = {
        "weft serve", "[OPTION...]",
        "A chat server: for plain text, where what one client sends goes to all others unchanged,\n"
        "for IRC clients, and for browsers. All of them meet in the room #lobby. Ctrl+C ends it.",
        rows};
    int first = options_read(&line, argc, argv);
    if (first < 0)
        return first;
    if (first < argc) {
        (void)usage_error(&line, "takes options only, not '%s'", argv[first]);
        return WAS_WRONG;
    }
    name_server(set);
    return place_doors(set, &words, &line);
}

int settings_status(int wrong)
{
    return options_status(wrong);
}
