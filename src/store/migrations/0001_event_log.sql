-- SPDX-License-Identifier: MIT
-- The embedded event log. Entries carry their names as text: 16 bytes of some 400, and every row
-- stands for itself whatever happens to the others.
CREATE TABLE event_log (
	id INTEGER PRIMARY KEY,        -- only sqlite
	id BIGINT PRIMARY KEY,         -- only postgres
	tenant TEXT NOT NULL,
	source TEXT NOT NULL,
	received_ms BIGINT NOT NULL,
	body BYTEA NOT NULL
);

-- Ids are never given twice, also not after the newest entries were trimmed: the highest trimmed id
-- stays here. (AUTOINCREMENT promises the same, for one more row written with every append.)
CREATE TABLE event_log_floor (
	only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
	id BIGINT NOT NULL
);
INSERT INTO event_log_floor (only_row, id) VALUES (1, 0);
