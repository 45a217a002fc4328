// SPDX-License-Identifier: MIT
/* Names come from tables, combined by permutations: no company name twice, no e-mail address twice,
 * whatever the number, and no search for that. */

#include "main/demo_people.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "main/dice.h"

#define COMPANIES_MIN 3u
#define TO_COME_MIN   100u

/* a name as it is written, and in letters that every mail system takes */
struct name {
	const char *shown, *ascii;
};
#define N(name)                                                                                    \
	{                                                                                          \
		name, name                                                                         \
	}

static const struct name first_names[] = { N("Aaliyah"), N("Abena"), N("Adam"),
	{ "Agnieszka", "agnieszka" }, N("Aiko"), N("Alejandra"), N("Amara"), N("Amir"), N("Anders"),
	{ "Ang\303\251lique", "angelique" }, N("Anita"), N("Arjun"), { "Asl\304\261", "asli" },
	N("Astrid"), N("Ayodele"), N("Beatriz"), N("Benedikt"), N("Bilal"),
	{ "Bj\303\266rn", "bjorn" }, N("Bronwyn"), N("Carlos"), N("Caroline"), N("Chidi"),
	N("Chloe"), N("Daniel"), N("Deepika"), N("Dmitri"), N("Edith"), N("Eleni"), N("Elif"),
	N("Emeka"), N("Esther"), N("Farid"), N("Fatou"), N("Finn"),
	{ "Fran\303\247ois", "francois" }, N("Gabriela"), N("Grace"), N("Hamid"), N("Hannah"),
	N("Haruto"), N("Helga"), N("Hiroshi"), N("Imani"), N("Ingrid"), N("Isabel"), N("Ivana"),
	N("Jakub"), N("Jamila"), N("Jin"), { "Jo\303\243o", "joao" }, N("Jonas"), N("Joy"),
	N("Kamala"), N("Katarina"), N("Kenji"), N("Kwame"), N("Laila"), N("Lars"), N("Leilani"),
	N("Liam"), N("Lucia"), N("Mahmoud"), N("Maja"), N("Malik"), N("Marta"), N("Mei"),
	N("Miguel"), N("Minh"), N("Nadia"), N("Naomi"), N("Nikhil"), N("Niamh"), N("Noor"),
	N("Oksana"), N("Oliver"), N("Omar"), N("Paula"), N("Pedro"), N("Priya"), N("Rafael"),
	N("Rania"), N("Ravi"), N("Rosalind"), N("Samira"), N("Sanjay"), N("Selin"), N("Shira"),
	{ "S\303\270ren", "soren" }, N("Tamara"), N("Thabo"), N("Tomasz"), N("Valentina"),
	N("Wanjiru"), N("Yara"), { "Zo\303\253", "zoe" } };

static const struct name last_names[] = { N("Abebe"), N("Achterberg"), N("Adeyemi"), N("Almeida"),
	N("Amsel"), N("Andrade"), N("Arslan"), N("Asante"), { "Bj\303\266rklund", "bjorklund" },
	N("Balogun"), N("Banerjee"), N("Barros"), N("Beaumont"), N("Bielak"), N("Birkeland"),
	N("Blackwood"), N("Boateng"), N("Bondar"), N("Brandt"), N("Caldwell"), N("Campos"),
	N("Cardoso"), N("Castellano"), N("Chaudhry"), N("Chikwanha"), N("Cisse"), N("Corrigan"),
	N("Da Rosa"), N("Dahl"), N("Demir"), N("Diallo"), { "D\303\255az", "diaz" }, N("Dragomir"),
	N("Dube"), N("Duarte"), N("Eklund"), N("Elmasry"), N("Engel"), N("Escobar"), N("Evans"),
	N("Fairweather"), N("Farouk"), N("Ferrante"), N("Fontaine"), N("Fraser"), N("Fujimoto"),
	N("Gallagher"), N("Gashi"), N("Georgiou"), N("Greenhalgh"), N("Grimaldi"),
	{ "Gr\303\274nwald", "gruenwald" }, N("Gupta"), N("Haddad"), N("Hakimi"), N("Halvorsen"),
	N("Harrow"), N("Hashimoto"), N("Hewitt"), N("Holub"), N("Horvat"), N("Ibarra"),
	N("Ivanova"), N("Iyer"), N("Jensen"), N("Joshi"), N("Kamau"), N("Kaplan"), N("Karimi"),
	N("Kaur"), N("Keller"), N("Kimura"), N("Koroma"), { "Ko\305\202odziej", "kolodziej" },
	N("Lambert"), N("Laurent"), N("Lehtonen"), N("Levin"), N("Lindqvist"), N("Lopes"),
	N("Mabuza"), N("Marchetti"), N("Marin"), N("Mbeki"), N("Medina"), N("Mehta"), N("Mensah"),
	N("Mirza"), { "M\303\274ller", "mueller" }, N("Mori"), N("Mwangi"), N("Nakamura"),
	N("Nasser"), N("Navarro"), N("Ndiaye"), N("Nielsen"), N("Nowak"),
	{ "Nu\303\261ez", "nunez" }, N("Obi"), N("Okonkwo"), N("Oliveira"), N("Orlova"), N("Osei"),
	N("Pacheco"), N("Palmgren"), N("Park"), N("Patel"), N("Pereira"), N("Pham"), N("Popescu"),
	N("Quintana"), N("Rahman"), N("Ramos"), N("Reyes"), N("Rinaldi"), N("Sandoval"), N("Sato"),
	N("Sharma"), N("Silveira"), N("Sokolov"), N("Tanaka"), N("Tessier"), N("Thorne"), N("Tran"),
	N("Usman"), N("Vermeulen"), N("Whitlock"), { "Y\304\261lmaz", "yilmaz" } };

