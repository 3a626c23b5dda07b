// SPDX-License-Identifier: MIT
// worker.c - a worker process: takes tasks from its channel, runs them, leaves the results there.
//
// It is asked to stop a task by a signal (WF_CANCEL_SIGNAL), for a task that sleeps or computes
// reads no channel. The handler sets the task's own word and gives its parker a token, no more:
// both are single atomic steps, which may interrupt anything. What the signal interrupts is
// restarted, or looks at its condition again as after any wake-up.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "core/misuse.h"
#include "core/park.h"
#include "exec/ancestor.h"
#include "exec/ends.h"
#include "exec/executor.h"
#include "exec/future.h"
#include "os/carry.h"
#include "os/clock.h"
#include "os/futex.h"
#include "os/poll.h"
#include "os/prefetch.h"
#include "os/spawn.h"
#include "os/streams.h"
#include "os/thread.h"

enum { SOON_NS = 50000, LOOK_NS = 16000 };

static struct {
    struct wf_channel *channel;
    int socket, bell;
    uint32_t next; // slot to take
    bool alone, spins, daemon;
    bool lacks_stack;         // of the size that was asked for
    bool expects;             // a task soon
    uint32_t fork;            // wf_fork_count, here
    struct wf_parker *parker; // who runs the tasks
    int64_t id; // of the task that runs, in the root. Written before it is entered, so whoever
                // sees it on its parker sees this
    // ---- atomic: what the handler looks at
    struct wf_slot *slot; // of the task that runs, or NULL
    struct wf_task *task;
} me;

// ---- told by the root -------------------------------------------------------------------

static void asked_to_stop(int sig)
{
    (void)sig;
    int saved = errno;
    const struct wf_slot *slot = wf_load(&me.slot, WF_ACQUIRE);
    if (slot && wf_load(&slot->cancelled, WF_SEQ_CST) != 0) {
        wf_store(&me.task->cancelled, 1, WF_SEQ_CST);
        wf_unpark(me.parker);
    }
    errno = saved;
}

static void ring(void)
{
    wf_bell_ring(me.bell);
}

static void ring_if_told(void)
{
    if (wf_exchange(&me.channel->tell, WF_TELL_NOTHING, WF_SEQ_CST) != WF_TELL_NOTHING)
        ring();
}

// ---- told to the root -------------------------------------------------------------------

static int blocked(void *pool, const struct wf_wait *wait)
{
    (void)pool, (void)wait;
    wf_store(&me.channel->blocked, 1, WF_SEQ_CST);
    if (wf_load(&me.channel->slots[me.next].state, WF_SEQ_CST) != WF_SLOT_EMPTY ||
        wf_load(&me.channel->lacks, WF_SEQ_CST) != 0)
        ring(); // a task waits for a worker that does not
    return 0;
}

static void unblocked(void *pool)
{
    (void)pool;
    wf_store(&me.channel->blocked, 0, WF_SEQ_CST);
}

static const struct wf_host host = {blocked, unblocked};

// ---- one task ---------------------------------------------------------------------------

struct job {
    const struct weft_task *what;
    void *arg, *result, *parcel;
    struct wf_layout layout;
};

// The message that brings a task's descriptors; its code, if it did not arrive.
struct delivery {
    struct wf_carry message;
    int code;
};

// Until the message of this slot: those before belong to tasks that were taken back. It was sent
// before the slot was, so one that is not there will not come: a task before has taken it.
static int receive_for(const struct wf_slot *slot, struct wf_carry *message)
{
    for (;;) {
        uint16_t serial = 0;
        message->bytes = &serial;
        message->size = sizeof serial;
        ssize_t n = wf_carry_receive(me.socket, message, false);
        if (n != (ssize_t)sizeof serial)
            return n < 0 && n != -EPROTO ? (int)n : -EMFILE;
        if (serial == slot->serial)
            return 0;
        wf_carry_drop(message);
    }
}

// The first of the message is its parcel's.
static void *join_parcel(struct wf_carry *message, const struct weft_task *what)
{
    int fd = message->fds[0];
    message->count--;
    memmove(message->fds, message->fds + 1, (size_t)message->count * sizeof fd);
    void *parcel = wf_parcel_join(fd, what);
    (void)close(fd);
    return parcel;
}

// Its argument is where it can be used, with the descriptors that came. 0, or why it cannot.
static int place(const struct wf_slot *slot, struct job *job, struct wf_carry *message)
{
    char *at = (char *)slot;
    if (!job->layout.fits)
        at = job->parcel = message->count > 0 ? join_parcel(message, job->what) : NULL;
    if (!at)
        return weft_fail(-ENOMEM, "%s: no memory for its argument", job->what->name);
    job->arg = at + job->layout.arg_at;
    job->result = at + job->layout.result_at;
    if (!wf_ends_write(job->what, job->arg, message->fds, message->count))
        return weft_fail(-EMFILE, "%s: its descriptors did not arrive", job->what->name);
    return 0;
}

