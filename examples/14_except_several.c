// SPDX-License-Identifier: MIT
// 14_except_several.c - several kinds of error, and Ctrl+C. Lecture: L36.
//
// The lecture handles two kinds in one `except` and KeyboardInterrupt in another, but its input()
// stands outside the `try`: Ctrl+C at the prompt, the only place where anybody presses it, ends in
// a traceback. Here the prompt is inside: Ctrl+C cancels the task that asks, its wait returns
// -ECANCELED, and that is a kind like any other.
#include "prompt.h"

static int even_or_odd(const weft_none *arg, weft_none *none)
{
    (void)arg, (void)none;
    char user_input[256];
    bool even = false;
    int rc = ask(user_input, sizeof user_input);
    if (rc == 0)
        rc = parse_parity(user_input, &even);
    if (rc == 0)
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

    switch (join_or_interrupt(&asking)) {
    case 0:
        return 0;
    case -EINVAL:   // not a number
    case -EMSGSIZE: // more of it than anyone needs
        printf("Invalid\n");
        return 0;
    case -ECANCELED:
        printf("Interrupted\n");
        return 0;
    default:
        return failed("input");
    }
}