static const char *const beginnings[] = { "Alder", "Amber", "Argent", "Aspen", "Beryl", "Birch",
	"Blue", "Bramble", "Bright", "Cedar", "Clover", "Cobalt", "Copper", "Coral", "Crane",
	"Dawn", "Delta", "Dune", "Ember", "Fern", "Finch", "Fjord", "Flint", "Frost", "Garnet",
	"Glen", "Gold", "Gull", "Harbor", "Hazel", "Heron", "Hollow", "Indigo", "Iron", "Ivory",
	"Jasper", "Juniper", "Kestrel", "Lake", "Lark", "Linden", "Maple", "Marble", "Marsh",
	"Meadow", "Mist", "Moss", "North", "Oak", "Ochre", "Onyx", "Opal", "Otter", "Pearl",
	"Pebble", "Quartz", "Raven", "Reed", "Ridge", "River", "Saffron", "Sage", "Silver",
	"Thistle" };
static const char *const endings[] = { "bay", "beam", "bell", "bridge", "brook", "cliff", "crest",
	"croft", "cove", "dale", "field", "fold", "ford", "forge", "gate", "glade", "grove", "hall",
	"haven", "helm", "hill", "holm", "keep", "lane", "light", "loft", "mark", "mead", "mill",
	"moor", "mount", "peak", "point", "port", "quay", "reach", "rise", "row", "shore", "spire",
	"stead", "stone", "stream", "vale", "view", "ward", "way", "works" };
#define PAIRS (LS_ARRAY_LEN(beginnings) * LS_ARRAY_LEN(endings))
/* coprime to PAIRS and to the number of names, so that steps of this size meet every one */
#define STRIDE 7919u

static const struct sector {
	const char *suffix, *industry;
} sectors[] = { { "Logistics", "Logistics and supply chain" }, { "Software", "Computer software" },
	{ "Energy", "Renewables" }, { "Foods", "Food production" }, { "Health", "Health care" },
	{ "Finance", "Financial services" }, { "Robotics", "Industrial automation" },
	{ "Textiles", "Textiles" }, { "Media", "Media production" },
	{ "Travel", "Leisure and travel" } };

/* employees at every tenth of the way from the smallest to the largest company */
static const uint32_t sizes[] = { 8, 12, 18, 28, 45, 75, 130, 260, 620, 2300, 20000 };

static const struct title {
	const char *title;
	uint32_t from, to; /* employees of companies that have one */
} titles[] = { { "Founder", 0, 60 }, { "Managing Director", 0, 400 }, { "Office Manager", 0, 120 },
	{ "Head of Everything", 0, 20 }, { "CTO", 0, 2000 }, { "Head of Sales", 20, 3000 },
	{ "Marketing Manager", 20, 0 }, { "Operations Manager", 30, 0 },
	{ "Product Manager", 40, 0 }, { "Sales Operations Lead", 80, 0 },
	{ "Revenue Operations Manager", 150, 0 }, { "Head of Procurement", 200, 0 },
	{ "VP Marketing", 200, 0 }, { "VP Sales", 250, 0 }, { "CRM Administrator", 150, 0 },
	{ "Data Analyst", 60, 0 }, { "IT Director", 300, 0 }, { "Chief Revenue Officer", 400, 0 },
	{ "Enterprise Architect", 1500, 0 }, { "Category Buyer", 1000, 0 },
	{ "Regional Sales Director", 1500, 0 } };