static int unpack(const struct wf_slot *slot, struct job *job, struct delivery *brought)
{
    if (brought->code < 0)
        return weft_fail(brought->code, "%s: its descriptors did not arrive: %s", job->what->name,
                         strerror(-brought->code));
    int rc = place(slot, job, &brought->message);
    if (rc < 0)
        wf_carry_drop(&brought->message);
    return rc;
}

static int run(struct wf_slot *slot, struct job *job, struct wf_task *task,
               struct delivery *brought)
{
    int code = unpack(slot, job, brought);
    if (slot->count > !job->layout.fits)
        ring(); // the root may close its own
    if (code == 0 && me.lacks_stack)
        code = weft_fail(-ENOMEM, "%s: no room for its stack", job->what->name);
    if (code == 0 && !me.alone && (code = wf_interrupted()) < 0)
        return wf_refuse_task(task, job->what, job->arg, code);
    uint32_t fork = wf_fork_count;
    if (code == 0)
        code = job->what->run(job->arg, job->result);
    wf_exit_if_forked(fork, code);
    char name[WF_NAME_MAX];
    wf_require(task->held == 0, "task %s returned with %u locks held", wf_task_name(task, name),
               task->held);
    return code;
}

// The message of its failure, for whoever joins it.
static void explain(struct wf_slot *slot, int code, struct wf_task *task)
{
    bool is_its = task->error_code == code; // else joining it gives the words of its code
    (void)snprintf(slot->payload, WEFT_ERROR_MAX, "%s", is_its ? wf_error_text(task) : "");
}

static void wait_to_be_killed(const struct wf_slot *slot)
{
    while (wf_load(&slot->state, WF_SEQ_CST) == WF_SLOT_DOOMED)
        (void)wf_futex_wait_shared(&slot->state, WF_SLOT_DOOMED, INT64_MAX);
}

// From here on nothing of the slot is ours. Whoever lies down says so and looks then (channel.h).
static void deliver(struct wf_slot *slot)
{
    struct wf_channel *c = me.channel;
    uint32_t state = WF_SLOT_STARTED;
    while (!wf_cas(&slot->state, &state, WF_SLOT_DONE, WF_SEQ_CST))
        wait_to_be_killed(slot); // or the task wrote there what is not its own
    if (wf_load(&c->waited, WF_SEQ_CST) != 0 && wf_exchange(&c->waited, 0, WF_SEQ_CST) != 0)
        wf_futex_wake_shared(&c->waited);
    if (wf_load(&c->tell, WF_SEQ_CST) == WF_TELL_EACH)
        ring_if_told();
}

static void note_time(int64_t *at)
{
    if (me.channel->traces)
        wf_store(at, wf_clock_now(), WF_RELAXED); // the slot's state publishes it
}

static int do_task(struct wf_slot *slot, struct delivery *brought)
{
    struct wf_run *when = &me.channel->runs[slot - me.channel->slots];
    note_time(&when->begun_ns);
    struct job job = {.what = (const struct weft_task *)(uintptr_t)slot->what};
    job.layout = wf_layout_of(job.what);
    struct wf_task task = {.id = wf_task_new_id(),
                           .deadline = {slot->deadline_ns},
                           .pooled = !me.alone,
                           .away = true,
                           .function = job.what->name};
    if (me.alone)
        wf_copy_name(task.name, me.parker->name);
    me.id = slot->id;
    wf_store(&me.task, &task, WF_RELAXED);
    wf_store(&me.slot, slot, WF_SEQ_CST);
    if (wf_load(&slot->cancelled, WF_SEQ_CST) != 0) // the handler came too early to see the slot
        wf_store(&task.cancelled, 1, WF_SEQ_CST);
    wf_task_enter(wf_self(), &task);
    uint32_t fork = wf_fork_count;
    int code = run(slot, &job, &task, brought);
    wf_streams_flush(); // what a task printed comes before its result
    wf_store(&me.slot, NULL, WF_SEQ_CST);
    if (code < 0)
        explain(slot, code, &task);
    wf_task_leave(&task);
    wf_exit_if_forked(fork, code); // from what destroys a value
    wf_task_free_error(&task);
    if (job.parcel)
        wf_parcel_free(job.parcel, job.layout.size);
    slot->code = code;
    note_time(&when->ended_ns);
    return code;
}

