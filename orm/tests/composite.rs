//! Keys of several columns, and references to them.

mod support;

use aludel::Error;
use aludel::prelude::*;
use support::on_each;

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "order_lines")]
#[has_many(parcels: Parcel, by = line, cascade = "delete", order_by = id)]
#[has_many(remarks: Remark, by = line, order_by = id)]
#[many_to_many(depots: Depot, through = Stored)]
struct OrderLine {
    #[column(primary_key)]
    order_no: i64,
    #[column(primary_key)]
    position: i32,
    article: String,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "parcels")]
struct Parcel {
    #[column(primary_key)]
    id: Id<Parcel>,
    #[column(flatten, prefix = "line_")]
    line: Fk<OrderLine>,
    weight: i64,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "remarks")]
struct Remark {
    #[column(primary_key)]
    id: Id<Remark>,
    #[column(flatten, prefix = "on_")]
    line: Option<Fk<OrderLine>>,
    text: String,
}

/// A key of text and number.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "depots")]
#[many_to_many(lines: OrderLine, through = Stored)]
struct Depot {
    #[column(primary_key)]
    town: String,
    #[column(primary_key)]
    number: i64,
}

/// Between two composite keys.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "stored", unique(id))]
struct Stored {
    #[column(primary_key)]
    id: Id<Stored>,
    #[column(flatten, prefix = "line_")]
    line: Fk<OrderLine>,
    #[column(flatten, prefix = "depot_")]
    depot: Fk<Depot>,
}

/// A tree over keys of two columns.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "sections")]
#[has_many(children: Section, by = parent, cascade = "delete", order_by = number)]
struct Section {
    #[column(primary_key)]
    book: String,
    #[column(primary_key)]
    number: i64,
    #[column(flatten, prefix = "parent_")]
    parent: Option<Fk<Section>>,
}

fn tables(engine: &Engine) -> aludel::Result<Session> {
    engine.create_all(schema![OrderLine, Parcel, Remark, Depot, Stored, Section])?;
    engine.session()
}

fn lines(session: &mut Session) -> aludel::Result<Vec<Handle<OrderLine>>> {
    let all = [(1, 1, "ink"), (1, 2, "pen"), (2, 1, "ink")];
    let lines =
        session.add_all(all.map(|(order, position, article)| OrderLine::new(order, position, article)));
    session.commit()?;
    Ok(lines)
}

#[test]
fn composite_references_are_columns_with_one_constraint() {
    on_each(|engine| {
        let mut session = tables(&engine)?;
        lines(&mut session)?;
        session.rollback()?;
        let reflected = engine.reflect()?;
        let parcels = reflected
            .tables()
            .iter()
            .find(|table| table.name == "parcels")
            .unwrap();
        assert_eq!(parcels.foreign_keys.len(), 1);
        assert_eq!(
            parcels.foreign_keys[0].columns,
            ["line_order_no", "line_position"]
        );
        assert_eq!(parcels.foreign_keys[0].references, ["order_no", "position"]);
        let mut session = engine.session()?;
        session.add(Parcel::new((1, 9), 5));
        assert_eq!(
            session.commit().unwrap_err().failure(),
            Some(aludel::Failure::ForeignKey)
        );
        session.rollback()
    });
}

#[test]
fn a_composite_reference_takes_a_handle_and_becomes_a_key() {
    on_each(|engine| {
        let mut session = tables(&engine)?;
        // The child is added before its parent's arena exists.
        let line = OrderLine::new(7, 3, "ink");
        let line = session.add(line);
        let parcel = session.add(Parcel::new(line, 5));
        let mut remark = Remark::new("late");
        remark.line = Some(line.into());
        let remark = session.add(remark);
        session.commit()?;
        assert_eq!(session[parcel].line, Fk::Key((7, 3)));
        assert_eq!(session[remark].line, Some(Fk::Key((7, 3))));
        let row = engine.connect()?.query::<Parcel>().fetch_one()?;
        assert_eq!(row.line.key(), Some(&(7, 3)));
        Ok(())
    });
}

