// SPDX-License-Identifier: MIT
// ancestor.c - the program's executable, started once more and caught before main: it forks the
// workers, reaps them, and tells the root.
//
// It is caught by a constructor. Those of the libraries that weft needs have run; of the program's
// own, those that the linker put before ours: with a static libweft all of them, with the shared
// one none. So globals have their initial values in a worker, and on_start is there for the rest.
//
// One thread, and no descriptor but the socket, the bell that its workers inherit, its own signals,
// and the spare's socket. So a fork copies nothing that is half done. (A constructor that starts a
// thread spoils this, and takes the news of deaths away, for it does not block SIGCHLD: then the
// root is told, and does without processes.)
//
// Once a program has started a second process for one task, it is thought to start more: then the
// ancestor forks one ahead, the spare, once nothing has come for a moment. It holds nothing, waits
// for a wish on a socket of its own, and becomes what that asks for. The root knows nothing of it
// before. It saves no work, but the fork is no longer between a wish and its process.
#include "exec/ancestor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/before_main.h"
#include "os/carry.h"
#include "os/packet.h"
#include "os/poll.h"
#include "os/spawn.h"
#include "os/streams.h"
#include "os/thread.h"

enum { QUIET_MS = 1 };

static struct {
    int bell, signals;
    sigset_t before; // the signals that were blocked
    struct child {
        pid_t pid;
        uint64_t serial, kin;
    } * children; // the living, in no order
    size_t count, room;
    pid_t spare;      // 0: there is none
    int spare_socket; // to it
    bool wants_spare; // once it is quiet
    uint64_t starts;  // of processes for one task
} ancestor;

static void tell(enum wf_news_kind kind, uint64_t serial, int status, pid_t pid)
{
    struct wf_news news = {.kind = kind, .status = status, .serial = serial, .pid = pid};
    struct wf_carry message = {.bytes = &news, .size = sizeof news};
    (void)wf_carry_send(WF_SPAWN_FD, &message, true); // a root that is gone hears nothing
}

// ---- what the root wishes ---------------------------------------------------------------

// False: it should be there, and cannot.
static bool join_arena(const struct wf_wish *wish, const struct wf_carry *message)
{
    if (message->count < 2) {
        wf_arena_forgo();
        return true;
    }
    bool joined = wf_arena_join(&wish->arena, message->fds[1]);
    (void)close(message->fds[1]);
    return joined;
}

static void greet(const struct wf_wish *wish, const struct wf_carry *message)
{
    struct wf_hello *hello = calloc(1, sizeof *hello);
    ancestor.bell = message->fds[0];
    if (!hello)
        _exit(1);
    hello->has_threads = !wf_thread_is_alone();
    hello->is_apart = !join_arena(wish, message);
    hello->count = wf_modules_list(hello->modules);
    struct wf_carry answer = {.bytes = hello, .size = sizeof *hello};
    (void)wf_carry_send(WF_SPAWN_FD, &answer, true);
    free(hello);
}

// In the child, while there is no spare: leave nothing of the ancestor's, but the bell.
static void leave_ancestor(pid_t parent)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1); // it died before the line above
    (void)close(WF_SPAWN_FD);
    (void)close(ancestor.signals);
    // The list of children stays: to free it is to copy three pages.
    (void)sigprocmask(SIG_SETMASK, &ancestor.before, NULL);
}

static _Noreturn void become_worker(const struct wf_wish *wish, const int fds[2])
{
    const struct wf_heritage heritage = {.birth = wish->birth,
                                         .kin = wish->kin,
                                         .channel = fds[0],
                                         .socket = fds[1],
                                         .bell = ancestor.bell};
    exit(wf_worker_run(&heritage));
}

// Room for one more child. 0 or -ENOMEM.
static int make_room(void)
{
    if (ancestor.count < ancestor.room)
        return 0;
    size_t room = ancestor.room > 0 ? 2 * ancestor.room : 64;
    struct child *more = realloc(ancestor.children, room * sizeof *more);
    if (!more)
        return -ENOMEM;
    ancestor.children = more;
    ancestor.room = room;
    return 0;
}

