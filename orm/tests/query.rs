//! Queries: what the builders render, and what comes back.

mod support;

use aludel::dialect::Feature;
use aludel::prelude::*;
use aludel::{Error, Value};
use support::{Comment, Country, Membership, Node, Post, User, four, matrix, on_each};

/// Mike with two posts, Nick with one, the other two without.
fn with_posts(session: &mut Session) -> aludel::Result<Vec<Handle<User>>> {
    let users = four(session)?;
    for (author, title, likes) in [(0, "one", 5), (0, "two", 500), (1, "three", 7)] {
        let post = session.add(Post::new(title));
        session[post].author = Some(users[author].into());
        session[post].likes = likes;
    }
    session.commit()?;
    Ok(users)
}

#[test]
fn operators_render_and_mean_what_they_say() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let users = four(&mut session)?;
        for (user, age) in users.iter().zip([10, 20, 30, 40]) {
            session[*user].age = age;
        }
        session[users[0]].email = Some("mike@a_b.org".into());
        session.commit()?;
        let check = |session: &mut Session,
                     condition: fn(support::UserColumns) -> Expr<bool>,
                     where_: &str,
                     expected: &[&str]| {
            let query = query::<User>()
                .filter(condition)
                .order_by(|u| u.id)
                .select(|u| u.name);
            assert_eq!(
                query.to_sql(),
                format!("SELECT name FROM users WHERE {where_} ORDER BY id")
            );
            assert_eq!(query.on(session).fetch().unwrap(), expected, "{where_}");
        };
        let sqlite = engine.dialect().name() == "sqlite";
        let s = &mut session;
        check(s, |u| u.name.eq("Mike"), "name = ?1", &["Mike"]);
        check(
            s,
            |u| u.name.ne("Mike") & u.age.lt(40),
            "name <> ?1 AND age < ?2",
            &["Nick", "Mick"],
        );
        check(
            s,
            |u| u.age.le(10) | u.age.gt(30),
            "age <= ?1 OR age > ?2",
            &["Mike", "Nike"],
        );
        check(
            s,
            |u| !(u.age.le(10) | u.age.gt(30)),
            "NOT (age <= ?1 OR age > ?2)",
            &["Nick", "Mick"],
        );
        check(s, |u| (u.age * 2 + 1).gt(61), "age * ?1 + ?2 > ?3", &["Nike"]);
        check(
            s,
            |u| ((u.age + 1) * 2).gt(61),
            "(age + ?1) * ?2 > ?3",
            &["Mick", "Nike"],
        );
        check(s, |u| (u.age % 20).eq(0), "age % ?1 = ?2", &["Nick", "Nike"]);
        check(
            s,
            |u| u.age.between(20, 30),
            "age BETWEEN ?1 AND ?2",
            &["Nick", "Mick"],
        );
        check(
            s,
            |u| !u.age.between(20, 30),
            "age NOT BETWEEN ?1 AND ?2",
            &["Mike", "Nike"],
        );
        check(
            s,
            |u| u.email.is_null(),
            "email IS NULL",
            &["Nick", "Mick", "Nike"],
        );
        check(s, |u| u.email.is_not_null(), "email IS NOT NULL", &["Mike"]);
        check(
            s,
            |u| u.email.is(None::<&str>),
            "email IS ?1",
            &["Nick", "Mick", "Nike"],
        );
        check(
            s,
            |u| u.email.is_not("x"),
            "email IS NOT ?1",
            &["Mike", "Nick", "Mick", "Nike"],
        );
        check(s, |u| u.email.ne("x"), "email <> ?1", &["Mike"]);
        check(
            s,
            |u| u.email.contains("a_b"),
            "email LIKE ?1 ESCAPE '\\'",
            &["Mike"],
        );
        check(s, |u| u.email.contains("a%b"), "email LIKE ?1 ESCAPE '\\'", &[]);
        check(
            s,
            |u| u.name.starts_with("Mi"),
            "name LIKE ?1 ESCAPE '\\'",
            &["Mike", "Mick"],
        );
        check(s, |u| u.name.ilike("%KE"), "name LIKE ?1", &["Mike", "Nike"]);
        check(s, |u| u.id.in_([1, 3]), "id IN (?1, ?2)", &["Mike", "Mick"]);
        check(
            s,
            |u| u.id.not_in(vec![1, 3]),
            "id NOT IN (?1, ?2)",
            &["Nick", "Nike"],
        );
        check(s, |u| u.name.in_(Vec::<String>::new()), "0", &[]);
        check(
            s,
            |u| u.name.not_in(&["Mike"][..]) & all_of(Vec::<Expr<bool>>::new()),
            "name NOT IN (?1)",
            &["Nick", "Mick", "Nike"],
        );
        check(
            s,
            |u| u.name.lower().concat("!").eq("mike!"),
            "lower(name) || ?1 = ?2",
            &["Mike"],
        );
        check(
            s,
            |u| u.name.length().eq(4) & u.name.substr(2, 1).eq("i"),
            "length(name) = ?1 AND substr(name, 2, 1) = ?2",
            &["Mike", "Nick", "Mick", "Nike"],
        );
        check(
            s,
            |u| u.email.or_else("none").eq("none"),
            "coalesce(email, ?1) = ?2",
            &["Nick", "Mick", "Nike"],
        );
        check(s, |u| (-u.age).lt(-30), "-age < ?1", &["Nike"]);
        check(
            s,
            |u| u.age.cast::<String>().eq("10"),
            "CAST(age AS TEXT) = ?1",
            &["Mike"],
        );
        if sqlite {
            check(
                s,
                |u| u.name.collate("nocase").eq("MIKE"),
                "name COLLATE nocase = ?1",
                &["Mike"],
            );
        }
        check(
            s,
            |u| any_of([u.age.eq(10), u.age.eq(20)]),
            "age = ?1 OR age = ?2",
            &["Mike", "Nick"],
        );
        Ok(())
    });
}

