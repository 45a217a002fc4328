// SPDX-License-Identifier: MIT
/* splitmix64: one addition and one mix a number. Nothing secret may come of it. */

#include "main/dice.h"

#include "base/hash.h"

uint32_t
ls_dice_roll(struct ls_dice *dice, uint32_t sides)
{
	dice->state += UINT64_C(0x9e3779b97f4a7c15);
	uint64_t high = ls_hash_mix(dice->state) >> 32;
	return (uint32_t)(high * sides >> 32);
}
