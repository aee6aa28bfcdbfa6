//! Joined-table inheritance: an enum whose variants have tables of their own.

mod support;

use aludel::migrate::Hints;
use aludel::prelude::*;
use aludel::schema::{ReferenceAction, Table};
use aludel::{Error, assert_statements};
use support::on_each_with;

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "companies")]
#[has_many(staff: Employee, by = company, cascade = "delete", order_by = id)]
struct Company {
    #[column(primary_key)]
    id: Id<Company>,
    name: String,
}

#[derive(Embedded, Debug, Clone, PartialEq)]
struct Manager {
    budget: i64,
    #[column(name = "assistant_id")]
    assistant: Option<Fk<Employee>>,
}

#[derive(Embedded, Debug, Clone, PartialEq)]
struct Engineer {
    #[column(index)]
    language: String,
    #[column(unique)]
    desk: Option<i32>,
    #[column(default = 1, check = "level > 0")]
    level: i16,
}

#[derive(Embedded, Debug, Clone, PartialEq)]
#[embedded(tag = "role")]
enum Role {
    #[embedded(table = "managers")]
    Manager(Manager),
    #[embedded(table = "engineers", value = "eng")]
    Engineer(Engineer),
    Guest,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "employees", index(name, company))]
#[has_many(badges: Badge, by = owner, cascade = "delete", order_by = id)]
struct Employee {
    #[column(primary_key)]
    id: Id<Employee>,
    name: String,
    #[column(name = "company_id")]
    company: Fk<Company>,
    #[column(flatten)]
    role: Role,
    #[column(version)]
    version: u32,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "badges")]
struct Badge {
    #[column(primary_key)]
    id: Id<Badge>,
    #[column(name = "owner_id")]
    owner: Fk<Employee>,
    number: i64,
}

fn tables() -> Schema {
    schema![Company, Employee, Badge]
}

fn on_each(test: impl Fn(Engine) -> aludel::Result<()>) {
    on_each_with(tables, test);
}

fn manager(budget: i64) -> Role {
    Role::Manager(Manager::new(budget))
}

fn engineer(language: &str) -> Role {
    Role::Engineer(Engineer::new(language))
}

/// Ann manages, Bob and Cid are engineers, Eve is a guest; committed.
fn staff(session: &mut Session) -> aludel::Result<[Handle<Employee>; 4]> {
    let acme = session.add(Company::new("Acme"));
    let staff = [
        session.add(Employee::new("Ann", acme, manager(900))),
        session.add(Employee::new("Bob", acme, engineer("Rust"))),
        session.add(Employee::new("Cid", acme, engineer("C"))),
        session.add(Employee::new("Eve", acme, Role::Guest)),
    ];
    session.commit()?;
    Ok(staff)
}

fn count(engine: &Engine, sql: &str) -> aludel::Result<i64> {
    engine.connect()?.scalar(sql, &[])
}

fn rows(engine: &Engine) -> aludel::Result<[i64; 3]> {
    Ok([
        count(engine, "SELECT count(*) FROM employees")?,
        count(engine, "SELECT count(*) FROM managers")?,
        count(engine, "SELECT count(*) FROM engineers")?,
    ])
}

#[test]
fn joined_schema_has_a_table_for_each_variant() {
    on_each(|engine| {
        let live = engine.reflect()?;
        let names = |table: &str| -> Vec<String> {
            let table = live.table(table).unwrap();
            table.columns.iter().map(|column| column.name.clone()).collect()
        };
        assert_eq!(
            names("employees"),
            ["id", "name", "company_id", "role", "version"]
        );
        assert_eq!(names("managers"), ["id", "budget", "assistant_id"]);
        let engineers = live.table("engineers").unwrap();
        assert_eq!(names("engineers"), ["id", "language", "desk", "level"]);
        assert_eq!(engineers.primary_key, ["id"]);
        let key = &engineers.foreign_keys[0];
        assert_eq!(
            (key.table.as_str(), key.on_delete),
            ("employees", ReferenceAction::Cascade)
        );
        let nullable: Vec<bool> = engineers.columns.iter().map(|column| column.nullable).collect();
        assert_eq!(nullable, [false, false, true, false]);
        assert!(engine.check::<Employee>()?.is_empty());
        assert_eq!(Table::all_of::<Employee>().len(), 3);
        engine.connect()?.execute("DROP TABLE engineers", &[])?;
        assert_eq!(engine.check::<Employee>()?.len(), 1);
        engine.create_all(tables())?;
        assert!(engine.check::<Employee>()?.is_empty());
        engine.drop_all(tables())?;
        assert_eq!(engine.reflect()?.tables().len(), 0);
        Ok(())
    });
}

