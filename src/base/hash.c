// SPDX-License-Identifier: MIT
/* SipHash-1-3, written from the paper: one compression round a word, three finalisation rounds. */

#include "base/hash.h"

#include <sys/random.h>

struct state {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t
rotl(uint64_t x, unsigned n)
{
	return (x << n) | (x >> (64 - n));
}

static inline void
sip_round(struct state *s)
{
	s->v0 += s->v1;
	s->v1 = rotl(s->v1, 13) ^ s->v0;
	s->v0 = rotl(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotl(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotl(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotl(s->v1, 17) ^ s->v2;
	s->v2 = rotl(s->v2, 32);
}

static inline void
compress(struct state *s, uint64_t word)
{
	s->v3 ^= word;
	sip_round(s);
	s->v0 ^= word;
}

static inline uint64_t
finish(struct state *s)
{
	sip_round(s);
	sip_round(s);
	sip_round(s);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

static struct state
absorb(struct ls_hash_key key, const void *data, size_t len, bool wide)
{
	struct state s = {
		.v0 = key.k0 ^ 0x736f6d6570736575u,
		.v1 = key.k1 ^ 0x646f72616e646f6du ^ (wide ? 0xeeu : 0u),
		.v2 = key.k0 ^ 0x6c7967656e657261u,
		.v3 = key.k1 ^ 0x7465646279746573u,
	};
	const unsigned char *p = data;
	uint64_t word, last = (uint64_t)len << 56;
	for (size_t left = len; left >= 8; left -= 8, p += 8) {
		memcpy(&word, p, 8);
		compress(&s, word);
	}
	for (size_t i = 0; i < (len & 7); i++)
		last |= (uint64_t)p[i] << (8 * i);
	compress(&s, last);
	return s;
}

struct ls_hash_key
ls_hash_key_random(void)
{
	struct ls_hash_key key;
	ls_assert(getrandom(&key, sizeof key, 0) == (ssize_t)sizeof key);
	return key;
}

uint64_t
ls_hash(struct ls_hash_key key, const void *data, size_t len)
{
	struct state s = absorb(key, data, len, false);
	s.v2 ^= 0xff;
	return finish(&s);
}

uint64_t
ls_hash_slice(struct ls_hash_key key, struct ls_slice s)
{
	return ls_hash(key, s.data, s.len);
}

struct ls_hash128
ls_hash128(struct ls_hash_key key, const void *data, size_t len)
{
	struct state s = absorb(key, data, len, true);
	s.v2 ^= 0xee;
	uint64_t lo = finish(&s);
	s.v1 ^= 0xdd;
	return (struct ls_hash128){ .lo = lo, .hi = finish(&s) };
}
