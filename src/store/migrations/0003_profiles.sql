-- SPDX-License-Identifier: MIT
-- Scoring profiles, as they were given, with who published them when and why.
CREATE TABLE profiles (
	tenant_id BIGINT NOT NULL,
	version BIGINT NOT NULL,
	-- draft, published or retired; at most one draft and one published
	state TEXT NOT NULL,
	json TEXT NOT NULL,
	who TEXT NOT NULL,
	why TEXT NOT NULL,
	created_ms BIGINT NOT NULL,
	published_ms BIGINT NOT NULL,
	PRIMARY KEY (tenant_id, version)
);
