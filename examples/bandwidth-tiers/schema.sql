-- For SQLite and PostgreSQL alike. told is the tier that the NAS has heard of; whoever sells a tier changes tier alone.
CREATE TABLE tier (name TEXT PRIMARY KEY, down INTEGER NOT NULL, up INTEGER NOT NULL);
CREATE TABLE subscriber (name TEXT PRIMARY KEY, password TEXT NOT NULL, tier TEXT NOT NULL REFERENCES tier (name), told TEXT);

INSERT INTO tier VALUES ('bronze', 2000000, 500000), ('gold', 100000000, 20000000);
INSERT INTO subscriber VALUES ('ann', 'hello', 'gold', NULL), ('bob', 'hello', 'bronze', NULL);
