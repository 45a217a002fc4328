// SPDX-License-Identifier: MIT
/* The sources, in the order of the words in meson.build. */

#include "source/source.h"
#include "source/source_words.h"

#define X(word) extern const struct ls_source ls_source_##word;
LS_SOURCE_WORDS(X)
#undef X

static const struct ls_source *const sources[] = {
#define X(word) &ls_source_##word,
	LS_SOURCE_WORDS(X)
#undef X
};

const struct ls_source *
ls_source_find(struct ls_slice name)
{
	for (size_t i = 0; i < LS_ARRAY_LEN(sources); i++)
		if (ls_slice_eq(ls_slice_str(sources[i]->name), name))
			return sources[i];
	return NULL;
}

size_t
ls_source_count(void)
{
	return LS_ARRAY_LEN(sources);
}

const struct ls_source *
ls_source_at(size_t i)
{
	return i < LS_ARRAY_LEN(sources) ? sources[i] : NULL;
}
