// SPDX-License-Identifier: MIT
// 15_finally.c - what is done however the block is left. Lecture: L37.
//
// "Whatever happens, finally is carried out": in the lecture's program not at the end of the input
// and not at Ctrl+C, for its input() stands before the `try`. weft_defer, first thing in the block,
// is run at return, at an error and at cancellation: `a` is always the last line.
//
// Its limits are those of any cleanup: not after SIGKILL or a crash, not after exit() or _exit()
// in the middle of the block, and a daemon has 100 ms for it when the program ends.
#include "prompt.h"

static void say(void *text)
{
    printf("%s\n", (const char *)text);
}

static int even_or_odd(const weft_none *arg, weft_none *none)
{
    (void)arg, (void)none;
    weft_defer(say, "a");

    char user_input[256];
    int rc = ask(user_input, sizeof user_input);
    if (rc < 0)
        return rc;
    bool even = false;
    rc = parse_parity(user_input, &even);
    if (rc == -EINVAL) {
        printf("Invalid\n");
        return 0;
    }
    printf("%s\n", even ? "even" : "odd");
    return rc;
}
WEFT_TASK(even_or_odd, weft_none, weft_none);

int main(void)
{
    block_interrupt();
    weft_future *asking = weft_start(WEFT_THREADS, even_or_odd, &(weft_none){0});
    if (!asking)
        return failed("start");

    int rc = join_or_interrupt(&asking);
    if (rc == -ECANCELED)
        return 128 + SIGINT; // nobody handles it here: the status says so, as in a shell
    return rc < 0 ? failed("input") : 0;
}
