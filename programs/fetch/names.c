// SPDX-License-Identifier: MIT
// names.c - a few threads that ask, and the questions that they are asked.
//
// getaddrinfo blocks and cannot be interrupted, so it runs on threads of our own: daemons, which
// begin at need and stay for the next question; one each time would cost more than most lookups.
// (weft_block was no way: its four helpers stand in line for files too, and the program's end
// waits for them.) A thread that waits for a silent server is not waited for by anybody: who asked
// gives up when his time is over, another thread takes the next question, and the struct is freed
// by whoever is the last to hold it.
//
// A question is one name, however many wait for it. It is QUEUED, ASKED, and ANSWERED; then it
// stays as what we remember, or is gone at once if it must not be remembered: it has left the
// table, and the last of those who wait for it frees it.
#define _GNU_SOURCE // EAI_NODATA
#include "fetch/names.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <weft/weft.h>

#include "fetch/any_case.h"
#include <uthash.h>

enum { SLOW_MS = 1000, REMEMBERED_MS = 60 * 1000, NAME_MAX_BYTES = 255 };

enum step { QUEUED, ASKED, ANSWERED };

struct question {
    UT_hash_handle hh;          // by name
    enum step step;             // each in the line of its own
    TAILQ_ENTRY(question) line; // queue, asked, or answers if remembered
    weft_time begun, ended;     // when it was ASKED, and ANSWERED
    int users;                  // who wait, or copy
    bool kept;                  // it is in the table
    weft_cond answered;
    struct name_found found;
    char name[]; // the key
};

TAILQ_HEAD(questions, question);

struct names {
    weft_mutex mu; // guards everything here and in the questions; not a name, which never changes
    int at_once, family;
    int holders;            // the one who opened it, and each thread
    int threads, idle;      // of those; and that wait for a question
    size_t queued;          // in queue
    bool closed;            // never reset
    weft_cond work;         // there is a question, or it is closed
    struct question *table; // all that are kept
    struct questions queue; // those that are QUEUED
    struct questions asked; // ASKED; the oldest first
    struct questions answers;
    size_t answers_count;
};

// Codes that say that there is no such name, or that it has no address of the wanted family.
static bool is_to_be_remembered(int code)
{
    return code == 0 || code == EAI_NONAME || code == EAI_NODATA || code == EAI_ADDRFAMILY;
}

// ---- questions --------------------------------------------------------------------------

static void drop_from_table(struct names *n, struct question *q)
{
    HASH_DEL(n->table, q);
    q->kept = false;
}

static void free_if_unused(struct question *q)
{
    if (!q->kept && q->users == 0)
        free(q);
}

static void forget(struct names *n, struct question *q)
{
    TAILQ_REMOVE(&n->answers, q, line);
    n->answers_count--;
    drop_from_table(n, q);
    free_if_unused(q);
}

static bool is_old(const struct question *q, weft_time now)
{
    return q->step == ANSWERED && now.ns - q->ended.ns >= REMEMBERED_MS * (int64_t)1000000;
}

static void forget_old(struct names *n)
{
    weft_time now = weft_now();
    struct question *q;
    while ((q = TAILQ_FIRST(&n->answers)) &&
           (n->answers_count > NAMES_REMEMBERED || is_old(q, now)))
        forget(n, q);
}

// Found or new; NULL: out of memory.
static struct question *question_of(struct names *n, const char *name)
{
    size_t length = strlen(name);
    unsigned hash = any_case_hash(name, length);
    struct question *q;
    forget_old(n);
    HASH_FIND_BYHASHVALUE(hh, n->table, name, length, hash, q);
    if (q)
        return q;
    q = calloc(1, sizeof *q + length + 1);
    if (!q)
        return NULL;
    memcpy(q->name, name, length + 1);
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, n->table, q->name, length, hash, q);
    if (!q->hh.tbl) {
        free(q);
        return NULL;
    }
    q->kept = true;
    TAILQ_INSERT_TAIL(&n->queue, q, line);
    n->queued++;
    return q;
}

static void take_from_queue(struct names *n, struct question *q)
{
    TAILQ_REMOVE(&n->queue, q, line);
    n->queued--;
}

