//! `compare compile`: what the compiler takes for an application's crate of fifty entities, with Aludel, Diesel and SeaORM.
//!
//! ```text
//!   scratch/aludel   ┐                        cargo check            touch src/lib.rs, cargo check
//!   scratch/diesel   ├─ 50 entities of 10 ──> (dependencies, not ──> (the crate alone: its user CPU,
//!   scratch/sea-orm  ┘  columns, 1 function    counted)               CARGO_INCREMENTAL=0, least of some runs)
//! ```
//!
//! Each function does the same: rows by a condition in an order, one by its key, changed and written, and a new one.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How many entities each crate has.
pub const ENTITIES: usize = 50;

/// A crate to compile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Aludel.
    Aludel,
    /// Diesel, with `allow_tables_to_appear_in_same_query!` over all tables as `diesel print-schema` writes it.
    Diesel,
    /// SeaORM's sync crate.
    SeaOrm,
}

/// All of them.
pub const SUBJECTS: [Subject; 3] = [Subject::Aludel, Subject::Diesel, Subject::SeaOrm];

impl Subject {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Subject::Aludel => "aludel",
            Subject::Diesel => "diesel",
            Subject::SeaOrm => "sea-orm",
        }
    }

    fn dependency(self) -> String {
        match self {
            Subject::Aludel => {
                let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../orm");
                format!("aludel = {{ path = {:?} }}", folder.display().to_string())
            }
            Subject::Diesel => {
                "diesel = { version = \"2.3.14\", default-features = false, features = [\"sqlite\", \"32-column-tables\", \
                 \"returning_clauses_for_sqlite_3_35\"] }"
                    .to_owned()
            }
            Subject::SeaOrm => {
                "sea-orm = { package = \"sea-orm-sync\", version = \"2.0.4\", default-features = false, features = [\"sync\", \
                 \"macros\", \"rusqlite\"] }"
                    .to_owned()
            }
        }
    }

    fn source(self) -> String {
        let mut source = String::new();
        let (head, entity): (_, fn(usize) -> String) = match self {
            Subject::Aludel => ("use aludel::prelude::*;\n", aludel_entity),
            Subject::Diesel => ("use diesel::prelude::*;\n", diesel_entity),
            Subject::SeaOrm => ("", sea_entity),
        };
        source.push_str(head);
        (0..ENTITIES).for_each(|n| source.push_str(&entity(n)));
        if self == Subject::Diesel {
            let tables: Vec<String> = (0..ENTITIES).map(|n| format!("thing{n}s")).collect();
            // Writing to a string cannot fail.
            let _ = writeln!(
                source,
                "diesel::allow_tables_to_appear_in_same_query!({});",
                tables.join(", ")
            );
        }
        source
    }
}

/// Compiles one crate some times: the least user CPU, in seconds.
///
/// # Errors
/// Where cargo fails; where `/proc` does not tell the time of children.
pub fn measure(subject: Subject, scratch: &Path, runs: usize) -> io::Result<f64> {
    let folder = scratch.join(subject.name());
    write_crate(subject, &folder)?;
    check(&folder)?;
    let mut least = f64::INFINITY;
    for _ in 0..runs.max(1) {
        fs::write(folder.join("src/lib.rs"), subject.source())?;
        let before = children_user_seconds()?;
        check(&folder)?;
        least = least.min(children_user_seconds()? - before);
    }
    Ok(least)
}

fn write_crate(subject: Subject, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder.join("src"))?;
    let manifest = format!(
        "[workspace]\n[package]\nname = \"{}-entities\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[dependencies]\n{}\n",
        subject.name(),
        subject.dependency()
    );
    fs::write(folder.join("Cargo.toml"), manifest)?;
    // The versions that `compare orm` was written for; cargo leaves out what the crate does not use.
    let locked = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/Cargo.lock");
    fs::copy(locked, folder.join("Cargo.lock"))?;
    fs::write(folder.join("src/lib.rs"), subject.source())
}

fn check(folder: &Path) -> io::Result<()> {
    let cargo: PathBuf = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()).into();
    let status = Command::new(cargo)
        .args(["check", "--quiet"])
        .current_dir(folder)
        .env("CARGO_INCREMENTAL", "0")
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .status()?;
    match status.success() {
        true => Ok(()),
        false => Err(io::Error::other(format!(
            "cargo check failed in {}",
            folder.display()
        ))),
    }
}

/// User CPU of all children that have ended.
fn children_user_seconds() -> io::Result<f64> {
    // Fields are counted after the name, which may have blanks; the clock of /proc ticks a hundred times a second.
    const TICKS: f64 = 100.0;
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks = fields
        .split_whitespace()
        .nth(13)
        .and_then(|field| field.parse::<f64>().ok());
    ticks
        .map(|ticks| ticks / TICKS)
        .ok_or_else(|| io::Error::other("/proc/self/stat has no time of children"))
}

