// SPDX-License-Identifier: MIT
/* The only file that sees libevent. Owns the event base and the queue through which other threads
 * post. */

#include "io/loop.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/clock.h"

#define MAX_SIGNALS 8u
#define MAX_HOOKS   8u

struct signal_watch {
	struct event *event;
	ls_signal_fn fn;
	void *ctx;
};

struct hook {
	int order;
	ls_timer_fn fn;
	void *ctx;
};

struct ls_loop {
	struct event_base *base;
	int64_t now_ms, mono_ns;
	bool stop, again;
	struct signal_watch signals[MAX_SIGNALS];
	size_t signal_count;
	struct hook hooks[MAX_HOOKS];
	size_t hook_count;
	/* timers that libevent had no memory for: looked at in every turn, and no turn waits */
	struct ls_timer *starved;
	/* posted work: a list under a lock, and an eventfd that wakes the loop */
	pthread_mutex_t lock;
	struct ls_post *first, **last;
	struct ls_post *running; /* taken off the list, in turn to run */
	int wake_fd;
	struct event *wake;
};

struct ls_watch {
	struct ls_loop *loop;
	struct event *event;
	ls_watch_fn fn;
	void *ctx;
	int fd;
	unsigned what;
};

struct ls_timer {
	struct event *event;
	struct ls_loop *loop;
	ls_timer_fn fn;
	void *ctx;
	/* in the loop's list of starved timers */
	struct ls_timer *next;
	int64_t due_ns;
	bool starved;
};

static void
read_clocks(struct ls_loop *loop)
{
	loop->now_ms = ls_clock_now_ms();
	loop->mono_ns = ls_clock_mono_ns();
}

/* the first callback of a turn reads the clocks, so that waiting does not count */
static inline void
enter(struct ls_loop *loop)
{
	if (loop->now_ms == 0)
		read_clocks(loop);
}

static void
drain_posts(struct ls_loop *loop)
{
	(void)pthread_mutex_lock(&loop->lock);
	loop->running = loop->first;
	loop->first = NULL;
	loop->last = &loop->first;
	(void)pthread_mutex_unlock(&loop->lock);
	while (loop->running != NULL) {
		struct ls_post *post = loop->running;
		loop->running = post->next; /* run() may free it, post it again or unpost others */
		post->run(post);
	}
}

static void
on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct ls_loop *loop = arg;
	uint64_t count;
	(void)what;
	enter(loop);
	if (read(fd, &count, sizeof count) == (ssize_t)sizeof count)
		drain_posts(loop);
}

struct ls_loop *
ls_loop_new(void)
{
	struct ls_loop *loop = calloc(1, sizeof *loop);
	if (loop == NULL)
		return NULL;
	loop->last = &loop->first;
	(void)pthread_mutex_init(&loop->lock, NULL);
	loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	/* one thread runs the loop and everyone else posts: libevent needs no locks of its own */
	struct event_config *config = event_config_new();
	if (config != NULL) {
		(void)event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
		loop->base = event_base_new_with_config(config);
		event_config_free(config);
	}
	if (loop->base != NULL && loop->wake_fd >= 0)
		loop->wake =
			event_new(loop->base, loop->wake_fd, EV_READ | EV_PERSIST, on_wake, loop);
	if (loop->wake == NULL || event_add(loop->wake, NULL) != 0)
		return ls_loop_free(loop);
	read_clocks(loop);
	return loop;
}

struct ls_loop *
ls_loop_free(struct ls_loop *loop)
{
	if (loop == NULL)
		return NULL;
	for (size_t i = 0; i < loop->signal_count; i++)
		event_free(loop->signals[i].event);
	if (loop->wake != NULL)
		event_free(loop->wake);
	if (loop->base != NULL)
		event_base_free(loop->base);
	if (loop->wake_fd >= 0)
		(void)close(loop->wake_fd);
	(void)pthread_mutex_destroy(&loop->lock);
	free(loop);
	return NULL;
}

