/* SPDX-License-Identifier: MIT */
/* The strict HTTP/1.1 request parser (RFC 9112, RFC 9110): pure functions over bytes. They never
 * allocate, keep offsets instead of pointers between calls, and look at each byte once however the
 * network splits them. */
#ifndef LS_IO_HTTP_PARSE_H
#define LS_IO_HTTP_PARSE_H

#include "io/http_server.h"

enum ls_http_verdict {
	LS_HTTP_MORE,    /* nothing wrong so far: call again with more bytes behind the same ones */
	LS_HTTP_DONE,    /* complete */
	LS_HTTP_REFUSED, /* `status` and `why` say what is wrong: answer and close */
};

struct ls_http_limits {
	size_t line;   /* bytes of the request line */
	size_t head;   /* bytes of all header lines */
	size_t fields; /* number of header lines */
};

/** Where the parse of a head stands. Zero-initialise it; the bytes may move between calls. */
struct ls_http_scan {
	uint32_t at;        /* looked at so far */
	uint32_t line;      /* where the current line starts */
	uint32_t fields_at; /* where the header lines start; 0 before */
	uint16_t fields;
	uint8_t blank; /* empty lines before the request line */
	uint8_t seen;
	uint8_t minor;
};

struct ls_http_head {
	/* set by the caller: room for limits->fields headers */
	struct ls_http_header *headers;
	/* results, complete only with LS_HTTP_DONE */
	size_t header_count;
	struct ls_slice method, target;
	struct ls_slice path;  /* begins with '/', or is "*" for OPTIONS */
	struct ls_slice query; /* data == NULL without '?' */
	struct ls_slice host;  /* of the target when it is absolute, else of the Host header */
	size_t size;           /* bytes of the head, with empty lines before and behind it */
	uint64_t content_length;
	uint8_t minor; /* 0 or 1: HTTP/1.x */
	bool chunked, has_length, keep_alive, expect_continue, accepts_gzip;
	/* LS_HTTP_REFUSED */
	int status;
	const char *why;
};

/**
 * Parses a request's head from `bytes`, which hold everything from its first byte on. `scan`
 * carries the state from call to call; LS_HTTP_DONE and LS_HTTP_REFUSED leave it useless: zero it.
 */
enum ls_http_verdict ls_http_parse_head(struct ls_http_scan *scan, struct ls_slice bytes,
	const struct ls_http_limits *limits, struct ls_http_head *head) LS_MUST_CHECK;

/** The state of a chunked body (RFC 9112 section 7.1). */
struct ls_http_chunks {
	uint64_t left;     /* data bytes of the current chunk still to come */
	uint64_t room;     /* body bytes still welcome */
	uint32_t overhead; /* bytes of extensions and trailers so far */
	uint16_t scanned;  /* bytes of the current line looked at */
	uint8_t state;
	uint16_t status;
	const char *why;
};

void ls_http_chunks_init(struct ls_http_chunks *chunks, uint64_t max_body);
/**
 * Decodes in place: of the `len` bytes the first `*used` are consumed and `*made` body bytes now
 * stand at the front. Call again with what was not used, and more behind it.
 */
enum ls_http_verdict ls_http_chunks_decode(struct ls_http_chunks *chunks, char *bytes, size_t len,
	size_t *used, size_t *made) LS_MUST_CHECK;

/** The grammar of a Host header: name, IPv4 address or [IPv6 address], and an optional port. */
bool ls_http_host_valid(struct ls_slice host);
/** What an Accept-Encoding value says about gzip. */
bool ls_http_accepts_gzip(struct ls_slice accept_encoding);
/** A header name (token) and a header value without control characters but tab. */
bool ls_http_field_valid(struct ls_slice name, struct ls_slice value);

#endif