#[test]
fn joined_tables_leave_no_difference_to_migrate() {
    on_each(|engine| {
        let plan = engine.plan(&tables(), &Hints::new())?;
        assert!(plan.is_empty(), "{:?}", plan.operations());
        engine.connect()?.execute("DROP TABLE managers", &[])?;
        let plan = engine.plan(&tables(), &Hints::new())?;
        let text = plan.file(engine.dialect())?;
        assert!(text.contains("CREATE TABLE managers"), "{text}");
        Ok(())
    });
}

#[test]
fn joined_rows_are_written_and_read_whole() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let [ann, bob, ..] = staff(&mut session)?;
        assert_eq!(rows(&engine)?, [4, 1, 2]);
        assert_eq!(session[bob].id, 2);
        let mut fresh = engine.session()?;
        fresh.query::<Company>().count()?;
        let all = assert_statements!(1, fresh.query::<Employee>().order_by(|e| e.id).fetch()?);
        assert_eq!(all.len(), 4);
        assert_eq!(all[0], session[ann]);
        assert_eq!(all[1], session[bob]);
        assert_eq!(all[3].role, Role::Guest);
        let one = assert_statements!(1, fresh.get::<Employee>(2)?);
        assert_eq!(fresh[one].role, engineer("Rust"));
        assert_statements!(0, fresh.get::<Employee>(2)?);
        let some = fresh.get_many::<Employee>([1.into(), 3.into(), 99.into()])?;
        assert_eq!(fresh[some[1]].name, "Cid");
        Ok(())
    });
}

#[test]
fn joined_queries_are_about_columns_of_all_tables() {
    on_each(|engine| {
        let mut session = engine.session()?;
        staff(&mut session)?;
        let names = |query: Query<Employee>, session: &mut Session| -> aludel::Result<Vec<String>> {
            query.order_by(|e| e.name).select(|e| e.name).on(session).fetch()
        };
        let rich = query::<Employee>().filter(|e| e.role.manager.budget.gt(500));
        assert_eq!(names(rich, &mut session)?, ["Ann"]);
        let either =
            query::<Employee>().filter(|e| e.role.is_manager() | e.role.engineer.language.like("R%"));
        assert_eq!(names(either, &mut session)?, ["Ann", "Bob"]);
        let guests = query::<Employee>().filter(|e| e.role.role.eq("guest"));
        assert_eq!(names(guests, &mut session)?, ["Eve"]);
        let languages = session
            .query::<Employee>()
            .filter(|e| e.role.engineer.language.is_not_null())
            .order_by(|e| e.role.engineer.language.desc())
            .select(|e| (e.name, e.role.engineer.language, e.role.manager.budget))
            .fetch()?;
        assert_eq!(languages[0], ("Bob".into(), Some("Rust".into()), None));
        let by_role = session
            .query::<Employee>()
            .group_by(|e| e.role.role)
            .order_by(|e| e.role.role)
            .select(|e| (e.role.role, e.id.count()))
            .fetch()?;
        assert_eq!(
            by_role,
            [("eng".into(), 2), ("guest".into(), 1), ("manager".into(), 1)]
        );
        assert_eq!(session.query::<Employee>().limit(3).count()?, 3);
        Ok(())
    });
}

#[test]
fn joined_of_type_reads_one_variant_by_an_inner_join() {
    on_each(|engine| {
        let mut session = engine.session()?;
        staff(&mut session)?;
        let engineers = query::<Employee>().of_type(|e| e.role.is_engineer());
        let sql = engineers.to_sql();
        assert!(
            sql.contains(" JOIN engineers") && !sql.contains("LEFT JOIN"),
            "{sql}"
        );
        assert!(!sql.contains("managers"), "{sql}");
        let found = engineers.order_by(|e| e.id).on(&mut session).all()?;
        assert_eq!(found.len(), 2);
        assert_eq!(session[found[0]].role, engineer("Rust"));
        let c = session
            .query::<Employee>()
            .of_type(|e| e.role.is_engineer())
            .filter(|e| e.role.engineer.language.eq("C") & e.role.manager.budget.is_null())
            .one()?;
        assert_eq!(session[c].name, "Cid");
        // What is no variant with a table is a condition as any other.
        assert_eq!(
            session
                .query::<Employee>()
                .of_type(|e| e.role.is_guest())
                .count()?,
            1
        );
        Ok(())
    });
}