#[test]
fn order_limit_offset_distinct() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let users = four(&mut session)?;
        session[users[2]].email = Some("e".into());
        let names = |q: Query<User, Column<String>, &mut Session>| q.fetch().unwrap();
        assert_eq!(
            names(
                session
                    .query::<User>()
                    .order_by(|u| u.name.desc())
                    .limit(2)
                    .select(|u| u.name)
            ),
            ["Nike", "Nick"]
        );
        assert_eq!(
            names(
                session
                    .query::<User>()
                    .order_by(|u| u.id)
                    .offset(3)
                    .select(|u| u.name)
            ),
            ["Nike"]
        );
        assert_eq!(
            names(
                session
                    .query::<User>()
                    .order_by(|u| (u.email.asc().nulls_last(), u.name))
                    .select(|u| u.name)
            ),
            ["Mick", "Mike", "Nick", "Nike"]
        );
        let letters = session
            .query::<User>()
            .select(|u| u.name.substr(1, 1))
            .distinct()
            .order_by(|u| u.name.substr(1, 1));
        assert_eq!(letters.fetch()?, ["M", "N"]);
        assert_eq!(session.query::<User>().filter(|u| u.name.like("N%")).count()?, 2);
        assert_eq!(
            session
                .query::<User>()
                .select(|u| u.name.substr(1, 1))
                .distinct()
                .count()?,
            2
        );
        assert_eq!(session.query::<User>().limit(3).count()?, 3);
        assert!(session.query::<User>().exists()?);
        assert!(!session.query::<User>().filter(|u| u.name.eq("Zoe")).exists()?);
        Ok(())
    });
}

#[test]
fn one_first_and_their_errors() {
    on_each(|engine| {
        let mut session = engine.session()?;
        four(&mut session)?;
        assert!(matches!(
            session.query::<User>().one(),
            Err(Error::ManyRows { .. })
        ));
        assert!(matches!(
            session.query::<User>().filter(|u| u.name.eq("Zoe")).one(),
            Err(Error::NoRow { .. })
        ));
        assert_eq!(
            session.query::<User>().filter(|u| u.name.eq("Zoe")).first()?,
            None
        );
        assert_eq!(
            session.query::<User>().filter(|u| u.id.eq(2)).fetch_one()?.name,
            "Nick"
        );
        Ok(())
    });
}

