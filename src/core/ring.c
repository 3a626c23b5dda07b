// SPDX-License-Identifier: MIT
// ring.c - see ring.h. Two counters, tail and head, each written by one end alone (as in Lamport's
// ring for one producer and one consumer, 1977), and a word for each end.
//
// Who puts holds `word_`, who gets holds `taking`; whoever needs both takes `taking` first. The
// line is the word's, so who waits, and who ends a wait, has `word_`. While both are free:
//
//     a getter is in line  ->  the ring is empty          (a put hands its item to the first)
//     a putter is in line  ->  it is full, putters_wait   (a get with that set takes the word too,
//                                                          and puts the first one's item in)
//
// So getters and putters are never in line together. To stand in line needs both words and another
// look: no item, and no room, can come between the look and the line. A putter that gave up leaves
// putters_wait behind; the next get clears it.
//
// Who gets the last item may free the queue at once, while the one who put it has yet to let go of
// the word: for the counter says that the item is there, and comes before. So what is seen of the
// other end counts only if that end is not busy afterwards: then whoever wrote it has had his last
// touch. Else both words are taken, and there is nobody to wait for. (A putter could not wait for
// `taking` to be let go: who has it may be waiting for his word.) And a getter that has both lets
// go of `taking` last: the next one may get the last item with that word alone.
//
// Where the fibers of one loop alone put and get, both words stay taken, in the name of their home
// (home.h): they need no locked instruction, and only the two counters count. Whoever finds a word
// taken looks whether that is why; then he takes the home's name out, has both words, and lets go
// of them: `lock` does. So does whoever gives up his wait, be he of the home or in line before it
// was one: at home the line changes without a word.
#include "core/ring.h"

#include <errno.h>
#include <string.h>

enum { GETTER, PUTTER };
enum { AT_HOME = 2, HELD = WF_BUSY | AT_HOME }; // in both words: in its home's name
enum { OFTEN = 256 }; // items, after which a fiber that never had to wait lets others run

// One in line.
struct seat {
    struct weft_waiter node; // first; its kind: GETTER or PUTTER
    void *item;              // where to, or where from
    bool closed;             // signalled because the queue was closed
};

// In the child of a fork it is empty: its items belong to tasks not here.
static void adopt(struct wf_ring *r)
{
    if (!wf_adopt_begin(&r->fork_))
        return;
    wf_store(&r->word_, 0, WF_RELAXED);
    wf_store(&r->taking, 0, WF_RELAXED);
    wf_store(&r->tail, 0, WF_RELAXED);
    wf_store(&r->head, 0, WF_RELAXED);
    wf_store(&r->head_seen, 0, WF_RELAXED);
    wf_store(&r->tail_seen, 0, WF_RELAXED);
    wf_store(&r->home, NULL, WF_RELAXED);
    r->tail_at = r->head_at = 0;
    r->putters_wait = false;
    wf_adopt_end(&r->fork_);
}

static inline void adopt_if_forked(struct wf_ring *r)
{
    if (wf_is_stale(r))
        adopt(r);
}

// ---- the two ends -----------------------------------------------------------------------

// Most items are a pointer or a number.
static inline void copy(const struct wf_ring *r, void *to, const void *from)
{
    if (r->item_size == sizeof(void *))
        memcpy(to, from, sizeof(void *));
    else
        memcpy(to, from, r->item_size);
}

static inline unsigned char *take_slot(const struct wf_ring *r, size_t *at)
{
    unsigned char *slot = r->slots + *at * r->item_size;
    *at = *at + 1 < r->capacity ? *at + 1 : 0;
    return slot;
}

// Each by who has its end.
static inline size_t tail_of(const struct wf_ring *r)
{
    return wf_load(&r->tail, WF_RELAXED);
}

static inline size_t head_of(const struct wf_ring *r)
{
    return wf_load(&r->head, WF_RELAXED);
}

static inline void push(struct wf_ring *r, const void *item)
{
    copy(r, take_slot(r, &r->tail_at), item);
    wf_store(&r->tail, tail_of(r) + 1, WF_RELEASE); // pairs with look_at
}

static inline void pop(struct wf_ring *r, void *item)
{
    copy(r, item, take_slot(r, &r->head_at));
    wf_store(&r->head, head_of(r) + 1, WF_RELEASE); // pairs with look_at
}

