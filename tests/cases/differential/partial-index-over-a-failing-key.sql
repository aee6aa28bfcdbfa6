-- The integrity check computed the key of an index for rows that the index leaves out.
CREATE TABLE t(id INTEGER PRIMARY KEY, a);
INSERT INTO t VALUES (1, x'ff'), (2, '7');
CREATE INDEX i ON t(json_quote(a)) WHERE typeof(a) = 'text';
PRAGMA integrity_check;
