-- What an action of a foreign key breaks is an error, whatever the constraint itself says of conflicts.
CREATE TABLE p(id INTEGER PRIMARY KEY);
CREATE TABLE c(id INTEGER PRIMARY KEY, p UNIQUE ON CONFLICT IGNORE REFERENCES p(id) ON UPDATE CASCADE ON DELETE SET DEFAULT);
INSERT INTO p VALUES (1), (2);
INSERT INTO c VALUES (1, 1), (2, 2);
PRAGMA defer_foreign_keys = ON;
UPDATE p SET id = 3 - id;
SELECT * FROM c;
UPDATE p SET id = 7 WHERE id = 1;
SELECT * FROM c;
