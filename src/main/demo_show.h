/* SPDX-License-Identifier: MIT */
/* What the demo shows on the terminal: how many leads are hot, and who has just become so, and why.
 */
#ifndef LS_MAIN_DEMO_SHOW_H
#define LS_MAIN_DEMO_SHOW_H

#include "service/service.h"

struct ls_demo_show;

/** Observes the service, which outlives it. NULL when there is no memory. */
struct ls_demo_show *ls_demo_show_new(struct ls_service *service) LS_MUST_CHECK;
/** Ends the line that is being rewritten. NULL is fine. */
struct ls_demo_show *ls_demo_show_free(struct ls_demo_show *show);
/** History is there, so many events in so many seconds: from now on it tells who turns hot. */
void ls_demo_show_live(struct ls_demo_show *show, uint64_t events, double seconds);

#endif
