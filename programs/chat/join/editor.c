// SPDX-License-Identifier: MIT
// editor.c - see editor.h.
#include "chat/join/editor.h"

#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"
#include "common/width.h"

void editor_release(struct editor *e)
{
    for (int i = 0; i < e->history_count; i++)
        free(e->history[i]);
    e->history_count = 0;
}

// ---- changing ------------------------------------------------------------------------------

void editor_insert(struct editor *e, const char *bytes, size_t size)
{
    if (size >= sizeof e->text - e->size)
        size = utf8_cut(bytes, size, sizeof e->text - e->size - 1);
    memmove(e->text + e->cursor + size, e->text + e->cursor, e->size - e->cursor + 1);
    memcpy(e->text + e->cursor, bytes, size);
    e->size += size;
    e->cursor += size;
}

static void take_out(struct editor *e, size_t from, size_t to)
{
    memmove(e->text + from, e->text + to, e->size - to + 1);
    e->size -= to - from;
    e->cursor = from;
}

void editor_replace(struct editor *e, size_t from, size_t to, const char *with)
{
    take_out(e, from, to);
    editor_insert(e, with, strlen(with));
}

void editor_clear(struct editor *e)
{
    e->size = e->cursor = 0;
    e->text[0] = '\0';
    e->back = 0;
}

void editor_backspace(struct editor *e)
{
    take_out(e, cluster_start(e->text, e->cursor), e->cursor);
}

void editor_delete(struct editor *e)
{
    take_out(e, e->cursor, cluster_end(e->text, e->size, e->cursor));
}

static void cut(struct editor *e, size_t from, size_t to)
{
    if (from == to)
        return;
    memcpy(e->cut, e->text + from, to - from);
    e->cut[to - from] = '\0';
    take_out(e, from, to);
}

static size_t word_start(const struct editor *e)
{
    size_t at = e->cursor;
    while (at > 0 && e->text[at - 1] == ' ')
        at--;
    while (at > 0 && e->text[at - 1] != ' ')
        at--;
    return at;
}

static size_t word_end(const struct editor *e)
{
    size_t at = e->cursor + strspn(e->text + e->cursor, " ");
    return at + strcspn(e->text + at, " ");
}

void editor_cut_word(struct editor *e)
{
    cut(e, word_start(e), e->cursor);
}

void editor_cut_start(struct editor *e)
{
    cut(e, 0, e->cursor);
}

void editor_cut_end(struct editor *e)
{
    cut(e, e->cursor, e->size);
}

void editor_put_back(struct editor *e)
{
    editor_insert(e, e->cut, strlen(e->cut));
}

// ---- moving --------------------------------------------------------------------------------

void editor_left(struct editor *e)
{
    e->cursor = cluster_start(e->text, e->cursor);
}

void editor_right(struct editor *e)
{
    e->cursor = cluster_end(e->text, e->size, e->cursor);
}

void editor_word_left(struct editor *e)
{
    e->cursor = word_start(e);
}

void editor_word_right(struct editor *e)
{
    e->cursor = word_end(e);
}

void editor_home(struct editor *e)
{
    e->cursor = 0;
}

void editor_end(struct editor *e)
{
    e->cursor = e->size;
}

// ---- history -------------------------------------------------------------------------------

static void show(struct editor *e, const char *text)
{
    e->size = strlen(text);
    memcpy(e->text, text, e->size + 1);
    e->cursor = e->size;
}

void editor_older(struct editor *e)
{
    if (e->back == e->history_count)
        return;
    if (e->back == 0)
        memcpy(e->draft, e->text, e->size + 1);
    e->back++;
    show(e, e->history[e->history_count - e->back]);
}

void editor_newer(struct editor *e)
{
    if (e->back == 0)
        return;
    e->back--;
    show(e, e->back == 0 ? e->draft : e->history[e->history_count - e->back]);
}

void editor_enter(struct editor *e)
{
    bool again = e->history_count > 0 && strcmp(e->history[e->history_count - 1], e->text) == 0;
    char *copy = e->size > 0 && !again ? strdup(e->text) : NULL;
    if (copy && e->history_count == EDITOR_HISTORY) {
        free(e->history[0]);
        memmove(e->history, e->history + 1, (EDITOR_HISTORY - 1) * sizeof e->history[0]);
        e->history_count--;
    }
    if (copy) // without memory it is not remembered; that is all
        e->history[e->history_count++] = copy;
    editor_clear(e);
}