#[test]
fn joins_and_groups() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let users = with_posts(&mut session)?;
        let inner = session
            .query::<User>()
            .join(|u| u.posts)
            .filter(|(_, p)| p.likes.gt(6))
            .order_by(|(_, p)| p.id);
        let pairs = inner.all()?;
        assert_eq!(
            pairs.iter().map(|(u, _)| *u).collect::<Vec<_>>(),
            [users[0], users[1]]
        );
        let counts: Vec<(String, i64, Option<i64>)> = session
            .query::<User>()
            .left_join(|u| u.posts)
            .group_by(|(u, _)| u.id)
            .order_by(|(u, p)| (p.id.count().desc(), u.name))
            .select(|(u, p)| (u.name, p.id.count(), p.likes.sum()))
            .fetch()?;
        let expected = [
            ("Mike", 2, Some(505)),
            ("Nick", 1, Some(7)),
            ("Mick", 0, None),
            ("Nike", 0, None),
        ];
        assert_eq!(
            counts,
            expected.map(|(name, n, likes)| (name.to_owned(), n, likes))
        );
        let outer: Vec<(User, Option<Post>)> = session.query::<User>().left_join(|u| u.posts).fetch()?;
        assert_eq!(outer.iter().filter(|(_, post)| post.is_none()).count(), 2);
        let titles: Vec<(String, Option<String>)> = session
            .query::<User>()
            .left_join(|u| u.posts)
            .filter(|(u, _)| u.id.ge(2))
            .order_by(|(u, _)| u.id)
            .limit(2)
            .select(|(u, p)| (u.name, p.title))
            .fetch()?;
        assert_eq!(
            titles,
            [
                ("Nick".to_owned(), Some("three".to_owned())),
                ("Mick".to_owned(), None)
            ]
        );
        let back = session
            .query::<Post>()
            .join(|p| p.author)
            .select(|(p, u)| (p.title, u.name))
            .fetch()?;
        assert_eq!(back.len(), 3);
        let popular: Vec<Handle<User>> = session
            .query::<User>()
            .join(|u| u.posts)
            .filter(|(_, p)| p.likes.gt(0))
            .select(|(u, _)| u)
            .distinct()
            .all()?;
        assert_eq!(popular, [users[0], users[1]]);
        Ok(())
    });
}

#[test]
fn a_table_joined_to_itself_gets_an_alias() {
    on_each(|engine| {
        let mut session = engine.session()?;
        four(&mut session)?;
        let pairs = session
            .query::<User>()
            .join_on::<User>()
            .on(|(a, b)| a.id.lt(b.id))
            .order_by(|(a, b)| (a.id, b.id))
            .select(|(a, b)| (a.name, b.name));
        assert_eq!(
            pairs.to_sql(),
            "SELECT users.name, users_2.name FROM users JOIN users AS users_2 ON users.id < users_2.id ORDER BY users.id, users_2.id"
        );
        assert_eq!(pairs.fetch()?.len(), 6);
        let three = query::<Node>()
            .join(|n| n.parent)
            .join(|(_, p)| p.parent)
            .select(|(n, _, g)| (n.name, g.name));
        assert_eq!(
            three.to_sql(),
            "SELECT nodes.name, nodes_3.name FROM nodes JOIN nodes AS nodes_2 ON nodes_2.id = nodes.parent \
             JOIN nodes AS nodes_3 ON nodes_3.id = nodes_2.parent"
        );
        Ok(())
    });
}

