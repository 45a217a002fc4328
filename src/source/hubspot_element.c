// SPDX-License-Identifier: MIT
/* Reads one element of a HubSpot webhook body. Members of the wrong type make a fault and spoil the
 * element, never the batch; members that we do not know are passed over. */

#include "source/hubspot_element.h"

enum form { FORM_SKIP, FORM_ID, FORM_TEXT, FORM_VALUE, FORM_NOTE, FORM_FLAG, FORM_LIST };

static const struct row {
	struct ls_slice member;
	enum form form;
} rows[LS_HUBSPOT_FIELD_COUNT] = {
#define X(name, member_, form_)                                                                    \
	[LS_HUBSPOT_##name] = { .member = LS_S_INIT(member_), .form = FORM_##form_ },
	LS_HUBSPOT_FIELDS(X)
#undef X
};

/** Its row, or LS_HUBSPOT_FIELD_COUNT. `previous` is the row of the member before. */
static size_t
find_row(struct ls_hubspot_order *order, size_t previous, struct ls_slice key)
{
	size_t guess = order->next[previous];
	if (LS_LIKELY(ls_slice_eq(rows[guess].member, key)))
		return guess;
	size_t row = 0;
	while (row < LS_HUBSPOT_FIELD_COUNT && !ls_slice_eq(rows[row].member, key))
		row++;
	if (row < LS_HUBSPOT_FIELD_COUNT)
		order->next[previous] = (uint8_t)row;
	return row;
}

static bool
id_ok(struct ls_slice text, bool number)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];
		if (number ? !ls_ascii_digit(c) : c <= ' ' || c > '~')
			return false;
	}
	return text.len > 0 && text.len <= LS_ID_MAX;
}

/** NULL, or what is wrong with the value. */
static const char *
read_id(struct ls_json *json, enum ls_json_type type, struct ls_slice *out)
{
	struct ls_slice text;
	bool number = type == LS_JSON_NUMBER;
	if (!number && type != LS_JSON_STRING) {
		(void)ls_json_skip(json);
		return "must be an id";
	}
	if (!(number ? ls_json_raw(json, &text) : ls_json_string(json, &text)))
		return NULL;
	if (!id_ok(text, number))
		return number ? "must be a whole number, 0 or more" : "must be an id";
	*out = text;
	return NULL;
}

static const char *
read_text(struct ls_json *json, enum ls_json_type type, struct ls_slice *out)
{
	struct ls_slice text;
	if (type != LS_JSON_STRING) {
		(void)ls_json_skip(json);
		return "must be a string";
	}
	if (!ls_json_string(json, &text))
		return NULL;
	if (text.len > LS_HUBSPOT_TEXT_MAX)
		return "is longer than 128 bytes";
	*out = text;
	return NULL;
}

static const char *
read_value(struct ls_json *json, enum ls_json_type type, struct ls_slice *out)
{
	struct ls_slice text;
	if (type == LS_JSON_OBJECT || type == LS_JSON_ARRAY) {
		(void)ls_json_skip(json);
		return "must be a string";
	}
	if (type == LS_JSON_STRING ? ls_json_string(json, &text) : ls_json_raw(json, &text))
		*out = text;
	return NULL;
}

static const char *
read_flag(struct ls_json *json, enum ls_json_type type, uint32_t *flags, size_t row)
{
	struct ls_slice text = { 0 };
	bool value = false;
	if (type == LS_JSON_BOOL) {
		if (!ls_json_bool(json, &value))
			return NULL;
	} else if (read_text(json, type, &text) != NULL) {
		return "must be true or false";
	} else if (ls_slice_eq(text, LS_S("true"))) {
		value = true;
	} else if (!ls_slice_eq(text, LS_S("false"))) {
		return "must be true or false";
	}
	if (value)
		*flags |= 1u << row;
	else
		*flags &= ~(1u << row);
	return NULL;
}

static const char *
read_field(struct ls_json *json, size_t row, struct ls_hubspot_element *element)
{
	struct ls_slice *out = &element->field[row];
	enum ls_json_type type;
	if (rows[row].form == FORM_SKIP) {
		(void)ls_json_skip(json);
		return NULL;
	}
	type = ls_json_peek(json);
	if (type == LS_JSON_NULL) {
		/* a property's null is a cleared value; elsewhere it is as good as absent */
		if (ls_json_null(json))
			*out = rows[row].form == FORM_VALUE ? LS_S("") : ls_slice(NULL, 0);
		return NULL;
	}
	switch (rows[row].form) {
	case FORM_ID:
		return read_id(json, type, out);
	case FORM_TEXT:
		return read_text(json, type, out);
	case FORM_VALUE:
		return read_value(json, type, out);
	case FORM_NOTE:
		(void)read_value(json, type, out);
		return NULL;
	case FORM_FLAG:
		return read_flag(json, type, &element->flags, row);
	case FORM_LIST:
		(void)ls_json_raw(json, out);
		return type == LS_JSON_ARRAY ? NULL : "must be an array";
	case FORM_SKIP:
		break;
	}
	return NULL;
}

bool
ls_hubspot_read(struct ls_json *json, struct ls_decode *decode, const struct ls_path *path,
	struct ls_hubspot_order *order, struct ls_hubspot_element *element)
{
	size_t previous = LS_HUBSPOT_FIELD_COUNT;
	struct ls_slice key;
	bool sound = true;
	*element = (struct ls_hubspot_element){ 0 };
	if (ls_json_peek(json) != LS_JSON_OBJECT) {
		(void)ls_json_skip(json);
		ls_decode_fault(decode, path, LS_S("must be an object"));
		return false;
	}
	(void)ls_json_object(json);
	while (ls_json_key(json, &key)) {
		size_t row = find_row(order, previous, key);
		if (row == LS_HUBSPOT_FIELD_COUNT) {
			(void)ls_json_skip(json);
			continue;
		}
		previous = row;
		const char *what = read_field(json, row, element);
		if (what != NULL) {
			const struct ls_path at = { .up = path, .key = key };
			ls_decode_fault(decode, &at, ls_slice_str(what));
			sound = false;
		}
	}
	return sound && json->err == LS_OK;
}
