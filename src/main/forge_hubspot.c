// SPDX-License-Identifier: MIT
/* Gathers a window of events, puts it in disorder when that is wanted, and cuts it into request
 * bodies. */

#include "main/forge_hubspot.h"

#include <stdlib.h>

#include "base/hash.h"

#define EVENT_BYTES 1024u /* no event of a story is longer */
#define MEMORY      32u   /* earlier requests that may come again */

struct piece {
	size_t at, len;
	uint64_t id;
};

/* a request that has been handed out */
struct earlier {
	struct ls_buf body;
	struct ls_forge_batch batch;
};

struct ls_forge {
	struct ls_forge_options options;
	struct ls_story *story;
	struct ls_dice dice; /* for order and duplicates: the story stays the same without them */
	uint64_t first_id, made, index;
	/* the window: `pieces` of `text`, handed out up to `at` */
	struct ls_buf text, body;
	struct piece *pieces;
	size_t room, held, at;
	struct earlier memory[MEMORY];
	size_t remembered;
	bool repeat; /* the next request is an earlier one */
};

struct ls_forge *
ls_forge_new(const struct ls_forge_options *options)
{
	ls_assert(options->batch > 0 && options->batch <= LS_FORGE_BATCH_MAX);
	ls_assert(options->shuffle <= LS_FORGE_SHUFFLE_MAX && options->count <= UINT32_MAX);
	struct ls_forge *f = calloc(1, sizeof *f);
	if (f == NULL)
		return NULL;
	f->options = *options;
	f->dice.state = ls_hash_mix(options->story.seed + 1);
	/* other ids for another seed below 2^20, and all below 2^53, as those of the contacts */
	f->first_id = ((options->story.seed & 0xfffff) + 1) << 32;
	f->room = LS_MAX(options->shuffle, options->batch);
	ls_buf_init(&f->text, f->room * EVENT_BYTES);
	ls_buf_init(&f->body, LS_FORGE_BATCH_MAX * EVENT_BYTES);
	for (size_t i = 0; i < MEMORY; i++)
		ls_buf_init(&f->memory[i].body, LS_FORGE_BATCH_MAX * EVENT_BYTES);
	f->pieces = calloc(f->room, sizeof *f->pieces);
	f->story = ls_story_new(&options->story);
	return f->pieces != NULL && f->story != NULL ? f : ls_forge_free(f);
}

struct ls_forge *
ls_forge_free(struct ls_forge *forge)
{
	if (forge == NULL)
		return NULL;
	for (size_t i = 0; i < MEMORY; i++)
		ls_buf_fini(&forge->memory[i].body);
	ls_buf_fini(&forge->text);
	ls_buf_fini(&forge->body);
	forge->story = ls_story_free(forge->story);
	free(forge->pieces);
	free(forge);
	return NULL;
}

/* i-th of n points in the span, without overflow */
static int64_t
time_of(const struct ls_forge_options *o, uint64_t i)
{
	uint64_t span = (uint64_t)o->span_ms, n = o->count;
	return o->start_ms + (int64_t)(span / n * i + span % n * i / n);
}

static void
shuffle(struct ls_forge *f)
{
	for (size_t i = f->held; i > 1; i--) {
		size_t j = ls_dice_roll(&f->dice, (uint32_t)i);
		struct piece piece = f->pieces[j];
		f->pieces[j] = f->pieces[i - 1];
		f->pieces[i - 1] = piece;
	}
}

static int
fill_window(struct ls_forge *f)
{
	ls_buf_reset(&f->text);
	f->at = f->held = 0;
	while (f->held < f->room && f->made < f->options.count) {
		size_t at = f->text.len;
		int64_t time_ms = time_of(&f->options, f->made);
		int err = ls_story_next(f->story, f->first_id + f->made, time_ms, &f->text);
		if (err != LS_OK)
			return err;
		f->pieces[f->held++] = (struct piece){
			.at = at, .len = f->text.len - at, .id = f->first_id + f->made
		};
		f->made++;
	}
	if (f->options.shuffle > 0)
		shuffle(f);
	return f->held > 0 ? LS_OK : LS_ERR_NOT_FOUND;
}

