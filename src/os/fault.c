// SPDX-License-Identifier: MIT
// fault.c - a handler in front of whoever is there for SIGSEGV and SIGBUS.
//
// It runs on a stack of its own, for what it is to tell of is a stack that has no room left. For a
// signal that is not ours it is as if it were not there: it has the mask and the flags of the one
// before, and calls it. Without one before it makes way and returns: the access is tried again, and
// the kernel ends the program at the place of the fault, so a core shows that.
#define _GNU_SOURCE // REG_RSP
#include "os/fault.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "os/futex.h"
#include "os/sanitizer.h"

void wf_say(const char *text, unsigned long size)
{
    int error = errno;
    while (size > 0) {
        ssize_t n = write(STDERR_FILENO, text, size);
        if (n < 0 && errno != EINTR)
            break; // nobody listens
        text += n > 0 ? n : 0;
        size -= n > 0 ? (unsigned long)n : 0;
    }
    errno = error;
}

#if defined(WF_ASAN) || defined(WF_TSAN)
void *wf_fault_begin(wf_fault_teller *tell)
{
    (void)tell;
    return NULL;
}

void wf_fault_end(void *stack)
{
    (void)stack;
}
#else
// Room for a handler of the program's that walks the stack; only touched pages cost.
enum { HANDLER_STACK = 128 << 10 };

static uint32_t busy; // a spin bit: guards the installing
static wf_fault_teller *teller;
static struct sigaction before_segv, before_bus;

static const void *sp_of(const ucontext_t *context)
{
#if defined(__x86_64__)
    return (const void *)(uintptr_t)context->uc_mcontext.gregs[REG_RSP];
#else
    return (const void *)(uintptr_t)context->uc_mcontext.sp;
#endif
}

static bool was_sent(const siginfo_t *info)
{
    return info->si_code <= 0; // by kill and the like
}

static void die_by(int sig, const siginfo_t *info)
{
    (void)signal(sig, SIG_DFL);
    if (was_sent(info))
        (void)raise(sig); // what was provoked comes again by itself
}

static void as_before(int sig, siginfo_t *info, void *context)
{
    struct sigaction *before = sig == SIGBUS ? &before_bus : &before_segv;
    struct sigaction action = *before;
    if (action.sa_flags & (int)SA_RESETHAND)
        *before = (struct sigaction){.sa_handler = SIG_DFL};
    if (action.sa_flags & SA_SIGINFO)
        action.sa_sigaction(sig, info, context);
    else if (action.sa_handler == SIG_IGN && was_sent(info))
        return;
    else if (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN)
        die_by(sig, info); // no fault can be ignored
    else
        action.sa_handler(sig);
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
    if (!was_sent(info) && teller(info->si_addr, sp_of(context)))
        die_by(sig, info);
    else
        as_before(sig, info, context);
}

// With what was before in its place first: the handler may be needed at once.
static void install(int sig, struct sigaction *before)
{
    if (sigaction(sig, NULL, before) < 0)
        return;
    struct sigaction ours = {.sa_sigaction = on_fault, .sa_mask = before->sa_mask};
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK | (before->sa_flags & (SA_RESTART | SA_NODEFER));
    (void)sigaction(sig, &ours, NULL); // cannot fail: the signal was asked for just now
}

static void install_once(wf_fault_teller *tell)
{
    wf_spin_lock(&busy);
    if (!teller) {
        teller = tell;
        install(SIGSEGV, &before_segv);
        install(SIGBUS, &before_bus);
    }
    wf_spin_unlock(&busy);
}

void *wf_fault_begin(wf_fault_teller *tell)
{
    void *stack = mmap(NULL, HANDLER_STACK, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED)
        return NULL;
    const stack_t ours = {.ss_sp = stack, .ss_size = HANDLER_STACK};
    if (sigaltstack(&ours, NULL) < 0) {
        (void)munmap(stack, HANDLER_STACK); // our own, whole
        return NULL;
    }
    install_once(tell);
    return stack;
}

void wf_fault_end(void *stack)
{
    if (!stack)
        return;
    const stack_t none = {.ss_flags = SS_DISABLE};
    (void)sigaltstack(&none, NULL); // it is not in use: we are
    (void)munmap(stack, HANDLER_STACK);
}
#endif