static void answer(struct names *n, struct question *q, const struct name_found *found)
{
    TAILQ_REMOVE(&n->asked, q, line);
    q->found = *found;
    q->step = ANSWERED;
    q->ended = weft_now();
    weft_cond_broadcast(&q->answered);
    if (!is_to_be_remembered(found->code)) {
        drop_from_table(n, q);
        free_if_unused(q);
        return;
    }
    TAILQ_INSERT_TAIL(&n->answers, q, line);
    n->answers_count++;
    forget_old(n);
}

// ---- looking up -------------------------------------------------------------------------

static void copy_address(const struct addrinfo *a, struct name_found *found)
{
    const void *at = a->ai_addr;
    const struct sockaddr_in *v4 = at;
    const struct sockaddr_in6 *v6 = at;
    const void *address = a->ai_family == AF_INET    ? (const void *)&v4->sin_addr
                          : a->ai_family == AF_INET6 ? (const void *)&v6->sin6_addr
                                                     : NULL;
    char *text = found->addresses[found->length];
    if (address && inet_ntop(a->ai_family, address, text, NAMES_TEXT))
        found->length++;
}

// glibc has no word for a hosts file that it could not open, or a socket that it lacked, and says
// that there is no such name: which must be told otherwise, and not be remembered.
static struct name_found failed(int code, int error)
{
    bool lacks = error == EMFILE || error == ENFILE;
    return (struct name_found){.code = lacks ? EAI_SYSTEM : code,
                               .error = lacks || code == EAI_SYSTEM ? error : 0};
}

static void look_up(const char *name, int family, int flags, struct name_found *found)
{
    struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = flags};
    struct addrinfo *list = NULL;
    errno = 0;
    int code = getaddrinfo(name, NULL, &hints, &list);
    *found = code != 0 ? failed(code, errno) : (struct name_found){.code = 0};
    if (code != 0)
        return;
    for (struct addrinfo *a = list; a && found->length < NAMES_ADDRESSES; a = a->ai_next)
        copy_address(a, found);
    freeaddrinfo(list);
    if (found->length == 0)
        found->code = EAI_NODATA;
}

// Whether it may be a number: what stands behind the last point begins with a digit.
static bool may_be_number(const char *host)
{
    const char *point = strrchr(host, '.');
    const char *last = point ? point + 1 : host;
    return strchr(host, ':') || (*last >= '0' && *last <= '9');
}

// ---- threads ----------------------------------------------------------------------------

// The last one's: nobody waits, and all questions are answered or were never asked.
static void names_free(struct names *n)
{
    struct question *q, *next;
    HASH_ITER (hh, n->table, q, next) {
        HASH_DEL(n->table, q);
        free(q);
    }
    free(n);
}

// Unlocks.
static void let_go(struct names *n)
{
    bool last = --n->holders == 0;
    weft_unlock(&n->mu);
    if (last)
        names_free(n);
}

static int slow_lookups(const struct names *n)
{
    int64_t now = weft_now().ns;
    int slow = 0;
    const struct question *q;
    TAILQ_FOREACH (q, &n->asked, line) {
        if (now - q->begun.ns < SLOW_MS * (int64_t)1000000 || slow == NAMES_SLOW)
            break;
        slow++;
    }
    return slow;
}

static bool may_have_thread(const struct names *n)
{
    return n->threads < n->at_once || n->threads < n->at_once + slow_lookups(n);
}

// The next question that is for this thread. NULL: it is to end, for all is closed or there are
// more threads than needed since the slow ones have their answers.
static struct question *next_question(struct names *n)
{
    while (!n->closed) {
        struct question *q = TAILQ_FIRST(&n->queue);
        if (n->threads > n->at_once + slow_lookups(n))
            return NULL;
        if (q) {
            take_from_queue(n, q);
            return q;
        }
        n->idle++;
        int rc = weft_cond_wait(&n->work, &n->mu, WEFT_FOREVER);
        n->idle--;
        if (rc < 0)
            return NULL;
    }
    return NULL;
}

static int ask(struct names *const *arg, weft_none *none)
{
    struct names *n = *arg;
    struct name_found found;
    (void)none;
    weft_shield(true); // who starts it drops its future, which asks it to stop
    weft_lock(&n->mu);
    for (struct question *q; (q = next_question(n));) {
        q->step = ASKED;
        q->begun = weft_now();
        TAILQ_INSERT_TAIL(&n->asked, q, line);
        weft_unlock(&n->mu);
        look_up(q->name, n->family, 0, &found);
        weft_lock(&n->mu);
        answer(n, q, &found);
    }
    n->threads--;
    let_go(n);
    return 0;
}
WEFT_TASK(ask, struct names *, weft_none);