#[test]
fn many_to_many_joins_through_the_entity_between() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let users = four(&mut session)?;
        let group = session.add(support::Group::new("admins"));
        session.add(Membership::new(users[0], group));
        session.add(Membership::new(users[2], group));
        session.commit()?;
        let admins = session
            .query::<User>()
            .join(|u| u.groups)
            .filter(|(_, g)| g.name.eq("admins"))
            .order_by(|(u, _)| u.id)
            .select(|(u, _)| u.name)
            .fetch()?;
        assert_eq!(admins, ["Mike", "Mick"]);
        assert_eq!(session.related(users[0], |u| u.groups)?, [group]);
        assert_eq!(session.related(group, |g| g.members)?.len(), 2);
        Ok(())
    });
}

impl support::UserColumns {
    fn popular(self) -> Expr<bool> {
        query::<Post>()
            .filter(|p| p.author.eq(self.id) & p.likes.gt(100))
            .exists()
    }
}

#[test]
fn subqueries_correlate_by_capture() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let users = with_posts(&mut session)?;
        assert_eq!(session.query::<User>().filter(|u| u.popular()).all()?, [users[0]]);
        assert_eq!(session.query::<User>().filter(|u| !u.popular()).count()?, 3);
        let writers = query::<Post>().select(|p| p.author);
        assert_eq!(
            session
                .query::<User>()
                .filter(|u| u.id.in_(writers))
                .order_by(|u| u.id)
                .all()?,
            users[..2]
        );
        let counts = session
            .query::<User>()
            .order_by(|u| u.id)
            .select(|u| (u.name, query::<Post>().filter(|p| p.author.eq(u.id)).count()))
            .fetch()?;
        assert_eq!(counts.iter().map(|(_, n)| *n).collect::<Vec<_>>(), [2, 1, 0, 0]);
        let best = session
            .query::<User>()
            .order_by(|u| u.id)
            .select(|u| {
                query::<Post>()
                    .filter(|p| p.author.eq(u.id))
                    .order_by(|p| p.likes.desc())
                    .limit(1)
                    .select(|p| p.title)
                    .scalar()
            })
            .fetch()?;
        assert_eq!(
            best,
            [Some("two".to_owned()), Some("three".to_owned()), None, None]
        );
        Ok(())
    });
}

#[test]
fn a_handle_stands_for_its_key() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let users = with_posts(&mut session)?;
        assert_eq!(
            session
                .query::<Post>()
                .filter(|p| p.author.eq(users[0]))
                .count()?,
            2
        );
        // also of an entity that is not inserted yet: the query flushes first
        let new = session.add(User::new("New"));
        let mut post = Post::new("by new");
        post.author = Some(new.into());
        session.add(post);
        assert_eq!(
            session
                .query::<Post>()
                .filter(|p| p.author.eq(new))
                .select(|p| p.title)
                .fetch()?,
            ["by new"]
        );
        session
            .update::<Post>()
            .set(|p| p.author.to(users[3]))
            .filter(|p| p.author.eq(new))
            .run()?;
        assert_eq!(
            session
                .query::<Post>()
                .filter(|p| p.author.eq(users[3]))
                .count()?,
            1
        );
        Ok(())
    });
}

#[test]
fn a_handle_of_another_query_is_an_error_before_anything_runs() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let mut leaked = None;
        let _ = query::<User>().filter(|u| {
            leaked = Some(u.id);
            u.id.eq(1)
        });
        let error = session
            .query::<Post>()
            .filter(|p| p.author.eq(leaked.unwrap()))
            .all()
            .unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("column `id` belongs to a source that is not part of this query"),
            "{error}"
        );
        Ok(())
    });
}