// ---- and the next -----------------------------------------------------------------------

static struct wf_slot *next_slot(void)
{
    return &me.channel->slots[me.next];
}

static bool is_empty(const struct wf_slot *slot)
{
    uint32_t state = wf_load(&slot->state, WF_SEQ_CST);
    return state != WF_SLOT_SENT && state != WF_SLOT_REVOKED; // DONE: a full ring, not taken yet
}

// A look takes the slot's line away from the root, which is about to write there. So while nobody
// waits for a result (then it is told to ring before it sleeps, and not otherwise), who keeps up
// looks seldom, and finds several; and what says that somebody does wait is in a line that the root
// does not write to. A word that is out of date costs a microsecond or two, no more: before it
// sleeps, it looks as ever.
static bool comes(const struct wf_slot *slot, unsigned round)
{
    enum { SELDOM = 128 };
    bool looks = round % SELDOM == 0 || wf_load(&me.channel->tell, WF_SEQ_CST) != WF_TELL_DRY;
    return looks && !is_empty(slot);
}

// To be woken takes longer than a short task, and makes the root wait longer than it looks. So who
// was woken soon after he fell asleep looks first the next time, and does so until he has looked in
// vain: as a loop does. (If the time is over and the task is there, the keeper had the processor.
// To ring at once in the next pause would only have it come again.)
static void look_briefly(const struct wf_slot *slot)
{
    struct wf_glance glance = {.for_ns = LOOK_NS};
    bool more = me.expects;
    for (unsigned round = 0; more && !comes(slot, round); round++)
        more = wf_glance(&glance) && wf_load(&me.channel->stop, WF_SEQ_CST) == 0;
    me.expects = me.expects && !is_empty(slot);
}

static void sleep_until_told(const struct wf_slot *slot)
{
    struct wf_channel *c = me.channel;
    int64_t begin = wf_clock_now();
    wf_store(&c->asleep, 1, WF_SEQ_CST);
    if (is_empty(slot) && wf_load(&c->stop, WF_SEQ_CST) == 0)
        (void)wf_futex_wait_shared(&c->asleep, 1, INT64_MAX);
    wf_store(&c->asleep, 0, WF_SEQ_CST);
    me.expects = me.spins && wf_clock_now() - begin < SOON_NS;
}

// The root was there last. With one line after the other, and the first to look at and then once
// more to write to, a short task takes as long as a submit; and a worker that runs right behind the
// root takes lines away from it, and both are slow.
static void fetch(const struct wf_slot *slot)
{
    wf_prefetch_to_write(slot);
    wf_prefetch((const char *)slot + WF_SLOT_ALIGN);
}

// False: the root wants no more of us.
static bool wait_for_task(void)
{
    struct wf_channel *c = me.channel;
    const struct wf_slot *slot = next_slot();
    fetch(slot);
    look_briefly(slot);
    while (is_empty(slot)) {
        if (wf_load(&c->stop, WF_SEQ_CST) != 0)
            return false;
        ring_if_told();
        sleep_until_told(slot);
    }
    return true;
}

// Before it begins. A task before may have closed the socket, among all that was open. As a rule
// the root hears of that when it sends the next, but not of what lay here by then, nor while the
// ancestor still has its copy of our end. Who ends now has begun none of it: others will do it.
static void receive(const struct wf_slot *slot, struct delivery *brought)
{
    brought->message.count = 0;
    brought->code = slot->count > 0 ? receive_for(slot, &brought->message) : 0;
    if ((brought->code == -EBADF || brought->code == -ENOTSOCK) && !me.alone)
        _exit(1);
}

// It was taken back. What came for it must not stay open: whoever reads the other end waits for its
// close.
static void pass(struct wf_slot *slot, struct delivery *brought)
{
    wf_carry_drop(&brought->message);
    wf_store(&slot->state, WF_SLOT_PASSED, WF_SEQ_CST);
}

static int serve(void)
{
    int code = 0;
    while (wait_for_task()) {
        struct wf_slot *slot = next_slot();
        me.next = (me.next + 1) % WF_SLOTS;
        struct delivery brought;
        receive(slot, &brought);
        uint32_t sent = WF_SLOT_SENT;
        if (wf_cas(&slot->state, &sent, WF_SLOT_STARTED, WF_ACQ_REL)) {
            code = do_task(slot, &brought);
            deliver(slot);
        } else {
            pass(slot, &brought);
        }
        if (me.alone)
            break;
    }
    wf_store(&me.channel->phase, WF_LEAVING, WF_SEQ_CST);
    return code;
}