// One more if it is needed and allowed. 0, or why there is none at all.
static int call_thread(struct names *n)
{
    if (n->queued <= (size_t)n->idle) {
        weft_cond_signal(&n->work);
        return 0;
    }
    if (!may_have_thread(n))
        return 0;
    weft_future *f = weft_start_as(WEFT_WITH(.kind = WEFT_THREADS, .name = "names", .daemon = true),
                                   ask, &n);
    if (!f)
        return n->threads > 0 ? 0 : weft_error_code();
    n->threads++;
    n->holders++;
    weft_drop(&f);
    return 0;
}

// ---- finding ----------------------------------------------------------------------------

// Nobody is told when his lookup begins; so in line he looks again before its time can be over, and
// when those that run may have become slow.
static weft_time look_again_at(const struct question *q, const struct names_time *time)
{
    weft_time slow = weft_after_ms(SLOW_MS), over = weft_after_ns(time->lookup_ns);
    return q->step == QUEUED ? weft_sooner(slow, over)
                             : (weft_time){time->begun.ns + time->lookup_ns};
}

static void note_begin(const struct question *q, struct names_time *time)
{
    weft_time begun = q->step == QUEUED ? weft_now() : q->begun;
    if (begun.ns > time->begun.ns)
        time->begun = begun;
}

static int wait_for_answer(struct names *n, struct question *q, struct names_time *time)
{
    int rc = 0;
    while (rc == 0 && q->step != ANSWERED) {
        bool queued = q->step == QUEUED;
        weft_time until = look_again_at(q, time);
        rc = weft_cond_wait(&q->answered, &n->mu, weft_sooner(until, time->end));
        note_begin(q, time);
        if (rc == -ETIMEDOUT && queued && until.ns < time->end.ns) { // it is time to look again
            rc = weft_check();
            if (rc == 0 && q->step == QUEUED)
                rc = call_thread(n);
        }
    }
    return q->step == ANSWERED ? 0 : rc;
}

static void leave(struct names *n, struct question *q)
{
    if (--q->users == 0 && q->step == QUEUED) {
        take_from_queue(n, q);
        drop_from_table(n, q);
    }
    free_if_unused(q);
}

static int find(struct names *n, const char *host, struct names_time *time,
                struct name_found *found)
{
    weft_guard(&n->mu);
    struct question *q = question_of(n, host);
    if (!q)
        return weft_fail(-ENOMEM, "out of memory");
    q->users++;
    int rc = q->step == QUEUED ? call_thread(n) : 0;
    if (rc == 0)
        rc = wait_for_answer(n, q, time);
    if (rc == 0)
        *found = q->found;
    leave(n, q);
    return rc;
}

int names_find(struct names *n, const char *host, struct names_time *time, struct name_found *found)
{
    int rc = weft_check();
    time->begun = weft_now();
    if (rc < 0)
        return rc;
    if (strlen(host) > NAME_MAX_BYTES) { // no name is, and each would have to be remembered
        *found = (struct name_found){.code = EAI_NONAME};
        return 0;
    }
    if (may_be_number(host)) {
        look_up(host, n->family, AI_NUMERICHOST, found);
        if (found->code == 0)
            return 0;
    }
    rc = find(n, host, time, found);
    if (rc == 0 && found->code == EAI_MEMORY)
        return weft_fail(-ENOMEM, "out of memory");
    return rc;
}

// ---- all of it --------------------------------------------------------------------------

struct names *names_open(int at_once, int family)
{
    struct names *n = malloc(sizeof *n);
    if (!n)
        return NULL;
    *n = (struct names){.at_once = at_once, .family = family, .holders = 1};
    TAILQ_INIT(&n->queue);
    TAILQ_INIT(&n->asked);
    TAILQ_INIT(&n->answers);
    return n;
}

void names_close(struct names **n)
{
    struct names *closing = *n;
    *n = NULL;
    if (!closing)
        return;
    weft_lock(&closing->mu);
    closing->closed = true;
    weft_cond_broadcast(&closing->work);
    let_go(closing);
}

const char *names_why(const struct name_found *found)
{
    bool is_known = found->code == EAI_SYSTEM && found->error > 0;
    return is_known ? strerror(found->error) : gai_strerror(found->code);
}

size_t names_remembered(struct names *n)
{
    weft_guard(&n->mu);
    return n->answers_count;
}
