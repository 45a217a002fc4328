/* SPDX-License-Identifier: MIT */
/* Keyed hashes for tables whose keys come from strangers: SipHash-1-3 (Aumasson and Bernstein,
 * "SipHash", 2012). */
#ifndef LS_BASE_HASH_H
#define LS_BASE_HASH_H

#include "base/slice.h"

struct ls_hash_key {
	uint64_t k0, k1;
};

/** 128 bits that stand for a key where two keys must never meet by chance: dedupe keys. */
struct ls_hash128 {
	uint64_t lo, hi;
};

/** A random key from the operating system. Ends the process when there is no randomness. */
struct ls_hash_key ls_hash_key_random(void);

/** SipHash-1-3: the same bytes give the same hash under the same key only. */
uint64_t ls_hash(struct ls_hash_key key, const void *data, size_t len);
uint64_t ls_hash_slice(struct ls_hash_key key, struct ls_slice s);
/** SipHash-1-3 with 128-bit output, the reference implementation's variant. */
struct ls_hash128 ls_hash128(struct ls_hash_key key, const void *data, size_t len);

/** A bijective mixer for integers that nobody outside chooses (splitmix64's finaliser). */
static inline uint64_t
ls_hash_mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

#endif