static void
run_starved_timers(struct ls_loop *loop)
{
	for (struct ls_timer **at = &loop->starved; *at != NULL;) {
		struct ls_timer *timer = *at;
		if (timer->due_ns >= loop->mono_ns) {
			at = &timer->next;
			continue;
		}
		*at = timer->next;
		timer->starved = false;
		timer->fn(timer->ctx);
		at = &loop->starved; /* whatever it has changed */
	}
	loop->again |= loop->starved != NULL;
}

void
ls_loop_run(struct ls_loop *loop)
{
	loop->stop = false;
	while (!loop->stop) {
		int flags = EVLOOP_ONCE | (loop->again ? EVLOOP_NONBLOCK : 0);
		loop->again = false;
		loop->now_ms = 0;
		(void)event_base_loop(loop->base, flags);
		enter(loop);
		if (LS_UNLIKELY(loop->starved != NULL))
			run_starved_timers(loop);
		for (size_t i = 0; i < loop->hook_count; i++)
			loop->hooks[i].fn(loop->hooks[i].ctx);
	}
}

void
ls_loop_stop(struct ls_loop *loop)
{
	loop->stop = true;
}

void
ls_loop_again(struct ls_loop *loop)
{
	loop->again = true;
}

int64_t
ls_loop_now_ms(const struct ls_loop *loop)
{
	return loop->now_ms != 0 ? loop->now_ms : ls_clock_now_ms();
}

int64_t
ls_loop_mono_ns(const struct ls_loop *loop)
{
	return loop->now_ms != 0 ? loop->mono_ns : ls_clock_mono_ns();
}

static void
on_watch(evutil_socket_t fd, short what, void *arg)
{
	struct ls_watch *watch = arg;
	(void)fd;
	enter(watch->loop);
	watch->fn(watch->ctx, (what & EV_READ ? LS_READ : 0) | (what & EV_WRITE ? LS_WRITE : 0));
}

struct ls_watch *
ls_watch_new(struct ls_loop *loop, int fd, ls_watch_fn fn, void *ctx)
{
	struct ls_watch *watch = calloc(1, sizeof *watch);
	if (watch == NULL)
		return NULL;
	*watch = (struct ls_watch){ .loop = loop, .fn = fn, .ctx = ctx, .fd = fd };
	watch->event = event_new(loop->base, fd, EV_READ | EV_PERSIST, on_watch, watch);
	return watch->event != NULL ? watch : ls_watch_free(watch);
}

int
ls_watch_set(struct ls_watch *watch, unsigned what)
{
	if (watch->what == what)
		return LS_OK;
	if (watch->what != 0)
		(void)event_del(watch->event);
	watch->what = 0;
	if (what == 0)
		return LS_OK;
	short events = (short)(EV_PERSIST | (what & LS_READ ? EV_READ : 0) |
			       (what & LS_WRITE ? EV_WRITE : 0));
	if (event_assign(watch->event, watch->loop->base, watch->fd, events, on_watch, watch) !=
			0 ||
		event_add(watch->event, NULL) != 0)
		return LS_ERR_IO;
	watch->what = what;
	return LS_OK;
}

struct ls_watch *
ls_watch_free(struct ls_watch *watch)
{
	if (watch != NULL && watch->event != NULL)
		event_free(watch->event);
	free(watch);
	return NULL;
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct ls_timer *timer = arg;
	(void)fd;
	(void)what;
	enter(timer->loop);
	timer->fn(timer->ctx);
}

struct ls_timer *
ls_timer_new(struct ls_loop *loop, ls_timer_fn fn, void *ctx)
{
	struct ls_timer *timer = calloc(1, sizeof *timer);
	if (timer == NULL)
		return NULL;
	*timer = (struct ls_timer){ .loop = loop, .fn = fn, .ctx = ctx };
	timer->event = evtimer_new(loop->base, on_timer, timer);
	return timer->event != NULL ? timer : ls_timer_free(timer);
}

static void
unstarve(struct ls_timer *timer)
{
	struct ls_timer **at = &timer->loop->starved;
	if (LS_LIKELY(!timer->starved))
		return;
	while (*at != timer)
		at = &(*at)->next;
	*at = timer->next;
	timer->starved = false;
}

