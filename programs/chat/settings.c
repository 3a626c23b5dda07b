// SPDX-License-Identifier: MIT
// settings.c - see settings.h: defaults, then the file, then the options, then what follows.
//
// The options are read first, because one of them names the file, into a struct of their own; what
// they gave is then moved over what the file gave.
#include "chat/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chat/lan.h"
#include "chat/log_line.h"
#include "common/options.h"
#include "common/output.h"
#include "common/status.h"
#include "common/utf8.h"

enum { MOTD_MAX = 65536, MESSAGE_MAX = 512 };
static const char me[] = "weft serve";

static void *place_in(const struct settings *set, int row)
{
    return (char *)set + settings_table[row].place;
}

static void set_defaults(struct settings *set)
{
    *set = (struct settings){.port = NO_PORT};
    for (int i = 0; settings_table[i].option; i++) {
        const struct setting *row = &settings_table[i];
        if (row->fallback && !(row->traits & SETTING_TOLD))
            (void)row->kind->read(row->fallback, place_in(set, i)); // a test reads each
    }
}

// ---- options -------------------------------------------------------------------------------

struct option_target {
    const struct setting *row;
    struct settings *set;
    bool given;
};

static const char *read_option(const char *value, void *target)
{
    static char told[128];
    struct option_target *t = target;
    t->given = true;
    const char *wrong = t->row->kind->read(value, (char *)t->set + t->row->place);
    if (!wrong || !(t->row->traits & SETTING_SECRET))
        return wrong;
    (void)snprintf(told, sizeof told, ": %s", wrong);
    return told;
}

// Into `set`, and which of them were given.
static int read_options(struct settings *set, bool given[SETTINGS_MAX], int argc, char **argv)
{
    struct option_target targets[SETTINGS_MAX];
    struct option_row rows[SETTINGS_MAX + 1];
    char help[SETTINGS_MAX][128];
    int n = 0;
    for (; settings_table[n].option; n++) {
        const struct setting *row = &settings_table[n];
        bool shown = row->fallback && !row->kind->flag;
        targets[n] = (struct option_target){row, set, false};
        (void)snprintf(help[n], sizeof help[n], "%s%s%s%s", row->help, shown ? " [" : "",
                       shown ? row->fallback : "", shown ? "]" : "");
        rows[n] = (struct option_row){row->option, row->letter, row->value,
                                      help[n],     read_option, &targets[n]};
    }
    rows[n] = (struct option_row){0};
    const struct command_line line = {
        me, "[OPTION...]",
        "A chat server: for plain text, where what one client sends goes to all others unchanged,\n"
        "for IRC clients, and for browsers. All of them meet in the room #lobby. Ctrl+C ends it.",
        rows};
    int first = options_read(&line, argc, argv);
    if (first < 0)
        return options_status(first) == STATUS_OK ? SETTINGS_HELP : SETTINGS_WRONG;
    if (first < argc) {
        (void)usage_error(&line, "takes options only, not '%s'", argv[first]);
        return SETTINGS_WRONG;
    }
    for (int i = 0; i < n; i++)
        given[i] = targets[i].given;
    return SETTINGS_GOOD;
}

static void swap_places(struct settings *a, struct settings *b, int row)
{
    unsigned char held[64];
    size_t size = settings_table[row].kind->size;
    if (size > sizeof held)
        abort(); // a bug of the table
    memcpy(held, place_in(a, row), size);
    memcpy(place_in(a, row), place_in(b, row), size);
    memcpy(place_in(b, row), held, size);
}

// ---- what follows --------------------------------------------------------------------------

static const struct {
    const char *name;
    int port;
} doors[DOORS] = {
    [DOOR_PLAIN] = {"plain", CHAT_PORT},
    [DOOR_IRC] = {"irc", 6667},
    [DOOR_IRCS] = {"ircs", 6697},
    [DOOR_WEB] = {"web", 8080},
};

// host NULL: all addresses.
static const char *open_at(struct door_setting *door, const char *host, int port)
{
    door->address = door->text;
    if (host)
        return chat_address(door->text, host, port);
    (void)snprintf(door->text, sizeof door->text, ":%d", port);
    return NULL;
}

// A word that kind_door has taken.
static const char *open_as_told(struct door_setting *door, const char *word, const char *host)
{
    char own[CHAT_ADDRESS_MAX];
    int port;
    door->asked = true;
    if (strcmp(word, "off") == 0)
        return NULL;
    if (!option_port(word, &port))
        return open_at(door, host, port);
    if (strncmp(word, "unix:", 5) == 0 || strncmp(word, "systemd:", 8) == 0) {
        (void)snprintf(door->text, sizeof door->text, "%s", word); // kind_door knows that it fits
        door->address = door->text;
        return NULL;
    }
    port = chat_address_split(word, own);
    return open_at(door, own, port);
}

