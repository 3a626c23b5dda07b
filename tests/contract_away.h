// SPDX-License-Identifier: MIT
// contract_away.h - calls made elsewhere: in a task of weft, or in a thread that weft knows
// nothing of. Part of contract.h.
//
// Nothing here knows how a wait is made: sleeps_of tells that a call waits.
#ifndef WEFT_TESTS_CONTRACT_AWAY_H
#define WEFT_TESTS_CONTRACT_AWAY_H

enum where { IN_TASK, IN_THREAD };

struct away {
    int (*fn)(void *arg);
    void *arg;
    enum where where;
    weft_future *task; // NULL in a plain thread
    pthread_t thread;
    atomic_int tid; // 0 until it began
    atomic_bool ended;
    int rc; // valid after back()
};

SHARED void away_run(struct away *a)
{
    atomic_store(&a->tid, gettid());
    a->rc = a->fn(a->arg);
    atomic_store(&a->ended, true);
}

SHARED int away_task(struct away *const *a, weft_none *none)
{
    (void)none;
    away_run(*a);
    return 0;
}
WEFT_TASK(away_task, struct away *, weft_none);

SHARED void *away_thread(void *a)
{
    away_run(a);
    return NULL;
}

SHARED void go(struct away *a, enum where where, int (*fn)(void *arg), void *arg)
{
    *a = (struct away){.fn = fn, .arg = arg, .where = where};
    if (where == IN_THREAD) {
        assert_int_equal(pthread_create(&a->thread, NULL, away_thread, a), 0);
        return;
    }
    a->task = weft_start(WEFT_THREADS, away_task, &a);
    assert_non_null(a->task);
}

SHARED int back(struct away *a)
{
    if (a->where == IN_THREAD)
        assert_int_equal(pthread_join(a->thread, NULL), 0);
    else
        assert_int_equal(weft_join(&a->task, NULL, 0), 0);
    return a->rc;
}

SHARED bool has_ended(struct away *a)
{
    return atomic_load(&a->ended);
}

// Many at once, every other one in a plain thread.
SHARED void go_all(struct away *crowd, size_t n, int (*fn)(void *arg), void *arg)
{
    for (size_t i = 0; i < n; i++)
        go(&crowd[i], i % 2 ? IN_THREAD : IN_TASK, fn, arg);
}

SHARED void all_back_with(int rc, struct away *crowd, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_int_equal(back(&crowd[i]), rc);
}

SHARED size_t how_many_ended(struct away *crowd, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += has_ended(&crowd[i]);
    return count;
}

// Return when it sleeps and stays asleep, or has ended; after five seconds go on all the same.
SHARED void await_asleep(struct away *a)
{
    long before = -1;
    for (int same = 0, tries = 0; same < 4 && tries < 2500 && !has_ended(a); tries++) {
        int tid = atomic_load(&a->tid);
        long now = tid ? sleeps_of(tid) : -1;
        same = now >= 0 && now == before ? same + 1 : 0;
        before = now;
        nap_ms(2);
    }
}

SHARED void await_all_asleep(struct away *crowd, size_t n)
{
    for (size_t i = 0; i < n; i++)
        await_asleep(&crowd[i]);
}

// In what order things happened.
struct diary {
    atomic_int entries;
    atomic_int who[32];
};

SHARED void note(struct diary *d, int who)
{
    atomic_store(&d->who[atomic_fetch_add(&d->entries, 1)], who);
}

// ---- interrupted calls --------------------------------------------------------------

// A task waits in fn, then is asked to stop: what does fn return?
SHARED int cancel_while_waiting(int (*fn)(void *arg), void *arg)
{
    struct away a;
    go(&a, IN_TASK, fn, arg);
    await_asleep(&a);
    weft_cancel(a.task);
    return back(&a);
}

struct late_call {
    int (*fn)(void *arg);
    void *arg;
    bool shielded;
};

SHARED int call_when_cancelled(void *arg)
{
    const struct late_call *call = arg;
    CHECK(eventually(weft_check() == -ECANCELED));
    if (call->shielded)
        weft_shield(true);
    return call->fn(call->arg);
}

SHARED int call_late(struct late_call call)
{
    struct away a;
    go(&a, IN_TASK, call_when_cancelled, &call);
    weft_cancel(a.task);
    return back(&a);
}

// A task that was asked to stop already calls fn, which need not wait.
SHARED int cancel_before(int (*fn)(void *arg), void *arg)
{
    return call_late((struct late_call){fn, arg, false});
}

// The same behind a shield.
SHARED int cancel_before_but_shielded(int (*fn)(void *arg), void *arg)
{
    return call_late((struct late_call){fn, arg, true});
}

SHARED int call_shielded(void *arg)
{
    const struct late_call *call = arg;
    weft_shield(true);
    int rc = call->fn(call->arg);
    CHECK(weft_check() == 0);
    weft_shield(false);
    CHECK(weft_check() == -ECANCELED);
    return rc;
}

// A task waits in fn, which is not interrupted by the request to stop: `end` lets it return.
// Neither does the request get lost.
SHARED int cancel_in_vain(int (*fn)(void *arg), void *arg, void (*end)(void *arg))
{
    struct late_call call = {fn, arg, true};
    struct away a;
    go(&a, IN_TASK, call_shielded, &call);
    await_asleep(&a);
    weft_cancel(a.task);
    nap_ms(20);
    assert_false(has_ended(&a));
    end(arg);
    return back(&a);
}

#endif