#[test]
fn joined_updates_write_the_tables_that_changed() {
    on_each_with(
        || schema![Tool],
        |engine| {
            let mut session = engine.session()?;
            let hammer = session.add(Tool::new("hammer", ToolKind::Hand(HandTool::new(3))));
            let drill = session.add(Tool::new("drill", ToolKind::Power(power(500))));
            session.commit()?;
            session.query::<Tool>().count()?;
            session[hammer].name = "big hammer".into();
            // Each flush reads what the database computes, too.
            assert_statements!(2, session.flush()?);
            if let ToolKind::Power(power) = &mut session[drill].kind {
                power.watts = 650;
            }
            assert_statements!(2, session.flush()?);
            session[drill].name = "big drill".into();
            if let ToolKind::Power(power) = &mut session[drill].kind {
                power.watts = 700;
            }
            // A savepoint around the two.
            assert_statements!(5, session.flush()?);
            assert_statements!(0, session.flush()?);
            session.commit()?;
            assert_eq!(count(&engine, "SELECT watts FROM power_tools")?, 700);
            assert_eq!(count(&engine, "SELECT weight FROM hand_tools")?, 3);
            Ok(())
        },
    );
}

#[derive(Embedded, Debug, Clone, PartialEq)]
struct HandTool {
    weight: i64,
}

#[derive(Embedded, Debug, Clone, PartialEq)]
struct PowerTool {
    watts: i64,
    #[column(generated = "watts * 2")]
    peak: Option<i64>,
    #[column(group = "texts")]
    manual: Deferred<Option<String>>,
}

#[derive(Embedded, Debug, Clone, PartialEq)]
#[embedded(tag = "kind")]
enum ToolKind {
    #[embedded(table = "hand_tools")]
    Hand(HandTool),
    #[embedded(table = "power_tools")]
    Power(PowerTool),
}

impl PowerTool {
    fn peak(&self) -> Option<i64> {
        self.peak
    }
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "tools")]
struct Tool {
    #[column(primary_key)]
    id: Id<Tool>,
    name: String,
    #[column(flatten)]
    kind: ToolKind,
}

fn power(watts: i64) -> PowerTool {
    PowerTool::new(watts, Some("Hold it tight.".to_owned()))
}

#[test]
fn joined_variants_have_computed_and_deferred_columns() {
    on_each_with(
        || schema![Tool],
        |engine| {
            let mut session = engine.session()?;
            let drill = session.add(Tool::new("drill", ToolKind::Power(power(500))));
            session.commit()?;
            let peak = |session: &Session| match &session[drill].kind {
                ToolKind::Power(power) => power.peak(),
                ToolKind::Hand(_) => None,
            };
            assert_eq!(peak(&session), Some(1000));
            if let ToolKind::Power(power) = &mut session[drill].kind {
                power.watts = 600;
            }
            session.commit()?;
            assert_eq!(peak(&session), Some(1200));
            let mut session = engine.session()?;
            let tools = session.query::<Tool>().all()?;
            let manual = |session: &Session| match &session[tools[0]].kind {
                ToolKind::Power(power) => power.manual.get().cloned().flatten(),
                ToolKind::Hand(_) => None,
            };
            assert_eq!(manual(&session), None);
            session.load_group(&tools, "texts")?;
            assert_eq!(manual(&session).as_deref(), Some("Hold it tight."));
            Ok(())
        },
    );
}

#[test]
fn joined_version_is_in_the_base() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let [_, bob, ..] = staff(&mut session)?;
        if let Role::Engineer(engineer) = &mut session[bob].role {
            engineer.language = "Zig".into();
        }
        session.commit()?;
        assert_eq!(session[bob].version, 2);
        assert_eq!(count(&engine, "SELECT version FROM employees WHERE id = 2")?, 2);
        engine
            .connect()?
            .execute("UPDATE employees SET version = 9 WHERE id = 2", &[])?;
        if let Role::Engineer(engineer) = &mut session[bob].role {
            engineer.language = "Ada".into();
        }
        assert!(matches!(
            session.commit(),
            Err(Error::Stale {
                table: "employees",
                ..
            })
        ));
        session.rollback()?;
        assert_eq!(session[bob].role, engineer("Zig"));
        session.delete(bob);
        assert!(matches!(session.commit(), Err(Error::Stale { .. })));
        session.rollback()?;
        assert_eq!(rows(&engine)?, [4, 1, 2]);
        Ok(())
    });
}

