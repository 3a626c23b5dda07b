// SPDX-License-Identifier: MIT
// 34_process_pipe.c - a conversation with another process. Lecture: L66.
//
// A pipe has two ends and goes both ways. One end moves to the process with the task, which closes
// it when it is done; and then the other end hears that there is no more.
#include <errno.h>
#include <string.h>

#include "example.h"

struct talk {
    weft_end end;
};

static int answer(const struct talk *talk, weft_none *none)
{
    (void)none;
    WEFT_SCOPED(weft_end_close) weft_end end = talk->end;
    char text[64];
    for (int i = 0; i < 3; i++) {
        ssize_t n = weft_recv(end, text, sizeof text, WEFT_FOREVER);
        if (n < 0)
            return (int)n;
        char reply[sizeof text + 16];
        int size = snprintf(reply, sizeof reply, "%.*s to you", (int)n, text);
        int rc = weft_send(end, reply, (size_t)size, WEFT_FOREVER);
        if (rc < 0)
            return rc;
    }
    return 0;
}
WEFT_TASK(answer, struct talk, weft_none, .ends = {WEFT_END(struct talk, end)});

static int say(weft_end end, const char *text)
{
    char reply[96];
    ssize_t n = weft_send(end, text, strlen(text), WEFT_FOREVER);
    if (n == 0)
        n = weft_recv(end, reply, sizeof reply, WEFT_FOREVER);
    if (n < 0)
        return (int)n;
    printf("%s: %.*s\n", text, (int)n, reply);
    return 0;
}

int main(void)
{
    static const char *const words[] = {"hello", "peace", "goodbye", "anybody there?"};
    WEFT_SCOPED(weft_end_close) weft_end ours = {-1};
    struct talk talk;
    int rc = weft_pipe(&ours, &talk.end);
    if (rc < 0)
        return failed("pipe");
    weft_future *f = weft_start(WEFT_PROCESSES, answer, &talk);
    if (!f)
        return failed("start");
    for (int i = 0; i < 4 && rc == 0; i++)
        rc = say(ours, words[i]);
    printf("%s\n", rc == -EPIPE ? "the other end is closed" : weft_error());
    return weft_join(&f, NULL, 0) < 0 ? failed("answer") : 0;
}
