// SPDX-License-Identifier: MIT
/* The only file that sees zlib. */

#include "io/gzip.h"

#include <stdlib.h>

#include <zlib.h>

#define LEVEL      1  /* a page of leads: 7 % larger than at level 4, at 55 % of its time */
#define WINDOW     15 /* plus 16: gzip instead of zlib framing */
#define MEM_LEVEL  8
#define STEP       16384u
#define INPUT_MOST ((size_t)1 << 30) /* avail_in is 32 bits wide */

struct ls_gzip {
	z_stream stream;
};

struct ls_gzip *
ls_gzip_new(void)
{
	struct ls_gzip *gzip = calloc(1, sizeof *gzip);
	if (gzip == NULL)
		return NULL;
	if (deflateInit2(&gzip->stream, LEVEL, Z_DEFLATED, WINDOW + 16, MEM_LEVEL,
		    Z_DEFAULT_STRATEGY) != Z_OK) {
		free(gzip);
		return NULL;
	}
	return gzip;
}

struct ls_gzip *
ls_gzip_free(struct ls_gzip *gzip)
{
	if (gzip != NULL)
		(void)deflateEnd(&gzip->stream);
	free(gzip);
	return NULL;
}

/* zlib does not write through next_in; its type only predates const */
static void
set_input(z_stream *stream, struct ls_slice in)
{
	union {
		const char *from;
		Bytef *to;
	} cast = { .from = in.data };
	stream->next_in = cast.to;
	stream->avail_in = (uInt)in.len;
}

/* room for the next step of either direction */
static int
set_output(z_stream *stream, struct ls_buf *out)
{
	int err = ls_buf_reserve(out, LS_MIN((size_t)STEP, out->max - out->len));
	if (err != LS_OK)
		return err;
	if (out->len == out->max)
		return LS_ERR_LIMIT;
	stream->next_out = (Bytef *)(out->data + out->len);
	stream->avail_out = (uInt)LS_MIN(out->cap - out->len, INPUT_MOST);
	return LS_OK;
}

int
ls_gzip_add(struct ls_gzip *gzip, struct ls_slice in, struct ls_buf *out)
{
	z_stream *stream = &gzip->stream;
	if (in.len > INPUT_MOST)
		return LS_ERR_LIMIT;
	if (deflateReset(stream) != Z_OK)
		return LS_ERR_INVALID;
	set_input(stream, in);
	for (;;) {
		int err = set_output(stream, out);
		if (err != LS_OK)
			return err;
		int status = deflate(stream, Z_FINISH);
		out->len = (size_t)((char *)stream->next_out - out->data);
		if (status == Z_STREAM_END)
			return LS_OK;
		if (status != Z_OK && status != Z_BUF_ERROR)
			return LS_ERR_INVALID;
	}
}

static int
inflate_all(z_stream *stream, struct ls_buf *out)
{
	for (;;) {
		int err = set_output(stream, out);
		if (err != LS_OK)
			return err;
		int status = inflate(stream, Z_NO_FLUSH);
		out->len = (size_t)((char *)stream->next_out - out->data);
		if (status == Z_STREAM_END)
			return stream->avail_in == 0 ? LS_OK : LS_ERR_INVALID;
		if (status != Z_OK || (stream->avail_in == 0 && stream->avail_out > 0))
			return LS_ERR_INVALID;
	}
}

int
ls_gunzip(struct ls_slice in, struct ls_buf *out)
{
	z_stream stream = { 0 };
	if (in.len > INPUT_MOST)
		return LS_ERR_LIMIT;
	if (inflateInit2(&stream, WINDOW + 16) != Z_OK)
		return LS_ERR_NOMEM;
	set_input(&stream, in);
	int err = inflate_all(&stream, out);
	(void)inflateEnd(&stream);
	return err;
}
