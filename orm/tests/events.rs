//! Events: listeners of an engine and of a session.

mod support;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use aludel::prelude::*;
use aludel::session::ChangeKind;
use aludel::{Error, Value};
use support::{Comment, Group, Node, Post, User, four, on_each};

/// Lines that listeners wrote.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    fn push(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// A listener that writes one line.
    fn says(
        &self,
        line: &'static str,
    ) -> impl Fn(&mut Session) -> aludel::Result<()> + Send + Sync + 'static {
        let heard = self.clone();
        move |_| {
            heard.push(line);
            Ok(())
        }
    }
}

/// A listener for each moment of rows of any type.
fn hear_all_rows(engine: &Engine, heard: &Heard) {
    macro_rules! hear {
        ($($method:ident)*) => {
            engine.listen(|on| {$(
                let lines = heard.clone();
                on.$method(move |row| {
                    lines.push(format!("{} {} {}", stringify!($method), row.entity(), row.key()));
                    Ok(())
                });
            )*})
        };
    }
    hear! { before_any_insert after_any_insert before_any_update after_any_update before_any_delete after_any_delete after_any_load }
}

#[test]
fn rows_are_told_before_and_after_they_are_written() {
    on_each(|engine| {
        let heard = Heard::default();
        hear_all_rows(&engine, &heard);
        let mut session = engine.session()?;
        let mike = session.add(User::new("Mike"));
        session.add(Group::new("one"));
        session.commit()?;
        let lines = heard.take();
        assert_eq!(lines.len(), 4);
        assert!(
            lines.contains(&"before_any_insert User NULL".to_owned()),
            "{lines:?}"
        );
        assert!(lines.contains(&"after_any_insert User 1".to_owned()), "{lines:?}");
        session[mike].age = 40;
        session.commit()?;
        assert_eq!(
            heard.take(),
            ["before_any_update User 1", "after_any_update User 1"]
        );
        session.delete(mike);
        session.commit()?;
        let lines = heard.take();
        assert_eq!(lines, ["before_any_delete User 1", "after_any_delete User 1"]);
        Ok(())
    });
}

#[test]
fn a_listener_before_an_insert_changes_the_row() {
    on_each(|engine| {
        engine.listen(|on| {
            on.before_insert::<User>(|user| {
                user.name = user.name.trim().to_uppercase();
                assert_eq!(user.before(|u| u.name), None);
                assert!(user.is_changed(|u| u.age));
                Ok(())
            })
        });
        let mut session = engine.session()?;
        let mike = session.add(User::new("  mike "));
        session.commit()?;
        assert_eq!(session[mike].name, "MIKE");
        assert_eq!(
            engine.connect()?.query::<User>().select(|u| u.name).fetch()?,
            ["MIKE"]
        );
        Ok(())
    });
}

#[test]
fn a_listener_before_an_update_sees_both_states_and_changes_the_row() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let mike = four(&mut session)?[0];
        engine.listen(|on| {
            on.before_update::<User>(|user| {
                assert!(user.is_changed(|u| u.name) && !user.is_changed(|u| u.age));
                let former = user.before(|u| u.name).unwrap();
                user.email = Some(format!("formerly {former}"));
                Ok(())
            });
            on.after_update::<User>(|user| {
                assert_eq!(user.before(|u| u.name).as_deref(), Some("Mike"));
                assert_eq!(user.before(|u| u.email), Some(None));
                assert_eq!(user.name, "Mikael");
                Ok(())
            })
        });
        session[mike].name = "Mikael".into();
        session.commit()?;
        let row = engine
            .connect()?
            .query::<User>()
            .filter(|u| u.id.eq(1))
            .fetch_one()?;
        assert_eq!(row.email.as_deref(), Some("formerly Mike"));
        Ok(())
    });
}

#[test]
fn an_untouched_row_is_not_told_of() {
    on_each(|engine| {
        let heard = Heard::default();
        let mut session = engine.session()?;
        let mike = four(&mut session)?[0];
        hear_all_rows(&engine, &heard);
        session[mike].name.truncate(100);
        session.commit()?;
        assert!(heard.take().is_empty());
        Ok(())
    });
}

