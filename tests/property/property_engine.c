// SPDX-License-Identifier: MIT
/* What must hold of every set of events: any order of it gives the same leads; a cut that is taken
 * while events go on holds exactly what was known when it began; what is loaded goes on as if it
 * had never been away; and when there is no memory for an event, trying again makes up for it.
 *
 *	property_engine [CASES [SEED]] */

#include "../unit/engine_fixture.h"

#define EVENTS_MAX 160
#define PEOPLE     6u
#define NOW        (T0 + 10 * DAY)
#define IDS_END    2000u

#define CHECK(cond) check((cond), #cond, __LINE__)

struct world {
	struct ls_event events[EVENTS_MAX];
	struct ls_attribute attributes[EVENTS_MAX];
	struct ls_ref merged[EVENTS_MAX];
	size_t count;
	struct ls_arena arena;
	uint64_t seed;
	unsigned round;
};

static void
check(bool holds, const char *what, int line)
{
	if (holds)
		return;
	fprintf(stderr, "property_engine: line %d: %s does not hold\n", line, what);
	exit(1);
}

static uint64_t
draw(struct world *w, uint64_t below)
{
	w->seed += 0x9e3779b97f4a7c15u;
	return ls_hash_mix(w->seed) % below;
}

static const char *
text(struct world *w, const char *prefix, uint64_t number, const char *suffix)
{
	char *out = ls_arena_alloc(&w->arena, 64);
	if (out == NULL)
		abort();
	(void)snprintf(out, 64, "%s%llu%s", prefix, (unsigned long long)number, suffix);
	return out;
}

/* few instants, so that there are ties */
static int64_t
some_time(struct world *w)
{
	return T0 + (int64_t)draw(w, 12) * LS_HOUR_MS;
}

static struct ls_event *
add(struct world *w, struct ls_event event)
{
	if (w->count == EVENTS_MAX)
		return &w->events[EVENTS_MAX - 1];
	w->events[w->count] = event;
	return &w->events[w->count++];
}

/* ---- memory that fails: the program is linked with --wrap for these */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *ptr, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *ptr, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

static uint64_t allocations_left = UINT64_MAX;

static bool
fails(void)
{
	if (allocations_left == 0)
		return true;
	allocations_left -= allocations_left != UINT64_MAX;
	return false;
}

void *
__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *
__wrap_realloc(void *ptr, size_t size)
{
	return fails() ? NULL : __real_realloc(ptr, size);
}

void *
__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

/* ---- people: 0, 1 and 2 are in the CRM, 3 is known by e-mail, 4 is a browser, 5 is known by ids
 * alone and may be erased */

static struct ls_ref
crm_ref(struct world *w, uint64_t person)
{
	/* a second and a third id, which merges join */
	return contact(text(w, "", 100 * draw(w, 3) + person, ""));
}

static struct ls_subject
some_subject(struct world *w, uint64_t person)
{
	struct ls_subject subject = { .ref.system.data = NULL };
	bool crm = person < 3 || person == 5;
	if (person == 4) {
		subject.visitor = ls_slice_str(text(w, "v", 40, ""));
		return subject;
	}
	if (crm && (person == 5 || draw(w, 2) == 0))
		subject.ref = crm_ref(w, person);
	if (person != 5 && (subject.ref.system.data == NULL || draw(w, 3) == 0))
		subject.email = ls_slice_str(
			text(w, "e", person * 10 + (crm ? draw(w, 2) : 0), "@example.com"));
	if (person != 5 && draw(w, 3) == 0)
		subject.visitor = ls_slice_str(text(w, "v", person * 10 + draw(w, 2), ""));
	return subject;
}

/** What makes one person of the ids: without it they are several, and that would be right too. */
static void
bind(struct world *w, uint64_t person)
{
	for (uint64_t i = 1; i < 3; i++) {
		struct ls_event *e = add(
			w, event_of(LS_KIND_MERGE, some_time(w), contact(text(w, "", person, ""))));
		size_t at = (size_t)(e - w->events);
		w->merged[at] = contact(text(w, "", 100 * i + person, ""));
		e->merged = &w->merged[at];
		e->merged_count = 1;
		if (draw(w, 3) == 0) { /* the other way round */
			struct ls_ref swap = e->subject.ref;
			e->subject.ref = w->merged[at];
			w->merged[at] = swap;
		}
	}
	for (uint64_t i = 0; person < 3 && i < 2; i++) {
		struct ls_event *e =
			add(w, event_of(LS_KIND_ATTRIBUTES, some_time(w), crm_ref(w, person)));
		size_t at = (size_t)(e - w->events);
		w->attributes[at] =
			text_attr("email", text(w, "E", person * 10 + i, "@Example.com"));
		e->attributes = &w->attributes[at];
		e->attribute_count = 1;
	}
}

