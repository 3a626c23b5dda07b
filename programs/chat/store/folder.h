// SPDX-License-Identifier: MIT
// folder.h - the folder of a history: made, locked, and its files private.
#ifndef WEFT_CHAT_STORE_FOLDER_H
#define WEFT_CHAT_STORE_FOLDER_H

// FOLDER/NAME, to be freed; NULL: out of memory, recorded.
char *folder_path(const char *folder, const char *name);
// Make it if it is missing, mode 0700, and lock it until the descriptor is closed, or the process
// ends in any way: the descriptor; -EBUSY; or the system's reason.
int folder_lock(const char *folder);
// An empty file of mode 0600, if it is missing: 0 or an error. Not while SQLite has it open: POSIX
// locks are lost when any descriptor of the file is closed.
int folder_touch(const char *path);
// The file of a database, and those beside it. What is missing is gone already.
void folder_drop(const char *path);
// How many bytes they have.
long long folder_size(const char *path);

#endif
