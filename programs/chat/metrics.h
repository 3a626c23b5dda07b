// SPDX-License-Identifier: MIT
// metrics.h - how a server is, as Prometheus reads it (text format 0.0.4).
#ifndef WEFT_CHAT_METRICS_H
#define WEFT_CHAT_METRICS_H

struct server;

// The whole text, from malloc; NULL: out of memory. On the hub's loop. Looks at each connection's
// queue, a microsecond for ten of them, and asks the history, which waits for moments.
char *metrics_text(struct server *server);

#endif
