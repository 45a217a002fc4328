/* SPDX-License-Identifier: MIT */
/* A stream of numbers that are the same for the same seed on every machine: for made-up data. */
#ifndef LS_MAIN_DICE_H
#define LS_MAIN_DICE_H

#include "base/base.h"

struct ls_dice {
	uint64_t state;
};
/** 0 to sides - 1. */
uint32_t ls_dice_roll(struct ls_dice *dice, uint32_t sides);

#endif
