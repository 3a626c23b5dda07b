// SPDX-License-Identifier: MIT
// batch.c - BATCH from a client: the lines of one message come one by one, and it is said when the
// batch ends. What is wrong with it is told once, with its label; the rest is passed over silently.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "chat/irc/handlers.h"
#include "chat/irc/labelled.h"
#include "chat/irc/lists.h"
#include "chat/irc/multiline.h"

enum { REFERENCE_MAX = 63 };

struct batch {
    char reference[REFERENCE_MAX + 1];
    char *target, *tags;  // owned
    char *label;          // owned; NULL: it has none, or the answer with it was given
    enum event_kind kind; // of its lines, once there is one
    int lines;
    size_t bytes; // of its text, as the limit counts them
    size_t size;  // of `text`
    bool has_words, broken;
    char text[MULTILINE_BYTES + MULTILINE_LINES + 2];
};

void batch_clear(struct session *s)
{
    struct batch *b = s->batch;
    if (!b)
        return;
    s->batch = NULL;
    free(b->target);
    free(b->tags);
    free(b->label);
    free(b);
}

static void refuse(struct session *s, const char *code, const char *context, const char *text)
{
    struct batch *b = s->batch;
    char *label = b ? b->label : NULL;
    struct labelled answer = {.label = label}, *outer = s->answer;
    if (label)
        s->answer = &answer;
    fail(s, "BATCH", code, context, text);
    s->answer = outer;
    if (label)
        labelled_send(s, &answer);
    free(label);
    if (b) {
        b->label = NULL;
        b->broken = true;
    }
}

// ---- its lines -----------------------------------------------------------------------------

static const char *text_of(const struct line *line)
{
    return line->count > 1 ? line->params[1] : "";
}

static enum event_kind kind_of(const struct line *line)
{
    if (strcasecmp(line->command, "PRIVMSG") == 0)
        return EVENT_MESSAGE;
    return strcasecmp(line->command, "NOTICE") == 0 ? EVENT_NOTICE : EVENT_TAGS;
}

static void add(struct batch *b, const char *text, bool joined)
{
    if (b->lines > 0)
        b->text[b->size++] = joined ? LINE_JOINT : LINE_BREAK;
    size_t size = strlen(text);
    memcpy(b->text + b->size, text, size + 1);
    b->size += size;
    b->bytes += size + (b->lines > 0 && !joined);
    b->lines++;
    b->has_words = b->has_words || size > 0;
}

static void take(struct session *s, struct batch *b, const struct line *line)
{
    char context[2 * LINE_BODY_MAX];
    size_t size;
    bool joined = tag_find(line->tags, "draft/multiline-concat", &size) != NULL;
    const char *text = text_of(line);
    enum event_kind kind = kind_of(line);
    if (kind == EVENT_TAGS || (b->lines > 0 && kind != b->kind)) {
        refuse(s, "MULTILINE_INVALID", "", "A message is of one kind of lines");
    } else if (line->count == 0 || !name_same(line->params[0], b->target)) {
        // nothing goes to that target any more
        (void)snprintf(context, sizeof context, "%s %s", shown(b->target),
                       line->count > 0 ? shown(line->params[0]) : "*");
        refuse(s, "MULTILINE_INVALID_TARGET", context, "A message has one target");
    } else if (joined && (b->lines == 0 || !*text)) {
        refuse(s, "MULTILINE_INVALID", "", "There is nothing to go on with");
    } else if (b->lines == MULTILINE_LINES) {
        refuse(s, "MULTILINE_MAX_LINES", "32", "Too many lines");
    } else if (b->bytes + strlen(text) + (b->lines > 0 && !joined) > MULTILINE_BYTES) {
        refuse(s, "MULTILINE_MAX_BYTES", "4096", "Too long a message");
    } else {
        b->kind = kind;
        add(b, text, joined);
    }
}

// Whether the reference is that of the client's own batch.
static bool is_own(const struct batch *b, const char *reference, size_t size)
{
    return b && reference && strlen(b->reference) == size &&
           strncmp(b->reference, reference, size) == 0;
}

void batch_spoil(struct session *s, const struct line *line)
{
    size_t size;
    const char *reference = tag_find(line->tags, "batch", &size);
    if (is_own(s->batch, reference, size))
        s->batch->broken = true;
}

bool batch_takes(struct session *s, const struct line *line)
{
    size_t size;
    const char *reference = tag_find(line->tags, "batch", &size);
    struct batch *b = s->batch;
    if (!reference || !(s->caps & CAP_MULTILINE))
        return false;
    bool own = is_own(b, reference, size);
    if (own && !b->broken)
        take(s, b, line);
    else if (!own)
        refuse(s, "MULTILINE_INVALID", "", "There is no such batch");
    return true;
}

// ---- its beginning and end -----------------------------------------------------------------

static void speak(struct session *s, struct batch *b)
{
    if (!b->has_words)
        refuse(s, "MULTILINE_INVALID", "", "There is nothing in it");
    else
        say_message(s, b->kind, b->target, b->text, b->tags);
}

static void end(struct session *s)
{
    struct batch *b = s->batch;
    struct labelled answer = {.label = b->label}, *outer = s->answer;
    if (b->label)
        s->answer = &answer;
    if (!b->broken)
        speak(s, b);
    s->answer = outer;
    if (b->label && b->broken) // by a line that was refused for what it is anywhere
        refuse(s, "MULTILINE_INVALID", "", "A line of it was refused");
    else if (b->label)
        labelled_send(s, &answer);
    batch_clear(s);
}

static void begin(struct session *s, const struct line *line)
{
    const char *reference = line->params[0] + 1;
    if (s->batch && s->batch->broken)
        end(s); // its client gave it up when it was told, and need not say so
    if (line->count < 3 || strcasecmp(line->params[1], "draft/multiline") != 0 || s->batch ||
        !*reference || strlen(reference) > REFERENCE_MAX || !(s->caps & CAP_MULTILINE) ||
        list_is_empty(line->params[2])) {
        fail(s, "BATCH", "INVALID_BATCH", "", "Not a batch that can begin here");
        return;
    }
    struct batch *b = calloc(1, sizeof *b);
    if (!b)
        return; // its lines are refused
    s->batch = b;
    (void)snprintf(b->reference, sizeof b->reference, "%s", reference);
    b->target = strdup(line->params[2]);
    b->tags = strdup(line->tags);
    if (s->answer) {
        b->label = strdup(s->answer->label);
        s->answer->late = true; // the answer is what comes of the batch
    }
    if (!b->target || !b->tags)
        batch_clear(s);
}

void on_batch(struct session *s, const struct line *line)
{
    const char *word = line->params[0];
    if (*word == '+')
        begin(s, line);
    else if (*word == '-' && s->batch && strcmp(word + 1, s->batch->reference) == 0)
        end(s);
    else
        fail(s, "BATCH", "INVALID_BATCH", "", "There is no such batch");
}