#[test]
fn joined_variant_of_a_tracked_entity_changes() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let [ann, bob, _, eve] = staff(&mut session)?;
        session[bob].role = manager(5);
        session[eve].role = engineer("Go");
        session[ann].role = Role::Guest;
        session.commit()?;
        assert_eq!(rows(&engine)?, [4, 1, 2]);
        assert_eq!(count(&engine, "SELECT budget FROM managers WHERE id = 2")?, 5);
        let mut fresh = engine.session()?;
        for handle in [ann, bob, eve] {
            let key = session[handle].id;
            let read = fresh.get::<Employee>(key)?;
            assert_eq!(fresh[read], session[handle]);
        }
        fresh.commit()?;
        session[bob].role = engineer("Rust");
        session.flush()?;
        assert_eq!(
            session
                .query::<Employee>()
                .filter(|e| e.role.is_manager())
                .count()?,
            0
        );
        session.rollback()?;
        assert_eq!(session[bob].role, manager(5));
        assert_eq!(rows(&engine)?, [4, 1, 2]);
        Ok(())
    });
}

#[test]
fn joined_deletes_take_the_rows_of_both_tables() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let [ann, bob, _, eve] = staff(&mut session)?;
        session.add(Badge::new(bob, 7));
        session.commit()?;
        session.delete(bob);
        session.delete(eve);
        session.commit()?;
        assert_eq!(rows(&engine)?, [2, 1, 1]);
        assert_eq!(count(&engine, "SELECT count(*) FROM badges")?, 0);
        assert!(!session.contains(bob) && session.contains(ann));
        // The database's own way: the base's row takes the variant's along.
        engine
            .connect()?
            .execute("DELETE FROM employees WHERE id = 1", &[])?;
        assert_eq!(rows(&engine)?, [1, 0, 1]);
        Ok(())
    });
}

#[test]
fn joined_rollback_and_savepoints_restore_all_tables() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let [ann, bob, cid, _] = staff(&mut session)?;
        let failed: aludel::Result<()> = session.nested(|session| {
            session[ann].name = "Anna".into();
            session[bob].role = Role::Guest;
            session.delete(cid);
            let company = session.get::<Company>(1)?;
            session.add(Employee::new("New", company, engineer("D")));
            session.flush()?;
            session.get::<Employee>(99)?;
            Ok(())
        });
        assert!(failed.is_err());
        assert_eq!(
            (session[ann].name.as_str(), &session[bob].role),
            ("Ann", &engineer("Rust"))
        );
        assert!(session.contains(cid));
        session[ann].role = manager(1);
        session.flush()?;
        session.rollback()?;
        assert_eq!(session[ann].role, manager(900));
        assert_eq!(rows(&engine)?, [4, 1, 2]);
        // Memory is as the database: there is nothing to write.
        session.query::<Employee>().count()?;
        assert_statements!(0, session.flush()?);
        Ok(())
    });
}

#[test]
fn joined_insert_that_fails_in_the_variant_leaves_no_base_row() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let [_, bob, cid, _] = staff(&mut session)?;
        if let Role::Engineer(engineer) = &mut session[bob].role {
            engineer.desk = Some(4);
        }
        session.commit()?;
        let company = session.get::<Company>(1)?;
        let mut second = Engineer::new("Go");
        second.desk = Some(4);
        let dan = session.add(Employee::new("Dan", company, Role::Engineer(second)));
        let error = session.flush().unwrap_err();
        assert_eq!(error.failure(), Some(aludel::Failure::Unique), "{error}");
        if engine.dialect().name() == "postgresql" {
            // Nothing but a rollback is taken there after an error.
            session.rollback()?;
        } else {
            // Mend it and flush again: memory says what is written.
            if let Role::Engineer(engineer) = &mut session[dan].role {
                engineer.desk = Some(5);
            }
            session.commit()?;
            assert_eq!(rows(&engine)?, [5, 1, 3]);
        }
        if let Role::Engineer(engineer) = &mut session[cid].role {
            engineer.desk = Some(4);
        }
        session[cid].name = "Sid".into();
        assert!(session.flush().is_err());
        session.rollback()?;
        assert_eq!(session[cid].name, "Cid");
        assert_eq!(
            count(&engine, "SELECT count(*) FROM employees WHERE name = 'Sid'")?,
            0
        );
        Ok(())
    });
}

