// SPDX-License-Identifier: MIT
// member.c - tasks into the slots of a worker's channel, and results out of them.
#include "exec/member.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "core/trace.h"
#include "exec/ends.h"
#include "os/carry.h"
#include "os/futex.h"
#include "os/prefetch.h"

static struct wf_slot *slot_at(const struct wf_member *m, uint32_t at)
{
    return &m->channel->slots[at % WF_SLOTS];
}

static struct wf_sent *sent_at(struct wf_member *m, uint32_t at)
{
    return &m->sent[at % WF_SLOTS];
}

// ---- a task goes in ---------------------------------------------------------------------

static void put_argument(const struct wf_member *m, char *at, const weft_future *f)
{
    const struct weft_task *what = f->what;
    memcpy(at + m->layout.arg_at, f->arg, what->arg_size);
    if (what->result_size > 0)
        memset(at + m->layout.result_at, 0, what->result_size);
}

// The descriptors go before, so that they are there when the slot is seen. 0 or -errno.
static int send_descriptors(const struct wf_member *m, struct wf_slot *slot, const weft_future *f,
                            int parcel)
{
    struct wf_carry message = {.bytes = &slot->serial, .size = sizeof slot->serial};
    if (parcel >= 0)
        message.fds[message.count++] = parcel;
    message.count += wf_ends_collect(f->what, f->arg, message.fds + message.count);
    slot->count = (uint16_t)message.count;
    slot->serial = (uint16_t)m->tail;
    return message.count > 0 ? wf_carry_send(m->process->socket, &message, false) : 0;
}

static void forget_parcel(struct wf_sent *sent, const struct weft_task *what)
{
    if (sent->parcel)
        wf_parcel_free(sent->parcel, wf_layout_of(what).size);
    sent->parcel = NULL;
}

// True: it sleeps, and is ours to wake.
static bool take_sleeper(struct wf_channel *c)
{
    return wf_load(&c->asleep, WF_SEQ_CST) != 0 && wf_exchange(&c->asleep, 0, WF_SEQ_CST) != 0;
}

// A process keeps its place in memory: what was asked once need not be asked again.
static uint64_t there(struct wf_member *m, const struct weft_task *what)
{
    if (m->what == what)
        return m->there;
    m->there = wf_family_there(what, what->name);
    m->layout = wf_layout_of(what);
    m->what = m->there != 0 ? what : NULL;
    return m->there;
}

// The worker was there last. To have the lines of a small task back takes longer than all else
// here, so it begins two tasks before: with one, it is not over by then, and a worker that keeps up
// takes away again what is fetched earlier.
static void fetch_next(const struct wf_member *m)
{
    enum { AHEAD = 2 };
    const struct wf_slot *slot = slot_at(m, m->tail + AHEAD);
    wf_prefetch_to_write(slot);
    wf_prefetch_to_write((const char *)slot + WF_SLOT_ALIGN);
}

// It is dead, as the keeper will hear; or a task has closed its socket, among all that was open.
static bool is_deaf(int rc)
{
    return rc == -EPIPE || rc == -ECONNRESET || rc == -ENOTCONN;
}

// Its socket is full of descriptors for tasks before, or too many are under way: that will pass.
// All else is the task's own fault, or will not pass.
static int refuse(const struct weft_task *what, int rc)
{
    if (is_deaf(rc))
        return -EPIPE;
    return rc == -EAGAIN || rc == -ETOOMANYREFS
               ? -EAGAIN
               : weft_fail(rc, "%s: its descriptors cannot be sent: %s", what->name, strerror(-rc));
}

// Where it does not fit into the slot, or has descriptors.
__attribute__((noinline)) static int pack_more(struct wf_member *m, struct wf_slot *slot,
                                               struct wf_sent *sent, const weft_future *f)
{
    const struct weft_task *what = f->what;
    int parcel = -1;
    char *at = (char *)slot;
    if (!m->layout.fits) {
        at = sent->parcel = wf_parcel_new(m->layout.size, &parcel);
        if (!at)
            return weft_fail(parcel, "%s: its argument of %zu bytes: %s", what->name,
                             what->arg_size, strerror(-parcel));
    }
    put_argument(m, at, f);
    int rc = send_descriptors(m, slot, f, parcel);
    if (parcel >= 0)
        (void)close(parcel);
    if (rc < 0) {
        forget_parcel(sent, what);
        return refuse(what, rc);
    }
    sent->holds_ends = slot->count > (sent->parcel != NULL);
    m->holding += sent->holds_ends;
    return 0;
}

