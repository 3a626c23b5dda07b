// SPDX-License-Identifier: MIT
// stop.c - Ctrl+C, as a task that waits for it.
//
// A signal handler could do next to nothing; a task may take locks and cancel a pool.
#include "fetch/stop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "common/output.h"
#include "common/status.h"

// Under nohup SIGHUP is ignored. Once blocked it would come all the same.
static sigset_t asking(void)
{
    sigset_t set;
    struct sigaction hangup;
    (void)sigemptyset(&set); // these cannot fail with such arguments
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
        (void)sigaddset(&set, SIGHUP);
    return set;
}

void stop_block(void)
{
    sigset_t set = asking();
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL); // nor this
}

// The next signal that is no echo of the one just now.
static int next_signal(const sigset_t *set)
{
    weft_time echoes = weft_after_ms(SIGNAL_ECHO_MS);
    int sig;
    do
        sig = weft_wait_signal(set, WEFT_FOREVER);
    while (sig > 0 && weft_now().ns < echoes.ns);
    return sig;
}

static int watch(struct stop *const *arg, weft_none *none)
{
    struct stop *stop = *arg;
    sigset_t set = asking();
    (void)none;
    int sig = weft_wait_signal(&set, WEFT_FOREVER);
    if (sig < 0)
        return sig;
    stop->signal = sig;
    weft_event_set(&stop->asked);
    weft_pool_cancel(stop->pool);
    sig = next_signal(&set);
    if (sig > 0) // whatever holds up the end, a disk or a pipe that nobody reads: it is over
        _exit(STATUS_SIGNAL + sig);
    return sig;
}
WEFT_TASK(watch, struct stop *, weft_none);

int stop_watch(struct stop *stop, weft_pool *pool)
{
    stop->pool = pool;
    stop->watch = weft_start_as(WEFT_WITH(.kind = WEFT_THREADS, .name = "signals", .daemon = true),
                                watch, &stop);
    return stop->watch ? 0 : weft_error_code();
}

void stop_end(struct stop *stop)
{
    weft_cancel(stop->watch);
    (void)weft_join(&stop->watch, NULL, 0); // -ECANCELED, most often
}
