/* SPDX-License-Identifier: MIT */
/* Who may use the API: the bearer of the token; without a token, this machine only. */
#ifndef LS_SERVICE_AUTH_H
#define LS_SERVICE_AUTH_H

#include "service/service.h"

/**
 * 0 when the request may pass; otherwise 401 or 403, with *why static. `token` NULL: none is
 * configured; then the peer must be local, and so must the Host and any Origin it names, since a
 * web page on another site can make a browser on this machine send requests.
 */
int ls_auth_check(const char *token, const struct ls_http_request *req, const char **why);

#endif
