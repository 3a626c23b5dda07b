// SPDX-License-Identifier: MIT
// 02_names.c - what a thread is called when nobody names it. Lecture: L47, L49.
//
// The lecture says that a thread without a name is called by its number. It is not, neither in
// Python nor here: it is called after its place in the order of starting and its function. The
// first thread of all is MainThread. The number is a thing of its own: unique, and never 0.
#include "example.h"

static void introduce(const struct weft_info *who)
{
    printf("%s %s\n", who->name, who->alive && who->id != 0 ? "is alive" : "is not alive");
}

static int target(const weft_none *arg, weft_none *none)
{
    (void)arg, (void)none;
    struct weft_info me;
    weft_self(&me);
    introduce(&me);
    return 0;
}
WEFT_TASK(target, weft_none, weft_none);

int main(void)
{
    static const char *const names[] = {NULL, NULL, "my first thread"}; // NULL: let weft choose
    struct weft_info who;

    weft_self(&who);
    introduce(&who);
    for (size_t i = 0; i < 3; i++) {
        weft_future *thread = weft_start_as(WEFT_WITH(.kind = WEFT_THREADS, .name = names[i]),
                                            target, &(weft_none){0});
        if (!thread || weft_wait(thread, WEFT_FOREVER) < 0)
            return failed("target");
        weft_inspect(thread, &who);        // what is known of it until it is joined
        (void)weft_join(&thread, NULL, 0); // always 0, as target returns
    }
    introduce(&who);
    return 0;
}
