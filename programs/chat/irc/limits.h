// SPDX-License-Identifier: MIT
// limits.h - how much of everything a client may have: said in ISUPPORT (isupport.c), kept by the
// commands. Plain numbers, because ISUPPORT shows them as they stand here.
#ifndef WEFT_CHAT_IRC_LIMITS_H
#define WEFT_CHAT_IRC_LIMITS_H

#include "chat/hub/hub.h"

#define LIMIT_AWAY 200
#define LIMIT_HOST 64
#define LIMIT_KEY 32
#define LIMIT_KICK 390
#define LIMIT_LIST 100
#define LIMIT_LOGIN 10
#define LIMIT_MODES 10
#define LIMIT_MONITOR 100
#define LIMIT_NICK 32
#define LIMIT_REAL 128
#define LIMIT_ROOM_NAME 64
#define LIMIT_ROOMS 100
#define LIMIT_TARGETS 4
#define LIMIT_TOPIC 390

_Static_assert(LIMIT_HOST == HOST_MAX && LIMIT_KEY == KEY_MAX && LIMIT_LOGIN == LOGIN_MAX &&
                   LIMIT_NICK == NICK_MAX && LIMIT_ROOM_NAME == ROOM_NAME_MAX &&
                   LIMIT_TOPIC == TOPIC_MAX,
               "what is said is what is kept");

#endif
