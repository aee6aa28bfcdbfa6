-- A generated column whose type the rows of a STRICT table do not have is refused as a constraint.
CREATE TABLE t(id INTEGER PRIMARY KEY, a ANY) STRICT;
INSERT INTO t VALUES (1, x'');
ALTER TABLE t ADD COLUMN n TEXT AS (a);
ALTER TABLE t ADD COLUMN m ANY AS (a);
SELECT * FROM t;
