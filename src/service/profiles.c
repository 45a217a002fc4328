// SPDX-License-Identifier: MIT
/* The versions of the profile, in memory as in the store, and the switch from one to the next: it
 * is durable first, then it holds for the next event, and a sweep brings every lead along. */

#include "service/profiles.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/logger.h"
#include "service/preview.h"

#define FILE_MAX_BYTES ((size_t)1 << 20)

struct version {
	struct ls_profile_version shown;
	char *text; /* what its slices point into */
};

struct ls_profiles {
	struct version *versions;
	size_t count, room;
	uint64_t newest;
	enum ls_profile_origin origin;
	bool loaded;
	bool sweep_due;
	/* loading */
	ls_store_done_fn load_done;
	void *load_ctx;
	/* a change on its way to the store */
	bool changing;
	struct version next;
	struct ls_profile_change change;
};

/* ---- one version */

static char *
put_text(char *at, struct ls_slice *slice)
{
	if (slice->len > 0)
		memcpy(at, slice->data, slice->len);
	slice->data = at;
	return at + slice->len;
}

static int
version_new(const struct ls_store_profile *from, struct ls_slice name, struct version *out)
{
	struct version v = { .shown = { .version = from->version,
				     .state = from->state,
				     .json = from->json,
				     .name = name,
				     .who = from->who,
				     .why = from->why,
				     .created_ms = from->created_ms,
				     .published_ms = from->published_ms } };
	v.text = malloc(from->json.len + name.len + from->who.len + from->why.len + 1);
	if (v.text == NULL)
		return LS_ERR_NOMEM;
	char *at = put_text(v.text, &v.shown.json);
	at = put_text(at, &v.shown.name);
	at = put_text(at, &v.shown.who);
	(void)put_text(at, &v.shown.why);
	*out = v;
	return LS_OK;
}

static int
reserve(struct ls_profiles *p)
{
	if (p->count < p->room)
		return LS_OK;
	size_t room = p->room * 2 + 16;
	struct version *versions = realloc(p->versions, room * sizeof *versions);
	if (versions == NULL)
		return LS_ERR_NOMEM;
	p->versions = versions;
	p->room = room;
	return LS_OK;
}

static void
drop(struct ls_profiles *p, size_t i)
{
	free(p->versions[i].text);
	p->count--;
	memmove(&p->versions[i], &p->versions[i + 1], (p->count - i) * sizeof *p->versions);
}

/* what the store has done, too: one draft, one published, nothing that is retired for long */
static void
make_way(struct ls_profiles *p, const struct ls_profile_version *next)
{
	for (size_t i = p->count; i-- > 0;) {
		struct ls_profile_version *v = &p->versions[i].shown;
		if (v->state == LS_STORE_PUBLISHED && next->state == LS_STORE_PUBLISHED)
			v->state = LS_STORE_RETIRED;
		bool old = v->state == LS_STORE_RETIRED &&
			   v->version + LS_STORE_PROFILES_KEPT <= next->version;
		bool other_draft = v->state == LS_STORE_DRAFT && next->state == LS_STORE_DRAFT;
		if (old || other_draft || v->version == next->version)
			drop(p, i);
	}
}

/* room has been reserved */
static const struct ls_profile_version *
insert(struct ls_profiles *p, struct version *version)
{
	size_t at = p->count;
	while (at > 0 && p->versions[at - 1].shown.version > version->shown.version)
		at--;
	memmove(&p->versions[at + 1], &p->versions[at], (p->count - at) * sizeof *p->versions);
	p->versions[at] = *version;
	p->count++;
	*version = (struct version){ 0 };
	p->newest = LS_MAX(p->newest, p->versions[at].shown.version);
	return &p->versions[at].shown;
}

/* ---- making a profile */

