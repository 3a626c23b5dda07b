// SPDX-License-Identifier: MIT
// driver.c - runs libcurl's transfers for fibers.
//
// How weft fetch works. Each URL has a fiber (pages.c) that does what has to be done for it in
// straight-line code: it waits for its turn at the host, asks, follows, tries again (page.c). To
// ask, it hands an easy handle to the driver and parks. The driver is a task with a multi handle:
// it takes in what fibers handed over, lets libcurl work, and sets the event of each transfer that
// is over. It is a fiber of the same loop.
//
// On whose stack. libcurl and OpenSSL go deep, and a fiber's stack is small: whatever is asked of
// them, by the driver or by a page's fiber, is asked on the loop's own (weft_on_thread_stack). So a
// part of a turn that has to do with libcurl is one call there, in which nothing waits: no lock is
// taken, and events are set afterwards.
//
// Who owns a transfer. Its fiber, until driver_run puts it into the inbox; then the driver's task,
// until it sets `over`; then its fiber again. driver_run does not return in between, whatever
// happens: a fiber that is asked to stop only marks its transfer as unwanted, and goes on waiting,
// shielded; the driver takes it out of the multi handle, and then sets `over` as always. That event
// is set once for each hand-over, and its setting is the last thing that the driver does with the
// transfer. So the fiber may free it at once, no transfer is freed while libcurl can still call its
// callbacks, and none is forgotten: each is in the inbox or in the list of those under way, and
// both are looked at in each turn. A transfer that ends by itself while its fiber marks it is only
// over: the mark is looked at in transfers of the inbox and of the list, and it has left both. (Of
// both at once, before a turn: one that is marked while it lies in the inbox is marked just once.)
//
// Wake-ups. The driver says that it sleeps (`asleep`) under the inbox's lock, when it has seen the
// inbox empty. Whoever puts something in and finds it asleep has to ring, and is alone in that, for
// he takes `asleep` back. But that is rare: a driver that has set events lets the fibers of its
// loop run before it sleeps, and takes in what they ask next. So a page costs no wake-up, and a
// turn has what many pages need.
//
// Deadlines are the driver's too: each transfer has one, which moves as it gets on, and the driver
// looks for those that are overdue when the earliest that it knows of has come, after libcurl has
// had what arrived by then. So a page's limits cost no timers of fibers or of libcurl.
//
// Measured, 10,000 pages of 1 KB, 50 at once, libcurl alone without any fiber taking 1: a driver on
// a thread of its own with curl_multi_poll took 1.8 times the CPU, with curl_multi_socket_action
// 1.5 (a wake-up there and back for nearly each page), and on the fibers' loop 1.2 with the
// printing. What that costs is that a lookup or a handshake by libcurl holds up the fibers; they
// would wait for it anyway.
#include "fetch/driver.h"

#include <errno.h>
#include <stdlib.h>

enum { YIELDS = 4 };

struct list {
    struct transfer *first, *last;
};

struct driver {
    CURLM *multi;
    CURLSH *sessions; // of TLS, for all handles; NULL where they are of several threads
    struct sockets sockets;
    weft_future *task;
    struct list under_way;  // this and the next: the task's alone
    weft_time look;         // for overdue ones; none is due earlier
    weft_mutex mu;          // guards the rest, and `unwanted` of its transfers
    struct transfer *inbox; // newest first
    bool asleep, closing;
    bool unwanted; // some transfer is
};

// ---- the driver's task: one transfer -----------------------------------------------

static void list_add(struct list *list, struct transfer *t)
{
    t->next = NULL;
    t->previous = list->last;
    if (list->last)
        list->last->next = t;
    else
        list->first = t;
    list->last = t;
}

static void list_remove(struct list *list, struct transfer *t)
{
    if (t->previous)
        t->previous->next = t->next;
    else
        list->first = t->next;
    if (t->next)
        t->next->previous = t->previous;
    else
        list->last = t->previous;
}

// It is over: out of libcurl's hands, and among those that are told at the end of this turn.
static void end(struct driver *d, struct transfer *t, CURLcode code, struct list *over)
{
    (void)curl_multi_remove_handle(d->multi, t->easy); // fails only where it is not in there
    list_remove(&d->under_way, t);
    t->code = code;
    list_add(over, t);
}

