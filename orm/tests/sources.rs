//! Sources that are no tables: subqueries in FROM, common table expressions, recursive ones, values, LATERAL; and compounds of selects.

mod support;

use aludel::dialect::{Mysql, Postgresql, Sqlite};
use aludel::prelude::*;
use support::{Group, Membership, Node, Post, User, four, matrix, on_each};

/// Mike has written posts with 1, 2 and 3 likes, Nick one with 10; the others none.
fn posts(session: &mut Session) -> aludel::Result<()> {
    let users = four(session)?;
    for (user, likes) in [(0, 1), (0, 2), (0, 3), (1, 10)] {
        session.add(Post {
            author: Some(users[user].into()),
            likes,
            ..Post::new(format!("post {likes}"))
        });
    }
    session.commit()
}

#[test]
fn subquery_in_from() {
    on_each(|engine| {
        let mut session = engine.session()?;
        posts(&mut session)?;
        let sums = query::<Post>()
            .group_by(|p| p.author)
            .select(|p| (p.author, p.likes.sum()))
            .subquery();
        let named: Vec<(String, Option<i64>)> = query::<User>()
            .join_rows(&sums)
            .on(|(u, (author, _))| author.eq(u.id))
            .order_by(|(u, _)| u.name)
            .select(|(u, (_, sum))| (u.name, sum))
            .on(&mut session)
            .fetch()?;
        assert_eq!(
            named,
            [("Mike".to_owned(), Some(6)), ("Nick".to_owned(), Some(10))]
        );
        Ok(())
    });
}

#[test]
fn subquery_behind_a_left_join_has_nulls() {
    on_each(|engine| {
        let mut session = engine.session()?;
        posts(&mut session)?;
        let counts = query::<Post>()
            .group_by(|p| p.author)
            .select(|p| (p.author, count_all()))
            .subquery();
        let named: Vec<(String, Option<i64>)> = session
            .query::<User>()
            .left_join_rows(&counts)
            .on(|(u, (author, _))| author.eq(u.id))
            .order_by(|(u, _)| u.id)
            .select(|(u, (_, count))| (u.name, count))
            .fetch()?;
        let counts: Vec<Option<i64>> = named.into_iter().map(|(_, count)| count).collect();
        assert_eq!(counts, [Some(3), Some(1), None, None]);
        Ok(())
    });
}

#[test]
fn subquery_of_whole_entities_keeps_their_columns() {
    on_each(|engine| {
        let mut session = engine.session()?;
        posts(&mut session)?;
        let liked = query::<Post>().order_by(|p| p.likes.desc()).limit(2).subquery();
        let all: Vec<Post> = liked
            .query()
            .filter(|p| p.likes.lt(10))
            .on(&mut session)
            .fetch()?;
        assert_eq!(all.iter().map(|p| p.likes).collect::<Vec<i64>>(), [3]);
        // They can be tracked as well: the same rows, the same handles.
        let handles = liked.query().order_by(|p| p.likes).on(&mut session).all()?;
        assert_eq!(session[handles[1]].title, "post 10");
        assert_eq!(
            session.query::<Post>().filter(|p| p.likes.eq(10)).one()?,
            handles[1]
        );
        Ok(())
    });
}

#[test]
fn cte_is_written_once_and_read_twice() {
    on_each(|engine| {
        let mut session = engine.session()?;
        posts(&mut session)?;
        let sums = query::<Post>()
            .group_by(|p| p.author)
            .select(|p| (p.author, p.likes.sum().or_else(0)))
            .cte();
        let most = sums.query().select(|(_, sum)| sum.max()).scalar();
        let best = query::<User>()
            .join_rows(&sums)
            .on(|(u, (author, _))| author.eq(u.id))
            .filter(|(_, (_, sum))| sum.eq(most))
            .select(|(u, (_, sum))| (u.name, sum));
        assert_eq!(best.to_sql().matches("WITH").count(), 1);
        assert_eq!(best.on(&mut session).fetch_one()?, ("Nick".to_owned(), 10));
        Ok(())
    });
}

