/* SPDX-License-Identifier: MIT */
/* One spelling for each e-mail address and domain, so that equal ones compare equal. */
#ifndef LS_BASE_CANON_H
#define LS_BASE_CANON_H

#include "base/slice.h"

#define LS_EMAIL_MAX  254 /* RFC 5321 section 4.5.3.1.3, less the angle brackets */
#define LS_DOMAIN_MAX 253

/**
 * Trims, lowers ASCII case, turns the domain into A-labels (IDNA 2008, libidn2). LS_ERR_INVALID for
 * what is no address of the form local@domain, for control characters, spaces, or a domain without
 * a dot. `out` gets a NUL behind; returns its length through `len`.
 */
int ls_canon_email(struct ls_slice email, char out[LS_EMAIL_MAX + 1], size_t *len) LS_MUST_CHECK;
/** The same for a domain alone; a trailing dot is dropped. */
int ls_canon_domain(struct ls_slice domain, char out[LS_DOMAIN_MAX + 1], size_t *len) LS_MUST_CHECK;
/** The part behind the last '@'; empty when there is none. */
struct ls_slice ls_email_domain(struct ls_slice canonical);

#endif
