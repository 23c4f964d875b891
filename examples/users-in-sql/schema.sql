-- The tables that FreeRADIUS has, for SQLite and PostgreSQL alike, with some rows to try.
CREATE TABLE radcheck (id INTEGER PRIMARY KEY, username TEXT NOT NULL, attribute TEXT NOT NULL, op TEXT NOT NULL DEFAULT ':=', value TEXT NOT NULL);
CREATE TABLE radreply (id INTEGER PRIMARY KEY, username TEXT NOT NULL, attribute TEXT NOT NULL, op TEXT NOT NULL DEFAULT '=', value TEXT NOT NULL);
CREATE TABLE radusergroup (id INTEGER PRIMARY KEY, username TEXT NOT NULL, groupname TEXT NOT NULL, priority INTEGER NOT NULL DEFAULT 1);
CREATE TABLE radgroupcheck (id INTEGER PRIMARY KEY, groupname TEXT NOT NULL, attribute TEXT NOT NULL, op TEXT NOT NULL DEFAULT ':=', value TEXT NOT NULL);
CREATE TABLE radgroupreply (id INTEGER PRIMARY KEY, groupname TEXT NOT NULL, attribute TEXT NOT NULL, op TEXT NOT NULL DEFAULT '=', value TEXT NOT NULL);
CREATE INDEX radcheck_username ON radcheck (username);
CREATE INDEX radreply_username ON radreply (username);
CREATE INDEX radusergroup_username ON radusergroup (username);

INSERT INTO radcheck (id, username, attribute, value) VALUES (1, 'ann', 'Cleartext-Password', 'hello'), (2, 'bob', 'Cleartext-Password', 'hello'), (3, 'eve', 'Cleartext-Password', 'hello');
INSERT INTO radreply (id, username, attribute, value) VALUES (1, 'ann', 'Framed-IP-Address', '192.0.2.7');
INSERT INTO radusergroup (id, username, groupname, priority) VALUES (1, 'ann', 'gold', 1), (2, 'ann', 'all', 2), (3, 'bob', 'all', 1), (4, 'eve', 'closed', 1);
INSERT INTO radgroupcheck (id, groupname, attribute, value) VALUES (1, 'all', 'Simultaneous-Use', '1'), (2, 'closed', 'Auth-Type', 'Reject');
INSERT INTO radgroupreply (id, groupname, attribute, value) VALUES (1, 'gold', 'Session-Timeout', '86400'), (2, 'all', 'Session-Timeout', '3600'), (3, 'all', 'Idle-Timeout', '600');