#[test]
fn cte_can_read_another() {
    on_each(|engine| {
        let mut session = engine.session()?;
        posts(&mut session)?;
        let liked = query::<Post>().filter(|p| p.likes.ge(2)).cte();
        let counted = liked
            .query()
            .group_by(|p| p.author)
            .select(|p| (p.author, count_all()))
            .cte()
            .materialized(true);
        // The parameters are in the order of the text, on all backends: 2 of the first, 1 of this one.
        let many = query::<User>()
            .join_rows(&counted)
            .on(|(u, (author, _))| author.eq(u.id))
            .filter(|(_, (_, count))| count.gt(1))
            .select(|(u, (_, count))| (u.name, count));
        assert_eq!(many.on(&mut session).fetch()?, [("Mike".to_owned(), 2)]);
        Ok(())
    });
}

#[test]
fn cte_in_the_filter_of_an_update_and_a_delete() {
    on_each(|engine| {
        posts(&mut engine.session()?)?;
        let mut connection = engine.connect()?;
        let writers = query::<Post>().filter(|p| p.likes.ge(3)).cte();
        let ids = || writers.query().select(|p| p.author);
        let changed = connection
            .update::<User>()
            .set(|u| u.age.to(70))
            .filter(|u| u.id.in_(ids()))
            .run()?;
        assert_eq!(changed, 2);
        let deleted = connection
            .delete::<User>()
            .filter(|u| u.id.not_in(ids().filter(|p| p.author.is_not_null())))
            .run()?;
        assert_eq!(deleted, 2);
        let left: Vec<(String, i64)> = connection
            .query::<User>()
            .order_by(|u| u.name)
            .select(|u| (u.name, u.age))
            .fetch()?;
        assert_eq!(left, [("Mike".to_owned(), 70), ("Nick".to_owned(), 70)]);
        Ok(())
    });
}

/// home > src > bin, home > doc; and a second tree.
fn folders(session: &mut Session) -> aludel::Result<Vec<Handle<Node>>> {
    let mut made: Vec<Handle<Node>> = Vec::new();
    for (name, parent) in [
        ("home", None),
        ("src", Some(0)),
        ("bin", Some(1)),
        ("doc", Some(0)),
        ("other", None),
    ] {
        let parent = parent.map(|i: usize| Fk::from(made[i]));
        made.push(session.add(Node {
            parent,
            ..Node::new(name)
        }));
    }
    session.commit()?;
    Ok(made)
}

#[test]
fn recursive_goes_down_a_tree() {
    on_each(|engine| {
        let mut session = engine.session()?;
        folders(&mut session)?;
        let tree = recursive(
            query::<Node>()
                .filter(|n| n.name.eq("home"))
                .select(|n| (n.id, val::<i64>(0))),
        )
        .union_all(|above| {
            query::<Node>()
                .join_rows(above)
                .on(|(n, (id, _))| n.parent.eq(id))
                .select(|(n, (_, depth))| (n.id, depth + 1))
        });
        let found: Vec<(String, i64)> = query::<Node>()
            .join_rows(&tree)
            .on(|(n, (id, _))| n.id.eq(id))
            .order_by(|(n, (_, depth))| (depth, n.name))
            .select(|(n, (_, depth))| (n.name, depth))
            .on(&mut session)
            .fetch()?;
        let expected = [("home", 0), ("doc", 1), ("src", 1), ("bin", 2)];
        assert_eq!(found, expected.map(|(name, depth)| (name.to_owned(), depth)));
        Ok(())
    });
}

