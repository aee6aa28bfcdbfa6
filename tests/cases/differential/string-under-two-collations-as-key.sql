-- CREATE INDEX takes a string for a column name, but not when two COLLATE follow it.
CREATE TABLE t(id INTEGER PRIMARY KEY, a);
INSERT INTO t VALUES (1, 'x');
CREATE INDEX i ON t(('none' COLLATE BINARY) COLLATE RTRIM DESC);
CREATE INDEX j ON t('a' COLLATE NOCASE);
CREATE INDEX k ON t('none' COLLATE NOCASE);
PRAGMA index_xinfo(j);
