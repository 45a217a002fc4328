// SPDX-License-Identifier: MIT
/* Reads the small bodies of the requests about profiles. The first fault is told. */

#include "service/profile_request.h"

#include <stdio.h>

#include "base/json_read.h"

struct reader {
	struct ls_json json;
	unsigned members, seen;
	struct ls_profile_request out;
	struct ls_profile_fault *fault;
	bool faulty;
};

static void
tell(struct reader *r, const char *member, const char *what)
{
	if (!r->faulty) {
		(void)snprintf(r->fault->pointer, sizeof r->fault->pointer, "%s%s",
			*member != '\0' ? "/" : "", member);
		(void)snprintf(r->fault->what, sizeof r->fault->what, "%s", what);
	}
	r->faulty = true;
}

static void
read_version(struct reader *r, const char *name)
{
	struct ls_slice raw;
	uint64_t version = 0;
	if (!ls_json_raw(&r->json, &raw))
		return;
	if (ls_slice_to_u64(raw, &version) != LS_OK || version == 0 || version > INT64_MAX)
		tell(r, name, "must be the number of a version");
	else
		r->out.version = version;
}

static void
read_words(struct reader *r, const char *name, struct ls_slice *out)
{
	struct ls_slice words = ls_slice(NULL, 0);
	if (ls_json_peek(&r->json) != LS_JSON_STRING) {
		(void)ls_json_skip(&r->json);
		tell(r, name, "must be a string");
		return;
	}
	if (!ls_json_string(&r->json, &words))
		return;
	if (words.len > LS_PROFILE_WORDS_MAX)
		tell(r, name, "must have at most 1000 bytes");
	else if (ls_slice_find(words, '\0') < words.len)
		tell(r, name, "must not have a NUL");
	else
		*out = words;
}

static void
read_member(struct reader *r, struct ls_slice key)
{
	static const struct {
		const char *name;
		unsigned member, bit;
	} rows[] = {
		{ "version", LS_MEMBER_VERSION, 1 },
		{ "to", LS_MEMBER_TO, 2 },
		{ "who", LS_MEMBER_WORDS, 4 },
		{ "why", LS_MEMBER_WORDS, 8 },
		{ "profile", LS_MEMBER_PROFILE, 16 },
	};
	size_t i = 0;
	while (i < LS_ARRAY_LEN(rows) && ((rows[i].member & r->members) == 0 ||
						 !ls_slice_eq(key, ls_slice_str(rows[i].name))))
		i++;
	if (i == LS_ARRAY_LEN(rows)) {
		(void)ls_json_skip(&r->json);
		tell(r, "", "has a member that is not known");
		return;
	}
	if ((r->seen & rows[i].bit) != 0)
		tell(r, rows[i].name, "appears twice");
	r->seen |= rows[i].bit;
	if (rows[i].member == LS_MEMBER_PROFILE)
		(void)ls_json_raw(&r->json, &r->out.profile);
	else if (rows[i].member == LS_MEMBER_WORDS)
		read_words(r, rows[i].name, rows[i].bit == 4 ? &r->out.who : &r->out.why);
	else
		read_version(r, rows[i].name);
}

int
ls_profile_request_read(struct ls_slice body, unsigned members, struct ls_arena *arena,
	struct ls_profile_request *out, struct ls_profile_fault *fault)
{
	struct reader r = { .members = members, .fault = fault };
	struct ls_slice key;
	if (ls_slice_trim(body).len == 0)
		body = LS_S("{}");
	ls_json_init(&r.json, body, arena);
	if (ls_json_peek(&r.json) == LS_JSON_OBJECT && ls_json_object(&r.json)) {
		while (ls_json_key(&r.json, &key))
			read_member(&r, key);
	} else if (ls_json_skip(&r.json)) {
		tell(&r, "", "must be an object");
	}
	int err = ls_json_finish(&r.json);
	if (err == LS_ERR_NOMEM)
		return err;
	if (err != LS_OK) {
		r.faulty = false;
		tell(&r, "", "is not valid JSON");
	}
	if (r.faulty)
		return LS_ERR_INVALID;
	*out = r.out;
	return LS_OK;
}
