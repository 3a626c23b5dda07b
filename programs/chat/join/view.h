// SPDX-License-Identifier: MIT
// view.h - the model, painted for a terminal: the topic, what was said, the rooms with their marks,
// the line being typed. Bytes out, no terminal needed.
//
//     #lobby  the topic                                   PageDown: more
//     20:15 <alice> hello
//     20:15 <bob> 你好
//      carol  1:server  [2:#lobby]  3:#weft+2  4:bob!1
//     #lobby> what is being typed_
//
// +2: two lines that were not seen; !1: one of them calls us.
#ifndef WEFT_CHAT_JOIN_VIEW_H
#define WEFT_CHAT_JOIN_VIEW_H

#include "chat/join/editor.h"
#include "chat/join/model.h"

struct view {
    int rows, columns; // of the terminal
    char *bytes;       // what was painted last
    size_t size, room;
    bool failed; // for want of memory: the picture is not whole
};

// `hint` takes the place of the line being typed; NULL: none.
void view_paint(struct view *v, const struct model *m, const struct editor *e, const char *hint);
void view_release(struct view *v);

// Move what is shown of the active room by so many rows, up if more than 0; within what there is.
void view_scroll(const struct view *v, struct model *m, int rows);
// Whether the active room's first row is to be seen: there is nothing above it.
bool view_at_top(const struct view *v, const struct model *m);
int view_page(const struct view *v); // rows of what was said

#endif