#[test]
fn an_error_of_a_listener_vetoes_an_insert() {
    on_each(|engine| {
        engine.listen(|on| {
            on.before_insert::<User>(|user| match user.name.is_empty() {
                true => Err(Error::refused("a user has a name")),
                false => Ok(()),
            })
        });
        let mut session = engine.session()?;
        session.add(User::new("Mike"));
        let nobody = session.add(User::new(""));
        assert_eq!(session.commit().unwrap_err().to_string(), "a user has a name");
        // The row is still new: mended, it goes through.
        session[nobody].name = "Nobody".into();
        session.commit()?;
        assert_eq!(session.query::<User>().count()?, 2);
        Ok(())
    });
}

#[test]
fn an_error_of_a_listener_vetoes_an_update_and_a_delete() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let users = four(&mut session)?;
        engine.listen(|on| {
            on.before_update::<User>(|user| match user.age {
                ..0 => Err(Error::refused("nobody is that young")),
                _ => Ok(()),
            });
            on.before_delete::<User>(|user| Err(Error::refused(format!("{} stays", user.name))))
        });
        session[users[0]].age = -1;
        assert_eq!(session.commit().unwrap_err().to_string(), "nobody is that young");
        session[users[0]].age = 1;
        session.commit()?;
        session.delete(users[1]);
        assert_eq!(session.commit().unwrap_err().to_string(), "Nick stays");
        session.rollback()?;
        assert_eq!(session.query::<User>().count()?, 4);
        assert!(session.contains(users[1]));
        Ok(())
    });
}

#[test]
fn an_error_after_a_row_was_written_ends_the_flush() {
    on_each(|engine| {
        let mut session = engine.session()?;
        session.listen(|on| on.after_insert::<User>(|_| Err(Error::refused("too late"))));
        session.add(User::new("Mike"));
        assert_eq!(session.flush().unwrap_err().to_string(), "too late");
        session.rollback()?;
        assert_eq!(session.query::<User>().count()?, 0);
        Ok(())
    });
}

#[test]
fn a_listener_of_a_session_hears_that_session_only() {
    on_each(|engine| {
        let heard = Arc::new(AtomicU32::new(0));
        let mut session = engine.session()?;
        let count = Arc::clone(&heard);
        session.listen(|on| {
            on.after_insert::<User>(move |_| {
                count.fetch_add(1, Ordering::Relaxed);
                Ok(())
            })
        });
        session.add_all(["a", "b"].map(User::new));
        session.commit()?;
        let mut other = engine.session()?;
        other.add(User::new("c"));
        other.commit()?;
        assert_eq!(heard.load(Ordering::Relaxed), 2);
        Ok(())
    });
}

#[test]
fn a_typed_listener_does_not_hear_other_entities() {
    on_each(|engine| {
        engine.listen(|on| on.before_insert::<User>(|_| Err(Error::refused("no users"))));
        let mut session = engine.session()?;
        session.add(Group::new("one"));
        session.commit()?;
        assert_eq!(session.query::<Group>().count()?, 1);
        Ok(())
    });
}

#[test]
fn a_removed_listener_hears_no_more() {
    on_each(|engine| {
        let listener = engine.listen(|on| on.before_insert::<User>(|_| Err(Error::refused("closed"))));
        let mut session = engine.session()?;
        session.add(User::new("Mike"));
        assert!(session.commit().is_err());
        assert!(engine.listen(|on| on.remove(listener)));
        assert!(!engine.listen(|on| on.remove(listener)));
        session.commit()?;
        session.listen(|on| on.before_commit(|_| Err(Error::refused("closed"))));
        assert!(session.commit().is_err());
        session.listen(|on| on.clear());
        session.commit()
    });
}

#[test]
fn listeners_are_called_in_the_order_of_adding_the_engines_first() {
    on_each(|engine| {
        let heard = Heard::default();
        let mut session = engine.session()?;
        session.listen(|on| on.before_commit(heard.says("session")));
        engine.listen(|on| {
            on.before_commit(heard.says("engine 1"));
            on.before_commit(heard.says("engine 2"));
        });
        session.commit()?;
        assert_eq!(heard.take(), ["engine 1", "engine 2", "session"]);
        Ok(())
    });
}

#[test]
fn flush_commit_and_rollback_are_told_in_order() {
    on_each(|engine| {
        let heard = Heard::default();
        engine.listen(|on| {
            on.before_commit(heard.says("before commit"));
            on.before_flush(heard.says("before flush"));
            let flushed = heard.clone();
            on.after_flush(move |_, changes| {
                flushed.push(format!("after flush: {}", changes.len()));
                Ok(())
            });
            on.after_commit(heard.says("after commit"));
            on.after_rollback(heard.says("after rollback"));
        });
        let mut session = engine.session()?;
        session.add_all(["a", "b"].map(User::new));
        session.commit()?;
        let expected = ["before commit", "before flush", "after flush: 2", "after commit"];
        assert_eq!(heard.take(), expected);
        session.rollback()?;
        assert_eq!(heard.take(), ["after rollback"]);
        Ok(())
    });
}

