// SPDX-License-Identifier: MIT
// labelled.c - see labelled.h.
#include "chat/irc/labelled.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat/irc/hold.h"
#include "common/utf8.h"

// A line lies there as "tags\0body\0", with empty tags if it has none.
bool labelled_add(struct labelled *answer, const char *tags, const char *body)
{
    size_t tags_size = tags ? strlen(tags) + 1 : 1;
    size_t body_size = utf8_cut(body, strlen(body), LINE_BODY_MAX) + 1;
    size_t wanted = answer->size + tags_size + body_size;
    if (wanted > answer->room) {
        size_t room = 2 * wanted + 256;
        char *bytes = realloc(answer->bytes, room);
        if (!bytes)
            return false;
        answer->bytes = bytes;
        answer->room = room;
    }
    char *at = answer->bytes + answer->size;
    memcpy(at, tags ? tags : "", tags_size);
    memcpy(at + tags_size, body, body_size - 1);
    at[tags_size + body_size - 1] = '\0';
    answer->size = wanted;
    answer->lines++;
    return true;
}

// One line with one more tag, which is complete.
static void post(struct session *s, const char *more, const char *tags, const char *body)
{
    char *line = s->irc->scratch;
    const char *at = *more || *tags ? "@" : "", *space = *at ? " " : "";
    const char *and = *more && *tags ? ";" : "";
    int size = snprintf(line, SCRATCH, "%s%s%s%s%s%s\r\n", at, more, and, tags, space, body);
    if (size < SCRATCH) // tags that were sent to us fit, and so do ours beside them
        session_post(s, line, (size_t)size);
}

static const char *next(const char *line)
{
    line += strlen(line) + 1;
    return line + strlen(line) + 1;
}

// The reference of "... BATCH +reference type" or "... BATCH -reference", with its sign; or NULL.
static const char *batch_of(const char *line)
{
    const char *body = line + strlen(line) + 1;
    const char *batch = strstr(body, " BATCH ");
    return batch && *body == ':' && batch == strchr(body, ' ') ? batch + strlen(" BATCH ") : NULL;
}

// Whether all the lines are one batch, from its opening to its end.
static bool is_one_batch(const struct labelled *answer)
{
    const char *first = answer->bytes, *last = first;
    for (int i = 1; i < answer->lines; i++)
        last = next(last);
    const char *opens = batch_of(first), *ends = batch_of(last);
    if (!opens || !ends || *opens != '+' || *ends != '-')
        return false;
    size_t size = strcspn(opens + 1, " ");
    return strncmp(opens + 1, ends + 1, size) == 0 && ends[1 + size] == '\0';
}

static void send_batch(struct session *s, const struct labelled *answer, const char *label)
{
    char reference[32], tag[48], opening[600];
    (void)snprintf(reference, sizeof reference, "%lu", ++s->irc->last_batch);
    (void)snprintf(tag, sizeof tag, "batch=%s", reference);
    (void)snprintf(opening, sizeof opening, ":%s BATCH +%s labeled-response", s->irc->set.name,
                   reference);
    post(s, label, "", opening);
    const char *line = answer->bytes;
    for (int i = 0; i < answer->lines; i++, line = next(line)) {
        size_t size;
        bool nested = tag_find(line, "batch", &size) != NULL;
        post(s, nested ? "" : tag, line, line + strlen(line) + 1);
    }
    (void)snprintf(opening, sizeof opening, ":%s BATCH -%s", s->irc->set.name, reference);
    post(s, "", "", opening);
}

// What could not be kept is told apart from the answer: the command was done, and has not failed.
static void wait_for_disk(struct session *s, const struct labelled *answer)
{
    struct labelled *outer = answer_aside(s);
    if (answer->lost)
        hold_fail(s, DEED_COMMAND);
    hold(s, DEED_COMMAND, answer->first, answer->last);
    s->answer = outer;
}

void labelled_send(struct session *s, struct labelled *answer)
{
    wait_for_disk(s, answer);
    char label[sizeof "label=" + LABEL_MAX], ack[600];
    (void)snprintf(label, sizeof label, "label=%s", answer->label);
    (void)snprintf(ack, sizeof ack, ":%s ACK", s->irc->set.name);
    if (answer->lines == 0) {
        post(s, label, "", ack);
    } else if (answer->lines == 1 || is_one_batch(answer)) {
        const char *line = answer->bytes;
        for (int i = 0; i < answer->lines; i++, line = next(line))
            post(s, i == 0 ? label : "", line, line + strlen(line) + 1);
    } else {
        send_batch(s, answer, label);
    }
    free(answer->bytes);
}