// As far as was seen. Without the word, a guess.
static inline bool is_full(const struct wf_ring *r)
{
    return tail_of(r) - wf_load(&r->head_seen, WF_RELAXED) == r->capacity;
}

static inline bool is_empty(const struct wf_ring *r)
{
    return head_of(r) == wf_load(&r->tail_seen, WF_RELAXED);
}

// See the other end's counter, if whoever wrote it has let go of his word. Else take both words.
static inline void look_at(const size_t *counter, const uintptr_t *word, size_t *seen)
{
    size_t now = wf_load(counter, WF_ACQUIRE);
    if (!(wf_load(word, WF_ACQUIRE) & WF_BUSY))
        wf_store(seen, now, WF_RELAXED);
}

static void look_at_both(struct wf_ring *r)
{
    wf_store(&r->head_seen, head_of(r), WF_RELAXED);
    wf_store(&r->tail_seen, tail_of(r), WF_RELAXED);
}

// What the word would be if its home did not hold it.
static inline uintptr_t home_value(const struct wf_ring *r)
{
    return wf_load(&r->word_, WF_RELAXED) & ~(uintptr_t)HELD;
}

// Its home had both words: now the caller has them, and lets go of them.
static void move_out(struct wf_ring *r)
{
    if (!wf_home_evict(&r->home))
        return; // another did, and will let go of them
    look_at_both(r);
    wf_word_unlock(&r->taking, 0);
    wf_word_unlock(&r->word_, home_value(r));
}

__attribute__((noinline)) static uintptr_t lock_slowly(struct wf_ring *r, uintptr_t *word)
{
    uintptr_t value = wf_load(word, WF_RELAXED);
    for (unsigned round = 0;; value = wf_load(word, WF_RELAXED)) {
        if (!(value & WF_BUSY) && wf_cas(word, &value, value | WF_BUSY, WF_ACQUIRE))
            return value;
        if ((value & AT_HOME) && wf_load(&r->home, WF_RELAXED))
            move_out(r);
        else if ((value & WF_BUSY) && wf_load(word, WF_RELAXED) == value)
            wf_spin(round++); // whoever moves it out, or has the word, is at it
    }
}

static inline uintptr_t lock(struct wf_ring *r, uintptr_t *word)
{
    uintptr_t value = wf_load(word, WF_RELAXED);
    bool ours = !(value & WF_BUSY) && wf_cas(word, &value, value | WF_BUSY, WF_ACQUIRE);
    return __builtin_expect(ours, 1) ? value : lock_slowly(r, word);
}

// The value of the word.
static uintptr_t lock_both(struct wf_ring *r)
{
    (void)lock(r, &r->taking);
    uintptr_t value = lock(r, &r->word_);
    look_at_both(r);
    return value;
}

// The last touch, but for whoever is in line; then the taken ones are signalled.
static void unlock_both(struct wf_ring *r, uintptr_t value, struct weft_waiter *taken)
{
    wf_word_unlock(&r->taking, 0);
    wf_word_unlock(&r->word_, value);
    wf_signal(taken);
}

// At home, where nobody locks: the last touch.
static inline void leave_home(struct wf_ring *r, struct wf_home *home, uintptr_t value)
{
    wf_store(&r->word_, value | HELD, WF_RELAXED);
    wf_home_leave(home);
}

// ---- the line ---------------------------------------------------------------------------

static inline bool is_getters(uintptr_t value)
{
    const struct weft_waiter *first = wf_line_first(value);
    return first && first->kind == GETTER;
}

// The first in line who does not give up: it is to be signalled. NULL: there is none.
static inline struct seat *serve(uintptr_t *value, struct weft_waiter ***end)
{
    return (struct seat *)(void *)wf_line_serve(value, end);
}

// Since a moment ago, perhaps.
static bool is_at_home(const struct wf_ring *r)
{
    const struct wf_home *home = wf_load(&r->home, WF_RELAXED);
    return home && home == wf_home_here();
}

// To give up a wait. Where its own home had the ring, it may have it again soon.
static uintptr_t lock_to_leave(const void *ring)
{
    struct wf_ring *r = (void *)(uintptr_t)ring; // a wait only names it
    bool had_it = is_at_home(r);
    uintptr_t value = lock(r, &r->word_);
    if (had_it)
        wf_store(&r->settles, WF_RING_SETTLES, WF_RELAXED);
    return value;
}

