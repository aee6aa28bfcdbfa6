//! Cursors that live through savepoints, rollbacks and commits.

use std::collections::BTreeMap;

use super::{index, table};
use crate::btree::model::{Random, Shape, check_invariants};
use crate::btree::{IndexCursor, TableCursor, TreeKind, create_tree};

#[test]
fn cursors_find_their_way_after_every_kind_of_return() {
    for (seed, shape) in Shape::SOME
        .into_iter()
        .enumerate()
        .filter(|(_, shape)| shape.page_size <= 4096)
    {
        println!("seed {seed} {shape:?}");
        let mut random = Random::new(300 + seed as u64);
        let mut pager = shape.pager();
        let roots = [TreeKind::Table, TreeKind::Index].map(|kind| create_tree(&mut pager, kind).unwrap());
        let mut rows = TableCursor::new(roots[0]);
        let mut entries = IndexCursor::new(roots[1], index::two_columns());
        let mut table_model = BTreeMap::new();
        let mut index_model = index::Model::new(index::two_columns());
        let mut committed = (table_model.clone(), index_model.records.clone());
        pager.commit().unwrap();
        pager.begin_write().unwrap();
        let mut saved = Vec::new();
        for _ in 0..60 {
            table::random_steps(&mut pager, &mut rows, &mut table_model, &mut random, 20, 500);
            index::random_steps(&mut pager, &mut entries, &mut index_model, &mut random, 15);
            match random.below(7) {
                0 | 1 => {
                    pager.savepoint().unwrap();
                    saved.push((table_model.clone(), index_model.records.clone()));
                }
                2 | 3 if !saved.is_empty() => {
                    let depth = random.below(saved.len());
                    pager.rollback_to(depth).unwrap();
                    saved.truncate(depth + 1);
                    (table_model, index_model.records) = saved[depth].clone();
                }
                4 if !saved.is_empty() => {
                    let depth = random.below(saved.len());
                    pager.release(depth).unwrap();
                    saved.truncate(depth);
                }
                5 => {
                    pager.commit().unwrap();
                    committed = (table_model.clone(), index_model.records.clone());
                    saved.clear();
                    pager.begin_write().unwrap();
                }
                6 => {
                    pager.rollback().unwrap();
                    (table_model, index_model.records) = committed.clone();
                    saved.clear();
                    pager.begin_write().unwrap();
                }
                _ => {}
            }
            table::check_seeks(&pager, &mut rows, &table_model, &mut random, 500);
            index::check_same(&pager, roots[1], &index_model);
        }
        table::check_same(&pager, roots[0], &table_model);
        check_invariants(
            &pager,
            &[(roots[0], None), (roots[1], Some(index::two_columns()))],
        );
    }
}