/* a few burn, some are warm, most are not there yet */
static const struct {
	uint32_t percent, from, to; /* of heat */
} moods[] = { { 4, 880, 1000 }, { 17, 560, 790 }, { 24, 260, 520 }, { 40, 60, 240 },
	{ 15, 0, 40 } };

struct ls_demo_people {
	struct ls_demo_company *companies;
	struct ls_demo_person *persons;
	size_t company_count, leads, all;
};

/* ---- companies */

static uint32_t
size_at(uint32_t thousandth)
{
	uint32_t step = thousandth / 100, into = thousandth % 100;
	uint32_t size = sizes[step] + (sizes[step + 1] - sizes[step]) * into / 100;
	uint32_t unit = size < 100 ? 1 : size < 1000 ? 5 : 50;
	return size / unit * unit;
}

static void
lower(char *text)
{
	for (; *text != '\0'; text++)
		*text = ls_ascii_lower(*text);
}

static void
make_company(struct ls_demo_company *company, uint64_t seed, size_t i, struct ls_dice *dice)
{
	size_t pair = (ls_hash_mix(seed) % PAIRS + i * STRIDE) % PAIRS, again = i / PAIRS;
	const char *begin = beginnings[pair / LS_ARRAY_LEN(endings)];
	const char *end = endings[pair % LS_ARRAY_LEN(endings)];
	const struct sector *sector =
		&sectors[(ls_hash_mix(seed ^ pair) + again) % LS_ARRAY_LEN(sectors)];
	(void)snprintf(company->name, sizeof company->name, "%s%s %s", begin, end, sector->suffix);
	/* the second company of a name needs another domain */
	(void)snprintf(company->domain, sizeof company->domain, "%s%s%s%s.example", begin, end,
		again > 0 ? "-" : "", again > 0 ? sector->suffix : "");
	lower(company->domain);
	company->industry = sector->industry;
	company->people = 0;
	company->employees = size_at(ls_dice_roll(dice, 1000));
}

/* even a few companies show the whole range: each gets its own part of it, in disorder */
static void
spread_sizes(struct ls_demo_people *people, struct ls_dice *dice)
{
	size_t n = people->company_count;
	for (size_t i = 0; i < n; i++) {
		size_t part = 1000 * i / n, width = 1000 / n + 1;
		uint32_t at = (uint32_t)part + ls_dice_roll(dice, (uint32_t)width);
		people->companies[i].employees = size_at(LS_MIN(at, 999u));
	}
	for (size_t i = n; i > 1; i--) {
		struct ls_demo_company *a = &people->companies[ls_dice_roll(dice, (uint32_t)i)];
		struct ls_demo_company *b = &people->companies[i - 1];
		uint32_t employees = a->employees;
		a->employees = b->employees;
		b->employees = employees;
	}
}

/* ---- people */

static uint16_t
pick_heat(struct ls_dice *dice)
{
	uint32_t percent = ls_dice_roll(dice, 100);
	size_t mood = 0;
	while (percent >= moods[mood].percent)
		percent -= moods[mood++].percent;
	uint32_t range = moods[mood].to - moods[mood].from + 1;
	return (uint16_t)(moods[mood].from + ls_dice_roll(dice, range));
}

static uint8_t
pick_title(struct ls_dice *dice, uint32_t employees)
{
	for (;;) {
		uint32_t i = ls_dice_roll(dice, LS_ARRAY_LEN(titles));
		if (employees >= titles[i].from && (titles[i].to == 0 || employees <= titles[i].to))
			return (uint8_t)i;
	}
}

