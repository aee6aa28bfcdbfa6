//! Mapping: embedded structs, fields with rules of their own, deferred columns.

mod support;

use aludel::prelude::*;
use aludel::{ColumnMeta, Error, Value};
use support::on_each;

#[derive(Embedded, Debug, Clone, PartialEq)]
struct Geo {
    lat: f64,
    #[column(name = "lon")]
    long: f64,
}

#[derive(Embedded, Debug, Clone, PartialEq)]
struct Address {
    street: String,
    #[column(index)]
    city: Option<String>,
    #[column(flatten, prefix = "geo_")]
    geo: Option<Geo>,
}

/// Times that several entities have.
#[derive(Embedded, Debug, Clone, PartialEq)]
struct Times {
    #[column(created)]
    created: Timestamp,
    #[column(updated)]
    updated: Timestamp,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "customers")]
struct Customer {
    #[column(flatten, prefix = "home_")]
    home: Address,
    #[column(primary_key)]
    id: Id<Customer>,
    name: String,
    #[column(flatten, prefix = "work_")]
    work: Option<Address>,
    #[column(flatten, default = Times::new())]
    times: Times,
    #[column(skip)]
    visits: u32,
    #[column(version)]
    version: u32,
}

fn address(street: &str, city: &str) -> Address {
    let mut address = Address::new(street);
    address.city = Some(city.into());
    address
}

#[test]
fn flattened_columns_have_their_prefixes() {
    let names: Vec<&str> = Customer::META.columns.iter().map(|column| column.name).collect();
    let expected = "home_street home_city home_geo_lat home_geo_lon id name work_street work_city work_geo_lat \
                    work_geo_lon created updated version";
    assert_eq!(names.join(" "), expected);
    let nullable = |column: &&ColumnMeta| column.nullable;
    assert_eq!(Customer::META.columns.iter().filter(nullable).count(), 3 + 4);
    assert_eq!((Customer::META.key, Customer::META.version), (&[4][..], Some(12)));
}

#[test]
fn embedded_structs_come_back_as_they_were_written() {
    on_each(|engine| {
        engine.create_all(schema![Customer])?;
        let mut session = engine.session()?;
        let mut mike = Customer::new(address("High Street", "Leeds"), "Mike");
        mike.work = Some(Address {
            geo: Some(Geo::new(53.8, -1.5)),
            ..address("Mill Lane", "York")
        });
        session.add(mike.clone());
        session.add(Customer::new(Address::new("Low Street"), "Nick"));
        session.commit()?;
        let found = engine.connect()?.query::<Customer>().order_by(|c| c.id).fetch()?;
        assert_eq!((&found[0].home, &found[0].work), (&mike.home, &mike.work));
        assert_eq!((found[1].home.city.as_deref(), &found[1].work), (None, &None));
        Ok(())
    });
}

#[test]
fn columns_of_embedded_structs_stand_in_queries() {
    on_each(|engine| {
        engine.create_all(schema![Customer])?;
        let mut session = engine.session()?;
        session.add(Customer::new(address("High Street", "Leeds"), "Mike"));
        let mut nick = Customer::new(address("Low Street", "York"), "Nick");
        nick.work = Some(Address {
            geo: Some(Geo::new(1.5, 2.5)),
            ..address("Mill Lane", "Hull")
        });
        session.add(nick);
        let name = |session: &mut Session, city: &str| {
            session
                .query::<Customer>()
                .filter(|c| c.home.city.eq(city))
                .select(|c| c.name)
                .fetch_one()
        };
        assert_eq!(name(&mut session, "York")?, "Nick");
        let far = session
            .query::<Customer>()
            .filter(|c| c.work.geo.lat.gt(1.0))
            .select(|c| (c.work.city, c.work.geo.long));
        assert_eq!(far.fetch()?, [(Some("Hull".to_owned()), Some(2.5))]);
        let order = session
            .query::<Customer>()
            .order_by(|c| c.home.street.desc())
            .select(|c| c.home.street)
            .fetch()?;
        assert_eq!(order, ["Low Street", "High Street"]);
        Ok(())
    });
}

