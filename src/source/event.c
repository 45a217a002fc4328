// SPDX-License-Identifier: MIT
/* What events hold, as JSON for people. */

#include "source/event.h"

#include "base/json_write.h"

void
ls_value_write(struct ls_jsonw *w, const struct ls_value *value)
{
	switch (value->type) {
	case LS_VALUE_NULL:
		ls_jsonw_null(w);
		break;
	case LS_VALUE_BOOL:
		ls_jsonw_bool(w, value->boolean);
		break;
	case LS_VALUE_NUMBER:
		ls_jsonw_double(w, value->number);
		break;
	case LS_VALUE_STRING:
		ls_jsonw_string(w, value->string);
		break;
	}
}
