// SPDX-License-Identifier: MIT
// api.c - see api.h.
//
//     api_search      on the visitor's stack, which is shallow: an actor does the rest
//       let_in        the budget and the password, before anything is looked at
//       read_question the parameters
//       choose_rooms  which of them may be looked into
//       ask           the store; meanwhile all others go on
//       write_found   what of it may still be seen
#include "chat/api.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat/address.h"
#include "chat/door.h"
#include "chat/hub/event.h"
#include "chat/irc/deliver.h"
#include "chat/irc/history.h"
#include "chat/web/query.h"
#include "chat/web/web.h"
#include "common/json.h"

enum {
    COST = 4,         // of a question, as SEARCH has it
    COST_REFUSED = 8, // of a wrong password, as OPER has it
    ROOMS_MAX = 1000, // that are looked into at once
    TEXT_MAX = LINE_BODY_MAX,
    WORD_MAX = 64,    // a time, a number, a name
    LOOK_AT = 250000, // messages for an author: some tenths of a second
    PASSWORD_MAX = 512,
};

// All that a question needs.
struct question {
    struct server *server;
    const struct visitor *visitor;
    const struct http_request *request;
    struct web_found *found;
    int status;
    char text[TEXT_MAX + 1], mentions[NICK_MAX + 1], room[ROOM_NAME_MAX + 1];
    char from[WORD_MAX + 1], after[WORD_MAX + 1], before[WORD_MAX + 1], limit[WORD_MAX + 1];
    char next[WORD_MAX + 1];
    struct user stranger; // as whom he would come in
    char source[sizeof "stranger!~stranger@" + HOST_MAX + 1];
    struct store_search ask;
    struct store_conversation *rooms; // of which it is asked
    char (*names)[ROOM_NAME_MAX + 1];
    struct store_rows *rows;
};

// False, for who returns it.
static bool refuse(struct question *q, int status, const char *why)
{
    q->status = status;
    q->found->why = why;
    return false;
}

// ---- who asks ------------------------------------------------------------------------------

static void introduce(struct question *q)
{
    char host[CHAT_ADDRESS_MAX];
    address_host(weft_peer(q->visitor->conn), host, sizeof host);
    user_set_host(&q->stranger, host);
    (void)snprintf(q->source, sizeof q->source, "stranger!~stranger@%s", q->stranger.host);
    q->stranger.source = q->source;
}