fn aludel_entity(n: usize) -> String {
    format!(
        r#"
#[derive(Entity)]
#[entity(table = "thing{n}s")]
pub struct Thing{n} {{
    #[column(primary_key)]
    pub id: Id<Thing{n}>,
    pub name: String,
    pub email: Option<String>,
    pub age: i64,
    pub score: f64,
    pub is_active: bool,
    pub note: Option<String>,
    pub rank: i32,
    pub weight: Option<f64>,
    pub city: String,
}}

pub fn use_thing{n}(session: &mut Session, name: &str) -> aludel::Result<usize> {{
    let found = session
        .query::<Thing{n}>()
        .filter(|t| t.name.eq(name) & t.age.gt({n}))
        .order_by(|t| t.score.desc())
        .limit(10)
        .fetch()?;
    let one = session.get::<Thing{n}>(1)?;
    session[one].age += 1;
    session.add(Thing{n}::new("new", {n}, 1.5, true, 3, "Bern"));
    session.commit()?;
    Ok(found.len())
}}
"#
    )
}

fn diesel_entity(n: usize) -> String {
    format!(
        r#"
diesel::table! {{
    thing{n}s (id) {{
        id -> BigInt,
        name -> Text,
        email -> Nullable<Text>,
        age -> BigInt,
        score -> Double,
        is_active -> Bool,
        note -> Nullable<Text>,
        rank -> Integer,
        weight -> Nullable<Double>,
        city -> Text,
    }}
}}

#[derive(Queryable, Selectable, Identifiable, AsChangeset)]
#[diesel(table_name = thing{n}s)]
pub struct Thing{n} {{
    pub id: i64,
    pub name: String,
    pub email: Option<String>,
    pub age: i64,
    pub score: f64,
    pub is_active: bool,
    pub note: Option<String>,
    pub rank: i32,
    pub weight: Option<f64>,
    pub city: String,
}}

#[derive(Insertable)]
#[diesel(table_name = thing{n}s)]
pub struct NewThing{n} {{
    pub name: String,
    pub email: Option<String>,
    pub age: i64,
    pub score: f64,
    pub is_active: bool,
    pub note: Option<String>,
    pub rank: i32,
    pub weight: Option<f64>,
    pub city: String,
}}

pub fn use_thing{n}(connection: &mut SqliteConnection, name: &str) -> QueryResult<usize> {{
    let found = thing{n}s::table
        .filter(thing{n}s::name.eq(name).and(thing{n}s::age.gt({n})))
        .order(thing{n}s::score.desc())
        .limit(10)
        .select(Thing{n}::as_select())
        .load(connection)?;
    let mut one = thing{n}s::table.find(1).select(Thing{n}::as_select()).first(connection)?;
    one.age += 1;
    diesel::update(thing{n}s::table.find(one.id)).set(&one).execute(connection)?;
    let new = NewThing{n} {{
        name: "new".to_owned(),
        email: None,
        age: {n},
        score: 1.5,
        is_active: true,
        note: None,
        rank: 3,
        weight: None,
        city: "Bern".to_owned(),
    }};
    let _key: i64 = diesel::insert_into(thing{n}s::table)
        .values(&new)
        .returning(thing{n}s::id)
        .get_result(connection)?;
    Ok(found.len())
}}
"#
    )
}

fn sea_entity(n: usize) -> String {
    format!(
        r#"
pub mod thing{n} {{
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "thing{n}s")]
    pub struct Model {{
        #[sea_orm(primary_key)]
        pub id: i64,
        pub name: String,
        pub email: Option<String>,
        pub age: i64,
        pub score: f64,
        pub is_active: bool,
        pub note: Option<String>,
        pub rank: i32,
        pub weight: Option<f64>,
        pub city: String,
    }}

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {{}}

    impl ActiveModelBehavior for ActiveModel {{}}
}}

pub fn use_thing{n}(connection: &sea_orm::DatabaseConnection, name: &str) -> Result<usize, sea_orm::DbErr> {{
    use sea_orm::{{ActiveModelTrait, ColumnTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, Set}};
    let found = thing{n}::Entity::find()
        .filter(thing{n}::Column::Name.eq(name).and(thing{n}::Column::Age.gt({n})))
        .order_by_desc(thing{n}::Column::Score)
        .limit(10)
        .all(connection)?;
    if let Some(one) = thing{n}::Entity::find_by_id(1).one(connection)? {{
        let age = one.age + 1;
        let mut one = one.into_active_model();
        one.age = Set(age);
        one.update(connection)?;
    }}
    let new = thing{n}::ActiveModel {{
        name: Set("new".to_owned()),
        age: Set({n}),
        score: Set(1.5),
        is_active: Set(true),
        rank: Set(3),
        city: Set("Bern".to_owned()),
        ..Default::default()
    }};
    new.insert(connection)?;
    Ok(found.len())
}}
"#
    )
}
