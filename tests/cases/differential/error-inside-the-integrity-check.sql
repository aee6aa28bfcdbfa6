-- An expression that fails for a row ends the integrity check; it is no finding about the file.
CREATE TABLE t(id INTEGER PRIMARY KEY, a);
INSERT INTO t VALUES (1, x'ff');
ALTER TABLE t ADD COLUMN n REAL AS (json_quote(a) || 'x');
PRAGMA integrity_check;
PRAGMA quick_check;