// "Basic " and name:password in base64. A browser that was asked for a password sends it so.
static bool password_fits(const struct question *q)
{
    static const char scheme[] = "Basic ";
    const size_t size = sizeof scheme - 1;
    struct http_text given = http_field(q->request, "Authorization");
    char pair[PASSWORD_MAX];
    size_t pair_size = 0;
    bool basic = given.size > size && text_is((struct http_text){given.at, size}, scheme);
    if (!basic ||
        sodium_base642bin((unsigned char *)pair, sizeof pair, given.at + size, given.size - size,
                          NULL, &pair_size, NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
        return irc_lets_in(q->server->irc, "", 0);
    const char *colon = memchr(pair, ':', pair_size);
    const char *password = colon ? colon + 1 : pair + pair_size;
    bool fits = irc_lets_in(q->server->irc, password, pair_size - (size_t)(password - pair));
    sodium_memzero(pair, sizeof pair);
    return fits;
}

static struct gate_account *account_of(const struct question *q)
{
    return gate_account(&q->server->gate, q->visitor->neighbours);
}

// What it used is remembered for so long, also when all its connections have gone.
static void remember(struct gate_account *account, int64_t ms)
{
    int64_t until = weft_now().ns / 1000000 + ms;
    if (until > account->keep_until)
        account->keep_until = until;
}

static bool let_in(struct question *q)
{
    struct server *s = q->server;
    struct gate_account *account = account_of(q);
    int64_t late_ms = 0;
    bool fits = password_fits(q);
    if (!(s->unhurried && networks_have(s->unhurried, q->stranger.host))) {
        late_ms = irc_charge(s->irc, &account->budget, fits ? COST : COST_REFUSED);
        remember(account, account->budget / 1000 - s->hub.now(&s->hub));
    }
    if (late_ms > 0) {
        q->found->retry_s = (int)((late_ms + 999) / 1000);
        return refuse(q, 429, "your network asks too much; try again later");
    }
    return fits || refuse(q, 401, "this server has a password");
}

// ---- what is asked -------------------------------------------------------------------------

// The store's bounds are exclusive: a time is moved by `wider`.
static bool read_time(const char *text, int wider, int64_t *ms)
{
    if (!*text)
        return true;
    if (!query_time(text, ms))
        return false;
    *ms = *ms < 2 ? 1 : *ms + wider; // 0 is none; and nothing was said then
    return true;
}

static bool read_times(struct question *q)
{
    if (!read_time(q->after, -1, &q->ask.since_ms))
        return refuse(q, 400, "after is a time as 2026-01-31T23:59:59Z (a + is written %2B)");
    if (!read_time(q->before, 1, &q->ask.until_ms))
        return refuse(q, 400, "before is a time as 2026-01-31T23:59:59Z (a + is written %2B)");
    return true;
}

static bool read_limit(struct question *q)
{
    int most = q->server->irc->set.history_max;
    q->ask.limit = (size_t)most;
    return !*q->limit || history_read_limit(q->limit, most, &q->ask.limit) ||
           refuse(q, 400, "limit is a number above 0");
}

static bool read_words(struct question *q)
{
    bool nick = *q->mentions;
    if (nick && (*q->text || *q->from))
        return refuse(q, 400, "mentions goes with neither text nor from");
    if (nick && !nick_is_valid(q->mentions))
        return refuse(q, 400, "mentions is a nick");
    q->ask.words = nick ? q->mentions : q->text;
    q->ask.author = *q->from ? q->from : NULL;
    q->ask.before = *q->next ? q->next : NULL;
    q->ask.look_at = LOOK_AT;
    return *q->ask.words || *q->from || *q->room || q->ask.since_ms || q->ask.until_ms ||
           refuse(q, 400, "room, text, from, mentions, after or before must be there");
}

static bool read_question(struct question *q)
{
    const struct query_parameter table[] = {
        {"room", q->room, sizeof q->room},    {"text", q->text, sizeof q->text},
        {"from", q->from, sizeof q->from},    {"mentions", q->mentions, sizeof q->mentions},
        {"after", q->after, sizeof q->after}, {"before", q->before, sizeof q->before},
        {"limit", q->limit, sizeof q->limit}, {"next", q->next, sizeof q->next},
    };
    const char *why = query_read(q->request->query, table, sizeof table / sizeof *table);
    if (why)
        return refuse(q, 400, why);
    return read_times(q) && read_limit(q) && read_words(q);
}

// ---- where ---------------------------------------------------------------------------------

static bool make_room_for(struct question *q, size_t rooms)
{
    q->rooms = calloc(rooms + 1, sizeof *q->rooms); // there may be none
    q->names = calloc(rooms + 1, sizeof *q->names);
    q->ask.in = q->rooms;
    return (q->rooms && q->names) || refuse(q, 500, "out of memory");
}

static void add_room(struct question *q, const struct room *room)
{
    size_t n = q->ask.in_count++;
    (void)snprintf(q->names[n], sizeof q->names[n], "%s", room->folded);
    q->rooms[n].first = q->names[n];
}

static bool choose_one(struct question *q)
{
    const struct room *room = room_find(&q->server->hub, q->room);
    if (!room || (room->modes & ROOM_SECRET))
        return refuse(q, 404, "no such room is here");
    if (!room_is_open(room, &q->stranger))
        return refuse(q, 403, "not everybody may join this room");
    if (!make_room_for(q, 1))
        return false;
    add_room(q, room);
    return true;
}

static bool choose_rooms(struct question *q)
{
    const struct room *room, *first = q->server->hub.rooms;
    size_t open = 0;
    if (*q->room)
        return choose_one(q);
    for (room = first; room; room = room->hh.next)
        open += room_is_open(room, &q->stranger);
    if (open > ROOMS_MAX)
        return refuse(q, 400, "there are too many rooms here: name one");
    if (!make_room_for(q, open))
        return false;
    for (room = first; room; room = room->hh.next)
        if (room_is_open(room, &q->stranger))
            add_room(q, room);
    return true;
}

// ---- the answer ----------------------------------------------------------------------------

// The time that it takes is held against the network.
static int find(struct question *q, struct seats_turn *turn)
{
    struct server *s = q->server;
    q->ask.deadline = weft_after_ms(SEARCH_FIND_MS);
    int rc = *q->mentions ? store_mentions(s->history, &q->ask, &q->rows)
                          : store_find(s->history, &q->ask, &q->rows);
    seats_leave(&s->searches, turn);
    return rc;
}

static bool ask(struct question *q)
{
    struct server *s = q->server;
    struct seats_turn turn;
    history_catch_up(s->irc);
    if (*q->ask.words)
        // Late: what is indexed is found.
        (void)store_wait_indexed(s->history, weft_after_ms(SEARCH_INDEX_MS));
    if (seats_take(&s->searches, &account_of(q)->party, &turn, weft_after_ms(SEARCH_WAIT_MS)) < 0) {
        q->found->retry_s = SEARCH_FIND_MS / 1000;
        return refuse(q, 503, "others search as well; try again later");
    }
    int rc = find(q, &turn);
    if (rc == -EINVAL)
        return refuse(q, 400, "text has no word to look for");
    if (rc == -ENOENT)
        return refuse(q, 400, "next is the id of no message in these rooms");
    if (rc == -ETIMEDOUT)
        return refuse(q, 503, "it takes too long: name a time with after");
    return rc == 0 || refuse(q, 500, "the history could not be searched");
}

static void write_member(FILE *out, const char *name, const char *text, size_t size)
{
    (void)fprintf(out, "\"%s\":", name);
    json_string(out, text, size);
}

// In a text of several lines what is only so because lines are short is one line again.
static void write_text(FILE *out, const char *text, size_t size)
{
    char *whole = malloc(size + 1), *end = whole;
    for (size_t i = 0; whole && i < size; i++)
        if (text[i] != LINE_JOINT)
            *end++ = text[i];
    write_member(out, "text", whole ? whole : text, whole ? (size_t)(end - whole) : size);
    free(whole);
}

static void write_message(FILE *out, const struct room *room, const struct store_message *m)
{
    static const char begin[] = "\001ACTION ";
    char time[TIME_TEXT];
    const char *text = m->text, *kind = m->kind == EVENT_NOTICE ? "notice" : "message";
    size_t size = strlen(text);
    if (m->kind == EVENT_MESSAGE && strncmp(text, begin, sizeof begin - 1) == 0) {
        kind = "action";
        text += sizeof begin - 1;
        size = strcspn(text, "\001");
    }
    time_text(m->time_ms, time);
    (void)fputs("{", out);
    write_member(out, "room", room->name, strlen(room->name));
    (void)fputs(",", out);
    write_member(out, "id", m->msgid, strlen(m->msgid)); // who moved a history here chose it
    (void)fprintf(out, ",\"time\":\"%s\",", time);
    write_member(out, "from", m->source, strcspn(m->source, "!"));
    (void)fprintf(out, ",\"kind\":\"%s\",", kind);
    write_text(out, text, size);
    (void)fputs("}", out);
}

// Meanwhile a room may have become secret, or another one of its name may be there.
static bool write_found(struct question *q)
{
    size_t size;
    const char *comma = "";
    FILE *out = open_memstream(&q->found->json, &size);
    if (!out)
        return refuse(q, 500, "out of memory");
    (void)fputs("{\"messages\":[", out); // fclose tells what failed, here and above
    for (size_t i = 0; q->rows && i < q->rows->count; i++) {
        const struct store_message *m = &q->rows->messages[i];
        const struct room *room = room_find(&q->server->hub, m->where.first);
        if (!room || m->where.second || !room_is_open(room, &q->stranger))
            continue;
        (void)fputs(comma, out);
        comma = ",";
        write_message(out, room, m);
    }
    (void)fputs("]", out);
    if (q->rows && *q->rows->next) {
        (void)fputs(",", out);
        write_member(out, "next", q->rows->next, strlen(q->rows->next));
    }
    (void)fputs("}\n", out);
    if (fclose(out) == 0)
        return true;
    free(q->found->json);
    q->found->json = NULL;
    return refuse(q, 500, "out of memory");
}

static void answer(void *question)
{
    struct question *q = question;
    introduce(q);
    if (!let_in(q))
        return;
    if (!q->server->history) {
        (void)refuse(q, 503, "no history is kept here");
        return;
    }
    if (!read_question(q) || !choose_rooms(q) || (q->ask.in_count > 0 && !ask(q)))
        return;
    q->status = write_found(q) ? 200 : q->status;
}

int api_search(const struct http_request *r, void *visitor, struct web_found *found)
{
    struct visitor *v = visitor;
    struct question *q = calloc(1, sizeof *q);
    if (!q) {
        found->why = "out of memory";
        return 500;
    }
    q->server = v->server;
    q->visitor = v;
    q->request = r;
    q->found = found;
    stage_run(&v->server->stage, answer, q);
    int status = q->status;
    store_rows_free(&q->rows);
    free(q->rooms);
    free(q->names);
    free(q);
    return status;
}
