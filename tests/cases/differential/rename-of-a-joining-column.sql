-- ALTER TABLE RENAME COLUMN leaves the list of USING alone, so that a view that joins by the column is in the way.
CREATE TABLE t(id, b);
CREATE VIEW v AS SELECT x.id, y.id FROM t AS x JOIN t AS y USING (b);
ALTER TABLE t RENAME COLUMN b TO c;
SELECT sql FROM sqlite_schema;
ALTER TABLE t RENAME COLUMN id TO c;
SELECT sql FROM sqlite_schema;
