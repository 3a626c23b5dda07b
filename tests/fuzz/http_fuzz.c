// SPDX-License-Identifier: MIT
// http_fuzz.c - any bytes as requests to the web door (chat/web/http.h, handshake.h, origin.h,
// query.h).
//
// The first byte says where the bytes are cut. A head that came in two parts is judged as one that
// came at once, what is let through keeps the promises of the headers, and an answer to an upgrade
// is one head.
#define _GNU_SOURCE // memmem
#include "fuzz.h"

#include <string.h>

#include "chat/web/handshake.h"
#include "chat/web/http.h"
#include "chat/web/origin.h"
#include "chat/web/query.h"
#include "common/utf8.h"

static void check_handshake(const struct http_request *r)
{
    static const char end[] = "\r\n\r\n";
    struct handshake h = {0};
    if (!handshake_is_wanted(r))
        return;
    int rc = handshake_answer(r, &h);
    must(rc == 0 || ((rc == -400 || rc == -426) && h.why));
    if (rc < 0)
        return;
    must(h.size > 4 && h.size <= sizeof h.answer);
    must((const char *)memmem(h.answer, h.size, end, 4) == h.answer + h.size - 4);
}

static void check_query(struct http_text query)
{
    char text[20], from[4], after[40];
    const struct query_parameter table[] = {
        {"text", text, sizeof text}, {"from", from, sizeof from}, {"after", after, sizeof after}};
    int64_t ms;
    if (query_read(query, table, 3))
        return;
    for (size_t i = 0; i < 3; i++) {
        const char *end = memchr(table[i].value, '\0', table[i].room);
        must(end && utf8_is_valid(table[i].value, (size_t)(end - table[i].value)));
    }
    if (query_time(after, &ms)) // from -0001-12-31T00:01Z to 10000-01-01T23:59Z
        must(strlen(after) >= 20 && ms > INT64_C(-62167305600000) && ms < INT64_C(253402387200000));
}

static void check_request(const struct http_request *r, const char *bytes, size_t head)
{
    static const struct origin_rules none = {NULL, NULL};
    must(head >= 4 && memcmp(bytes + head - 4, "\r\n\r\n", 4) == 0);
    must(!memchr(bytes, '\0', head));
    must(r->minor == 0 || http_count(r, "Host") == 1);
    must(http_count(r, "Transfer-Encoding") == 0);
    must(http_count(r, "Content-Length") <= 1);
    must(memchr(r->path, '\0', sizeof r->path));
    for (size_t i = 0; i < r->field_count; i++)
        must(!memchr(r->fields[i].value.at, '\n', r->fields[i].value.size));
    (void)origin_refusal(&none, r, "127.0.0.1:8080"); // must only come to an end
    check_handshake(r);
    check_query(r->query);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    const char *bytes = (const char *)data + 1;
    size--;
    size_t cut = size * data[0] / 255;
    struct http_request whole = {0}, parts = {0};
    int rc = http_parse(&whole, bytes, size);
    int in_parts = http_parse(&parts, bytes, cut);
    if (in_parts == 0)
        in_parts = http_parse(&parts, bytes, size);
    must(rc == in_parts);
    must(rc >= 0 || (whole.why && rc <= -400 && rc >= -505));
    if (rc > 0)
        check_request(&whole, bytes, (size_t)rc);
    return 0;
}