static struct ls_attribute
some_attribute(struct world *w)
{
	static const char *const names[] = { "company", "owner", "employees", "stage_probability",
		"odd", "lead_status" };
	const char *name = names[draw(w, LS_ARRAY_LEN(names))];
	switch (draw(w, 5)) {
	case 0:
		return (struct ls_attribute){ .name = ls_slice_str(name) };
	case 1:
		return number_attr(name, (double)draw(w, 5) / 4);
	case 2:
		return (struct ls_attribute){ .name = ls_slice_str(name),
			.value = { .type = LS_VALUE_BOOL, .boolean = draw(w, 2) == 0 } };
	default:
		return text_attr(name, text(w, "", draw(w, 300), ""));
	}
}

static void
carry_attribute(struct world *w, struct ls_event *e)
{
	size_t at = (size_t)(e - w->events);
	w->attributes[at] = some_attribute(w);
	e->attributes = &w->attributes[at];
	e->attribute_count = 1;
}

static void
add_lead_event(struct world *w)
{
	static const enum ls_kind kinds[] = { LS_KIND_VISIT, LS_KIND_EMAIL_OPEN,
		LS_KIND_EMAIL_CLICK, LS_KIND_FORM_SUBMIT, LS_KIND_CALL, LS_KIND_CREATE,
		LS_KIND_ATTRIBUTES, LS_KIND_ATTRIBUTES, LS_KIND_EMAIL_UNSUBSCRIBE,
		LS_KIND_DEAL_STAGE, LS_KIND_OTHER };
	uint64_t person = draw(w, PEOPLE);
	struct ls_event e = { .kind = kinds[draw(w, LS_ARRAY_LEN(kinds))],
		.time_ms = some_time(w),
		.subject = some_subject(w, person),
		.stage_probability = (double)draw(w, 5) / 4,
		.verdict = draw(w, 5) == 0 ? LS_VERDICT_MACHINE : LS_VERDICT_HUMAN };
	if (draw(w, 2) == 0)
		e.message = ls_slice_str(text(w, "m", draw(w, 4), ""));
	struct ls_event *added = add(w, e);
	if (e.kind == LS_KIND_ATTRIBUTES || draw(w, 8) == 0)
		carry_attribute(w, added);
}

static struct ls_ref
some_record(struct world *w)
{
	const char *id = text(w, "", draw(w, 4), "");
	switch (draw(w, 3)) {
	case 0:
		return call(id);
	case 1:
		return deal(id);
	default:
		return company(id);
	}
}

static void
add_association(struct world *w)
{
	uint64_t person = draw(w, 4) == 0 ? 5 : draw(w, 3);
	struct ls_ref a = crm_ref(w, person), b = some_record(w);
	bool turned = draw(w, 2) == 0, removed = draw(w, 4) == 0;
	struct ls_event e = association(turned ? b : a, turned ? a : b, some_time(w), removed);
	e.primary = draw(w, 3) == 0;
	(void)add(w, e);
}

static void
add_record_event(struct world *w)
{
	static const enum ls_kind kinds[] = { LS_KIND_CALL, LS_KIND_MEETING, LS_KIND_EMAIL_SENT,
		LS_KIND_CREATE, LS_KIND_DELETE, LS_KIND_RESTORE, LS_KIND_ATTRIBUTES,
		LS_KIND_DEAL_STAGE };
	struct ls_event e =
		event_of(kinds[draw(w, LS_ARRAY_LEN(kinds))], some_time(w), some_record(w));
	e.stage_probability = (double)draw(w, 6) / 4 - 0.25;
	struct ls_event *added = add(w, e);
	if (e.kind != LS_KIND_ATTRIBUTES)
		return;
	carry_attribute(w, added);
	if (draw(w, 3) == 0)
		w->attributes[added - w->events] = text_attr("direction", "INCOMING_EMAIL");
	if (draw(w, 3) == 0)
		w->attributes[added - w->events] = number_attr("timestamp", (double)some_time(w));
}

