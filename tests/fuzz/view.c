// SPDX-License-Identifier: MIT
// view.c - each line that the server sends, and what its client knows by it.
//
// Of every line: its size, its characters, that its batch is open, that its label was waiting for
// an answer. And a client that does no more than to read must know who it is and in which rooms: so
// these are kept by the lines alone, and check.c compares them with what the hub has.
#include <string.h>

#include "chat/irc/labelled.h"
#include "common/utf8.h"
#include "world.h"

void (*world_heard)(int who, const struct line *line, const char *source);

enum { TAGS_MAX = 8191 }; // with '@' and the space, as message-tags has it

void view_forget(struct client *c)
{
    c->view = (struct view){0};
    c->label_count = 0;
}

// ---- labels ---------------------------------------------------------------------------------

void label_expect(struct client *c, unsigned number, bool exactly)
{
    int oldest = 0;
    while (c->label_count == LABELS && c->labels[oldest].exactly)
        must(++oldest < LABELS);
    if (c->label_count == LABELS) // one of a batch that never ended
        memmove(&c->labels[oldest], &c->labels[oldest + 1],
                (size_t)(--c->label_count - oldest) * sizeof c->labels[0]);
    c->labels[c->label_count++] = (struct label){number, exactly};
}

static void take_label(struct client *c, const char *label, size_t size)
{
    unsigned number;
    char text[LABEL_MAX + 1];
    (void)snprintf(text, sizeof text, "%.*s", (int)size, label);
    if (strncmp(text, LABEL_MARK, strlen(LABEL_MARK)) != 0)
        return; // the input's own
    must(sscanf(text + strlen(LABEL_MARK), "%u", &number) == 1);
    bool waited = false;
    for (int i = 0; i < c->label_count && !waited; i++)
        if (c->labels[i].number == number) {
            waited = true;
            c->labels[i] = c->labels[--c->label_count];
        }
    must(waited);
}

// ---- batches --------------------------------------------------------------------------------

static int find_batch(const struct view *v, const char *reference, size_t size)
{
    for (int i = 0; i < v->batch_count; i++)
        if (strlen(v->batches[i]) == size && memcmp(v->batches[i], reference, size) == 0)
            return i;
    return -1;
}

static void open_batch(struct view *v, const char *reference, const char *kind, bool past)
{
    size_t size = strlen(reference);
    must(size > 0 && size < sizeof v->batches[0] && v->batch_count < BATCHES_SEEN);
    must(find_batch(v, reference, size) < 0);
    int i = v->batch_count++;
    memcpy(v->batches[i], reference, size + 1);
    v->past[i] = past || strcmp(kind, "chathistory") == 0 || strcmp(kind, "soju.im/search") == 0;
}

static void close_batch(struct view *v, const char *reference)
{
    must(v->batch_count > 0);
    int i = find_batch(v, reference, strlen(reference));
    must(i == v->batch_count - 1); // batches lie within each other
    v->batch_count--;
}

// ---- who and where --------------------------------------------------------------------------

static int find_room(const struct view *v, const char *folded)
{
    for (int i = 0; i < v->room_count; i++)
        if (strcmp(v->rooms[i], folded) == 0)
            return i;
    return -1;
}

static void come(struct view *v, const char *name)
{
    char folded[ROOM_NAME_MAX + 1];
    must(strlen(name) <= ROOM_NAME_MAX && v->room_count < ROOMS_SEEN);
    name_fold(folded, name);
    must(find_room(v, folded) < 0);
    memcpy(v->rooms[v->room_count++], folded, sizeof folded);
}

static void go(struct view *v, const char *name)
{
    char folded[ROOM_NAME_MAX + 1];
    must(strlen(name) <= ROOM_NAME_MAX);
    name_fold(folded, name);
    int i = find_room(v, folded);
    must(i >= 0);
    memcpy(v->rooms[i], v->rooms[--v->room_count], sizeof v->rooms[i]);
}

static bool is_me(const struct view *v, const char *source)
{
    size_t size = strcspn(source, "!");
    return *v->nick && source[size] == '!' && strlen(v->nick) == size &&
           memcmp(source, v->nick, size) == 0;
}

static void take_words(struct client *c, const struct line *line, const char *source)
{
    struct view *v = &c->view;
    const char *command = line->command, *first = line->count > 0 ? line->params[0] : "";
    if (strcmp(command, "001") == 0)
        (void)snprintf(v->nick, sizeof v->nick, "%s", first);
    else if (strcmp(command, "NICK") == 0 && is_me(v, source))
        (void)snprintf(v->nick, sizeof v->nick, "%s", first);
    else if (strcmp(command, "JOIN") == 0 && is_me(v, source))
        come(v, first);
    else if (strcmp(command, "PART") == 0 && is_me(v, source))
        go(v, first);
    else if (strcmp(command, "KICK") == 0 && name_same(line->params[1], v->nick))
        go(v, first);
}

// ---- a line ---------------------------------------------------------------------------------

static void check_bytes(const char *line, size_t size)
{
    size_t tags = 0;
    must(size > 0 && utf8_is_valid(line, size));
    must(!memchr(line, '\0', size) && !memchr(line, '\r', size) && !memchr(line, '\n', size));
    if (*line == '@')
        tags = strcspn(line, " ") + 1;
    must(tags <= TAGS_MAX && tags < size);
    must(size - tags <= LINE_BODY_MAX);
    must(line[tags] != ' ' && line[tags] != '@');
}

// Takes the line apart as its client would: what servers send has more tags than line_parse allows.
static void take_apart(struct client *c, char *text, size_t size)
{
    struct view *v = &c->view;
    struct line line;
    size_t word = 0;
    const char *tags = *text == '@' ? text + 1 : "", *value;
    char *body = *text == '@' ? text + strcspn(text, " ") + 1 : text;
    if (body > text)
        body[-1] = '\0';
    char *source = strndup(*body == ':' ? body + 1 : "", strcspn(body, " "));
    must(source);
    source[strcspn(source, " ")] = '\0';
    must(line_parse(&line, body, size - (size_t)(body - text)) == 0);
    if ((value = tag_find(tags, "label", &word)))
        take_label(c, value, word);
    if (world_heard)
        world_heard((int)(c - clients), &line, source);
    bool past = false;
    if ((value = tag_find(tags, "batch", &word))) {
        int i = find_batch(v, value, word);
        must(i >= 0);
        past = v->past[i];
    }
    if (strcmp(line.command, "BATCH") == 0 && *line.params[0] == '+') {
        must(line.count > 1);
        open_batch(v, line.params[0] + 1, line.params[1], past);
    } else if (strcmp(line.command, "BATCH") == 0) {
        close_batch(v, line.params[0] + 1);
    } else if (!past && !v->unsure) {
        take_words(c, &line, source);
    }
    free(source);
}

void view_line(struct client *c, char *line, size_t size)
{
    if (getenv("WEFT_FUZZ_SHOW")) // to read a find: what everybody was told
        (void)fprintf(stderr, "%d< %.*s\n", (int)(c - clients), (int)size, line);
    check_bytes(line, size);
    take_apart(c, line, size);
}