#[test]
fn recursive_goes_up_a_tree_to_tracked_entities() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let made = folders(&mut session)?;
        let start = session[made[2]].id;
        let path = recursive(query::<Node>().filter(|n| n.id.eq(start))).union_all(|below| {
            query::<Node>()
                .join_rows(below)
                .on(|(n, below)| below.parent.eq(n.id))
                .select(|(n, _)| n)
        });
        let mut up = path.query().on(&mut session).all()?;
        up.sort_by_key(|node| made.iter().position(|known| known == node));
        assert_eq!(up, [made[0], made[1], made[2]]);
        Ok(())
    });
}

#[test]
fn recursive_union_ends_in_a_circle() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let made = folders(&mut session)?;
        session[made[0]].parent = Some(made[2].into());
        session.commit()?;
        let start = session[made[1]].id;
        let around = recursive(query::<Node>().filter(|n| n.id.eq(start)).select(|n| n.id)).union(|seen| {
            query::<Node>()
                .join_rows(seen)
                .on(|(n, id)| n.parent.eq(id))
                .select(|(n, _)| n.id)
        });
        assert_eq!(around.query().on(&mut session).count()?, 4);
        Ok(())
    });
}

#[test]
fn recursive_counts_without_a_table() {
    on_each(|engine| {
        let mut connection = engine.connect()?;
        let numbers = recursive(values([(1_i64,)]).query().select(|(n,)| n))
            .union_all(|seen| seen.query().filter(|n| n.lt(10)).select(|n| n + 1));
        let sum: Option<i64> = numbers
            .query()
            .select(|n| n.sum())
            .on(&mut connection)
            .fetch_one()?;
        assert_eq!(sum, Some(55));
        Ok(())
    });
}

#[test]
fn values_are_joined_like_a_table() {
    on_each(|engine| {
        let mut session = engine.session()?;
        four(&mut session)?;
        let ages = values([
            ("Mike".to_owned(), Some(30_i64)),
            ("Nick".to_owned(), None),
            ("Nobody".to_owned(), Some(1)),
        ]);
        let joined: Vec<(String, Option<i64>)> = query::<User>()
            .join_rows(&ages)
            .on(|(u, (name, _))| u.name.eq(name))
            .order_by(|(u, _)| u.name)
            .select(|(u, (_, age))| (u.name, age))
            .on(&mut session)
            .fetch()?;
        assert_eq!(joined, [("Mike".to_owned(), Some(30)), ("Nick".to_owned(), None)]);
        Ok(())
    });
}

#[test]
fn values_keep_their_types() {
    on_each(|engine| {
        let mut connection = engine.connect()?;
        let rows = vec![
            (true, 1.5_f64, "a".to_owned(), vec![1_u8, 2], None::<i64>),
            (false, -2.0, String::new(), vec![], Some(i64::MAX)),
        ];
        let mut read = values(rows.clone()).query().on(&mut connection).fetch()?;
        read.sort_by_key(|row| !row.0);
        assert_eq!(read, rows);
        Ok(())
    });
}

#[test]
fn values_may_be_none_at_all() {
    on_each(|engine| {
        let mut session = engine.session()?;
        four(&mut session)?;
        let none = values(Vec::<(String, i64)>::new());
        let joined = query::<User>()
            .join_rows(&none)
            .on(|(u, (name, _))| u.name.eq(name));
        assert!(joined.on(&mut session).fetch()?.is_empty());
        assert_eq!(none.query().on(&mut session).count()?, 0);
        Ok(())
    });
}

#[test]
fn lateral_takes_the_best_of_each() {
    on_each(|engine| {
        let mut session = engine.session()?;
        posts(&mut session)?;
        let best = session.query::<User>().left_join_lateral(|u| {
            query::<Post>()
                .filter(|p| p.author.eq(u.id))
                .order_by(|p| p.likes.desc())
                .limit(2)
                .select(|p| (p.title, p.likes))
        });
        let best = best
            .order_by(|(u, (_, likes))| (u.id, likes.desc()))
            .select(|(u, (_, likes))| (u.name, likes))
            .fetch();
        if engine.dialect().name() != "postgresql" {
            let message = best.unwrap_err().to_string();
            assert!(message.contains("has no LATERAL joins"), "{message}");
            return matrix::not_applicable("there is no LATERAL");
        }
        let likes: Vec<(String, Option<i64>)> = best?;
        let expected = [
            ("Mike", Some(3)),
            ("Mike", Some(2)),
            ("Nick", Some(10)),
            ("Mick", None),
            ("Nike", None),
        ];
        assert_eq!(likes, expected.map(|(name, likes)| (name.to_owned(), likes)));
        Ok(())
    });
}

