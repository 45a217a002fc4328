// SPDX-License-Identifier: MIT
/* The table of signals, from the list that the build knows. */

#include "score/registry.h"

#include "score/signal_list.h"

#define X(name) extern const struct ls_signal ls_signal_##name;
SIGNAL_LIST(X)
#undef X

const struct ls_signal *const ls_signals[] = {
#define X(name) &ls_signal_##name,
	SIGNAL_LIST(X)
#undef X
};
const size_t ls_signal_count = LS_ARRAY_LEN(ls_signals);

_Static_assert(LS_ARRAY_LEN(ls_signals) <= SIGNALS_MAX, "profiles have room for every signal");