#[test]
fn joined_refresh_and_expire_read_the_variant() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let [ann, bob, ..] = staff(&mut session)?;
        engine
            .connect()?
            .execute("UPDATE managers SET budget = 1 WHERE id = 1", &[])?;
        engine
            .connect()?
            .execute("UPDATE engineers SET language = 'B' WHERE id = 2", &[])?;
        session.refresh(ann)?;
        assert_eq!(session[ann].role, manager(1));
        session.commit()?;
        session.expire(bob);
        assert_eq!(session[bob].role, engineer("Rust"));
        session.query::<Employee>().all()?;
        assert_eq!(session[bob].role, engineer("B"));
        Ok(())
    });
}

#[test]
fn joined_entities_are_loaded_along_relations() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let [ann, bob, cid, eve] = staff(&mut session)?;
        session.add_all([Badge::new(bob, 1), Badge::new(bob, 2), Badge::new(ann, 3)]);
        if let Role::Manager(manager) = &mut session[ann].role {
            manager.assistant = Some(eve.into());
        }
        session.commit()?;
        let mut session = engine.session()?;
        let acme = session.get::<Company>(1)?;
        let lazy = assert_statements!(1, session.related(acme, |c| c.staff)?);
        assert_eq!(session[lazy[2]].role, engineer("C"));
        let eager = session
            .query::<Company>()
            .with(|c| {
                c.staff
                    .filter(|e| e.role.is_engineer())
                    .order_by(|e| e.role.engineer.language)
                    .with(|e| e.badges)
            })
            .fetch()?;
        let [(_, staff)] = eager.as_slice() else {
            panic!("one company")
        };
        assert_eq!((staff[0].0.name.as_str(), staff[1].1.len()), ("Cid", 2));
        let joined = session
            .query::<Badge>()
            .order_by(|b| b.number)
            .with_joined(|b| b.owner)
            .fetch()?;
        assert_eq!(joined[2].1.role.clone(), session_role(&mut session, 1)?);
        let with_badges = session
            .query::<Employee>()
            .order_by(|e| e.id)
            .with_joined(|e| e.badges)
            .fetch()?;
        assert_eq!(
            with_badges
                .iter()
                .map(|(_, badges)| badges.len())
                .collect::<Vec<_>>(),
            [1, 2, 0, 0]
        );
        // Along a reference that a variant has.
        let boss = session.get::<Employee>(1)?;
        let assistant = session.related(boss, |e| e.role.manager.assistant)?;
        assert_eq!(
            assistant.map(|eve| session[eve].name.clone()).as_deref(),
            Some("Eve")
        );
        let _ = cid;
        Ok(())
    });
}

fn session_role(session: &mut Session, key: i64) -> aludel::Result<Role> {
    let handle = session.get::<Employee>(key)?;
    Ok(session[handle].role.clone())
}

#[test]
fn joined_entities_are_joined_and_counted() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let [_, bob, ..] = staff(&mut session)?;
        session.add(Badge::new(bob, 1));
        let pairs = session
            .query::<Company>()
            .join(|c| c.staff)
            .filter(|(_, e)| e.role.manager.budget.gt(0))
            .select(|(c, e)| (c.name, e.name))
            .fetch()?;
        assert_eq!(pairs, [("Acme".to_owned(), "Ann".to_owned())]);
        let left = session
            .query::<Employee>()
            .left_join(|e| e.badges)
            .order_by(|(e, _)| e.id)
            .select(|(e, b)| (e.role.engineer.language, b.number))
            .fetch()?;
        assert_eq!(left[1], (Some("Rust".into()), Some(1)));
        assert_eq!(left.len(), 4);
        let whole: Vec<(Badge, Employee)> = session.query::<Badge>().join(|b| b.owner).fetch()?;
        assert_eq!(whole[0].1.role, engineer("Rust"));
        let outer: Vec<(Option<Badge>, Employee)> = session
            .query::<Badge>()
            .right_join(|b| b.owner)
            .order_by(|(_, e)| e.id)
            .fetch()?;
        assert_eq!(outer.len(), 4);
        let counts = session
            .query::<Company>()
            .select(|c| (c.staff.count(), c.staff.any(|e| e.role.engineer.language.eq("C"))))
            .fetch_one()?;
        assert_eq!(counts, (4, true));
        let of_badges = session
            .query::<Employee>()
            .filter(|e| e.badges.exists())
            .select(|e| e.name)
            .fetch()?;
        assert_eq!(of_badges, ["Bob"]);
        let pairs = session
            .query::<Employee>()
            .join_on::<Employee>()
            .on(|(a, b)| a.id.lt(b.id) & a.role.role.eq(b.role.role))
            .select(|(a, b)| (a.name, b.name))
            .fetch()?;
        assert_eq!(pairs, [("Bob".to_owned(), "Cid".to_owned())]);
        Ok(())
    });
}