#[test]
fn after_a_flush_the_changes_are_told() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let users = four(&mut session)?;
        let heard = Heard::default();
        let lines = heard.clone();
        session.listen(|on| {
            on.after_flush(move |_, changes| {
                for change in changes {
                    lines.push(format!(
                        "{:?} {} {} {:?}",
                        change.kind, change.entity, change.key, change.columns
                    ));
                    assert!(change.kind != ChangeKind::Insert || change.key == "NULL");
                }
                Ok(())
            })
        });
        session.add(User::new("new"));
        session[users[0]].age = 9;
        session.delete(users[1]);
        session.flush()?;
        let mut lines = heard.take();
        lines.sort();
        assert_eq!(
            lines,
            [
                r#"Delete User 2 []"#,
                r#"Insert User NULL []"#,
                r#"Update User 1 ["age"]"#
            ]
        );
        Ok(())
    });
}

#[test]
fn before_a_flush_entities_can_be_added_changed_and_deleted() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let users = four(&mut session)?;
        let (first, second) = (users[0], users[1]);
        session.listen(|on| {
            on.before_flush(move |session| {
                session.add(Group::new("made by a listener"));
                session[first].age = 77;
                session.delete(second);
                // A query sees the database as it is before this flush.
                assert_eq!(session.query::<Group>().count()?, 0);
                Ok(())
            })
        });
        session.add(User::new("new"));
        session.flush()?;
        session.listen(|on| on.clear());
        session.commit()?;
        assert_eq!(session.query::<Group>().count()?, 1);
        assert_eq!(session.query::<User>().count()?, 4);
        let ages = session.query::<User>().filter(|u| u.age.eq(77)).count()?;
        assert_eq!(ages, 1);
        Ok(())
    });
}

/// Runs of new rows from which a listener takes some back: those left are written with the keys that belong to them.
#[test]
fn before_a_flush_new_entities_can_be_taken_back() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let users = session.add_all(["a", "b", "c", "d", "e", "f"].map(User::new));
        let posts = users.iter().map(|user| Post {
            author: Some((*user).into()),
            ..Post::new("first")
        });
        let posts = session.add_all(posts.collect::<Vec<_>>());
        let (second, third, last) = (users[1], users[2], users[5]);
        let (post_of_second, post_of_last) = (posts[1], posts[5]);
        session.listen(|on| {
            on.before_flush(move |session| {
                session.expunge(post_of_second)?;
                let taken = session.expunge(second)?;
                assert_eq!(taken.name, "b");
                // Its post goes with it: the cascade says so.
                session.delete(third);
                session.expunge(post_of_last)?;
                session.expunge(last)?;
                Ok(())
            })
        });
        session.flush()?;
        session.listen(|on| on.clear());
        session.commit()?;
        for gone in [second, third, last] {
            assert!(!session.contains(gone));
        }
        let mut connection = engine.connect()?;
        let rows = connection
            .query::<User>()
            .order_by(|u| u.id)
            .select(|u| (u.id, u.name))
            .fetch()?;
        let left = [users[0], users[3], users[4]];
        let expected: Vec<_> = left
            .iter()
            .map(|user| (session[*user].id, session[*user].name.clone()))
            .collect();
        assert_eq!(rows, expected);
        assert_eq!(
            rows.iter().map(|row| row.1.as_str()).collect::<Vec<_>>(),
            ["a", "d", "e"]
        );
        let authors = connection
            .query::<Post>()
            .order_by(|p| p.id)
            .select(|p| p.author)
            .fetch()?;
        let of_posts: Vec<_> = [posts[0], posts[3], posts[4]]
            .iter()
            .map(|post| session[*post].author.clone())
            .collect();
        assert_eq!(authors, of_posts);
        Ok(())
    });
}

