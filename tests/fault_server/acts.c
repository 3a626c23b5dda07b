// SPDX-License-Identifier: MIT
// acts.c - pages that misbehave, or do well, by more than some bytes.
#include "acts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bodies.h"

// ---- the row's bytes, and what then --------------------------------------------

static int say_row(struct visit *v)
{
    return say(v, v->row->says.bytes, v->row->says.size);
}

int say_and_close(struct visit *v)
{
    return say_row(v); // 0 is CLOSE
}

int say_and_keep(struct visit *v)
{
    int rc = say_row(v);
    return rc < 0 ? rc : KEEP;
}

int say_and_hang(struct visit *v)
{
    int rc = say_row(v);
    return rc < 0 ? rc : wait_for_the_end(v);
}

int say_and_cut(struct visit *v)
{
    int rc = say_row(v);
    return rc < 0 ? rc : cut(v);
}

int say_and_reset(struct visit *v)
{
    int rc = say_row(v);
    return rc < 0 ? rc : reset(v);
}

int say_and_half_close(struct visit *v)
{
    int rc = say_row(v);
    rc = rc < 0 ? rc : weft_shutdown(v->c, WEFT_FOREVER);
    return rc < 0 ? rc : wait_for_the_end(v);
}

// ---- ends and lengths ----------------------------------------------------------

int ok(struct visit *v)
{
    struct body body = plain_body((size_t)number(v, "size", 5));
    if (!body.bytes)
        return -ENOMEM;
    int rc = answer(v, "200 OK", "", body.bytes, body.size);
    free(body.bytes);
    return rc;
}

int list_pages(struct visit *v)
{
    int rc = sayf(v, "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n");
    for (const struct row *row = rows; rc == 0 && row->name; row++)
        rc = sayf(v, "/%-24s %s\n", row->name, row->describe);
    return rc;
}

static int say_chunk(struct visit *v, const char *bytes, size_t size)
{
    int rc = sayf(v, "%zx\r\n", size);
    rc = rc < 0 ? rc : say(v, bytes, size);
    return rc < 0 ? rc : say(v, "\r\n", 2);
}

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

int chunked(struct visit *v)
{
    struct body body = plain_body((size_t)number(v, "size", 5000));
    if (!body.bytes)
        return -ENOMEM;
    int rc = sayf(v, CHUNKED);
    for (size_t at = 0; rc == 0 && at < body.size; at += 1000)
        rc = say_chunk(v, body.bytes + at, body.size - at < 1000 ? body.size - at : 1000);
    free(body.bytes);
    rc = rc < 0 ? rc : sayf(v, "0\r\n\r\n");
    return rc < 0 ? rc : KEEP;
}