#[test]
fn a_change_in_an_embedded_struct_writes_its_column_only() {
    on_each(|engine| {
        engine.create_all(schema![Customer])?;
        let mut session = engine.session()?;
        let mike = session.add(Customer::new(address("High Street", "Leeds"), "Mike"));
        session.commit()?;
        session[mike].home.city = Some("York".into());
        assert_eq!(session.changes()[0].columns, ["home_city"]);
        session.commit()?;
        let city = engine
            .connect()?
            .query::<Customer>()
            .select(|c| c.home.city)
            .fetch_one()?;
        assert_eq!(city.as_deref(), Some("York"));
        Ok(())
    });
}

#[test]
fn an_optional_embedded_struct_comes_and_goes() {
    on_each(|engine| {
        engine.create_all(schema![Customer])?;
        let mut session = engine.session()?;
        let mike = session.add(Customer::new(address("High Street", "Leeds"), "Mike"));
        session.commit()?;
        session[mike].work = Some(address("Mill Lane", "York"));
        session.commit()?;
        session.refresh(mike)?;
        assert_eq!(session[mike].work, Some(address("Mill Lane", "York")));
        session[mike].work = None;
        session.commit()?;
        session.refresh(mike)?;
        assert_eq!(session[mike].work, None);
        Ok(())
    });
}

#[test]
fn a_rollback_restores_embedded_structs_and_leaves_skipped_fields() {
    on_each(|engine| {
        engine.create_all(schema![Customer])?;
        let mut session = engine.session()?;
        let mike = session.add(Customer::new(address("High Street", "Leeds"), "Mike"));
        session.commit()?;
        session[mike].visits = 7;
        session[mike].work = Some(address("Mill Lane", "York"));
        session.flush()?;
        session[mike].home.geo = Some(Geo::new(1.0, 2.0));
        session.rollback()?;
        assert_eq!(
            (&session[mike].work, &session[mike].home.geo, session[mike].visits),
            (&None, &None, 7)
        );
        session[mike].work = Some(address("Mill Lane", "York"));
        session.commit()?;
        session[mike].work = None;
        session.rollback()?;
        assert_eq!(session[mike].work, Some(address("Mill Lane", "York")));
        Ok(())
    });
}

#[test]
fn merging_takes_embedded_structs_over() {
    on_each(|engine| {
        engine.create_all(schema![Customer])?;
        let mut session = engine.session()?;
        let mike = session.add(Customer::new(address("High Street", "Leeds"), "Mike"));
        session.commit()?;
        let mut plain = session[mike].clone();
        plain.work = Some(address("Mill Lane", "York"));
        assert_eq!(session.merge(plain.clone())?, mike);
        session.commit()?;
        assert_eq!(session[mike].work, plain.work);
        Ok(())
    });
}

#[test]
fn times_of_creation_and_change_are_kept() {
    on_each(|engine| {
        engine.create_all(schema![Customer])?;
        let mut session = engine.session()?;
        let mut customer = Customer::new(address("High Street", "Leeds"), "Mike");
        let long_ago: Timestamp = "2001-02-03T04:05:06Z".parse().unwrap();
        customer.times = Times {
            created: long_ago,
            updated: long_ago,
        };
        let mike = session.add(customer);
        session.commit()?;
        session[mike].name = "Mikael".into();
        session.commit()?;
        assert_eq!(session[mike].times.created, long_ago);
        let changed = session[mike].times.updated;
        assert!(changed > long_ago);
        session.refresh(mike)?;
        assert!(session[mike].times.updated > long_ago);
        // What the program says itself is not overwritten.
        session[mike].times.updated = long_ago;
        session.commit()?;
        session.refresh(mike)?;
        assert_eq!(session[mike].times.updated, long_ago);
        // An UPDATE by query stamps as well.
        session.update::<Customer>().set(|c| c.name.to("M")).run()?;
        assert!(session[mike].times.updated > long_ago);
        Ok(())
    });
}

