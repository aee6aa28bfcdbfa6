//! TPC-H: 22 questions of a business about its orders, over eight tables.
//!
//! The tables are made by `tpchgen` and stored by SQLite, as TPC-H declares them: keys, indexes on the columns that refer to other tables,
//! ANALYZE. DECIMAL columns have numeric affinity, so that whole amounts are integers between reals. Dates are texts.

mod queries;

use std::fmt::Display;
use std::path::Path;

use rusqlite::{Connection, Result, params_from_iter};
use tpchgen::generators::{
    CustomerGenerator, LineItemGenerator, NationGenerator, OrderGenerator, PartGenerator, PartSuppGenerator,
    RegionGenerator, SupplierGenerator,
};

use super::template::Template;
use super::workloads::{Start, Work, Workload};

/// Scale of a full run: 600,000 order lines.
pub(super) const SCALE_FULL: f64 = 0.1;
/// Scale of a quick run.
pub(super) const SCALE_QUICK: f64 = 0.01;

const TABLES: &str = "
    CREATE TABLE region(r_regionkey INTEGER PRIMARY KEY, r_name CHAR(25) NOT NULL, r_comment VARCHAR(152));
    CREATE TABLE nation(n_nationkey INTEGER PRIMARY KEY, n_name CHAR(25) NOT NULL, n_regionkey INTEGER NOT NULL REFERENCES region,
        n_comment VARCHAR(152));
    CREATE TABLE part(p_partkey INTEGER PRIMARY KEY, p_name VARCHAR(55) NOT NULL, p_mfgr CHAR(25) NOT NULL, p_brand CHAR(10) NOT NULL,
        p_type VARCHAR(25) NOT NULL, p_size INTEGER NOT NULL, p_container CHAR(10) NOT NULL, p_retailprice DECIMAL(15,2) NOT NULL,
        p_comment VARCHAR(23) NOT NULL);
    CREATE TABLE supplier(s_suppkey INTEGER PRIMARY KEY, s_name CHAR(25) NOT NULL, s_address VARCHAR(40) NOT NULL,
        s_nationkey INTEGER NOT NULL REFERENCES nation, s_phone CHAR(15) NOT NULL, s_acctbal DECIMAL(15,2) NOT NULL,
        s_comment VARCHAR(101) NOT NULL);
    CREATE TABLE partsupp(ps_partkey INTEGER NOT NULL REFERENCES part, ps_suppkey INTEGER NOT NULL REFERENCES supplier,
        ps_availqty INTEGER NOT NULL, ps_supplycost DECIMAL(15,2) NOT NULL, ps_comment VARCHAR(199) NOT NULL,
        PRIMARY KEY(ps_partkey, ps_suppkey));
    CREATE TABLE customer(c_custkey INTEGER PRIMARY KEY, c_name VARCHAR(25) NOT NULL, c_address VARCHAR(40) NOT NULL,
        c_nationkey INTEGER NOT NULL REFERENCES nation, c_phone CHAR(15) NOT NULL, c_acctbal DECIMAL(15,2) NOT NULL,
        c_mktsegment CHAR(10) NOT NULL, c_comment VARCHAR(117) NOT NULL);
    CREATE TABLE orders(o_orderkey INTEGER PRIMARY KEY, o_custkey INTEGER NOT NULL REFERENCES customer, o_orderstatus CHAR(1) NOT NULL,
        o_totalprice DECIMAL(15,2) NOT NULL, o_orderdate DATE NOT NULL, o_orderpriority CHAR(15) NOT NULL, o_clerk CHAR(15) NOT NULL,
        o_shippriority INTEGER NOT NULL, o_comment VARCHAR(79) NOT NULL);
    CREATE TABLE lineitem(l_orderkey INTEGER NOT NULL REFERENCES orders, l_partkey INTEGER NOT NULL, l_suppkey INTEGER NOT NULL,
        l_linenumber INTEGER NOT NULL, l_quantity DECIMAL(15,2) NOT NULL, l_extendedprice DECIMAL(15,2) NOT NULL,
        l_discount DECIMAL(15,2) NOT NULL, l_tax DECIMAL(15,2) NOT NULL, l_returnflag CHAR(1) NOT NULL, l_linestatus CHAR(1) NOT NULL,
        l_shipdate DATE NOT NULL, l_commitdate DATE NOT NULL, l_receiptdate DATE NOT NULL, l_shipinstruct CHAR(25) NOT NULL,
        l_shipmode CHAR(10) NOT NULL, l_comment VARCHAR(44) NOT NULL, PRIMARY KEY(l_orderkey, l_linenumber),
        FOREIGN KEY(l_partkey, l_suppkey) REFERENCES partsupp);";

const INDEXES: &str = "
    CREATE INDEX nation_region ON nation(n_regionkey);
    CREATE INDEX supplier_nation ON supplier(s_nationkey);
    CREATE INDEX partsupp_supplier ON partsupp(ps_suppkey);
    CREATE INDEX customer_nation ON customer(c_nationkey);
    CREATE INDEX orders_customer ON orders(o_custkey);
    CREATE INDEX lineitem_part ON lineitem(l_partkey, l_suppkey);
    CREATE INDEX lineitem_supplier ON lineitem(l_suppkey);
    ANALYZE;";

/// The queries as workloads on one file.
pub(super) fn workloads() -> Vec<Workload> {
    let workload = |(name, sql): (&'static str, &'static str)| Workload {
        name,
        start: Start::Shared(Template::Tpch),
        setup: "",
        check: "",
        work: Work::Answer(sql),
    };
    queries::QUERIES.map(workload).into()
}

/// Writes the tables at a scale into a new file.
pub(super) fn build(path: &Path, scale: f64) -> Result<()> {
    let mut database = Connection::open(path)?;
    database.execute_batch("PRAGMA journal_mode=off; PRAGMA synchronous=off;")?;
    database.execute_batch(TABLES)?;
    let transaction = database.transaction()?;
    load(&transaction, "region", RegionGenerator::new(scale, 1, 1).iter())?;
    load(&transaction, "nation", NationGenerator::new(scale, 1, 1).iter())?;
    load(&transaction, "part", PartGenerator::new(scale, 1, 1).iter())?;
    load(
        &transaction,
        "supplier",
        SupplierGenerator::new(scale, 1, 1).iter(),
    )?;
    load(
        &transaction,
        "partsupp",
        PartSuppGenerator::new(scale, 1, 1).iter(),
    )?;
    load(
        &transaction,
        "customer",
        CustomerGenerator::new(scale, 1, 1).iter(),
    )?;
    load(&transaction, "orders", OrderGenerator::new(scale, 1, 1).iter())?;
    load(
        &transaction,
        "lineitem",
        LineItemGenerator::new(scale, 1, 1).iter(),
    )?;
    transaction.commit()?;
    database.execute_batch(INDEXES)?;
    database.close().map_err(|(_, error)| error)
}

/// Stores rows, each a line of fields that end with a bar; the columns' affinity makes numbers of them.
fn load(database: &Connection, table: &str, rows: impl Iterator<Item = impl Display>) -> Result<()> {
    let width = database
        .prepare(&format!("SELECT * FROM {table}"))?
        .column_count();
    let places = vec!["?"; width].join(", ");
    let mut insert = database.prepare(&format!("INSERT INTO {table} VALUES ({places})"))?;
    for row in rows {
        let line = row.to_string();
        insert.execute(params_from_iter(line.split_terminator('|')))?;
    }
    Ok(())
}