void
ls_timer_set(struct ls_timer *timer, int64_t delay_ms)
{
	delay_ms = LS_MAX(delay_ms, 0);
	struct timeval tv = { .tv_sec = delay_ms / 1000, .tv_usec = delay_ms % 1000 * 1000 };
	struct ls_loop *loop = timer->loop;
	unstarve(timer);
	/* fails only when there is no memory for libevent's heap of timers */
	if (LS_LIKELY(evtimer_add(timer->event, &tv) == 0))
		return;
	timer->due_ns = ls_loop_mono_ns(loop) + delay_ms * 1000000;
	timer->starved = true;
	timer->next = loop->starved;
	loop->starved = timer;
	ls_loop_again(loop);
}

void
ls_timer_cancel(struct ls_timer *timer)
{
	unstarve(timer);
	(void)evtimer_del(timer->event);
}

struct ls_timer *
ls_timer_free(struct ls_timer *timer)
{
	if (timer != NULL)
		unstarve(timer);
	if (timer != NULL && timer->event != NULL)
		event_free(timer->event);
	free(timer);
	return NULL;
}

static void
on_signal(evutil_socket_t signal, short what, void *arg)
{
	struct ls_loop *loop = arg;
	(void)what;
	enter(loop);
	for (size_t i = 0; i < loop->signal_count; i++) {
		struct signal_watch *watch = &loop->signals[i];
		if (event_get_signal(watch->event) == signal)
			watch->fn(watch->ctx, (int)signal);
	}
}

int
ls_loop_on_signal(struct ls_loop *loop, int signal, ls_signal_fn fn, void *ctx)
{
	if (loop->signal_count == MAX_SIGNALS)
		return LS_ERR_LIMIT;
	struct event *event = evsignal_new(loop->base, signal, on_signal, loop);
	if (event == NULL || event_add(event, NULL) != 0) {
		if (event != NULL)
			event_free(event);
		return LS_ERR_NOMEM;
	}
	loop->signals[loop->signal_count++] =
		(struct signal_watch){ .event = event, .fn = fn, .ctx = ctx };
	return LS_OK;
}

void
ls_loop_post(struct ls_loop *loop, struct ls_post *post)
{
	const uint64_t one = 1;
	post->next = NULL;
	(void)pthread_mutex_lock(&loop->lock);
	bool was_empty = loop->first == NULL;
	*loop->last = post;
	loop->last = &post->next;
	(void)pthread_mutex_unlock(&loop->lock);
	/* cannot fail: the counter overflows only after 2^64 - 1 wake-ups */
	if (was_empty) {
		ssize_t written LS_UNUSED = write(loop->wake_fd, &one, sizeof one);
	}
}

void
ls_loop_unpost(struct ls_loop *loop, struct ls_post *post)
{
	struct ls_post **at;
	for (at = &loop->running; *at != NULL && *at != post; at = &(*at)->next)
		;
	if (*at != NULL)
		*at = post->next;
	(void)pthread_mutex_lock(&loop->lock);
	for (at = &loop->first; *at != NULL && *at != post; at = &(*at)->next)
		;
	if (*at != NULL) {
		*at = post->next;
		if (*at == NULL)
			loop->last = at;
	}
	(void)pthread_mutex_unlock(&loop->lock);
}

int
ls_loop_on_turn_end(struct ls_loop *loop, int order, ls_timer_fn fn, void *ctx)
{
	if (loop->hook_count == MAX_HOOKS)
		return LS_ERR_LIMIT;
	size_t i = loop->hook_count++;
	for (; i > 0 && loop->hooks[i - 1].order > order; i--)
		loop->hooks[i] = loop->hooks[i - 1];
	loop->hooks[i] = (struct hook){ .order = order, .fn = fn, .ctx = ctx };
	return LS_OK;
}

void
ls_loop_off_turn_end(struct ls_loop *loop, ls_timer_fn fn, void *ctx)
{
	size_t kept = 0;
	for (size_t i = 0; i < loop->hook_count; i++) {
		struct hook hook = loop->hooks[i];
		if (hook.fn != fn || hook.ctx != ctx)
			loop->hooks[kept++] = hook;
	}
	loop->hook_count = kept;
}
