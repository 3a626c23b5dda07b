// SPDX-License-Identifier: MIT
// progress.c - see progress.h.
//
// The line is cut one column before the terminal's edge: some terminals go to the next line when
// the last column is written. Its width is asked for each time, which is one call in a tenth of a
// second and needs no handler for SIGWINCH.
//
// The rate is that of the last three seconds, and what is left is reckoned from all pages so far:
// the one should tell that a network stalls, the other should not jump about.
#include "fetch/progress.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "fetch/units.h"

enum { LINE_SIZE = 256, USUAL_COLUMNS = 80, SOON_NS = 1000000000 };

struct line {
    char text[LINE_SIZE];
    size_t size;
};

static void put(struct line *line, const char *text)
{
    size_t n = strlen(text), room = sizeof line->text - line->size;
    n = n < room ? n : room;
    memcpy(line->text + line->size, text, n);
    line->size += n;
}

static void put_count(struct line *line, const char *before, int64_t n, const char *after)
{
    char text[UNITS_TEXT];
    (void)size_text(text, n, false);
    put(line, before);
    put(line, text);
    put(line, after);
}

static void put_size(struct line *line, const char *before, int64_t bytes, const char *after)
{
    char text[UNITS_TEXT];
    (void)size_text(text, bytes, true);
    put(line, before);
    put(line, text);
    put(line, after);
}

// "0:12", "1:02:03"
static void put_left(struct line *line, int64_t seconds)
{
    char text[64];
    long long h = seconds / 3600, m = seconds / 60 % 60, s = seconds % 60;
    if (h > 0)
        (void)snprintf(text, sizeof text, ", %lld:%02lld:%02lld left", h, m, s);
    else
        (void)snprintf(text, sizeof text, ", %lld:%02lld left", m, s);
    put(line, text);
}

// ---- figures -------------------------------------------------------------------------------

static void remember(struct progress *p, int64_t bytes, int64_t ns)
{
    int i = p->samples++ % PROGRESS_SAMPLES;
    p->past[i].ns = ns;
    p->past[i].bytes = bytes;
}

// Bytes a second since the oldest sample, or -1: too early to say.
static int64_t rate(const struct progress *p, int64_t bytes, int64_t ns)
{
    int oldest = p->samples < PROGRESS_SAMPLES ? 0 : p->samples % PROGRESS_SAMPLES;
    int64_t passed = ns - p->past[oldest].ns;
    if (p->samples == 0 || passed < PROGRESS_NS)
        return -1;
    return (int64_t)((double)(bytes - p->past[oldest].bytes) * 1e9 / (double)passed);
}

// Seconds, or -1: nobody can know.
static int64_t left(const struct progress *p, const struct progress_now *now, int64_t ns)
{
    int64_t passed = ns - p->begun_ns;
    if (now->total < 0 || now->done == 0 || passed < SOON_NS)
        return -1;
    double each = (double)passed / (double)now->done;
    return (int64_t)((double)(now->total - now->done) * each / 1e9 + 0.5);
}

static void compose(struct line *line, const struct progress *p, const struct progress_now *now,
                    int64_t ns)
{
    int64_t per_second = rate(p, now->bytes, ns), seconds = left(p, now, ns);
    put_count(line, "", now->done, "");
    if (now->total >= 0)
        put_count(line, " of ", now->total, "");
    put(line, now->total == 1 || (now->total < 0 && now->done == 1) ? " page" : " pages");
    if (now->failed > 0)
        put_count(line, ", ", now->failed, " failed");
    if (now->under_way >= 0)
        put_count(line, ", ", now->under_way, " under way");
    put_size(line, ", ", now->bytes, "");
    if (per_second >= 0)
        put_size(line, ", ", per_second, "/s");
    if (seconds >= 0)
        put_left(line, seconds);
}

// ---- the terminal --------------------------------------------------------------------------

static size_t width(const struct progress *p)
{
    struct winsize size = {0};
    int columns = p->columns;
    if (columns == 0 && ioctl(fileno(p->out), TIOCGWINSZ, &size) == 0)
        columns = size.ws_col;
    return columns > 0 ? (size_t)columns : USUAL_COLUMNS;
}

void progress_open(struct progress *p, FILE *err, int64_t now_ns)
{
    const char *term = getenv("TERM");
    bool capable = isatty(fileno(err)) && term && *term && strcmp(term, "dumb") != 0;
    // Something short is done before one could read it: the first line comes after a while.
    *p = (struct progress){.out = capable ? err : NULL, .begun_ns = now_ns, .drawn_ns = now_ns};
    remember(p, 0, now_ns);
}

void progress_show(struct progress *p, const struct progress_now *now, int64_t now_ns)
{
    struct line line = {.size = 0};
    if (!p->out || now_ns - p->drawn_ns < PROGRESS_NS)
        return;
    put(&line, "\r");
    compose(&line, p, now, now_ns);
    size_t most = width(p); // with the "\r" one more than the columns to use
    line.size = line.size < most ? line.size : most;
    put(&line, "\x1b[K"); // what was longer before
    (void)fwrite(line.text, 1, line.size, p->out);
    (void)fflush(p->out);
    remember(p, now->bytes, now_ns);
    p->drawn_ns = now_ns;
    p->shown = true;
}

void progress_clear(struct progress *p)
{
    if (!p->shown)
        return;
    (void)fwrite("\r\x1b[K", 1, 4, p->out);
    (void)fflush(p->out);
    p->shown = false;
}