// Without a certificate the TLS door is shut; with --port all are but the plain one.
static bool is_open_by_default(const struct settings *set, int i)
{
    return set->port == NO_PORT && (i != DOOR_IRCS || set->tls_cert);
}

// On a LAN the plain door, which can ask for no password, is for this machine if there is one.
// NULL: all addresses.
static const char *host_of(const struct settings *set, int i)
{
    bool guarded = set->irc.password || !set->open;
    if (set->lan && i == DOOR_PLAIN && guarded)
        return CHAT_HOST;
    if (set->host)
        return set->host;
    return set->lan ? NULL : CHAT_HOST;
}

// NULL, or what is wrong.
static const char *place_doors(struct settings *set, const void **place)
{
    const char *wrong = NULL;
    for (int i = 0; i < DOORS && !wrong; i++) {
        struct door_setting *door = &set->doors[i];
        *place = &set->at[i];
        *door = (struct door_setting){.option = set->port != NO_PORT ? "port" : doors[i].name};
        if (set->port != NO_PORT && i == DOOR_PLAIN) {
            door->asked = true;
            wrong = open_at(door, host_of(set, i), set->port);
        } else if (set->at[i]) {
            wrong = open_as_told(door, set->at[i], host_of(set, i));
        } else if (is_open_by_default(set, i)) {
            wrong = open_at(door, host_of(set, i), doors[i].port);
        }
    }
    return wrong;
}

// Two that were asked for, and so must open, and cannot both. Others find each a port of its own.
static const char *find_doors_that_meet(const struct settings *set, const void **place)
{
    for (int i = 0; i < DOORS; i++)
        for (int j = 0; j < i; j++) {
            const struct door_setting *one = &set->doors[j], *other = &set->doors[i];
            const char *port = one->address ? strrchr(one->address, ':') : NULL;
            *place = &set->at[i];
            bool shared = !port || strcmp(port, ":0") == 0 || strncmp(one->address, "sys", 3) == 0;
            if (!shared && one->asked && other->asked && other->address &&
                strcmp(one->address, other->address) == 0)
                return "two doors cannot have one address";
        }
    return NULL;
}

static const char *find_no_way_in(const struct settings *set, const void **place)
{
    for (int i = 0; i < DOORS; i++)
        if (set->doors[i].address)
            return NULL;
    *place = &set->at[DOOR_WEB];
    return "every door is off: nobody could come in";
}

// The name of a server has a dot, so that no client takes it for a nick.
static const char *name_server(struct settings *set)
{
    if (set->irc.name)
        return NULL;
    char host[64] = ""; // the longest name that Linux takes
    if (gethostname(host, sizeof host - 1) < 0 || !*host)
        (void)snprintf(host, sizeof host, "localhost");
    host[57] = '\0'; // with what follows at most 63, as kind_server_name wants it
    (void)snprintf(set->name, sizeof set->name, "%s%s", host, strchr(host, '.') ? "" : ".local");
    set->irc.name = strdup(set->name);
    return set->irc.name ? NULL : "out of memory";
}

// The text of the file, as lines that end in "\n". NULL, or what is wrong.
static const char *load_motd(struct settings *set, const void **place)
{
    *place = &set->motd;
    if (!set->motd)
        return NULL;
    FILE *file = fopen(set->motd, "re");
    set->motd_text = file ? malloc(MOTD_MAX + 2) : NULL;
    if (!set->motd_text) {
        if (file)
            (void)fclose(file); // was only read, here and below
        return "the message of the day cannot be read";
    }
    size_t size = fread(set->motd_text, 1, MOTD_MAX + 1, file);
    bool failed = ferror(file) != 0;
    (void)fclose(file);
    if (failed)
        return "the message of the day cannot be read";
    if (size > MOTD_MAX)
        return "the message of the day is longer than 64 KiB";
    if (memchr(set->motd_text, '\0', size) || memchr(set->motd_text, '\r', size) ||
        !utf8_is_valid(set->motd_text, size))
        return "the message of the day is no UTF-8 text with lines that end in LF";
    if (size > 0 && set->motd_text[size - 1] != '\n')
        set->motd_text[size++] = '\n';
    set->motd_text[size] = '\0';
    set->irc.motd = set->motd_text;
    return NULL;
}

