//! Every kind of change of a schema, on each backend: the migration that is made of the difference brings the live database to the metadata
//! and back, keeps the rows, and leaves no difference behind.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use aludel::migrate::{Hints, Migrations, Operation, SqlMigration};
use aludel::prelude::*;
use aludel::schema::{
    Check, ColumnDefault, Deferrable, ForeignKey, Index, IndexPart, ReferenceAction, Table, TableColumn,
    Unique, View,
};
use aludel::{Kind, Value};
use support::{everything, matrix, on_each};

/// A change: from the library of [`authors`] and [`books`], made into something first, to something else.
struct Change {
    old: Schema,
    new: Schema,
    hints: Hints,
    /// SQL that runs before the change, beside the library's rows.
    rows: &'static [&'static str],
    /// Queries of one number after the change.
    then: Vec<(&'static str, i64)>,
    /// Why it has no meaning on these backends.
    not_on: Option<(&'static [&'static str], &'static str)>,
}

impl Change {
    fn new(old: impl FnOnce(&mut Table, &mut Table), new: impl FnOnce(&mut Table, &mut Table)) -> Change {
        Change {
            old: library(old),
            new: library(new),
            hints: Hints::new(),
            rows: &[],
            then: Vec::new(),
            not_on: None,
        }
    }

    fn to(new: impl FnOnce(&mut Table, &mut Table)) -> Change {
        Change::new(|_, _| {}, new)
    }

    fn hints(mut self, hints: Hints) -> Change {
        self.hints = hints;
        self
    }

    fn rows(mut self, rows: &'static [&'static str]) -> Change {
        self.rows = rows;
        self
    }

    fn then(mut self, query: &'static str, answer: i64) -> Change {
        self.then.push((query, answer));
        self
    }

    fn not_on(mut self, backends: &'static [&'static str], why: &'static str) -> Change {
        self.not_on = Some((backends, why));
        self
    }

    fn check(self) {
        on_each(|engine| {
            if let Some((backends, why)) = self.not_on
                && backends.contains(&engine.dialect().name())
            {
                return matrix::not_applicable(why);
            }
            self.run(&engine)
        });
    }

    fn run(&self, engine: &Engine) -> aludel::Result<()> {
        engine.drop_all(everything())?;
        engine.create_all(self.old.clone())?;
        fill(engine, self.rows)?;
        assert_same(engine, &self.old, "as created");
        let before = contents(engine)?;

        let plan = engine.plan(&self.new, &self.hints)?;
        assert!(!plan.is_empty(), "no difference was found");
        let text = plan.file(engine.dialect())?;
        let migrations = Migrations::new().with(SqlMigration::parse("1_change.sql", &text)?);
        let shown = |error| panic!("{error}\n{text}");
        engine.migrate(&migrations).unwrap_or_else(shown);
        assert_same(engine, &self.new, &text);
        for (query, answer) in &self.then {
            let found: i64 = engine.connect()?.scalar(query, &[])?;
            assert_eq!(found, *answer, "{query}\n{text}");
        }
        assert_kept(&before, &contents(engine)?, plan.operations(), &text);

        engine.migrate_to(&migrations, 0).unwrap_or_else(shown);
        assert_same(engine, &self.old, &text);
        let back = plan.reversed();
        let lost: Vec<Operation> = [plan.operations(), back.operations()].concat();
        assert_kept(
            &without_lost(&before, plan.operations()),
            &contents(engine)?,
            &[],
            &format!("{lost:?}\n{text}"),
        );

        engine.migrate(&migrations).unwrap_or_else(shown);
        assert_same(engine, &self.new, &text);
        Ok(())
    }
}

fn library(change: impl FnOnce(&mut Table, &mut Table)) -> Schema {
    let (mut authors, mut books) = (authors(), books());
    change(&mut authors, &mut books);
    Schema::new().with_table(authors).with_table(books)
}

fn column(name: &str, kind: Kind) -> TableColumn {
    TableColumn::new(name, kind)
}

fn authors() -> Table {
    Table::new("authors")
        .with_column(column("id", Kind::Int(64)).auto())
        .with_column(column("name", Kind::Text))
        .with_column(column("born", Kind::Int(32)).nullable())
        .with_column(column("rating", Kind::Int(32)).default(ColumnDefault::Int(3)))
        .with_primary_key(["id"])
}

