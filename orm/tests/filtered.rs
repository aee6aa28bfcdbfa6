//! Relations with a condition of their own beside the equality of keys.

mod support;

use aludel::prelude::*;
use support::on_each_with;

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "authors")]
#[has_many(books: Book, by = author, cascade = "delete", order_by = id)]
#[has_many(published: Book, by = author, filter = |b| b.year.is_not_null(), order_by = -year)]
#[has_many(recent: Book, by = author, filter = since_2000, order_by = id)]
#[has_one(newest: Book, by = author, filter = |b| b.year.eq(
    query::<Book>().filter(|other| other.author.eq(b.author)).select(|other| other.year.max()).scalar()
))]
#[many_to_many(teams: Team, through = Seat, order_by = id)]
#[many_to_many(led: Team, through = Seat, filter = |_team, seat| seat.role.eq("lead"), order_by = id)]
#[many_to_many(big: Team, through = Seat, filter = |team| team.size.gt(10), order_by = id)]
struct Author {
    #[column(primary_key)]
    id: Id<Author>,
    name: String,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "books")]
#[has_many(sequels: Book, by = prequel, order_by = id)]
#[has_many(published_sequels: Book, by = prequel, filter = |b| b.year.is_not_null(), order_by = id)]
struct Book {
    #[column(primary_key)]
    id: Id<Book>,
    #[column(name = "author_id")]
    author: Fk<Author>,
    title: String,
    year: Option<i64>,
    #[column(name = "prequel_id")]
    prequel: Option<Fk<Book>>,
    #[column(soft_delete)]
    gone: bool,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "teams")]
#[many_to_many(leads: Author, through = Seat, filter = |_author, seat| seat.role.eq("lead"), order_by = id)]
struct Team {
    #[column(primary_key)]
    id: Id<Team>,
    name: String,
    size: i64,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "seats")]
struct Seat {
    #[column(primary_key, name = "author_id")]
    author: Fk<Author>,
    #[column(primary_key, name = "team_id")]
    team: Fk<Team>,
    #[column(default = "member")]
    role: String,
}

/// A piece of SQL like any other.
fn since_2000(book: BookColumns) -> Expr<bool> {
    book.year.or_else(0).ge(2000)
}

fn tables() -> Schema {
    schema![Author, Book, Team, Seat]
}

struct Library {
    ann: Handle<Author>,
    bob: Handle<Author>,
    drafts: Vec<Handle<Book>>,
    teams: Vec<Handle<Team>>,
}

fn book(author: Handle<Author>, title: &str, year: Option<i64>) -> Book {
    Book {
        year,
        ..Book::new(author, title)
    }
}

/// Ann has four books, one of them a draft; Bob has a draft only.
fn library(session: &mut Session) -> aludel::Result<Library> {
    let [ann, bob] = ["Ann", "Bob"].map(|name| session.add(Author::new(name)));
    session.add_all([
        book(ann, "First", Some(1990)),
        book(ann, "Second", Some(2005)),
        book(ann, "Third", Some(2001)),
    ]);
    let drafts = session.add_all([book(ann, "Fourth", None), book(bob, "Only", None)]);
    let teams = session
        .add_all([("small", 3), ("middle", 10), ("large", 40)].map(|(name, size)| Team::new(name, size)));
    let lead = |author, team| Seat {
        role: "lead".into(),
        ..Seat::new(author, team)
    };
    session.add_all([
        lead(ann, teams[0]),
        Seat::new(ann, teams[1]),
        lead(ann, teams[2]),
        Seat::new(bob, teams[0]),
        lead(bob, teams[1]),
    ]);
    session.commit()?;
    Ok(Library {
        ann,
        bob,
        drafts,
        teams,
    })
}

fn titles(session: &Session, books: &[Handle<Book>]) -> Vec<String> {
    books.iter().map(|book| session[*book].title.clone()).collect()
}

#[test]
fn filtered_relations_load_their_rows_only() {
    on_each_with(tables, |engine| {
        let mut session = engine.session()?;
        let Library { ann, bob, .. } = library(&mut session)?;
        session.query::<Author>().all()?;
        let published = assert_statements!(1, session.related(ann, |a| a.published)?);
        assert_eq!(titles(&session, &published), ["Second", "Third", "First"]);
        assert_eq!(
            assert_statements!(0, session.related(ann, |a| a.published)?),
            published
        );
        let all = session.related(ann, |a| a.books)?;
        assert_eq!(titles(&session, &all), ["First", "Second", "Third", "Fourth"]);
        assert!(session.related(bob, |a| a.published)?.is_empty());
        assert_eq!(session.related(bob, |a| a.books)?.len(), 1);
        Ok(())
    });
}