// With both words, or at home; they are let go. 0, -EPIPE, or why the wait was given up.
static int wait_in_line(struct wf_ring *r, struct wf_home *home, uintptr_t value, int kind,
                        void *item, weft_time deadline)
{
    struct seat seat;
    wf_waiter_begin(&seat.node, kind);
    seat.item = item;
    seat.closed = false;
    struct wf_wait wait = {.what = kind == PUTTER ? "weft_put" : "weft_get",
                           .object = r,
                           .lock = lock_to_leave,
                           .fd = WF_NO_FD,
                           .stops = true};
    if (kind == PUTTER)
        r->putters_wait = true;
    value = wf_line_append(value, &seat.node);
    if (home)
        leave_home(r, home, value);
    else
        unlock_both(r, value, NULL);
    int rc = wf_line_wait(&r->word_, &seat.node, &wait, deadline, 0);
    return rc == 0 && seat.closed ? -EPIPE : rc;
}

// ---- whose it is ------------------------------------------------------------------------

// Before a put. The caller's home, if it has the ring from now on, and he is inside; or NULL. What
// is guessed wrong here costs whoever comes next the moving out.
__attribute__((noinline)) static struct wf_home *settle(struct wf_ring *r)
{
    adopt_if_forked(r);
    struct wf_home *home = wf_home_here(), *before = wf_load(&r->seen, WF_RELAXED);
    uint32_t left = wf_load(&r->settles, WF_RELAXED); // 0: somebody has decided it just now
    bool alone = home && (!before || before == home) && left > 0;
    uint32_t more = alone ? left - 1 : 0;
    wf_store(&r->seen, home, WF_RELAXED);
    wf_store(&r->settles, more, WF_RELAXED);
    if (more > 0 || !alone)
        return NULL;
    uintptr_t value = lock_both(r);
    if (wf_load(&r->closed, WF_RELAXED)) {
        unlock_both(r, value, NULL);
        return NULL;
    }
    wf_home_settle(home, &r->home);
    wf_store(&r->taking, HELD, WF_RELEASE); // after the name, which lock_slowly looks for then
    wf_store(&r->word_, value | HELD, WF_RELEASE);
    return home;
}

// ---- before a wait ----------------------------------------------------------------------

// Guesses, without a word.
static size_t items(const void *ring)
{
    const struct wf_ring *r = ring;
    size_t length = wf_load(&r->tail, WF_RELAXED) - wf_load(&r->head, WF_RELAXED);
    return length == 0 && wf_load(&r->closed, WF_RELAXED) ? 1 : length;
}

static size_t places(const void *ring)
{
    const struct wf_ring *r = ring;
    return wf_load(&r->closed, WF_RELAXED) ? 1 : r->capacity - items(ring);
}

// Who would not be the first to wait is better off in line.
__attribute__((noinline)) static void linger(struct wf_ring *r, struct wf_lingering *l,
                                             wf_arrived *arrived)
{
    if (arrived(r) == 0 && !wf_line_first(wf_load(&r->word_, WF_RELAXED)))
        wf_linger(l, arrived, r);
}

// ---- put and get ------------------------------------------------------------------------

static inline size_t length_of(const struct wf_ring *r)
{
    return tail_of(r) - head_of(r);
}

__attribute__((noinline)) static int let_others_run(void)
{
    wf_go_on(OFTEN);
    return 0;
}

// From inside its home, and in there again; or NULL. Who only looks may look again and again.
static inline struct wf_home *let_others_run_first(struct wf_ring *r, struct wf_home *home,
                                                   weft_time deadline)
{
    wf_home_leave(home);
    if (deadline.ns == WEFT_POLL.ns)
        wf_go_on(OFTEN);
    else
        (void)wf_give_way();
    return wf_home_enter(&r->home);
}

// A seat holds what comes and what goes; this is only read.
static void *for_seat(const void *item)
{
    return (void *)(uintptr_t)item;
}

// With the word: 0, -EPIPE, or -EAGAIN, full. A getter in line is taken out, to be signalled.
static inline int try_put(struct wf_ring *r, uintptr_t *value, const void *item,
                          struct weft_waiter **taken)
{
    if (r->closed)
        return -EPIPE;
    struct seat *getter = is_getters(*value) ? serve(value, &taken) : NULL;
    if (getter) {
        copy(r, getter->item, item);
        return 0;
    }
    if (wf_line_first(*value) || is_full(r))
        return -EAGAIN;
    push(r, item);
    return 0;
}