// 0, or as wf_member_push.
static int pack(struct wf_member *m, struct wf_slot *slot, struct wf_sent *sent,
                const weft_future *f)
{
    slot->count = 0;
    sent->parcel = NULL;
    sent->holds_ends = false;
    if (!m->layout.fits || f->what->ends[0] != 0)
        return pack_more(m, slot, sent, f);
    put_argument(m, (char *)slot, f);
    return 0;
}

int wf_member_push(struct wf_member *m, weft_future *f)
{
    if (!wf_member_has_room(m))
        return -EAGAIN;
    struct wf_slot *slot = slot_at(m, m->tail);
    struct wf_sent *sent = sent_at(m, m->tail);
    uint64_t what = there(m, f->what);
    if (what == 0)
        return weft_error_code();
    int rc = pack(m, slot, sent, f);
    if (rc < 0)
        return rc;
    sent->f = f;
    sent->late_ns = 0;
    slot->what = what;
    slot->deadline_ns = f->task.deadline.ns;
    slot->id = f->task.id;
    wf_store(&slot->cancelled, wf_load(&f->task.cancelled, WF_RELAXED), WF_RELAXED);
    f->seat = m;
    f->slot = m->tail++;
    m->load++;
    m->left--;
    wf_store(&slot->state, WF_SLOT_SENT, WF_SEQ_CST); // see channel.h; it publishes all above
    m->woken = take_sleeper(m->channel);
    fetch_next(m);
    return 0;
}

// ---- and is taken back ------------------------------------------------------------------

static weft_future *forget(struct wf_member *m, struct wf_sent *sent)
{
    weft_future *f = sent->f;
    forget_parcel(sent, f->what);
    m->holding -= sent->holds_ends; // taken back, with what it holds
    sent->holds_ends = false;
    sent->f = NULL;
    f->seat = NULL;
    m->load--;
    return f;
}

bool wf_member_revoke(struct wf_member *m, weft_future *f)
{
    uint32_t state = WF_SLOT_SENT;
    if (!wf_cas(&slot_at(m, f->slot)->state, &state, WF_SLOT_REVOKED, WF_SEQ_CST))
        return false;
    (void)forget(m, sent_at(m, f->slot));
    m->left++;
    return true;
}

// DONE counts only in its turn; else it is what a mad worker wrote.
bool wf_member_doom(struct wf_member *m, const weft_future *f)
{
    uint32_t state = WF_SLOT_STARTED;
    bool doomed = wf_cas(&slot_at(m, f->slot)->state, &state, WF_SLOT_DOOMED, WF_SEQ_CST);
    m->doomed = m->doomed || doomed;
    return doomed || !wf_member_has_result(m);
}

void wf_member_bar(struct wf_member *m, const weft_future *f)
{
    uint32_t state = WF_SLOT_SENT; // else it has begun, and may be done before it is killed
    m->doomed |= wf_cas(&slot_at(m, f->slot)->state, &state, WF_SLOT_DOOMED, WF_SEQ_CST);
}

// ---- results ----------------------------------------------------------------------------

// What a worker wrote is bytes: a text ends where its room ends.
static void take_message(weft_future *f, const struct wf_slot *slot)
{
    char text[WEFT_ERROR_MAX];
    memcpy(text, slot->payload, sizeof text);
    text[sizeof text - 1] = '\0';
    if (text[0] != '\0')
        wf_future_fail(f, f->code, text);
}

static size_t result_at(const struct wf_member *m, const struct weft_task *what)
{
    return m->what == what ? m->layout.result_at : wf_layout_of(what).result_at;
}