fn books() -> Table {
    Table::new("books")
        .with_column(column("id", Kind::Int(64)).auto())
        .with_column(column("author", Kind::Int(64)))
        .with_column(column("title", Kind::Text))
        .with_column(column("price", Kind::Real(64)).nullable())
        .with_column(column("note", Kind::Text).nullable())
        .with_primary_key(["id"])
        .with_foreign_key(ForeignKey::new(["author"], "authors", ["id"]))
}

/// The library's rows, and others.
fn fill(engine: &Engine, rows: &[&str]) -> aludel::Result<()> {
    let mut connection = engine.connect()?;
    let library = [
        "INSERT INTO authors (id, name, born) VALUES (1, 'Lem', 1921), (2, 'Le Guin', 1929), (5, 'Anon', NULL)",
        "INSERT INTO books (id, author, title, price, note) VALUES (1, 1, 'Solaris', 9.5, 'it''s wet'), \
         (2, 1, 'Fiasco', NULL, NULL), (3, 2, 'The Dispossessed', 12.25, ''), (9, 5, 'Beowulf', 3.0, NULL)",
    ];
    library
        .iter()
        .chain(rows)
        .try_for_each(|sql| connection.execute_batch(sql))
}

#[track_caller]
fn assert_same(engine: &Engine, schema: &Schema, context: &str) {
    let mut schema = schema.clone();
    if engine.dialect().name() == "mysql" {
        // A view cannot be asked for in the server's own words.
        let views = engine.reflect().unwrap().views().to_vec();
        assert_eq!(views.len(), schema.views().len(), "{context}");
        schema = schema
            .tables()
            .iter()
            .cloned()
            .fold(Schema::new(), Schema::with_table);
        schema = views.into_iter().fold(schema, Schema::with_view);
    }
    let plan = engine.plan(&schema, &Hints::new()).unwrap();
    assert!(
        plan.is_empty(),
        "there are differences:\n{plan}{:#?}\n{context}",
        plan.operations()
    );
}

/// Table, column: the values in the order of the rows' keys, as text.
type Contents = BTreeMap<(String, String), Vec<String>>;

fn contents(engine: &Engine) -> aludel::Result<Contents> {
    let mut all = Contents::new();
    let schema = engine.reflect()?;
    let mut connection = engine.connect()?;
    for table in schema
        .tables()
        .iter()
        .filter(|table| table.name != "aludel_migrations")
    {
        for column in &table.columns {
            let quoted = |name: &str| format!("\"{name}\"");
            let mut keys: Vec<String> = table.primary_key.iter().map(|key| quoted(key)).collect();
            if table.column("id").is_some() {
                keys = vec!["id".to_owned()];
            }
            let (name, of) = (quoted(&column.name), quoted(&table.name));
            let rows = connection.rows(
                &format!("SELECT {name} FROM {of} ORDER BY {}", keys.join(", ")),
                &[],
            )?;
            let values = rows.iter().map(|row| shown(&row[0])).collect();
            all.insert((table.name.clone(), column.name.clone()), values);
        }
    }
    Ok(all)
}

fn shown(value: &Value<'_>) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Bool(flag) => u8::from(*flag).to_string(),
        Value::Int(number) => number.to_string(),
        Value::Real(number) => number.to_string(),
        Value::Text(text) => text.to_string(),
        // The same number, with or without noughts at its end.
        Value::Decimal(number) => number.parse::<f64>().unwrap().to_string(),
        other => format!("{other:?}"),
    }
}

/// What the operations lose and change is no longer expected.
fn without_lost(before: &Contents, operations: &[Operation]) -> Contents {
    let mut lost = BTreeSet::new();
    let mut tables = BTreeSet::new();
    for operation in operations {
        match operation {
            Operation::DropColumn { table, column } => {
                lost.insert((table.clone(), column.name.clone()));
            }
            Operation::ReplaceColumn { table, to, .. } => {
                lost.insert((table.clone(), to.name.clone()));
            }
            // NULL that was filled stays so.
            Operation::AlterColumn { table, to, from, .. } if from.nullable && !to.nullable => {
                lost.insert((table.clone(), to.name.clone()));
            }
            Operation::DropTable(table) => {
                tables.insert(table.name.clone());
            }
            _ => {}
        }
    }
    before
        .iter()
        .filter(|((table, column), _)| {
            !lost.contains(&(table.clone(), column.clone())) && !tables.contains(table)
        })
        .map(|(place, values)| (place.clone(), values.clone()))
        .collect()
}

