-- A computed column over a column that is not there was added.
CREATE TABLE t1(id INT NOT NULL PRIMARY KEY, a INTEGER, b REAL) WITHOUT ROWID;
ALTER TABLE t1 ADD COLUMN n BLOB AS (id + r15);
ALTER TABLE t1 ADD COLUMN m BLOB AS (id + a);
PRAGMA table_xinfo(t1);
