// SPDX-License-Identifier: MIT
// input.c - the URLs to fetch.
//
// Whoever needs work takes the next URL itself, one at a time. A reader that goes ahead and fills a
// queue would need a rule for how far ahead; here nothing is read before somebody can fetch it.
//
// Lines are read with read(2) after weft_wait_fd, not with getline: a terminal or a pipe that is
// silent can then be left when the task is asked to stop.
#include "fetch/input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weft/weft.h>

#include "fetch/seen.h"
#include "fetch/url.h"

enum { COUNTED_SIZE = 8 << 20 };

struct source {
    char *text; // the URL, or the file's name
    int fd;     // -1: a URL
    off_t from; // where input_count began to read the file
};

struct input {
    const weft_event *stop;
    weft_sem turn; // guards all below, once tasks take URLs: a read may last, so no mutex
    struct source *sources;
    size_t length, room;
    size_t next;         // source to take from
    size_t begin, end;   // of what was read and not used yet, in buffer
    bool at_end;         // the file has no more
    size_t line;         // how many of it were taken
    struct seen *seen;   // NULL: duplicates are wanted
    size_t repeated;     // left out, being in there
    input_skipped *skip; // or NULL
    void *skip_ctx;
    char buffer[65536];
};

struct input *input_new(const weft_event *stop, bool duplicates)
{
    struct input *in = calloc(1, sizeof *in);
    if (!in)
        return NULL;
    in->stop = stop;
    in->turn = (weft_sem)WEFT_SEM(1);
    in->seen = duplicates ? NULL : seen_new();
    if (!duplicates && !in->seen)
        input_free(&in);
    return in;
}

static int add(struct input *in, const char *text, int fd)
{
    if (in->length == in->room) {
        size_t room = in->room ? 2 * in->room : 16;
        struct source *sources = realloc(in->sources, room * sizeof *sources);
        if (!sources)
            return weft_fail(-ENOMEM, "out of memory");
        in->sources = sources;
        in->room = room;
    }
    char *own = strdup(text);
    if (!own)
        return weft_fail(-ENOMEM, "out of memory");
    in->sources[in->length++] = (struct source){own, fd, 0};
    return 0;
}

int input_add_url(struct input *in, const char *url)
{
    return add(in, url, -1);
}

int input_add_file(struct input *in, const char *path)
{
    if (strcmp(path, "-") == 0)
        return add(in, "standard input", STDIN_FILENO);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return weft_fail(-errno, "%s: %s", path, strerror(errno));
    int rc = add(in, path, fd);
    if (rc < 0)
        (void)close(fd); // only read
    return rc;
}

bool input_is_empty(const struct input *in)
{
    return in->length == 0;
}

void input_rewind(struct input *in)
{
    in->next = 0;
}

void input_free(struct input **in)
{
    if (!*in)
        return;
    for (size_t i = 0; i < (*in)->length; i++) {
        free((*in)->sources[i].text);
        if ((*in)->sources[i].fd > STDIN_FILENO)
            (void)close((*in)->sources[i].fd); // only read
    }
    free((*in)->sources);
    seen_free(&(*in)->seen);
    free(*in);
    *in = NULL;
}

// ---- lines -----------------------------------------------------------------------

// Read more behind what is in the buffer.
static int fill(struct input *in, const struct source *source)
{
    memmove(in->buffer, in->buffer + in->begin, in->end - in->begin);
    in->end -= in->begin;
    in->begin = 0;
    if (in->end == sizeof in->buffer)
        return weft_fail(-EMSGSIZE, "%s:%zu: a line of more than %zu bytes", source->text,
                         in->line + 1, sizeof in->buffer);
    int rc = weft_wait_fd(source->fd, POLLIN, WEFT_FOREVER);
    if (rc < 0)
        return rc;
    ssize_t n = read(source->fd, in->buffer + in->end, sizeof in->buffer - in->end);
    if (n < 0 && errno != EINTR && errno != EAGAIN)
        return weft_fail(-errno, "%s: %s", source->text, strerror(errno));
    in->at_end = n == 0;
    in->end += n > 0 ? (size_t)n : 0;
    return 0;
}

