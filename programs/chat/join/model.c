// SPDX-License-Identifier: MIT
// model.c - see model.h.
#include "chat/join/model.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "chat/text.h"
#include "common/utf8.h"

enum { TEXT_MOST = 8192 };
static const char deleted[] = "(deleted)";

// ---- text ----------------------------------------------------------------------------------

// The bytes there that name a colour: one or two digits, or six of hexadecimal.
static size_t one_colour(const char *at, bool hexadecimal)
{
    if (hexadecimal)
        return strspn(at, "0123456789abcdefABCDEF") >= 6 ? 6 : 0;
    size_t n = strspn(at, "0123456789");
    return n < 2 ? n : 2;
}

// Those behind a code for colour: the text's, "4", and perhaps the ground's too, "4,12".
static size_t colours(const char *at, bool hexadecimal)
{
    size_t n = one_colour(at, hexadecimal);
    size_t ground = n > 0 && at[n] == ',' ? one_colour(at + n + 1, hexadecimal) : 0;
    return ground > 0 ? n + 1 + ground : n;
}

// The codes that IRC clients colour with are taken out: shown as ^C4 they only disturb.
static size_t without_colours(const char *from, size_t size, char *out)
{
    static const char codes[] = "\x02\x03\x04\x0f\x11\x16\x1d\x1e\x1f";
    size_t n = 0;
    for (size_t i = 0; i < size; i++) {
        if (!memchr(codes, from[i], sizeof codes - 1))
            out[n++] = from[i];
        else if (from[i] == '\x03' || from[i] == '\x04')
            i += colours(from + i + 1, from[i] == '\x04');
    }
    return n;
}

// A copy that is fit to be shown, behind `head`; NULL: no memory.
static char *fit_to_show(const char *head, const char *text, size_t *size)
{
    char plain[TEXT_MOST];
    struct text stream = {.terminal = true};
    size_t n = without_colours(text, utf8_cut(text, strlen(text), sizeof plain), plain);
    size_t before = strlen(head);
    char *shown = malloc(before + TEXT_GROWTH * n + TEXT_KEPT + 1);
    if (!shown)
        return NULL;
    memcpy(shown, head, before);
    *size = before + text_add(&stream, plain, n, shown + before);
    *size += text_end(&stream, shown + *size);
    shown[*size] = '\0';
    char *whole = realloc(shown, *size + 1);
    return whole ? whole : shown;
}

static char *keep(struct model *m, const char *text)
{
    char *copy = strdup(text);
    m->short_of_memory |= !copy;
    return copy;
}

// ---- rooms ---------------------------------------------------------------------------------

static void line_free(struct said *line)
{
    if (!line)
        return;
    free(line->text);
    free(line->id);
    free(line);
}

static void room_free(struct room *r)
{
    if (!r)
        return;
    model_empty(r);
    for (size_t i = 0; i < MODEL_LINES; i++)
        line_free(r->lines[i]);
    free(r->members);
    free(r->doubled);
    free(r->topic);
    free(r->name);
    free(r);
}

int model_init(struct model *m, const char *server)
{
    *m = (struct model){.count = 0};
    return model_room(m, server, false) ? 0 : -ENOMEM;
}

void model_release(struct model *m)
{
    for (int i = 0; i < m->count; i++)
        room_free(m->rooms[i]);
    m->count = 0;
}

// Not the server's room: somebody may be called as the server is.
struct room *model_find(const struct model *m, const char *name)
{
    for (int i = 1; i < m->count; i++)
        if (names_equal(m->casemap, m->rooms[i]->name, name))
            return m->rooms[i];
    return NULL;
}

struct room *model_room(struct model *m, const char *name, bool channel)
{
    struct room *r = model_find(m, name);
    if (r || m->count == MODEL_ROOMS)
        return r;
    r = calloc(1, sizeof *r);
    char *copy = r ? strdup(name) : NULL;
    if (!copy) {
        m->short_of_memory = true;
        free(r);
        return NULL;
    }
    r->name = copy;
    r->channel = channel;
    m->rooms[m->count++] = r;
    return r;
}

struct room *model_active(const struct model *m)
{
    return m->rooms[m->active];
}

int model_index(const struct model *m, const struct room *r)
{
    int i = 0;
    while (i < m->count && m->rooms[i] != r)
        i++;
    return i;
}

void model_close(struct model *m, struct room *r)
{
    int index = model_index(m, r);
    if (index == 0 || index == m->count)
        return;
    room_free(r);
    m->count--;
    memmove(&m->rooms[index], &m->rooms[index + 1],
            (size_t)(m->count - index) * sizeof m->rooms[0]);
    model_show(m, m->active >= index ? m->active - 1 : m->active);
}

void model_show(struct model *m, int index)
{
    if (index < 0 || index >= m->count)
        return;
    m->active = index;
    m->rooms[index]->unread = 0;
    m->rooms[index]->mentions = 0;
}

void model_turn(struct model *m, int by)
{
    model_show(m, ((m->active + by) % m->count + m->count) % m->count);
}

// ---- lines ---------------------------------------------------------------------------------

static uint64_t oldest_number(const struct room *r)
{
    return r->added - r->count + 1;
}

