// SPDX-License-Identifier: MIT
// 13_except_other_kind.c - an error that nobody handles goes on up. Lecture: L34.
//
// The lecture catches TypeError, which int() never raises for a text, and shows the traceback of
// the ValueError. Here -EDOM is handled, which parse_parity never returns: its -EINVAL passes by,
// and arrives at the top with its words unchanged and a status that says so: 1.
#include "prompt.h"

static int even_or_odd(void)
{
    char user_input[256];
    bool even = false;
    int rc = ask(user_input, sizeof user_input);
    if (rc == 0)
        rc = parse_parity(user_input, &even);
    if (rc == 0)
        printf("%s\n", even ? "even" : "odd");
    return rc;
}

int main(void)
{
    int rc = even_or_odd();
    if (rc == -EDOM) // the lecture's "except TypeError"
        printf("Invalid\n");
    else if (rc == -EINVAL)
        return failed("ValueError");
    else if (rc < 0)
        return failed("input");
    return 0;
}
