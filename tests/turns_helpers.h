// SPDX-License-Identifier: MIT
// turns_helpers.h - who comes for a turn: for the tests of programs/fetch/turns.h.
//
// That somebody waits is seen in two ways: his thread sleeps, and what he waits for is refused to
// one who cannot wait (WEFT_POLL). Times are claimed from one side only: not before.
#ifndef WEFT_TESTS_TURNS_HELPERS_H
#define WEFT_TESTS_TURNS_HELPERS_H

#include "contract.h"

#include "fetch/turns.h"

SHARED struct turns *open_turns(int at_once, int per_host, int64_t delay_ns)
{
    struct turns *t = turns_open(&(struct turns_set){at_once, per_host, delay_ns});
    assert_non_null(t);
    return t;
}

// All turns were given back, and all hosts are forgotten.
SHARED void close_turns(struct turns **t)
{
    assert_int_equal(turns_hosts(*t), 0);
    turns_close(t);
    assert_null(*t);
}

struct visit {
    struct turns *t;
    const char *host;
    weft_time deadline;
    struct turn *turn;
    struct diary *diary;
    int number; // in it
};

SHARED int visit_begins(void *arg)
{
    struct visit *v = arg;
    int rc = turn_begin(v->t, v->host, v->deadline, &v->turn);
    CHECK((rc == 0) == (v->turn != NULL));
    if (rc == 0 && v->diary)
        note(v->diary, v->number);
    return rc;
}

SHARED struct turn *begin(struct turns *t, const char *host)
{
    struct turn *turn;
    assert_int_equal(turn_begin(t, host, much_later(), &turn), 0);
    return turn;
}

SHARED bool is_free(struct turns *t, const char *host)
{
    struct turn *turn;
    int rc = turn_begin(t, host, WEFT_POLL, &turn);
    assert_true(rc == 0 || rc == -ETIMEDOUT);
    turn_end(&turn);
    return rc == 0;
}

// Comes, and waits when this returns.
SHARED void comes(struct away *a, struct visit *v)
{
    go(a, IN_TASK, visit_begins, v);
    await_asleep(a);
    assert_false(has_ended(a));
}

SHARED struct visit visit_to(struct turns *t, const char *host)
{
    return (struct visit){.t = t, .host = host, .deadline = WEFT_FOREVER};
}

#endif
