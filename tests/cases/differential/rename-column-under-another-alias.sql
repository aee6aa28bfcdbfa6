-- A column of the same name of another table was renamed along inside a view.
CREATE TABLE t1(id INTEGER PRIMARY KEY, a REAL, b REAL);
CREATE TABLE t2(id INTEGER PRIMARY KEY, a INTEGER, b NUMERIC);
CREATE VIEW v4(c1, c2) AS SELECT x7.b, x6.b FROM t2 AS x6 CROSS JOIN t1 x7 ON x7.b;
ALTER TABLE t2 RENAME COLUMN b TO r17;
SELECT sql FROM sqlite_schema WHERE name = 'v4';
