// SPDX-License-Identifier: MIT
// setting_kinds.c - see setting_kinds.h.
#include "chat/setting_kinds.h"

#include <errno.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "chat/address.h"
#include "chat/irc/irc.h"
#include "chat/log_line.h"
#include "chat/network.h"
#include "chat/web/host.h"
#include "common/options.h"
#include "common/secret.h"
#include "common/utf8.h"

static const char no_memory[] = "could not be kept: out of memory";

// ---- texts ---------------------------------------------------------------------------------

static void release_text(void *place)
{
    const char **text = place;
    free((char *)*text);
    *text = NULL;
}

static bool same_text(const void *a, const void *b)
{
    const char *one = *(const char *const *)a, *other = *(const char *const *)b;
    return one == other || (one && other && strcmp(one, other) == 0);
}

static const char *keep(const char *text, void *place)
{
    char *copy = strdup(text);
    if (!copy)
        return no_memory;
    release_text(place);
    *(const char **)place = copy;
    return NULL;
}

static bool has_control(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7F)
            return true;
    return false;
}

static const char *read_text(const char *text, void *place)
{
    if (!*text)
        return "is empty";
    if (has_control(text)) // it would end a line of the protocol
        return "has a control character in it";
    if (!utf8_is_valid(text, strlen(text)))
        return "is not UTF-8";
    return keep(text, place);
}

// What is longer nobody can be asked for, nor say in PASS.
static const char *read_password(const char *text, void *place)
{
    _Static_assert(SECRET_MAX == 300, "the message says so");
    return strlen(text) > SECRET_MAX ? "is longer than 300 bytes" : read_text(text, place);
}

static const char *read_word(const char *text, void *place)
{
    _Static_assert(IRC_WORD_MAX == 180, "the message says so");
    if (strlen(text) > IRC_WORD_MAX)
        return "is longer than 180 bytes";
    return strchr(text, ' ') ? "has a space in it" : read_text(text, place);
}

// As a host's, with a dot: no quotes, which a file of settings does not take off.
static bool is_server_name(const char *text)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    size_t parts = 0;
    for (const char *at = text; *at; parts++) {
        size_t size = strspn(at, letters);
        if (size == 0 || (at[size] && at[size] != '.'))
            return false;
        at += size + (at[size] == '.');
    }
    return parts > 1 && strlen(text) <= 63;
}

static const char *read_server_name(const char *text, void *place)
{
    if (!is_server_name(text))
        return "is not a server's name (with a dot, at most 63 characters)";
    return read_text(text, place);
}

static const char *read_host(const char *text, void *place)
{
    char address[CHAT_ADDRESS_MAX];
    if (!*text)
        return "is empty";
    const char *wrong = chat_address(address, text, 0);
    return wrong ? wrong : keep(text, place);
}

static const char *wrong_address(const char *text)
{
    char address[CHAT_ADDRESS_MAX], host[CHAT_ADDRESS_MAX];
    const char *colon = strrchr(text, ':');
    int port;
    if (!colon || colon == text || option_port(colon + 1, &port))
        return "is not [HOST:]PORT, unix:/PATH, systemd:NAME or off";
    if ((size_t)snprintf(host, sizeof host, "%.*s", (int)(colon - text), text) >= sizeof host)
        return "is too long";
    return chat_address(address, host, port);
}

enum { PATH_ROOM = sizeof((struct sockaddr_un *)NULL)->sun_path };

static const char *read_door(const char *text, void *place)
{
    int port;
    const char *wrong = NULL;
    bool elsewhere = strncmp(text, "unix:", 5) == 0 || strncmp(text, "systemd:", 8) == 0;
    if (elsewhere && strlen(text) >= CHAT_ADDRESS_MAX)
        wrong = "is too long";
    else if (strcmp(text, "unix:") == 0)
        wrong = "has no path";
    else if (strcmp(text, "systemd:") == 0)
        wrong = "has no name";
    else if (strncmp(text, "unix:", 5) == 0 && strlen(text + 5) >= PATH_ROOM)
        wrong = "has a path of more than 107 bytes";
    else if (!elsewhere && strcmp(text, "off") != 0 && option_port(text, &port))
        wrong = wrong_address(text);
    return wrong ? wrong : keep(text, place);
}

