// SPDX-License-Identifier: MIT
// answer.c - see answer.h.
//
// Each answer carries its length, so that the next can follow it on the same connection, and never
// a byte of the request: nothing can be reflected. Nothing is cached; the page is small, and an old
// one with a new server is a riddle to whoever has it.
#include "chat/web/answer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <weft/error.h>

#include "common/json.h"

enum {
    HEAD_SIZE = 1536,
    DATE_SIZE = 144, // for any numbers that a struct tm could hold
    ERROR_SIZE = 256,
};

static const char nothing_allowed[] = "default-src 'none'; frame-ancestors 'none'";

// "Not Found"
static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {414, "URI Too Long"},
        {426, "Upgrade Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Answer"; // a client needs the number only
}

// "Sat, 28 Nov 2026 18:00:00 GMT"; strftime would write it in the user's language.
static void write_date(char out[DATE_SIZE])
{
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t now = time(NULL);
    struct tm t;
    if (!gmtime_r(&now, &t))
        t = (struct tm){.tm_mday = 1}; // a year that does not fit into an int
    (void)snprintf(out, DATE_SIZE, "%s, %02d %s %d %02d:%02d:%02d GMT", days[t.tm_wday], t.tm_mday,
                   months[t.tm_mon], t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

int answer_send(weft_conn *c, const struct answer *a, weft_time deadline)
{
    char head[HEAD_SIZE], date[DATE_SIZE];
    write_date(date);
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 %d %s\r\n"
                     "Date: %s\r\n"
                     "Content-Type: %s\r\n"
                     "Content-Length: %zu\r\n"
                     "Cache-Control: no-store\r\n"
                     "Content-Security-Policy: %s\r\n"
                     "X-Content-Type-Options: nosniff\r\n"
                     "X-Frame-Options: DENY\r\n"
                     "Referrer-Policy: no-referrer\r\n"
                     "Cross-Origin-Resource-Policy: same-origin\r\n"
                     "%s%s\r\n",
                     a->status, reason_of(a->status), date,
                     a->type ? a->type : "text/plain; charset=utf-8", a->size,
                     a->policy ? a->policy : nothing_allowed, a->fields ? a->fields : "",
                     a->close ? "Connection: close\r\n" : "");
    if (n < 0 || (size_t)n >= sizeof head)
        return weft_fail(-ENOBUFS, "the head of an answer is too long");
    struct iovec parts[] = {
        {.iov_base = head, .iov_len = (size_t)n},
        {.iov_base = (void *)(uintptr_t)a->body, .iov_len = a->is_head ? 0 : a->size},
    };
    return weft_writev(c, parts, 2, deadline);
}

static int answer_json_error(weft_conn *c, const struct answer *a, const char *why,
                             weft_time deadline)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return weft_fail(-ENOMEM, "web: no memory for an answer");
    (void)fprintf(out, "{\"status\":%d,\"error\":", a->status); // fclose tells what failed
    json_string(out, why, strlen(why));
    (void)fputs("}\n", out);
    struct answer told = *a;
    told.type = "application/json";
    int rc = fclose(out) == EOF ? weft_fail(-ENOMEM, "web: no memory for an answer") : 0;
    told.body = text;
    told.size = size;
    if (rc == 0)
        rc = answer_send(c, &told, deadline);
    free(text);
    return rc;
}

int answer_error(weft_conn *c, const struct answer *a, const char *why, weft_time deadline)
{
    char text[ERROR_SIZE];
    if (a->json)
        return answer_json_error(c, a, why, deadline);
    int n = snprintf(text, sizeof text, "%d %s: %s\n", a->status, reason_of(a->status), why);
    struct answer told = *a;
    told.type = NULL;
    told.body = text;
    told.size = n < 0 ? 0 : strnlen(text, sizeof text - 1);
    return answer_send(c, &told, deadline);
}
