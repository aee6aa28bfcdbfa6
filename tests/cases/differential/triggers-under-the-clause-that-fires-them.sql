-- The conflict clause of a statement replaces those inside the triggers that it fires, not of all that these set off: DELETE has none, DO UPDATE
-- and the actions of foreign keys are under ABORT, and rows that REPLACE removes go under REPLACE.
PRAGMA recursive_triggers = ON;
CREATE TABLE l(id INTEGER PRIMARY KEY, w);
CREATE TABLE t(id INTEGER PRIMARY KEY, a UNIQUE, b);
CREATE TRIGGER tu BEFORE UPDATE ON t BEGIN INSERT OR REPLACE INTO l VALUES (1, 'update'); END;
CREATE TRIGGER td AFTER DELETE ON t BEGIN INSERT INTO l VALUES (1, 'delete ' || old.id); END;
CREATE TABLE u(id INTEGER PRIMARY KEY, x);
CREATE TRIGGER ui AFTER INSERT ON u BEGIN UPDATE OR REPLACE t SET b = new.x WHERE id = 1; DELETE FROM t WHERE id = new.x; END;
INSERT INTO t VALUES (1, 1, 0), (2, 2, 0), (3, 3, 0);
INSERT INTO t VALUES (1, 9, 9) ON CONFLICT(id) DO UPDATE SET b = 1;
SELECT * FROM l;
INSERT INTO t VALUES (1, 9, 9) ON CONFLICT(id) DO UPDATE SET b = 2;
SELECT * FROM l;
UPDATE t SET b = 3 WHERE id = 1;
UPDATE OR IGNORE t SET b = 4 WHERE id = 1;
INSERT INTO u VALUES (1, 2);
INSERT OR IGNORE INTO u VALUES (2, 2);
INSERT OR REPLACE INTO t VALUES (4, 3, 'replaces 3');
SELECT * FROM l;
SELECT * FROM t;