#[track_caller]
fn assert_kept(before: &Contents, after: &Contents, operations: &[Operation], context: &str) {
    for ((table, column), values) in without_lost(before, operations) {
        let (mut table, mut column) = (table, column);
        for operation in operations {
            match operation {
                Operation::RenameTable { from, to } if *from == table => table.clone_from(to),
                Operation::RenameColumn { table: of, from, to } if *of == table && *from == column => {
                    column.clone_from(to);
                }
                _ => {}
            }
        }
        let lost = operations.iter().any(|operation| match operation {
            Operation::DropColumn {
                table: of,
                column: gone,
            } => *of == table && gone.name == column,
            Operation::AlterColumn {
                table: of, from, to, ..
            } => *of == table && to.name == column && from.nullable && !to.nullable,
            _ => false,
        });
        if !lost {
            let found = after.get(&(table.clone(), column.clone()));
            assert_eq!(found, Some(&values), "{table}.{column}\n{context}");
        }
    }
}

/// A test for each kind of change.
macro_rules! changes {
    ($($name:ident: $change:expr;)*) => {
        $(
            #[test]
            fn $name() {
                $change.check();
            }
        )*
    };
}

fn set(table: &mut Table, name: &str, change: impl FnOnce(&mut TableColumn)) {
    change(
        table
            .columns
            .iter_mut()
            .find(|column| column.name == name)
            .unwrap(),
    );
}

fn drop_column(table: &mut Table, name: &str) {
    table.columns.retain(|column| column.name != name);
}

fn shelf() -> Table {
    Table::new("shelves")
        .with_column(column("id", Kind::Int(64)).auto())
        .with_column(column("room", Kind::Text))
        .with_column(column("book", Kind::Int(64)).nullable())
        .with_primary_key(["id"])
        .with_unique(Unique::new(["room", "book"]))
        .with_index(Index::new("ix_shelves_book", ["book"]))
        .with_foreign_key(ForeignKey::new(["book"], "books", ["id"]).on_delete(ReferenceAction::Cascade))
}

fn with_shelf(change: Change) -> Change {
    Change {
        new: change.new.with_table(shelf()),
        ..change
    }
}

fn reversed(change: Change) -> Change {
    Change {
        old: change.new,
        new: change.old,
        ..change
    }
}

