// SPDX-License-Identifier: MIT
// decode.c - layers, each of which hands what comes out of it to the next; the last one counts.
//
// The last layer that has something to do comes first, one call of its decoder at a time. So a
// layer is called only when those behind it have taken all, and may hand on memory that its next
// call writes over. Between two calls one may stop: then what was handed on is kept, unless it lies
// in memory that stays (`lends`), and so is what is left of the caller's bytes.
//
// A layer's decoder is made when its first byte comes: thousands of pages may be waited for, and
// few have begun. zlib writes into a room that each thread has, once for all its decoders. The room
// is as large as most pages, and zlib is always told that there is no more to come (Z_FINISH): then
// it takes its 32 KB window only for those that do not end at once. Brotli lends us its own window,
// so nothing is copied.
//
// That deflate has a zlib head or none is seen by its first two bytes. A stream without head that
// looks as if it had one would begin with a stored block whose padding is not zero, and nobody
// writes that; trying the one and then the other, as others do, takes the first error for a guess.
#include "fetch/decode.h"

#include <brotli/decode.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ZLIB_CONST
#include <zlib.h>

enum { ROOM = 64 << 10, GZIP_FIRST = 0x1f, KEPT_MAX = 1 << 20 };

struct layer {
    const struct coding *coding;
    bool begun, ended;       // it has had a byte; its stream is complete
    int64_t size;            // that came out of it
    const unsigned char *in; // what it has still to take
    size_t in_size;
    unsigned char *kept;   // memory of that, if it is ours; else NULL
    bool more;             // more comes out of it though it took all
    unsigned char head[2]; // of deflate, until both bytes are here
    size_t head_size;
    union {
        z_stream zip;
        BrotliDecoderState *brotli;
    };
};

struct decoder {
    int64_t limit, size;
    int64_t made; // by all layers
    bool begun;   // there was a byte
    enum decode_state state;
    char error[96];
    size_t count;
    struct layer layers[]; // the first is the one that the server applied last
};

struct coding {
    const char *name, *alias;
    // Each: DECODE_MORE, or what is wrong. Begin is NULL where step does it; step calls its decoder
    // once, with what is in `in` or with nothing; repeat is for another stream, NULL where there is
    // none.
    enum decode_state (*begin)(struct decoder *d, size_t at);
    enum decode_state (*step)(struct decoder *d, size_t at);
    enum decode_state (*repeat)(struct decoder *d, size_t at);
    void (*end)(struct layer *l);
    bool lends; // what it hands on stays until its next step
};

const char decoder_accepts[] = "gzip, deflate, br";

static enum decode_state fail(struct decoder *d, size_t at, enum decode_state state,
                              const char *text)
{
    const char *name = at < d->count ? d->layers[at].coding->name : "body";
    (void)snprintf(d->error, sizeof d->error, "%s: %s", name, text); // cut if it is long
    return state;
}

static const char no_memory[] = "out of memory";
static const char behind_end[] = "there are bytes behind its end";
static const char over_limit[] = "more than the limit comes out of it";

static enum decode_state count(struct decoder *d, size_t size)
{
    if ((int64_t)size > d->limit - d->size) {
        d->size = d->limit;
        return fail(d, d->count - 1, DECODE_LIMIT, over_limit);
    }
    d->size += (int64_t)size;
    return DECODE_MORE;
}

// It took so many bytes.
static void take(struct layer *l, size_t size)
{
    l->in += size;
    l->in_size -= size;
    if (l->in_size > 0)
        return;
    free(l->kept);
    l->kept = NULL;
}

// `size` bytes came out of the layer.
static enum decode_state hand_on(struct decoder *d, size_t at, const unsigned char *bytes,
                                 size_t size)
{
    struct layer *l = &d->layers[at], *next = l + 1;
    l->size += (int64_t)size;
    d->made += (int64_t)size;
    if (at + 1 == d->count)
        return count(d, size);
    // The last layer's are counted there. Those between are compressed again, so a bit larger than
    // what they hold at worst; unless they are a bomb.
    if ((l->size - ROOM) / 2 > d->limit)
        return fail(d, at, DECODE_LIMIT, over_limit);
    next->in = bytes;
    next->in_size = size;
    return DECODE_MORE;
}

// ---- gzip and deflate -------------------------------------------------------------------

static pthread_once_t rooms_once = PTHREAD_ONCE_INIT;
static pthread_key_t rooms; // of each thread: ROOM for each layer, or NULL
static int rooms_error;

