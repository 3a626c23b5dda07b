// SPDX-License-Identifier: MIT
// sockets.c - curl_multi_socket_action on an epoll.
//
// libcurl takes its interest in a socket back when an answer is complete, and declares it again for
// the next question. To tell the kernel would be two calls a page. So it is told only before a
// wait, and not at all that nobody wants to know: if something comes there all the same (the server
// closes the connection), it is told then. For that the table must know what the kernel knows. The
// kernel forgets a socket that is closed; connections are therefore opened and closed through us
// (`ours`). What libcurl opens by itself (for lookups) is told at once, whatever it is.
//
// Rejected: curl_multi_perform with curl_multi_poll, which asks poll(2) again about each socket
// under way, once in each turn. That is no loss where every turn has many answers; but our turns
// are short, because fibers come with new requests in between: we counted 7 calls of poll a page
// where a program without fibers has 3, and a third more CPU in all.
#include "fetch/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <weft/weft.h>

enum { MS = 1000000, TLS_RECORD_FIRST = 0x14, TLS_RECORD_LAST = 0x17 };

struct socket_state {
    uint32_t wanted, told; // epoll's events: what libcurl wants, and what the kernel knows
    bool ours;             // it was opened, and will be closed, through us
    uint16_t port;         // at our end, of those that were looked for; else 0
    bool listed;           // among the changes
};

// ---- the table -------------------------------------------------------------------

static bool make_room(struct sockets *s, size_t fd)
{
    if (fd < s->room)
        return true;
    size_t room = 2 * fd + 64;
    struct socket_state *known = realloc(s->known, room * sizeof *known);
    if (!known)
        return false;
    for (size_t i = s->room; i < room; i++)
        known[i] = (struct socket_state){0};
    s->known = known;
    s->room = room;
    return true;
}

static bool note_change(struct sockets *s, int fd)
{
    struct socket_state *state = &s->known[fd];
    if (state->listed)
        return true;
    if (s->changes == s->changes_room) {
        size_t room = 2 * s->changes_room + 64;
        int *changed = realloc(s->changed, room * sizeof *changed);
        if (!changed)
            return false;
        s->changed = changed;
        s->changes_room = room;
    }
    s->changed[s->changes++] = fd;
    state->listed = true;
    return true;
}

// Tell the kernel what is wanted of a socket. What it cannot take in (no memory) is found by who
// waits for it: the transfer runs into its limit.
static void tell_kernel(struct sockets *s, int fd)
{
    struct socket_state *state = &s->known[fd];
    struct epoll_event event = {.events = state->wanted, .data.fd = fd};
    int what = !state->wanted ? EPOLL_CTL_DEL : state->told ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    (void)epoll_ctl(s->epoll, what, fd, &event);
    state->told = state->wanted;
}

static void tell_changes(struct sockets *s)
{
    for (size_t i = 0; i < s->changes; i++) {
        struct socket_state *state = &s->known[s->changed[i]];
        state->listed = false;
        if (state->wanted != state->told && state->wanted)
            tell_kernel(s, s->changed[i]);
    }
    s->changes = 0;
}

// ---- what libcurl says -----------------------------------------------------------

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
    struct sockets *s = arg;
    (void)easy;
    (void)unused;
    if (!make_room(s, (size_t)fd))
        return -1; // libcurl ends all that is under way
    struct socket_state *state = &s->known[fd];
    bool in = what == CURL_POLL_IN || what == CURL_POLL_INOUT;
    bool out = what == CURL_POLL_OUT || what == CURL_POLL_INOUT;
    state->wanted = (in ? EPOLLIN : 0U) | (out ? EPOLLOUT : 0U);
    if (state->ours)
        return note_change(s, fd) ? 0 : -1;
    if (state->wanted != state->told)
        tell_kernel(s, fd);
    return 0;
}

static void set_timer(struct sockets *s, long ms)
{
    s->timer = ms < 0 ? WEFT_FOREVER : weft_after_ms(ms);
}

static int on_timer(CURLM *multi, long ms, void *arg)
{
    (void)multi;
    set_timer(arg, ms);
    return 0;
}

static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct sockets_user *user = arg;
    struct sockets *s = user->sockets;
    (void)purpose;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    user->refused = fd < 0 ? errno : 0;
    if (fd < 0)
        return CURL_SOCKET_BAD;
    if (!make_room(s, (size_t)fd)) {
        user->refused = ENOMEM;
        (void)close(fd); // nothing was written
        return CURL_SOCKET_BAD;
    }
    s->known[fd] = (struct socket_state){.ours = true, .listed = s->known[fd].listed};
    return fd;
}

static int on_close(void *arg, curl_socket_t fd)
{
    struct sockets *s = arg;
    s->known[fd] = (struct socket_state){.listed = s->known[fd].listed};
    return close(fd);
}

CURLcode sockets_adopt(struct sockets *s, CURL *easy, struct sockets_user *user)
{
    *user = (struct sockets_user){s, 0};
    CURLcode code = curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, user);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    return code == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, s) : code;
}

// ---- waiting ---------------------------------------------------------------------

// How long to wait: up to the millisecond after, for libcurl forgets a timer that comes too early.
static int ms_until(weft_time until)
{
    if (until.ns == WEFT_POLL.ns)
        return 0;
    if (until.ns == WEFT_FOREVER.ns)
        return -1;
    int64_t ms = (until.ns - weft_now().ns + MS - 1) / MS;
    return ms < 0 ? 0 : ms > INT32_MAX ? INT32_MAX : (int)ms;
}