static size_t place_of(const struct room *r, uint64_t number)
{
    return (r->first + (size_t)(number - oldest_number(r))) % MODEL_LINES;
}

static struct said *line_at(const struct room *r, uint64_t number)
{
    bool there = number >= oldest_number(r) && number <= r->added;
    return there ? r->lines[place_of(r, number)] : NULL;
}

const struct said *model_line(const struct room *r, uint64_t number)
{
    return line_at(r, number);
}

const struct said *model_said(const struct room *r, const char *id)
{
    const struct said *line;
    for (uint64_t n = r->added; (line = model_line(r, n)) != NULL; n--)
        if (line->id && (!id || strcmp(line->id, id) == 0))
            return line;
    return NULL;
}

static void blank(struct said *line)
{
    char *words = realloc(line->text, line->head + sizeof deleted + 1);
    if (words)
        line->text = words; // else there is room for less, and nothing stays
    line->text[line->head] = '\0';
    if (words)
        (void)snprintf(words + line->head, sizeof deleted + 1, " %s", deleted);
    line->size = strlen(line->text);
    line->mention = false;
}

bool model_blank(struct room *r, const char *id)
{
    const struct said *line;
    bool any = false;
    for (uint64_t n = r->added; (line = model_line(r, n)) != NULL; n--) {
        if (!line->id || strcmp(line->id, id) != 0)
            continue;
        blank(line_at(r, n));
        any = true;
        if (r->bottom == n)
            r->hidden = 0; // it has fewer rows now
    }
    return any;
}

static void put_line(struct room *r, struct said *line)
{
    size_t at = (r->first + r->count) % MODEL_LINES;
    if (r->count == MODEL_LINES) {
        line_free(r->lines[at]);
        r->first = (r->first + 1) % MODEL_LINES;
    } else
        r->count++;
    r->lines[at] = line;
    r->added++;
    if (r->bottom > 0 && !model_line(r, r->bottom)) { // what was looked at is gone
        r->bottom = oldest_number(r);
        r->hidden = 0;
    }
}

// Frees a place before the oldest line: there is one more, or the oldest is gone. Returns the
// number of a line that is put before `number`.
static uint64_t make_way(struct room *r, uint64_t number)
{
    uint64_t oldest = oldest_number(r);
    if (r->count < MODEL_LINES) {
        r->first = (r->first + MODEL_LINES - 1) % MODEL_LINES;
        r->count++;
        r->added++;
        r->bottom += r->bottom >= number;
        return number;
    }
    line_free(r->lines[r->first]);
    if (r->bottom == oldest) // what was looked at is gone
        r->hidden = 0;
    r->bottom -= r->bottom > oldest && r->bottom < number;
    return number - 1;
}

// A line before number r->older, behind the one that was put there last. The lines above move up
// into the place that was freed, and those below keep theirs.
static void put_older(struct room *r, struct said *line)
{
    if (r->count == MODEL_LINES && r->older == oldest_number(r)) {
        line_free(line); // it would be the one to make way
        return;
    }
    uint64_t number = make_way(r, r->older);
    for (uint64_t n = oldest_number(r); n < number; n++)
        r->lines[place_of(r, n)] = r->lines[place_of(r, n + 1)];
    r->lines[place_of(r, number)] = line;
    r->older = number + 1;
}

static bool same_day(int64_t a, int64_t b)
{
    struct tm first, second;
    time_t when = (time_t)a, other = (time_t)b;
    return localtime_r(&when, &first) && localtime_r(&other, &second) &&
           first.tm_yday == second.tm_yday && first.tm_year == second.tm_year;
}

static struct said *new_line(const struct speech *speech)
{
    static const char *const heads[] = {
        [SAID_TEXT] = "<%s> ", [SAID_ACTION] = "* %s ", [SAID_NOTICE] = "-%s- ",
        [SAID_EVENT] = "-- ",  [SAID_ERROR] = "!! ",
    };
    char head[256];
    size_t size;
    struct said *line = calloc(1, sizeof *line);
    char *who = fit_to_show("", speech->who ? speech->who : "", &size);
    if (line && who) {
        who[utf8_cut(who, size, 200)] = '\0';
        (void)snprintf(head, sizeof head, heads[speech->kind], who); // it fits
        line->text = fit_to_show(head, speech->text, &line->size);
    }
    free(who);
    if (!line || !line->text) {
        free(line);
        return NULL;
    }
    line->kind = speech->kind;
    line->time_s = speech->time_s;
    line->millis = speech->millis;
    line->mine = speech->mine;
    line->head = strlen(head) - 1;
    bool has_id = speech->id && *speech->id;
    line->id = has_id ? strdup(speech->id) : NULL; // without memory for it: it has none
    return line;
}

static void put_date(struct model *m, struct room *r, int64_t time_s,
                     void (*put)(struct room *, struct said *))
{
    char date[32];
    struct tm tm;
    time_t when = (time_t)time_s;
    if (!localtime_r(&when, &tm) || strftime(date, sizeof date, "%Y-%m-%d", &tm) == 0)
        return;
    struct said *line = new_line(
        &(struct speech){.kind = SAID_EVENT, .time_s = time_s, .text = date});
    if (line) {
        line->date = true;
        put(r, line);
    }
    m->short_of_memory |= !line;
}

