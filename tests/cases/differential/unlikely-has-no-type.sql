-- likely() and its kin are calls: neither affinity nor collation of a column go through them, an explicit COLLATE does.
CREATE TABLE t(c TEXT COLLATE NOCASE, n INT);
INSERT INTO t VALUES ('Zebra', 5), ('abc', 5), ('ABC', 6);
-- ask: query order 1
SELECT unlikely(c), n FROM t ORDER BY 1;
-- ask: query
SELECT c, likely(c) = 'abc', unlikely(n) = '5', unlikely(c COLLATE NOCASE) = 'abc' FROM t;
-- ask: query
SELECT count(*) FROM t GROUP BY unlikely(c) > 'a';
