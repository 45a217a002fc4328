// SPDX-License-Identifier: MIT
/*
 * Packed: number of keys, keys, number of attributes, attributes. Times of attributes are kept as
 * differences from the first one's, since most come from the same event; an e-mail that is also a
 * key is kept once; values of which there are few in all are numbers of the dictionary.
 */

#include "engine/doc.h"

#include <stdlib.h>

#define NAMES_MAX  65536u
#define VALUES_MAX 65536u
#define VALUE_LEN  64u /* longer ones are not worth a place in the dictionary */

#define HEAD_ABSORBED 4u
#define HEAD_DELETED  8u
#define HEAD_RESTORED 16u

enum tag { TAG_NULL, TAG_FALSE, TAG_TRUE, TAG_INT, TAG_DOUBLE, TAG_STRING, TAG_VALUE, TAG_KEY };

int
ls_dictionary_init(struct ls_dictionary *dict, struct ls_hash_key key)
{
	static const char *const names[] = {
#define X(upper, name) name,
		LS_NAMES(X)
#undef X
	};
	ls_intern_init(&dict->names, key, NAMES_MAX);
	ls_intern_init(&dict->values, key, VALUES_MAX);
	for (uint32_t i = 0; i < LS_ARRAY_LEN(names); i++) {
		uint32_t number;
		int err = ls_intern_put(&dict->names, ls_slice_str(names[i]), &number);
		if (err != LS_OK) {
			ls_dictionary_fini(dict);
			return err;
		}
		ls_assert(number == i);
	}
	return LS_OK;
}

void
ls_dictionary_fini(struct ls_dictionary *dict)
{
	ls_intern_fini(&dict->names);
	ls_intern_fini(&dict->values);
}

int
ls_doc_init(struct ls_doc *doc)
{
	*doc = (struct ls_doc){ 0 };
	/* one more, so that setting can add first and refuse afterwards */
	doc->attrs = calloc(LS_DOC_ATTRS_MAX + 1, sizeof *doc->attrs);
	return doc->attrs != NULL ? LS_OK : LS_ERR_NOMEM;
}

void
ls_doc_fini(struct ls_doc *doc)
{
	free(doc->keys);
	free(doc->attrs);
	*doc = (struct ls_doc){ 0 };
}

int
ls_doc_add_key(struct ls_doc *doc, const struct ls_key *key)
{
	if (doc->key_count == LS_DOC_KEYS_MAX)
		return LS_ERR_LIMIT;
	if (doc->key_count == doc->key_room) {
		size_t room = doc->key_room > 0 ? doc->key_room * 2 : 8;
		struct ls_key *keys = realloc(doc->keys, room * sizeof *keys);
		if (keys == NULL)
			return LS_ERR_NOMEM;
		doc->keys = keys;
		doc->key_room = room;
	}
	doc->keys[doc->key_count++] = *key;
	return LS_OK;
}

int
ls_key_cmp(const struct ls_key *a, const struct ls_key *b)
{
	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	int cmp = ls_slice_cmp(a->system, b->system);
	if (cmp == 0)
		cmp = ls_slice_cmp(a->rtype, b->rtype);
	if (cmp == 0 && a->scope != b->scope)
		cmp = a->scope < b->scope ? -1 : 1;
	return cmp != 0 ? cmp : ls_slice_cmp(a->id, b->id);
}

bool
ls_key_eq(const struct ls_key *a, const struct ls_key *b)
{
	return a->type == b->type && a->scope == b->scope && ls_slice_eq(a->id, b->id) &&
	       ls_slice_eq(a->system, b->system) && ls_slice_eq(a->rtype, b->rtype);
}

/* The lengths are written too, so that no two keys give the same bytes. */
uint64_t
ls_key_hash(struct ls_hash_key hash_key, const struct ls_key *key)
{
	LS_UNINITIALIZED char bytes[512];
	size_t len = 0;
	const struct ls_slice parts[] = { key->system, key->rtype, key->id };
	bytes[len++] = (char)key->type;
	memcpy(bytes + len, &key->scope, sizeof key->scope);
	len += sizeof key->scope;
	for (size_t i = 0; i < LS_ARRAY_LEN(parts); i++) {
		size_t part = LS_MIN(parts[i].len, LS_MIN(sizeof bytes - len - 3, (size_t)254));
		bytes[len++] = (char)part;
		if (part > 0)
			memcpy(bytes + len, parts[i].data, part);
		len += part;
	}
	return ls_hash(hash_key, bytes, len);
}