static void make_rooms(void)
{
    rooms_error = pthread_key_create(&rooms, free);
}

// This thread's room for that layer; NULL: out of memory. What is not used is never touched.
static unsigned char *room_of(size_t at)
{
    (void)pthread_once(&rooms_once, make_rooms); // cannot fail with such arguments
    unsigned char *mine = rooms_error == 0 ? pthread_getspecific(rooms) : NULL;
    if (!mine && rooms_error == 0 && (mine = malloc((size_t)ROOM * DECODE_LAYERS)) &&
        pthread_setspecific(rooms, mine) != 0) {
        free(mine);
        mine = NULL;
    }
    return mine ? mine + at * ROOM : NULL;
}

static void *zip_alloc(void *ctx, unsigned n, unsigned size)
{
    (void)ctx;
    return malloc((size_t)n * size);
}

static void free_block(void *ctx, void *block)
{
    (void)ctx;
    free(block);
}

static enum decode_state zip_begin(struct decoder *d, size_t at, int window_bits)
{
    struct layer *l = &d->layers[at];
    l->zip = (z_stream){.zalloc = zip_alloc, .zfree = free_block};
    if (inflateInit2(&l->zip, window_bits) != Z_OK)
        return fail(d, at, DECODE_MEMORY, no_memory);
    l->begun = true;
    return DECODE_MORE;
}

static enum decode_state gzip_begin(struct decoder *d, size_t at)
{
    return zip_begin(d, at, 16 + MAX_WBITS);
}

static void zip_end(struct layer *l)
{
    (void)inflateEnd(&l->zip); // fails only if it did not begin
}

// How much of these bytes zlib took goes into *size.
static enum decode_state inflate_some(struct decoder *d, size_t at, const unsigned char *bytes,
                                      size_t *size)
{
    struct layer *l = &d->layers[at];
    unsigned part = *size < UINT32_MAX ? (unsigned)*size : UINT32_MAX;
    unsigned char *room = room_of(at);
    if (!room)
        return fail(d, at, DECODE_MEMORY, no_memory);
    l->zip.next_in = bytes;
    l->zip.avail_in = part;
    l->zip.next_out = room;
    l->zip.avail_out = ROOM;
    int rc = inflate(&l->zip, Z_FINISH);
    if (rc == Z_MEM_ERROR)
        return fail(d, at, DECODE_MEMORY, no_memory);
    if (rc == Z_NEED_DICT)
        return fail(d, at, DECODE_BAD, "it needs a dictionary");
    // Z_BUF_ERROR: not finished, for want of input or of room.
    if (rc != Z_STREAM_END && rc != Z_OK && rc != Z_BUF_ERROR)
        return fail(d, at, DECODE_BAD, l->zip.msg ? l->zip.msg : "it is damaged");
    l->ended = rc == Z_STREAM_END;
    l->more = !l->ended && l->zip.avail_out == 0;
    *size = part - l->zip.avail_in;
    return hand_on(d, at, room, ROOM - l->zip.avail_out);
}

static enum decode_state zip_step(struct decoder *d, size_t at)
{
    struct layer *l = &d->layers[at];
    size_t used = l->in_size;
    enum decode_state state = inflate_some(d, at, l->in, &used);
    if (state == DECODE_MORE)
        take(l, used);
    return state;
}

static enum decode_state gzip_repeat(struct decoder *d, size_t at)
{
    struct layer *l = &d->layers[at];
    if (*l->in != GZIP_FIRST)
        return fail(d, at, DECODE_BAD, behind_end);
    (void)inflateReset(&l->zip); // fails only if it did not begin
    l->ended = false;
    return DECODE_MORE;
}

static bool has_zlib_head(const unsigned char *head)
{
    return (head[0] & 0x0f) == Z_DEFLATED && head[0] >> 4 <= MAX_WBITS - 8 &&
           (head[0] << 8 | head[1]) % 31 == 0;
}

// Until its head is here there is nothing to begin.
static enum decode_state deflate_step(struct decoder *d, size_t at)
{
    struct layer *l = &d->layers[at];
    if (l->begun)
        return zip_step(d, at);
    l->head[l->head_size++] = *l->in;
    take(l, 1);
    if (l->head_size < sizeof l->head)
        return DECODE_MORE;
    enum decode_state state = zip_begin(d, at, has_zlib_head(l->head) ? MAX_WBITS : -MAX_WBITS);
    if (state != DECODE_MORE)
        return state;
    size_t used = sizeof l->head;
    state = inflate_some(d, at, l->head, &used);
    return state == DECODE_MORE && used < sizeof l->head ? fail(d, at, DECODE_BAD, behind_end)
                                                         : state;
}