// Its handle is used for the first time.
static bool adopt(struct driver *d, struct transfer *t)
{
    t->driver = d;
    return sockets_adopt(&d->sockets, t->easy, &t->user) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_SHARE, d->sessions) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t) == CURLE_OK;
}

static void begin(struct driver *d, struct transfer *t, struct list *over)
{
    list_add(&d->under_way, t);
    d->look = weft_sooner(d->look, t->due);
    bool adopted = t->driver == d || adopt(d, t);
    CURLMcode code = adopted ? curl_multi_add_handle(d->multi, t->easy) : CURLM_INTERNAL_ERROR;
    if (code != CURLM_OK)
        end(d, t, code == CURLM_OUT_OF_MEMORY ? CURLE_OUT_OF_MEMORY : CURLE_FAILED_INIT, over);
}

// Each of these may be freed once its event is set, so what is behind it is read before.
static void tell(const struct list *over)
{
    struct transfer *next;
    for (struct transfer *t = over->first; t; t = next) {
        next = t->next;
        weft_event_set(&t->over);
    }
}

// ---- the driver's task: a turn -----------------------------------------------------

static void begin_all(struct driver *d, struct transfer *newest, struct list *over)
{
    struct transfer *oldest = NULL;
    while (newest) {
        struct transfer *t = newest;
        newest = t->next;
        t->next = oldest;
        oldest = t;
    }
    while (oldest) {
        struct transfer *t = oldest;
        oldest = t->next;
        begin(d, t, over);
    }
}

static void end_unwanted(struct driver *d, const struct list *unwanted, struct list *over)
{
    struct transfer *next;
    for (struct transfer *t = unwanted->first; t; t = next) {
        next = t->next;
        list_add(&d->under_way, t);
        end(d, t, CURLE_ABORTED_BY_CALLBACK, over);
    }
}

static void end_overdue(struct driver *d, struct list *over)
{
    struct transfer *next;
    if (d->look.ns > d->sockets.now.ns)
        return;
    d->look = WEFT_FOREVER;
    for (struct transfer *t = d->under_way.first; t; t = next) {
        next = t->next;
        if (t->due.ns <= d->sockets.now.ns)
            end(d, t, CURLE_OPERATION_TIMEDOUT, over);
        else
            d->look = weft_sooner(d->look, t->due);
    }
}

// Whether others may be on its connection and wait in vain. Where a connection of HTTP/2 comes to
// its end, libcurl 7.88 tells the transfer that meets it, and the others when it looks for them
// again: when their time is over. The one may seem to be whole, if it claimed no length.
static bool may_end_others(CURL *easy, CURLcode code)
{
    long version = 0;
    curl_off_t claimed = -1; // both stay so if they are not told
    (void)curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
    (void)curl_easy_getinfo(easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &claimed);
    return code != CURLE_OK || (version == CURL_HTTP_VERSION_2_0 && claimed < 0);
}

static void end_finished(struct driver *d, struct list *over)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(d->multi, &left)) != NULL) {
        CURLcode code = message->data.result; // the message is gone with the handle
        struct transfer *t = NULL;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t); // cannot fail
        t->shared = t->port && may_end_others(t->easy, code);
        end(d, t, code, over);
    }
}

// Have libcurl look again for those that share a connection with one that is over. Whoever ends by
// that is behind it in the list, and looked at as well; where nobody did, all goes on.
static CURLMcode end_sharers(struct driver *d, struct list *over)
{
    CURLMcode code = CURLM_OK;
    int sound = 0; // the port of one where nobody did
    for (struct transfer *t = over->first; t && code == CURLM_OK; t = t->next) {
        if (!t->shared || t->port == sound)
            continue;
        const struct transfer *last = over->last;
        code = sockets_look(&d->sockets, t->port);
        end_finished(d, over);
        sound = over->last == last ? t->port : 0;
    }
    return code;
}

// The last of those that a connection carried is told that it is closed.
static void tell_sharers(const struct list *over)
{
    for (struct transfer *t = over->first; t; t = t->next)
        for (struct transfer *other = t->gone ? over->first : NULL; other; other = other->next)
            other->gone |= other->port == t->port;
}