#[test]
fn composite_references_in_conditions_and_joins() {
    on_each(|engine| {
        let mut session = tables(&engine)?;
        let lines = lines(&mut session)?;
        session.add_all(
            [(1, 1, 5), (1, 2, 6), (1, 2, 7)].map(|(order, at, weight)| Parcel::new((order, at), weight)),
        );
        let weights = session
            .query::<Parcel>()
            .filter(|p| p.line.is((1, 2)))
            .order_by(|p| p.id)
            .select(|p| p.weight);
        assert_eq!(weights.fetch()?, [6, 7]);
        let of_handle = session
            .query::<Parcel>()
            .filter(|p| p.line.is(lines[0]))
            .count()?;
        assert_eq!(of_handle, 1);
        let joined = session
            .query::<Parcel>()
            .join(|p| p.line)
            .filter(|(_, l)| l.article.eq("pen"))
            .count()?;
        assert_eq!(joined, 2);
        let heavy = session
            .query::<OrderLine>()
            .filter(|l| l.parcels.any(|p| p.weight.gt(6)))
            .select(|l| l.article);
        assert_eq!(heavy.fetch()?, ["pen"]);
        let counts = session
            .query::<OrderLine>()
            .order_by(|l| (l.order_no, l.position))
            .select(|l| l.parcels.count());
        assert_eq!(counts.fetch()?, [1, 2, 0]);
        Ok(())
    });
}

#[test]
fn composite_references_load_lazily_eagerly_and_joined() {
    on_each(|engine| {
        let mut session = tables(&engine)?;
        let lines = lines(&mut session)?;
        let parcels =
            [(1, 1, 5), (1, 2, 6), (1, 2, 7)].map(|(order, at, weight)| Parcel::new((order, at), weight));
        let parcels = session.add_all(parcels);
        session.commit()?;
        assert_eq!(session.related(lines[1], |l| l.parcels)?, parcels[1..]);
        assert_eq!(session.related(lines[2], |l| l.parcels)?, []);
        assert_eq!(
            assert_statements!(0, session.related(parcels[2], |p| p.line)?),
            lines[1]
        );
        let sizes = |rows: Vec<(OrderLine, Vec<Parcel>)>| {
            rows.iter().map(|(_, parcels)| parcels.len()).collect::<Vec<_>>()
        };
        let query = session
            .query::<OrderLine>()
            .order_by(|l| (l.order_no, l.position));
        assert_eq!(sizes(query.with(|l| l.parcels).fetch()?), [1, 2, 0]);
        let query = session
            .query::<OrderLine>()
            .order_by(|l| (l.order_no, l.position));
        assert_eq!(
            sizes(
                query
                    .with(|l| l.parcels.order_by(|p| p.weight.desc()).limit(1))
                    .fetch()?
            ),
            [1, 1, 0]
        );
        let query = session
            .query::<OrderLine>()
            .order_by(|l| (l.order_no, l.position));
        assert_eq!(sizes(query.with_joined(|l| l.parcels).fetch()?), [1, 2, 0]);
        let mut fresh = engine.session()?;
        session.rollback()?;
        let nested = fresh
            .query::<Parcel>()
            .order_by(|p| p.id)
            .with(|p| p.line.with(|l| l.parcels))
            .fetch()?;
        assert_eq!(
            nested
                .iter()
                .map(|(_, (line, all))| (line.position, all.len()))
                .collect::<Vec<_>>(),
            [(1, 1), (2, 2), (2, 2)]
        );
        Ok(())
    });
}

#[test]
fn composite_optional_references_are_none_where_null() {
    on_each(|engine| {
        let mut session = tables(&engine)?;
        let lines = lines(&mut session)?;
        let remark = session.add(Remark::new("none"));
        session.commit()?;
        assert_eq!(session.related(remark, |r| r.line)?, None);
        assert_eq!(session.query::<Remark>().filter(|r| r.line.is_null()).count()?, 1);
        session.link(lines[0], |l| l.remarks, remark)?;
        session.commit()?;
        assert_eq!(session[remark].line, Some(Fk::Key((1, 1))));
        assert_eq!(session.related(remark, |r| r.line)?, Some(lines[0]));
        session.unlink(lines[0], |l| l.remarks, remark)?;
        session.commit()?;
        session.refresh(remark)?;
        assert_eq!(session[remark].line, None);
        Ok(())
    });
}