#[test]
fn joined_references_order_the_unit_of_work() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let acme = session.add(Company::new("Acme"));
        // The manager comes first, and refers to an assistant that has no key yet.
        let boss = session.add(Employee::new("Ann", acme, manager(1)));
        let assistant = session.add(Employee::new("Bob", acme, manager(2)));
        if let Role::Manager(manager) = &mut session[boss].role {
            manager.assistant = Some(assistant.into());
        }
        session.commit()?;
        let key = |session: &Session, of: Handle<Employee>| match &session[of].role {
            Role::Manager(manager) => manager.assistant.as_ref().and_then(|fk| fk.key().copied()),
            _ => None,
        };
        assert_eq!(key(&session, boss), Some(session[assistant].id));
        // In a circle, one reference is set later.
        let (cid, dan) = (
            session.add(Employee::new("Cid", acme, manager(3))),
            session.add(Employee::new("Dan", acme, manager(4))),
        );
        for (one, other) in [(cid, dan), (dan, cid)] {
            if let Role::Manager(manager) = &mut session[one].role {
                manager.assistant = Some(other.into());
            }
        }
        session.commit()?;
        assert_eq!(key(&session, cid), Some(session[dan].id));
        assert_eq!(key(&session, dan), Some(session[cid].id));
        assert_eq!(
            count(
                &engine,
                "SELECT count(*) FROM managers WHERE assistant_id IS NOT NULL"
            )?,
            3
        );
        session.delete(cid);
        session.delete(dan);
        session.commit()?;
        assert_eq!(rows(&engine)?, [2, 2, 0]);
        Ok(())
    });
}

#[test]
fn joined_rows_are_inserted_in_bulk() {
    on_each(|engine| {
        let mut session = engine.session()?;
        session.insert([Company::new("Acme")]).run()?;
        let employee = |id: i64, role: Role| {
            let mut employee = Employee::new(format!("e{id}"), 1, role);
            employee.id = id.into();
            employee
        };
        let many = (0..20).map(|n| {
            Employee::new(
                format!("n{n}"),
                1,
                if n % 2 == 0 { manager(n) } else { engineer("C") },
            )
        });
        assert_eq!(session.insert(many).run()?, 20);
        let keyed = [
            employee(100, engineer("Go")),
            employee(101, manager(7)),
            employee(102, Role::Guest),
        ];
        assert_eq!(session.insert(keyed).run()?, 3);
        session.commit()?;
        assert_eq!(rows(&engine)?, [23, 11, 11]);
        assert_eq!(count(&engine, "SELECT budget FROM managers WHERE id = 101")?, 7);
        let mut connection = engine.connect()?;
        assert!(
            connection
                .insert([employee(200, manager(1)), employee(100, manager(1))])
                .run()
                .is_err()
        );
        drop(connection);
        assert_eq!(rows(&engine)?, [23, 11, 11]);
        let mut connection = engine.connect()?;
        let upsert = connection
            .insert([employee(100, Role::Guest)])
            .on_conflict(|e| e.id)
            .update_all()
            .run();
        let message = upsert.unwrap_err().to_string();
        assert!(message.contains("ON CONFLICT is about one table"), "{message}");
        let returning = connection
            .insert([employee(300, Role::Guest)])
            .returning(|e| e.id);
        assert!(
            returning
                .unwrap_err()
                .to_string()
                .contains("RETURNING is about one table")
        );
        let names = query::<Company>().select(|c| c.name);
        let into = connection.insert_into::<Employee, _>(|e| e.name).rows(names);
        assert!(into.unwrap_err().to_string().contains("insert entities"));
        Ok(())
    });
}