#[test]
fn compound_arms_keep_their_limits() {
    on_each(|engine| {
        four(&mut engine.session()?)?;
        let mut connection = engine.connect()?;
        let first = || query::<User>().order_by(|u| u.id).select(|u| u.name);
        let last = query::<User>().filter(|u| u.id.eq(4)).select(|u| u.name);
        let mut names = last.union_all(first().limit(2)).on(&mut connection).fetch()?;
        names.sort();
        assert_eq!(names, ["Mike", "Nick", "Nike"]);
        let mut names = first()
            .limit(1)
            .union_all(first().offset(3))
            .on(&mut connection)
            .fetch()?;
        names.sort();
        assert_eq!(names, ["Mike", "Nike"]);
        Ok(())
    });
}

/// `a UNION ALL (b EXCEPT c)` is not `(a UNION ALL b) EXCEPT c`.
#[test]
fn compound_inside_of_a_compound() {
    on_each(|engine| {
        four(&mut engine.session()?)?;
        let mut connection = engine.connect()?;
        let named = |name: &'static str| {
            query::<User>()
                .filter(move |u| u.name.eq(name))
                .select(|u| u.name)
        };
        let inner = named("Nick").except(named("Mike"));
        let names = named("Mike")
            .union_all(inner)
            .order_by(|u| u.name)
            .on(&mut connection)
            .fetch()?;
        assert_eq!(names, ["Mike", "Nick"]);
        Ok(())
    });
}

#[test]
fn many_to_many_through_a_subquery() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let users = four(&mut session)?;
        let group = session.add(Group::new("all"));
        for user in &users {
            session.add(Membership::new(*user, group));
        }
        session.commit()?;
        let sizes = query::<Membership>()
            .group_by(|m| m.group)
            .select(|m| (m.group, count_all()))
            .subquery();
        let size = query::<Group>()
            .join_rows(&sizes)
            .on(|(g, (group, _))| group.eq(g.id))
            .select(|(_, (_, size))| size)
            .on(&mut session)
            .fetch_one()?;
        assert_eq!(size, 4);
        Ok(())
    });
}

#[test]
fn texts_in_each_dialect() {
    let rows = values([(1_i64, "a".to_owned()), (2, "b".to_owned())]).query();
    assert_eq!(
        rows.to_sql_in(&Sqlite).unwrap(),
        "WITH cte (c0, c1) AS (VALUES (?1, ?2), (?3, ?4)) SELECT c0, c1 FROM cte AS c"
    );
    assert_eq!(
        rows.to_sql_in(&Mysql).unwrap(),
        "WITH cte (c0, c1) AS (SELECT ?, ? UNION ALL SELECT ?, ?) SELECT c0, c1 FROM cte AS c"
    );
    assert_eq!(
        rows.to_sql_in(&Postgresql).unwrap(),
        "WITH cte (c0, c1) AS (VALUES (CAST($1 AS bigint), CAST($2 AS text)), (CAST($3 AS bigint), $4)) SELECT c0, c1 FROM cte AS c"
    );
}

