-- NEW and OLD are values: their collation goes with them, their affinity does not.
CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT COLLATE NOCASE, b INT);
CREATE TABLE l(e);
CREATE TRIGGER g AFTER INSERT ON t WHEN new.a <> 4 BEGIN INSERT INTO l VALUES (new.a = 3), (new.a = 'x'), (new.b = '7'), (new.id = '1'), (new.a = new.b); END;
INSERT INTO t VALUES (1, 3, 7), (2, 'X', '7'), (3, 7, 7);
SELECT * FROM l;
CREATE TABLE p(k INTEGER UNIQUE);
CREATE TABLE c(k TEXT REFERENCES p(k) ON DELETE CASCADE);
INSERT INTO p VALUES (3);
INSERT INTO c VALUES ('3'), ('03'), (3.0);
DELETE FROM p;
SELECT * FROM c;
