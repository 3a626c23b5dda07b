#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""defects.py - plant a defect in the library, and see that the explorer finds it.

    defects.py --cc CC... --cflags FLAGS... --link FILES... [--jobs N] [--only NAME]

Each defect is a change of one source file: what stands there, which must be there exactly once, and
what to put in its place. The changed file is compiled as the model's others are and linked before
them, and the scenarios that should notice run. A defect that is not found within its budget fails
the run: the instrument would be blind to it. Prints TAP.
"""
import argparse
import concurrent.futures
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUDGET = 120  # seconds of the processor for one: others may run beside it


class Defect:
    def __init__(self, name, source, old, new, scenarios):
        self.name, self.source, self.old, self.new = name, source, old, new
        self.scenarios = scenarios


DEFECTS = [
    # ---- park: the seam
    Defect("park: the wake before the store", "core/park.c",
           "uint32_t was = wf_exchange(&parker->word, TOKEN, WF_ACQ_REL);",
           "uint32_t was = wf_load(&parker->word, WF_ACQUIRE);\n"
           "    if (was == ASLEEP)\n        wf_futex_wake(&parker->word);\n"
           "    wf_store(&parker->word, TOKEN, WF_RELEASE);", "park: *"),
    Defect("park: a load and a store in the place of the exchange", "core/park.c",
           "uint32_t was = wf_exchange(&parker->word, TOKEN, WF_ACQ_REL);",
           "uint32_t was = wf_load(&parker->word, WF_ACQUIRE);\n"
           "    wf_store(&parker->word, TOKEN, WF_RELEASE);", "park: *"),
    Defect("park: unpark's release made relaxed", "core/park.c",
           "wf_exchange(&parker->word, TOKEN, WF_ACQ_REL)",
           "wf_exchange(&parker->word, TOKEN, WF_RELAXED)", "park: *"),
    Defect("park: the taker's acquire made relaxed", "core/park.c",
           "wf_cas(&parker->word, &token, EMPTY, WF_ACQUIRE)",
           "wf_cas(&parker->word, &token, EMPTY, WF_RELAXED)", "park: *"),
    Defect("park: lies down without a look at the token", "core/park.c",
           "    if (lie_down(parker, ASLEEP))\n        while",
           "    wf_store(&parker->word, ASLEEP, WF_RELEASE);\n        while", "park: *"),
    Defect("park: a deadline throws the token away", "core/park.c",
           "return get_up(parker) || rc != -ETIMEDOUT ? 0 : -ETIMEDOUT;",
           "(void)get_up(parker);\n    return rc != -ETIMEDOUT ? 0 : -ETIMEDOUT;", "park: *"),
    Defect("park: a ring is left in the bell", "core/park.c",
           "        wf_bell_answer(parker->bell);\n        return rc > 0 ? rc : 0;",
           "        return rc > 0 ? rc : 0;", "park: *"),
    Defect("park: the bell is not rung", "core/park.c",
           "    else if (was == RINGING)\n        wf_bell_ring(parker->bell);", "", "park: *"),
    # ---- waiters: the line
    Defect("line: a deadline that comes with the signal eats it", "core/waiters.c",
           "    if (wf_load(&waiter->state, WF_RELAXED) == WF_SIGNALLED)\n        rc = 0;\n", "",
           "*: *giv*up*"),
    Defect("line: who gives up leaves though it was taken", "core/waiters.c",
           "WF_LEAVES, WF_RELAXED))\n        return false;",
           "WF_LEAVES, WF_RELAXED))\n        return true;", "*: *giv*up*"),
    Defect("line: who gives up leaves though a mutex has called it", "core/waiters.c",
           "    return leaves;", "    return true;", "mutex: giving up*"),
    Defect("line: who gives up says so by a load and a store", "core/waiters.c",
           "    if (!wf_cas(&waiter->state, &waiting, WF_LEAVES, WF_RELAXED))\n        return false;",
           "    if (wf_load(&waiter->state, WF_RELAXED) != waiting)\n        return false;\n"
           "    wf_store(&waiter->state, WF_LEAVES, WF_RELAXED);", "queue: *late get*"),
    Defect("line: whoever gives up is served all the same", "core/waiters.c",
           "        return wf_cas(&waiter->state, &state, WF_TAKEN, WF_RELAXED);",
           "        return wf_store(&waiter->state, WF_TAKEN, WF_RELAXED), true;", "queue: *late put*"),
    Defect("line: a fiber takes every waiter for one of its loop", "core/waiters.c",
           "self->home == waiter->parker->home;", "waiter;", "queue: *late*"),
    Defect("line: who gives up does not see that he is out of it", "core/waiters.c",
           "    if (leaves && waiter->next)", "    if (leaves)", "semaphore: who gives up*"),
    Defect("line: who gives up stays in it", "core/waiters.c",
           "value = line_remove(value, waiter) & ~drop;", "value = value & ~drop;", "*: *giv*up*"),
    Defect("line: woken before it is signalled", "core/waiters.c",
           "        wf_store(&chain->state, WF_SIGNALLED, WF_RELEASE); // pairs with wf_line_wait\n"
           "        wf_unpark(parker);                                 // the node may be gone by now\n",
           "        wf_unpark(parker);\n"
           "        wf_store(&chain->state, WF_SIGNALLED, WF_RELEASE);\n", "event: *"),
    Defect("line: the signal's release made relaxed", "core/waiters.c",
           "wf_store(&chain->state, WF_SIGNALLED, WF_RELEASE);",
           "wf_store(&chain->state, WF_SIGNALLED, WF_RELAXED);", "event: *"),
    Defect("word: the lock's acquire made relaxed", "core/waiters.c",
           "wf_cas(word, &value, value | WF_BUSY, WF_ACQUIRE)",
           "wf_cas(word, &value, value | WF_BUSY, WF_RELAXED)", "rwlock: *"),
    # ---- mutex
    Defect("mutex: the unlock's release made relaxed", "core/mutex.c",
           "value & ~(uintptr_t)LOCKED, WF_RELEASE)", "value & ~(uintptr_t)LOCKED, WF_RELAXED)",
           "mutex: exclusion*"),
    Defect("mutex: the lock's acquire made relaxed", "core/mutex.c",
           "value | LOCKED, WF_ACQUIRE)", "value | LOCKED, WF_RELAXED)", "mutex: exclusion*"),
    Defect("mutex: taken by a load and a store", "core/mutex.c",
           "    uintptr_t value = 0;\n    while (!(value",
           "    uintptr_t value = wf_load(&m->word_, WF_ACQUIRE);\n    if (value == 0)\n"
           "        return wf_store(&m->word_, LOCKED, WF_RELAXED), true;\n    while (!(value",
           "mutex: exclusion*"),
    Defect("mutex: taken past one who bars it", "core/mutex.c",
           "take_past(m, LOCKED | BARRED | WF_BUSY)", "take_past(m, LOCKED | WF_BUSY)",
           "mutex: bounded*"),
    Defect("mutex: taken while its line is changed", "core/mutex.c",
           "take_past(m, LOCKED | BARRED | WF_BUSY)", "take_past(m, LOCKED | BARRED)",
           "mutex: *"),
    Defect("mutex: given while its line is changed", "core/mutex.c",
           "(value & (LOCKED | WAKING | WF_BUSY)) == (LOCKED | WAKING)",
           "(value & (LOCKED | WAKING)) == (LOCKED | WAKING)", "mutex: *"),
    Defect("mutex: given, though nobody is on the way to it", "core/mutex.c",
           "(value & (LOCKED | WAKING | WF_BUSY)) == (LOCKED | WAKING)",
           "(value & (LOCKED | WF_BUSY)) == LOCKED", "mutex: *"),
    Defect("mutex: the unlock looks at it once more", "core/mutex.c",
           "WF_RELEASE)) // with take_free\n            return true;",
           "WF_RELEASE))\n            return wf_load(&m->word_, WF_RELAXED) != 1;", "mutex: freed*"),
    Defect("mutex: the woken one forgets WAKING", "core/mutex.c",
           "    if (a->woken)\n        value &= ~(uintptr_t)WAKING;\n", "", "mutex: exclusion*"),
    Defect("mutex: who gives up behind the bar leaves it", "core/mutex.c",
           "wait, deadline, a.barring ? BARRED : 0);", "wait, deadline, 0);", "mutex: barring*"),
    Defect("mutex: an unlock wakes nobody if somebody is awake already, and forgets it",
           "core/mutex.c", "value = wf_line_take(value, &end) | WAKING;",
           "value = value | WAKING;", "mutex: exclusion*"),
    Defect("mutex: nobody is barred", "core/mutex.c",
           "a->barring = a->barring || must_bar(a);", "(void)must_bar(a);", "mutex: bounded*"),
    # ---- the other locks
    Defect("cond: the mutex is let go before the line is entered", "core/cond.c",
           "    uintptr_t value = wf_word_lock(&c->word_);\n"
           "    wf_word_unlock(&c->word_, wf_line_append(value, &node));\n    weft_unlock(m);\n",
           "    weft_unlock(m);\n    uintptr_t value = wf_word_lock(&c->word_);\n"
           "    wf_word_unlock(&c->word_, wf_line_append(value, &node));\n", "cond: *"),
    Defect("cond: a broadcast wakes one", "core/cond.c", "signal_some(c, \"weft_cond_broadcast\", SIZE_MAX);",
           "signal_some(c, \"weft_cond_broadcast\", 1);", "cond: *"),
    Defect("cond: a signal does not wait for who is leaving", "core/cond.c",
           "            value = let_it_leave(c, value, round++);", "            break;",
           "cond: freed*"),
    Defect("cond: a signal passes who is leaving by", "core/cond.c",
           "        if (wf_line_try(&value, &end))\n            most--;\n",
           "        if (wf_line_serve(&value, &end) || true)\n            most--;\n",
           "cond: freed*"),
    Defect("rwlock: the last reader hands nothing over", "core/rwlock.c",
           "    else if (held && drop_reader(l) == 0)\n"
           "        value = hand_over(l, value & ~(uintptr_t)READERS, &end);",
           "    else if (held)\n        (void)drop_reader(l);", "rwlock: *"),
    Defect("rwlock: a writer is let in among readers", "core/rwlock.c",
           "    if (value == 0) {\n        wf_store(&l->value_, 0, WF_RELAXED);",
           "    if (value == 0 || (value & COUNT)) {\n        wf_store(&l->value_, 0, WF_RELAXED);",
           "rwlock: *"),
    Defect("semaphore: a unit is taken by a load and a store", "core/sem.c",
           "if (wf_cas(&s->word_, &value, with_count(count_in(value) - 1), WF_ACQUIRE))",
           "if (wf_store(&s->word_, with_count(count_in(value) - 1), WF_RELAXED), true)",
           "semaphore: *"),
    Defect("semaphore: a release wakes one and keeps the unit", "core/sem.c",
           "            count--;", "            break;", "semaphore: *"),
    Defect("event: no second look before the line", "core/event.c",
           "    bool set = (value & SET) != 0;", "    bool set = false;", "event: *"),
    Defect("event: the look's acquire made relaxed", "core/event.c",
           "(wf_load(&e->word_, WF_ACQUIRE) & SET)", "(wf_load(&e->word_, WF_RELAXED) & SET)",
           "event: *"),
    Defect("wait group: touched after the last done", "core/waitgroup.c",
           "    wf_word_unlock(&w->word_, value); // the last touch\n"
           "    wf_require(outstanding, \"weft_waitgroup_done",
           "    wf_word_unlock(&w->word_, value);\n"
           "    (void)wf_load(&w->word_, WF_RELAXED);\n"
           "    wf_require(outstanding, \"weft_waitgroup_done", "wait group: *"),
    Defect("barrier: who finds it fresh since he looked begins anew all the same",
           "core/barrier.c",
           "    if (!wf_adopt_begin(&b->mu_.fork_))\n        return;",
           "    (void)wf_adopt_begin(&b->mu_.fork_);", "barrier: *"),
    Defect("barrier: who gives up does not break it", "core/barrier.c",
           "    break_it(b);\n    return rc;", "    return rc;", "barrier: *"),
    Defect("once: RUNNING is not noted", "core/once.c",
           "wf_word_unlock(&once->word_, RUNNING);", "wf_word_unlock(&once->word_, 0);", "once: *"),
    Defect("once: a failure leaves the others asleep", "core/once.c",
           "    while (wf_line_first(value))\n        value = wf_line_take(value, &end);",
           "    while (as != 0 && wf_line_first(value))\n        value = wf_line_take(value, &end);",
           "once: *"),
    # ---- queue, of small items, the oldest first
    Defect("ring: a put passes the getters by", "core/ring.c",
           "is_getters(*value) ? serve(value, &taken) : NULL;", "NULL;", "queue: *"),
    Defect("ring: a get leaves the putters in line", "core/ring.c",
           "putter = serve(value, end);", "putter = NULL;", "queue: *"),
    Defect("ring: nobody says that a putter waits", "core/ring.c",
           "    if (kind == PUTTER)\n        r->putters_wait = true;\n", "", "queue: *"),
    Defect("ring: no second look before a getter's line", "core/ring.c",
           "    uintptr_t value = lock(r, &r->word_);\n    look_at_both(r);\n    int rc =",
           "    uintptr_t value = lock(r, &r->word_);\n    int rc =", "queue: *"),
    Defect("ring: no second look before a putter's line", "core/ring.c",
           "    uintptr_t value = lock(r, &r->word_);\n    look_at_both(r);\n    return value;",
           "    return lock(r, &r->word_);", "queue: *"),
    Defect("ring: the room is forgotten that a getter made", "core/ring.c",
           "        wf_store(&r->head_seen, head_of(r), WF_RELAXED);\n        push", "        push",
           "queue: *"),
    Defect("ring: the one who put the last may be there still", "core/ring.c",
           "    if (!(wf_load(word, WF_ACQUIRE) & WF_BUSY))", "    (void)word;", "queue: *"),
    Defect("ring: a getter lets the next one in before its last touch", "core/ring.c",
           "    wf_word_unlock(&r->word_, value);\n    wf_word_unlock(&r->taking, 0);",
           "    wf_word_unlock(&r->taking, 0);\n    wf_word_unlock(&r->word_, value);", "queue: *"),
    Defect("ring: a close is taken for an item", "core/ring.c",
           "        seat->closed = true;\n", "        continue;\n", "queue: *"),
    Defect("ring: a close wakes nobody", "core/ring.c",
           "(seat = serve(&value, &end));)", "(seat = NULL);)", "queue: *"),
    # ---- a loop's own: its fibers need no lock
    Defect("home: no heavy fence", "core/home.c", "    wf_fence_heavy();\n    unsigned round",
           "    unsigned round", "queue: *"),
    Defect("home: nobody waits for who is inside", "core/home.c",
           "    while (wf_load(&home->inside, WF_ACQUIRE) == name)", "    while (false)",
           "queue: *fibers*"),
    Defect("home: who got out is seen too late", "core/home.c",
           "wf_load(&home->inside, WF_ACQUIRE) == name", "wf_load(&home->inside, WF_RELAXED) == name",
           "queue: *fibers*"),
    Defect("ring: its home settles without saying that it is inside", "core/ring.c",
           "    wf_home_settle(home, &r->home);", "    wf_store(&r->home, home, WF_RELEASE);",
           "queue: *fiber*"),
    Defect("ring: what was decided is asked again", "core/ring.c",
           "(!before || before == home) && left > 0;", "(!before || before == home);",
           "queue: a fiber puts, and*"),
    Defect("ring: who moves a home out does not look at its counters", "core/ring.c",
           "    look_at_both(r);\n    wf_word_unlock(&r->taking, 0);",
           "    wf_word_unlock(&r->taking, 0);", "queue: *fibers*"),
    Defect("ring: who gives up waits for his own home", "core/ring.c",
           "                           .lock = lock_to_leave,\n", "", "queue: *fibers*"),
    # ---- queue, all others
    Defect("queue: a put passes the getters by", "core/queue.c",
           "getter = rc == 0 ? serve(&value, &end) : NULL;", "getter = NULL;", "queue: newest*"),
    Defect("queue: a get leaves the putters in line", "core/queue.c",
           "putter = rc == 0 ? serve(&value, &end) : NULL;", "putter = NULL;", "queue: newest*"),
    Defect("queue: a close is taken for an item", "core/queue.c",
           "        seat->closed = true;\n", "        continue;\n", "queue: newest*"),
    Defect("queue: a close wakes nobody", "core/queue.c",
           "(seat = serve(&value, &end));)", "(seat = NULL);)", "queue: newest*"),
    Defect("queue: items are dropped by the close", "core/queue.c",
           "    q->closed = true;\n", "    q->closed = true;\n    q->length = 0;\n", "queue: newest*"),
    # ---- futures, groups, pools
    Defect("future: no second look before the line", "exec/future.c",
           "    bool done = (value & DONE) != 0;\n", "    bool done = false;\n", "future: *"),
    Defect("future: done before the result", "exec/future.c",
           "(wf_load(&f->word_, WF_ACQUIRE) & DONE)", "(wf_load(&f->word_, WF_RELAXED) & DONE)",
           "future: *"),
    Defect("future: the line is not woken", "exec/future.c",
           "    wf_word_unlock(&f->word_, value | flags);\n    wf_signal(woken);",
           "    wf_word_unlock(&f->word_, value | flags);", "future: *"),
    Defect("future: both ends report", "exec/future.c",
           "    bool done = (publish(f, ABANDONED) & DONE) != 0;",
           "    (void)publish(f, ABANDONED);\n    bool done = wf_future_done(f);", "future: *"),
    Defect("future: the ender of one that was started alone frees it too", "exec/future.c",
           "    else if (settle(f, code, reported))",
           "    else if (settle(f, code, reported), true)", "future: *"),
    Defect("future: who joins sees the end before the result", "exec/future.c",
           "wf_cas(&f->word_, &before, flags, WF_RELEASE)",
           "wf_cas(&f->word_, &before, flags, WF_RELAXED)", "future: *"),
    Defect("future: an end passes over the line", "exec/future.c",
           "before == 0 && wf_cas(&f->word_", "!(before & WF_BUSY) && wf_cas(&f->word_", "future: *"),
    Defect("future: who gets his parker late takes himself for the task", "exec/future.c",
           "    const struct wf_parker *self = wf_self();\n"
           "    return wf_load(&f->task.parker, WF_RELAXED) == self;",
           "    return wf_load(&f->task.parker, WF_RELAXED) == wf_self();", "future: *"),
    Defect("future: freed while the ender still needs it", "exec/future_memory.c",
           "    f->refs = 2;", "    f->refs = 1;", "future: *"),
    Defect("task: who cancels looks for the sleeper first", "core/current.c",
           "    wf_store(&task->cancelled, 1, WF_SEQ_CST); // see is_seen\n"
           "    struct wf_parker *parker = wf_load(&task->parker, WF_SEQ_CST);\n",
           "    struct wf_parker *parker = wf_load(&task->parker, WF_SEQ_CST);\n"
           "    wf_store(&task->cancelled, 1, WF_SEQ_CST);\n", "park: a request*"),
    Defect("task: its parker is seen late", "core/current.c",
           "wf_store(&task->parker, parker, WF_SEQ_CST);",
           "wf_store(&task->parker, parker, WF_RELAXED);", "park: a request*"),
    Defect("group: an end is not told", "exec/group.c",
           "    append(&group->ended, f);\n    weft_cond_broadcast(&group->change);",
           "    append(&group->ended, f);", "group: *"),
    Defect("map: a helper that is noted after a failure goes on", "exec/map.c",
           "    if (failed)\n        weft_cancel(f);\n", "", "map: *"),
    Defect("pool: nobody takes the place of one who waits", "exec/threads.c",
           "int rc = t->queued > 0 ? see_to_queue(t) : 0;", "int rc = 0;",
           "pool: a worker that waits*"),
    Defect("pool: a submit wakes nobody", "exec/threads.c",
           "    if (t->sleeping > 0)\n        weft_cond_signal(&t->work);\n", "", "pool: *"),
    Defect("pool: a submit that is refused keeps the room that it was called for", "exec/threads.c",
           "        weft_cond_signal(&t->room); // we were called for this place, and others wait for it\n",
           "", "pool: room*"),
    Defect("pool: close does not wait for what is queued", "exec/threads.c",
           "    while (t->unfinished > 0)\n"
           "        (void)wf_cond_wait(\"weft_pool_close\", &t->change, &t->mu, WEFT_FOREVER); // likewise\n", "",
           "pool: *"),
    # ---- loops of fibers
    Defect("loop: it looks into the inbox before it says that it sleeps", "exec/loop.c",
           "    wf_store(&loop->asleep, 1, WF_SEQ_CST); // see the top\n",
           "    bool empty = !wf_load(&loop->inbox, WF_SEQ_CST);\n"
           "    wf_store(&loop->asleep, empty, WF_SEQ_CST);\n"
           "    if (empty) {\n        const struct wf_timer *first = wf_timers_first(&loop->timers);\n"
           "        loop->engine->ops->look(loop->engine, first ? first->deadline : INT64_MAX);\n"
           "        wf_store(&loop->asleep, 0, WF_SEQ_CST);\n    }\n    empty_inbox(loop);\n"
           "    wake_expired(loop);\n    if (empty)\n        return;\n", "fiber: *"),
    Defect("loop: nobody rings", "exec/loop.c",
           "    wf_loop_ring(loop);\n    (void)wf_sub(&loop->senders", "    (void)wf_sub(&loop->senders",
           "fiber: *"),
    Defect("loop: a fiber of another thread is put into the run queue", "exec/loop.c",
           "    if (is_here(fiber->loop))\n        make_ready(fiber->loop, fiber);\n    else\n"
           "        send(fiber->loop, fiber);", "    make_ready(fiber->loop, fiber);", "fiber: *"),
    Defect("loop: an expired fiber goes on though it was woken", "exec/loop.c",
           "        if (!wf_park_give_up(&fiber->parker))\n"
           "            continue; // it was woken, and is on its way\n",
           "        (void)wf_park_give_up(&fiber->parker);\n", "fiber: *"),
    Defect("loop: freed while a sender rings", "exec/loop_life.c",
           "    for (unsigned round = 0; wf_load(&loop->senders, WF_ACQUIRE) > 0; round++)\n"
           "        wf_spin(round); // loop.c, send\n", "", "fiber: *"),
    Defect("loop: the inbox's release made relaxed", "exec/loop.c",
           "wf_cas(&loop->inbox, &first, fiber, WF_SEQ_CST)",
           "wf_cas(&loop->inbox, &first, fiber, WF_RELAXED)", "fiber: *"),
    Defect("loop: a stack is given back while it is used", "exec/loop.c",
           "    loop->ended = self;\n",
           "    wf_stack_give(&self->stack);\n", "fiber: *"),
    Defect("loop: it sleeps without a look at its timers", "exec/loop.c",
           "int64_t deadline = timer && timer->deadline < tidy ? timer->deadline : tidy;",
           "int64_t deadline = tidy;\n    (void)timer;", "timers: *"),
    Defect("loop: a busy one passes its timers by", "exec/loop.c",
           "    empty_inbox(loop);\n    wake_expired(loop);\n    loop->engine->ops->look(loop->engine, 0);",
           "    empty_inbox(loop);\n    loop->engine->ops->look(loop->engine, 0);", "timers: *"),
    Defect("loop: a wait leaves its timer behind", "exec/loop.c",
           "    wf_timer_end(&loop->timers, &self->timer);\n    if (self->io) {",
           "    if (self->io) {", "timers: *"),
    Defect("loop: a wait leaves with the engine what it asked for", "exec/loop.c",
           "        settle(self);\n", "", "fiber: *descriptor*"),
    Defect("loop: who was woken is made ready once more when it is told", "exec/loop.c",
           "    if (fiber->settles || wf_park_give_up(&fiber->parker))\n",
           "    (void)wf_park_give_up(&fiber->parker);\n", "fiber: *descriptor*"),
    Defect("timers: a sooner one does not rise", "exec/timers.c",
           "for (; at > 0 && timer->deadline < ", "for (; 0 && timer->deadline < ", "timers: *"),
    Defect("timers: the later child rises", "exec/timers.c",
           "heap[child + 1]->deadline < heap[child]->deadline",
           "heap[child + 1]->deadline > heap[child]->deadline", "timers: *"),
    Defect("timers: none sinks", "exec/timers.c",
           "        if (timer->deadline <= heap[child]->deadline)\n            break;",
           "        break;", "timers: *"),
    Defect("timers: who fills a gap does not rise from it", "exec/timers.c",
           "    if (at > 0 && last->deadline < timers->heap[(at - 1) / 2]->deadline)\n"
           "        sift_up(timers, at, last);\n    else\n        sift_down",
           "    sift_down", "timers: *"),
    Defect("timers: one that was ended may be ended again", "exec/timers.c",
           "    timer->place = WF_NO_TIMER;\n", "", "timers: *"),
    Defect("timers: who rises does not know its place", "exec/timers.c",
           "    timer->place = at;\n", "    if (at > 0)\n        timer->place = at;\n", "timers: *"),
    Defect("park: a fiber's sleep begins without a look at the token", "core/park.c",
           "    if (!lie_down(parker, PARKED)) {",
           "    wf_store(&parker->word, PARKED, WF_RELEASE);\n    if (0) {", "fiber: *"),
    Defect("park: a fiber is woken by two", "core/park.c",
           "wf_load(&parker->word, WF_RELAXED) == PARKED && wf_park_give_up(parker)",
           "wf_load(&parker->word, WF_RELAXED) == PARKED && (wf_park_give_up(parker), true)",
           "fiber: *"),
    Defect("exit: does not wait for started tasks", "exec/exit.c",
           "        else if (tasks() > own_tasks())\n"
           "            (void)wf_cond_wait(\"exit\", &state.fewer, &state.mu, WEFT_FOREVER); // shielded\n",
           "", "exit: *"),
    Defect("exit: no fence before a look at what fibers count", "exec/exit.c",
           "    wf_homes_fence();\n", "", "exit: waits*"),
    Defect("exit: what is over is counted last", "exec/exit.c",
           "    unsigned long over = wf_load(&state.over, WF_SEQ_CST) + wf_homes_over();\n"
           "    return (long)(wf_load(&state.begun, WF_SEQ_CST) + wf_homes_begun() - over);",
           "    unsigned long begun = wf_load(&state.begun, WF_SEQ_CST) + wf_homes_begun();\n"
           "    return (long)(begun - wf_load(&state.over, WF_SEQ_CST) - wf_homes_over());",
           "exit: waits*"),
    # ---- what processes share
    Defect("shared mutex: given back without a wake-up", "core/shared_mutex.c",
           "if (wf_exchange(&m->word_, 0, WF_RELEASE) & WAITED)",
           "if (wf_exchange(&m->word_, 0, WF_RELEASE) > UINT32_MAX)", "shared mutex: *"),
    Defect("shared mutex: given back relaxed", "core/shared_mutex.c",
           "wf_exchange(&m->word_, 0, WF_RELEASE)", "wf_exchange(&m->word_, 0, WF_RELAXED)",
           "shared mutex: *"),
    Defect("shared mutex: who slept forgets the others", "core/shared_mutex.c",
           "mine |= WAITED; // others", "mine |= 0; // others", "shared mutex: *"),
    Defect("shared mutex: taken from a living holder", "core/shared_mutex.c",
           "while (is_held(word) || !wf_cas(", "while (!wf_cas(", "shared mutex: *"),
    Defect("shared mutex: the dead keep it", "core/shared_mutex.c",
           "return word != 0 && wf_kin_lives(word >> SHIFT);", "return word != 0;",
           "shared mutex: *"),
    Defect("shared mutex: a death is reported to nobody", "core/shared_mutex.c",
           "*died = word != 0;", "*died = false;", "shared mutex: *"),
    Defect("shared: deaths are counted after the look", "core/shared.c",
           "        if (attempt(ctx, &nap))\n            break;\n        words[1].word",
           "        if (attempt(ctx, &nap))\n            break;\n"
           "        words[0].expected = wf_load(words[0].word, WF_ACQUIRE);\n        words[1].word",
           "shared *"),
    Defect("shared: who gives up keeps a wake-up", "core/shared.c",
           "if (rc < 0 && nap.slept_on)", "if (rc > 0 && nap.slept_on)", "shared *"),
    Defect("kin: a death wakes nobody", "core/kin.c",
           "    wf_futex_wake_some_shared(&kin->deaths, UINT32_MAX);", "", "shared *"),
    Defect("kin: told before it is so", "core/kin.c",
           "    wf_store(place_of(kin, number), 0, WF_RELEASE);\n    tell_death(kin);",
           "    tell_death(kin);\n    wf_store(place_of(kin, number), 0, WF_RELEASE);", "shared *"),
    Defect("shared semaphore: who slept forgets the others", "core/shared_sem.c",
           "| (slept ? WAITED : 0);", "| (slept ? 0 : 0);", "shared semaphore: *"),
    Defect("shared semaphore: the next one is not woken", "core/shared_sem.c",
           "if (slept && left >> SHIFT > 0)", "if (slept && left == 0)", "shared semaphore: *"),
    Defect("shared event: only the flag ends a wait", "core/shared_event.c",
           "if ((word & SET) || (word & ~(uint32_t)WAITED) != vigil->since)", "if (word & SET)",
           "shared event: *"),
    Defect("shared event: the set's release made relaxed", "core/shared_event.c",
           "while (!wf_cas(&e->word_, &word, after, WF_RELEASE)); // the last touch",
           "while (!wf_cas(&e->word_, &word, after, WF_RELAXED));", "shared event: *"),
    Defect("shared queue: the item is copied after it is counted", "core/shared_queue.c",
           "    copy(m, *passed);\n    m->is_over = !count(m, passed);",
           "    uint64_t at = *passed;\n    m->is_over = !count(m, passed);\n"
           "    (void)wf_load(&m->other->passed, WF_RELAXED);\n    copy(m, at);", "shared queue: *"),
    Defect("shared queue: no wake-up of the other side", "core/shared_queue.c",
           "    if (done && (passed & WAITED))", "    if (!done && (passed & WAITED))",
           "shared queue: *"),
    Defect("shared queue: who slept leaves the others", "core/shared_queue.c",
           "    if (m->slept)\n        leave_others", "    if (m->slept && m->is_over)\n        leave_others",
           "shared queue: *"),
    Defect("shared queue: closed, and nobody is woken", "core/shared_queue.c",
           "    wf_futex_wake_some_shared(wf_low_half(&side->passed), UINT32_MAX);", "",
           "shared queue: *"),
]


def plant(defect, folder):
    """The changed file, or why there is none."""
    text = (ROOT / "src" / defect.source).read_text()
    if text.count(defect.old) != 1:
        raise ValueError(f"stands {text.count(defect.old)} times in src/{defect.source}: "
                         + defect.old.strip().splitlines()[0])
    changed = folder / pathlib.Path(defect.source).name
    changed.write_text(text.replace(defect.old, defect.new))
    return changed


def explore(defect, args):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        begun = time.monotonic()
        program = folder / "explorer"
        subprocess.run(args.cc + args.cflags + ["-w", "-o", program, plant(defect, folder)]
                       + args.link + ["-lpthread"], check=True)
        built = time.monotonic()
        ran = subprocess.run(["prlimit", f"--cpu={BUDGET}", program, "--short", "--stop",
                              "--only", defect.scenarios],
                             capture_output=True, text=True, errors="replace",
                             timeout=10 * BUDGET)
        said = re.search(r"weft_explore: (.*)", ran.stderr)
        runs = sum(int(n) for n in re.findall(r" (\d+) runs", ran.stdout))
        # A defect may write where it should not, and end the explorer: but that must tell it.
        if ran.returncode not in (1, -signal.SIGSEGV, -signal.SIGBUS) or not said:
            raise ValueError("not found" if ran.returncode == 0
                             else f"status {ran.returncode}: {ran.stderr[-300:]}")
        return runs, time.monotonic() - built, said.group(1)


def attempt(defect, args):
    try:
        runs, seconds, said = explore(defect, args)
        return True, f"{defect.name} # {runs} runs, {seconds:.2f} s: {said[:150]}"
    except (ValueError, subprocess.SubprocessError) as error:
        return False, f"{defect.name} # {error}"


def main():
    parser = argparse.ArgumentParser()
    for name in ("--cc", "--cflags", "--link"):
        parser.add_argument(name, type=lambda text: text.split("|"), required=True)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    chosen = [d for d in DEFECTS if args.only in d.name]
    print(f"1..{len(chosen)}")
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as workers:
        found = workers.map(lambda d: attempt(d, args), chosen)
        for number, (good, text) in enumerate(found, 1):
            failed += not good
            print(f"{'ok' if good else 'not ok'} {number} - {text}", flush=True)
    print(f"# {len(chosen) - failed} of {len(chosen)} planted defects found", file=sys.stderr)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