// ---- the spare --------------------------------------------------------------------------

static _Noreturn void be_spare(int socket, pid_t parent)
{
    leave_ancestor(parent);
    wf_spawn_set_title("weft-spare");
    struct wf_wish wish;
    struct wf_carry message = {.bytes = &wish, .size = sizeof wish};
    ssize_t n = wf_carry_receive(socket, &message, true);
    if (n != (ssize_t)sizeof wish || message.count != 2)
        _exit(1);
    (void)close(socket);
    become_worker(&wish, message.fds);
}

// If it cannot be made, a fork will be where it is needed.
static void make_spare(void)
{
    int ends[2];
    if (ancestor.spare > 0 || wf_packet_pair(ends) < 0)
        return;
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        (void)close(ends[0]);
        be_spare(ends[1], parent);
    }
    (void)close(ends[1]);
    if (pid < 0)
        (void)close(ends[0]);
    else
        ancestor.spare = pid, ancestor.spare_socket = ends[0];
}

static void lose_spare(void)
{
    (void)close(ancestor.spare_socket);
    ancestor.spare = 0;
}

// Its pid from now on is a worker's, or 0: there is none. One that was killed is reaped later, as
// nobody's; if it dies only now, it has died as the worker that it is, before its task began.
static pid_t use_spare(const struct wf_carry *message)
{
    pid_t pid = ancestor.spare;
    if (pid == 0)
        return 0;
    int rc = wf_carry_send(ancestor.spare_socket, message, false);
    lose_spare();
    return rc == 0 ? pid : 0;
}

// ---- children are born ------------------------------------------------------------------

// A new child's pid, or -1.
static pid_t fork_worker(const struct wf_wish *wish, const struct wf_carry *message)
{
    pid_t parent = getpid(), pid = fork();
    if (pid != 0)
        return pid;
    leave_ancestor(parent);
    become_worker(wish, message->fds);
}

// 0, or why there is no place for one more.
static int make_way(struct wf_wish *wish, const struct wf_carry *message)
{
    int rc = message->count == 2 ? make_room() : -EMFILE;
    if (rc < 0)
        return rc;
    wish->kin = wf_kin_new();
    return wish->kin == 0 && wf_arena_kin() ? -EAGAIN : 0;
}

static void have_child(struct wf_wish *wish, const struct wf_carry *message)
{
    int rc = make_way(wish, message);
    pid_t pid = rc == 0 ? use_spare(message) : -1;
    if (pid == 0)
        pid = fork_worker(wish, message);
    if (pid > 0) {
        ancestor.children[ancestor.count++] = (struct child){pid, wish->serial, wish->kin};
    } else if (rc == 0) {
        rc = -errno;
        wf_kin_bury(wish->kin);
    }
    tell(WF_NEWS_FORKED, wish->serial, rc, pid);
}

static void signal_child(const struct wf_wish *wish)
{
    for (size_t i = 0; i < ancestor.count; i++)
        if (ancestor.children[i].serial == wish->serial)
            (void)kill(ancestor.children[i].pid, wish->sig); // it is not reaped yet: nobody else's
}

// False: the root is gone.
static bool grant(void)
{
    struct wf_wish wish;
    struct wf_carry message = {.bytes = &wish, .size = sizeof wish};
    ssize_t n = wf_carry_receive(WF_SPAWN_FD, &message, true);
    // Without a place for its descriptors a FORK is told of as one that failed.
    if (n != (ssize_t)sizeof wish && !(n == -EMFILE && wish.kind == WF_WISH_FORK))
        return false;
    if (wish.kind == WF_WISH_HELLO) {
        greet(&wish, &message);
        return true;
    }
    if (wish.kind == WF_WISH_FORK)
        have_child(&wish, &message);
    else
        signal_child(&wish);
    wf_carry_drop(&message);
    if (wish.kind == WF_WISH_FORK && wish.birth.alone && ancestor.starts++ > 0)
        ancestor.wants_spare = true;
    return true;
}