// libcurl itself is out of order, or out of memory: nothing that is under way will come to an end.
static void end_all(struct driver *d, CURLMcode why, struct list *over)
{
    CURLcode code = why == CURLM_OUT_OF_MEMORY ? CURLE_OUT_OF_MEMORY : CURLE_FAILED_INIT;
    while (d->under_way.first)
        end(d, d->under_way.first, code, over);
}

struct turn {
    struct driver *driver;
    struct transfer *newest; // of those that came in
    struct list unwanted;    // of these and of those under way
    struct list over;        // to be told
    bool last;
};

// With mu held.
static void take_unwanted(struct driver *d, struct turn *turn)
{
    struct transfer *next, **wanted = &turn->newest;
    for (struct transfer *t = d->under_way.first; t; t = next) {
        next = t->next;
        if (t->unwanted) {
            list_remove(&d->under_way, t);
            list_add(&turn->unwanted, t);
        }
    }
    for (struct transfer *t = turn->newest; t; t = next) {
        next = t->next;
        if (t->unwanted) {
            list_add(&turn->unwanted, t);
            continue;
        }
        *wanted = t;
        wanted = &t->next;
    }
    *wanted = NULL;
}

static void take_in(struct driver *d, struct turn *turn)
{
    weft_lock(&d->mu);
    turn->newest = d->inbox;
    turn->last = d->closing;
    if (d->unwanted)
        take_unwanted(d, turn);
    d->inbox = NULL;
    d->unwanted = d->asleep = false;
    weft_unlock(&d->mu);
}

// False: nothing came in, and whoever brings something has to ring.
static bool stays_awake(struct driver *d)
{
    weft_lock(&d->mu);
    bool awake = d->inbox || d->unwanted || d->closing;
    d->asleep = !awake;
    weft_unlock(&d->mu);
    return awake;
}

static bool has_news(struct driver *d)
{
    weft_lock(&d->mu);
    bool news = d->inbox || d->unwanted || d->closing;
    weft_unlock(&d->mu);
    return news;
}

// On their loop: one that was told just now may let the feeder go on, which starts another, which
// asks. Whatever they have is then there before the sleep, and nobody has to ring.
static void let_others_run(struct driver *d)
{
    for (int i = 0; i < YIELDS && !has_news(d); i++)
        weft_yield();
}

// What libcurl has to do with.
static void let_curl_work(void *arg)
{
    struct turn *turn = arg;
    struct driver *d = turn->driver;
    begin_all(d, turn->newest, &turn->over);
    end_unwanted(d, &turn->unwanted, &turn->over);
    CURLMcode code = sockets_work(&d->sockets);
    if (code == CURLM_OK) {
        end_finished(d, &turn->over);
        code = end_sharers(d, &turn->over);
    }
    if (code != CURLM_OK)
        end_all(d, code, &turn->over);
    tell_sharers(&turn->over);
    end_overdue(d, &turn->over);
}

// Wait, take in what came, let libcurl work, tell who is through. False: it was the last turn.
static bool take_turn(struct driver *d)
{
    struct turn turn = {.driver = d};
    sockets_wait(&d->sockets, stays_awake(d) ? WEFT_POLL : d->look);
    take_in(d, &turn);
    weft_on_thread_stack(let_curl_work, &turn);
    tell(&turn.over);
    if (turn.over.first && d->sockets.fiber)
        let_others_run(d);
    return !turn.last;
}

static int drive(struct driver *const *arg, weft_none *none)
{
    struct driver *d = *arg;
    (void)none;
    while (take_turn(d)) {}
    return 0;
}
WEFT_TASK(drive, struct driver *, weft_none);

// ---- the fibers' side ------------------------------------------------------------

// Under its lock: somebody has to ring, and it is the caller.
static bool must_ring(struct driver *d)
{
    bool must = d->asleep;
    d->asleep = false;
    return must;
}

static void hand_over(struct driver *d, struct transfer *t)
{
    weft_lock(&d->mu);
    t->next = d->inbox;
    d->inbox = t;
    bool ring = must_ring(d);
    weft_unlock(&d->mu);
    if (!ring)
        return;
    weft_yield(); // whoever woke with us has something for it as well
    sockets_ring(&d->sockets);
}

