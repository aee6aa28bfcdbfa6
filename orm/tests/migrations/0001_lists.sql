-- create table `lists`

-- up
CREATE TABLE lists (id INTEGER PRIMARY KEY, title VARCHAR(40) NOT NULL);

-- down
DROP TABLE lists;
