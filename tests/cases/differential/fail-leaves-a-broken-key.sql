-- OR FAIL keeps the rows before the failure, but not where they break a deferred key: then that is the error.
CREATE TABLE t0(id INTEGER PRIMARY KEY, p INT DEFAULT 1 REFERENCES t0(id) DEFERRABLE INITIALLY DEFERRED);
INSERT OR FAIL INTO t0(id, p) VALUES (8, 4), (8, NULL);
SELECT * FROM t0;
