// SPDX-License-Identifier: MIT
// weft join - the chat client: reads the command line, connects, and picks one of three forms.
//
//     plain                  join/plain.c    the lecture's: lines as they are
//     IRC on a terminal      join/screen.c   a full screen
//     IRC in a pipe          join/pipe.c     lines with names
//
// Where it goes and what it speaks there is decided in join/where.h, without a word to the server.
#define _DEFAULT_SOURCE // explicit_bzero
#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weft/weft.h>

#include "chat/join/pipe.h"
#include "chat/join/plain.h"
#include "chat/join/screen.h"
#include "chat/join/terminal.h"
#include "chat/join/where.h"
#include "common/commands.h"
#include "common/options.h"
#include "common/output.h"
#include "common/secret.h"
#include "common/status.h"

static const char me[] = "weft join";
static const char lobby[] = "#lobby"; // where a weft server has its plain clients
enum { PASSWORD_TRIES = 3 };

static const char not_plain[] = "--plain knows no nicks, rooms, passwords or TLS";

struct settings {
    struct asked asked;
    const char *nick, *room, *password, *ca_file;
};

// ---- the command line ----------------------------------------------------------------------

static const char *option_nick(const char *value, void *target)
{
    if (!*value || strlen(value) > 64 || strpbrk(value, " ,*?!@:#\r\n\t") || isdigit(*value))
        return "is not a nick";
    *(const char **)target = value;
    return NULL;
}

static bool is_room(const char *word)
{
    return *word == '#' || *word == '&';
}

// Arguments: at most one server and one room, in any order.
static int read_arguments(struct settings *set, const struct command_line *line, char **words)
{
    for (; *words; words++) {
        const char **to = is_room(*words) ? &set->room : &set->asked.server;
        if (*to)
            return usage_error(line, "one %s at a time, not '%s' too",
                               is_room(*words) ? "room" : "server", *words);
        *to = *words;
    }
    if (set->room && (strpbrk(set->room, " ,\a\r\n") || strlen(set->room) > 100))
        return usage_error(line, "'%s' is not a room", set->room);
    bool of_irc = set->asked.irc || set->asked.tls || set->nick || set->room || set->password;
    if (set->asked.plain && of_irc)
        return usage_error(line, "%s", not_plain);
    if (!set->asked.server)
        set->asked.server = "";
    return STATUS_OK;
}

// Says what is wrong itself. STATUS_OK, or *status is what to end with.
static bool read_all(struct settings *set, struct where *where, int argc, char **argv, int *status)
{
    const struct option_row rows[] = {
        {"nick", 'n', "NICK", "be called so [your login's name]", option_nick, &set->nick},
        {"irc", 0, NULL, "speak IRC", option_flag, &set->asked.irc},
        {"plain", 0, NULL, "speak plain text", option_flag, &set->asked.plain},
        {"tls", 0, NULL, "IRC inside TLS [as on port 6697]", option_flag, &set->asked.tls},
        {"ca", 0, "FILE", "whose certificates to trust [the system's]", option_text, &set->ca_file},
        {"password", 0, "WORD", "of the server; better: $WEFT_PASSWORD", option_text,
         &set->password},
        {0},
    };
    const struct command_line line = {
        me, "[OPTION...] [HOST[:PORT] | URL] ['#ROOM']",
        "Talk to a chat server, 127.0.0.1 unless told otherwise.\n"
        "In a pipe, or on port 12345 or any other but IRC's, it is plain: each line of the input\n"
        "is sent to everyone else there, and what they say is printed. On a terminal IRC is tried\n"
        "first, on port 6667, and fills the screen: /help there tells more. A nick, a room, a URL\n"
        "irc://HOST/room or ircs://HOST, or a page's http://HOST:8080/ mean IRC too.",
        rows};
    int first = options_read(&line, argc, argv);
    *status = first < 0 ? options_status(first) : read_arguments(set, &line, argv + first);
    if (first < 0 || *status != STATUS_OK)
        return false;
    set->asked.named = set->nick || set->room || set->password;
    const char *wrong = where_read(where, &set->asked);
    if (wrong)
        *status = usage_error(&line, "'%s' %s", set->asked.server, wrong);
    else if (set->asked.plain && where->names) // not the URL: a password may be in it
        *status = usage_error(&line, "%s", not_plain);
    else if (set->room && *where->room)
        *status = usage_error(&line, "one room at a time, not '%s' too", set->room);
    else if (set->ca_file && !where->places[0].tls) // who names it expects a secret talk
        *status = usage_error(&line, "--ca says something about TLS only (--tls, or ircs://)");
    return *status == STATUS_OK;
}