int
ls_profiles_parse(const struct ls_service *service, struct ls_slice json, struct ls_profile **out,
	struct ls_profile_fault faults[LS_PROFILE_FAULTS], size_t *fault_count)
{
	struct ls_profile *profile = NULL;
	int err = ls_profile_parse(
		ls_memory_heap, json, &profile, faults, LS_PROFILE_FAULTS, fault_count);
	if (err != LS_OK)
		return err;
	if (!ls_profile_has_thresholds(profile)) {
		const struct ls_settings *s = service->settings;
		int set = ls_profile_set_thresholds(profile, s->warm_milli, s->hot_milli);
		ls_assert(set == LS_OK); /* settings are checked */
	}
	*out = profile;
	return LS_OK;
}

static int
read_file(const char *path, struct ls_buf *out)
{
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return LS_ERR_IO;
	int err = LS_OK;
	for (size_t n = 1; err == LS_OK && n > 0;) {
		err = ls_buf_reserve(out, 4096);
		if (err != LS_OK)
			break;
		n = fread(out->data + out->len, 1, 4096, file);
		out->len += n;
		if (ferror(file) != 0)
			err = LS_ERR_IO;
	}
	(void)fclose(file);
	return err;
}

static int
parse_file(const struct ls_service *service, const char *path, struct ls_profile **out,
	struct ls_buf *why)
{
	struct ls_profile_fault faults[LS_PROFILE_FAULTS];
	struct ls_buf text;
	size_t count = 0;
	ls_buf_init(&text, FILE_MAX_BYTES);
	errno = 0;
	int err = read_file(path, &text);
	if (err == LS_OK)
		err = ls_profiles_parse(service, ls_buf_slice(&text), out, faults, &count);
	else
		(void)ls_buf_addf(why, "LEADSCORE_PROFILE: %s cannot be read: %s", path,
			err == LS_ERR_IO ? strerror(errno) : ls_strerror(err));
	for (size_t i = 0; i < count; i++)
		(void)ls_buf_addf(why, "%s%s: %s %s",
			i > 0 ? "; " : "LEADSCORE_PROFILE: ", i > 0 ? "" : path, faults[i].pointer,
			faults[i].what);
	ls_buf_fini(&text);
	return err == LS_ERR_NOMEM ? err : err != LS_OK ? LS_ERR_INVALID : LS_OK;
}

/* the profile that is to hold when `file` is the setting */
static int
make_wanted(const struct ls_service *service, const char *file, struct ls_profile **out,
	enum ls_profile_origin *origin, struct ls_buf *why)
{
	struct ls_profile_fault faults[LS_PROFILE_FAULTS];
	size_t count = 0;
	const struct ls_profile_version *published =
		ls_profiles_in_state(service, LS_STORE_PUBLISHED);
	if (file != NULL) {
		*origin = LS_PROFILE_FILE;
		return parse_file(service, file, out, why);
	}
	*origin = published != NULL ? LS_PROFILE_PUBLISHED : LS_PROFILE_BUILT_IN;
	int err = ls_profiles_parse(
		service, published != NULL ? published->json : LS_S("{}"), out, faults, &count);
	if (err == LS_ERR_INVALID)
		(void)ls_buf_addf(why, "version %" PRIu64 " is not a profile: %s %s",
			published->version, faults[0].pointer, faults[0].what);
	return err;
}

/* ---- the switch */

/* the service takes over the profile, or, on an error, leaves it alone */
static int
switch_to(struct ls_service *service, struct ls_profile *profile)
{
	struct ls_tenant *tenant = &service->tenant;
	ls_preview_stop(service, "The profile that scores was changed meanwhile: ask again");
	int err = ls_engine_set_profile(tenant->engine, profile);
	if (err != LS_OK)
		return err;
	(void)ls_profile_free(tenant->profile);
	tenant->profile = profile;
	service->sweep_left = 0;
	if (tenant->phase == LS_PHASE_LIVE || tenant->phase == LS_PHASE_CATCH_UP)
		ls_sweep_start(service);
	else
		service->profiles->sweep_due = true;
	return LS_OK;
}

static bool
same_text(const struct ls_profile *a, const struct ls_profile *b)
{
	size_t len = ls_profile_print(a, NULL, 0);
	if (ls_profile_print(b, NULL, 0) != len)
		return false;
	char *text = malloc(2 * len);
	if (text == NULL)
		return false;
	(void)ls_profile_print(a, text, len);
	(void)ls_profile_print(b, text + len, len);
	bool same = memcmp(text, text + len, len) == 0;
	free(text);
	return same;
}

