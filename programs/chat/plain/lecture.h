// SPDX-License-Identifier: MIT
// lecture.h - the list of connections, as the lecture's server prints it after each accept.
#ifndef WEFT_CHAT_LECTURE_H
#define WEFT_CHAT_LECTURE_H

#include <stddef.h>

#include "chat/plain/crowd.h"

// "[<socket.socket fd=4, family=2, ...>, ...]\n"; the caller frees it. NULL: out of memory.
char *lecture_list(struct crowd *crowd, size_t *size);

#endif
