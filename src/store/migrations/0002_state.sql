-- SPDX-License-Identifier: MIT
-- What a checkpoint writes. Tenants are numbered here, so that the rows of big tables stay small;
-- the number is in every key.
CREATE TABLE tenants (
	id INTEGER PRIMARY KEY,                                  -- only sqlite
	id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,      -- only postgres
	slug TEXT NOT NULL UNIQUE,
	created_ms BIGINT NOT NULL,
	-- the place in the log that everything below stands for
	position TEXT NOT NULL,
	dedupe_key0 BIGINT NOT NULL,
	dedupe_key1 BIGINT NOT NULL,
	-- keys received before this are forgotten
	dedupe_from_ms BIGINT NOT NULL,
	dedupe_last_id BIGINT NOT NULL,
	lead_count BIGINT NOT NULL,
	record_count BIGINT NOT NULL,
	dedupe_count BIGINT NOT NULL
);

CREATE TABLE leads (
	tenant_id BIGINT NOT NULL,
	id BIGINT NOT NULL,
	email TEXT NOT NULL,
	name TEXT NOT NULL,
	company TEXT NOT NULL,
	score_milli BIGINT NOT NULL,
	scored_ms BIGINT NOT NULL,
	last_activity_ms BIGINT NOT NULL,
	state BYTEA NOT NULL,
	PRIMARY KEY (tenant_id, id)
);

CREATE TABLE records (
	tenant_id BIGINT NOT NULL,
	id BIGINT NOT NULL,
	state BYTEA NOT NULL,
	PRIMARY KEY (tenant_id, id)
);

CREATE TABLE events (
	id INTEGER PRIMARY KEY,                                  -- only sqlite
	id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,      -- only postgres
	tenant_id BIGINT NOT NULL,
	lead_id BIGINT NOT NULL,
	record_id BIGINT NOT NULL,
	kind INTEGER NOT NULL,
	verdict INTEGER NOT NULL,
	time_ms BIGINT NOT NULL,
	received_ms BIGINT NOT NULL,
	source TEXT NOT NULL,
	dedupe_lo BIGINT NOT NULL,
	dedupe_hi BIGINT NOT NULL,
	message TEXT NOT NULL,
	detail BYTEA NOT NULL
);
CREATE INDEX events_by_lead ON events (tenant_id, lead_id, time_ms, id);

-- Keys outlive their events: an erased event must not come back when it is sent again.
CREATE TABLE dedupe (
	tenant_id BIGINT NOT NULL,
	id BIGINT NOT NULL,
	received_ms BIGINT NOT NULL,
	lo BIGINT NOT NULL,
	hi BIGINT NOT NULL,
	PRIMARY KEY (tenant_id, id)
)
WITHOUT ROWID                                                    -- only sqlite
;