static void
make_person(struct ls_demo_people *people, uint64_t seed, size_t i, struct ls_dice *dice)
{
	const size_t names = LS_ARRAY_LEN(first_names) * LS_ARRAY_LEN(last_names);
	size_t n = people->company_count, at = i;
	/* one each, then some companies get many */
	if (i >= n) {
		uint64_t u = ls_dice_roll(dice, 1u << 16);
		at = (size_t)(u * u * n >> 32);
	}
	struct ls_demo_company *company = &people->companies[at];
	uint64_t first = ls_hash_mix(seed ^ (at + 1) << 20) % names;
	size_t name = (size_t)((first + (uint64_t)company->people * STRIDE) % names);
	company->people++;
	people->persons[i] = (struct ls_demo_person){
		.company = (uint32_t)at,
		.first = (uint16_t)(name / LS_ARRAY_LEN(last_names)),
		.last = (uint16_t)(name % LS_ARRAY_LEN(last_names)),
		.heat = pick_heat(dice),
		.title = pick_title(dice, company->employees),
	};
}

/* the numbers that visitors of the page will compare: shares must hold for few people too */
static void
settle_moods(struct ls_demo_people *people, struct ls_dice *dice)
{
	size_t n = people->leads, at = 0, stride = n % STRIDE != 0 ? STRIDE : 1;
	for (size_t mood = 0; mood < LS_ARRAY_LEN(moods); mood++) {
		size_t share = (n * moods[mood].percent + 99) / 100;
		uint32_t range = moods[mood].to - moods[mood].from + 1;
		for (size_t i = 0; i < share && at < n; i++, at++) {
			/* a stride through the people, so that moods are spread over companies */
			struct ls_demo_person *p = &people->persons[at * stride % n];
			p->heat = (uint16_t)(moods[mood].from + ls_dice_roll(dice, range));
		}
	}
}

struct ls_demo_people *
ls_demo_people_new(uint64_t seed, size_t leads)
{
	ls_assert(leads >= LS_DEMO_LEADS_MIN && leads <= LS_DEMO_LEADS_MAX);
	struct ls_demo_people *people = calloc(1, sizeof *people);
	struct ls_dice dice = { .state = ls_hash_mix(seed + 1) };
	if (people == NULL)
		return NULL;
	people->leads = leads;
	people->all = leads + LS_MAX(leads / 2, (size_t)TO_COME_MIN);
	people->company_count = LS_MAX((leads * 12 + 50) / 100, (size_t)COMPANIES_MIN);
	people->companies = calloc(people->company_count, sizeof *people->companies);
	people->persons = calloc(people->all, sizeof *people->persons);
	if (people->companies == NULL || people->persons == NULL)
		return ls_demo_people_free(people);
	for (size_t i = 0; i < people->company_count; i++)
		make_company(&people->companies[i], seed, i, &dice);
	spread_sizes(people, &dice);
	for (size_t i = 0; i < people->all; i++)
		make_person(people, seed, i, &dice);
	settle_moods(people, &dice);
	return people;
}

struct ls_demo_people *
ls_demo_people_free(struct ls_demo_people *people)
{
	if (people != NULL) {
		free(people->companies);
		free(people->persons);
	}
	free(people);
	return NULL;
}

/* ---- looking */

size_t
ls_demo_people_leads(const struct ls_demo_people *people)
{
	return people->leads;
}

size_t
ls_demo_people_all(const struct ls_demo_people *people)
{
	return people->all;
}

size_t
ls_demo_people_companies(const struct ls_demo_people *people)
{
	return people->company_count;
}

const struct ls_demo_person *
ls_demo_person(const struct ls_demo_people *people, size_t i)
{
	ls_assert(i < people->all);
	return &people->persons[i];
}

const struct ls_demo_company *
ls_demo_company(const struct ls_demo_people *people, size_t i)
{
	ls_assert(i < people->company_count);
	return &people->companies[i];
}

const char *
ls_demo_first_name(const struct ls_demo_person *person)
{
	return first_names[person->first].shown;
}

const char *
ls_demo_last_name(const struct ls_demo_person *person)
{
	return last_names[person->last].shown;
}

const char *
ls_demo_job_title(const struct ls_demo_person *person)
{
	return titles[person->title].title;
}

void
ls_demo_email(const struct ls_demo_people *people, size_t i, char out[LS_DEMO_EMAIL_LEN])
{
	const struct ls_demo_person *p = ls_demo_person(people, i);
	(void)snprintf(out, LS_DEMO_EMAIL_LEN, "%s.%s@%s", first_names[p->first].ascii,
		last_names[p->last].ascii, people->companies[p->company].domain);
	for (char *c = out; *c != '\0'; c++)
		*c = *c == ' ' ? '-' : ls_ascii_lower(*c);
}
