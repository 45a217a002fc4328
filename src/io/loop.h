/* SPDX-License-Identifier: MIT */
/* The event loop: descriptors, timers, signals, messages from the storage thread, and work at the
 * end of a turn. libevent behind it. */
#ifndef LS_IO_LOOP_H
#define LS_IO_LOOP_H

#include "base/base.h"

#define LS_READ  1u
#define LS_WRITE 2u

struct ls_loop;
struct ls_watch;
struct ls_timer;

typedef void (*ls_watch_fn)(void *ctx, unsigned what);
typedef void (*ls_timer_fn)(void *ctx);
typedef void (*ls_signal_fn)(void *ctx, int signal);

/** One a thread. NULL when the system refuses. */
struct ls_loop *ls_loop_new(void) LS_MUST_CHECK;
/** Everything made on the loop must have been freed before. */
struct ls_loop *ls_loop_free(struct ls_loop *loop);
/** Runs until ls_loop_stop(). Turn: wait, callbacks, posted messages, end-of-turn hooks. */
void ls_loop_run(struct ls_loop *loop);
void ls_loop_stop(struct ls_loop *loop);
/** The clocks as of the start of this turn's callbacks: cheap, the same for all of a turn. */
int64_t ls_loop_now_ms(const struct ls_loop *loop);
int64_t ls_loop_mono_ns(const struct ls_loop *loop);

/** Watches a descriptor; the callback stays until the watch is freed. `what` starts as 0: call
 * ls_watch_set(). The descriptor stays the caller's. */
struct ls_watch *ls_watch_new(
	struct ls_loop *loop, int fd, ls_watch_fn fn, void *ctx) LS_MUST_CHECK;
/** LS_READ, LS_WRITE, both or 0; no system call when nothing changes. */
int ls_watch_set(struct ls_watch *watch, unsigned what);
/** Safe inside its own callback. Free it before closing the descriptor. */
struct ls_watch *ls_watch_free(struct ls_watch *watch);

/** A timer that fires once each time it is set. */
struct ls_timer *ls_timer_new(struct ls_loop *loop, ls_timer_fn fn, void *ctx) LS_MUST_CHECK;
void ls_timer_set(struct ls_timer *timer, int64_t delay_ms);
void ls_timer_cancel(struct ls_timer *timer);
struct ls_timer *ls_timer_free(struct ls_timer *timer);

/** Calls back on the loop when the signal arrives. At most 8 signals; they last as long as the
 * loop. */
int ls_loop_on_signal(struct ls_loop *loop, int signal, ls_signal_fn fn, void *ctx) LS_MUST_CHECK;

/** A piece of work that another thread, or this one, hands to the loop. Embedded in the caller's
 * struct; the loop never frees it. */
struct ls_post {
	struct ls_post *next;
	void (*run)(struct ls_post *post);
};
/** Thread-safe, in order, never fails: `run` is called on the loop, in this turn or the next. */
void ls_loop_post(struct ls_loop *loop, struct ls_post *post);
/** Takes back what has been posted and has not run yet, if anything: before its struct is freed. On
 * the loop's thread. */
void ls_loop_unpost(struct ls_loop *loop, struct ls_post *post);

/** Called at the end of every turn, lower `order` first: to write once what a turn has gathered. At
 * most 8. */
int ls_loop_on_turn_end(struct ls_loop *loop, int order, ls_timer_fn fn, void *ctx) LS_MUST_CHECK;
/** Takes a hook back, for what goes away before the loop does. Not from inside a hook. */
void ls_loop_off_turn_end(struct ls_loop *loop, ls_timer_fn fn, void *ctx);
/** Makes the next turn not wait: more work is ready. */
void ls_loop_again(struct ls_loop *loop);

#endif
