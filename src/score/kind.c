// SPDX-License-Identifier: MIT
/* The names of the built-in kinds. */

#include "leadscore/kind.h"

#include "base/slice.h"

enum kind_class { ACTIVITY, STATE, OTHER };

struct kind_row {
	const char *name;
	enum kind_class class_;
};

static const struct kind_row kinds[LS_KIND_CUSTOM] = {
#define X(number, upper, name, class_) [(number)] = { name, class_ },
	LS_KINDS(X)
#undef X
};

static const struct kind_row *
find_row(unsigned kind)
{
	unsigned bare = kind & ~LS_KIND_MACHINE;
	return bare < LS_ARRAY_LEN(kinds) && kinds[bare].name != NULL ? &kinds[bare] : NULL;
}

const char *
ls_kind_name(unsigned kind)
{
	const struct kind_row *row = find_row(kind);
	return row != NULL ? row->name : NULL;
}

int
ls_kind_find(struct ls_slice name, enum ls_kind *kind)
{
	for (unsigned i = 0; i < LS_ARRAY_LEN(kinds); i++)
		if (kinds[i].name != NULL && ls_slice_eq(name, ls_slice_str(kinds[i].name))) {
			*kind = (enum ls_kind)i;
			return LS_OK;
		}
	return LS_ERR_NOT_FOUND;
}

bool
ls_kind_is_activity(unsigned kind)
{
	unsigned bare = kind & ~LS_KIND_MACHINE;
	const struct kind_row *row = find_row(kind);
	if (row != NULL)
		return row->class_ == ACTIVITY;
	return bare >= LS_KIND_CUSTOM && bare <= LS_KIND_MAX;
}
