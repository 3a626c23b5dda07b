// SPDX-License-Identifier: MIT
// fetcher.c - what the pages of a run share.
//
// Request handles are kept from one page to the next: what is the same for all pages is told to
// libcurl once for each handle. There are as many as pages were under way at one time.
#include "fetch/fetcher.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fetch/certificate.h"
#include "fetch/decode.h"
#include "fetch/request.h"

// ---- headers ---------------------------------------------------------------------

static bool is_header(const char *line, const char *name)
{
    size_t length = strlen(name);
    return strncasecmp(line, name, length) == 0 && strchr(":; \t", line[length]);
}

// What says who the user is, or which host he means, goes to the one that he named, and no other.
static bool is_for_one_host(const char *line)
{
    return is_header(line, "Authorization") || is_header(line, "Cookie") ||
           is_header(line, "Proxy-Authorization") || is_header(line, "Host");
}

static bool add(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (!longer)
        return false;
    *list = longer;
    return true;
}

static bool fill_headers(struct fetcher *f)
{
    const struct text_list *given = &f->set->headers;
    bool accepts = false, right = true;
    for (int i = 0; right && i < given->length; i++) {
        accepts = accepts || is_header(given->texts[i], "Accept-Encoding");
        right = add(&f->headers, given->texts[i]) &&
                (is_for_one_host(given->texts[i]) || add(&f->elsewhere, given->texts[i]));
    }
    char accept[64];
    (void)snprintf(accept, sizeof accept, "Accept-Encoding: %s",
                   f->set->identity ? "identity" : decoder_accepts);
    return right && (accepts || (add(&f->headers, accept) && add(&f->elsewhere, accept)));
}

// ---- opening and closing ---------------------------------------------------------

// Of a file, or libcurl's own, and not of its folder too: with one, 7.88 parses the file again for
// each connection, 35 ms, and who is told to trust one file would trust the folder's. libcurl is
// asked once, here: it prints its version then.
static void find_trust(struct fetcher *f)
{
    const curl_version_info_data *own = curl_version_info(CURLVERSION_NOW);
    // libcurl the library, unlike curl the command and Python, does not look at this by itself.
    f->ca_file = f->set->ca_file ? f->set->ca_file : getenv("SSL_CERT_FILE");
    f->ca_file = f->ca_file ? f->ca_file : own->cainfo;
    f->ca_path = f->ca_file ? NULL : own->capath;
}

static void find_agent(struct fetcher *f)
{
    (void)snprintf(f->own_agent, sizeof f->own_agent, "weft/%s", weft_version());
    f->agent = f->set->user_agent ? f->set->user_agent : f->own_agent;
}

struct opening {
    struct fetcher *fetcher;
    bool done;
};

static void open_there(void *arg)
{
    struct opening *o = arg;
    find_trust(o->fetcher);
    find_agent(o->fetcher);
    o->done = resolver_open(&o->fetcher->resolver, o->fetcher->set) == 0 &&
              fill_headers(o->fetcher);
}

struct fetcher *fetcher_open(const struct fetch_settings *set)
{
    struct fetcher *f = malloc(sizeof *f);
    if (!f) {
        (void)weft_fail(-ENOMEM, "out of memory");
        return NULL;
    }
    const struct turns_set turns = {set->at_once, set->per_host, set->delay_ns};
    *f = (struct fetcher){.set = set, .begun = weft_now(), .turns = turns_open(&turns)};
    struct opening o = {.fetcher = f};
    weft_on_thread_stack(open_there, &o);
    if (!f->turns || !o.done || !certificate_begin())
        (void)weft_fail(-ENOMEM, "out of memory");
    else if ((f->driver = driver_open(set->at_once)) != NULL)
        return f;
    fetcher_close(&f);
    return NULL;
}

static void free_headers(void *arg)
{
    struct fetcher *f = arg;
    curl_slist_free_all(f->headers);
    curl_slist_free_all(f->elsewhere);
}

void fetcher_close(struct fetcher **f)
{
    if (!*f)
        return;
    struct request *next;
    for (struct request *r = (*f)->idle; r; r = next) {
        next = r->next;
        request_close(&r);
    }
    driver_close(&(*f)->driver);
    turns_close(&(*f)->turns);
    resolver_close(&(*f)->resolver);
    weft_on_thread_stack(free_headers, *f);
    free(*f);
    *f = NULL;
}

// ---- handles ---------------------------------------------------------------------

struct request *fetcher_take(struct fetcher *f)
{
    weft_lock(&f->mu);
    struct request *r = f->idle;
    if (r)
        f->idle = r->next;
    weft_unlock(&f->mu);
    return r ? r : request_open(f);
}

void fetcher_give(struct fetcher *f, struct request *r)
{
    weft_lock(&f->mu);
    r->next = f->idle;
    f->idle = r;
    weft_unlock(&f->mu);
}