#[test]
fn filtered_by_a_function_of_the_columns() {
    on_each_with(tables, |engine| {
        let mut session = engine.session()?;
        let Library { ann, .. } = library(&mut session)?;
        let recent = session.related(ann, |a| a.recent)?;
        assert_eq!(titles(&session, &recent), ["Second", "Third"]);
        Ok(())
    });
}

#[test]
fn filtered_eager_loading_in_the_query() {
    on_each_with(tables, |engine| {
        let mut session = engine.session()?;
        library(&mut session)?;
        // begin, authors, books, books
        let authors = assert_statements!(
            4,
            session
                .query::<Author>()
                .order_by(|a| a.id)
                .with(|a| a.published)
                .with(|a| a.books)
                .fetch()?
        );
        let counts: Vec<(usize, usize)> = authors
            .iter()
            .map(|(_, (published, all))| (published.len(), all.len()))
            .collect();
        assert_eq!(counts, [(3, 4), (0, 1)]);
        let narrowed = session
            .query::<Author>()
            .order_by(|a| a.id)
            .with(|a| a.published.filter(|b| b.title.ne("Second")).limit(1))
            .fetch()?;
        assert_eq!(narrowed[0].1[0].title, "Third");
        assert!(narrowed[1].1.is_empty());
        Ok(())
    });
}

#[test]
fn filtered_joined_loading_in_one_statement() {
    on_each_with(tables, |engine| {
        let mut session = engine.session()?;
        library(&mut session)?;
        let authors = session
            .query::<Author>()
            .order_by(|a| a.id)
            .with_joined(|a| a.published)
            .all()?;
        assert_eq!(titles(&session, &authors[0].1), ["Second", "Third", "First"]);
        assert!(authors[1].1.is_empty());
        let teams = session
            .query::<Team>()
            .order_by(|t| t.id)
            .with_joined(|t| t.leads)
            .fetch()?;
        let leads: Vec<Vec<&str>> = teams
            .iter()
            .map(|(_, leads)| leads.iter().map(|lead| lead.name.as_str()).collect())
            .collect();
        assert_eq!(leads, [["Ann"], ["Bob"], ["Ann"]]);
        Ok(())
    });
}

#[test]
fn filtered_relations_in_joins_and_conditions() {
    on_each_with(tables, |engine| {
        let mut session = engine.session()?;
        library(&mut session)?;
        let counts = session
            .query::<Author>()
            .left_join(|a| a.published)
            .group_by(|(a, _)| a.id)
            .order_by(|(a, _)| a.id)
            .select(|(a, b)| (a.id, b.id.count()))
            .fetch()?;
        assert_eq!(counts.iter().map(|(_, n)| *n).collect::<Vec<_>>(), [3, 0]);
        let joined = session
            .query::<Author>()
            .join(|a| a.recent)
            .order_by(|(_, b)| b.id)
            .select(|(a, b)| (a.name, b.title))
            .fetch()?;
        assert_eq!(
            joined,
            [
                ("Ann".to_owned(), "Second".to_owned()),
                ("Ann".into(), "Third".into())
            ]
        );
        let with_some = session
            .query::<Author>()
            .filter(|a| a.published.exists())
            .count()?;
        assert_eq!(with_some, 1);
        let with_old = session
            .query::<Author>()
            .filter(|a| a.published.any(|b| b.title.eq("Only")))
            .count()?;
        assert_eq!(with_old, 0);
        let numbers = session
            .query::<Author>()
            .order_by(|a| a.id)
            .select(|a| (a.published.count(), a.books.count(), a.led.count(), a.big.count()))
            .fetch()?;
        assert_eq!(numbers, [(3, 4, 2, 1), (0, 1, 1, 0)]);
        Ok(())
    });
}

#[test]
fn filtered_to_one_row_of_several() {
    on_each_with(tables, |engine| {
        let mut session = engine.session()?;
        let Library { ann, bob, .. } = library(&mut session)?;
        let newest = session.related(ann, |a| a.newest)?.unwrap();
        assert_eq!(session[newest].title, "Second");
        assert_eq!(session.related(bob, |a| a.newest)?, None);
        let pairs = session
            .query::<Author>()
            .order_by(|a| a.id)
            .with(|a| a.newest)
            .fetch()?;
        assert_eq!(pairs[0].1.as_ref().unwrap().title, "Second");
        assert_eq!(pairs[1].1, None);
        Ok(())
    });
}

