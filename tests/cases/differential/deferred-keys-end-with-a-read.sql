-- PRAGMA defer_foreign_keys lasts for one transaction, and a query by itself is one.
CREATE TABLE t2(id INTEGER PRIMARY KEY, p INT REFERENCES t2(id));
PRAGMA defer_foreign_keys = ON;
SELECT rowid, * FROM t2;
SAVEPOINT s1;
INSERT INTO t2(id, p) VALUES (7, 1);