struct ls_key *
ls_doc_find_key(const struct ls_doc *doc, const struct ls_key *key)
{
	for (size_t i = 0; i < doc->key_count; i++) {
		if (ls_key_eq(&doc->keys[i], key))
			return &doc->keys[i];
	}
	return NULL;
}

struct ls_attr *
ls_doc_find_attr(const struct ls_doc *doc, uint32_t name)
{
	for (size_t i = 0; i < doc->attr_count; i++) {
		if (doc->attrs[i].name == name)
			return &doc->attrs[i];
	}
	return NULL;
}

static int
value_rank(const struct ls_value *value)
{
	switch (value->type) {
	case LS_VALUE_STRING: /* " */
		return 0;
	case LS_VALUE_NUMBER: /* 0..9 */
		return 1;
	case LS_VALUE_BOOL: /* f, t */
		return value->boolean ? 4 : 2;
	case LS_VALUE_NULL: /* n */
		return 3;
	}
	return 0;
}

int
ls_value_cmp(const struct ls_value *a, const struct ls_value *b)
{
	int rank = value_rank(a) - value_rank(b);
	if (rank != 0)
		return rank;
	if (a->type == LS_VALUE_STRING)
		return ls_slice_cmp(a->string, b->string);
	if (a->type == LS_VALUE_NUMBER)
		return a->number < b->number ? -1 : a->number > b->number;
	return 0;
}

bool
ls_doc_set_attr(struct ls_doc *doc, const struct ls_attr *attr)
{
	struct ls_attr *old = ls_doc_find_attr(doc, attr->name);
	if (old == NULL) {
		if (doc->attr_count == LS_DOC_ATTRS_MAX)
			return false;
		doc->attrs[doc->attr_count++] = *attr;
		return true;
	}
	bool newer = attr->set_ms > old->set_ms ||
		     (attr->set_ms == old->set_ms && ls_value_cmp(&attr->value, &old->value) > 0);
	if (newer)
		*old = *attr;
	return true;
}

static bool
is_absorbed(const struct ls_key *key, bool any_standing)
{
	return key->type != LS_KEY_REF || (any_standing && key->absorbed);
}

/*
 * A merged-away id is often reported as deleted as well; that is no news about the survivor. So a
 * thing is deleted when all ids that stand for it are, or when it was deleted by e-mail or visitor
 * and not restored since.
 */
bool
ls_keys_deleted(const struct ls_key *keys, size_t count)
{
	int64_t restored_ms = LS_NEVER;
	bool any_standing = false, any_ref = false, all_deleted = true;
	for (size_t i = 0; i < count; i++) {
		restored_ms = LS_MAX(restored_ms, keys[i].restored_ms);
		any_standing |= keys[i].type == LS_KEY_REF && !keys[i].absorbed;
	}
	for (size_t i = 0; i < count; i++) {
		const struct ls_key *key = &keys[i];
		if (key->type != LS_KEY_REF && key->deleted_ms != LS_NEVER &&
			key->deleted_ms >= restored_ms)
			return true;
		if (is_absorbed(key, any_standing))
			continue;
		any_ref = true;
		all_deleted &= key->deleted_ms != LS_NEVER && key->deleted_ms >= key->restored_ms;
	}
	return any_ref && all_deleted;
}

/* ---- packing */

static int
pack_key(struct ls_dictionary *dict, const struct ls_key *key, struct ls_buf *out)
{
	uint32_t system = 0, rtype = 0;
	uint8_t head = (uint8_t)key->type;
	head |= (uint8_t)(key->absorbed ? HEAD_ABSORBED : 0);
	head |= (uint8_t)(key->deleted_ms != LS_NEVER ? HEAD_DELETED : 0);
	head |= (uint8_t)(key->restored_ms != LS_NEVER ? HEAD_RESTORED : 0);
	(void)ls_buf_add_char(out, (char)head);
	if (key->type == LS_KEY_REF) {
		int err = ls_intern_put(&dict->names, key->system, &system);
		if (err == LS_OK && key->rtype.len > 0) {
			err = ls_intern_put(&dict->names, key->rtype, &rtype);
			rtype++;
		}
		if (err != LS_OK)
			return err;
		ls_put_u64(out, system);
		ls_put_u64(out, rtype);
	}
	if (key->type == LS_KEY_REF || key->type == LS_KEY_ALIAS)
		ls_put_u64(out, key->scope);
	if (key->type != LS_KEY_ALIAS)
		ls_put_bytes(out, key->id);
	if (key->deleted_ms != LS_NEVER)
		ls_put_i64(out, key->deleted_ms);
	if (key->restored_ms != LS_NEVER)
		ls_put_i64(out, key->restored_ms);
	return out->err;
}

