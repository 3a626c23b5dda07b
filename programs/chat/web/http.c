// SPDX-License-Identifier: MIT
// http.c - see http.h.
//
// Bytes are gathered by the caller until a line is whole; a line is looked at once. The fields are
// judged when the head is complete, by a row of checks: first what decides where the request ends,
// as nothing else may be believed before that. An error never tries to go on with the connection.
//
// A parser from a library (llhttp, picohttpparser) was not taken: they accept what proxies send in
// the wild, bare LF among it, and each place where they do would have to be shut again from
// outside.
#include "chat/web/http.h"

#include <limits.h>
#include <string.h>

#include "chat/web/target.h"

enum { DELETE = 0x7F };

static const char token_bytes[] = "!#$%&'*+-.^_`|~0123456789"
                                  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

static int wrong(struct http_request *r, int status, const char *why)
{
    r->why = why;
    return -status;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static struct http_text trim(struct http_text text)
{
    while (text.size > 0 && is_space(text.at[0])) {
        text.at++;
        text.size--;
    }
    while (text.size > 0 && is_space(text.at[text.size - 1]))
        text.size--;
    return text;
}

static bool is_token(struct http_text text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.at[i] == '\0' || !strchr(token_bytes, text.at[i]))
            return false;
    return text.size > 0;
}

// ---- fields, as others ask for them ---------------------------------------------------------

struct http_text http_field(const struct http_request *r, const char *name)
{
    for (size_t i = 0; i < r->field_count; i++)
        if (text_is(r->fields[i].name, name))
            return r->fields[i].value;
    return (struct http_text){NULL, 0};
}

size_t http_count(const struct http_request *r, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < r->field_count; i++)
        count += text_is(r->fields[i].name, name);
    return count;
}

bool http_next_token(struct http_text *rest, struct http_text *token)
{
    while (rest->size > 0) {
        const char *comma = memchr(rest->at, ',', rest->size);
        size_t size = comma ? (size_t)(comma - rest->at) : rest->size;
        *token = trim((struct http_text){rest->at, size});
        size += comma ? 1 : 0;
        rest->at += size;
        rest->size -= size;
        if (token->size > 0)
            return true; // empty ones do not count
    }
    return false;
}

bool http_lists(const struct http_request *r, const char *name, const char *token)
{
    for (size_t i = 0; i < r->field_count; i++) {
        struct http_text rest = r->fields[i].value, found;
        if (!text_is(r->fields[i].name, name))
            continue;
        while (http_next_token(&rest, &found))
            if (text_is(found, token))
                return true;
    }
    return false;
}

// ---- the request line -----------------------------------------------------------------------

// What is before the first space; the rest begins after it. Empty: there is no space.
static struct http_text word(struct http_text *line)
{
    const char *space = line->size > 0 ? memchr(line->at, ' ', line->size) : NULL;
    size_t size = space ? (size_t)(space - line->at) : 0;
    struct http_text first = {line->at, size};
    if (space) {
        line->at += size + 1;
        line->size -= size + 1;
    }
    return first;
}

static bool is_visible_ascii(struct http_text text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.at[i] <= ' ' || text.at[i] >= DELETE)
            return false;
    return text.size > 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int version(struct http_request *r, struct http_text text)
{
    static const char shape[] = "HTTP/1.1";
    if (text.size != strlen(shape) || memcmp(text.at, shape, 5) != 0 || !is_digit(text.at[5]) ||
        text.at[6] != '.' || !is_digit(text.at[7]))
        return wrong(r, 400, "the request line ends with HTTP/1.1");
    if (text.at[5] != '1')
        return wrong(r, 505, "HTTP/1.1 is spoken here, and no other version");
    r->minor = text.at[7] - '0';
    return 0;
}

static int request_line(struct http_request *r, struct http_text line)
{
    if (line.size > HTTP_LINE_MAX)
        return wrong(r, 414, "the request line is too long");
    r->method = word(&line);
    r->target = word(&line);
    if (!is_token(r->method))
        return wrong(r, 400, "the request line begins with a method and one space");
    if (!is_visible_ascii(r->target))
        return wrong(r, 400, "the request line has a target between single spaces");
    return version(r, line);
}

// ---- a field --------------------------------------------------------------------------------

static int field_line(struct http_request *r, struct http_text line)
{
    const char *colon = memchr(line.at, ':', line.size);
    if (is_space(line.at[0]))
        return wrong(r, 400, "a field must not go on in a second line");
    if (!colon)
        return wrong(r, 400, "a field has a colon");
    struct http_text name = {line.at, (size_t)(colon - line.at)};
    if (!is_token(name))
        return wrong(r, 400, "a field has a name of letters, and no space before its colon");
    if (r->field_count == HTTP_FIELDS_MAX)
        return wrong(r, 431, "too many fields");
    struct http_text value = {colon + 1, line.size - name.size - 1};
    r->fields[r->field_count++] = (struct http_field){name, trim(value)};
    return 0;
}

// ---- the head as a whole --------------------------------------------------------------------

// Two of them are two opinions.
static int check_singles(struct http_request *r)
{
    static const char *const singles[] = {
        "Host",          "Content-Length",    "Transfer-Encoding",
        "Origin",        "Sec-WebSocket-Key", "Sec-WebSocket-Version",
        "Authorization",
    };
    for (size_t i = 0; i < sizeof singles / sizeof *singles; i++)
        if (http_count(r, singles[i]) > 1)
            return wrong(r, 400, "a field is there twice that may be there once");
    return 0;
}