#[test]
fn joined_rows_are_updated_by_query() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let [ann, bob, ..] = staff(&mut session)?;
        let changed = session
            .update::<Employee>()
            .filter(|e| e.role.manager.budget.gt(10))
            .set(|e| {
                (
                    e.name.to("Boss"),
                    e.role.manager.budget.to(e.role.manager.budget + 100),
                )
            })
            .run()?;
        assert_eq!(changed, 1);
        assert_eq!(
            (session[ann].name.as_str(), &session[ann].role),
            ("Boss", &manager(1000))
        );
        let changed = session
            .update::<Employee>()
            .filter(|e| e.role.is_engineer())
            .set(|e| e.role.engineer.language.to("Lisp"))
            .run()?;
        assert_eq!((changed, &session[bob].role), (2, &engineer("Lisp")));
        let all = session
            .update::<Employee>()
            .set(|e| e.name.to(e.name.concat("!")))
            .run()?;
        assert_eq!((all, session[bob].name.as_str()), (4, "Bob!"));
        let joined = session
            .update::<Employee>()
            .using::<Company>()
            .on(|e, c| e.company.eq(c.id))
            .set(|(e, c)| e.name.to(c.name))
            .filter(|(e, _)| e.role.is_guest())
            .run()?;
        assert_eq!(joined, 1);
        assert_eq!(
            session
                .query::<Employee>()
                .filter(|e| e.name.eq("Acme"))
                .count()?,
            1
        );
        session.rollback()?;
        assert_eq!(
            (session[ann].name.as_str(), &session[bob].role),
            ("Ann", &engineer("Rust"))
        );
        let tag = session
            .update::<Employee>()
            .set(|e| e.role.role.to("guest"))
            .run();
        assert!(
            tag.unwrap_err()
                .to_string()
                .contains("neither the key nor the discriminator")
        );
        session.rollback()?;
        let mut connection = engine.connect()?;
        let one = connection
            .update::<Employee>()
            .set(|e| e.role.manager.budget.to(Some(1)))
            .run()?;
        drop(connection);
        assert_eq!((one, count(&engine, "SELECT budget FROM managers")?), (4, 1));
        Ok(())
    });
}

#[test]
fn joined_rows_are_deleted_by_query() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let [ann, bob, cid, _] = staff(&mut session)?;
        let gone = session
            .delete_where::<Employee>()
            .filter(|e| e.role.engineer.language.eq("C") | e.role.is_guest())
            .run()?;
        assert_eq!(gone, 2);
        session.commit()?;
        assert!(!session.contains(cid) && session.contains(bob));
        assert_eq!(rows(&engine)?, [2, 1, 1]);
        let mut connection = engine.connect()?;
        assert_eq!(connection.delete::<Employee>().filter(|e| e.id.eq(1)).run()?, 1);
        drop(connection);
        assert_eq!(rows(&engine)?, [1, 0, 1]);
        let _ = ann;
        Ok(())
    });
}

#[test]
fn joined_entities_go_with_what_they_belong_to() {
    on_each(|engine| {
        let mut session = engine.session()?;
        staff(&mut session)?;
        let mut fresh = engine.session()?;
        let acme = fresh.get::<Company>(1)?;
        // Rows that this session never met.
        fresh.delete(acme);
        fresh.commit()?;
        assert_eq!(rows(&engine)?, [0, 0, 0]);
        let mut session = engine.session()?;
        staff(&mut session)?;
        let company = session.query::<Company>().one()?;
        session.delete(company);
        session.commit()?;
        assert_eq!(rows(&engine)?, [0, 0, 0]);
        Ok(())
    });
}

#[test]
fn joined_entities_are_merged_and_read_in_batches() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let [ann, bob, ..] = staff(&mut session)?;
        let mut plain = session[bob].clone();
        plain.role = manager(77);
        assert_eq!(session.merge(plain)?, bob);
        let changed: Vec<_> = session
            .changes()
            .into_iter()
            .flat_map(|change| change.columns)
            .collect();
        assert_eq!(changed, ["role", "budget", "language", "level"]);
        session.commit()?;
        assert_eq!(rows(&engine)?, [4, 2, 1]);
        session
            .query::<Employee>()
            .filter(|e| e.role.is_manager())
            .all_in_batches(1, |session, batch| {
                for employee in batch {
                    if let Role::Manager(manager) = &mut session[*employee].role {
                        manager.budget += 1;
                    }
                }
                Ok(())
            })?;
        session.commit()?;
        assert_eq!(session[ann].role, manager(901));
        assert_eq!(count(&engine, "SELECT sum(budget) FROM managers")?, 979);
        Ok(())
    });
}