// Something came on a connection that nobody uses. Its end: the next who wants it sees that. Bytes
// may be TLS's own affair. Else they answer what nobody asked, and libcurl, before 8.0, would take
// them for the answer to what is asked next: so the connection ends here, with them.
static void on_idle(int fd)
{
    char bytes[4096];
    ssize_t n = recv(fd, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
    if (n <= 0 || (bytes[0] >= TLS_RECORD_FIRST && bytes[0] <= TLS_RECORD_LAST))
        return;
    (void)shutdown(fd, SHUT_RDWR); // fails if the peer has ended it
    // Of one who goes on and on some is left: then writing fails, and libcurl asks elsewhere.
    for (int i = 0; i < 64 && recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0; i++) {}
}

static CURLMcode work_at(struct sockets *s, int fd, int bits)
{
    int running;
    s->working = fd;
    CURLMcode code = curl_multi_socket_action(s->multi, fd, bits, &running);
    s->working = -1;
    return code;
}

static CURLMcode on_ready(struct sockets *s, const struct epoll_event *event)
{
    int fd = event->data.fd;
    if (fd == s->bell)
        return CURLM_OK;
    uint32_t wanted = s->known[fd].wanted;
    if (!wanted) {
        tell_kernel(s, fd);
        on_idle(fd);
        return CURLM_OK;
    }
    uint32_t ready = event->events & (EPOLLERR | EPOLLHUP) ? wanted : event->events;
    int bits = (ready & EPOLLIN ? CURL_CSELECT_IN : 0) | (ready & EPOLLOUT ? CURL_CSELECT_OUT : 0);
    return work_at(s, fd, bits);
}

int socket_port(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } here = {0};
    socklen_t size = sizeof here;
    (void)getsockname(fd, &here.any, &size); // 0, no port, if it fails
    return ntohs(here.any.sa_family == AF_INET ? here.v4.sin_port : here.v6.sin6_port);
}

// Asked of the system once: who looks for one looks at all.
static int port_at(struct sockets *s, int fd)
{
    struct socket_state *state = &s->known[fd];
    if (state->ours && state->port == 0)
        state->port = (uint16_t)socket_port(fd);
    return state->port;
}

CURLMcode sockets_look(struct sockets *s, int port)
{
    CURLMcode code = CURLM_OK;
    for (size_t fd = 0; fd < s->room && code == CURLM_OK; fd++)
        if (port_at(s, (int)fd) == port && s->known[fd].wanted)
            code = work_at(s, (int)fd, CURL_CSELECT_IN);
    return code;
}

void sockets_wait(struct sockets *s, weft_time until)
{
    tell_changes(s);
    until = weft_sooner(until, s->timer);
    int n = epoll_wait(s->epoll, s->ready, SOCKETS_READY, s->fiber ? 0 : ms_until(until));
    if (n == 0 && s->fiber && until.ns > weft_now().ns) {
        (void)weft_wait_fd(s->epoll, POLLIN, until); // whatever ends it, the next look tells
        n = epoll_wait(s->epoll, s->ready, SOCKETS_READY, 0);
    }
    s->ready_n = n < 0 ? 0 : n; // a signal, which the next turn gets over
    s->now = weft_now();
}

CURLMcode sockets_work(struct sockets *s)
{
    CURLMcode code = CURLM_OK;
    int running;
    long ms = -1;
    for (int i = 0; i < s->ready_n && code == CURLM_OK; i++)
        code = on_ready(s, &s->ready[i]);
    if (s->timer.ns > weft_now().ns || code != CURLM_OK)
        return code;
    code = curl_multi_socket_action(s->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    if (code == CURLM_OK)
        code = curl_multi_timeout(s->multi, &ms); // it calls on_timer only for what is new to it
    set_timer(s, ms);
    return code;
}

void sockets_ring(struct sockets *s)
{
    (void)eventfd_write(s->bell, 1); // cannot fail before 2^64 of them
}

// ---- opening and closing ---------------------------------------------------------

static int open_descriptors(struct sockets *s)
{
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (s->epoll >= 0)
        s->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->epoll < 0 || s->bell < 0)
        return -errno;
    // By its edge: then it need not be read, and rings all the same.
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = s->bell};
    return epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->bell, &event) < 0 ? -errno : 0;
}

int sockets_open(struct sockets *s, CURLM *multi, bool fiber)
{
    *s = (struct sockets){.fiber = fiber,
                          .multi = multi,
                          .epoll = -1,
                          .bell = -1,
                          .working = -1,
                          .timer = WEFT_FOREVER};
    int rc = open_descriptors(s);
    if (rc < 0)
        return weft_fail(rc, "no descriptor to wait with");
    if (curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK &&
        curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, s) == CURLM_OK &&
        curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK &&
        curl_multi_setopt(multi, CURLMOPT_TIMERDATA, s) == CURLM_OK)
        return 0;
    return weft_fail(-ENOMEM, "out of memory");
}

void sockets_close(struct sockets *s)
{
    if (s->epoll >= 0)
        (void)close(s->epoll); // nothing to lose
    if (s->bell >= 0)
        (void)close(s->bell); // nor here
    free(s->known);
    free(s->changed);
}