static void
add_rare_event(struct world *w)
{
	uint64_t which = draw(w, 12);
	if (which == 0) {
		(void)add(w, event_of(LS_KIND_PRIVACY_DELETE, some_time(w), crm_ref(w, 5)));
	} else if (which < 8) {
		enum ls_kind kind = draw(w, 2) == 0 ? LS_KIND_DELETE : LS_KIND_RESTORE;
		uint64_t person = draw(w, PEOPLE);
		struct ls_event e = { .kind = kind, .time_ms = some_time(w) };
		e.subject = some_subject(w, person);
		(void)add(w, e);
	} else {
		struct ls_ref a = some_record(w), b = some_record(w);
		struct ls_event *e = add(w, event_of(LS_KIND_MERGE, some_time(w), a));
		size_t at = (size_t)(e - w->events);
		b.record = a.record;
		b.type = a.type;
		w->merged[at] = b;
		e->merged = &w->merged[at];
		e->merged_count = 1;
	}
}

static void
make_world(struct world *w, uint64_t seed, unsigned round)
{
	w->seed = seed + round * UINT64_C(0x51ed2701);
	w->round = round;
	w->count = 0;
	ls_arena_reset(&w->arena);
	size_t want = 1 + draw(w, EVENTS_MAX - 24);
	for (uint64_t person = 0; person < PEOPLE; person++) {
		if (person < 3 || person == 5)
			bind(w, person);
	}
	while (w->count < want) {
		uint64_t which = draw(w, 10);
		if (which < 5)
			add_lead_event(w);
		else if (which < 7)
			add_association(w);
		else if (which < 9)
			add_record_event(w);
		else
			add_rare_event(w);
	}
}

static void
shuffle(struct world *w)
{
	for (size_t i = w->count; i > 1; i--) {
		size_t j = (size_t)draw(w, i);
		struct ls_event swap = w->events[i - 1];
		w->events[i - 1] = w->events[j];
		w->events[j] = swap;
	}
}

/* ---- engines */

static struct ls_engine *
new_engine(const struct ls_profile *profile)
{
	struct ls_engine *engine =
		ls_engine_new(&(struct ls_engine_options){ .profile = profile, .max_leads = 1000 });
	if (engine == NULL)
		abort();
	return engine;
}

static void
apply_range(struct ls_engine *engine, const struct world *w, size_t from, size_t to)
{
	struct ls_applied applied;
	for (size_t i = from; i < to; i++)
		CHECK(ls_engine_apply(engine, &w->events[i], NOW, &applied) == LS_OK);
}

static char *
settled(struct ls_engine *engine)
{
	for (unsigned i = 0; i < 2; i++) {
		while (ls_engine_sweep(engine, NOW, 64, NULL, NULL) > 0)
			;
	}
	return dump_engine(engine, IDS_END);
}

/* The sweep scores the packed form, an explanation the one that the library is tested with. */
static void
explanations_agree(struct world *w, struct ls_engine *engine)
{
	int64_t now = NOW + (int64_t)draw(w, 500 * 24) * LS_HOUR_MS + (int64_t)draw(w, 2) * 1234567;
	struct ls_arena arena;
	ls_arena_init(&arena, 1u << 24);
	while (ls_engine_sweep(engine, now, 64, NULL, NULL) > 0)
		;
	for (uint64_t id = 1; id < IDS_END; id++) {
		struct ls_lead_view view;
		struct ls_explanation why;
		if (ls_engine_get(engine, id, &arena, &view) != LS_OK || view.deleted)
			continue;
		CHECK(ls_engine_explain(engine, id, now, &arena, &why) == LS_OK);
		CHECK(why.score_milli == view.score_milli);
		ls_arena_reset(&arena);
	}
	ls_arena_fini(&arena);
}

static void
same_dump(const struct world *w, char *a, char *b, const char *what)
{
	if (strcmp(a, b) != 0) {
		fprintf(stderr, "property_engine: round %u, %s:\n%s--- differs from\n%s", w->round,
			what, a, b);
		exit(1);
	}
	free(b);
}

static void
same_after_loading(const struct world *w, const struct ls_profile *profile, const struct kept *kept,
	char *want, size_t rest)
{
	for (unsigned records_first = 0; records_first < 2; records_first++) {
		struct ls_engine *engine = new_engine(profile);
		CHECK(load_all(engine, kept, records_first != 0) == LS_OK);
		CHECK(ls_engine_dirty(engine) == 0);
		apply_range(engine, w, rest, w->count);
		same_dump(w, want, settled(engine), "loaded");
		ls_engine_free(engine);
	}
}

