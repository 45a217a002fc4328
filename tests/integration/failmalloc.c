// SPDX-License-Identifier: MIT
/* Preloaded into a program under test: the allocation with the number in FAILMALLOC fails, and with
 * FAILMALLOC_EVERY each such number of allocations behind it as well. Counts from 1, with
 * FAILMALLOC_WAIT not before SIGUSR1 has come. */

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static volatile uint64_t made, first, every;

/* malloc() may be called before there is an environment to parse: without strtoul() and its locale
 */
static uint64_t
number(const char *name)
{
	uint64_t value = 0;
	const char *text = getenv(name);
	for (; text != NULL && *text >= '0' && *text <= '9'; text++)
		value = value * 10 + (uint64_t)(*text - '0');
	return value;
}

static void
on_signal(int number_of_signal)
{
	static const char armed[] = "armed\n";
	(void)number_of_signal;
	made = 0;
	first = number("FAILMALLOC");
	(void)!write(STDERR_FILENO, armed, sizeof armed - 1);
}

__attribute__((constructor)) static void
arm(void)
{
	every = number("FAILMALLOC_EVERY");
	if (getenv("FAILMALLOC_WAIT") != NULL)
		(void)signal(SIGUSR1, on_signal);
	else
		first = number("FAILMALLOC");
	made = 0;
}

static int
fails(void)
{
	if (first == 0)
		return 0;
	made = made + 1;
	if (made < first)
		return 0;
	if (made != first && (every == 0 || (made - first) % every != 0))
		return 0;
	errno = ENOMEM;
	return 1;
}

void *
malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	return fails() ? NULL : __libc_calloc(count, size);
}

void *
realloc(void *old, size_t size)
{
	return fails() ? NULL : __libc_realloc(old, size);
}