static void take_result(const struct wf_member *m, const struct wf_sent *sent,
                        const struct wf_slot *slot)
{
    weft_future *f = sent->f;
    f->code = slot->code;
    if (f->code < 0)
        take_message(f, slot);
    else if (f->what->result_size > 0)
        memcpy(f->result,
               (sent->parcel ? (const char *)sent->parcel : (const char *)slot) +
                   result_at(m, f->what),
               f->what->result_size);
}

// It is over in there, one way or another.
static void note_run(const struct wf_member *m, struct wf_task *task, uint32_t at)
{
    const struct wf_run *when = &m->channel->runs[at % WF_SLOTS];
    const struct wf_trace_run run = {.pid = wf_load(&m->channel->pid, WF_RELAXED),
                                     .process = m->process->birth.name,
                                     .begun_ns = wf_load(&when->begun_ns, WF_RELAXED),
                                     .ended_ns = wf_load(&when->ended_ns, WF_RELAXED)};
    wf_trace_ran(task, &run);
}

static void let_go_ends(struct wf_member *m, struct wf_sent *sent)
{
    if (!sent->holds_ends)
        return;
    wf_ends_close(sent->f->what, sent->f->arg);
    sent->holds_ends = false;
    m->holding--;
}

weft_future *wf_member_collect(struct wf_member *m, bool *mad)
{
    while (m->head != m->tail) {
        struct wf_slot *slot = slot_at(m, m->head);
        struct wf_sent *sent = sent_at(m, m->head);
        uint32_t state = wf_load(&slot->state, WF_SEQ_CST); // pairs with deliver in worker.c
        bool has_result = state == WF_SLOT_DONE && sent->f;
        if (!has_result && !(state == WF_SLOT_PASSED && !sent->f)) {
            *mad = state != WF_SLOT_SENT && state != WF_SLOT_STARTED && state != WF_SLOT_REVOKED &&
                   !(state == WF_SLOT_DOOMED && m->doomed);
            return NULL;
        }
        if (has_result) {
            if (wf_traced())
                note_run(m, &sent->f->task, m->head);
            take_result(m, sent, slot);
            let_go_ends(m, sent);
        }
        wf_store(&slot->state, WF_SLOT_EMPTY, WF_RELEASE);
        m->head++;
        if (has_result)
            return forget(m, sent);
    }
    return NULL;
}

weft_future *wf_member_inherit(struct wf_member *m, bool *begun)
{
    while (m->head != m->tail) {
        struct wf_sent *sent = sent_at(m, m->head);
        uint32_t state = wf_load(&slot_at(m, m->head)->state, WF_SEQ_CST);
        m->head++;
        if (!sent->f)
            continue;
        *begun = state != WF_SLOT_SENT;
        if (*begun && wf_traced())
            note_run(m, &sent->f->task, m->head - 1);
        if (*begun)
            let_go_ends(m, sent);
        return forget(m, sent);
    }
    return NULL;
}

weft_future *wf_member_next(const struct wf_member *m, uint32_t *at)
{
    weft_future *f = NULL;
    while (!f && *at != m->tail)
        f = m->sent[(*at)++ % WF_SLOTS].f;
    return f;
}

// The worker has gone by this slot.
static bool is_past(const struct wf_member *m, uint32_t at)
{
    uint32_t state = wf_load(&slot_at(m, at)->state, WF_SEQ_CST);
    return state == WF_SLOT_DONE || state == WF_SLOT_PASSED;
}

bool wf_member_has_result(const struct wf_member *m)
{
    return m->head != m->tail && is_past(m, m->head);
}

// Not looked at for each task: the line may be one that the worker writes to just now. A full ring
// is a multiple too.
bool wf_member_has_many(const struct wf_member *m)
{
    enum { MANY = 32 };
    uint32_t lie = m->tail - m->head;
    return lie > 0 && lie % MANY == 0 && is_past(m, m->head + MANY - 1);
}

bool wf_member_is_dry(const struct wf_member *m)
{
    return m->head == m->tail || is_past(m, m->tail - 1);
}

const uint32_t *wf_member_state(const struct wf_member *m, const weft_future *f)
{
    return &slot_at(m, f->slot)->state;
}

