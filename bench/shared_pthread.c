// SPDX-License-Identifier: MIT
// shared_pthread.c - the same by hand: rings under a robust mutex that processes share, and its
// conditions. shared_pthread ROW prints nanoseconds.
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared.h"

struct ring {
    pthread_mutex_t mu;
    pthread_cond_t change[2]; // there is an item; there is room
    unsigned long puts, gets;
    struct item items[ROOM];
};

static struct all {
    struct ring rings[2];
    pthread_mutex_t mu;
} * all;

static void make_mutex(pthread_mutex_t *mu)
{
    pthread_mutexattr_t how;
    pthread_mutexattr_init(&how);
    pthread_mutexattr_setpshared(&how, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&how, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(mu, &how);
}

static void open_all(void)
{
    all = mmap(NULL, sizeof *all, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED)
        (void)die("mmap");
    pthread_condattr_t how;
    pthread_condattr_init(&how);
    pthread_condattr_setpshared(&how, PTHREAD_PROCESS_SHARED);
    for (int i = 0; i < 2; i++) {
        make_mutex(&all->rings[i].mu);
        for (int k = 0; k < 2; k++)
            pthread_cond_init(&all->rings[i].change[k], &how);
    }
    make_mutex(&all->mu);
}

static void start_child(int what)
{
    if (fork() == 0) {
        child_runs(what);
        _exit(0);
    }
}

static void end_child(void)
{
    (void)wait(NULL);
}

static void lock_robust(pthread_mutex_t *mu)
{
    if (pthread_mutex_lock(mu) == EOWNERDEAD)
        pthread_mutex_consistent(mu);
}

static void put(int queue, const struct item *item)
{
    struct ring *r = &all->rings[queue];
    lock_robust(&r->mu);
    while (r->puts - r->gets == ROOM)
        pthread_cond_wait(&r->change[1], &r->mu);
    r->items[r->puts++ % ROOM] = *item;
    pthread_cond_signal(&r->change[0]);
    pthread_mutex_unlock(&r->mu);
}

static void get(int queue, struct item *item)
{
    struct ring *r = &all->rings[queue];
    lock_robust(&r->mu);
    while (r->puts == r->gets)
        pthread_cond_wait(&r->change[0], &r->mu);
    *item = r->items[r->gets++ % ROOM];
    pthread_cond_signal(&r->change[1]);
    pthread_mutex_unlock(&r->mu);
}

static void lock(void)
{
    lock_robust(&all->mu);
}

static void unlock(void)
{
    pthread_mutex_unlock(&all->mu);
}