changes! {
    // Tables
    a_new_table: with_shelf(Change::to(|_, _| {}));
    a_table_that_goes: reversed(with_shelf(Change::to(|_, _| {})))
        .rows(&["INSERT INTO shelves (id, room, book) VALUES (1, 'hall', 3)"]);
    a_table_with_another_name: Change::to(|authors, books| {
        authors.name = "writers".into();
        books.foreign_keys[0].table = "writers".into();
    }).hints(Hints::new().rename_table("authors", "writers")).then("SELECT count(*) FROM writers", 3);
    a_table_that_says_its_old_name: Change::to(|authors, books| {
        authors.name = "writers".into();
        authors.was = Some("authors".into());
        books.foreign_keys[0].table = "writers".into();
    });
    new_tables_in_a_circle: {
        let team = |name: &str, other: &str| Table::new(name)
            .with_column(column("id", Kind::Int(64)).auto())
            .with_column(column("other", Kind::Int(64)).nullable())
            .with_primary_key(["id"])
            .with_foreign_key(ForeignKey::new(["other"], other, ["id"]));
        let change = Change::to(|_, _| {});
        Change { new: change.new.with_table(team("left", "right")).with_table(team("right", "left")), ..change }
    };

    // Columns
    a_new_column_that_may_be_null: Change::to(|authors, _| {
        authors.columns.push(column("email", Kind::Text).nullable());
    }).then("SELECT count(*) FROM authors WHERE email IS NULL", 3);
    a_new_column_with_a_default: Change::to(|authors, _| {
        authors.columns.push(column("books", Kind::Int(64)).default(ColumnDefault::Int(7)));
    }).then("SELECT sum(books) FROM authors", 21);
    a_new_column_with_the_time_as_its_default: Change::to(|authors, _| {
        authors.columns.push(column("added", Kind::Timestamp).default(ColumnDefault::Now));
    }).then("SELECT count(*) FROM authors WHERE added > '2000-01-01'", 3);
    a_new_column_that_needs_a_value: Change::to(|authors, _| {
        authors.columns.push(column("initial", Kind::Text));
    }).hints(Hints::new().fill("authors", "initial", "substr(name, 1, 1)"))
        .then("SELECT count(*) FROM authors WHERE initial = 'L'", 2);
    a_new_column_with_an_index_and_a_foreign_key: Change::to(|_, books| {
        books.columns.push(column("translator", Kind::Int(64)).nullable());
        books.foreign_keys.push(ForeignKey::new(["translator"], "authors", ["id"]).on_delete(ReferenceAction::SetNull));
        books.indexes.push(Index::new("ix_books_translator", ["translator"]));
    });
    a_column_that_goes: Change::to(|_, books| drop_column(books, "note"));
    a_column_with_an_index_that_goes: Change::new(
        |_, books| books.indexes.push(Index::new("ix_books_price", ["price", "title"])),
        |_, books| drop_column(books, "price"),
    );
    a_column_that_cannot_be_null_goes: Change::to(|_, books| drop_column(books, "title"));
    a_column_with_another_name: Change::to(|_, books| set(books, "title", |c| c.name = "name".into()))
        .hints(Hints::new().rename_column("books", "title", "name"));
    a_column_that_says_its_old_name: Change::to(|_, books| set(books, "title", |c| {
        c.name = "Order".into();
        c.was = Some("title".into());
    }));
    a_column_with_another_name_and_all_that_stands_on_it: Change::new(
        |_, books| {
            books.uniques.push(Unique::new(["title", "author"]));
            books.indexes.push(Index::new("ix_books_title", ["title"]));
            books.checks.push(Check::new("price > 0"));
        },
        |_, books| {
            books.uniques.push(Unique::new(["name", "author"]));
            books.indexes.push(Index::new("ix_books_title", ["name"]));
            books.checks.push(Check::new("cost > 0"));
            set(books, "title", |c| c.name = "name".into());
            set(books, "price", |c| c.name = "cost".into());
        },
    ).hints(Hints::new().rename_column("books", "title", "name").rename_column("books", "price", "cost"));
    a_table_and_its_columns_with_other_names: Change::to(|authors, books| {
        authors.name = "writers".into();
        set(authors, "name", |c| c.name = "called".into());
        authors.columns.push(column("dead", Kind::Int(32)).nullable());
        set(authors, "id", |c| c.name = "number".into());
        authors.primary_key = vec!["number".into()];
        books.foreign_keys[0].table = "writers".into();
        books.foreign_keys[0].references = vec!["number".into()];
    }).hints(Hints::new()
        .rename_table("authors", "writers")
        .rename_column("writers", "name", "called")
        .rename_column("writers", "id", "number"))
        .then("SELECT count(*) FROM books b JOIN writers w ON w.number = b.author WHERE w.called = 'Lem'", 2);

    // Types
    a_wider_number: Change::to(|authors, _| set(authors, "born", |c| c.kind = Kind::Int(64)))
        .not_on(&["sqlite"], "numbers have one width");
    a_number_that_becomes_text: Change::to(|authors, _| set(authors, "born", |c| c.kind = Kind::Text))
        .then("SELECT count(*) FROM authors WHERE born LIKE '19%'", 2);
    a_text_that_becomes_a_number: Change::new(
        |authors, _| set(authors, "rating", |c| { c.kind = Kind::Text; c.default = Some(ColumnDefault::Text("4".into())); }),
        |_, _| {},
    ).then("SELECT sum(rating + 1) FROM authors", 15);
    a_number_that_becomes_a_truth_value: Change::new(
        |authors, _| set(authors, "rating", |c| { c.kind = Kind::Int(64); c.default = Some(ColumnDefault::Int(1)); }),
        |authors, _| set(authors, "rating", |c| { c.kind = Kind::Bool; c.default = Some(ColumnDefault::Bool(true)); }),
    );
    a_fraction_that_becomes_whole: Change::new(
        |_, books| set(books, "price", |c| c.kind = Kind::Int(64)),
        |_, _| {},
    );
    a_key_and_what_refers_to_it_with_another_type: Change::new(
        |_, _| {},
        |authors, books| {
            set(authors, "id", |c| c.kind = Kind::Int(32));
            set(books, "author", |c| c.kind = Kind::Int(32));
        },
    ).not_on(&["sqlite"], "numbers have one width");
    a_type_that_is_spelled_out: Change::to(|_, books| set(books, "price", |c| c.kind = Kind::Named("decimal(10,2)")));
    another_collation: Change::to(|authors, _| set(authors, "name", |c| c.collation = Some("nocase".into())))
        .then("SELECT count(*) FROM authors WHERE name = 'LEM'", 1)
        .not_on(&["postgresql", "mysql"], "collations have other names there");

    // NULL and defaults
    a_column_that_can_no_longer_be_null: Change::to(|authors, _| set(authors, "born", |c| c.nullable = false))
        .hints(Hints::new().fill("authors", "born", "1000 + id"))
        .then("SELECT born FROM authors WHERE id = 5", 1005);
    a_column_whose_default_stands_for_null: Change::to(|authors, _| set(authors, "born", |c| {
        c.nullable = false;
        c.default = Some(ColumnDefault::Int(1900));
    })).then("SELECT born FROM authors WHERE id = 5", 1900);
    a_column_that_may_be_null: Change::to(|_, books| set(books, "title", |c| c.nullable = true));
    a_new_default: Change::to(|_, books| set(books, "note", |c| c.default = Some(ColumnDefault::Text("it's new".into()))));
    another_default: Change::to(|authors, _| set(authors, "rating", |c| c.default = Some(ColumnDefault::Int(5))));
    a_default_that_is_computed: Change::to(|authors, _| {
        set(authors, "rating", |c| c.default = Some(ColumnDefault::Sql("abs(-7) + 1".into())));
    });
    a_default_that_goes: Change::to(|authors, _| set(authors, "rating", |c| c.default = None));

    // Keys and constraints
    a_new_unique_constraint: Change::to(|_, books| books.uniques.push(Unique::new(["author", "title"])));
    a_unique_constraint_that_goes: Change::new(
        |_, books| books.uniques.push(Unique::new(["title"])),
        |_, _| {},
    );
    a_unique_constraint_with_another_name: Change::new(
        |_, books| books.uniques.push(Unique::new(["title"]).named("one_title")),
        |_, books| books.uniques.push(Unique::new(["title"]).named("uq_books_title")),
    );
    a_new_check: Change::to(|_, books| books.checks.push(Check::new("price > 0 AND title <> 'it''s'")));
    a_check_that_goes: Change::new(
        |_, books| books.checks.push(Check::new("price > 0")),
        |_, _| {},
    );
    another_check: Change::new(
        |_, books| books.checks.push(Check::new("price > 0").named("dear")),
        |_, books| books.checks.push(Check::new("price>1 or note is null").named("dear")),
    );
    a_new_foreign_key: Change::new(
        |_, books| books.foreign_keys.clear(),
        |_, _| {},
    );
    a_foreign_key_that_goes: Change::to(|_, books| books.foreign_keys.clear());
    a_foreign_key_with_another_action: Change::to(|_, books| books.foreign_keys[0].on_delete = ReferenceAction::Cascade);
    a_foreign_key_that_is_checked_at_the_commit: Change::to(|_, books| {
        books.foreign_keys[0].deferrable = Deferrable::Deferred;
    }).not_on(&["mysql"], "foreign keys are checked at once");
    another_primary_key: Change::new(
        |authors, books| {
            books.foreign_keys.clear();
            set(authors, "id", |c| c.auto = false);
        },
        |authors, books| {
            books.foreign_keys.clear();
            set(authors, "id", |c| c.auto = false);
            authors.primary_key = vec!["name".into(), "id".into()];
        },
    );

    // Indexes
    a_new_index: Change::to(|_, books| books.indexes.push(Index::new("ix_books_title", ["title", "price"])));
    an_index_that_goes: Change::new(
        |_, books| books.indexes.push(Index::new("ix_books_title", ["title"])),
        |_, _| {},
    );
    an_index_with_another_name: Change::new(
        |_, books| books.indexes.push(Index::new("by_title", ["title"])),
        |_, books| books.indexes.push(Index::new("ix_books_title", ["title"])),
    );
    an_index_over_other_columns: Change::new(
        |_, books| books.indexes.push(Index::new("ix_books", ["title"])),
        |_, books| books.indexes.push(Index::new("ix_books", ["price"]).part(IndexPart::column("title").descending())),
    );
    an_index_that_becomes_unique: Change::new(
        |_, books| books.indexes.push(Index::new("ix_books", ["title"])),
        |_, books| books.indexes.push(Index::new("ix_books", ["title"]).unique()),
    );
    an_index_over_part_of_the_rows: Change::to(|_, books| {
        books.indexes.push(Index::new("ix_dear", ["title"]).unique().only_where("price > 10"));
    }).not_on(&["mysql"], "indexes are over all rows");
    an_index_over_an_expression: Change::to(|_, books| {
        books.indexes.push(Index::new("ix_lower", Vec::<String>::new()).part(IndexPart::expression("lower(title)")));
    }).not_on(&["mysql"], "indexes are over columns");
    an_index_that_carries_columns: Change::to(|_, books| {
        books.indexes.push(Index::new("ix_carry", ["title"]).include(["price"]));
    });

    // Computed columns
    a_new_computed_column: Change::to(|_, books| {
        books.columns.push(column("twice", Kind::Real(64)).nullable().generated("price * 2", true));
    }).then("SELECT count(*) FROM books WHERE twice = 19", 1);
    a_column_that_is_computed_otherwise: Change::new(
        |_, books| books.columns.push(column("twice", Kind::Real(64)).nullable().generated("price * 2", true)),
        |_, books| {
            books.columns.push(column("twice", Kind::Real(64)).nullable().generated("price * 3", true));
            books.indexes.push(Index::new("ix_twice", ["twice"]));
        },
    ).then("SELECT count(*) FROM books WHERE twice = 28.5", 1);
    a_computed_column_that_becomes_a_plain_one: Change::new(
        |_, books| books.columns.push(column("twice", Kind::Real(64)).nullable().generated("price * 2", true)),
        |_, books| books.columns.push(column("twice", Kind::Real(64)).nullable()),
    ).then("SELECT count(*) FROM books WHERE twice = 19", 1);

    // What is said about them
    comments: Change::to(|authors, _| {
        authors.comment = Some("who writes".into());
        set(authors, "born", |c| c.comment = Some("it's a year".into()));
    }).not_on(&["sqlite"], "there are no comments");
    table_options: Change::to(|authors, _| authors.strict = true)
        .not_on(&["postgresql", "mysql"], "SQLite's alone");

    // Views
    a_new_view: {
        let change = Change::to(|_, _| {});
        Change { new: change.new.with_view(View::new("dear", "SELECT id, title FROM books WHERE price > 10")), ..change }
            .then("SELECT count(*) FROM dear", 1)
    };

    // All at once
    many_changes_at_once: with_shelf(Change::new(
        |_, books| books.indexes.push(Index::new("ix_books_title", ["title"])),
        |authors, books| {
            set(authors, "name", |c| c.name = "called".into());
            set(authors, "born", |c| { c.kind = Kind::Int(64); c.nullable = false; c.default = Some(ColumnDefault::Int(0)); });
            authors.uniques.push(Unique::new(["called"]));
            authors.columns.push(column("email", Kind::Text).nullable());
            drop_column(authors, "rating");
            books.foreign_keys[0].on_delete = ReferenceAction::Cascade;
            books.checks.push(Check::new("price >= 0"));
            set(books, "note", |c| { c.nullable = false; c.default = Some(ColumnDefault::Text("none".into())); });
        },
    )).hints(Hints::new().rename_column("authors", "name", "called"))
        .then("SELECT count(*) FROM books WHERE note = 'none'", 2);
}