static bool is_file(int fd, const struct stat *was)
{
    struct stat is;
    return fstat(fd, &is) == 0 && is.st_dev == was->st_dev && is.st_ino == was->st_ino;
}

// Whoever changes its user, as on_start may, is no longer ended by its parent's death: the kernel
// forgets that (ancestor.c).
static void end_with(pid_t ancestor)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    pid_t parent = getppid(); // negative: on_start has loaded a filter that refuses to tell
    if (parent >= 0 && parent != ancestor)
        _exit(1); // it died before the first line
}

static void listen_to_requests(void)
{
    const struct sigaction action = {.sa_handler = asked_to_stop, .sa_flags = SA_RESTART};
    (void)sigaction(WF_CANCEL_SIGNAL, &action, NULL);
    sigset_t ours;
    sigemptyset(&ours);
    sigaddset(&ours, WF_CANCEL_SIGNAL);
    (void)sigprocmask(SIG_UNBLOCK, &ours, NULL);
}

// 0, or what on_start returned. One that blocks all signals, as who waits for them does, would make
// each task deaf to a request to stop. One that closes whatever is open, as daemons do, closes what
// tasks come by: each worker would be set up, deaf, ended, and replaced by the next.
static int call_on_start(const struct wf_birth *birth)
{
    struct stat socket, bell;
    if (!birth->on_start)
        return 0;
    if (fstat(me.socket, &socket) < 0 || fstat(me.bell, &bell) < 0)
        return weft_fail(-errno, "worker %s: its descriptors: %s", birth->name, strerror(errno));
    pid_t ancestor = getppid();
    uint32_t fork = wf_fork_count;
    int rc = birth->on_start(birth->ctx);
    wf_exit_if_forked(fork, rc);
    end_with(ancestor);
    listen_to_requests();
    if (rc >= 0 && !(is_file(me.socket, &socket) && is_file(me.bell, &bell)))
        rc = weft_fail(-EBADF, "on_start of worker %s has closed descriptors of weft's",
                       birth->name);
    return rc;
}

static int set_up(const struct wf_birth *birth)
{
    int rc = call_on_start(birth);
    wf_streams_flush();
    struct wf_channel *c = me.channel;
    if (rc < 0) {
        bool is_its = weft_error_code() == rc;
        (void)snprintf(c->start_text, sizeof c->start_text, "%s", is_its ? weft_error() : "");
        c->start_code = rc;
    }
    wf_store(&c->phase, rc < 0 ? WF_START_FAILED : WF_READY, WF_SEQ_CST);
    if (!me.alone)
        ring();
    return rc < 0 ? rc : 0;
}

bool wf_worker_is(const struct wf_parker *parker)
{
    return me.channel && parker == me.parker;
}

void wf_worker_describe(const struct wf_task *task, struct weft_info *info)
{
    info->daemon = me.daemon;
    if (task == wf_load(&me.task, WF_RELAXED))
        info->id = me.id;
}

void wf_worker_prepare(void)
{
    me.parker = wf_self();
    listen_to_requests();
    wf_futex_mind_signals();
}

// libc has nowhere to go then: we are called by a constructor, and main was not.
// The task's own struct lay on the stack that was left.
static void left(void)
{
    wf_exit_if_forked(me.fork, 0);
    const struct wf_slot *slot = wf_load(&me.slot, WF_RELAXED);
    wf_require(slot, "on_start has ended its thread, by pthread_exit");
    const struct weft_task *what = (const struct weft_task *)(uintptr_t)slot->what;
    wf_misuse("task %s has ended its thread, by pthread_exit", what->name);
}

// The process's status.
static int live(const void *birth)
{
    return set_up(birth) < 0 || (serve() < 0 && me.alone) ? 1 : 0;
}

int wf_worker_run(const struct wf_heritage *heritage)
{
    const struct wf_birth *birth = &heritage->birth;
    if (heritage->kin != 0)
        wf_kin_become(heritage->kin);
    wf_spawn_set_title(birth->name);
    me.channel = wf_channel_join(heritage->channel);
    if (!me.channel)
        return 1;
    (void)close(heritage->channel);
    wf_store(&me.channel->pid, getpid(), WF_RELAXED); // whoever sees a task begun sees this
    me.socket = heritage->socket;
    me.bell = heritage->bell;
    me.alone = birth->alone;
    me.spins = birth->spins;
    me.daemon = birth->daemon;
    me.lacks_stack = wf_spawn_let_stack_grow(birth->stack_size) < 0;
    wf_self_is_worker(birth->name, me.alone ? NULL : &host, &me);
    me.fork = wf_fork_count;
    return wf_thread_call(live, birth, left);
}