// The next line, without its newline, as [*line, *line + *size): 1, 0 at the end, or an error. It
// lives until the next call.
static int next_line(struct input *in, const struct source *source, char **line, size_t *size)
{
    char *newline = NULL;
    size_t seen = 0; // bytes of this line that hold no newline
    for (;;) {
        newline = memchr(in->buffer + in->begin + seen, '\n', in->end - in->begin - seen);
        if (newline || in->at_end)
            break;
        seen = in->end - in->begin;
        int rc = fill(in, source);
        if (rc < 0)
            return rc;
    }
    *line = in->buffer + in->begin;
    *size = newline ? (size_t)(newline - *line) : in->end - in->begin;
    in->begin += *size + (newline ? 1 : 0);
    return newline || *size > 0;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

// At the beginning of a file some editors put a mark that it is UTF-8, which nobody sees.
static void skip_mark(const struct input *in, char **line, size_t *size)
{
    static const char mark[] = "\xef\xbb\xbf";
    size_t length = in->line == 1 ? strlen(mark) : 0;
    if (length > 0 && *size >= length && memcmp(*line, mark, length) == 0) {
        *line += length;
        *size -= length;
    }
}

// Narrow [*line, *line + *size) to the URL in it, perhaps to nothing.
static void strip(char **line, size_t *size)
{
    for (size_t i = 0; i < *size; i++)
        if ((*line)[i] == '#' && (i == 0 || is_space((*line)[i - 1])))
            *size = i;
    while (*size > 0 && is_space((*line)[*size - 1]))
        --*size;
    while (*size > 0 && is_space(**line)) {
        ++*line;
        --*size;
    }
}

// ---- the next URL ----------------------------------------------------------------

// 1, or 0 if the file has no more, or an error.
static int next_in_file(struct input *in, const struct source *source, char **url)
{
    char *line = NULL;
    size_t size = 0;
    int rc;
    while ((rc = next_line(in, source, &line, &size)) > 0) {
        in->line++;
        skip_mark(in, &line, &size);
        strip(&line, &size);
        if (size == 0)
            continue;
        if (memchr(line, '\0', size)) // a page of half its URL is not the one that was meant
            return weft_fail(-EINVAL, "%s:%zu: there is a zero byte", source->text, in->line);
        *url = strndup(line, size);
        return *url ? 1 : weft_fail(-ENOMEM, "out of memory");
    }
    return rc;
}

static void end_file(struct input *in)
{
    in->begin = in->end = 0;
    in->at_end = false;
    in->line = 0;
}

static int take(struct input *in, char **url)
{
    while (in->next < in->length) {
        const struct source *source = &in->sources[in->next];
        if (source->fd < 0) {
            in->next++;
            *url = strdup(source->text);
            return *url ? 1 : weft_fail(-ENOMEM, "out of memory");
        }
        int rc = next_in_file(in, source, url);
        if (rc != 0)
            return rc;
        in->next++;
        end_file(in);
    }
    return 0;
}

void input_skip(struct input *in, input_skipped *skip, void *ctx)
{
    in->skip = skip;
    in->skip_ctx = ctx;
}

size_t input_repeated(const struct input *in)
{
    return in->repeated;
}

// 1: nobody has asked for this page yet; 0; -ENOMEM. What is no URL is itself.
static int is_new(struct seen *seen, const char *url)
{
    struct page page = {0};
    char *asked;
    if (!seen)
        return 1;
    if (url_read(url, &asked, &page) == FAULT_MEMORY)
        return weft_fail(-ENOMEM, "out of memory");
    int rc = seen_add(seen, asked ? asked : url, 1);
    free(asked);
    return rc < 0 ? weft_fail(rc, "out of memory") : rc;
}

// ---- counting --------------------------------------------------------------------

// Whether all can be read twice: what a pipe says is gone then.
static bool is_short_and_stays(struct input *in)
{
    int64_t size = 0;
    for (size_t i = 0; i < in->length; i++) {
        struct source *source = &in->sources[i];
        struct stat about;
        if (source->fd < 0)
            continue;
        source->from = lseek(source->fd, 0, SEEK_CUR);
        if (source->from < 0 || fstat(source->fd, &about) < 0 || !S_ISREG(about.st_mode))
            return false;
        size += about.st_size;
    }
    return size <= COUNTED_SIZE;
}

static bool go_back(struct input *in)
{
    bool back = true;
    end_file(in); // the last one, if it broke off
    input_rewind(in);
    for (size_t i = 0; i < in->length; i++)
        if (in->sources[i].fd >= 0)
            back &= lseek(in->sources[i].fd, in->sources[i].from, SEEK_SET) >= 0;
    return back;
}

size_t input_count(struct input *in, input_skipped *skip, void *ctx)
{
    size_t n = 0;
    char *url;
    int rc;
    if (!is_short_and_stays(in))
        return 0;
    struct seen *seen = in->seen ? seen_new() : NULL; // of its own: nothing is handed out here
    while ((rc = take(in, &url)) > 0) {
        n += is_new(seen, url) != 0 && !(skip && skip(ctx, url)); // without memory: perhaps
        free(url);
    }
    seen_free(&seen);
    return go_back(in) && rc == 0 ? n : 0; // what is wrong with a list is told when it is used
}

size_t input_known(struct input *in)
{
    for (size_t i = 0; i < in->length; i++)
        if (in->sources[i].fd >= 0)
            return 0;
    return input_count(in, NULL, NULL);
}

static int take_new(struct input *in, char **url)
{
    int rc;
    while ((rc = take(in, url)) > 0) {
        rc = is_new(in->seen, *url);
        if (rc > 0 && !(in->skip && in->skip(in->skip_ctx, *url)))
            return rc;
        free(*url);
        *url = NULL;
        if (rc < 0)
            return rc;
        in->repeated += rc == 0;
    }
    return rc;
}

int input_next(struct input *in, char **url)
{
    *url = NULL;
    // A task that begins after weft_pool_cancel does not hear of it: hence the event.
    int rc = weft_event_is_set(in->stop) ? weft_fail(-ECANCELED, "interrupted")
                                         : weft_acquire(&in->turn, WEFT_FOREVER);
    if (rc < 0)
        return rc;
    rc = take_new(in, url);
    weft_release(&in->turn, 1);
    return rc;
}

int input_read_all(struct input *in)
{
    struct input *all = input_new(in->stop, true);
    int rc = all ? 0 : weft_fail(-ENOMEM, "out of memory");
    char *url;
    while (rc == 0 && (rc = input_next(in, &url)) > 0) {
        rc = input_add_url(all, url);
        free(url);
    }
    if (rc == 0) {
        struct input files = *in;
        in->sources = all->sources;
        in->length = all->length;
        in->room = all->room;
        in->next = 0;
        all->sources = files.sources;
        all->length = files.length;
        seen_free(&in->seen); // the list has each once
    }
    input_free(&all);
    return rc;
}
