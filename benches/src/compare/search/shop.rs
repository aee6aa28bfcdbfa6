//! The tables that searched queries read: a shop's, with keys and indexes of the usual kinds.

use std::path::Path;

/// Rows of `orders`, and of `big`; `item` has three times as many.
pub(super) const ORDERS: u64 = 20_000;
/// Rows of `customer`.
pub(super) const CUSTOMERS: u64 = 4_000;
/// Rows of `product`.
pub(super) const PRODUCTS: u64 = 2_000;
/// Rows of `category`.
pub(super) const CATEGORIES: u64 = 60;

/// `customer` with a city that few values have and a name that each has its own, `orders` with a foreign key, a day and a status,
/// `item` without a rowid under a key of two columns, `product` in a tree of categories, `note` with long texts, and `big`, which no index helps.
pub(super) fn build(path: &Path) -> rusqlite::Result<()> {
    let database = rusqlite::Connection::open(path)?;
    let (orders, customers, products) = (ORDERS, CUSTOMERS, PRODUCTS);
    let (items, notes) = (orders * 3, orders / 20);
    let numbers =
        |n: u64| format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {n}) ");
    database.execute_batch(&format!(
        "PRAGMA journal_mode=off; PRAGMA synchronous=off;
         CREATE TABLE category(id INTEGER PRIMARY KEY, parent INT REFERENCES category(id), name TEXT NOT NULL UNIQUE);
         CREATE TABLE customer(id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT COLLATE NOCASE, born INT, credit REAL);
         CREATE TABLE product(id INTEGER PRIMARY KEY, code TEXT UNIQUE, category INT REFERENCES category(id), price REAL, stock INT);
         CREATE TABLE orders(id INTEGER PRIMARY KEY, customer INT REFERENCES customer(id), day TEXT, status TEXT, total REAL);
         CREATE TABLE item(orders INT, line INT, product INT, qty INT, price REAL, PRIMARY KEY(orders, line)) WITHOUT ROWID;
         CREATE TABLE note(id INTEGER PRIMARY KEY, customer INT, body TEXT);
         CREATE TABLE big(a INT, b INT, c TEXT, d REAL);
         BEGIN;
         {category} INSERT INTO category SELECT i, nullif(i / 4, 0), 'category ' || i FROM n;
         {customer} INSERT INTO customer SELECT i, 'name ' || (i * 7919 % 1000003), 'City' || (i * 48271 % 40), 1940 + i * 31 % 70,
             CASE WHEN i % 9 THEN (i * 2654435761 % 100000) / 100.0 END FROM n;
         {product} INSERT INTO product SELECT i, printf('P%06d', i * 7919 % 1000003), 1 + i * 40503 % 60, (i * 48271 % 10000) / 100.0, i * 31 % 500 FROM n;
         {orders_} INSERT INTO orders SELECT i, 1 + i * 2654435761 % {customers}, date('2020-01-01', (i * 40503 % 2000) || ' days'),
             CASE i * 48271 % 10 WHEN 0 THEN 'open' WHEN 1 THEN 'void' WHEN 2 THEN NULL ELSE 'paid' END, (i * 2654435761 % 1000003) / 100.0 FROM n;
         {item} INSERT INTO item SELECT 1 + (i - 1) / 3, (i - 1) % 3, 1 + i * 2654435761 % {products}, 1 + i % 7, (i * 48271 % 10000) / 100.0 FROM n;
         {note} INSERT INTO note SELECT i, 1 + i * 48271 % {customers}, replace(hex(zeroblob(40 + i * 31 % 900)), '00', char(97 + i % 26) || ' ') FROM n;
         {big} INSERT INTO big SELECT i * 2654435761 % 1000003, i * 40503 % 1000, 'text ' || (i * 48271 % 5000), i / 7.0 FROM n;
         COMMIT;
         CREATE INDEX customer_city ON customer(city, born);
         CREATE INDEX customer_name ON customer(name);
         CREATE INDEX product_category ON product(category, price);
         CREATE INDEX orders_customer ON orders(customer, day);
         CREATE INDEX orders_day ON orders(day);
         CREATE INDEX orders_open ON orders(total) WHERE status = 'open';
         CREATE INDEX item_product ON item(product);
         CREATE INDEX note_customer ON note(customer);
         ANALYZE;",
        category = numbers(CATEGORIES),
        customer = numbers(customers),
        product = numbers(products),
        orders_ = numbers(orders),
        item = numbers(items),
        note = numbers(notes),
        big = numbers(orders),
    ))?;
    database.close().map_err(|(_, error)| error)
}
