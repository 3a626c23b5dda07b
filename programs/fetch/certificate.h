// SPDX-License-Identifier: MIT
// certificate.h - what the certificate of a server says, where libcurl only says that it is wrong.
#ifndef WEFT_PROGRAMS_FETCH_CERTIFICATE_H
#define WEFT_PROGRAMS_FETCH_CERTIFICATE_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

// The certificate that was looked at last, or NULL: OpenSSL's X509 under a name of its own.
struct certificate;

// Before the first is watched; as often as one likes. False: no memory. May wait.
bool certificate_begin(void);

// For CURLOPT_SSL_CTX_FUNCTION, with its SSL_CTX: keep in *seen the first certificate of the chain
// that is wrong, or the server's. Only during the handshake; *seen must live as long.
void certificate_watch(void *ssl_context, struct certificate **seen);
void certificate_free(struct certificate **c);

// Whether what a watched server sent last was no record of TLS but an answer of plain HTTP. For
// libcurl's log, which tells at once, on the same thread, that a handshake failed.
bool certificate_came_as_http(void);

// "it is for a.example, b.example" and "it expired on 2024-05-01", "it begins on 2031-01-01"; ""
// where it does not say, or is NULL.
void certificate_names(const struct certificate *c, char *text, size_t size);
void certificate_time(const struct certificate *c, char *text, size_t size);

// Whether certificates can be read from the file (PEM). Without memory to look: true.
bool certificate_file_is_right(const char *path);

// Whether the connection that a transfer is on speaks HTTP/2, as was agreed on with TLS (ALPN). For
// its callbacks. `session` is what CURLINFO_TLS_SSL_PTR told, or NULL.
bool certificate_agrees_on_http2(const struct curl_tlssessioninfo *session);

#endif