static bool
has_few_values(uint32_t name)
{
	return name == LS_NAME_OWNER || name == LS_NAME_LIFECYCLE_STAGE ||
	       name == LS_NAME_LEAD_STATUS || name == LS_NAME_DIRECTION;
}

static bool
is_integer(double number)
{
	/* the sign of -0 would be lost; it compares equal, but is a different double */
	return number >= -9007199254740992.0 && number <= 9007199254740992.0 &&
	       (double)(int64_t)number == number && !(number == 0 && __builtin_signbit(number));
}

static size_t
email_key(const struct ls_doc *doc, struct ls_slice text)
{
	size_t i = 0;
	while (i < doc->key_count &&
		!(doc->keys[i].type == LS_KEY_EMAIL && ls_slice_eq(doc->keys[i].id, text)))
		i++;
	return i;
}

static enum tag
string_tag(struct ls_dictionary *dict, const struct ls_doc *doc, const struct ls_attr *attr,
	uint32_t *number)
{
	if (attr->name == LS_NAME_EMAIL) {
		*number = (uint32_t)email_key(doc, attr->value.string);
		return *number < doc->key_count ? TAG_KEY : TAG_STRING;
	}
	/* a full dictionary is no failure: the value is then kept as it is */
	if (has_few_values(attr->name) && attr->value.string.len <= VALUE_LEN &&
		ls_intern_put(&dict->values, attr->value.string, number) == LS_OK)
		return TAG_VALUE;
	return TAG_STRING;
}

static enum tag
tag_of(struct ls_dictionary *dict, const struct ls_doc *doc, const struct ls_attr *attr,
	uint32_t *number)
{
	switch (attr->value.type) {
	case LS_VALUE_NULL:
		return TAG_NULL;
	case LS_VALUE_BOOL:
		return attr->value.boolean ? TAG_TRUE : TAG_FALSE;
	case LS_VALUE_NUMBER:
		return is_integer(attr->value.number) ? TAG_INT : TAG_DOUBLE;
	case LS_VALUE_STRING:
		break;
	}
	return string_tag(dict, doc, attr, number);
}

static void
pack_attr(struct ls_dictionary *dict, const struct ls_doc *doc, const struct ls_attr *attr,
	struct ls_buf *out)
{
	uint32_t number = 0;
	enum tag tag = tag_of(dict, doc, attr, &number);
	ls_put_u64(out, (uint64_t)attr->name << 3 | tag);
	ls_put_i64(out, attr->set_ms - doc->attrs[0].set_ms);
	if (tag == TAG_INT)
		ls_put_i64(out, (int64_t)attr->value.number);
	else if (tag == TAG_DOUBLE)
		(void)ls_buf_add(out, &attr->value.number, sizeof attr->value.number);
	else if (tag == TAG_STRING)
		ls_put_bytes(out, attr->value.string);
	else if (tag == TAG_VALUE || tag == TAG_KEY)
		ls_put_u64(out, number);
}

int
ls_doc_pack(struct ls_dictionary *dict, const struct ls_doc *doc, struct ls_buf *out)
{
	ls_put_u64(out, doc->key_count);
	for (size_t i = 0; i < doc->key_count; i++) {
		int err = pack_key(dict, &doc->keys[i], out);
		if (err != LS_OK)
			return err;
	}
	ls_put_u64(out, doc->attr_count);
	if (doc->attr_count > 0)
		ls_put_i64(out, doc->attrs[0].set_ms);
	for (size_t i = 0; i < doc->attr_count; i++)
		pack_attr(dict, doc, &doc->attrs[i], out);
	return out->err;
}

/* ---- reading */

struct ls_doc_reader
ls_doc_reader(const struct ls_dictionary *dict, struct ls_slice packed)
{
	struct ls_doc_reader r = { .dict = dict, .packed = packed };
	if (packed.len > 0) {
		r.reader = ls_reader(packed);
		r.keys_left = ls_get_u64(&r.reader);
	}
	return r;
}