#[test]
fn filtered_many_to_many_by_the_row_between() {
    on_each_with(tables, |engine| {
        let mut session = engine.session()?;
        let Library { ann, bob, teams, .. } = library(&mut session)?;
        assert_eq!(session.related(ann, |a| a.led)?, [teams[0], teams[2]]);
        assert_eq!(session.related(ann, |a| a.big)?, [teams[2]]);
        assert_eq!(session.related(ann, |a| a.teams)?, teams);
        assert_eq!(session.related(bob, |a| a.led)?, [teams[1]]);
        assert_eq!(session.related(teams[0], |t| t.leads)?, [ann]);
        let eager = session
            .query::<Team>()
            .order_by(|t| t.id)
            .with(|t| t.leads.limit(1))
            .all()?;
        assert_eq!(
            eager.iter().map(|(_, leads)| leads[0]).collect::<Vec<_>>(),
            [ann, bob, ann]
        );
        let seats = session
            .query::<Author>()
            .join(|a| a.led)
            .order_by(|(a, t)| (a.id, t.id))
            .select(|(a, t)| (a.name, t.name))
            .fetch()?;
        assert_eq!(
            seats.iter().map(|(_, team)| team.as_str()).collect::<Vec<_>>(),
            ["small", "large", "middle"]
        );
        Ok(())
    });
}

#[test]
fn filtered_relations_follow_changes_of_their_rows() {
    on_each_with(tables, |engine| {
        let mut session = engine.session()?;
        let Library { ann, drafts, .. } = library(&mut session)?;
        assert_eq!(session.related(ann, |a| a.published)?.len(), 3);
        session[drafts[0]].year = Some(2020);
        let published = session.related(ann, |a| a.published)?;
        assert_eq!(
            titles(&session, &published),
            ["Fourth", "Second", "Third", "First"]
        );
        session[drafts[0]].year = None;
        assert_eq!(session.related(ann, |a| a.published)?.len(), 3);
        session.rollback()?;
        assert_eq!(session.related(ann, |a| a.published)?.len(), 3);
        Ok(())
    });
}

#[test]
fn filtered_relations_leave_deleted_rows_out_as_well() {
    on_each_with(tables, |engine| {
        let mut session = engine.session()?;
        let Library { ann, .. } = library(&mut session)?;
        let published = session.related(ann, |a| a.published)?;
        session.delete(published[0]);
        session.commit()?;
        let left = session.related(ann, |a| a.published)?;
        assert_eq!(titles(&session, &left), ["Third", "First"]);
        assert_eq!(
            session
                .query::<Author>()
                .order_by(|a| a.id)
                .select(|a| a.published.count())
                .fetch()?,
            [2, 0]
        );
        Ok(())
    });
}

#[test]
fn filtered_links_are_made_and_undone_by_the_key() {
    on_each_with(tables, |engine| {
        let mut session = engine.session()?;
        let Library { ann, bob, drafts, .. } = library(&mut session)?;
        // Bob's draft becomes Ann's; it is in the relation when it fulfils its condition.
        session.link(ann, |a| a.published, drafts[1])?;
        assert_eq!(session.related(ann, |a| a.published)?.len(), 3);
        assert_eq!(session.related(ann, |a| a.books)?.len(), 5);
        session[drafts[1]].year = Some(1999);
        assert_eq!(session.related(ann, |a| a.published)?.len(), 4);
        assert!(session.related(bob, |a| a.books)?.is_empty());
        Ok(())
    });
}

#[test]
fn filtered_relations_do_not_narrow_a_deletion() {
    on_each_with(tables, |engine| {
        let mut session = engine.session()?;
        let Library { ann, .. } = library(&mut session)?;
        session.related(ann, |a| a.published)?;
        session.purge(ann);
        session.commit()?;
        let mut connection = engine.connect()?;
        assert_eq!(connection.query::<Book>().with_deleted().count()?, 1);
        assert_eq!(connection.query::<Seat>().count()?, 2);
        assert_eq!(connection.query::<Author>().count()?, 1);
        Ok(())
    });
}

#[test]
fn filtered_relations_of_a_tree() {
    on_each_with(tables, |engine| {
        let mut session = engine.session()?;
        let Library { ann, drafts, .. } = library(&mut session)?;
        let first = session.related(ann, |a| a.books)?[0];
        let published = session.related(ann, |a| a.published)?;
        session[drafts[0]].prequel = Some(first.into());
        session[published[0]].prequel = Some(first.into());
        session.commit()?;
        assert_eq!(session.related(first, |b| b.sequels)?.len(), 2);
        assert_eq!(session.related(first, |b| b.published_sequels)?, [published[0]]);
        let nested = session
            .query::<Author>()
            .order_by(|a| a.id)
            .with(|a| a.books.with(|b| b.published_sequels))
            .fetch()?;
        let sequels: Vec<usize> = nested[0].1.iter().map(|(_, sequels)| sequels.len()).collect();
        assert_eq!(sequels, [1, 0, 0, 0]);
        Ok(())
    });
}

#[test]
fn filtered_relations_are_written_with_their_condition() {
    let sql = query::<Author>().filter(|a| a.published.exists()).to_sql();
    assert_eq!(
        sql,
        "SELECT id, name FROM authors WHERE EXISTS (SELECT 1 FROM books WHERE books.author_id = authors.id \
         AND NOT books.gone AND books.year IS NOT NULL)"
    );
}