static int put_slowly(struct wf_ring *r, const void *item, weft_time deadline)
{
    struct weft_waiter *taken = NULL;
    uintptr_t value = lock_both(r);
    int rc = try_put(r, &value, item, &taken);
    if (rc == -EAGAIN)
        return wait_in_line(r, NULL, value, PUTTER, for_seat(item), deadline);
    unlock_both(r, value, taken);
    return rc;
}

__attribute__((noinline)) static int put_shared(struct wf_ring *r, const void *item,
                                                weft_time deadline)
{
    adopt_if_forked(r);
    if (is_full(r) && deadline.ns != WEFT_POLL.ns)
        linger(r, &r->putting, places);
    if (is_at_home(r)) // since it gave way
        return wf_ring_put(r, item, deadline);
    struct weft_waiter *taken = NULL;
    uintptr_t value = lock(r, &r->word_);
    if (is_full(r))
        look_at(&r->head, &r->taking, &r->head_seen);
    int rc = try_put(r, &value, item, &taken);
    bool often = tail_of(r) % OFTEN == 0;
    wf_word_unlock(&r->word_, value);
    if (rc == -EAGAIN)
        return put_slowly(r, item, deadline);
    wf_signal(taken);
    if (__builtin_expect(often, 0))
        wf_go_on(OFTEN);
    return rc;
}

// Where somebody is in line, or has to be.
__attribute__((noinline)) static int put_slowly_at_home(struct wf_ring *r, struct wf_home *home,
                                                        const void *item, weft_time deadline)
{
    struct weft_waiter *taken = NULL;
    uintptr_t value = home_value(r);
    wf_store(&r->head_seen, head_of(r), WF_RELAXED);
    int rc = try_put(r, &value, item, &taken);
    if (rc == -EAGAIN && deadline.ns != WEFT_POLL.ns)
        return wait_in_line(r, home, value, PUTTER, for_seat(item), deadline);
    leave_home(r, home, value);
    wf_signal(taken);
    return rc == -EAGAIN ? -ETIMEDOUT : rc;
}

// Inside its home: it was done, and *often is set, or there is no room, or it takes more.
static inline bool put_at_once(struct wf_ring *r, struct wf_home *home, const void *item,
                               bool *often)
{
    if (length_of(r) == r->capacity || home_value(r) != 0)
        return false;
    push(r, item);
    *often = tail_of(r) % OFTEN == 0;
    wf_home_leave(home);
    return true;
}

// The same once others of its home have run; or somebody came meanwhile.
__attribute__((noinline)) static int put_after_others(struct wf_ring *r, struct wf_home *home,
                                                      const void *item, weft_time deadline)
{
    bool often;
    if (length_of(r) == r->capacity)
        home = let_others_run_first(r, home, deadline);
    if (!home)
        return put_shared(r, item, deadline);
    return put_at_once(r, home, item, &often) ? 0 : put_slowly_at_home(r, home, item, deadline);
}

int wf_ring_put(struct wf_ring *r, const void *item, weft_time deadline)
{
    bool often;
    bool decided = __builtin_expect(wf_load(&r->settles, WF_RELAXED) == 0, 1);
    struct wf_home *home = decided ? wf_home_enter(&r->home) : settle(r);
    if (!home)
        return put_shared(r, item, deadline);
    if (!put_at_once(r, home, item, &often))
        return put_after_others(r, home, item, deadline);
    return __builtin_expect(often, 0) ? let_others_run() : 0;
}

// With both words, or at home: 0, -EPIPE, or -EAGAIN, empty. A putter in line whose item has a
// place now is taken out, to be signalled.
static inline int try_get(struct wf_ring *r, uintptr_t *value, void *item,
                          struct weft_waiter ***end)
{
    if (is_empty(r))
        return wf_load(&r->closed, WF_RELAXED) ? -EPIPE : -EAGAIN;
    pop(r, item);
    struct seat *putter = serve(value, end);
    if (putter) {
        wf_store(&r->head_seen, head_of(r), WF_RELAXED);
        push(r, putter->item);
    }
    r->putters_wait = wf_line_first(*value) != NULL;
    return 0;
}