#[test]
fn case_windows_and_aggregates_with_a_filter() {
    on_each(|engine| {
        let mut session = engine.session()?;
        with_posts(&mut session)?;
        let kinds = session
            .query::<Post>()
            .order_by(|p| p.id)
            .select(|p| {
                case::<String>()
                    .when(p.likes.gt(100), "hit")
                    .when(p.likes.gt(6), "fine")
                    .otherwise("meh")
            })
            .fetch()?;
        assert_eq!(kinds, ["meh", "hit", "fine"]);
        let ranks: Vec<(String, i64)> = session
            .query::<Post>()
            .order_by(|p| p.id)
            .select(|p| {
                (
                    p.title,
                    row_number().over(|w| w.partition_by(p.author).order_by(p.likes.desc())),
                )
            })
            .fetch()?;
        assert_eq!(ranks.iter().map(|(_, rank)| *rank).collect::<Vec<_>>(), [2, 1, 1]);
        let (all, liked) = session
            .query::<Post>()
            .select(|p| (count_all(), p.id.count().filter_where(p.likes.gt(6))))
            .fetch_one()?;
        assert_eq!((all, liked), (3, 2));
        let error = session
            .query::<Post>()
            .select(|p| p.likes.expr().over(|w| w))
            .fetch()
            .unwrap_err();
        assert!(error.to_string().contains("needs a function call"), "{error}");
        Ok(())
    });
}

#[test]
fn unions_and_raw_pieces() {
    on_each(|engine| {
        let mut session = engine.session()?;
        with_posts(&mut session)?;
        let both = session
            .query::<User>()
            .select(|u| u.name)
            .union(query::<Post>().select(|p| p.title));
        assert_eq!(both.fetch()?.len(), 7);
        let raw = session
            .query::<User>()
            .filter(|u| raw::<bool>("{} LIKE {}", (u.name, val::<String>("M%"))))
            .count()?;
        assert_eq!(raw, 2);
        let upper = session
            .query::<User>()
            .filter(|u| u.id.eq(1))
            .select(|u| func::<String>("upper", u.name))
            .fetch_one()?;
        assert_eq!(upper, "MIKE");
        let error = session
            .query::<User>()
            .select(|u| func::<String>("upper(1); drop", u.name))
            .fetch()
            .unwrap_err();
        assert!(error.to_string().contains("cannot be a name"), "{error}");
        Ok(())
    });
}

#[test]
fn values_stream_without_being_kept() {
    on_each(|engine| {
        let mut session = engine.session()?;
        session.add_all((0..100).map(|i| User::new(format!("user {i:03}"))));
        session.commit()?;
        let mut total = 0;
        session.query::<User>().select(|u| u.id).each(|id| {
            total += id.get().unwrap_or_default();
            Ok(())
        })?;
        assert_eq!(total, 5050);
        let mut sizes = Vec::new();
        session.query::<User>().batches(30, |batch| {
            sizes.push(batch.len());
            Ok(())
        })?;
        assert_eq!(sizes, [30, 30, 30, 10]);
        Ok(())
    });
}

#[test]
fn inserts_past_the_session_and_upserts() {
    on_each(|engine| {
        let mut connection = engine.connect()?;
        let names = |n: std::ops::Range<i32>| n.map(|i| User::new(format!("user {i}"))).collect::<Vec<_>>();
        let returns = connection.dialect().supports(Feature::Returning);
        if returns {
            let ids = assert_statements!(1, connection.insert(names(0..100)).returning(|u| u.id)?);
            assert_eq!(ids.len(), 100);
        } else {
            let rows = assert_statements!(1, connection.insert(names(0..100)).run()?);
            assert_eq!(rows, 100);
        }
        let mut changed = User::new("user 5");
        changed.age = 77;
        let same = connection
            .insert([changed.clone()])
            .on_conflict(|u| u.name)
            .nothing()
            .run()?;
        // The servers without ON CONFLICT count the row that they leave as it is.
        assert_eq!(same, u64::from(!returns));
        connection
            .insert([changed])
            .on_conflict(|u| u.name)
            .update(|u, new| u.age.to(new.age + u.age))
            .run()?;
        let swiss = Country::new("CH", "Schweiz");
        connection.insert([swiss.clone()]).run()?;
        connection
            .insert([Country {
                name: "Suisse".into(),
                ..swiss
            }])
            .on_conflict(|c| c.code)
            .update_all()
            .run()?;
        assert_eq!(connection.query::<Country>().fetch_one()?.name, "Suisse");
        assert_eq!(
            connection
                .query::<User>()
                .filter(|u| u.name.eq("user 5"))
                .fetch_one()?
                .age,
            77
        );
        assert_eq!(
            connection
                .update::<User>()
                .set(|u| (u.age.to(1), u.email.to("e")))
                .filter(|u| u.id.le(10))
                .run()?,
            10
        );
        assert_eq!(connection.delete::<User>().filter(|u| u.age.eq(1)).run()?, 10);
        Ok(())
    });
}

