/* SPDX-License-Identifier: MIT */
/* The demo's made-up companies and people. Pure: the same seed and number give the same ones. */
#ifndef LS_MAIN_DEMO_PEOPLE_H
#define LS_MAIN_DEMO_PEOPLE_H

#include "base/slice.h"

#define LS_DEMO_LEADS_MIN 10u
#define LS_DEMO_LEADS_MAX 100000u
#define LS_DEMO_HEAT_MAX  1000u

struct ls_demo_company {
	char name[48];
	char domain[48]; /* under .example */
	const char *industry;
	uint32_t employees; /* 8 to 20,000 */
	uint32_t people;
};

struct ls_demo_person {
	uint32_t company;
	uint16_t first, last, heat /* how interested, 0 to LS_DEMO_HEAT_MAX */;
	uint8_t title;
};

struct ls_demo_people;

/**
 * `leads` people, and half as many (at least 100) who are still to come, behind them. NULL when
 * there is no memory.
 */
struct ls_demo_people *ls_demo_people_new(uint64_t seed, size_t leads) LS_MUST_CHECK;
struct ls_demo_people *ls_demo_people_free(struct ls_demo_people *people);

size_t ls_demo_people_leads(const struct ls_demo_people *people);
/** With those to come. */
size_t ls_demo_people_all(const struct ls_demo_people *people);
size_t ls_demo_people_companies(const struct ls_demo_people *people);

const struct ls_demo_person *ls_demo_person(const struct ls_demo_people *people, size_t i);
const struct ls_demo_company *ls_demo_company(const struct ls_demo_people *people, size_t i);
const char *ls_demo_first_name(const struct ls_demo_person *person);
const char *ls_demo_last_name(const struct ls_demo_person *person);
const char *ls_demo_job_title(const struct ls_demo_person *person);

#define LS_DEMO_EMAIL_LEN 112u
/** "zoe.muller@fernbay.example": nobody has another's. */
void ls_demo_email(const struct ls_demo_people *people, size_t i, char out[LS_DEMO_EMAIL_LEN]);

#endif