bool
ls_doc_next_key(struct ls_doc_reader *r, struct ls_key *key)
{
	struct ls_reader *in = &r->reader;
	if (r->keys_left == 0)
		return false;
	r->keys_left--;
	uint8_t head = ls_get_u8(in);
	*key = (struct ls_key){
		.type = (enum ls_key_type)(head & 3),
		.absorbed = (head & HEAD_ABSORBED) != 0,
		.deleted_ms = LS_NEVER,
		.restored_ms = LS_NEVER,
	};
	if (key->type == LS_KEY_REF) {
		key->system = ls_intern_get(&r->dict->names, ls_get_u64(in));
		uint64_t rtype = ls_get_u64(in);
		if (rtype > 0)
			key->rtype = ls_intern_get(&r->dict->names, rtype - 1);
	}
	if (key->type == LS_KEY_REF || key->type == LS_KEY_ALIAS)
		key->scope = ls_get_u64(in);
	if (key->type != LS_KEY_ALIAS)
		key->id = ls_get_bytes(in);
	if ((head & HEAD_DELETED) != 0)
		key->deleted_ms = ls_get_i64(in);
	if ((head & HEAD_RESTORED) != 0)
		key->restored_ms = ls_get_i64(in);
	return true;
}

static struct ls_slice
nth_key_id(const struct ls_doc_reader *from, uint64_t n)
{
	struct ls_doc_reader r = ls_doc_reader(from->dict, from->packed);
	struct ls_key key = { 0 };
	for (uint64_t i = 0; i <= n && ls_doc_next_key(&r, &key); i++)
		;
	return key.id;
}

static void
read_value(struct ls_doc_reader *r, unsigned tag, struct ls_value *value)
{
	struct ls_reader *in = &r->reader;
	*value = (struct ls_value){ .type = LS_VALUE_STRING };
	if (tag == TAG_NULL) {
		value->type = LS_VALUE_NULL;
	} else if (tag == TAG_FALSE || tag == TAG_TRUE) {
		value->type = LS_VALUE_BOOL;
		value->boolean = tag == TAG_TRUE;
	} else if (tag == TAG_INT) {
		value->type = LS_VALUE_NUMBER;
		value->number = (double)ls_get_i64(in);
	} else if (tag == TAG_DOUBLE) {
		struct ls_slice raw = ls_get_raw(in, sizeof value->number);
		value->type = LS_VALUE_NUMBER;
		if (raw.len == sizeof value->number)
			memcpy(&value->number, raw.data, raw.len);
	} else if (tag == TAG_STRING) {
		value->string = ls_get_bytes(in);
	} else if (tag == TAG_VALUE) {
		value->string = ls_intern_get(&r->dict->values, ls_get_u64(in));
	} else {
		value->string = nth_key_id(r, ls_get_u64(in));
	}
}

bool
ls_doc_next_attr(struct ls_doc_reader *r, struct ls_attr *attr)
{
	struct ls_key key;
	while (r->keys_left > 0)
		(void)ls_doc_next_key(r, &key);
	if (!r->in_attrs && r->packed.len > 0) {
		r->in_attrs = true;
		r->attrs_left = ls_get_u64(&r->reader);
		r->base_ms = r->attrs_left > 0 ? ls_get_i64(&r->reader) : 0;
	}
	if (r->attrs_left == 0)
		return false;
	r->attrs_left--;
	uint64_t head = ls_get_u64(&r->reader);
	attr->name = (uint32_t)(head >> 3);
	attr->set_ms = r->base_ms + ls_get_i64(&r->reader);
	read_value(r, head & 7, &attr->value);
	ls_assert(!r->reader.bad);
	return true;
}

bool
ls_doc_get(const struct ls_dictionary *dict, struct ls_slice packed, uint32_t name,
	struct ls_attr *attr)
{
	struct ls_doc_reader r = ls_doc_reader(dict, packed);
	struct ls_attr one;
	while (ls_doc_next_attr(&r, &one)) {
		if (one.name == name) {
			*attr = one;
			return true;
		}
	}
	return false;
}

bool
ls_doc_has_key(const struct ls_dictionary *dict, struct ls_slice packed, const struct ls_key *key)
{
	struct ls_doc_reader r = ls_doc_reader(dict, packed);
	struct ls_key one;
	while (ls_doc_next_key(&r, &one)) {
		if (ls_key_eq(&one, key))
			return true;
	}
	return false;
}

int
ls_doc_unpack(const struct ls_dictionary *dict, struct ls_slice packed, struct ls_doc *doc)
{
	struct ls_doc_reader r = ls_doc_reader(dict, packed);
	struct ls_key key;
	doc->key_count = 0;
	doc->attr_count = 0;
	while (ls_doc_next_key(&r, &key)) {
		int err = ls_doc_add_key(doc, &key);
		if (err != LS_OK)
			return err;
	}
	while (ls_doc_next_attr(&r, &doc->attrs[doc->attr_count]))
		doc->attr_count++;
	return LS_OK;
}