/// A handle of the step that gets out of it has no rows to read.
#[test]
fn recursive_rows_stay_in_their_step() {
    let mut kept = None;
    let tree = recursive(query::<Node>().select(|n| n.id)).union_all(|above| {
        kept = Some(above.clone());
        query::<Node>()
            .join_rows(above)
            .on(|(n, id)| n.parent.eq(id))
            .select(|(n, _)| n.id)
    });
    assert!(tree.query().to_sql().starts_with("WITH RECURSIVE"));
    let error = kept.unwrap().query().to_sql_in(&Sqlite).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the rows of a recursive query are used outside of its step"
    );
}

#[test]
fn table_by_its_name() {
    on_each(|engine| {
        let mut session = engine.session()?;
        posts(&mut session)?;
        let (users, posts) = (table("users"), table("posts"));
        let likes: Vec<(String, Option<i64>)> = users
            .query()
            .left_join_rows(&posts)
            .on(|(u, p)| p.col::<i64>("author_id").eq(u.col::<i64>("id")))
            .group_by(|(u, _)| (u.col::<i64>("id"), u.col::<String>("name")))
            .order_by(|(u, _)| u.col::<i64>("id"))
            .select(|(u, p)| (u.col::<String>("name"), p.col::<i64>("likes").sum()))
            .on(&mut session)
            .fetch()?;
        let expected = [
            ("Mike", Some(6)),
            ("Nick", Some(10)),
            ("Mick", None),
            ("Nike", None),
        ];
        assert_eq!(likes, expected.map(|(name, likes)| (name.to_owned(), likes)));
        Ok(())
    });
}

#[test]
fn table_by_its_name_beside_an_entity() {
    on_each(|engine| {
        let mut session = engine.session()?;
        posts(&mut session)?;
        let rows: Vec<(User, Vec<aludel::Value<'static>>)> = session
            .query::<User>()
            .join_rows(&table("posts"))
            .on(|(u, p)| p.col::<Id<User>>("author_id").eq(u.id))
            .filter(|(_, p)| p.col::<i64>("likes").gt(5))
            .fetch()?;
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].0.name, "Nick");
        // id, author_id, title, likes, version
        assert_eq!(rows[0].1.len(), 5);
        assert_eq!(rows[0].1[2], aludel::Value::from("post 10"));
        Ok(())
    });
}

#[test]
fn table_by_its_name_is_written_to() {
    on_each(|engine| {
        let mut connection = engine.connect()?;
        let countries = table("countries");
        let rows = (0..2_500_i64).map(|i| (format!("C{i}"), format!("Country {i}")));
        assert_eq!(countries.insert(&mut connection, ["code", "name"], rows)?, 2_500);
        let changed = countries
            .update(&mut connection)
            .set("name", |c| c.col::<String>("name").concat("!"))
            .filter(|c| c.col::<String>("code").in_(["C7", "C8"]))
            .run()?;
        assert_eq!(changed, 2);
        let deleted = countries
            .delete(&mut connection)
            .filter(|c| c.col::<String>("code").ne("C7"))
            .run()?;
        assert_eq!(deleted, 2_499);
        let left = countries.query().on(&mut connection).fetch()?;
        assert_eq!(left, [["C7", "Country 7!"].map(aludel::Value::from)]);
        let error = countries
            .query()
            .select(|c| c.col::<i64>("nothing"))
            .on(&mut connection)
            .fetch();
        assert!(error.unwrap_err().to_string().contains("nothing"));
        Ok(())
    });
}

#[test]
fn table_that_was_reflected() {
    on_each(|engine| {
        let mut session = engine.session()?;
        four(&mut session)?;
        session.close()?;
        let schema = engine.reflect()?;
        let users = schema.table("users").unwrap();
        let texts = users
            .columns
            .iter()
            .filter(|column| column.kind == aludel::Kind::Text)
            .count();
        assert_eq!(texts, 2);
        let mut connection = engine.connect()?;
        let names = users
            .rows()
            .query()
            .filter(|u| u.col::<String>("name").like("M%"))
            .on(&mut connection)
            .count()?;
        assert_eq!(names, 2);
        Ok(())
    });
}
