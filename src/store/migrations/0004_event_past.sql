-- SPDX-License-Identifier: MIT
-- Events hold enough to rebuild what was known at any moment: the attributes they carried (JSON),
-- the stage's probability (-1: none), and what kind of record they were applied to.
ALTER TABLE events ADD COLUMN attributes TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN stage DOUBLE PRECISION NOT NULL DEFAULT -1;
ALTER TABLE events ADD COLUMN record_class INTEGER NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN flags INTEGER NOT NULL DEFAULT 0;
CREATE INDEX events_by_record ON events (tenant_id, record_id, time_ms, id) WHERE record_id > 0;