#[test]
fn a_connection_without_entities() {
    on_each(|engine| {
        let mut connection = engine.connect()?;
        connection
            .execute_batch("CREATE TABLE t (x INTEGER, y TEXT); INSERT INTO t VALUES (1, 'a'), (2, NULL)")?;
        let rows = connection.rows("SELECT x, y FROM t ORDER BY x", &[])?;
        assert_eq!(
            rows,
            [vec![Value::Int(1), "a".into()], vec![Value::Int(2), Value::Null]]
        );
        let failed: aludel::Result<()> =
            connection.transaction(aludel::TransactionMode::Write, |connection| {
                connection.execute("DELETE FROM t", &[])?;
                connection.execute("DELETE FROM nowhere", &[])?;
                Ok(())
            });
        let message = failed.unwrap_err().to_string();
        assert!(
            message.contains("nowhere") && message.contains("(in: DELETE FROM nowhere)"),
            "{message}"
        );
        assert_eq!(connection.scalar::<i64>("SELECT count(*) FROM t", &[])?, 2);
        Ok(())
    });
}

#[test]
fn a_value_that_does_not_fit_names_its_column() {
    on_each(|engine| {
        if engine.dialect().name() != "sqlite" {
            return matrix::not_applicable("a column of text holds nothing but text");
        }
        let mut connection = engine.connect()?;
        connection.execute("INSERT INTO users (id, name, age) VALUES (1, x'00', 5)", &[])?;
        let error = connection.query::<User>().fetch().unwrap_err().to_string();
        assert_eq!(error, "column `users.name`: expected text, found bytes (x'00')");
        Ok(())
    });
}

#[test]
fn one_text_for_one_shape() {
    let make = |name: &str| {
        query::<User>()
            .filter(|u| u.name.eq(name))
            .join(|u| u.posts)
            .to_sql()
    };
    assert_eq!(make("a"), make("b"));
    let _ = query::<Comment>();
}

#[test]
fn sql_text_has_typed_rows() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let mike = four(&mut session)?[0];
        session[mike].age = 41;
        let rows: Vec<(String, i64)> = session
            .sql("SELECT name, age FROM users WHERE age > ?1 AND name LIKE ?2")
            .bind(40)
            .bind("M%")
            .fetch()?;
        assert_eq!(rows, [("Mike".to_owned(), 41)]);
        let users = session
            .sql("SELECT age, 1 AS other, email, name, id FROM users ORDER BY id")
            .entities::<User>()?;
        assert_eq!((users[0].name.as_str(), users[0].age), ("Mike", 41));
        assert_eq!(session.sql("UPDATE users SET age = 1").run()?, 4);
        assert_eq!(session.sql("SELECT sum(age) FROM users").scalar::<i64>()?, 4);
        let error = session
            .sql("SELECT id FROM users")
            .entities::<User>()
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "the statement gives no column `name`, which `User` has"
        );
        assert!(session.sql("SELECT id FROM users").fetch::<(i64, i64)>().is_err());
        Ok(())
    });
}

/// Mike's post and Nick's, the latter liked.
fn two_posts(session: &mut Session) -> aludel::Result<[Handle<Post>; 2]> {
    let users = four(session)?;
    let mike = session.add(Post {
        author: Some(users[0].into()),
        ..Post::new("Mike's")
    });
    let nick = session.add(Post {
        author: Some(users[1].into()),
        likes: 9,
        ..Post::new("Nick's")
    });
    session.commit()?;
    Ok([mike, nick])
}

