// SPDX-License-Identifier: MIT
// retry.c - see retry.h for what is decided, and why.
//
// Dates are read by hand: strptime knows the names of the user's language, and libcurl's reader
// takes much for a date that is none ("-5"), which here must not become a pause.
#include "fetch/retry.h"

#include <curl/curl.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const int64_t second = 1000000000;
enum { BACKOFF_MAX_S = 60 };

// ---- what passes by itself --------------------------------------------------------------

static bool is_among(int x, const int *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == x)
            return true;
    return false;
}
#define IS_ONE_OF(x, ...) \
    is_among((x), (const int[]){__VA_ARGS__}, sizeof((int[]){__VA_ARGS__}) / sizeof(int))

static bool may_pass(const struct page *page)
{
    switch (page->fault) {
    case FAULT_HTTP:
        return IS_ONE_OF(page->status, 408, 429, 500, 502, 503, 504);
    case FAULT_NAME:
        return IS_ONE_OF(page->code, EAI_AGAIN, EAI_SYSTEM);
    case FAULT_CONNECT:
        return IS_ONE_OF(page->code, ECONNRESET, ECONNABORTED, ETIMEDOUT, EADDRNOTAVAIL, EMFILE,
                         ENFILE, ENOBUFS, ENOMEM, EAGAIN);
    case FAULT_TIMEOUT:
        return page->code != PATIENCE_TOTAL;
    case FAULT_NO_ANSWER:
    case FAULT_BROKEN:
    case FAULT_CUT:
        return true;
    case FAULT_ANSWER: // inside its headers, as FAULT_CUT is inside its body
        return page->code == 1;
    case FAULT_ENCODING_CUT:
        return page->unverified;
    case FAULT_OTHER: // HTTP/2's ways to break
        return IS_ONE_OF(page->code, CURLE_HTTP2, CURLE_HTTP2_STREAM);
    default:
        return false;
    }
}

// ---- Retry-After ------------------------------------------------------------------------

static int month_of(const char *name)
{
    static const char names[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    for (int i = 0; i < 12; i++)
        if (strcasecmp(name, names[i]) == 0)
            return i;
    return -1;
}

// A year of two digits is the nearest that is not more than 50 years ahead.
static int full_year(int year, time_t now)
{
    struct tm today;
    if (!gmtime_r(&now, &today))
        return 1900 + year;
    int this_year = today.tm_year + 1900;
    int full = this_year - this_year % 100 + 100 + year;
    if (full > this_year + 50)
        full -= 100;
    return full > this_year + 50 ? full - 100 : full;
}

// IMF-fixdate, RFC 850's, asctime's: RFC 9110, 5.6.7. All of the text, or none of it.
static bool read_date(const char *text, time_t now, struct tm *tm)
{
    char month[4] = "";
    int end = 0, year = 0;
    int size = (int)strlen(text);
    *tm = (struct tm){0};
    (void)sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &tm->tm_mday, month,
                 &year, &tm->tm_hour, &tm->tm_min, &tm->tm_sec, &end);
    if (end != size)
        (void)sscanf(text, "%*3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d%n", month, &tm->tm_mday,
                     &tm->tm_hour, &tm->tm_min, &tm->tm_sec, &year, &end);
    if (end != size) {
        (void)sscanf(text, "%*9[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT%n", &tm->tm_mday, month,
                     &year, &tm->tm_hour, &tm->tm_min, &tm->tm_sec, &end);
        year = full_year(year, now);
    }
    tm->tm_mon = month_of(month);
    tm->tm_year = year - 1900;
    return end == size && tm->tm_mon >= 0;
}

static bool is_valid(const struct tm *tm)
{
    return tm->tm_mday >= 1 && tm->tm_mday <= 31 && tm->tm_hour >= 0 && tm->tm_hour <= 23 &&
           tm->tm_min >= 0 && tm->tm_min <= 59 && tm->tm_sec >= 0 && tm->tm_sec <= 60 &&
           tm->tm_year >= 70;
}

// What is more than the largest number is the largest number.
static int64_t read_number(const char *digits)
{
    int64_t n = 0;
    for (; *digits; digits++)
        n = n > (INT64_MAX - 9) / 10 ? INT64_MAX - 9 : 10 * n + (*digits - '0');
    return n;
}

// Seconds from now; 0: the server does not say, or the time is over.
static int64_t seconds_asked(const char *header, time_t now)
{
    char text[64];
    struct tm tm;
    if (!header)
        return 0;
    header += strspn(header, " \t");
    size_t size = strcspn(header, "\r\n");
    while (size > 0 && (header[size - 1] == ' ' || header[size - 1] == '\t'))
        size--;
    if (size == 0 || size >= sizeof text)
        return 0;
    memcpy(text, header, size);
    text[size] = '\0';
    if (strspn(text, "0123456789") == size)
        return read_number(text);
    if (!read_date(text, now, &tm) || !is_valid(&tm))
        return 0;
    time_t then = timegm(&tm);
    return then > now ? (int64_t)then - (int64_t)now : 0;
}

// ---- when -------------------------------------------------------------------------------

static int64_t backoff(int attempts, uint64_t random)
{
    int64_t most = BACKOFF_MAX_S;
    if (attempts < 7 && 1 << (attempts - 1) < BACKOFF_MAX_S)
        most = 1 << (attempts - 1);
    most *= second;
    return most / 2 + (int64_t)(random % (uint64_t)(most / 2 + 1));
}

static int64_t asked_ns(const struct retry_set *set, const char *header, time_t now)
{
    int64_t asked = seconds_asked(header, now);
    return asked <= set->cap_ns / second ? asked * second : set->cap_ns;
}

bool retry_page(const struct retry_set *set, const struct page *page, const char *retry_after,
                time_t now, uint64_t random, struct retry *retry)
{
    *retry = (struct retry){0};
    if (!may_pass(page))
        return false;
    bool again = page->attempts <= set->retries;
    bool answered = page->fault == FAULT_HTTP;
    retry->ns = answered ? asked_ns(set, retry_after, now) : 0;
    retry->whole_host = retry->ns > 0 || (answered && page->status == 429);
    if (retry->ns == 0 && (again || retry->whole_host))
        retry->ns = backoff(page->attempts, random);
    return again;
}
