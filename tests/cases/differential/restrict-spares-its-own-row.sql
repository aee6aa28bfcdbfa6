-- A row that is its own parent kept itself from being deleted.
CREATE TABLE t1(id INTEGER PRIMARY KEY, b UNIQUE, p INTEGER REFERENCES t1(id) ON DELETE RESTRICT);
INSERT INTO t1(id, b, p) VALUES (6, 2.25, 6), (7, 1, 6), (8, 2, 8);
DELETE FROM t1 WHERE id = 6;
DELETE FROM t1 WHERE id = 8;
INSERT OR REPLACE INTO t1(id, b, p) VALUES (9, 1, 6);
SELECT * FROM t1;