// ---- IRC -----------------------------------------------------------------------------------

// The login's name, as far as it can be a nick.
static void login_name(char *out, size_t room)
{
    const char *name = getenv("USER");
    const struct passwd *entry = name && *name ? NULL : getpwuid(getuid());
    size_t n = 0;
    for (name = entry ? entry->pw_name : name; name && *name && n + 1 < room; name++)
        if (isalpha((unsigned char)*name) || (n > 0 && isalnum((unsigned char)*name)))
            out[n++] = *name;
    out[n] = '\0';
    if (n == 0)
        (void)snprintf(out, room, "guest");
}

static int complain_of_connect(void)
{
    bool refused = weft_error_code() == -ECONNREFUSED;
    complain(me, "%s%s", weft_error(), refused ? " (is the server running?)" : "");
    return STATUS_FAILED;
}

// When the server wants a password, or another one, the user is asked for it, some times.
static int talk_on_screen(weft_conn *conn, struct irc_options *o)
{
    char question[CHAT_ADDRESS_MAX + 32], secret[SECRET_MAX + 2];
    const struct place *place;
    sigset_t before;
    bool wants_password;
    int status;
    (void)snprintf(question, sizeof question, "password of %s: ", o->host);
    (void)pthread_sigmask(SIG_SETMASK, NULL, &before); // fails only for a wrong word
    for (int tries = 0;; tries++) {
        status = screen_talk(conn, o, &wants_password); // takes it
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (!wants_password || tries == PASSWORD_TRIES || secret_ask(question, secret) <= 0)
            break;
        o->session.password = secret;
        conn = link_open(o->place, 1, o->host, o->ca_file, &place);
        if (!conn) {
            status = complain_of_connect();
            break;
        }
    }
    o->session.password = "";
    explicit_bzero(secret, sizeof secret);
    return status;
}

static const char *password_of(const struct settings *set, const struct where *where)
{
    const char *secret = getenv("WEFT_PASSWORD");
    if (set->password)
        return set->password;
    return *where->password || !secret ? where->password : secret;
}

static int talk_irc(weft_conn *conn, const struct settings *set, const struct where *where,
                    const struct place *place)
{
    char login[20];
    login_name(login, sizeof login);
    struct irc_options o = {.place = place, .host = where->host, .ca_file = set->ca_file};
    o.key = where->key;
    o.room = set->room ? set->room : *where->room ? where->room : lobby;
    o.session.nick = set->nick ? set->nick : *where->nick ? where->nick : login;
    o.session.password = password_of(set, where);
    o.session.echo = set->asked.terminal;
    return set->asked.terminal ? talk_on_screen(conn, &o) : pipe_talk(conn, &o);
}

// ---- the command ---------------------------------------------------------------------------

int command_join(int argc, char **argv)
{
    static const int deadly[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    struct settings set = {.asked = {.terminal = terminal_is_there()}};
    struct where where;
    const struct place *place;
    int status;
    if (!read_all(&set, &where, argc, argv, &status))
        return status;

    end_by_signals(deadly, sizeof deadly / sizeof deadly[0], 0);
    weft_conn *conn = link_open(where.places, where.count, where.host, set.ca_file, &place);
    if (!conn)
        return complain_of_connect();
    if (place->irc)
        return talk_irc(conn, &set, &where, place); // takes it
    status = plain_talk(conn);
    weft_conn_close(&conn);
    return status;
}
