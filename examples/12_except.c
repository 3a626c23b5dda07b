// SPDX-License-Identifier: MIT
// 12_except.c - handle one kind of error. Lecture: L33, L35.
//
// The lecture's first form has a bare `except:`, and prints Invalid for a valid 4: it writes
// print(even) where print('even') was meant, and the bare except hides that mistake as if it were
// the user's. Its third form catches ValueError only. So does this one: what int() cannot read is
// Invalid, and any other failure goes on up.
#include "prompt.h"

int main(void)
{
    char user_input[256];
    bool even = false;
    int rc = ask(user_input, sizeof user_input);
    if (rc < 0)
        return failed("input");

    rc = parse_parity(user_input, &even);
    if (rc == -EINVAL)
        printf("Invalid\n");
    else if (rc < 0)
        return failed("parse");
    else
        printf("%s\n", even ? "even" : "odd");
    return 0;
}