static int
hold_wanted(struct ls_service *service, const char *file, struct ls_buf *why)
{
	struct ls_profile *profile = NULL;
	enum ls_profile_origin origin = LS_PROFILE_BUILT_IN;
	int err = make_wanted(service, file, &profile, &origin, why);
	if (err != LS_OK)
		return err;
	if (same_text(profile, service->tenant.profile)) {
		(void)ls_profile_free(profile);
	} else {
		err = switch_to(service, profile);
		if (err != LS_OK) {
			(void)ls_profile_free(profile);
			return err;
		}
	}
	service->profiles->origin = origin;
	return LS_OK;
}

/* ---- birth, loading, reloading */

int
ls_profiles_open(struct ls_service *service, char *why, size_t size)
{
	struct ls_buf faults;
	service->profiles = calloc(1, sizeof *service->profiles);
	if (service->profiles == NULL)
		return LS_ERR_NOMEM;
	ls_buf_init(&faults, (size_t)1 << 16);
	int err = hold_wanted(service, service->settings->profile_file, &faults);
	if (err != LS_OK)
		(void)snprintf(why, size, "%.*s", LS_FMT(ls_buf_slice(&faults)));
	ls_buf_fini(&faults);
	return err;
}

void
ls_profiles_close(struct ls_service *service)
{
	struct ls_profiles *p = service->profiles;
	if (p == NULL)
		return;
	while (p->count > 0)
		drop(p, p->count - 1);
	free(p->versions);
	free(p->next.text);
	free(p);
	service->profiles = NULL;
}

static int
add_loaded(struct ls_service *service, const struct ls_store_profile *row)
{
	struct ls_profile_fault faults[LS_PROFILE_FAULTS];
	struct ls_profile *profile = NULL;
	struct version version;
	size_t count;
	/* an old one that a later program cannot read is still listed */
	int err = ls_profiles_parse(service, row->json, &profile, faults, &count);
	if (err == LS_ERR_NOMEM)
		return err;
	err = reserve(service->profiles);
	if (err == LS_OK)
		err = version_new(
			row, profile != NULL ? ls_profile_name(profile) : LS_S(""), &version);
	if (err == LS_OK)
		(void)insert(service->profiles, &version);
	(void)ls_profile_free(profile);
	return err;
}

static void
on_loaded(void *ctx, int err, const struct ls_store_profile *profiles, size_t count)
{
	struct ls_service *service = LS_CAST(service, ctx);
	struct ls_profiles *p = service->profiles;
	struct ls_buf why;
	ls_buf_init(&why, (size_t)1 << 16);
	for (size_t i = 0; err == LS_OK && i < count; i++)
		err = add_loaded(service, &profiles[i]);
	if (err == LS_OK && p->origin != LS_PROFILE_FILE)
		err = hold_wanted(service, NULL, &why);
	else if (err == LS_OK && ls_profiles_in_state(service, LS_STORE_PUBLISHED) != NULL)
		ls_warn("profile", "LEADSCORE_PROFILE holds, not the version that was published");
	if (why.len > 0)
		ls_error("profile", "%.*s", LS_FMT(ls_buf_slice(&why)));
	ls_buf_fini(&why);
	p->loaded = err == LS_OK;
	p->load_done(p->load_ctx, err);
}

int
ls_profiles_load(struct ls_service *service, ls_store_done_fn done, void *ctx)
{
	service->profiles->load_done = done;
	service->profiles->load_ctx = ctx;
	return ls_store_profiles(service->store, service->tenant.slug, on_loaded, service);
}

void
ls_profiles_live(struct ls_service *service)
{
	if (service->profiles->sweep_due)
		ls_sweep_start(service);
	service->profiles->sweep_due = false;
}