#[test]
fn the_time_of_creation_cannot_be_changed() {
    on_each(|engine| {
        engine.create_all(schema![Customer])?;
        let mut session = engine.session()?;
        let mike = session.add(Customer::new(address("High Street", "Leeds"), "Mike"));
        session.commit()?;
        session[mike].times.created = "2001-02-03T04:05:06Z".parse().unwrap();
        let message = session.commit().unwrap_err().to_string();
        let expected = "`created` of the row of `customers` with the key 1 was changed, but it is immutable";
        assert!(message.starts_with(expected), "{message}");
        session.refresh(mike)?;
        session.commit()
    });
}

#[derive(Embedded, Debug, Clone, PartialEq)]
struct Manager {
    budget: i64,
    #[column(validate = is_office)]
    office: Option<String>,
}

fn is_office(name: &str) -> Result<(), String> {
    match name.len() {
        2 => Ok(()),
        _ => Err(format!("'{name}' is no office")),
    }
}

#[derive(Embedded, Debug, Clone, PartialEq)]
struct Engineer {
    language: String,
}

#[derive(Embedded, Debug, Clone, PartialEq)]
#[embedded(tag = "kind")]
enum Role {
    Manager(Manager),
    #[embedded(value = "eng", prefix = "eng_")]
    Engineer(Engineer),
    Guest,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "employees", validate = Employee::check)]
struct Employee {
    #[column(primary_key)]
    id: Id<Employee>,
    name: String,
    #[column(flatten)]
    role: Role,
}

impl Employee {
    fn check(&self) -> Result<(), &'static str> {
        match self.name.is_empty() {
            true => Err("an employee has a name"),
            false => Ok(()),
        }
    }
}

fn staff(session: &mut Session) -> aludel::Result<Vec<Handle<Employee>>> {
    let ann = Role::Manager(Manager {
        budget: 900,
        office: Some("A1".into()),
    });
    let staff = [
        ("Ann", ann),
        ("Bob", Role::Engineer(Engineer::new("Rust"))),
        ("Eve", Role::Guest),
    ];
    let handles = session.add_all(staff.map(|(name, role)| Employee::new(name, role)));
    session.commit()?;
    Ok(handles)
}

#[test]
fn single_table_inheritance_keeps_variants_in_one_table() {
    on_each(|engine| {
        engine.create_all(schema![Employee])?;
        let names: Vec<&str> = Employee::META.columns.iter().map(|column| column.name).collect();
        assert_eq!(names, ["id", "name", "kind", "budget", "office", "eng_language"]);
        let mut session = engine.session()?;
        let handles = staff(&mut session)?;
        let expected: Vec<Employee> = handles.iter().map(|handle| session[*handle].clone()).collect();
        let found = engine.connect()?.query::<Employee>().order_by(|e| e.id).fetch()?;
        assert_eq!(found, expected);
        Ok(())
    });
}

#[test]
fn single_table_inheritance_queries_by_variant_and_its_columns() {
    on_each(|engine| {
        engine.create_all(schema![Employee])?;
        let mut session = engine.session()?;
        staff(&mut session)?;
        let managers = session
            .query::<Employee>()
            .filter(|e| e.role.is_manager())
            .select(|e| e.name)
            .fetch()?;
        assert_eq!(managers, ["Ann"]);
        let tags = session
            .query::<Employee>()
            .order_by(|e| e.id)
            .select(|e| e.role.kind)
            .fetch()?;
        assert_eq!(tags, ["manager", "eng", "guest"]);
        let rust = session
            .query::<Employee>()
            .filter(|e| e.role.engineer.language.eq("Rust"))
            .count()?;
        let rich = session
            .query::<Employee>()
            .filter(|e| e.role.manager.budget.gt(899))
            .count()?;
        assert_eq!((rust, rich), (1, 1));
        Ok(())
    });
}

