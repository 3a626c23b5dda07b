// SPDX-License-Identifier: MIT
// processes_c.c - the least that the kernel and the memory ask for: fork, exit and wait; two words
// on which two processes sleep in turn; rings of 64 bytes a message. processes_c ROW prints
// microseconds.
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"

enum { STARTS = 201, TRIPS = 2001, MESSAGES = 100000, SLOTS = 256 };

static double starts(int idles)
{
    static double figures[STARTS];
    for (int i = 0; i < STARTS; i++) {
        const struct timespec idle = {0, 2000000};
        if (idles)
            (void)nanosleep(&idle, NULL);
        double begin = now_ns();
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        if (pid < 0 || waitpid(pid, NULL, 0) != pid)
            (void)die("fork");
        figures[i] = now_ns() - begin;
    }
    return median(figures, STARTS) / 1e3;
}

static double start(void)
{
    return starts(0);
}

static double start_after_pause(void)
{
    return starts(1);
}

// ---- what two processes share ----------------------------------------------------------------

struct message {
    _Alignas(64) atomic_uint full;
    int text[15];
};

struct shared {
    _Alignas(64) atomic_uint asked;
    _Alignas(64) atomic_uint answered;
    struct message there[SLOTS], back[SLOTS];
};

static struct shared *shared_new(void)
{
    struct shared *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                            0);
    if (s == MAP_FAILED)
        (void)die("mmap");
    return s;
}

static pid_t fork_peer(void (*serve)(struct shared *), struct shared *s)
{
    pid_t pid = fork();
    if (pid < 0)
        (void)die("fork");
    if (pid > 0)
        return pid;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    serve(s);
    _exit(0);
}

static void end_peer(pid_t pid)
{
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
}

// ---- one at a time ---------------------------------------------------------------------------

static void await(atomic_uint *word, unsigned old)
{
    while (atomic_load(word) == old)
        (void)syscall(SYS_futex, word, FUTEX_WAIT, old, NULL, NULL, 0);
}

static void set(atomic_uint *word, unsigned value)
{
    atomic_store(word, value);
    (void)syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void answer_asleep(struct shared *s)
{
    for (unsigned i = 0;; i++) {
        await(&s->asked, i);
        set(&s->answered, i + 1);
    }
}

static void answer_awake(struct shared *s)
{
    for (unsigned i = 0;; i++) {
        while (atomic_load(&s->asked) == i)
            continue;
        atomic_store(&s->answered, i + 1);
    }
}

static double trips(int sleeps)
{
    static double figures[TRIPS];
    struct shared *s = shared_new();
    pid_t peer = fork_peer(sleeps ? answer_asleep : answer_awake, s);
    for (unsigned i = 0; i < TRIPS; i++) {
        const struct timespec idle = {0, 200000};
        if (sleeps)
            (void)nanosleep(&idle, NULL);
        double begin = now_ns();
        if (sleeps) {
            set(&s->asked, i + 1);
            await(&s->answered, i);
        } else {
            atomic_store(&s->asked, i + 1);
            while (atomic_load(&s->answered) == i)
                continue;
        }
        figures[i] = now_ns() - begin;
    }
    end_peer(peer);
    return median(figures, TRIPS) / 1e3;
}

static double round_trip(void)
{
    return trips(1);
}

static double awake(void)
{
    return trips(0);
}

// ---- many ------------------------------------------------------------------------------------

static void give_way(unsigned *round)
{
    if (++*round % 64 == 0)
        (void)sched_yield();
}

static void put(struct message *ring, unsigned i, int value)
{
    struct message *m = &ring[i % SLOTS];
    for (unsigned round = 0; atomic_load_explicit(&m->full, memory_order_acquire);)
        give_way(&round);
    m->text[0] = value;
    atomic_store_explicit(&m->full, 1, memory_order_release);
}

static int take(struct message *ring, unsigned i)
{
    struct message *m = &ring[i % SLOTS];
    for (unsigned round = 0; !atomic_load_explicit(&m->full, memory_order_acquire);)
        give_way(&round);
    int value = m->text[0];
    atomic_store_explicit(&m->full, 0, memory_order_release);
    return value;
}

static void answer_many(struct shared *s)
{
    for (unsigned i = 0;; i++)
        put(s->back, i, take(s->there, i));
}

// As many on their way as a ring holds, and each comes back.
static double submits(void)
{
    struct shared *s = shared_new();
    pid_t peer = fork_peer(answer_many, s);
    long sum = 0;
    double begin = now_ns();
    for (unsigned i = 0; i < MESSAGES + SLOTS; i++) {
        if (i >= SLOTS)
            sum += take(s->back, i - SLOTS);
        if (i < MESSAGES)
            put(s->there, i, (int)i);
    }
    double end = now_ns();
    if (sum != (long)MESSAGES * (MESSAGES - 1) / 2)
        (void)die("the sum is wrong");
    end_peer(peer);
    return (end - begin) / 1e3;
}

static void add_up(struct shared *s)
{
    long sum = 0;
    for (unsigned i = 0; i < MESSAGES; i++)
        sum += take(s->there, i);
    put(s->back, 0, sum == (long)MESSAGES * (MESSAGES - 1) / 2);
}

// One way, and one answer at the end.
static double messages(void)
{
    struct shared *s = shared_new();
    pid_t peer = fork_peer(add_up, s);
    double begin = now_ns();
    for (unsigned i = 0; i < MESSAGES; i++)
        put(s->there, i, (int)i);
    if (take(s->back, 0) != 1)
        (void)die("the sum is wrong");
    double end = now_ns();
    end_peer(peer);
    return (end - begin) / 1e3;
}

static const struct row rows[] = {
    {"submits", submits}, {"messages", messages}, {"round_trip", round_trip},
    {"awake", awake},     {"start", start},       {"paused_start", start_after_pause},
};

int main(int argc, char **argv)
{
    return measure_row(rows, sizeof rows / sizeof *rows, argc, argv);
}
