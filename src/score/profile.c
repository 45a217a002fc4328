// SPDX-License-Identifier: MIT
/* The profile as an object: the defaults out of the signals' tables, ownership, thresholds. Reading
 * one from JSON is profile_read.c. */

#include "leadscore/profile.h"

#include <stdalign.h>

#include "score/profile_data.h"

#define HOT_MILLI  75000
#define WARM_MILLI 50000

static void *
at_offset(void *base, size_t offset)
{
	return (char *)base + offset;
}

static size_t
round_up(size_t size)
{
	const size_t align = alignof(max_align_t);
	return (size + align - 1) / align * align;
}

static void
set_defaults(const struct ls_signal *signal, void *params)
{
	for (size_t i = 0; i < signal->param_count; i++) {
		const struct param *param = &signal->params[i];
		void *at = at_offset(params, param->offset);
		switch (param->type) {
		case PARAM_NUMBER:
			*(double *)at = param->value;
			break;
		case PARAM_HALF_LIFE:
			*(struct half_life *)at = (struct half_life){ .days = param->value };
			break;
		case PARAM_KIND_POINTS: {
			struct kind_points *points = at;
			*points = (struct kind_points){ { 0 } };
			for (const struct kind_default *k = param->kinds; k->kind != LS_KIND_OTHER;
				k++)
				points->points[k->kind] = k->points;
			break;
		}
		}
	}
}

struct ls_profile *
profile_new(struct ls_memory memory)
{
	size_t size = 0;
	for (size_t i = 0; i < ls_signal_count; i++)
		size += round_up(ls_signals[i]->params_size);
	struct ls_profile *profile = memory.realloc(memory.ctx, NULL, sizeof *profile);
	if (profile == NULL)
		return NULL;
	*profile = (struct ls_profile){ .memory = memory,
		.name = LS_S("default"),
		.hot_milli = HOT_MILLI,
		.warm_milli = WARM_MILLI };
	profile->block = memory.realloc(memory.ctx, NULL, size);
	if (profile->block == NULL)
		return ls_profile_free(profile);
	size_t at = 0;
	for (size_t i = 0; i < ls_signal_count; i++) {
		profile->weights[i] = ls_signals[i]->weight;
		profile->params[i] = at_offset(profile->block, at);
		set_defaults(ls_signals[i], profile->params[i]);
		at += round_up(ls_signals[i]->params_size);
	}
	return profile;
}

static void
number_decay(struct ls_profile *profile, struct half_life *half_life)
{
	uint32_t i = 0;
	while (i < profile->decay_count && profile->decay_days[i] != half_life->days)
		i++;
	if (i == profile->decay_count)
		profile->decay_days[profile->decay_count++] = half_life->days;
	half_life->decay = i;
}

int
profile_finish(struct ls_profile *profile)
{
	size_t most = profile->rule_count;
	for (size_t i = 0; i < ls_signal_count; i++)
		most += ls_signals[i]->param_count;
	profile->decay_days = profile->memory.realloc(
		profile->memory.ctx, NULL, most * sizeof *profile->decay_days);
	if (profile->decay_days == NULL)
		return LS_ERR_NOMEM;
	for (size_t i = 0; i < ls_signal_count; i++) {
		if (ls_signals[i]->prepare != NULL)
			ls_signals[i]->prepare(profile->params[i]);
		for (size_t k = 0; k < ls_signals[i]->param_count; k++) {
			const struct param *param = &ls_signals[i]->params[k];
			if (param->type == PARAM_HALF_LIFE)
				number_decay(profile, at_offset(profile->params[i], param->offset));
		}
	}
	for (size_t i = 0; i < profile->rule_count; i++)
		if (profile->rules[i].half_life.days > 0)
			number_decay(profile, &profile->rules[i].half_life);
	return LS_OK;
}

struct ls_profile *
ls_profile_default(struct ls_memory memory)
{
	struct ls_profile *profile = profile_new(memory);
	if (profile != NULL && profile_finish(profile) != LS_OK)
		return ls_profile_free(profile);
	return profile;
}

static void
release(struct ls_memory memory, void *ptr)
{
	if (ptr != NULL)
		(void)memory.realloc(memory.ctx, ptr, 0);
}

struct ls_profile *
ls_profile_free(struct ls_profile *profile)
{
	if (profile == NULL)
		return NULL;
	struct ls_memory memory = profile->memory;
	for (size_t i = 0; i < profile->rule_count; i++)
		release(memory, profile->rules[i].values);
	release(memory, profile->rules);
	release(memory, profile->decay_days);
	release(memory, profile->block);
	release(memory, profile->text);
	release(memory, profile);
	return NULL;
}

struct ls_slice
ls_profile_name(const struct ls_profile *profile)
{
	return profile->name;
}

int32_t
ls_profile_hot_milli(const struct ls_profile *profile)
{
	return profile->hot_milli;
}

int32_t
ls_profile_warm_milli(const struct ls_profile *profile)
{
	return profile->warm_milli;
}

bool
ls_profile_has_thresholds(const struct ls_profile *profile)
{
	return profile->has_thresholds;
}

int
ls_profile_set_thresholds(struct ls_profile *profile, int32_t warm_milli, int32_t hot_milli)
{
	if (warm_milli < 0 || warm_milli > hot_milli || hot_milli > LS_SCORE_MAX_MILLI)
		return LS_ERR_INVALID;
	profile->warm_milli = warm_milli;
	profile->hot_milli = hot_milli;
	return LS_OK;
}
