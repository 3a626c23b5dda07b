// SPDX-License-Identifier: MIT
// html_sample.c - a report of fixed pages, for tests in a browser and for eyes.
//
//     html_sample FILE         some of every kind, hostile ones among them
//     html_sample FILE 10000   so many
//     html_sample FILE 0       none
//     html_sample FILE fine    a few, of which nothing is to be said
#include "html_pages.h"

#include <stdlib.h>
#include <string.h>
#include <weft/error.h>

enum { MOST = 1000000 };

struct sample {
    struct html *html;
    struct totals *totals;
};

static void add(struct sample *s, const char *url, const struct page *page,
                const struct page_change *change)
{
    totals_add(s->totals, url, page, change);
    html_page(s->html, url, page, change);
}

static struct page_change changed(int64_t before, int64_t budget, bool over)
{
    return (struct page_change){.before = before, .budget = budget, .over = over};
}

static char *text(const char *words)
{
    char *copy = strdup(words);
    if (!copy)
        abort();
    return copy;
}

// ---- some of every kind -------------------------------------------------------------------------

static void add_plain(struct sample *s)
{
    static const struct {
        const char *url;
        int64_t begin, ms, decoded, encoded, before;
    } rows[] = {
        {"https://www.example.org/", 0, 214, 48374, 12904, 48374},
        {"https://www.example.org/assets/application.js", 5, 391, 1482113, 402118, 1350204},
        {"https://www.example.org/assets/vendor/charting-library/dist/charting.min.js?v=7.18.2", 8,
         655, 2614500, 688120, 1904118},
        {"https://www.example.org/assets/site.css", 12, 176, 204800, 38112, 211908},
        {"https://static.example.net/hero.webp", 14, 502, 884201, 884201, 884201},
        {"http://例子.测试/中文/关于我们", 220, 308, 70144, 18233, -1},
        {"https://zh.example.org/%E4%B8%AD%E6%96%87/%E9%A6%96%E9%A1%B5?q=%E6%B5%8B%E8%AF%95", 230,
         287, 91230, 22110, 90110},
        {"https://api.example.org/v2/catalogue?page=1", 310, 94, 30210, 4811, 30210},
        {"https://api.example.org/v2/catalogue?page=2", 410, 88, 29874, 4702, 31002},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct page page = arrived(rows[i].begin, rows[i].ms, rows[i].decoded, rows[i].encoded);
        if (page.decoded != page.encoded)
            (void)snprintf(page.encoding, sizeof page.encoding, i % 2 ? "br" : "gzip");
        page.http = i % 3 ? 20 : 11;
        bool over = rows[i].decoded > 2000000;
        struct page_change change = changed(rows[i].before, over ? 2000000 : -1, over);
        add(s, rows[i].url, &page, &change);
    }
}

static void add_special(struct sample *s)
{
    struct page_hop hops[] = {
        {301, text("http://shop.example.org/")},
        {302, text("https://shop.example.org/")},
    };
    struct page page = arrived(260, 620, 154200, 40110);
    page.redirects = 2;
    page.hops = hops;
    page.target = text("https://shop.example.org/zh/%E5%95%86%E5%BA%97");
    page.times = (struct page_times){2000, 24000, 61000, 160000, 240000};
    add(s, "http://shop.example.org/", &page, NULL);
    free(page.target);
    free(hops[0].url);
    free(hops[1].url);

    page = arrived(300, 1480, 65100, 65100);
    page.attempts = 3;
    page.times = (struct page_times){0, 0, 0, 90000, 122000}; // on a connection that stood
    page.excess = true;
    page.claimed = 61000;
    add(s, "https://flaky.example.org/report", &page, NULL);

    page = arrived(420, 240, 512000, 512000);
    page.claimed = -1;
    page.unverified = true;
    add(s, "http://old.example.org/export", &page, NULL);

    page = arrived(430, 60, 0, 0);
    page.claimed = 1048576;
    page.head = true;
    add(s, "https://download.example.org/image.iso", &page, NULL);
}

