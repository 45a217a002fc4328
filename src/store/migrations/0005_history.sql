-- SPDX-License-Identifier: MIT
-- How scores moved: a row whenever a whole point or the category changed, and what changed it (no
-- source: time alone). Rows keep the lead's id of then, also when it is merged into another.
CREATE TABLE history (
	id INTEGER PRIMARY KEY,                                  -- only sqlite
	id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,      -- only postgres
	tenant_id BIGINT NOT NULL,
	lead_id BIGINT NOT NULL,
	time_ms BIGINT NOT NULL,
	from_milli INTEGER NOT NULL,
	score_milli INTEGER NOT NULL,
	category INTEGER NOT NULL,
	kind INTEGER NOT NULL,
	source TEXT NOT NULL
);
CREATE INDEX history_by_lead ON history (tenant_id, lead_id, time_ms, id);