#[test]
fn update_with_another_table() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let [mike, nick] = two_posts(&mut session)?;
        let changed = session
            .update::<Post>()
            .using::<User>()
            .on(|p, u| p.author.eq(u.id))
            .set(|(p, u)| (p.title.to(u.name.concat("!")), p.likes.to(p.likes + 1)))
            .filter(|(p, u)| u.name.eq("Nick") & p.likes.gt(5))
            .run()?;
        assert_eq!(changed, 1);
        // The identity map knows.
        assert_eq!((&*session[nick].title, session[nick].likes), ("Nick!", 10));
        assert_eq!(session[mike].title, "Mike's");
        session.rollback()?;
        assert_eq!(session[nick].title, "Nick's");
        Ok(())
    });
}

#[test]
fn update_with_a_list_of_values() {
    on_each(|engine| {
        two_posts(&mut engine.session()?)?;
        let mut connection = engine.connect()?;
        let likes = values([
            (Id::<Post>::from(1), 100_i64),
            (Id::from(2), 200),
            (Id::from(3), 300),
        ]);
        let changed = connection
            .update::<Post>()
            .using_rows(&likes)
            .on(|p, (id, _)| p.id.eq(id))
            .set(|(p, (_, likes))| p.likes.to(likes))
            .run()?;
        assert_eq!(changed, 2);
        let likes = connection
            .query::<Post>()
            .order_by(|p| p.id)
            .select(|p| p.likes)
            .fetch()?;
        assert_eq!(likes, [100, 200]);
        Ok(())
    });
}

#[test]
fn delete_with_another_table() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let [mike, nick] = two_posts(&mut session)?;
        let deleted = session
            .delete_where::<Post>()
            .using::<User>()
            .on(|p, u| p.author.eq(u.id))
            .filter(|(p, u)| u.name.like("M%") & p.likes.lt(5))
            .run()?;
        assert_eq!(deleted, 1);
        assert_eq!(session.query::<Post>().all()?, [nick]);
        session.rollback()?;
        assert_eq!(session.query::<Post>().order_by(|p| p.id).all()?, [mike, nick]);
        Ok(())
    });
}

#[test]
fn delete_with_rows_of_a_query() {
    on_each(|engine| {
        two_posts(&mut engine.session()?)?;
        let mut connection = engine.connect()?;
        let mine = query::<User>()
            .filter(|u| u.name.eq("Mike"))
            .select(|u| u.id)
            .subquery();
        let deleted = connection
            .delete::<Post>()
            .using_rows(&mine)
            .on(|p, id| p.author.eq(id))
            .run()?;
        assert_eq!(deleted, 1);
        assert_eq!(
            connection.query::<Post>().select(|p| p.title).fetch_one()?,
            "Nick's"
        );
        Ok(())
    });
}

#[test]
fn row_locks_keep_others_out() {
    support::on_each_shared(|engine| {
        four(&mut engine.session()?)?;
        let mut first = engine.session()?;
        let taken = first
            .query::<User>()
            .order_by(|u| u.id)
            .limit(1)
            .for_update()
            .all()?;
        assert_eq!(first[taken[0]].name, "Mike");
        let mut second = engine.session()?;
        let others = second
            .query::<User>()
            .order_by(|u| u.id)
            .limit(1)
            .for_update()
            .skip_locked()
            .all();
        if engine.dialect().name().starts_with("sqlite") {
            // One transaction writes at a time: the second has to wait, and gives up.
            let error = others.unwrap_err();
            assert_eq!(error.failure(), Some(aludel::Failure::Busy), "{error}");
            return Ok(());
        }
        assert_eq!(second[others?[0]].name, "Nick");
        let error = second
            .query::<User>()
            .filter(|u| u.id.eq(1))
            .for_update()
            .no_wait()
            .all();
        assert_eq!(error.unwrap_err().failure(), Some(aludel::Failure::Busy));
        first.rollback()?;
        second.rollback()?;
        let mut third = engine.session()?;
        assert_eq!(third.query::<User>().for_share().all()?.len(), 4);
        assert_eq!(engine.session()?.query::<User>().for_share().all()?.len(), 4);
        Ok(())
    });
}