// Settings that make no sense without a certificate.
static const char *find_what_lacks_tls(const struct settings *set, const void **place)
{
    const char *irc = set->at[DOOR_IRCS];
    const struct {
        bool is_set;
        const void *place;
        const char *why;
    } needs[] = {
        {set->tls_key != NULL, &set->tls_key,
         "a key for TLS (--tls-key) needs a certificate (--tls-cert)"},
        {irc && strcmp(irc, "off") != 0, &set->at[DOOR_IRCS],
         "the door for IRC inside TLS (--ircs) needs a certificate (--tls-cert)"},
        {set->web_tls, &set->web_tls,
         "https on the web door (--web-tls) needs a certificate (--tls-cert)"},
        {set->sts_days > 0, &set->sts_days,
         "to send IRC clients to TLS (--sts) needs a certificate (--tls-cert)"},
    };
    for (size_t i = 0; i < sizeof needs / sizeof *needs && !set->tls_cert; i++)
        if (needs[i].is_set) {
            *place = needs[i].place;
            return needs[i].why;
        }
    return NULL;
}

static const char *find_contradiction(const struct settings *set, const void **place)
{
    const char *wrong = find_what_lacks_tls(set, place);
    if (wrong)
        return wrong;
    *place = &set->log_format;
    if (set->lan && !set->open && !set->irc.password && set->log_format == LOG_JSON)
        return "--lan makes a password, which a log in JSON does not tell: --password or --open";
    *place = &set->open;
    if (set->open && !set->lan)
        return "--open says something about --lan only";
    return NULL;
}

// NULL, or what is wrong with the value at *place.
static const char *complete(struct settings *set, const void **place)
{
    const char *wrong = find_contradiction(set, place);
    set->irc.operators = set->operators.items;
    set->irc.operator_count = set->operators.count;
    if (!wrong)
        wrong = name_server(set);
    if (!wrong)
        wrong = place_doors(set, place);
    if (!wrong)
        wrong = find_doors_that_meet(set, place);
    if (!wrong)
        wrong = find_no_way_in(set, place);
    if (!wrong && set->lan)
        wrong = lan_add_hosts(&set->hosts);
    return wrong ? wrong : load_motd(set, place);
}

// ---- reading -------------------------------------------------------------------------------

void settings_complain(const struct settings *set, const void *place, const char *why)
{
    const char *path = set->check ? set->check : set->config;
    size_t at = (size_t)((const char *)place - (const char *)set);
    int line = 0;
    for (int i = 0; settings_table[i].option; i++)
        if (settings_table[i].place == at)
            line = set->lines[i];
    if (path && line > 0)
        complain(me, "%s:%d: %s", path, line, why);
    else
        complain(me, "%s", why);
}

static bool read_all(struct settings *set, struct settings *options, const bool *from_options)
{
    char wrong[MESSAGE_MAX];
    const char *path = options->check ? options->check : options->config;
    if (path && !settings_read_file(set, path, wrong, sizeof wrong)) {
        complain(me, "%s", wrong);
        return false;
    }
    for (int i = 0; settings_table[i].option; i++)
        if (from_options[i]) {
            swap_places(set, options, i);
            set->lines[i] = 0;
        }
    const void *place = NULL;
    const char *why = complete(set, &place);
    if (why)
        settings_complain(set, place, why);
    return !why;
}

int settings_read(struct settings *set, int argc, char **argv)
{
    struct settings options = {0};
    bool given[SETTINGS_MAX] = {false};
    int result = read_options(&options, given, argc, argv);
    set_defaults(set);
    if (result == SETTINGS_GOOD && !read_all(set, &options, given))
        result = SETTINGS_WRONG;
    settings_free(&options);
    if (result != SETTINGS_GOOD)
        settings_free(set);
    return result;
}

int settings_status(int result)
{
    return result == SETTINGS_WRONG ? STATUS_USAGE : STATUS_OK;
}

void settings_free(struct settings *set)
{
    for (int i = 0; settings_table[i].option; i++)
        if (settings_table[i].kind->release)
            settings_table[i].kind->release(place_in(set, i));
    free(set->motd_text);
    *set = (struct settings){.port = NO_PORT};
}

// ---- reading again -------------------------------------------------------------------------

void settings_adopt(struct settings *now, struct settings *next)
{
    for (int i = 0; settings_table[i].option; i++)
        if (settings_table[i].traits & SETTING_LIVE)
            swap_places(now, next, i);
    char *text = now->motd_text;
    now->motd_text = next->motd_text;
    next->motd_text = text;
    now->irc.motd = now->motd_text;
    now->irc.operators = now->operators.items;
    now->irc.operator_count = now->operators.count;
}

int settings_differ(const struct settings *now, const struct settings *next, int from)
{
    for (int i = from; settings_table[i].option; i++)
        if (!(settings_table[i].traits & SETTING_LIVE) &&
            !settings_table[i].kind->same(place_in(now, i), place_in(next, i)))
            return i;
    return -1;
}