// With `taking`, where there is no item, or a putter may be in line.
static int get_slowly(struct wf_ring *r, void *item, weft_time deadline)
{
    struct weft_waiter *taken = NULL, **end = &taken;
    uintptr_t value = lock(r, &r->word_);
    look_at_both(r);
    int rc = try_get(r, &value, item, &end);
    if (rc == -EAGAIN)
        return wait_in_line(r, NULL, value, GETTER, item, deadline);
    bool often = head_of(r) % OFTEN == 0;
    wf_word_unlock(&r->word_, value);
    wf_word_unlock(&r->taking, 0); // the last touch: what is left is for whoever gets in by it
    wf_signal(taken);
    if (often)
        wf_go_on(OFTEN);
    return rc;
}

__attribute__((noinline)) static int get_shared(struct wf_ring *r, void *item, weft_time deadline)
{
    adopt_if_forked(r);
    if (is_empty(r) && deadline.ns != WEFT_POLL.ns)
        linger(r, &r->getting, items);
    if (is_at_home(r)) // since it gave way
        return wf_ring_get(r, item, deadline);
    (void)lock(r, &r->taking);
    if (is_empty(r))
        look_at(&r->tail, &r->word_, &r->tail_seen);
    if (is_empty(r) || r->putters_wait)
        return get_slowly(r, item, deadline);
    pop(r, item);
    bool often = head_of(r) % OFTEN == 0;
    wf_word_unlock(&r->taking, 0);
    if (__builtin_expect(often, 0))
        wf_go_on(OFTEN);
    return 0;
}

__attribute__((noinline)) static int get_slowly_at_home(struct wf_ring *r, struct wf_home *home,
                                                        void *item, weft_time deadline)
{
    struct weft_waiter *taken = NULL, **end = &taken;
    uintptr_t value = home_value(r);
    wf_store(&r->tail_seen, tail_of(r), WF_RELAXED);
    int rc = try_get(r, &value, item, &end);
    if (rc == -EAGAIN && deadline.ns != WEFT_POLL.ns)
        return wait_in_line(r, home, value, GETTER, item, deadline);
    leave_home(r, home, value);
    wf_signal(taken);
    return rc == -EAGAIN ? -ETIMEDOUT : rc;
}

// Inside its home: it was done, and *often is set, or there is no item, or it takes more.
static inline bool get_at_once(struct wf_ring *r, struct wf_home *home, void *item, bool *often)
{
    if (length_of(r) == 0 || r->putters_wait)
        return false;
    pop(r, item);
    *often = head_of(r) % OFTEN == 0;
    wf_home_leave(home);
    return true;
}

// The same once others of its home have run; or somebody came meanwhile.
__attribute__((noinline)) static int get_after_others(struct wf_ring *r, struct wf_home *home,
                                                      void *item, weft_time deadline)
{
    bool often;
    if (length_of(r) == 0)
        home = let_others_run_first(r, home, deadline);
    if (!home)
        return get_shared(r, item, deadline);
    return get_at_once(r, home, item, &often) ? 0 : get_slowly_at_home(r, home, item, deadline);
}

int wf_ring_get(struct wf_ring *r, void *item, weft_time deadline)
{
    bool often;
    struct wf_home *home = wf_home_enter(&r->home);
    if (!home)
        return get_shared(r, item, deadline);
    if (!get_at_once(r, home, item, &often))
        return get_after_others(r, home, item, deadline);
    return __builtin_expect(often, 0) ? let_others_run() : 0;
}

void wf_ring_close(struct wf_ring *r)
{
    adopt_if_forked(r);
    struct weft_waiter *taken = NULL, **end = &taken;
    uintptr_t value = lock_both(r);
    wf_store(&r->closed, true, WF_RELAXED);
    for (struct seat *seat; (seat = serve(&value, &end));)
        seat->closed = true;
    unlock_both(r, value, taken);
}

size_t wf_ring_length(struct wf_ring *r)
{
    adopt_if_forked(r);
    if (wf_load(&r->home, WF_RELAXED)) { // whoever only asks does not move them out
        size_t head = wf_load(&r->head, WF_ACQUIRE);
        size_t length = wf_load(&r->tail, WF_ACQUIRE) - head;
        return length < r->capacity ? length : r->capacity;
    }
    uintptr_t value = lock_both(r);
    size_t length = length_of(r);
    unlock_both(r, value, NULL);
    return length;
}
