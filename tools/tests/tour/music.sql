-- The database of the tour in tools/README.md: a shop's music, grown in rounds, so that its trees lie in pieces, with some rows gone again.
PRAGMA page_size = 1024;
PRAGMA foreign_keys = off;
CREATE TABLE artist(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE album(id INTEGER PRIMARY KEY, title TEXT NOT NULL, artist_id INTEGER NOT NULL REFERENCES artist(id), cover BLOB);
CREATE TABLE track(id INTEGER PRIMARY KEY, name TEXT NOT NULL, album_id INTEGER NOT NULL REFERENCES album(id), milliseconds INTEGER, price REAL);
CREATE TABLE playlist(id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE playlist_track(playlist_id INTEGER REFERENCES playlist(id), track_id INTEGER REFERENCES track(id), PRIMARY KEY(playlist_id, track_id)) WITHOUT ROWID;
CREATE INDEX album_artist ON album(artist_id);
CREATE INDEX track_album ON track(album_id);
CREATE INDEX track_name ON track(name);
CREATE VIEW long_track AS SELECT * FROM track WHERE milliseconds > 600000;

CREATE TEMP TABLE number AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT i FROM n;

INSERT INTO artist SELECT i, 'artist ' || (i * 7919 % 1009) FROM number WHERE i <= 120;
INSERT INTO playlist SELECT i, 'list ' || i FROM number WHERE i <= 20;

INSERT INTO album SELECT i, 'album ' || (i * 37 % 101), 1 + i % 120, zeroblob(500 + i * 613 % 1900) FROM number WHERE i <= 60;
INSERT INTO track SELECT i, 'track ' || (i * 7919 % 10007), 1 + i % 60, 90000 + i * 104729 % 600000, 0.99 FROM number WHERE i <= 900;
INSERT INTO album SELECT i, 'album ' || (i * 37 % 307), 1 + i % 120, zeroblob(i * 613 % 2500) FROM number WHERE i BETWEEN 61 AND 150;
INSERT INTO track SELECT 1000 + i, 'track ' || ((1000 + i) * 7919 % 10007), 61 + i % 90, 90000 + i * 104729 % 600000, 0.99 FROM number;
INSERT INTO playlist_track SELECT 1 + i % 20, i FROM number WHERE i % 3 = 0;
INSERT INTO album SELECT i, 'album ' || (i * 37 % 307), 1 + i % 120, zeroblob(i * 613 % 3300) FROM number WHERE i BETWEEN 151 AND 240;
INSERT INTO track SELECT 2000 + i, 'track ' || ((2000 + i) * 7919 % 10007), 151 + i % 90, 90000 + i * 104729 % 700000, 1.29 FROM number;
INSERT INTO playlist_track SELECT 1 + i % 19, 1000 + i FROM number;

DELETE FROM track WHERE album_id BETWEEN 70 AND 85;
DELETE FROM playlist_track WHERE track_id NOT IN (SELECT id FROM track);
DELETE FROM album WHERE id BETWEEN 70 AND 85;
DROP TABLE temp.number;