// ---- children die -----------------------------------------------------------------------

static void reap(void)
{
    int status;
    pid_t pid;
    while (wf_signal_take(ancestor.signals) > 0)
        continue;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == ancestor.spare)
            lose_spare();
        for (size_t i = 0; i < ancestor.count; i++) {
            if (ancestor.children[i].pid != pid)
                continue;
            wf_kin_bury(ancestor.children[i].kin); // before anybody hears of it
            tell(WF_NEWS_DIED, ancestor.children[i].serial, status, pid);
            ancestor.children[i] = ancestor.children[--ancestor.count];
            break;
        }
    }
}

static void end_all(void)
{
    for (size_t i = 0; i < ancestor.count; i++)
        (void)kill(ancestor.children[i].pid, SIGKILL);
    if (ancestor.spare > 0)
        (void)kill(ancestor.spare, SIGKILL);
    while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
        continue;
}

// Ctrl+C reaches every process of the terminal's group. What it means is the root's to say.
static void leave_it_to_root(int sig)
{
    (void)sig;
}

// The terminal is the root's. And where the program has closed a stream of its own there is
// nothing too, before one of our descriptors takes its number.
static void settle_streams(void)
{
    int nothing;
    do
        nothing = open("/dev/null", O_RDWR);
    while (nothing >= 0 && nothing <= STDERR_FILENO);
    if (nothing < 0)
        return;
    (void)dup2(nothing, STDIN_FILENO);
    (void)close(nothing);
}

// What is the same for all workers is done here once: after a fork each page that is touched for
// the first time costs as much as ten system calls.
//
// A root that is killed while all of its group are stopped closes the socket, which a stopped
// ancestor does not see: so it is sent on. Not SIGKILL, for then nobody would bury the workers; and
// the kernel also sends it when a thread ends that has started the ancestor, where it does nothing.
static void prepare(void)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGCONT);
    settle_streams();
    static const int terminal[] = {SIGINT, SIGQUIT, SIGHUP};
    const struct sigaction action = {.sa_handler = leave_it_to_root, .sa_flags = SA_RESTART};
    for (size_t i = 0; i < sizeof terminal / sizeof *terminal; i++)
        (void)sigaction(terminal[i], &action, NULL);
    // What is sent to all that the program consists of, by a service manager or pkill, is the
    // root's too: with the ancestor all workers would end.
    sigset_t all, death;
    sigfillset(&all);
    sigemptyset(&death);
    sigaddset(&death, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &all, &ancestor.before);
    sigdelset(&ancestor.before, WF_CANCEL_SIGNAL); // whatever a constructor wanted
    ancestor.signals = wf_signal_fd(&death);
    (void)fcntl(WF_SPAWN_FD, F_SETFD, FD_CLOEXEC);
    wf_streams_prepare();
    wf_worker_prepare();
}

bool wf_ancestor_would_stop;

WF_LAST_BEFORE_MAIN static void catch_ancestor(void)
{
    wf_ancestor_would_stop = true;
    if (!wf_spawn_was())
        return;
    wf_thread_set_name("weft-ancestor"); // exec has called it "exe"
    prepare();
    __fpurge(stdout); // what constructors have printed, the root prints
    struct pollfd fds[2] = {{.fd = WF_SPAWN_FD, .events = POLLIN},
                            {.fd = ancestor.signals, .events = POLLIN}};
    bool lives = ancestor.signals >= 0;
    while (lives) {
        // Not before it is quiet: a death that is told late, or a start, costs more than it saves.
        int ready = poll(fds, 2, ancestor.wants_spare ? QUIET_MS : -1);
        if (ready == 0)
            make_spare(); // no other's descriptors are open here
        ancestor.wants_spare = ancestor.wants_spare && ready != 0;
        if (ready <= 0)
            continue; // or EINTR
        if (fds[1].revents)
            reap();
        if (fds[0].revents)
            lives = grant();
    }
    end_all();
    _exit(0);
}