/* A cut is opened somewhere, handed over bit by bit between events, and may fail once. */
static void
cuts_hold(struct world *w, const struct ls_profile *profile, char *whole)
{
	struct ls_engine *engine = new_engine(profile);
	struct kept disk = { 0 }, transaction = { 0 };
	size_t at = (size_t)draw(w, w->count), left = 1;
	apply_range(engine, w, 0, at / 2);
	CHECK(cut_all(engine, &disk) == LS_OK);
	apply_range(engine, w, at / 2, at);
	char *then = dump_engine(engine, IDS_END);
	if (draw(w, 2) == 0) {
		CHECK(ls_engine_cut_begin(engine) == LS_OK);
		CHECK(ls_engine_cut_next(engine, 3, kept_put, &transaction, &left) == LS_OK);
		ls_engine_cut_end(engine, false);
		kept_fini(&transaction);
	}
	CHECK(ls_engine_cut_begin(engine) == LS_OK);
	CHECK(ls_engine_cut_begin(engine) == LS_ERR_CONFLICT);
	for (size_t i = at; i < w->count; i++) {
		apply_range(engine, w, i, i + 1);
		CHECK(ls_engine_cut_next(engine, draw(w, 2), kept_put, &disk, &left) == LS_OK);
	}
	CHECK(ls_engine_cut_next(engine, SIZE_MAX, kept_put, &disk, &left) == LS_OK && left == 0);
	ls_engine_cut_end(engine, true);

	struct ls_engine *old = new_engine(profile);
	CHECK(load_all(old, &disk, draw(w, 2) == 0) == LS_OK);
	same_dump(w, then, dump_engine(old, IDS_END), "as of the cut");
	ls_engine_free(old);
	free(then);
	same_after_loading(w, profile, &disk, whole, at);
	CHECK(cut_all(engine, &disk) == LS_OK);
	same_after_loading(w, profile, &disk, whole, w->count);
	same_dump(w, whole, settled(engine), "with cuts");
	ls_engine_free(engine);
	kept_fini(&disk);
}

/* Each event first meets no memory at all, then for one allocation, and so on until it is applied.
 */
static void
memory_may_fail(struct world *w, const struct ls_profile *profile, char *whole)
{
	struct ls_engine *engine = new_engine(profile);
	struct kept disk = { 0 };
	struct ls_applied applied;
	size_t left;
	for (size_t i = 0; i < w->count; i++) {
		int err = LS_ERR_NOMEM;
		if (i % 16 == 0)
			CHECK(ls_engine_cut_begin(engine) == LS_OK);
		for (uint64_t room = 0; err == LS_ERR_NOMEM; room++) {
			CHECK(room < 1000);
			allocations_left = room;
			err = ls_engine_apply(engine, &w->events[i], NOW, &applied);
			allocations_left = UINT64_MAX;
		}
		CHECK(err == LS_OK);
		if (i % 16 != 15)
			continue;
		CHECK(ls_engine_cut_next(engine, SIZE_MAX, kept_put, &disk, &left) == LS_OK);
		ls_engine_cut_end(engine, true);
	}
	ls_engine_cut_end(engine, false);
	CHECK(cut_all(engine, &disk) == LS_OK);
	same_dump(w, whole, settled(engine), "short of memory");
	CHECK(cut_all(engine, &disk) == LS_OK);
	ls_engine_free(engine);
	same_after_loading(w, profile, &disk, whole, w->count);
	kept_fini(&disk);
}

int
main(int argc, char **argv)
{
	uint64_t cases = 150, seed = 20261122;
	if (argc > 1)
		CHECK(ls_slice_to_u64(ls_slice_str(argv[1]), &cases) == LS_OK);
	if (argc > 2)
		CHECK(ls_slice_to_u64(ls_slice_str(argv[2]), &seed) == LS_OK);
	struct ls_profile *profile = ls_profile_default(ls_memory_heap);
	struct world *w = calloc(1, sizeof *w);
	CHECK(profile != NULL && w != NULL);
	ls_arena_init(&w->arena, 1u << 24);
	for (unsigned round = 0; round < cases; round++) {
		make_world(w, seed, round);
		struct ls_engine *engine = new_engine(profile);
		apply_range(engine, w, 0, w->count);
		char *whole = settled(engine);
		explanations_agree(w, engine);
		ls_engine_free(engine);
		for (unsigned i = 0; i < 3; i++) {
			shuffle(w);
			engine = new_engine(profile);
			apply_range(engine, w, 0, w->count);
			same_dump(w, whole, settled(engine), "shuffled");
			ls_engine_free(engine);
		}
		cuts_hold(w, profile, whole);
		if (round % 8 == 0)
			memory_may_fail(w, profile, whole);
		free(whole);
	}
	ls_arena_fini(&w->arena);
	free(w);
	ls_profile_free(profile);
	printf("%llu cases hold\n", (unsigned long long)cases);
	return 0;
}