#[test]
fn single_table_inheritance_changes_the_variant_and_rolls_it_back() {
    on_each(|engine| {
        engine.create_all(schema![Employee])?;
        let mut session = engine.session()?;
        let staff = staff(&mut session)?;
        session[staff[1]].role = Role::Manager(Manager::new(5));
        assert_eq!(session.changes()[0].columns, ["kind", "budget", "eng_language"]);
        session.flush()?;
        session.rollback()?;
        assert_eq!(session[staff[1]].role, Role::Engineer(Engineer::new("Rust")));
        session[staff[1]].role = Role::Guest;
        session.commit()?;
        session.refresh(staff[1])?;
        assert_eq!(session[staff[1]].role, Role::Guest);
        if let Role::Manager(manager) = &mut session[staff[0]].role {
            manager.budget += 1;
        }
        assert_eq!(session.changes()[0].columns, ["budget"]);
        Ok(())
    });
}

#[test]
fn a_variant_that_the_program_does_not_know_is_an_error() {
    on_each(|engine| {
        engine.create_all(schema![Employee])?;
        let mut session = engine.session()?;
        staff(&mut session)?;
        engine
            .connect()?
            .execute("UPDATE employees SET kind = 'robot' WHERE id = 1", &[])?;
        let mut session = engine.session()?;
        let message = session.get::<Employee>(1).unwrap_err().to_string();
        assert!(
            message.contains("`employees.kind`") && message.contains("'manager', 'eng', 'guest'"),
            "{message}"
        );
        Ok(())
    });
}

#[test]
fn rules_are_asked_before_an_insert() {
    on_each(|engine| {
        engine.create_all(schema![Employee])?;
        let mut session = engine.session()?;
        let nobody = session.add(Employee::new("", Role::Guest));
        let error = session.commit().unwrap_err();
        assert!(matches!(
            error,
            Error::Invalid {
                entity: "Employee",
                field: "",
                ..
            }
        ));
        assert_eq!(
            error.to_string(),
            "Employee with the key NULL: an employee has a name"
        );
        session[nobody].name = "Ann".into();
        session.commit()
    });
}

#[test]
fn rules_are_asked_before_an_update_also_of_embedded_fields() {
    on_each(|engine| {
        engine.create_all(schema![Employee])?;
        let mut session = engine.session()?;
        let ann = staff(&mut session)?[0];
        session[ann].role = Role::Manager(Manager {
            budget: 1,
            office: Some("attic".into()),
        });
        let error = session.commit().unwrap_err();
        assert_eq!(
            error.to_string(),
            "Employee with the key 1: `office` 'attic' is no office"
        );
        session[ann].role = Role::Manager(Manager {
            budget: 1,
            office: None,
        });
        session.commit()?;
        assert_eq!(
            engine
                .connect()?
                .query::<Employee>()
                .filter(|e| e.role.manager.budget.eq(1))
                .count()?,
            1
        );
        Ok(())
    });
}

#[test]
fn a_listener_may_mend_what_a_rule_would_refuse() {
    on_each(|engine| {
        engine.create_all(schema![Employee])?;
        engine.listen(|on| {
            on.before_insert::<Employee>(|employee| {
                if employee.name.is_empty() {
                    employee.name = "nobody".into();
                }
                Ok(())
            })
        });
        let mut session = engine.session()?;
        session.add(Employee::new("", Role::Guest));
        session.commit()
    });
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "books")]
struct Book {
    #[column(primary_key)]
    id: Id<Book>,
    title: String,
    #[column(group = "long")]
    text: Deferred<String>,
    #[column(group = "long")]
    notes: Deferred<Option<String>>,
    cover: Deferred<Vec<u8>>,
    #[column(immutable)]
    isbn: String,
    #[column(read_only, server_default = "5")]
    stock: i64,
}

