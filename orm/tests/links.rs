//! Many-to-many whose entity between is made by the derive.

mod support;

use aludel::prelude::*;
use support::on_each_with;

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "articles")]
#[many_to_many(tags: Tag, link = ArticleTag)]
#[many_to_many(readers: Reader, link = Reading, by = article, to = reader, table = "readings")]
struct Article {
    #[column(primary_key)]
    id: Id<Article>,
    title: String,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "tags")]
#[many_to_many(articles: Article, through = ArticleTag)]
struct Tag {
    #[column(primary_key)]
    name: String,
}

/// Follows others of its kind.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "readers")]
#[many_to_many(follows: Reader, link = Follow, by = follower, to = followed)]
#[many_to_many(followers: Reader, through = Follow, by = followed, to = follower)]
struct Reader {
    #[column(primary_key)]
    id: Id<Reader>,
    name: String,
}

fn tables() -> Schema {
    schema![Article, Tag, Reader]
}

type Tagged = (Vec<Handle<Article>>, Vec<Handle<Tag>>);

fn tagged(session: &mut Session) -> aludel::Result<Tagged> {
    let articles = session.add_all(["One", "Two", "Three"].map(Article::new));
    let tags = session.add_all(["new", "old"].map(Tag::new));
    session.link(articles[0], |a| a.tags, tags[0])?;
    session.link(articles[0], |a| a.tags, tags[1])?;
    session.link(articles[1], |a| a.tags, tags[1])?;
    session.commit()?;
    Ok((articles, tags))
}

#[test]
fn many_to_many_plain_table_belongs_to_the_schema() {
    let names: Vec<String> = tables().tables().iter().map(|table| table.name.clone()).collect();
    assert_eq!(
        names,
        ["articles", "article_tag", "readings", "tags", "readers", "follow"]
    );
    let schema = tables();
    let link = schema.table("article_tag").expect("the link's table");
    assert_eq!(link.primary_key, ["article_id", "tag_id"]);
    assert_eq!(link.foreign_keys.len(), 2);
    on_each_with(tables, |engine| {
        let differences = engine.check::<ArticleTag>()?;
        assert!(differences.is_empty(), "{differences:?}");
        Ok(())
    });
}

#[test]
fn many_to_many_plain_links_from_both_ends() {
    on_each_with(tables, |engine| {
        let mut session = engine.session()?;
        let (articles, tags) = tagged(&mut session)?;
        assert_eq!(session.related(articles[0], |a| a.tags)?.len(), 2);
        assert_eq!(session.related(tags[1], |t| t.articles)?, articles[..2]);
        session.link(tags[0], |t| t.articles, articles[2])?;
        assert_eq!(session.related(articles[2], |a| a.tags)?, tags[..1]);
        session.unlink(articles[0], |a| a.tags, tags[0])?;
        assert_eq!(session.related(articles[0], |a| a.tags)?, tags[1..]);
        session.commit()?;
        assert_eq!(session.query::<ArticleTag>().count()?, 3);
        Ok(())
    });
}

#[test]
fn many_to_many_plain_loads_with_the_query() {
    on_each_with(tables, |engine| {
        let mut session = engine.session()?;
        tagged(&mut session)?;
        // The transaction has begun.
        assert_eq!(session.query::<Article>().count()?, 3);
        let query = session.query::<Article>().order_by(|a| a.id).with(|a| a.tags);
        let found: Vec<(Article, Vec<Tag>)> = assert_statements!(2, query.fetch()?);
        let counts: Vec<usize> = found.iter().map(|(_, tags)| tags.len()).collect();
        assert_eq!(counts, [2, 1, 0]);
        let old = session
            .query::<Article>()
            .join(|a| a.tags)
            .filter(|(_, t)| t.name.eq("old"))
            .count()?;
        assert_eq!(old, 2);
        Ok(())
    });
}

#[test]
fn many_to_many_plain_rows_go_with_either_end() {
    on_each_with(tables, |engine| {
        let mut session = engine.session()?;
        let (articles, tags) = tagged(&mut session)?;
        session.delete(tags[1]);
        session.commit()?;
        assert_eq!(session.query::<ArticleTag>().count()?, 1);
        session.delete(articles[0]);
        session.commit()?;
        assert_eq!(session.query::<ArticleTag>().count()?, 0);
        assert_eq!(session.query::<Tag>().count()?, 1);
        Ok(())
    });
}

#[test]
fn many_to_many_plain_of_an_entity_with_itself() {
    on_each_with(tables, |engine| {
        let mut session = engine.session()?;
        let readers = session.add_all(["Ann", "Bob", "Cid"].map(Reader::new));
        session.link(readers[0], |r| r.follows, readers[1])?;
        session.link(readers[2], |r| r.follows, readers[1])?;
        session.link(readers[1], |r| r.follows, readers[0])?;
        session.commit()?;
        assert_eq!(
            session.related(readers[1], |r| r.followers)?,
            [readers[0], readers[2]]
        );
        assert_eq!(session.related(readers[1], |r| r.follows)?, [readers[0]]);
        assert!(session.related(readers[0], |r| r.follows)? == [readers[1]]);
        let followed = session
            .query::<Reader>()
            .filter(|r| query::<Follow>().filter(|f| f.followed.eq(r.id)).exists())
            .order_by(|r| r.id)
            .all()?;
        assert_eq!(followed, readers[..2]);
        Ok(())
    });
}