static int
remember(struct ls_forge *f, const struct ls_forge_batch *batch)
{
	struct earlier *e = &f->memory[f->remembered++ % MEMORY];
	ls_buf_reset(&e->body);
	e->batch = *batch;
	e->batch.duplicate = true;
	return ls_buf_add_slice(&e->body, batch->body);
}

static void
repeat(struct ls_forge *f, struct ls_forge_batch *out)
{
	uint32_t choices = (uint32_t)LS_MIN(f->remembered, (size_t)MEMORY);
	struct earlier *e = &f->memory[ls_dice_roll(&f->dice, choices)];
	ls_forge_raise_attempt(e->body.data, e->body.len);
	*out = e->batch;
	out->body = ls_buf_slice(&e->body);
	out->index = f->index++;
}

int
ls_forge_next(struct ls_forge *forge, struct ls_forge_batch *out)
{
	struct ls_forge *f = forge;
	struct ls_forge_batch batch = { .first_id = UINT64_MAX };
	if (f->repeat) {
		f->repeat = false;
		repeat(f, out);
		return LS_OK;
	}
	int err = f->at == f->held ? fill_window(f) : LS_OK;
	if (err != LS_OK)
		return err;
	ls_buf_reset(&f->body);
	for (; batch.events < f->options.batch && f->at < f->held; batch.events++) {
		const struct piece *p = &f->pieces[f->at++];
		(void)ls_buf_add_char(&f->body, batch.events == 0 ? '[' : ',');
		(void)ls_buf_add(&f->body, f->text.data + p->at, p->len);
		batch.first_id = LS_MIN(batch.first_id, p->id);
		batch.last_id = LS_MAX(batch.last_id, p->id);
	}
	err = ls_buf_add_char(&f->body, ']');
	batch.body = ls_buf_slice(&f->body);
	batch.index = f->index++;
	if (err == LS_OK && f->options.duplicates > 0) {
		f->repeat = ls_dice_roll(&f->dice, 100) < f->options.duplicates;
		err = remember(f, &batch);
	}
	if (err == LS_OK)
		*out = batch;
	return err;
}

void
ls_forge_raise_attempt(char *body, size_t len)
{
	static const char name[] = "\"attemptNumber\":";
	char *end = body + len, *at = body;
	while ((at = memmem(at, (size_t)(end - at), name, sizeof name - 1)) != NULL) {
		at += sizeof name - 1;
		if (at < end && *at < '9')
			++*at;
	}
}

static void
expect_contact(struct ls_buf *out, const struct ls_story_contact *c)
{
	(void)ls_buf_addf(out, "\"%llu\":{\"portal\":%llu", (unsigned long long)c->id,
		(unsigned long long)c->portal);
	if (c->merged_into != 0)
		(void)ls_buf_addf(
			out, ",\"merged_into\":\"%llu\"}", (unsigned long long)c->merged_into);
	else if (c->deleted)
		(void)ls_buf_add_lit(out, ",\"deleted\":true}");
	else
		(void)ls_buf_addf(out,
			",\"email_opens\":%u,\"email_clicks\":%u,\"website_visits\":%u,"
			"\"crm_activities\":%u}",
			c->email_opens, c->email_clicks, c->website_visits, c->crm_activities);
}

int
ls_forge_expect(const struct ls_forge *forge, struct ls_buf *out)
{
	uint64_t live = 0, opens = 0, clicks = 0, visits = 0, activities = 0;
	(void)ls_buf_add_lit(out, "{\"contacts\":{");
	for (size_t i = 0; i < ls_story_contacts(forge->story); i++) {
		struct ls_story_contact c;
		ls_story_contact(forge->story, i, &c);
		(void)ls_buf_add(out, ",\n", i > 0 ? 2 : 0);
		expect_contact(out, &c);
		if (c.deleted || c.merged_into != 0)
			continue;
		live++;
		opens += c.email_opens;
		clicks += c.email_clicks;
		visits += c.website_visits;
		activities += c.crm_activities;
	}
	(void)ls_buf_addf(out,
		"},\n\"totals\":{\"events\":%llu,\"leads\":%llu,\"email_opens\":%llu,"
		"\"email_clicks\":%llu,\"website_visits\":%llu,\"crm_activities\":%llu}}\n",
		(unsigned long long)forge->made, (unsigned long long)live,
		(unsigned long long)opens, (unsigned long long)clicks, (unsigned long long)visits,
		(unsigned long long)activities);
	return out->err;
}