fn books(engine: &Engine) -> aludel::Result<()> {
    engine.create_all(schema![Book])?;
    let mut session = engine.session()?;
    for i in 0..3 {
        let mut book = Book::new(
            format!("title {i}"),
            format!("text {i}"),
            None,
            vec![i as u8; 3],
            format!("isbn {i}"),
        );
        if i == 1 {
            book.notes = Some("note".to_owned()).into();
        }
        session.add(book);
    }
    session.commit()
}

#[test]
fn deferred_columns_are_left_out_until_asked_for() {
    on_each(|engine| {
        books(&engine)?;
        let mut session = engine.session()?;
        let books = session.query::<Book>().order_by(|b| b.id).all()?;
        assert!(books.iter().all(|book| !session[*book].text.is_loaded()));
        assert_statements!(1, session.load_columns(&books, |b| b.text)?);
        assert_eq!(session[books[2]].text.get().map(String::as_str), Some("text 2"));
        assert!(!session[books[2]].cover.is_loaded());
        assert_statements!(1, session.load_columns(&books[..1], |b| (b.cover, b.notes))?);
        assert_eq!(session[books[0]].cover, vec![0_u8; 3].into());
        assert_eq!(session[books[0]].notes, Deferred::Loaded(None));
        Ok(())
    });
}

#[test]
fn deferred_columns_are_loaded_by_group() {
    on_each(|engine| {
        books(&engine)?;
        let mut session = engine.session()?;
        let books = session.query::<Book>().order_by(|b| b.id).all()?;
        session.load_group(&books, "long")?;
        assert_eq!(session[books[1]].notes, Deferred::Loaded(Some("note".into())));
        assert!(session[books[1]].text.is_loaded() && !session[books[1]].cover.is_loaded());
        let error = session.load_group(&books, "short").unwrap_err().to_string();
        assert_eq!(error, "`Book` has no column with `group = \"short\"`");
        Ok(())
    });
}

#[test]
fn what_was_not_loaded_is_not_written() {
    on_each(|engine| {
        books(&engine)?;
        let mut session = engine.session()?;
        let book = session.get::<Book>(1)?;
        session[book].title = "new".into();
        assert_eq!(session.changes()[0].columns, ["title"]);
        session.commit()?;
        session[book].text = "rewritten".into();
        assert_eq!(session.changes()[0].columns, ["text"]);
        session.commit()?;
        let mut other = engine.session()?;
        let text = other
            .query::<Book>()
            .filter(|b| b.text.eq("rewritten"))
            .select(|b| (b.title, b.text))
            .fetch_one()?;
        assert_eq!(text, ("new".to_owned(), "rewritten".into()));
        Ok(())
    });
}

#[test]
fn loading_keeps_a_value_that_was_set() {
    on_each(|engine| {
        books(&engine)?;
        let mut session = engine.session()?;
        let books = session.query::<Book>().order_by(|b| b.id).all()?;
        session.set_autoflush(false);
        session[books[0]].text = "mine".into();
        session[books[1]].title = "other".into();
        session.load_columns(&books, |b| b.text)?;
        assert_eq!(session[books[0]].text, "mine".into());
        assert_eq!(session[books[1]].text, "text 1".into());
        let changed: Vec<_> = session
            .changes()
            .into_iter()
            .map(|change| change.columns)
            .collect();
        assert_eq!(changed, [["text"], ["title"]]);
        session.rollback()?;
        assert_eq!(session[books[0]].text, "text 0".into());
        Ok(())
    });
}

#[test]
fn read_only_and_immutable_fields_refuse_changes() {
    on_each(|engine| {
        books(&engine)?;
        let mut session = engine.session()?;
        let book = session.get::<Book>(2)?;
        assert_eq!(session[book].stock, 5);
        session[book].stock = 6;
        let message = session.flush().unwrap_err().to_string();
        assert!(
            message.contains("`stock` of the row of `books` with the key 2") && message.contains("read-only"),
            "{message}"
        );
        session.refresh(book)?;
        session[book].isbn = "x".into();
        assert!(session.flush().unwrap_err().to_string().contains("immutable"));
        session.rollback()?;
        assert_eq!((session[book].stock, session[book].isbn.as_str()), (5, "isbn 1"));
        Ok(())
    });
}

