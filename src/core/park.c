// SPDX-License-Identifier: MIT
// park.c - the one place where a task waits.
//
// The park word has five values:
//
//     EMPTY    nothing            -> wf_unpark: TOKEN          -> owner: ASLEEP, RINGING, PARKED
//     TOKEN    a wake-up waits    -> wf_unpark: TOKEN          -> owner: EMPTY
//     ASLEEP   sleeps on the word, and perhaps on a shared one  -> wf_unpark: TOKEN + futex
//                                                              -> owner: EMPTY
//     RINGING  sleeps in ppoll    -> wf_unpark: TOKEN + bell   -> owner: EMPTY
//     PARKED   sleeps as `parking` does (a fiber)  -> wf_unpark: EMPTY or TOKEN, + wake
//                                                              -> its loop: EMPTY
//
// No wake-up is lost: wf_unpark's exchange comes either before the owner's step out of EMPTY, which
// then fails and finds the token, or after it, and then it sees that the owner sleeps and wakes it;
// the futex compares the word again under its own lock. What the waker wrote before wf_unpark is
// seen by the owner after wf_park: release in the one, acquire in the other.
//
// The bell is an eventfd that only a parker with a descriptor to watch needs. One sleep gets at
// most one ring, by whoever turned RINGING into TOKEN; the owner that finds TOKEN takes that ring
// before it goes on. So nobody rings a bell that was closed, or one that has become another file.
//
// The word tells the waker which kind of sleep it is, and not the parker's fields: a sleeper that
// its deadline ends at the same moment may be gone, and its parker another's. PARKED is the
// exception that proves it: its sleeper does not go on before who turned the word has called
// `wake`, so `parking` is there to be read. For the same reason it needs no token: that it goes on
// says all, and what the waker wrote is seen by way of `wake`, a queue of one thread or an inbox.
// A token that is there when it goes on came later, and is for its next sleep.
//
// We thought of a condition variable per task: a second lock at each wake-up, and no descriptors.
#include "core/park.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "core/lookout.h"
#include "core/misuse.h"
#include "core/trace.h"
#include "os/atomic.h"
#include "os/futex.h"
#include "os/poll.h"

enum { EMPTY, TOKEN, ASLEEP, RINGING, PARKED = WF_PARKED };

static bool take_token(struct wf_parker *parker)
{
    if (wf_load(&parker->word, WF_RELAXED) != TOKEN)
        return false;
    uint32_t token = TOKEN;
    return wf_cas(&parker->word, &token, EMPTY, WF_ACQUIRE); // pairs with wf_unpark
}

static bool lie_down(struct wf_parker *parker, uint32_t how)
{
    uint32_t empty = EMPTY;
    // release: the waker's exchange acquires it, and then may use the bell that we made
    return wf_cas(&parker->word, &empty, how, WF_ACQ_REL);
}

// True: a token had come, and it is taken.
static bool get_up(struct wf_parker *parker)
{
    return wf_exchange(&parker->word, EMPTY, WF_ACQUIRE) == TOKEN; // pairs with wf_unpark
}

static int end_sleep(struct wf_parker *parker, int rc)
{
    return get_up(parker) || rc != -ETIMEDOUT ? 0 : -ETIMEDOUT;
}

static int park_on_word(struct wf_parker *parker, weft_time deadline)
{
    int rc = 0;
    if (lie_down(parker, ASLEEP))
        while (rc != -ETIMEDOUT && wf_load(&parker->word, WF_RELAXED) == ASLEEP)
            rc = wf_futex_wait(&parker->word, ASLEEP, deadline.ns);
    return end_sleep(parker, rc);
}

// Where the kernel cannot sleep on several words, the others are looked at now and then.
static int sleep_without(struct wf_parker *parker, weft_time deadline)
{
    weft_time slice = weft_sooner(deadline, weft_after_ms(WF_SLICE_MS));
    int rc = wf_futex_wait(&parker->word, ASLEEP, slice.ns);
    return slice.ns < deadline.ns ? 0 : rc;
}

static int park_on_words(struct wf_parker *parker, const struct wf_wait *wait, weft_time deadline)
{
    struct wf_futex_one all[1 + WF_WAIT_WORDS] = {{&parker->word, ASLEEP, false}};
    memcpy(all + 1, wait->words, wait->word_count * sizeof *all);
    int rc = 0;
    if (lie_down(parker, ASLEEP)) {
        rc = wf_futex_wait_any(all, 1 + wait->word_count, deadline.ns);
        if (rc == -ENOSYS)
            rc = sleep_without(parker, deadline);
    }
    return end_sleep(parker, rc);
}

// Who only looks need not be woken.
static int look_once(const struct wf_wait *wait)
{
    return wait->fd == WF_NO_FD ? -ETIMEDOUT : wf_poll_alone(wait->fd, wait->events, 0);
}