bool wf_member_is_idle(const struct wf_member *m)
{
    if (m->head == m->tail)
        return m->left == 0 && wf_load(&m->process->channel->phase, WF_SEQ_CST) != WF_LEAVING;
    uint32_t state = wf_load(&slot_at(m, m->head)->state, WF_SEQ_CST);
    return state == WF_SLOT_SENT || state == WF_SLOT_REVOKED;
}

bool wf_member_has_begun(const struct wf_member *m, const weft_future *f)
{
    return wf_load(&slot_at(m, f->slot)->state, WF_SEQ_CST) != WF_SLOT_SENT;
}

// ---- told to the worker -----------------------------------------------------------------

void wf_member_stop(struct wf_member *m, weft_future *f)
{
    wf_store(&slot_at(m, f->slot)->cancelled, 1, WF_SEQ_CST); // it reads this when it begins,
    if (wf_member_has_begun(m, f))                            // or in its handler
        wf_family_signal(m->process, WF_CANCEL_SIGNAL);
}

void wf_member_stop_all(struct wf_member *m)
{
    uint32_t at = m->head;
    weft_future *f;
    while ((f = wf_member_next(m, &at))) {
        wf_task_cancel(&f->task);
        wf_member_stop(m, f);
    }
}

void wf_member_dismiss(struct wf_member *m)
{
    m->left = 0;
    wf_store(&m->channel->stop, 1, WF_SEQ_CST);
    if (take_sleeper(m->channel))
        wf_futex_wake_shared(&m->channel->asleep);
}

void wf_member_let_go_ends(struct wf_member *m)
{
    for (uint32_t at = m->head; m->holding > 0 && at != m->tail; at++)
        if (sent_at(m, at)->f && sent_at(m, at)->holds_ends &&
            wf_load(&slot_at(m, at)->state, WF_SEQ_CST) == WF_SLOT_STARTED)
            let_go_ends(m, sent_at(m, at));
}

// What it is told already need not be said again: if it rings meanwhile, the keeper looks.
void wf_member_tell(struct wf_member *m, enum wf_tell tell)
{
    if (wf_load(&m->channel->tell, WF_SEQ_CST) != (uint32_t)tell)
        wf_store(&m->channel->tell, (uint32_t)tell, WF_SEQ_CST);
}

// ---- those who wait, and take results themselves ----------------------------------------
//
// Each waits for a future of his own, but takes all the results that there are; so the worker need
// wake but one. Whoever wakes, for whatever reason, takes results and arms again before he sleeps
// or goes: so while anybody sleeps, either `waited` is `rounds`, and the worker has no result that
// came before that, or one is awake who will see to it.

void wf_member_watch(struct wf_member *m, bool sleeps)
{
    m->watchers++;
    m->sleepers += sleeps;
    m->rounds += m->rounds == 0;
}

static void free_ended(struct wf_member *m)
{
    if (m->watchers > 0)
        return;
    wf_channel_free(m->channel);
    free(m);
}

void wf_member_unwatch(struct wf_member *m, bool slept)
{
    m->watchers--;
    m->sleepers -= slept;
    if (!m->process)
        free_ended(m);
}

void wf_member_end(struct wf_member *m, struct wf_channel *channel)
{
    wf_member_call_all(m);
    m->process = NULL;
    m->channel = channel;
    free_ended(m);
}

void wf_member_arm(struct wf_member *m)
{
    if (m->sleepers > 0 && wf_load(&m->channel->waited, WF_SEQ_CST) != m->rounds)
        wf_store(&m->channel->waited, m->rounds, WF_SEQ_CST); // pairs with deliver in worker.c
}

// Another number, and not just none: who armed before and is only about to sleep must not find the
// one that he expects, when another has armed since.
void wf_member_call_all(struct wf_member *m)
{
    if (m->sleepers == 0)
        return;
    m->rounds += m->rounds == UINT32_MAX ? 2 : 1;
    wf_store(&m->channel->waited, m->rounds, WF_SEQ_CST);
    wf_futex_wake_some_shared(&m->channel->waited, UINT32_MAX);
}