#[test]
fn right_join_keeps_rows_without_a_partner() {
    on_each(|engine| {
        let mut session = engine.session()?;
        two_posts(&mut session)?;
        session.add(Post::new("nobody's"));
        let rows: Vec<(Option<String>, String)> = session
            .query::<User>()
            .right_join(|u| u.posts)
            .order_by(|(_, p)| p.id)
            .select(|(u, p)| (u.name, p.title))
            .fetch()?;
        let text = str::to_owned;
        assert_eq!(
            rows,
            [
                (Some(text("Mike")), text("Mike's")),
                (Some(text("Nick")), text("Nick's")),
                (None, text("nobody's")),
            ]
        );
        // Whole entities may be missing as well.
        let tracked = session
            .query::<User>()
            .right_join_on::<Post>()
            .on(|(u, p)| p.author.eq(u.id))
            .all()?;
        assert_eq!(tracked.iter().filter(|(user, _)| user.is_none()).count(), 1);
        Ok(())
    });
}

#[test]
fn full_join_keeps_both_sides() {
    on_each(|engine| {
        let mut session = engine.session()?;
        two_posts(&mut session)?;
        session.add(Post::new("nobody's"));
        let full = session
            .query::<User>()
            .full_join(|u| u.posts)
            .select(|(u, p)| (u.name, p.title))
            .fetch();
        if engine.dialect().name() == "mysql" {
            assert!(full.unwrap_err().to_string().contains("mysql has no FULL JOIN"));
            return matrix::not_applicable("there is no FULL JOIN");
        }
        let rows: Vec<(Option<String>, Option<String>)> = full?;
        assert_eq!(rows.len(), 5);
        assert_eq!(rows.iter().filter(|(name, _)| name.is_none()).count(), 1);
        assert_eq!(rows.iter().filter(|(_, title)| title.is_none()).count(), 2);
        Ok(())
    });
}

#[test]
fn right_join_after_another_join() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let [mike, _] = two_posts(&mut session)?;
        session.add(Comment::new(mike, "first"));
        let rows = session
            .query::<User>()
            .join(|u| u.posts)
            .right_join(|(_, p)| p.comments)
            .select(|(u, p, c)| (u.name, p.title, c.text))
            .fetch()?;
        let text = str::to_owned;
        assert_eq!(rows, [(Some(text("Mike")), Some(text("Mike's")), text("first"))]);
        Ok(())
    });
}

#[test]
fn insert_from_a_query() {
    on_each(|engine| {
        let mut session = engine.session()?;
        four(&mut session)?;
        let countries = query::<User>()
            .filter(|u| u.name.like("M%"))
            .select(|u| (u.name.upper(), u.name.concat("land")));
        let inserted = session
            .insert_into::<Country, _>(|c| (c.code, c.name))
            .rows(countries)?;
        assert_eq!(inserted, 2);
        let names = session
            .query::<Country>()
            .order_by(|c| c.code)
            .select(|c| (c.code, c.name))
            .fetch()?;
        let text = str::to_owned;
        assert_eq!(
            names,
            [(text("MICK"), text("Mickland")), (text("MIKE"), text("Mikeland"))]
        );
        // Constraints are those of any insert.
        let again = query::<User>()
            .filter(|u| u.name.eq("Mike"))
            .select(|u| (u.name.upper(), u.name));
        let error = session
            .nested(|session| {
                session
                    .insert_into::<Country, _>(|c| (c.code, c.name))
                    .rows(again)
            })
            .unwrap_err();
        assert_eq!(error.failure(), Some(aludel::Failure::Unique), "{error}");
        Ok(())
    });
}

#[test]
fn insert_from_a_query_takes_its_own_columns_only() {
    let engine = Engine::open("sqlite::memory:").unwrap();
    let mut connection = engine.connect().unwrap();
    let error = connection
        .insert_into::<Country, _>(|c| (c.code, c.name.upper()))
        .rows(query::<User>().select(|u| (u.name, u.name)))
        .unwrap_err();
    assert_eq!(error.to_string(), "an INSERT takes columns of its table only");
}