static bool is_by_others(const struct said *line)
{
    return line->kind <= SAID_NOTICE && !line->mine;
}

static bool calls_us(const struct model *m, const struct room *r, const struct said *line,
                     const char *text)
{
    bool private_talk = !r->channel && r != m->rooms[0];
    return is_by_others(line) && (private_talk || text_calls(m->casemap, text, m->nick));
}

static void mark(struct model *m, struct room *r, struct said *line, const struct speech *speech)
{
    struct member *by = speech->who ? model_member(m, r, speech->who) : NULL;
    if (by)
        by->spoke = ++m->spoken;
    line->mention = calls_us(m, r, line, speech->text);
    if (r == model_active(m) || !is_by_others(line) || speech->old)
        return;
    r->unread++;
    r->mentions += line->mention;
}

void model_add(struct model *m, struct room *r, const struct speech *speech)
{
    const struct said *before = model_line(r, r->added);
    if (before && !same_day(before->time_s, speech->time_s))
        put_date(m, r, speech->time_s, put_line);
    struct said *line = new_line(speech);
    if (!line) {
        m->short_of_memory = true;
        return;
    }
    put_line(r, line);
    mark(m, r, line, speech);
}

static uint64_t first_number(const struct room *r)
{
    const struct said *line;
    uint64_t n = oldest_number(r);
    while ((line = model_line(r, n)) != NULL && line->kind > SAID_NOTICE)
        n++;
    return line ? n : oldest_number(r);
}

const struct said *model_first(const struct room *r)
{
    return model_line(r, first_number(r));
}

void model_begin_older(struct room *r)
{
    uint64_t first = first_number(r);
    const struct said *above = model_line(r, first - 1);
    r->older = above && above->date ? first - 1 : first; // the date is of the first
}

// The date of the line below stays with it.
static void part_days(struct model *m, struct room *r, int64_t time_s)
{
    const struct said *below = model_line(r, r->older);
    if (!below || below->date || same_day(below->time_s, time_s))
        return;
    put_date(m, r, below->time_s, put_older);
    const struct said *date = model_line(r, r->older - 1);
    if (date && date->date) // else there was no room for it, or no memory
        r->older--;
}

void model_add_older(struct model *m, struct room *r, const struct speech *speech)
{
    struct said *line = new_line(speech);
    m->short_of_memory |= !line;
    if (!line)
        return;
    if (r->older < oldest_number(r)) // more was said meanwhile
        r->older = oldest_number(r);
    const struct said *below = model_line(r, r->older);
    if (below && below->date && same_day(below->time_s, speech->time_s))
        r->older++;
    const struct said *above = model_line(r, r->older - 1);
    if (above && !same_day(above->time_s, speech->time_s))
        put_date(m, r, speech->time_s, put_older);
    line->mention = calls_us(m, r, line, speech->text);
    put_older(r, line);
    part_days(m, r, speech->time_s);
}

void model_note(struct model *m, struct room *r, enum said_kind kind, int64_t now_s,
                const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args); // cut on purpose
    va_end(args);
    model_add(m, r, &(struct speech){.kind = kind, .time_s = now_s, .text = text});
}

// ---- topics and members --------------------------------------------------------------------

void model_set_topic(struct model *m, struct room *r, const char *topic)
{
    size_t size;
    free(r->topic);
    r->topic = *topic ? fit_to_show("", topic, &size) : NULL;
    m->short_of_memory |= *topic && !r->topic;
}

struct member *model_member(const struct model *m, const struct room *r, const char *nick)
{
    for (size_t i = 0; i < r->member_count; i++)
        if (names_equal(m->casemap, r->members[i].nick, nick))
            return &r->members[i];
    return NULL;
}

void model_enter(struct model *m, struct room *r, const char *nick, char rank)
{
    struct member *there = model_member(m, r, nick);
    if (there) {
        there->rank = rank;
        return;
    }
    if (r->member_count == r->member_room) {
        size_t more = r->member_room * 2 + 16;
        struct member *members = realloc(r->members, more * sizeof *members);
        m->short_of_memory |= !members;
        if (!members)
            return;
        r->members = members;
        r->member_room = more;
    }
    char *copy = keep(m, nick);
    if (copy)
        r->members[r->member_count++] = (struct member){.nick = copy, .rank = rank};
}

bool model_leave(struct model *m, struct room *r, const char *nick)
{
    struct member *who = model_member(m, r, nick);
    if (!who)
        return false;
    free(who->nick);
    *who = r->members[--r->member_count];
    return true;
}

void model_rename(struct model *m, struct room *r, const char *nick, const char *new_nick)
{
    struct member *who = model_member(m, r, nick);
    char *copy = who ? keep(m, new_nick) : NULL;
    if (!copy)
        return;
    free(who->nick);
    who->nick = copy;
}

void model_empty(struct room *r)
{
    for (size_t i = 0; i < r->member_count; i++)
        free(r->members[i].nick);
    r->member_count = 0;
}