/// The same where each row is told of, and among rows that refer to each other.
#[test]
fn before_a_flush_rows_of_a_tree_can_be_taken_back() {
    on_each(|engine| {
        let heard = Heard::default();
        hear_all_rows(&engine, &heard);
        let mut session = engine.session()?;
        let root = session.add(Node::new("root"));
        let children = ["left", "middle", "right"].map(|name| {
            session.add(Node {
                parent: Some(root.into()),
                ..Node::new(name)
            })
        });
        let middle = children[1];
        session.listen(|on| on.before_flush(move |session| session.expunge(middle).map(|_| ())));
        session.flush()?;
        let lines = heard.take();
        assert_eq!(lines.len(), 6, "{lines:?}");
        session.listen(|on| on.clear());
        session.commit()?;
        let names = session
            .query::<Node>()
            .order_by(|n| n.id)
            .select(|n| n.name)
            .fetch()?;
        assert_eq!(names, ["root", "left", "right"]);
        assert_eq!(session[children[2]].parent, Some(Fk::Key(session[root].id)));
        Ok(())
    });
}

#[test]
fn a_listener_of_a_flush_cannot_flush_commit_or_roll_back() {
    on_each(|engine| {
        let mut session = engine.session()?;
        session.listen(|on| {
            on.before_flush(|session| {
                assert!(matches!(session.flush(), Err(Error::Flush(_))));
                assert!(matches!(session.commit(), Err(Error::Flush(_))));
                let error = session.rollback().unwrap_err().to_string();
                assert!(error.contains("cannot roll back"), "{error}");
                Ok(())
            })
        });
        session.add(User::new("Mike"));
        session.commit()?;
        assert_eq!(session.query::<User>().count()?, 1);
        Ok(())
    });
}

#[test]
fn a_row_listener_runs_statements_in_the_same_transaction() {
    on_each(|engine| {
        engine.listen(|on| {
            on.after_insert::<User>(|user| {
                let name = user.name.clone();
                let group = Group::new(format!("friends of {name}"));
                user.connection()?.insert([group]).run()?;
                Ok(())
            })
        });
        let mut session = engine.session()?;
        session.add(User::new("Mike"));
        session.flush()?;
        let names = session.query::<Group>().select(|g| g.name).fetch()?;
        assert_eq!(names, ["friends of Mike"]);
        session.rollback()?;
        assert_eq!(session.query::<Group>().count()?, 0);
        Ok(())
    });
}

#[test]
fn loading_is_told_once_for_each_entity_read() {
    on_each(|engine| {
        let mut session = engine.session()?;
        four(&mut session)?;
        let heard = Heard::default();
        hear_all_rows(&engine, &heard);
        let mut session = engine.session()?;
        let first = session.get::<User>(1)?;
        assert_eq!(heard.take(), ["after_any_load User 1"]);
        session.query::<User>().order_by(|u| u.id).all()?;
        let rest = [
            "after_any_load User 2",
            "after_any_load User 3",
            "after_any_load User 4",
        ];
        assert_eq!(heard.take(), rest);
        session.get::<User>(1)?;
        assert!(heard.take().is_empty());
        session.refresh(first)?;
        assert_eq!(heard.take(), ["after_any_load User 1"]);
        // Rows as values are nobody's entities.
        session.query::<User>().fetch()?;
        assert!(heard.take().is_empty());
        Ok(())
    });
}

#[test]
fn loading_along_relations_is_told() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let mike = session.add(User::new("Mike"));
        let mut post = Post::new("one");
        post.author = Some(mike.into());
        let post = session.add(post);
        session.add(Comment::new(post, "nice"));
        session.commit()?;
        let heard = Heard::default();
        hear_all_rows(&engine, &heard);
        let mut session = engine.session()?;
        session
            .query::<User>()
            .with(|u| u.posts.with(|p| p.comments))
            .all()?;
        let mut lines = heard.take();
        lines.sort();
        let expected = [
            "after_any_load Comment 1",
            "after_any_load Post 1",
            "after_any_load User 1",
        ];
        assert_eq!(lines, expected);
        Ok(())
    });
}

#[test]
fn what_a_load_listener_sets_is_written_with_the_next_flush() {
    on_each(|engine| {
        let mut session = engine.session()?;
        four(&mut session)?;
        let mut session = engine.session()?;
        session.listen(|on| {
            on.after_load::<User>(|user| {
                user.email.get_or_insert_with(|| "none".into());
                Ok(())
            })
        });
        session.query::<User>().all()?;
        session.commit()?;
        let without = engine
            .connect()?
            .query::<User>()
            .filter(|u| u.email.is_null())
            .count()?;
        assert_eq!(without, 0);
        Ok(())
    });
}

