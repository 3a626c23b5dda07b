// SPDX-License-Identifier: MIT
// api.h - the history for programs: GET /api/search on the web door.
//
//     ?room=%23lobby&from=ada&after=2026-01-31T00:00:00Z&text=threads&limit=50
//
// Who asks is nobody: he has no session and is in no room. So he finds what somebody who just comes
// in could read, and no more: rooms that are there, are not secret (+s), and that anybody at his
// address may join without a key or an invitation. That holds when the question comes, and again
// when the answer is written. Where the server has a password he must give it.
//
// What a question costs is charged to a budget as each session has one, but of his network. So is
// the time that it takes, also where there is no budget: who used little goes first (seats.h).
#ifndef WEFT_CHAT_API_H
#define WEFT_CHAT_API_H

struct http_request;
struct web_found;

// Questions that the history is asked at once: a third of its readers, for clients have the others.
enum { API_AT_ONCE = 2 };

// For struct web_site; visitor is a struct visitor. The status:
//
//     200  {"messages":[{"room":...,"id":...,"time":...,"from":...,"kind":...,"text":...},...],
//          "next":...}, the newest first; `next` is there if there may be more
//     400  a parameter is wrong, or none is there but a limit and next; no room is named, of too
//          many
//     401  the password is wrong, or there is none (Basic; the user's name does not count)
//     403  not everybody may join this room
//     404  no such room is there, or it is secret
//     429  the budget is used up
//     500  the history could not be searched, or out of memory
//     503  no history is kept; or it takes too long, or others do
int api_search(const struct http_request *r, void *visitor, struct web_found *found);

#endif
