/* SPDX-License-Identifier: MIT */
/* gzip (RFC 1952) of whole buffers. */
#ifndef LS_IO_GZIP_H
#define LS_IO_GZIP_H

#include "base/buf.h"

struct ls_gzip;

/** A compressor whose memory (about 256 KiB) is used again and again. */
struct ls_gzip *ls_gzip_new(void) LS_MUST_CHECK;
struct ls_gzip *ls_gzip_free(struct ls_gzip *gzip);
/** Appends the compressed `in`. LS_ERR_LIMIT, LS_ERR_NOMEM: what was appended is to be discarded.
 */
int ls_gzip_add(struct ls_gzip *gzip, struct ls_slice in, struct ls_buf *out) LS_MUST_CHECK;
/** Appends the decompressed `in`, one gzip member. LS_ERR_INVALID when it is none, LS_ERR_LIMIT
 * when it would exceed the buffer's maximum. */
int ls_gunzip(struct ls_slice in, struct ls_buf *out) LS_MUST_CHECK;

#endif