// ---- brotli -----------------------------------------------------------------------------

static void *brotli_alloc(void *ctx, size_t size)
{
    (void)ctx;
    return malloc(size);
}

static enum decode_state brotli_begin(struct decoder *d, size_t at)
{
    struct layer *l = &d->layers[at];
    l->brotli = BrotliDecoderCreateInstance(brotli_alloc, free_block, NULL);
    l->begun = l->brotli != NULL;
    return l->begun ? DECODE_MORE : fail(d, at, DECODE_MEMORY, no_memory);
}

static void brotli_end(struct layer *l)
{
    BrotliDecoderDestroyInstance(l->brotli);
}

static enum decode_state brotli_failed(struct decoder *d, size_t at, BrotliDecoderErrorCode code)
{
    if (code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
        code >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES)
        return fail(d, at, DECODE_MEMORY, no_memory);
    char text[64];
    (void)snprintf(text, sizeof text, "it is damaged (%s)", BrotliDecoderErrorString(code));
    return fail(d, at, DECODE_BAD, text);
}

static enum decode_state brotli_step(struct decoder *d, size_t at)
{
    struct layer *l = &d->layers[at];
    const unsigned char *bytes = l->in;
    size_t left = l->in_size, room = 0, out = 0; // no room of ours: it stays in the window
    BrotliDecoderResult result = BrotliDecoderDecompressStream(l->brotli, &left, &bytes, &room,
                                                               NULL, NULL);
    const unsigned char *made = BrotliDecoderTakeOutput(l->brotli, &out);
    BrotliDecoderErrorCode code = BrotliDecoderGetErrorCode(l->brotli);
    if (code < 0)
        return brotli_failed(d, at, code);
    l->more = result == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT;
    l->ended = result == BROTLI_DECODER_RESULT_SUCCESS;
    take(l, l->in_size - left);
    return hand_on(d, at, made, out);
}

// ---- all layers -------------------------------------------------------------------------

static const struct coding codings[] = {
    {"gzip", "x-gzip", gzip_begin, zip_step, gzip_repeat, zip_end, false},
    {"deflate", "", NULL, deflate_step, NULL, zip_end, false},
    {"br", "", brotli_begin, brotli_step, NULL, brotli_end, true},
};

static bool has_work(const struct layer *l)
{
    return l->in_size > 0 || l->more;
}

// Whose turn it is; d->count: nobody's.
static size_t last_with_work(const struct decoder *d)
{
    size_t at = d->count;
    while (at-- > 0)
        if (has_work(&d->layers[at]))
            return at;
    return d->count;
}

static enum decode_state step(struct decoder *d, size_t at)
{
    struct layer *l = &d->layers[at];
    enum decode_state state = DECODE_MORE;
    if (l->ended)
        state = l->coding->repeat ? l->coding->repeat(d, at) : fail(d, at, DECODE_BAD, behind_end);
    else if (!l->begun && l->coding->begin)
        state = l->coding->begin(d, at);
    return state == DECODE_MORE ? l->coding->step(d, at) : state;
}

// What a layer has still to take, and others may write over.
static enum decode_state keep(struct decoder *d, size_t at)
{
    struct layer *l = &d->layers[at];
    if (l->in_size == 0 || l->kept || (at > 0 && d->layers[at - 1].coding->lends))
        return DECODE_MORE;
    l->kept = malloc(l->in_size);
    if (!l->kept)
        return fail(d, at, DECODE_MEMORY, no_memory);
    l->in = memcpy(l->kept, l->in, l->in_size);
    return DECODE_MORE;
}

static enum decode_state work(struct decoder *d, int64_t most)
{
    const int64_t begin = d->made;
    enum decode_state state = DECODE_MORE;
    size_t at = last_with_work(d);
    while (state == DECODE_MORE && at < d->count && d->made - begin < most) {
        state = step(d, at);
        at = last_with_work(d);
    }
    for (at = 0; state == DECODE_MORE && at < d->count; at++)
        state = keep(d, at);
    return d->state = state;
}

bool decoder_is_behind(const struct decoder *d)
{
    return d->state == DECODE_MORE && last_with_work(d) < d->count;
}