// A regular one, because it is read again at each SIGHUP: a pipe has its text once, and a server
// that waits for another one hears no signal.
static const char *read_file(const char *text, void *place)
{
    static char wrong[128];
    struct stat found;
    if (!*text)
        return "is empty";
    int rc = stat(text, &found) < 0 || access(text, R_OK) < 0 ? errno : 0;
    if (rc == 0 && S_ISDIR(found.st_mode))
        rc = EISDIR;
    if (rc == 0)
        return S_ISREG(found.st_mode) ? keep(text, place) : "is no regular file";
    (void)snprintf(wrong, sizeof wrong, "cannot be read: %s", strerror(rc));
    return wrong;
}

#define TEXT_KIND(reader) \
    { \
        .read = (reader), .release = release_text, .same = same_text, .size = sizeof(const char *) \
    }
const struct setting_kind kind_text = TEXT_KIND(read_text);
const struct setting_kind kind_word = TEXT_KIND(read_word);
const struct setting_kind kind_password = TEXT_KIND(read_password);
const struct setting_kind kind_server_name = TEXT_KIND(read_server_name);
const struct setting_kind kind_host = TEXT_KIND(read_host);
const struct setting_kind kind_door = TEXT_KIND(read_door);
const struct setting_kind kind_file = TEXT_KIND(read_file);

// ---- lists ---------------------------------------------------------------------------------

static void release_list(void *place)
{
    struct setting_list *list = place;
    for (size_t i = 0; i < list->count; i++)
        free((char *)list->items[i]);
    free(list->items);
    *list = (struct setting_list){0};
}

static bool same_list(const void *a, const void *b)
{
    const struct setting_list *one = a, *other = b;
    if (one->count != other->count)
        return false;
    for (size_t i = 0; i < one->count; i++)
        if (strcmp(one->items[i], other->items[i]) != 0)
            return false;
    return true;
}

static const char *add_item(struct setting_list *list, const char *text, size_t size)
{
    const char **items = realloc(list->items, (list->count + 2) * sizeof *items);
    if (items)
        list->items = items;
    char *copy = items ? strndup(text, size) : NULL;
    if (!copy)
        return no_memory;
    items[list->count++] = copy;
    items[list->count] = NULL;
    return NULL;
}

// The next part at *at, which is moved behind it; false at the end. Commas are between parts, and
// blanks beside them do not count; within a part they are a part of it.
static bool next_part(const char **at, struct http_text *part)
{
    static const char blanks[] = " \t";
    *at += strspn(*at, ", \t");
    *part = (struct http_text){*at, strcspn(*at, ",")};
    *at += part->size;
    while (part->size > 0 && strchr(blanks, part->at[part->size - 1]))
        part->size--;
    return part->size > 0;
}

// What `wrong` finds in none of the parts is kept, all of them or none.
static const char *read_list(const char *text, struct setting_list *list,
                             const char *(*wrong)(struct http_text part))
{
    const char *found = NULL, *at = text;
    struct http_text part;
    size_t parts = 0;
    for (; !found && next_part(&at, &part); parts++)
        found = wrong(part);
    if (found || parts == 0)
        return found ? found : "is empty";
    for (at = text; !found && next_part(&at, &part);)
        found = add_item(list, part.at, part.size);
    return found;
}

static const char *wrong_host(struct http_text part)
{
    struct host host;
    if (text_is(part, "*") || host_parse(part, &host))
        return NULL;
    return "is not NAME[:PORT] (an IPv6 address in brackets), or *";
}

static const char *wrong_origin(struct http_text part)
{
    static const char *const schemes[] = {"http://", "https://"};
    struct host host;
    for (int i = 0; i < 2; i++) {
        size_t n = strlen(schemes[i]);
        if (part.size > n && strncmp(part.at, schemes[i], n) == 0 &&
            host_parse((struct http_text){part.at + n, part.size - n}, &host))
            return NULL;
    }
    return text_is(part, "*") ? NULL : "is not http[s]://HOST[:PORT] without a path, or *";
}

static const char *read_hosts(const char *text, void *place)
{
    return read_list(text, place, wrong_host);
}

static const char *read_origins(const char *text, void *place)
{
    return read_list(text, place, wrong_origin);
}

#define LIST_KIND(reader) \
    { \
        .read = (reader), .release = release_list, .same = same_list, .many = true, \
        .size = sizeof(struct setting_list) \
    }
const struct setting_kind kind_hosts = LIST_KIND(read_hosts);
const struct setting_kind kind_origins = LIST_KIND(read_origins);

// ---- networks ------------------------------------------------------------------------------

static void release_networks(void *place)
{
    struct networks *all = place;
    free(all->items);
    *all = (struct networks){0};
}

