// SPDX-License-Identifier: MIT
// fetch_curl - libcurl's multi interface and nothing else: what a fetcher can have of it.
//
//     fetch_curl poll|epoll THREADS AT_ONCE FILE
//
// Fetches the URLs of the file, of which each thread takes every THREADS-th, and prints a line of
// each: status, bytes, seconds, URL. poll: curl_multi_poll. epoll: curl_multi_socket_action. There
// libcurl drops a socket when an answer is complete and wants it back for the next question. So
// what it says is told to the kernel only before the next wait, and that it dropped one not at all,
// unless something comes there: else each page would cost two calls of epoll_ctl. That is for the
// sockets that we open and close; those with which its threads tell it of addresses are its own.
#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "measure.h"

enum { THREADS_MAX = 8, SOCKETS_MAX = 16384, EVENTS_MAX = 256, NEVER = -1 };

struct socket {
    uint32_t wanted, told; // epoll's; what libcurl wants, and what the kernel knows
    bool listed;           // in lane.changed
    bool ours;             // opened by us, so that we learn when it is closed
};

struct lane { // a thread's
    CURLM *multi;
    char **urls;
    int urls_n, step, next; // the next URL; it takes every step-th
    int at_once, open, failed;
    int epoll;
    double timer_ns; // when libcurl wants to be called; NEVER: not at all
    struct socket *sockets;
    int changed[SOCKETS_MAX], changed_n;
};

struct page {
    const char *url;
    long bytes;
};

static void must(bool right, const char *what)
{
    if (!right)
        die(what);
}

// ---- a page ----------------------------------------------------------------------

static size_t count(char *bytes, size_t one, size_t size, void *arg)
{
    (void)bytes, (void)one;
    ((struct page *)arg)->bytes += (long)size;
    return size;
}

static void begin_next(struct lane *lane, CURL *easy)
{
    struct page *page;
    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&page);
    page->url = lane->urls[lane->next];
    page->bytes = 0;
    lane->next += lane->step;
    lane->open++;
    must(curl_easy_setopt(easy, CURLOPT_URL, page->url) == CURLE_OK, "no memory");
    must(curl_multi_add_handle(lane->multi, easy) == CURLM_OK, "curl_multi_add_handle");
}

static CURL *make_easy(void)
{
    CURL *easy = curl_easy_init();
    struct page *page = calloc(1, sizeof *page);
    must(easy && page, "no memory");
    curl_easy_setopt(easy, CURLOPT_PRIVATE, page);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, page);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, count);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 65536L); // large pages: half the CPU of 16 KB
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 60000L);
    if (getenv("SSL_CERT_FILE"))
        curl_easy_setopt(easy, CURLOPT_CAINFO, getenv("SSL_CERT_FILE"));
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL); // else each connection reads that file again
    return easy;
}

static void free_easy(CURL *easy)
{
    struct page *page;
    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&page);
    curl_easy_cleanup(easy);
    free(page);
}

static void tell(struct lane *lane, CURL *easy, CURLcode code)
{
    struct page *page;
    long status = 0;
    curl_off_t us = 0;
    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&page);
    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &us);
    lane->failed += code != CURLE_OK;
    printf("%ld %ld %.6f %s\n", status, page->bytes, (double)us / 1e6, page->url);
}

static void take_done(struct lane *lane)
{
    int left;
    for (CURLMsg *told; (told = curl_multi_info_read(lane->multi, &left));) {
        CURL *easy = told->easy_handle;
        tell(lane, easy, told->data.result);
        (void)curl_multi_remove_handle(lane->multi, easy);
        lane->open--;
        if (lane->next < lane->urls_n)
            begin_next(lane, easy);
        else
            free_easy(easy);
    }
}

// ---- curl_multi_poll -----------------------------------------------------------------

static void run_poll(struct lane *lane)
{
    int running;
    while (lane->open) {
        must(curl_multi_perform(lane->multi, &running) == CURLM_OK, "curl_multi_perform");
        int before = lane->next;
        take_done(lane);
        if (lane->open && lane->next == before) // what has just been added wants to be performed
            must(curl_multi_poll(lane->multi, NULL, 0, 1000, NULL) == CURLM_OK, "curl_multi_poll");
    }
}

// ---- curl_multi_socket_action --------------------------------------------------------

static int on_timer(CURLM *multi, long ms, void *arg)
{
    (void)multi;
    ((struct lane *)arg)->timer_ns = ms < 0 ? NEVER : now_ns() + (double)ms * 1e6;
    return 0;
}

static void drop(struct lane *lane, int fd)
{
    if (lane->sockets[fd].told)
        (void)epoll_ctl(lane->epoll, EPOLL_CTL_DEL, fd, NULL); // cannot fail: it is in there
    lane->sockets[fd].told = 0;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *mine)
{
    static const uint32_t events[] = {
        [CURL_POLL_IN] = EPOLLIN,
        [CURL_POLL_OUT] = EPOLLOUT,
        [CURL_POLL_INOUT] = EPOLLIN | EPOLLOUT,
        [CURL_POLL_REMOVE] = 0,
    };
    struct lane *lane = arg;
    (void)easy, (void)mine;
    must(fd < SOCKETS_MAX, "too many sockets");
    struct socket *s = &lane->sockets[fd];
    s->wanted = events[what];
    if (what == CURL_POLL_REMOVE && !s->ours)
        drop(lane, fd);
    if (!s->listed)
        lane->changed[lane->changed_n++] = fd;
    s->listed = true;
    return 0;
}