#[test]
fn composite_references_are_cascaded_over() {
    on_each(|engine| {
        let mut session = tables(&engine)?;
        let lines = lines(&mut session)?;
        session.add_all([(1, 1), (1, 2)].map(|key| Parcel::new(key, 1)));
        let mut remark = Remark::new("stays");
        remark.line = Some((1, 1).into());
        let remark = session.add(remark);
        session.commit()?;
        session.delete(lines[0]);
        session.commit()?;
        assert_eq!(session.query::<Parcel>().count()?, 1);
        session.refresh(remark)?;
        assert_eq!(session[remark].line, None);
        Ok(())
    });
}

#[test]
fn composite_keys_on_both_sides_of_many_to_many() {
    on_each(|engine| {
        let mut session = tables(&engine)?;
        let lines = lines(&mut session)?;
        let depots = session.add_all([Depot::new("Hull", 1), Depot::new("Hull", 2)]);
        session.commit()?;
        session.add(Stored::new(lines[0], depots[0]));
        session.add(Stored::new(lines[0], depots[1]));
        session.add(Stored::new(lines[2], depots[1]));
        session.commit()?;
        assert_eq!(session.related(lines[0], |l| l.depots)?.len(), 2);
        assert_eq!(session.related(depots[1], |d| d.lines)?.len(), 2);
        let names = session
            .query::<Depot>()
            .filter(|d| d.lines.any(|l| l.order_no.eq(2)))
            .select(|d| d.number);
        assert_eq!(names.fetch()?, [2]);
        session.unlink(lines[0], |l| l.depots, depots[0])?;
        assert_eq!(session.related(lines[0], |l| l.depots)?, [depots[1]]);
        Ok(())
    });
}

#[test]
fn composite_trees_are_written_from_the_root_and_deleted_from_the_leaves() {
    on_each(|engine| {
        let mut session = tables(&engine)?;
        let leaf = session.add(Section {
            book: "b".into(),
            number: 3,
            parent: None,
        });
        let middle = session.add(Section {
            book: "b".into(),
            number: 2,
            parent: None,
        });
        let root = session.add(Section {
            book: "b".into(),
            number: 1,
            parent: None,
        });
        session[leaf].parent = Some(middle.into());
        session[middle].parent = Some(root.into());
        session.commit()?;
        assert_eq!(session[leaf].parent, Some(Fk::Key(("b".to_owned(), 2))));
        assert_eq!(session.related(root, |s| s.children)?, [middle]);
        session.delete(root);
        session.commit()?;
        assert_eq!(session.query::<Section>().count()?, 0);
        Ok(())
    });
}

#[test]
fn composite_references_are_restored_by_a_rollback() {
    on_each(|engine| {
        let mut session = tables(&engine)?;
        let lines = lines(&mut session)?;
        let parcel = session.add(Parcel::new((1, 1), 5));
        session.commit()?;
        session[parcel].line = lines[2].into();
        assert_eq!(session.changes()[0].columns, ["line_order_no", "line_position"]);
        session.flush()?;
        assert_eq!(session[parcel].line, Fk::Key((2, 1)));
        session.rollback()?;
        assert_eq!(session[parcel].line, Fk::Key((1, 1)));
        Ok(())
    });
}

#[test]
fn a_composite_reference_to_nowhere_is_an_error() {
    on_each(|engine| {
        let mut session = tables(&engine)?;
        let parcel = session.add(Parcel::new((9, 9), 5));
        session.set_autoflush(false);
        assert!(matches!(
            session.related(parcel, |p| p.line),
            Err(Error::NotFound {
                table: "order_lines",
                ..
            })
        ));
        Ok(())
    });
}
