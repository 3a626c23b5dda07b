// SPDX-License-Identifier: MIT
// 11_even_odd.c - look before you leap: even or odd? Lecture: L32.
//
// The lecture asks `isdigit()` before it calls `int()`. That refuses -4, which is a number, and
// lets ² through, which is a digit but no number: a traceback. Here the text is a number if it is
// a minus or not, and then digits 0 to 9 to its end; how many does not matter, since the last one
// decides. Digits of other scripts, which Python takes, are refused.
#include "prompt.h"

static bool is_number(const char *text)
{
    text += *text == '-';
    return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

int main(void)
{
    char user_input[256];
    int rc = ask(user_input, sizeof user_input);
    if (rc < 0)
        return failed("input");

    if (is_number(user_input)) {
        char last = user_input[strlen(user_input) - 1];
        printf("%s\n", (last - '0') % 2 == 0 ? "even" : "odd");
    } else {
        printf("需要正常数字\n");
    }
    return 0;
}