int close_ends(struct visit *v)
{
    int rc = sayf(v, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    return rc < 0 ? rc : say_often(v, "x", number(v, "size", 300));
}

int longer(struct visit *v)
{
    int rc = sayf(v, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12345excess");
    return rc < 0 ? rc : KEEP;
}

int longer_large(struct visit *v)
{
    static char bytes[100005];
    int rc = sayf(v, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    rc = rc < 0 ? rc : say(v, bytes, sizeof bytes);
    return rc < 0 ? rc : KEEP;
}

#define SECOND_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\npoisons"

int poison(struct visit *v)
{
    int rc = sayf(v, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12345" SECOND_ANSWER);
    return rc < 0 ? rc : KEEP;
}

int poison_late(struct visit *v)
{
    int rc = sayf(v, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12345");
    rc = rc < 0 ? rc : wait_ms(number(v, "ms", 50));
    rc = rc < 0 ? rc : sayf(v, SECOND_ANSWER);
    return rc < 0 ? rc : KEEP;
}

int stale(struct visit *v)
{
    int rc = ok(v);
    if (rc == KEEP && v->earlier == 0 && !number(v, "now", 0))
        (void)weft_wait_readable(v->c, WEFT_FOREVER); // the next request has come, or the end
    return rc < 0 ? rc : CLOSE;
}

// ---- time ----------------------------------------------------------------------

static int say_slowly(struct visit *v)
{
    int rc = 0;
    while (rc == 0) {
        rc = say(v, "x", 1);
        rc = rc < 0 ? rc : wait_ms(number(v, "ms", 1000));
    }
    return rc;
}

int drip(struct visit *v)
{
    int rc = sayf(v, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    return rc < 0 ? rc : say_slowly(v);
}

int drip_header(struct visit *v)
{
    int rc = sayf(v, "HTTP/1.1 200 OK\r\nX-Slow: ");
    return rc < 0 ? rc : say_slowly(v);
}

int slow(struct visit *v)
{
    int rc = wait_ms(number(v, "ms", 300));
    return rc < 0 ? rc : ok(v);
}

// ---- too much ------------------------------------------------------------------

#define OF_64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OF_256 OF_64 OF_64 OF_64 OF_64
#define KILOBYTE OF_256 OF_256 OF_256 OF_256

int endless(struct visit *v)
{
    int rc = sayf(v, "HTTP/1.1 %s\r\n\r\n", v->row->says.bytes);
    return rc < 0 ? rc : say_often(v, KILOBYTE, -1);
}

int endless_chunked(struct visit *v)
{
    int rc = sayf(v, CHUNKED);
    return rc < 0 ? rc : say_often(v, "400\r\n" KILOBYTE "\r\n", -1);
}

int endless_header(struct visit *v)
{
    int rc = sayf(v, "HTTP/1.1 200 OK\r\nX-Long: ");
    return rc < 0 ? rc : say_often(v, KILOBYTE, -1);
}

int endless_headers(struct visit *v)
{
    int rc = sayf(v, "HTTP/1.1 200 OK\r\n");
    return rc < 0 ? rc : say_often(v, "X-Many: 1\r\n", -1);
}

int endless_interim(struct visit *v)
{
    return say_often(v, "HTTP/1.1 103 Early Hints\r\nX-Hint: 1\r\n\r\n", -1);
}

int giant_header(struct visit *v)
{
    int rc = sayf(v, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Giant: ");
    rc = rc < 0 ? rc : say_often(v, KILOBYTE, number(v, "kb", 200));
    return rc < 0 ? rc : sayf(v, "\r\n\r\n12345");
}

int giant_trailer(struct visit *v)
{
    int rc = sayf(v, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n"
                     "X-Giant: ");
    rc = rc < 0 ? rc : say_often(v, KILOBYTE, number(v, "kb", 5));
    return rc < 0 ? rc : sayf(v, "\r\n\r\n");
}

int many_headers(struct visit *v)
{
    int rc = sayf(v, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n");
    rc = rc < 0 ? rc : say_often(v, "X-Many: 1\r\n", number(v, "n", 5000));
    return rc < 0 ? rc : sayf(v, "\r\n12345");
}

int interim(struct visit *v)
{
    int rc = say_often(v, "HTTP/1.1 103 Early Hints\r\nLink: </x.css>\r\n\r\n", number(v, "n", 50));
    return rc < 0 ? rc : ok(v);
}

// ---- statuses, redirects, cookies ----------------------------------------------

static void put_date(char *line, size_t cap, long long after)
{
    time_t then = time(NULL) + (time_t)after;
    struct tm utc;
    (void)strftime(line, cap, "Retry-After: %a, %d %b %Y %H:%M:%S GMT\r\n", gmtime_r(&then, &utc));
}

int status_page(struct visit *v)
{
    static const char body[] = "an error page, which is not the page";
    long long after = number(v, "after", -1);
    char line[80] = "";
    if (after >= 0 && number(v, "date", 0))
        put_date(line, sizeof line, after);
    else if (after >= 0)
        (void)snprintf(line, sizeof line, "Retry-After: %lld\r\n", after);
    return answer(v, v->row->says.bytes, line, body, sizeof body - 1);
}

static int go(struct visit *v, const char *status, const char *to, const char *more)
{
    char headers[1500];
    (void)snprintf(headers, sizeof headers, "Location: %s\r\n%s", to, more);
    return answer(v, status, headers, "elsewhere", 9);
}

int redirect(struct visit *v)
{
    char to[1024], status[40];
    if (!words(v, "to", to, sizeof to))
        (void)snprintf(to, sizeof to, "/ok");
    (void)snprintf(status, sizeof status, "%lld Elsewhere", number(v, "status", 302));
    return go(v, status, to, "");
}

int redirects(struct visit *v)
{
    char to[64];
    long long left = number(v, "n", 5);
    (void)snprintf(to, sizeof to, "/redirects?n=%lld", left - 1);
    return left > 0 ? go(v, "302 Found", to, "") : ok(v);
}

int cookie(struct visit *v)
{
    if (strstr(v->request.cookie, "been=here"))
        return ok(v);
    return go(v, "302 Found", v->request.target, "Set-Cookie: been=here; Path=/\r\n");
}

int cookie_set(struct visit *v)
{
    char to[1024];
    if (!words(v, "to", to, sizeof to))
        (void)snprintf(to, sizeof to, "/cookie-show");
    return go(v, "302 Found", to, "Set-Cookie: been=here; Path=/\r\n");
}

int cookie_show(struct visit *v)
{
    return answer(v, "200 OK", "", v->request.cookie, strlen(v->request.cookie));
}