static bool same_networks(const void *a, const void *b)
{
    const struct networks *one = a, *other = b;
    return one->count == other->count &&
           (one->count == 0 ||
            memcmp(one->items, other->items, one->count * sizeof *one->items) == 0);
}

static const char *add_network(struct networks *all, const char *text, size_t size)
{
    struct network *items = realloc(all->items, (all->count + 1) * sizeof *items);
    if (!items)
        return no_memory;
    all->items = items;
    return network_read(text, size, &items[all->count++]);
}

static const char *read_networks(const char *text, void *place)
{
    static const char between[] = ", \t";
    struct networks all = {0};
    const char *wrong = NULL;
    bool none = strcmp(text, "none") == 0;
    for (const char *at = text; !none && !wrong && (at += strspn(at, between), *at);) {
        size_t size = strcspn(at, between);
        wrong = add_network(&all, at, size);
        at += size;
    }
    if (!wrong && !none && all.count == 0)
        wrong = "is empty (none are 'none')";
    if (wrong) {
        release_networks(&all);
        return wrong;
    }
    release_networks(place);
    *(struct networks *)place = all;
    return NULL;
}

const struct setting_kind kind_networks = {.read = read_networks,
                                           .release = release_networks,
                                           .same = same_networks,
                                           .size = sizeof(struct networks)};

// ---- operators -----------------------------------------------------------------------------

static void release_operators(void *place)
{
    struct setting_operators *all = place;
    for (size_t i = 0; i < all->count; i++) {
        free((char *)all->items[i].name);
        free((char *)all->items[i].hash);
    }
    free(all->items);
    *all = (struct setting_operators){0};
}

static bool same_operators(const void *a, const void *b)
{
    const struct setting_operators *one = a, *other = b;
    if (one->count != other->count)
        return false;
    for (size_t i = 0; i < one->count; i++)
        if (strcmp(one->items[i].name, other->items[i].name) != 0 ||
            strcmp(one->items[i].hash, other->items[i].hash) != 0)
            return false;
    return true;
}

static bool is_hash(const char *text)
{
    return strncmp(text, crypto_pwhash_STRPREFIX, strlen(crypto_pwhash_STRPREFIX)) == 0 &&
           strlen(text) < crypto_pwhash_STRBYTES &&
           crypto_pwhash_str_needs_rehash(text, crypto_pwhash_OPSLIMIT_INTERACTIVE,
                                          crypto_pwhash_MEMLIMIT_INTERACTIVE) >= 0;
}

// Whoever says OPER has the server pay this. libsodium's own most are 1 GiB, gone through 4 times.
static bool is_dear(const char *hash)
{
    const char *memory = strstr(hash, "$m="), *times = strstr(hash, ",t=");
    if (!memory || !times)
        return true;
    uint64_t kilobytes = strtoull(memory + 3, NULL, 10), passes = strtoull(times + 3, NULL, 10);
    const uint64_t most = crypto_pwhash_MEMLIMIT_SENSITIVE / 1024;
    return kilobytes > most || passes > most * crypto_pwhash_OPSLIMIT_SENSITIVE ||
           kilobytes * passes > most * crypto_pwhash_OPSLIMIT_SENSITIVE;
}

static const char *add_operator(struct setting_operators *all, const char *name, size_t size,
                                const char *hash)
{
    struct irc_operator *items = realloc(all->items, (all->count + 1) * sizeof *items);
    if (!items)
        return no_memory;
    all->items = items;
    struct irc_operator one = {strndup(name, size), strdup(hash)};
    if (!one.name || !one.hash) {
        free((char *)one.name);
        free((char *)one.hash);
        return no_memory;
    }
    items[all->count++] = one;
    return NULL;
}

static const char *read_operators(const char *text, void *place)
{
    enum { NAME_MOST = 32 };
    struct setting_operators *all = place;
    size_t size = strcspn(text, ":");
    const char *hash = text[size] == ':' ? text + size + 1 : "";
    if (size == 0 || size > NAME_MOST || strcspn(text, " \t") < size)
        return "does not begin with a name (at most 32 characters, no space)";
    if (!is_hash(hash))
        return "has no hash as 'weft chat passwd' prints it";
    if (is_dear(hash))
        return "has a hash that costs more than 1 GiB of memory, or too much time";
    for (size_t i = 0; i < all->count; i++)
        if (strlen(all->items[i].name) == size && memcmp(all->items[i].name, text, size) == 0)
            return "is an operator that was named before";
    return add_operator(all, text, size, hash);
}

