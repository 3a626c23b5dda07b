// SPDX-License-Identifier: MIT
// chat_web_fuzz.c - any bytes, as a request and as frames; the pure half of programs/chat/web.
//
//     clang-19 -g -O1 -fsanitize=fuzzer,address,undefined -Iprograms -Iinclude -o fuzz \
//         tests/fuzz/chat_web_fuzz.c programs/chat/web/{host,http,target,origin,utf8,frame}.c
//
// The first byte says where the bytes are cut. Whatever they are: nothing is read out of bounds, a
// head that came in two parts is judged as one that came at once, and what is let through keeps the
// promises of the headers.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "chat/web/frame.h"
#include "chat/web/http.h"
#include "chat/web/origin.h"
#include "chat/web/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_request(const struct http_request *r, const char *bytes, size_t head)
{
    static const struct origin_rules none = {NULL, NULL};
    must(head >= 4 && memcmp(bytes + head - 4, "\r\n\r\n", 4) == 0);
    must(!memchr(bytes, '\0', head));
    must(r->minor == 0 || http_count(r, "Host") == 1);
    must(http_count(r, "Transfer-Encoding") == 0);
    must(memchr(r->path, '\0', sizeof r->path));
    (void)origin_refusal(&none, r, "127.0.0.1:8080"); // must only come to an end
}

static void try_request(const char *bytes, size_t size, size_t cut)
{
    struct http_request whole = {0}, parts = {0};
    int rc = http_parse(&whole, bytes, size);
    int in_parts = http_parse(&parts, bytes, cut);
    if (in_parts == 0)
        in_parts = http_parse(&parts, bytes, size);
    must(rc == in_parts);
    must(rc >= 0 || (whole.why && rc <= -400 && rc >= -505));
    if (rc > 0)
        check_request(&whole, bytes, (size_t)rc);
}

static void try_frame(const unsigned char *bytes, size_t size, size_t cut)
{
    struct frame f;
    const char *why = NULL;
    int rc = frame_head(bytes, size, &f, &why);
    int early = frame_head(bytes, cut, &f, &why);
    must(early == 0 || early == rc); // a mistake is one, however much follows
    must(rc >= 0 ? rc <= FRAME_HEAD_MAX : rc == -CLOSE_PROTOCOL && why);
}

static void try_lines(const char *bytes, size_t size)
{
    size_t max = frame_lines_max(size);
    unsigned char *out = malloc(max);
    must(out && frame_lines(out, FRAME_TEXT, bytes, size) <= max);
    free(out);
}

static void try_text(const char *bytes, size_t size, size_t cut)
{
    if (utf8_is_valid(bytes, size))
        must(utf8_is_valid(bytes, utf8_cut(bytes, size, cut)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    const char *bytes = (const char *)data + 1;
    size_t cut = (size - 1) * data[0] / 255;
    try_request(bytes, size - 1, cut);
    try_frame(data + 1, size - 1, cut);
    try_lines(bytes, size - 1);
    try_text(bytes, size - 1, cut);
    return 0;
}