static bool is_number(struct http_text text)
{
    for (size_t i = 0; i < text.size; i++)
        if (!is_digit(text.at[i]))
            return false;
    return text.size > 0;
}

static bool is_zero(struct http_text number)
{
    for (size_t i = 0; i < number.size; i++)
        if (number.at[i] != '0')
            return false;
    return true;
}

static int check_length(struct http_request *r)
{
    bool sized = http_count(r, "Content-Length") > 0;
    bool coded = http_count(r, "Transfer-Encoding") > 0;
    if (sized && coded)
        return wrong(r, 400, "Content-Length and Transfer-Encoding contradict each other");
    if (sized && !is_number(http_field(r, "Content-Length")))
        return wrong(r, 400, "Content-Length is a number");
    if (coded && (r->minor == 0 || !text_is(http_field(r, "Transfer-Encoding"), "chunked")))
        return wrong(r, 400, "this Transfer-Encoding is not known here");
    return 0;
}

// The target's host counts, says the standard, and Host is to be the same: where they differ,
// somebody on the way has read the one, and we would read the other.
static int check_target(struct http_request *r)
{
    struct target target;
    struct http_text named = http_field(r, "Host");
    struct host host;
    if (http_count(r, "Host") == 0 && r->minor > 0)
        return wrong(r, 400, "HTTP/1.1 needs Host");
    if (http_count(r, "Host") > 0 && !host_parse(named, &host))
        return wrong(r, 400, "Host is not a host");
    if (!target_parse(r->target, &target))
        return wrong(r, 400, "the target is neither a path nor a URL");
    if (target.authority.size > 0 && !host_parse(target.authority, &host))
        return wrong(r, 400, "the target's host is not a host");
    if (target.authority.size > 0 && named.size > 0 && !text_same(named, target.authority))
        return wrong(r, 400, "Host and the target name two hosts");
    r->host = target.authority.size > 0 ? target.authority : named;
    r->query = target.query;
    if (!target_decode(target.path, r->path, sizeof r->path))
        return wrong(r, 400, "the path has a broken escape");
    return 0;
}

// Methods are told apart by case. Before the target, which has other forms for other methods.
static int check_method(struct http_request *r)
{
    r->is_head = text_equals(r->method, "HEAD");
    if (!r->is_head && !text_equals(r->method, "GET"))
        return wrong(r, 405, "only GET and HEAD are served");
    return 0;
}

static int check_body(struct http_request *r)
{
    if (http_count(r, "Transfer-Encoding") > 0 || !is_zero(http_field(r, "Content-Length")))
        return wrong(r, 400, "a request for something has no body");
    return 0;
}

static int check_head(struct http_request *r)
{
    static int (*const checks[])(struct http_request *) = {
        check_singles, check_length, check_method, check_body, check_target,
    };
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        int rc = checks[i](r);
        if (rc < 0)
            return rc;
    }
    r->keep_alive = r->minor > 0 && !http_lists(r, "Connection", "close");
    return 0;
}

// ---- lines ----------------------------------------------------------------------------------

// Of a line up to its LF: the text without its end. Only CR LF ends a line, and CR stands nowhere
// else; but for the tab no control character does. Bytes above 0x7F are somebody's letters.
static int check_line(struct http_request *r, struct http_text *line)
{
    if (line->size == 0 || line->at[line->size - 1] != '\r')
        return wrong(r, 400, "a line ends with CR LF");
    line->size--;
    for (size_t i = 0; i < line->size; i++) {
        unsigned char c = (unsigned char)line->at[i];
        if ((c < ' ' && c != '\t') || c == DELETE)
            return wrong(r, 400, "a control character");
    }
    return 0;
}

static bool began(const struct http_request *r)
{
    return r->method.size > 0;
}

// 1: it was the last line.
static int take_line(struct http_request *r, struct http_text line)
{
    int rc = check_line(r, &line);
    if (rc < 0)
        return rc;
    if (!began(r)) {
        // Old clients send one empty line too many after a request.
        return line.size == 0 && r->taken == 0 ? 0 : request_line(r, line);
    }
    if (line.size > 0)
        return field_line(r, line);
    rc = check_head(r);
    return rc < 0 ? rc : 1;
}

// There is no whole line. Enough for one?
static int await_line(struct http_request *r, size_t size)
{
    if (!began(r) && r->looked > HTTP_LINE_MAX + 1) // and CR
        return wrong(r, 414, "the request line is too long");
    if (size >= HTTP_HEAD_MAX)
        return wrong(r, 431, "the head of the request is too long");
    return 0;
}

int http_parse(struct http_request *r, const char *bytes, size_t size)
{
    for (;;) {
        const char *line = bytes + r->taken;
        size_t left = size - r->taken;
        const char *end = left > r->looked ? memchr(line + r->looked, '\n', left - r->looked)
                                           : NULL;
        if (!end) {
            r->looked = left;
            return await_line(r, size);
        }
        size_t length = (size_t)(end - line);
        if (r->taken + length >= HTTP_HEAD_MAX)
            return wrong(r, 431, "the head of the request is too long");
        int rc = take_line(r, (struct http_text){line, length});
        if (rc < 0)
            return rc;
        r->taken += length + 1;
        r->looked = 0;
        if (rc > 0)
            return (int)r->taken;
    }
}