const struct setting_kind kind_operators = {.read = read_operators,
                                            .release = release_operators,
                                            .same = same_operators,
                                            .size = sizeof(struct setting_operators),
                                            .many = true};

// ---- numbers -------------------------------------------------------------------------------

static const char *read_int(const char *text, void *place, int least, int most, const char *wrong)
{
    return option_whole(text, least, most, place) ? NULL : wrong;
}

static const char *read_count(const char *text, void *place)
{
    return read_int(text, place, 1, 100000, "is not a count (1 to 100000)");
}

static const char *read_days(const char *text, void *place)
{
    return read_int(text, place, 0, 3650, "is not a number of days (0 to 3650)");
}

static const char *read_many(const char *text, void *place)
{
    return read_int(text, place, 0, 1000000000, "is not a number (0 to 1000000000)");
}

static const char *read_megabytes(const char *text, void *place)
{
    return read_int(text, place, 1, 1024, "is not a number of megabytes (1 to 1024)");
}

static const char *read_kilobytes(const char *text, void *place)
{
    return read_int(text, place, 1, 1024, "is not a number of kilobytes (1 to 1024)");
}

static const char *read_bits_v4(const char *text, void *place)
{
    return read_int(text, place, 1, 32, "is not a number of bits (1 to 32)");
}

static const char *read_bits_v6(const char *text, void *place)
{
    return read_int(text, place, 1, 128, "is not a number of bits (1 to 128)");
}

// One of some words: its number.
static const char *read_choice(const char *text, void *place, const char *const *words,
                               const char *wrong)
{
    for (int i = 0; words[i]; i++)
        if (strcmp(text, words[i]) == 0) {
            *(int *)place = i;
            return NULL;
        }
    return wrong;
}

static const char *read_log(const char *text, void *place)
{
    static const char *const words[] = {[LOG_TEXT] = "text", [LOG_JSON] = "json", NULL};
    return read_choice(text, place, words, "is neither text nor json");
}

static const char *read_metrics(const char *text, void *place)
{
    static const char *const words[] = {
        [METRICS_OFF] = "off", [METRICS_LOCAL] = "local", [METRICS_ALL] = "all", NULL};
    return read_choice(text, place, words, "is neither off nor local nor all");
}

static const char *read_sync(const char *text, void *place)
{
    static const char *const words[] = {[SYNC_NORMAL] = "normal", [SYNC_FULL] = "full", NULL};
    return read_choice(text, place, words, "is neither normal nor full");
}

static bool same_int(const void *a, const void *b)
{
    return *(const int *)a == *(const int *)b;
}

static const char *read_milliseconds(const char *text, void *place)
{
    double seconds;
    if (option_seconds(text, &seconds) || seconds < 0.001)
        return "is not a time in seconds (0.001 to 1000000)";
    *(int64_t *)place = (int64_t)(seconds * 1000);
    return NULL;
}

static bool same_milliseconds(const void *a, const void *b)
{
    return *(const int64_t *)a == *(const int64_t *)b;
}

#define INT_KIND(reader) \
    { \
        .read = (reader), .same = same_int, .size = sizeof(int) \
    }
const struct setting_kind kind_port = INT_KIND(option_port);
const struct setting_kind kind_count = INT_KIND(read_count);
const struct setting_kind kind_days = INT_KIND(read_days);
const struct setting_kind kind_many = INT_KIND(read_many);
const struct setting_kind kind_megabytes = INT_KIND(read_megabytes);
const struct setting_kind kind_kilobytes = INT_KIND(read_kilobytes);
const struct setting_kind kind_bits_v4 = INT_KIND(read_bits_v4);
const struct setting_kind kind_bits_v6 = INT_KIND(read_bits_v6);
const struct setting_kind kind_log = INT_KIND(read_log);
const struct setting_kind kind_metrics = INT_KIND(read_metrics);
const struct setting_kind kind_sync = INT_KIND(read_sync);
const struct setting_kind kind_milliseconds = {
    .read = read_milliseconds, .same = same_milliseconds, .size = sizeof(int64_t)};

// ---- flags ---------------------------------------------------------------------------------

static const char *read_flag(const char *text, void *place)
{
    bool yes = !text || strcmp(text, "yes") == 0;
    if (!yes && strcmp(text, "no") != 0)
        return "is neither yes nor no";
    *(bool *)place = yes;
    return NULL;
}

static bool same_flag(const void *a, const void *b)
{
    return *(const bool *)a == *(const bool *)b;
}

const struct setting_kind kind_flag = {
    .read = read_flag, .same = same_flag, .size = sizeof(bool), .flag = true};
