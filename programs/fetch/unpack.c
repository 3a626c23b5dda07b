// SPDX-License-Identifier: MIT
// unpack.c - the body of an answer is decoded: what came with one call of libcurl's at once, unless
// it becomes too much for that; then others have their turns in between.
#include "fetch/decode.h"
#include "fetch/fetcher.h"
#include "fetch/request.h"

enum {
    AT_ONCE = 1 << 20, // may come out of what was received
    SLICE = 1 << 16,   // and out of what is decoded later
};

// In the lecture's mode, which asks for no compression, the size is that of what was sent. Of no
// bytes it does not matter how they would have been encoded.
void unpack_begin(struct request *r)
{
    const char *why = NULL;
    bool empty = r->page->claimed == 0;
    if (!r->page->encoding[0] || empty || r->fetcher->set->identity)
        return;
    r->decoder = decoder_open(r->page->encoding, r->fetcher->set->limits.decoded, &why);
    if (!r->decoder && why)
        (void)page_fail(r->page, FAULT_ENCODING, 1, "%s: %s", why, r->page->encoding);
    else if (!r->decoder)
        (void)page_fail(r->page, FAULT_MEMORY, 0, "out of memory");
}

static enum page_fault fault_of(struct request *r, enum decode_state state)
{
    struct page *page = r->page;
    switch (state) {
    case DECODE_MORE:
    case DECODE_DONE:
        return FAULT_NONE;
    case DECODE_CUT:
        return page->fault = FAULT_ENCODING_CUT;
    case DECODE_BAD:
        return page_fail(page, FAULT_ENCODING, 0, "%s", decoder_error(r->decoder));
    case DECODE_LIMIT:
        return page->fault = FAULT_DECODED_SIZE;
    case DECODE_MEMORY:
        break;
    }
    return page_fail(page, FAULT_MEMORY, 0, "out of memory");
}

void unpack(struct request *r, const void *bytes, size_t size)
{
    (void)fault_of(r, decoder_push_some(r->decoder, bytes, size, AT_ONCE));
}

bool unpack_is_behind(const struct request *r)
{
    return r->decoder && r->page->fault == FAULT_NONE && decoder_is_behind(r->decoder);
}

void unpack_some(struct request *r)
{
    (void)fault_of(r, decoder_go_on(r->decoder, SLICE));
}

enum page_fault unpack_end(struct request *r)
{
    return r->decoder ? fault_of(r, decoder_end(r->decoder)) : FAULT_NONE;
}