#[test]
fn a_read_only_field_is_read_back_after_the_insert() {
    on_each(|engine| {
        engine.create_all(schema![Book])?;
        let mut session = engine.session()?;
        let mut book = Book::new("t", "x", None, vec![1], "i");
        book.stock = 99;
        let book = session.add(book);
        session.commit()?;
        assert_eq!(session[book].stock, 5);
        Ok(())
    });
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "folders")]
#[has_many(notes: Note, by = folder, cascade = "delete", order_by = id)]
struct Folder {
    #[column(primary_key)]
    id: Id<Folder>,
    name: String,
    #[column(soft_delete)]
    deleted: Option<Timestamp>,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "notes")]
struct Note {
    #[column(primary_key)]
    id: Id<Note>,
    folder: Fk<Folder>,
    text: String,
    #[column(soft_delete)]
    gone: bool,
    #[column(version)]
    version: u32,
}

fn folders(session: &mut Session) -> aludel::Result<(Handle<Folder>, Vec<Handle<Note>>)> {
    session.engine().create_all(schema![Folder, Note])?;
    let folder = session.add(Folder::new("work"));
    session.add(Folder::new("home"));
    let notes = session.add_all(["a", "b", "c"].map(|text| Note::new(folder, text)));
    session.commit()?;
    Ok((folder, notes))
}

#[test]
fn soft_delete_marks_the_row_and_queries_leave_it_out() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let (_, notes) = folders(&mut session)?;
        session.delete(notes[1]);
        session.commit()?;
        assert!(!session.contains(notes[1]));
        assert_eq!(session.query::<Note>().count()?, 2);
        assert_eq!(session.query::<Note>().with_deleted().count()?, 3);
        assert_eq!(session.find::<Note>(2)?, None);
        assert!(matches!(session.get::<Note>(2), Err(Error::NotFound { .. })));
        assert_eq!(session.get_many::<Note>([1.into(), 2.into(), 3.into()])?.len(), 2);
        session.rollback()?;
        let raw: i64 = engine
            .connect()?
            .scalar("SELECT count(*) FROM notes WHERE gone", &[])?;
        assert_eq!(raw, 1);
        Ok(())
    });
}

#[test]
fn soft_deleted_rows_are_not_among_related_rows() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let (folder, notes) = folders(&mut session)?;
        session.delete(notes[0]);
        session.commit()?;
        assert_eq!(session.related(folder, |f| f.notes)?, [notes[1], notes[2]]);
        let eager = session
            .query::<Folder>()
            .order_by(|f| f.id)
            .with(|f| f.notes)
            .fetch()?;
        assert_eq!(
            eager.iter().map(|(_, notes)| notes.len()).collect::<Vec<_>>(),
            [2, 0]
        );
        let joined = session.query::<Folder>().join(|f| f.notes).count()?;
        assert_eq!(joined, 2);
        let left = session
            .query::<Folder>()
            .left_join(|f| f.notes)
            .select(|(_, n)| n.text)
            .fetch()?;
        assert_eq!(left.len(), 3);
        let counts = session
            .query::<Folder>()
            .order_by(|f| f.id)
            .select(|f| f.notes.count())
            .fetch()?;
        assert_eq!(counts, [2, 0]);
        Ok(())
    });
}

#[test]
fn a_reference_leads_to_a_soft_deleted_row() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let (_, notes) = folders(&mut session)?;
        session
            .update::<Folder>()
            .set(|f| f.deleted.to(Some(Timestamp::now())))
            .filter(|f| f.id.eq(1))
            .run()?;
        session.commit()?;
        let mut session = engine.session()?;
        let note = session.get::<Note>(1)?;
        let folder = session.related(note, |n| n.folder)?;
        assert!(session[folder].deleted.is_some());
        assert_eq!(notes.len(), 3);
        Ok(())
    });
}