#[derive(Embedded, Debug, Clone, PartialEq)]
struct Truck {
    axles: i32,
}

#[derive(Embedded, Debug, Clone, PartialEq)]
struct Bus {
    seats: i32,
    #[column(flatten)]
    fuel: Option<Fuel>,
}

#[derive(Embedded, Debug, Clone, PartialEq)]
struct Fuel {
    fuel: String,
    tank: i32,
}

#[derive(Embedded, Debug, Clone, PartialEq)]
#[embedded(tag = "kind")]
enum VehicleKind {
    #[embedded(table = "trucks", prefix = "truck_")]
    Truck(Truck),
    #[embedded(table = "buses", prefix = "bus_")]
    Bus(Bus),
}

/// A key of two columns, natural ones.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "vehicles")]
struct Vehicle {
    #[column(primary_key)]
    country: String,
    #[column(primary_key)]
    plate: i64,
    #[column(flatten)]
    kind: VehicleKind,
    #[column(soft_delete)]
    scrapped: bool,
}

#[test]
fn joined_tables_share_a_key_of_two_columns() {
    on_each_with(
        || schema![Vehicle],
        |engine| {
            let plan = engine.plan(&schema![Vehicle], &Hints::new())?;
            assert!(plan.is_empty(), "{:?}", plan.operations());
            let mut session = engine.session()?;
            let bus = Bus::new(50);
            let bus = session.add(Vehicle::new("CH", 1, VehicleKind::Bus(bus)));
            let truck = session.add(Vehicle::new("CH", 2, VehicleKind::Truck(Truck::new(3))));
            session.commit()?;
            if let VehicleKind::Bus(bus) = &mut session[bus].kind {
                bus.fuel = Some(Fuel::new("gas", 200));
            }
            // The key changes, and that of the variant's row along.
            session[truck].plate = 3;
            if let VehicleKind::Truck(truck) = &mut session[truck].kind {
                truck.axles = 4;
            }
            session.commit()?;
            let mut fresh = engine.session()?;
            let found = fresh.get::<Vehicle>(("CH".to_owned(), 3))?;
            assert_eq!(fresh[found].kind, VehicleKind::Truck(Truck::new(4)));
            let gas = fresh
                .query::<Vehicle>()
                .filter(|v| v.kind.bus.fuel.tank.gt(100))
                .one()?;
            assert_eq!(fresh[gas], session[bus]);
            assert_eq!(
                fresh
                    .update::<Vehicle>()
                    .set(|v| v.kind.bus.seats.to(Some(60)))
                    .run()?,
                2
            );
            fresh.commit()?;
            assert_eq!(count(&engine, "SELECT bus_seats FROM buses")?, 60);
            // A mark, not a deletion: the variant's row stays.
            session.delete(truck);
            session.commit()?;
            assert_eq!(session.query::<Vehicle>().count()?, 1);
            session.commit()?;
            assert_eq!(count(&engine, "SELECT count(*) FROM trucks")?, 1);
            let all = session
                .query::<Vehicle>()
                .with_deleted()
                .order_by(|v| v.plate)
                .all()?;
            session.purge(all[1]);
            session.commit()?;
            assert_eq!(count(&engine, "SELECT count(*) FROM trucks")?, 0);
            Ok(())
        },
    );
}

#[test]
fn joined_row_locks_are_of_the_whole_row() {
    on_each(|engine| {
        let mut session = engine.session()?;
        staff(&mut session)?;
        // PostgreSQL does not lock the nullable side of an outer join; one variant is an inner join.
        let locked = session
            .query::<Employee>()
            .of_type(|e| e.role.is_engineer())
            .for_update()
            .all()?;
        assert_eq!(locked.len(), 2);
        if engine.dialect().name() != "postgresql" {
            assert_eq!(session.query::<Employee>().for_update().all()?.len(), 4);
        }
        session.rollback()
    });
}
