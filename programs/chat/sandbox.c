// SPDX-License-Identifier: MIT
// sandbox.c - see sandbox.h.
//
// SIGSYS and not the kernel's own end of the process: only we can name the call in our log. Whoever
// has taken the process over can take the handler away, but gains nothing: the call is not made, in
// any case.
//
// Names come from libseccomp before the filter is there: its own look-up takes memory, which a
// handler of signals must not.
#include "chat/sandbox.h"

#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/status.h"

enum { NUMBERS = 512 };

static char *names[NUMBERS]; // of calls, by number; for as long as the process lives
static const struct journal *told;

static void end_for(int sig, siginfo_t *info, void *context)
{
    unsigned number = (unsigned)info->si_syscall;
    const char *name = number < NUMBERS && names[number] ? names[number] : "unknown";
    (void)context;
    journal_last_words(told, "forbidden", "call", name);
    _exit(STATUS_SIGNAL + sig);
}

static void name_calls(void)
{
    for (int i = 0; i < NUMBERS; i++)
        if (!names[i])
            names[i] = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, i); // NULL: "unknown"
}

static int add(scmp_filter_ctx filter, const struct sandbox_call *call)
{
    const struct sandbox_condition *c = &call->when;
    int number = seccomp_syscall_resolve_name(call->name);
    if (number < 0) // this machine does not have it
        return 0;
    const struct scmp_arg_cmp when = {
        .arg = c->argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = c->mask, .datum_b = c->is};
    uint32_t action = call->error ? SCMP_ACT_ERRNO((uint32_t)call->error) : SCMP_ACT_ALLOW;
    return seccomp_rule_add_array(filter, action, number, call->only_if, &when);
}

// Our own id is known only now.
static int add_signals(scmp_filter_ctx filter)
{
    uint64_t self = (uint64_t)getpid(), word = UINT32_MAX;
    const struct sandbox_call ours[] = {
        {"kill", 0, true, {0, word, self}},
        {"tgkill", 0, true, {0, word, self}},
        {"rt_sigqueueinfo", 0, true, {0, word, self}},
        {"rt_tgsigqueueinfo", 0, true, {0, word, self}},
    };
    int rc = 0;
    for (size_t i = 0; i < sizeof ours / sizeof *ours && rc == 0; i++)
        rc = add(filter, &ours[i]);
    return rc;
}

static int fill(scmp_filter_ctx filter)
{
    int rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1); // the other threads too
    if (rc == 0)
        rc = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (rc == 0)
        rc = seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1); // why the kernel refuses it
    if (rc == 0)
        rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); // a tree, not a line of 150
    for (size_t i = 0; i < sandbox_call_count && rc == 0; i++)
        rc = add(filter, &sandbox_calls[i]);
    return rc == 0 ? add_signals(filter) : rc;
}

int sandbox_enter(const struct journal *journal)
{
    struct sigaction before, mine = {.sa_sigaction = end_for, .sa_flags = SA_SIGINFO};
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
    if (!filter)
        return -ENOMEM;
    told = journal;
    name_calls();
    (void)sigfillset(&mine.sa_mask);
    (void)sigaction(SIGSYS, &mine, &before); // fails for a wrong number only
    int rc = fill(filter);
    if (rc == 0)
        rc = seccomp_load(filter); // with no_new_privs
    if (rc < 0)
        (void)sigaction(SIGSYS, &before, NULL);
    seccomp_release(filter);
    return rc;
}