#[test]
fn soft_delete_cascades_to_rows_that_mark_as_well() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let (folder, _) = folders(&mut session)?;
        session.delete(folder);
        session.commit()?;
        assert_eq!(
            (
                session.query::<Folder>().count()?,
                session.query::<Note>().count()?
            ),
            (1, 0)
        );
        assert_eq!(session.query::<Note>().with_deleted().count()?, 3);
        Ok(())
    });
}

#[test]
fn a_soft_deleted_row_can_be_brought_back() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let (_, notes) = folders(&mut session)?;
        session.delete(notes[2]);
        session.commit()?;
        let note = session
            .query::<Note>()
            .with_deleted()
            .filter(|n| n.text.eq("c"))
            .one()?;
        assert!(session[note].gone);
        assert_eq!(session[note].version, 2);
        session[note].gone = false;
        session.commit()?;
        assert_eq!(session.query::<Note>().count()?, 3);
        assert_eq!(session.get::<Note>(3)?, note);
        Ok(())
    });
}

#[test]
fn purging_deletes_for_good_with_what_depends_on_the_row() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let (folder, notes) = folders(&mut session)?;
        session.delete(notes[0]);
        session.commit()?;
        session.purge(folder);
        session.commit()?;
        assert_eq!(session.query::<Note>().with_deleted().count()?, 0);
        assert_eq!(session.query::<Folder>().with_deleted().count()?, 1);
        Ok(())
    });
}

#[test]
fn a_rolled_back_soft_delete_leaves_the_row() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let (folder, notes) = folders(&mut session)?;
        session.delete(folder);
        session.flush()?;
        assert_eq!(session.query::<Folder>().count()?, 1);
        session.rollback()?;
        assert!(session.contains(folder) && session[folder].deleted.is_none());
        assert_eq!(session.related(folder, |f| f.notes)?, notes);
        Ok(())
    });
}

#[test]
fn a_stale_soft_delete_is_an_error() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let (_, notes) = folders(&mut session)?;
        engine
            .connect()?
            .execute("UPDATE notes SET version = 7 WHERE id = 1", &[])?;
        session.delete(notes[0]);
        assert!(matches!(
            session.commit(),
            Err(Error::Stale { table: "notes", .. })
        ));
        session.rollback()
    });
}

#[test]
fn deleting_by_query_marks_and_for_good_deletes() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let (_, notes) = folders(&mut session)?;
        assert_eq!(
            session.delete_where::<Note>().filter(|n| n.text.eq("a")).run()?,
            1
        );
        assert_eq!(
            session.delete_where::<Note>().filter(|n| n.text.eq("a")).run()?,
            0
        );
        assert_eq!(session.query::<Note>().with_deleted().count()?, 3);
        session.commit()?;
        assert!(!session.contains(notes[0]) && session.contains(notes[1]));
        assert_eq!(session.update::<Note>().set(|n| n.text.to("x")).run()?, 2);
        assert_eq!(session.delete_where::<Note>().for_good().run()?, 3);
        assert_eq!(session.query::<Note>().with_deleted().count()?, 0);
        session.commit()?;
        let mut connection = engine.connect()?;
        connection.insert([Folder::new("third")]).run()?;
        connection
            .delete::<Folder>()
            .filter(|f| f.name.eq("third"))
            .run()?;
        let marked: i64 = connection.scalar("SELECT count(*) FROM folders WHERE deleted IS NOT NULL", &[])?;
        assert_eq!(marked, 1);
        Ok(())
    });
}

#[test]
fn a_value_that_does_not_fit_an_absent_struct_is_an_error() {
    let mut customer = Customer::new(address("High Street", "Leeds"), "Mike");
    let (work_street, _) = Customer::META.column("work_street").unwrap();
    assert!(customer.set(work_street, Value::Null).is_ok());
    let message = customer
        .set(work_street, Value::from("x"))
        .unwrap_err()
        .to_string();
    assert!(message.contains("assign the field as a whole"), "{message}");
}