static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct lane *lane = arg;
    int fd = socket(address->family, address->socktype, address->protocol);
    (void)purpose;
    must(fd < SOCKETS_MAX, "too many sockets");
    if (fd >= 0)
        lane->sockets[fd] = (struct socket){.ours = true, .listed = lane->sockets[fd].listed};
    return fd;
}

// A closed one leaves epoll by itself, and its number may come back for another.
static int on_close(void *arg, curl_socket_t fd)
{
    struct lane *lane = arg;
    lane->sockets[fd] = (struct socket){.listed = lane->sockets[fd].listed};
    return close(fd);
}

static void tell_kernel(struct lane *lane)
{
    for (int i = 0; i < lane->changed_n; i++) {
        int fd = lane->changed[i];
        struct socket *s = &lane->sockets[fd];
        s->listed = false;
        if (s->wanted == s->told || !s->wanted)
            continue;
        struct epoll_event event = {.events = s->wanted, .data.fd = fd};
        int what = s->told ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
        must(epoll_ctl(lane->epoll, what, fd, &event) == 0, "epoll_ctl");
        s->told = s->wanted;
    }
    lane->changed_n = 0;
}

static int patience_ms(const struct lane *lane)
{
    double left = lane->timer_ns - now_ns();
    if (lane->timer_ns == NEVER)
        return 1000;
    return left <= 0 ? 0 : (int)(left / 1e6) + 1;
}

static void act(struct lane *lane, curl_socket_t fd, uint32_t events)
{
    int what = (events & EPOLLIN ? CURL_CSELECT_IN : 0) |
               (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
               (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
    int running;
    CURLMcode code = curl_multi_socket_action(lane->multi, fd, what, &running);
    must(code == CURLM_OK, "curl_multi_socket_action");
}

static void run_epoll(struct lane *lane)
{
    static _Thread_local struct epoll_event events[EVENTS_MAX];
    while (lane->open) {
        tell_kernel(lane);
        int n = epoll_wait(lane->epoll, events, EVENTS_MAX, patience_ms(lane));
        for (int i = 0; i < n; i++)
            if (lane->sockets[events[i].data.fd].wanted)
                act(lane, events[i].data.fd, events[i].events);
            else
                drop(lane, events[i].data.fd);
        if (lane->timer_ns != NEVER && lane->timer_ns <= now_ns()) {
            lane->timer_ns = NEVER;
            act(lane, CURL_SOCKET_TIMEOUT, 0);
        }
        take_done(lane);
    }
}

static void use_epoll(struct lane *lane)
{
    lane->epoll = epoll_create1(EPOLL_CLOEXEC);
    lane->sockets = calloc(SOCKETS_MAX, sizeof *lane->sockets);
    must(lane->epoll >= 0 && lane->sockets, "no epoll");
    curl_multi_setopt(lane->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(lane->multi, CURLMOPT_TIMERDATA, lane);
    curl_multi_setopt(lane->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(lane->multi, CURLMOPT_SOCKETDATA, lane);
}

// The sockets of a transfer.
static void watch(struct lane *lane, CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, lane);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, lane);
}

// ---- all of it --------------------------------------------------------------------------

static bool epoll_wanted;

static void *run(void *arg)
{
    struct lane *lane = arg;
    lane->multi = curl_multi_init();
    lane->timer_ns = NEVER;
    must(lane->multi, "no memory");
    curl_multi_setopt(lane->multi, CURLMOPT_MAXCONNECTS, (long)lane->at_once);
    if (epoll_wanted)
        use_epoll(lane);
    for (int i = 0; i < lane->at_once && lane->next < lane->urls_n; i++) {
        CURL *easy = make_easy();
        if (epoll_wanted)
            watch(lane, easy);
        begin_next(lane, easy);
    }
    (epoll_wanted ? run_epoll : run_poll)(lane);
    curl_multi_cleanup(lane->multi);
    free(lane->sockets);
    return NULL;
}

static char **read_urls(const char *path, int *n)
{
    char **urls = NULL, *line = NULL;
    size_t room = 0;
    FILE *f = fopen(path, "re");
    must(f, "the list cannot be read");
    for (ssize_t length; (length = getline(&line, &room, f)) > 0; line = NULL, room = 0) {
        line[length - 1] = '\0';
        urls = realloc(urls, ((size_t)*n + 1) * sizeof *urls);
        must(urls, "no memory");
        urls[(*n)++] = line;
    }
    free(line);
    fclose(f);
    return urls;
}

int main(int argc, char **argv)
{
    must(argc == 5, "usage: fetch_curl poll|epoll THREADS AT_ONCE FILE");
    static struct lane lanes[THREADS_MAX];
    pthread_t threads[THREADS_MAX];
    int n = 0, failed = 0, step = (int)strtol(argv[2], NULL, 10);
    int at_once = (int)strtol(argv[3], NULL, 10) / step;
    char **urls = read_urls(argv[4], &n);
    epoll_wanted = strcmp(argv[1], "epoll") == 0;
    must(step >= 1 && step <= THREADS_MAX, "so many threads?");
    signal(SIGPIPE, SIG_IGN);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    for (int i = 0; i < step; i++)
        lanes[i] = (struct lane){
            .urls = urls, .urls_n = n, .step = step, .next = i, .at_once = at_once};
    for (int i = 1; i < step; i++)
        must(pthread_create(&threads[i], NULL, run, &lanes[i]) == 0, "no thread");
    run(&lanes[0]);
    for (int i = 1; i < step; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < step; i++)
        failed += lanes[i].failed;
    return failed ? 1 : 0;
}