#[test]
fn an_error_of_a_load_listener_is_the_querys() {
    on_each(|engine| {
        let mut session = engine.session()?;
        four(&mut session)?;
        let mut session = engine.session()?;
        session.listen(|on| {
            on.after_load::<User>(|user| Err(Error::refused(format!("{} is secret", user.name))))
        });
        assert_eq!(session.get::<User>(2).unwrap_err().to_string(), "Nick is secret");
        Ok(())
    });
}

#[test]
fn rows_that_go_by_cascade_are_told() {
    on_each(|engine| {
        let mut session = engine.session()?;
        let root = session.add(Node {
            id: Id::unassigned(),
            parent: None,
            name: "root".into(),
        });
        session.add(Node {
            id: Id::unassigned(),
            parent: Some(root.into()),
            name: "leaf".into(),
        });
        session.commit()?;
        let heard = Heard::default();
        hear_all_rows(&engine, &heard);
        session.delete(root);
        session.commit()?;
        let lines = heard.take();
        let deleted: Vec<&String> = lines
            .iter()
            .filter(|line| line.starts_with("after_any_delete"))
            .collect();
        assert_eq!(deleted, ["after_any_delete Node 2", "after_any_delete Node 1"]);
        Ok(())
    });
}

#[test]
fn bulk_statements_are_not_told_and_what_follows_is() {
    on_each(|engine| {
        let heard = Heard::default();
        let mut session = engine.session()?;
        let users = four(&mut session)?;
        hear_all_rows(&engine, &heard);
        session.update::<User>().set(|u| u.age.to(5)).run()?;
        session.delete_where::<User>().filter(|u| u.id.eq(4)).run()?;
        session.insert([User::new("bulk")]).run()?;
        assert!(heard.take().is_empty());
        session[users[0]].age = 6;
        session.commit()?;
        assert_eq!(
            heard.take(),
            ["before_any_update User 1", "after_any_update User 1"]
        );
        Ok(())
    });
}

#[test]
fn a_statement_after_the_commit_begins_the_next_transaction() {
    on_each(|engine| {
        let mut session = engine.session()?;
        session.listen(|on| {
            on.after_commit(|session| {
                assert!(!session.in_transaction());
                assert_eq!(session.query::<User>().count()?, 1);
                Ok(())
            })
        });
        session.add(User::new("Mike"));
        session.commit()?;
        assert!(session.in_transaction());
        Ok(())
    });
}

#[test]
fn an_error_after_the_commit_does_not_undo_it() {
    on_each(|engine| {
        let mut session = engine.session()?;
        session.listen(|on| on.after_commit(|_| Err(Error::refused("mail server down"))));
        session.add(User::new("Mike"));
        assert_eq!(session.commit().unwrap_err().to_string(), "mail server down");
        assert_eq!(engine.connect()?.query::<User>().count()?, 1);
        Ok(())
    });
}

#[test]
fn a_listener_for_all_sets_columns_by_name() {
    on_each(|engine| {
        engine.listen(|on| {
            on.before_any_insert(|row| {
                if row.meta().column("email").is_some() {
                    row.set("email", "unknown")?;
                }
                assert!(matches!(row.set("no such column", 1), Err(Error::Schema(_))));
                Ok(())
            });
            on.before_any_update(|row| {
                assert_eq!(row.before("age"), Some(Value::Int(0)));
                assert_eq!(row.get("age"), Some(Value::Int(8)));
                assert_eq!(row.changed(), ["age"]);
                assert!(row.handle::<User>().is_some() && row.handle::<Group>().is_none());
                assert!(matches!(row.set("age", "many"), Err(Error::Decode { .. })));
                Ok(())
            })
        });
        let mut session = engine.session()?;
        let mike = session.add(User::new("Mike"));
        session.add(Group::new("one"));
        session.commit()?;
        assert_eq!(session[mike].email.as_deref(), Some("unknown"));
        session[mike].age = 8;
        session.commit()
    });
}

#[test]
fn a_change_after_the_insert_is_written_by_an_update() {
    on_each(|engine| {
        let mut session = engine.session()?;
        session.listen(|on| {
            on.after_insert::<User>(|user| {
                let number = user.id;
                user.email = Some(format!("user{number}@example.org"));
                Ok(())
            })
        });
        let mike = session.add(User::new("Mike"));
        session.commit()?;
        session.refresh(mike)?;
        assert_eq!(session[mike].email.as_deref(), Some("user1@example.org"));
        Ok(())
    });
}