enum decode_state decoder_go_on(struct decoder *d, int64_t most)
{
    return d->state == DECODE_MORE ? work(d, most) : d->state;
}

// Behind what the first layer has still to take.
static enum decode_state append(struct decoder *d, const void *bytes, size_t size)
{
    struct layer *l = d->layers;
    unsigned char *both = malloc(l->in_size + size);
    if (!both)
        return d->state = fail(d, 0, DECODE_MEMORY, no_memory);
    if (l->in_size > 0)
        memcpy(both, l->in, l->in_size);
    memcpy(both + l->in_size, bytes, size);
    free(l->kept);
    l->in = l->kept = both;
    l->in_size += size;
    return DECODE_MORE;
}

enum decode_state decoder_push_some(struct decoder *d, const void *bytes, size_t size, int64_t most)
{
    if (d->state != DECODE_MORE || size == 0)
        return d->state;
    d->begun = true;
    if (d->count == 0)
        return d->state = count(d, size);
    if (decoder_is_behind(d) && d->layers->in_size + size <= KEPT_MAX)
        return append(d, bytes, size);
    if (decoder_go_on(d, INT64_MAX) != DECODE_MORE)
        return d->state;
    d->layers->in = bytes;
    d->layers->in_size = size;
    return work(d, most);
}

enum decode_state decoder_push(struct decoder *d, const void *bytes, size_t size)
{
    (void)decoder_push_some(d, bytes, size, INT64_MAX);
    return decoder_go_on(d, INT64_MAX);
}

enum decode_state decoder_end(struct decoder *d)
{
    if (decoder_go_on(d, INT64_MAX) != DECODE_MORE)
        return d->state;
    for (size_t at = 0; d->begun && at < d->count; at++)
        if (!d->layers[at].ended)
            return d->state = fail(d, at, DECODE_CUT, "it has no end");
    return d->state = DECODE_DONE;
}

int64_t decoder_size(const struct decoder *d)
{
    return d->size;
}

const char *decoder_error(const struct decoder *d)
{
    return d->error;
}

// ---- opened by name ---------------------------------------------------------------------

static bool token_is(const char *token, size_t length, const char *name)
{
    return strlen(name) == length && strncasecmp(token, name, length) == 0;
}

static const struct coding *coding_of(const char *token, size_t length)
{
    for (size_t i = 0; i < sizeof codings / sizeof *codings; i++)
        if (token_is(token, length, codings[i].name) || token_is(token, length, codings[i].alias))
            return &codings[i];
    return NULL;
}

// The next element of the list that is not empty: its length, or 0 at the end.
static size_t next_token(const char **list, const char **token)
{
    *token = *list + strspn(*list, " \t,");
    size_t length = strcspn(*token, ",");
    *list = *token + length;
    while (length > 0 && ((*token)[length - 1] == ' ' || (*token)[length - 1] == '\t'))
        length--;
    return length;
}

// How many codings the list has, identity not counted; -1 and *why: not to be decoded.
static int read_codings(const char *list, const struct coding **found, const char **why)
{
    const char *token;
    int n = 0;
    for (size_t length; (length = next_token(&list, &token)) > 0;) {
        if (token_is(token, length, "identity"))
            continue;
        const struct coding *coding = coding_of(token, length);
        if (!coding || n == DECODE_LAYERS) {
            *why = coding ? "it is encoded too often" : "an encoding that is not known";
            return -1;
        }
        found[n++] = coding;
    }
    return n;
}

struct decoder *decoder_open(const char *encodings, int64_t limit, const char **why)
{
    const struct coding *found[DECODE_LAYERS];
    *why = NULL;
    int n = read_codings(encodings, found, why);
    if (n < 0)
        return NULL;
    size_t size = sizeof(struct decoder) + (size_t)n * sizeof(struct layer);
    struct decoder *d = calloc(1, size);
    if (!d)
        return NULL;
    d->limit = limit;
    d->count = (size_t)n;
    for (int i = 0; i < n; i++)
        d->layers[i].coding = found[n - 1 - i];
    return d;
}

void decoder_close(struct decoder **d)
{
    if (!*d)
        return;
    for (size_t at = 0; at < (*d)->count; at++) {
        struct layer *l = &(*d)->layers[at];
        if (l->begun)
            l->coding->end(l);
        free(l->kept);
    }
    free(*d);
    *d = NULL;
}