static int park_on_descriptor(struct wf_parker *parker, const struct wf_wait *wait,
                              weft_time deadline)
{
    if (parker->bell < 0 && deadline.ns == WEFT_POLL.ns) // and needs no descriptor for that
        return look_once(wait);
    if (parker->bell < 0) {
        int bell = wf_bell_new();
        if (bell < 0)
            return bell;
        parker->bell = bell;
    }
    if (!lie_down(parker, RINGING)) {
        (void)get_up(parker); // the token that came first
        return 0;
    }
    int rc = wf_poll(wait->fd, wait->events, parker->bell, deadline.ns);
    if (get_up(parker)) {
        wf_bell_answer(parker->bell);
        return rc > 0 ? rc : 0;
    }
    return rc == -EINTR ? 0 : rc;
}

static int park_otherwise(struct wf_parker *parker, const struct wf_wait *wait, weft_time deadline)
{
    if (!lie_down(parker, PARKED)) {
        (void)get_up(parker); // the token that came first
        return 0;
    }
    int rc = parker->parking->lie_down(parker, wait, deadline);
    return rc == -ETIMEDOUT && take_token(parker) ? 0 : rc;
}

// A fiber cannot sleep on a word: somebody does so for it.
static int park_by_lookout(struct wf_parker *parker, const struct wf_wait *wait, weft_time deadline)
{
    struct wf_lookout lookout;
    weft_time until = wf_lookout_begin(&lookout, parker, wait)
                          ? deadline
                          : weft_sooner(deadline, weft_after_ms(WF_SLICE_MS));
    int rc = park_otherwise(parker, wait, until);
    wf_lookout_end(&lookout);
    return until.ns < deadline.ns ? 0 : rc;
}

bool wf_transfers(void)
{
    const struct wf_parker *parker = wf_self();
    return parker->parking && parker->parking->transfers(parker);
}

bool wf_sleeps_on_words(void)
{
    return !wf_self()->parking && wf_futex_can_wait_any();
}

bool wf_park_give_up(struct wf_parker *parker)
{
    uint32_t parked = PARKED;
    return wf_cas(&parker->word, &parked, EMPTY, WF_ACQUIRE);
}

int wf_park(const struct wf_wait *wait, weft_time deadline)
{
    struct wf_parker *parker = wf_self();
    if (take_token(parker))
        return 0;
    if (deadline.ns == WEFT_POLL.ns && wf_stays())
        return look_once(wait);
    if (parker->parking)
        return wait->word_count > 0 ? park_by_lookout(parker, wait, deadline)
                                    : park_otherwise(parker, wait, deadline);
    if (wait->word_count > 0)
        return park_on_words(parker, wait, deadline);
    if (wait->fd == WF_NO_FD)
        return park_on_word(parker, deadline);
    return park_on_descriptor(parker, wait, deadline);
}

void wf_unpark(struct wf_parker *parker)
{
    if (wf_traced())
        wf_trace_wakes(parker);
    if (wf_load(&parker->word, WF_RELAXED) == PARKED && wf_park_give_up(parker)) {
        parker->parking->wake(parker);
        return;
    }
    // release: pairs with the owner's acquire; acquire: the bell, see lie_down
    uint32_t was = wf_exchange(&parker->word, TOKEN, WF_ACQ_REL);
    if (was == ASLEEP)
        wf_futex_wake(&parker->word);
    else if (was == RINGING)
        wf_bell_ring(parker->bell);
    else if (was == PARKED) // it lay down since; the token stays, for its next sleep
        parker->parking->wake(parker);
}

// ---- around a wait ----------------------------------------------------------------------

static bool host_cares(const struct wf_parker *parker, const struct wf_wait *wait)
{
    // id 0: the worker itself waits, for a task to do
    return parker->host && wf_current()->id != 0 && !wait->passes;
}

int wf_wait_begin_told(struct wf_wait *wait)
{
    struct wf_parker *parker = wf_self();
    if (parker->telling) // the host's own lock was taken: no news for the host
        return 0;
    if (wf_traced())
        wf_trace_waits(parker, wait);
    if (wf_noting)
        wf_note_wait(wait);
    if (wf_checking && wait->owner)
        wf_check_deadlock(wait);
    if (!host_cares(parker, wait))
        return 0;
    parker->telling = true;
    int rc = parker->host->blocked(parker->pool, wait);
    parker->telling = false;
    return rc;
}

void wf_wait_end_told(struct wf_wait *wait)
{
    struct wf_parker *parker = wf_self();
    if (parker->telling)
        return;
    if (wf_noting)
        wf_note_wait(NULL);
    if (wf_traced())
        wf_trace_goes_on(parker, wait);
    if (!host_cares(parker, wait))
        return;
    parker->telling = true;
    parker->host->unblocked(parker->pool);
    parker->telling = false;
}

int wf_wait_fd(const char *what, int fd, short events, weft_time deadline, const uint32_t *again)
{
    int rc = wf_interrupted();
    if (rc < 0)
        return rc;
    struct wf_wait wait = {.what = what, .fd = fd, .events = events, .stops = true};
    rc = wf_wait_begin(&wait);
    while (rc == 0 && (rc = wf_interrupted()) == 0) {
        if (again && wf_load(again, WF_ACQUIRE) != 0)
            break;
        rc = wf_park(&wait, wf_patience(deadline));
    }
    wf_wait_end(&wait);
    return rc > 0 && (rc & POLLNVAL) ? -EBADF : rc;
}