static void add_failed(struct sample *s)
{
    struct page page = failed(FAULT_NAME, STAGE_NAME, 20, 41, "");
    page.code = EAI_NONAME;
    page.attempts = 1;
    add(s, "http://some-made-up-domain.example/", &page, NULL);

    page = failed(FAULT_CONNECT, STAGE_CONNECT, 60, 1200, "Connection refused");
    page.times.name = 3000;
    page.attempts = 3;
    page.times.total = 2000;
    add(s, "http://down.example.org:8080/", &page, NULL);

    page = failed(FAULT_TLS, STAGE_TLS, 90, 130, "certificate has expired (2026-01-31)");
    page.code = 1;
    page.times = (struct page_times){.name = 4000, .connect = 30000, .total = 130000};
    add(s, "https://expired.example.org/", &page, NULL);

    page = failed(FAULT_TIMEOUT, STAGE_BODY, 100, 2000, "");
    page.encoded = 48000;
    page.claimed = 1048576;
    page.code = PATIENCE_IDLE;
    add(s, "https://slow.example.org/big.zip", &page, NULL);

    page = failed(FAULT_HTTP, STAGE_BODY, 140, 82, "");
    page.status = 404;
    page.encoded = 512;
    page.claimed = 512;
    (void)snprintf(page.reason, sizeof page.reason, "Not Found");
    struct page_change missing = changed(20110, 30000, true);
    add(s, "https://www.example.org/gone", &page, &missing);

    page = failed(FAULT_ENCODING_CUT, STAGE_BODY, 200, 150, "");
    page.encoded = 20110;
    add(s, "https://cut.example.org/", &page, NULL);

    page = failed(FAULT_REDIRECT_LOOP, STAGE_BODY, 210, 400, "");
    page.status = 302;
    page.target = text("https://loop.example.org/again?from=%2Fagain");
    add(s, "https://loop.example.org/", &page, NULL);
    free(page.target);
}

static void add_hostile(struct sample *s)
{
    struct page page = failed(FAULT_HTTP, STAGE_BODY, 330, 44, "");
    page.status = 500;
    (void)snprintf(page.reason, sizeof page.reason,
                   "<script>alert(1)</script>\"'\x1b[31m\r\n\xff\xe9");
    add(s, "http://evil.example/<script>alert(1)</script>?a=\"'&b=\x01\xff", &page, NULL);
    page = failed(FAULT_NO_SCHEME, STAGE_NAME, 331, 0, "");
    add(s, "javascript:alert(document.domain)", &page, NULL);
    add(s, "", &page, NULL);
    page = failed(FAULT_NOT_HTTP, STAGE_FIRST_BYTE, 332, 30,
                  "</title><img src=x onerror=alert(1)>");
    add(s, "http://evil.example/\xe2\x80\xaegpj.exe", &page, NULL);
    char url[2048] = "https://long.example.org/";
    size_t at = strlen(url);
    memset(url + at, 'w', sizeof url - 1 - at);
    page = arrived(340, 120, 3000, 900);
    (void)snprintf(page.encoding, sizeof page.encoding, "<b>\"gzip");
    add(s, url, &page, NULL);
}

// ---- so many ------------------------------------------------------------------------------------

static void add_many(struct sample *s, int n)
{
    unsigned seed = 7;
    for (int i = 0; i < n; i++) {
        seed = seed * 1103515245 + 12345;
        int64_t size = 900 + (seed >> 16) % 60000, ms = 4 + (seed >> 20) % 90;
        char url[96];
        (void)snprintf(url, sizeof url, "https://host%d.example.org/catalogue/item-%d.html", i % 50,
                       i);
        struct page page = arrived(i * 3, ms, size, size / 3);
        if (i % 29 == 0)
            page = failed(FAULT_TIMEOUT, STAGE_FIRST_BYTE, i * 3, 150, "");
        struct page_change change = changed(size - (int64_t)(seed >> 24) % 40, -1, false);
        add(s, url, &page, &change);
    }
}

static void add_fine(struct sample *s)
{
    for (int i = 0; i < 5; i++) {
        char url[64];
        (void)snprintf(url, sizeof url, "https://www.example.org/%d", i + 1);
        struct page page = arrived(i * 12, 90 + 17 * i, 20000 + 9000 * i, 8000 + 2500 * i);
        add(s, url, &page, NULL);
    }
}

static void add_every_kind(struct sample *s)
{
    add_plain(s);
    add_failed(s);
    add_special(s);
    add_hostile(s);
}

int main(int argc, char **argv)
{
    const char *what = argc > 2 ? argv[2] : "";
    if (argc < 2 || argc > 3 || atoi(what) > MOST) {
        (void)fprintf(stderr, "usage: html_sample FILE [NUMBER|fine]\n");
        return 2;
    }
    struct sample s = {.html = html_open(argv[1]), .totals = totals_new()};
    if (!s.html || !s.totals) {
        (void)fprintf(stderr, "html_sample: %s\n", weft_error());
        return 1;
    }
    if (strcmp(what, "fine") == 0)
        add_fine(&s);
    else if (what[0])
        add_many(&s, atoi(what));
    else
        add_every_kind(&s);
    int rc = html_close(&s.html, s.totals, (int64_t)2200 * MS);
    totals_free(&s.totals);
    if (rc < 0)
        (void)fprintf(stderr, "html_sample: %s\n", weft_error());
    return rc < 0;
}