static void call_back(struct driver *d, struct transfer *t)
{
    weft_lock(&d->mu);
    t->unwanted = d->unwanted = true;
    bool ring = must_ring(d);
    weft_unlock(&d->mu);
    if (ring)
        sockets_ring(&d->sockets);
}

CURLcode driver_run(struct driver *d, struct transfer *t)
{
    t->unwanted = false;
    t->user.refused = 0;
    t->shared = false;
    weft_event_clear(&t->over);
    hand_over(d, t);
    if (weft_event_wait(&t->over, WEFT_FOREVER) == 0)
        return t->code;
    call_back(d, t);
    bool was = weft_shield(true);
    (void)weft_event_wait(&t->over, WEFT_FOREVER); // shielded, for ever: only 0
    (void)weft_shield(was);
    return t->code;
}

weft_time transfer_now(const struct transfer *t)
{
    return t->driver->sockets.now;
}

int transfer_socket(const struct transfer *t)
{
    return t->driver->sockets.working;
}

int transfer_refused(const struct transfer *t)
{
    return t->user.refused;
}

void transfer_due(struct transfer *t, weft_time due)
{
    t->due = due;
    t->driver->look = weft_sooner(t->driver->look, due);
}

// ---- opening and closing ---------------------------------------------------------

struct opening {
    struct driver *driver;
    bool fiber, done;
    long at_once;
};

// Else each handle has a cache of its own, of 920 bytes, and the second connection to a host agrees
// on TLS all over again.
static bool share_sessions(struct driver *d)
{
    d->sessions = curl_share_init();
    return d->sessions && curl_share_setopt(d->sessions, CURLSHOPT_SHARE,
                                            CURL_LOCK_DATA_SSL_SESSION) == CURLSHE_OK;
}

static void open_multi(void *arg)
{
    struct opening *o = arg;
    struct driver *d = o->driver;
    d->multi = curl_multi_init();
    // Without the last libcurl keeps fewer connections when a burst of transfers is over.
    o->done = d->multi && (!o->fiber || share_sessions(d)) &&
              sockets_open(&d->sockets, d->multi, o->fiber) == 0 &&
              curl_multi_setopt(d->multi, CURLMOPT_MAXCONNECTS, o->at_once) == CURLM_OK;
}

static bool begin_driving(struct driver *d, enum weft_kind kind, int at_once)
{
    struct opening o = {.driver = d, .fiber = kind == WEFT_FIBERS, .at_once = at_once};
    weft_on_thread_stack(open_multi, &o);
    if (o.done)
        d->task = weft_start_as(WEFT_WITH(.kind = kind, .name = "driver"), drive, &d);
    return d->task != NULL;
}

struct driver *driver_open(int at_once)
{
    struct driver *d = malloc(sizeof *d);
    (void)weft_fail(-ENOMEM, "out of memory"); // unless it says better
    if (!d)
        return NULL;
    *d = (struct driver){.look = WEFT_FOREVER, .sockets = {.epoll = -1, .bell = -1}};
    struct weft_info self;
    weft_self(&self);
    if (!begin_driving(d, self.kind, at_once))
        driver_close(&d);
    return d;
}

static void end_driving(struct driver *d)
{
    weft_lock(&d->mu);
    d->closing = true;
    bool ring = must_ring(d);
    weft_unlock(&d->mu);
    if (ring)
        sockets_ring(&d->sockets);
    (void)weft_join(&d->task, NULL, 0); // its task returns 0
}

static void close_multi(void *arg)
{
    struct driver *d = arg;
    (void)curl_multi_cleanup(d->multi);    // NULL is all it minds
    (void)curl_share_cleanup(d->sessions); // and a handle that is still there
}

// Also one that was opened only in part.
void driver_close(struct driver **d)
{
    if (!*d)
        return;
    if ((*d)->task)
        end_driving(*d);
    weft_on_thread_stack(close_multi, *d);
    sockets_close(&(*d)->sockets);
    free(*d);
    *d = NULL;
}