void
ls_profiles_reload(struct ls_service *service, char **file)
{
	struct ls_settings *s = service->settings;
	struct ls_buf why;
	ls_buf_init(&why, (size_t)1 << 16);
	int err = hold_wanted(service, *file, &why);
	if (err == LS_OK) {
		char *old = s->profile_file;
		s->profile_file = *file;
		*file = old;
	} else {
		ls_error("profile", "not taken over, the old one stays reason=\"%.*s\"",
			LS_FMT(why.len > 0 ? ls_buf_slice(&why) : ls_slice_str(ls_strerror(err))));
	}
	ls_buf_fini(&why);
}

/* ---- reading */

bool
ls_profiles_loaded(const struct ls_service *service)
{
	return service->profiles->loaded;
}

enum ls_profile_origin
ls_profiles_origin(const struct ls_service *service)
{
	return service->profiles->origin;
}

size_t
ls_profiles_count(const struct ls_service *service)
{
	return service->profiles->count;
}

const struct ls_profile_version *
ls_profiles_at(const struct ls_service *service, size_t i)
{
	return &service->profiles->versions[i].shown;
}

const struct ls_profile_version *
ls_profiles_find(const struct ls_service *service, uint64_t version)
{
	const struct ls_profiles *p = service->profiles;
	for (size_t i = 0; i < p->count; i++)
		if (p->versions[i].shown.version == version)
			return &p->versions[i].shown;
	return NULL;
}

const struct ls_profile_version *
ls_profiles_in_state(const struct ls_service *service, enum ls_store_profile_state state)
{
	const struct ls_profiles *p = service->profiles;
	for (size_t i = 0; i < p->count; i++)
		if (p->versions[i].shown.state == state)
			return &p->versions[i].shown;
	return NULL;
}

/* ---- changing */

static void
end_change(struct ls_profiles *p)
{
	free(p->next.text);
	p->next = (struct version){ 0 };
	p->changing = false;
}

static void
on_put(void *ctx, int err)
{
	struct ls_service *service = LS_CAST(service, ctx);
	struct ls_profiles *p = service->profiles;
	const struct ls_profile_version *version = NULL;
	const struct ls_profile_change change = p->change;
	struct ls_buf why;
	ls_buf_init(&why, 1u << 16);
	if (err == LS_OK) {
		make_way(p, &p->next.shown);
		version = insert(p, &p->next);
		ls_info("profile", "%s version=%" PRIu64,
			version->state == LS_STORE_PUBLISHED ? "published" : "drafted",
			version->version);
	}
	/* the settings may have changed while it was written */
	if (err == LS_OK && version->state == LS_STORE_PUBLISHED)
		err = hold_wanted(service, service->settings->profile_file, &why);
	if (err != LS_OK && err != LS_ERR_CLOSED)
		ls_error("profile", "the change does not hold reason=\"%s\"", ls_strerror(err));
	ls_buf_fini(&why);
	end_change(p);
	change.done(service, change.http_id, err, err == LS_OK ? version : NULL);
}

int
ls_profiles_change(struct ls_service *service, const struct ls_profile_change *change)
{
	struct ls_profiles *p = service->profiles;
	struct ls_profile_fault faults[LS_PROFILE_FAULTS];
	size_t count;
	if (p->changing)
		return LS_ERR_CONFLICT;
	const struct ls_profile_version *from = ls_profiles_find(service, change->version);
	int64_t now_ms = ls_loop_now_ms(service->loop);
	const struct ls_store_profile row = {
		.version = change->version != 0 ? change->version : p->newest + 1,
		.state = change->state,
		.json = change->json,
		.who = change->who,
		.why = change->why,
		.created_ms = from != NULL ? from->created_ms : now_ms,
		.published_ms = change->state == LS_STORE_PUBLISHED ? now_ms : 0,
	};
	struct ls_profile *profile = NULL;
	int err = ls_profiles_parse(service, change->json, &profile, faults, &count);
	if (err == LS_OK)
		err = reserve(p);
	if (err == LS_OK)
		err = version_new(&row, ls_profile_name(profile), &p->next);
	(void)ls_profile_free(profile);
	p->change = *change;
	p->changing = true;
	if (err == LS_OK)
		err = ls_store_put_profile(
			service->store, service->tenant.slug, &row, on_put, service);
	if (err != LS_OK)
		end_change(p);
	return err;
}
