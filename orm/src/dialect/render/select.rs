//! The renderer's half for SELECT: common table expressions, sources, compounds, order and limit.
//!
//! A common table expression hangs at the places that read it. The outermost select is written twice where there are any: the first time
//! finds them, in an order in which each comes after those it uses; the second time they stand before it, and their names are known.

use super::{Done, Level, Renderer, Scoped};
use crate::dialect::{CompileError, Feature};
use crate::expr::{
    Compound, CompoundOp, Contended, Cte, FromItem, JoinKind, Node, Nulls, OrderTerm, Relation, Select,
    SourceId, VALUE, Values,
};
use crate::types::Kind;

impl<'s> Renderer<'_, 's> {
    pub(super) fn select(&mut self, select: &'s Select) -> Done {
        self.selects += 1;
        let done = if self.selects > 1 {
            self.select_body(select)
        } else {
            self.outermost_select(select)
        };
        self.selects -= 1;
        done
    }

    fn outermost_select(&mut self, select: &'s Select) -> Done {
        let (text, params) = (self.sql.len(), self.params.len());
        self.select_body(select)?;
        if !self.found.is_empty() {
            self.sql.truncate(text);
            self.params.truncate(params);
            let found = std::mem::take(&mut self.found);
            self.with(&found)?;
            self.select_body(select)?;
            self.ctes.clear();
        }
        Ok(())
    }

    fn select_body(&mut self, select: &'s Select) -> Done {
        let outer = self.scope.len();
        self.select_core(select)?;
        for compound in &select.compound {
            self.compound(compound, outer)?;
        }
        self.order_and_limit(select)?;
        self.scope.truncate(outer);
        Ok(())
    }

    fn compound(&mut self, compound: &'s Compound, outer: usize) -> Done {
        self.push(match compound.op {
            CompoundOp::Union => " UNION ",
            CompoundOp::UnionAll => " UNION ALL ",
            CompoundOp::Intersect => " INTERSECT ",
            CompoundOp::Except => " EXCEPT ",
        });
        // What the first select named is for the whole's ORDER BY.
        let beside: Vec<Scoped> = self.scope.drain(outer..).collect();
        let arm = &*compound.select;
        let plain = arm.compound.is_empty() && arm.limit.is_none() && arm.offset.is_none();
        if plain {
            self.select_core(arm)?;
        } else {
            // Not every backend takes an arm between parentheses.
            self.push("SELECT * FROM (");
            self.select_body(arm)?;
            self.push(") AS arm");
        }
        self.scope.truncate(outer);
        self.scope.extend(beside);
        Ok(())
    }

    fn select_core(&mut self, select: &'s Select) -> Done {
        if let Some(values) = &select.values {
            return self.values(values);
        }
        select.from.iter().for_each(|item| self.enter(item));
        self.push(if select.distinct {
            "SELECT DISTINCT "
        } else {
            "SELECT "
        });
        if select.columns.is_empty() {
            self.push(if select.from.is_empty() { "1" } else { "*" });
        }
        self.list(&select.columns, Self::output)?;
        for (i, item) in select.from.iter().enumerate() {
            self.source(item, i == 0)?;
        }
        self.condition(" WHERE ", select.filter.as_ref())?;
        if !select.group.is_empty() {
            self.push(" GROUP BY ");
            self.list(&select.group, |r, node| r.node(node, Level::Or))?;
        }
        self.condition(" HAVING ", select.having.as_ref())
    }

    /// `VALUES (..), (..)`, or selects of constants where the backend has no VALUES. The first row says what the types are.
    fn values(&mut self, values: &'s Values) -> Done {
        if values.rows.is_empty() {
            return self.no_values(values);
        }
        let (first, next, end) = match self.dialect.supports(Feature::ValuesList) {
            true => ("VALUES (", "), (", ")"),
            false => ("SELECT ", " UNION ALL SELECT ", ""),
        };
        for (i, row) in values.rows.iter().enumerate() {
            self.push(if i == 0 { first } else { next });
            for (column, value) in row.iter().enumerate() {
                if column > 0 {
                    self.push(", ");
                }
                let kind = values.kinds.get(column).filter(|_| i == 0);
                match kind.and_then(|kind| self.dialect.value_type(*kind)) {
                    Some(ty) => self.typed_value(value, &ty),
                    None => self.value(value)?,
                }
            }
        }
        self.push(end);
        Ok(())
    }

    /// No rows, of those types.
    fn no_values(&mut self, values: &'s Values) -> Done {
        self.push("SELECT ");
        for (i, kind) in values.kinds.iter().enumerate() {
            self.push(if i > 0 { ", CAST(NULL AS " } else { "CAST(NULL AS " });
            let name = self.dialect.cast_name(*kind);
            self.push(&name);
            self.push(")");
        }
        self.push(" WHERE 1 = 0");
        Ok(())
    }

    fn with(&mut self, ctes: &[&'s Cte]) -> Done {
        self.push(if ctes.iter().any(|cte| cte.recursive) {
            "WITH RECURSIVE "
        } else {
            "WITH "
        });
        for (i, cte) in ctes.iter().enumerate() {
            if i > 0 {
                self.push(", ");
            }
            let name = self.cte_name(cte.source)?;
            self.name(&name)?;
            self.push(" (");
            self.list(&cte.columns, |r, column| r.name(column))?;
            self.push(") AS ");
            if let Some(once) = cte
                .materialized
                .filter(|_| self.dialect.supports(Feature::MaterializedHint))
            {
                self.push(if once {
                    "MATERIALIZED "
                } else {
                    "NOT MATERIALIZED "
                });
            }
            self.push("(");
            self.apart(|r| r.select_body(&cte.select))?;
            self.push(")");
        }
        self.push(" ");
        Ok(())
    }

    /// All rows of a common table expression beside the table of an UPDATE or DELETE, which not every backend lets begin with WITH.
    fn whole_cte(&mut self, cte: &'s Cte) -> Done {
        self.selects += 1;
        let (text, params) = (self.sql.len(), self.params.len());
        let name = self.find_cte(cte)?;
        self.sql.truncate(text);
        self.params.truncate(params);
        let found = std::mem::take(&mut self.found);
        self.push("(");
        self.with(&found)?;
        self.push("SELECT * FROM ");
        self.name(&name)?;
        self.push(")");
        self.ctes.clear();
        self.selects -= 1;
        Ok(())
    }

    /// Writes something that sees none of the sources around it.
    fn apart(&mut self, write: impl FnOnce(&mut Self) -> Done) -> Done {
        let around = std::mem::take(&mut self.scope);
        let done = write(self);
        self.scope = around;
        done
    }

    fn cte_name(&self, source: SourceId) -> Result<String, CompileError> {
        let known = self.ctes.iter().find(|known| known.source == source);
        known
            .map(|known| known.name.clone())
            .ok_or(CompileError::Malformed(
                "the rows of a recursive query are used outside of its step",
            ))
    }

    /// The name of a common table expression, which is noted when it comes up first.
    fn find_cte(&mut self, cte: &'s Cte) -> Result<String, CompileError> {
        if !self.ctes.iter().any(|known| known.source == cte.source) {
            let name = match self.ctes.len() {
                0 => "cte".to_owned(),
                n => format!("cte_{}", n + 1),
            };
            self.ctes.push(Scoped {
                source: cte.source,
                name,
            });
            // Finds those that it uses.
            self.apart(|r| r.select_body(&cte.select))?;
            self.found.push(cte);
        }
        self.cte_name(cte.source)
    }

    /// Gives a source its name: the table's own where it is free, else with a number after it.
    pub(super) fn enter(&mut self, item: &FromItem) {
        let base = match &item.relation {
            Relation::Table { name, .. } => name.as_ref(),
            Relation::Select(_) | Relation::Lateral(_) => "sub",
            Relation::Elements { .. } => "element",
            Relation::Cte(_) | Relation::Recursive(_) => "c",
        };
        let name = self.unused_name(base);
        self.scope.push(Scoped {
            source: item.source,
            name,
        });
    }

    fn unused_name(&self, base: &str) -> String {
        let taken = |name: &str| self.scope.iter().any(|s| s.name == name);
        if !taken(base) {
            return base.to_owned();
        }
        (2_u32..)
            .map(|n| format!("{base}_{n}"))
            .find(|name| !taken(name))
            .unwrap_or_default()
    }

    pub(super) fn scoped_name(&self, source: SourceId) -> Option<&str> {
        self.scope
            .iter()
            .rev()
            .find(|s| s.source == source)
            .map(|s| s.name.as_str())
    }

    pub(super) fn source(&mut self, item: &'s FromItem, first: bool) -> Done {
        match &item.join {
            _ if first => self.push(" FROM "),
            None => self.push(", "),
            Some(join) => self.push(match join.kind {
                JoinKind::Inner => " JOIN ",
                JoinKind::Left => " LEFT JOIN ",
                JoinKind::Right => " RIGHT JOIN ",
                JoinKind::Full => {
                    self.need(Feature::FullJoin, "FULL JOIN")?;
                    " FULL JOIN "
                }
                JoinKind::Cross => " CROSS JOIN ",
            }),
        }
        self.bare_source(item)?;
        if let Some(on) = item.join.as_ref().and_then(|join| join.on.as_ref()) {
            self.push(" ON ");
            self.node(on, Level::Or)?;
        }
        Ok(())
    }

    /// A source without its join.
    pub(super) fn bare_source(&mut self, item: &'s FromItem) -> Done {
        let name = self.scoped_name(item.source).unwrap_or_default().to_owned();
        match &item.relation {
            Relation::Table { name: table, .. } => {
                self.relation(&item.relation)?;
                if *table != name {
                    self.push(" AS ");
                    self.name(&name)?;
                }
            }
            Relation::Cte(cte) if self.selects == 0 => {
                self.whole_cte(cte)?;
                self.push(" AS ");
                self.name(&name)?;
            }
            Relation::Cte(cte) => {
                let cte = self.find_cte(cte)?;
                self.named_as(&cte, &name)?;
            }
            Relation::Recursive(source) => {
                let cte = self.cte_name(*source)?;
                self.named_as(&cte, &name)?;
            }
            Relation::Select(select) => {
                self.push("(");
                self.apart(|r| r.select(select))?;
                self.push(") AS ");
                self.name(&name)?;
            }
            Relation::Elements { array, element } => self.elements(array, *element, &name)?,
            Relation::Lateral(select) => {
                self.need(Feature::Lateral, "LATERAL joins")?;
                self.push("LATERAL (");
                self.select(select)?;
                self.push(") AS ");
                self.name(&name)?;
            }
        }
        Ok(())
    }

    /// `unnest(array) AS name (value)`, and what stands for it elsewhere.
    fn elements(&mut self, array: &'s Node, element: Kind, name: &str) -> Done {
        let Some((before, after, named)) = self.dialect.elements(element) else {
            return Err(CompileError::Unsupported {
                dialect: self.dialect.name(),
                what: match element {
                    Kind::Uuid => "arrays of UUIDs as a source of rows",
                    _ => "arrays as a source of rows",
                },
            });
        };
        self.push(&before);
        self.node(array, Level::Or)?;
        self.push(&after);
        self.push(" AS ");
        self.name(name)?;
        if named {
            self.push(" (");
            self.name(VALUE)?;
            self.push(")");
        }
        Ok(())
    }

    fn named_as(&mut self, cte: &str, name: &str) -> Done {
        self.name(cte)?;
        self.push(" AS ");
        self.name(name)
    }

    fn order_and_limit(&mut self, select: &'s Select) -> Done {
        if !select.order.is_empty() {
            self.push(" ORDER BY ");
            self.order(&select.order)?;
        }
        match (&select.limit, &select.offset) {
            (Some(limit), _) => {
                self.push(" LIMIT ");
                self.node(limit, Level::Or)?;
            }
            (None, Some(_)) => {
                if let Some(unlimited) = self.dialect.unlimited() {
                    self.push(" LIMIT ");
                    self.push(unlimited);
                }
            }
            (None, None) => {}
        }
        self.condition(" OFFSET ", select.offset.as_ref())?;
        if let Some(lock) = select.lock.filter(|_| self.dialect.supports(Feature::RowLocks)) {
            let how = match lock.exclusive {
                true => " FOR UPDATE",
                false => self.dialect.share_lock(),
            };
            self.push(how);
            self.push(match lock.contended {
                Contended::Wait => "",
                Contended::Fail => " NOWAIT",
                Contended::Skip => " SKIP LOCKED",
            });
        }
        Ok(())
    }

    pub(super) fn order(&mut self, terms: &'s [OrderTerm]) -> Done {
        self.list(terms, |r, term| {
            if let Some(nulls) = term.nulls.filter(|_| !r.dialect.supports(Feature::NullsOrder)) {
                r.node(&term.node, Level::Concat)?;
                r.push(if nulls == Nulls::First {
                    " IS NULL DESC, "
                } else {
                    " IS NULL, "
                });
            }
            r.node(&term.node, Level::Or)?;
            if term.descending {
                r.push(" DESC");
            }
            if let Some(nulls) = term.nulls.filter(|_| r.dialect.supports(Feature::NullsOrder)) {
                r.push(if nulls == Nulls::First {
                    " NULLS FIRST"
                } else {
                    " NULLS LAST"
                });
            }
            Ok(())
        })
    }
}
