//! Statements as trees of sorts: what the generator makes, the shrinker cuts, and an engine gets as text.
//!
//! A tree knows its sort (an expression, a query, something to select from) and its parts: words, trees, lists that may lose members, and
//! trees that may be left out. That is enough to make every statement smaller without a parser: a tree may be replaced by one of the same
//! sort inside it, an expression by a constant.
//!
//! ```text
//! Query ── "SELECT " [Column, Column] " FROM " Relation  Maybe(Clause "WHERE " Expr)  Maybe(Order [Term, Term])
//! ```

use std::fmt;

/// What a tree may be replaced by: another one of its sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// A value.
    Expr,
    /// SELECT with all that belongs to it.
    Query,
    /// An item of FROM.
    Relation,
    /// An ORDER BY term of the whole statement, by the place of its column (from 1).
    Term(usize),
    /// Anything that is only left out or kept.
    Piece,
}

/// A part of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Words that stay.
    Text(String),
    /// A tree that has to be there.
    Tree(Tree),
    /// Trees with a separator, of which at least so many have to be there.
    List(Vec<Tree>, &'static str, usize),
    /// A tree that may be left out.
    Maybe(Option<Box<Tree>>),
}

/// A statement, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    /// Its sort.
    pub sort: Sort,
    /// From left to right.
    pub parts: Vec<Part>,
}

impl Tree {
    /// A tree of parts.
    pub fn new(sort: Sort, parts: Vec<Part>) -> Tree {
        Tree { sort, parts }
    }

    /// Words without parts.
    pub fn text(sort: Sort, text: impl Into<String>) -> Tree {
        Tree::new(sort, vec![Part::Text(text.into())])
    }

    /// How many trees it has.
    pub fn size(&self) -> usize {
        1 + self.children().map(Tree::size).sum::<usize>()
    }

    /// The columns of ORDER BY of the whole statement, from 0, or nothing where it has none.
    pub fn order(&self) -> Vec<usize> {
        let mut found = Vec::new();
        self.collect_order(&mut found);
        found
    }

    fn collect_order(&self, found: &mut Vec<usize>) {
        if let Sort::Term(place) = self.sort {
            found.push(place.saturating_sub(1));
        }
        self.children().for_each(|child| child.collect_order(found));
    }

    fn children(&self) -> impl Iterator<Item = &Tree> {
        self.parts.iter().flat_map(|part| match part {
            Part::Text(_) | Part::Maybe(None) => Vec::new(),
            Part::Tree(tree) => vec![tree],
            Part::Maybe(Some(tree)) => vec![tree.as_ref()],
            Part::List(trees, ..) => trees.iter().collect(),
        })
    }

    /// All trees that are one step smaller, the boldest steps first.
    pub fn smaller(&self) -> Vec<Tree> {
        let mut found = Vec::new();
        self.replaced(&mut found);
        self.without_part(&mut found);
        for (place, part) in self.parts.iter().enumerate() {
            self.inside(place, part, &mut found);
        }
        found
    }

    /// The tree replaced as a whole.
    fn replaced(&self, found: &mut Vec<Tree>) {
        if !matches!(self.sort, Sort::Expr | Sort::Query | Sort::Relation) {
            return;
        }
        if self.sort == Sort::Expr && self.size() > 1 {
            for atom in ["NULL", "1", "0", "'a'"] {
                found.push(Tree::text(Sort::Expr, atom));
            }
        }
        for child in self.children() {
            child.of_sort(self.sort, found);
        }
    }

    /// The nearest trees of a sort.
    fn of_sort(&self, sort: Sort, found: &mut Vec<Tree>) {
        if self.sort == sort {
            found.push(self.clone());
        } else {
            self.children().for_each(|child| child.of_sort(sort, found));
        }
    }

    fn without_part(&self, found: &mut Vec<Tree>) {
        for (place, part) in self.parts.iter().enumerate() {
            match part {
                Part::Maybe(Some(_)) => found.push(self.with(place, Part::Maybe(None))),
                Part::List(trees, separator, least) if trees.len() > *least => {
                    for gone in 0..trees.len() {
                        let mut kept = trees.clone();
                        kept.remove(gone);
                        found.push(self.with(place, Part::List(kept, separator, *least)));
                    }
                }
                _ => {}
            }
        }
    }

    fn inside(&self, place: usize, part: &Part, found: &mut Vec<Tree>) {
        match part {
            Part::Text(_) | Part::Maybe(None) => {}
            Part::Tree(tree) => {
                let each = tree.smaller().into_iter();
                found.extend(each.map(|tree| self.with(place, Part::Tree(tree))));
            }
            Part::Maybe(Some(tree)) => {
                let each = tree.smaller().into_iter();
                found.extend(each.map(|tree| self.with(place, Part::Maybe(Some(Box::new(tree))))));
            }
            Part::List(trees, separator, least) => {
                for (member, tree) in trees.iter().enumerate() {
                    for smaller in tree.smaller() {
                        let mut kept = trees.clone();
                        kept[member] = smaller;
                        found.push(self.with(place, Part::List(kept, separator, *least)));
                    }
                }
            }
        }
    }

    fn with(&self, place: usize, part: Part) -> Tree {
        let mut tree = self.clone();
        tree.parts[place] = part;
        tree
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| part.fmt(f))
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Text(text) => f.write_str(text),
            Part::Tree(tree) => tree.fmt(f),
            Part::Maybe(tree) => tree.iter().try_for_each(|tree| tree.fmt(f)),
            Part::List(trees, separator, _) => {
                for (place, tree) in trees.iter().enumerate() {
                    if place > 0 {
                        f.write_str(separator)?;
                    }
                    tree.fmt(f)?;
                }
                Ok(())
            }
        }
    }
}

impl From<&str> for Part {
    fn from(text: &str) -> Part {
        Part::Text(text.to_owned())
    }
}

impl From<String> for Part {
    fn from(text: String) -> Part {
        Part::Text(text)
    }
}

impl From<Tree> for Part {
    fn from(tree: Tree) -> Part {
        Part::Tree(tree)
    }
}

impl From<Option<Tree>> for Part {
    fn from(tree: Option<Tree>) -> Part {
        Part::Maybe(tree.map(Box::new))
    }
}

impl From<(Vec<Tree>, &'static str, usize)> for Part {
    fn from((trees, separator, least): (Vec<Tree>, &'static str, usize)) -> Part {
        Part::List(trees, separator, least)
    }
}

/// A tree of a sort: `tree!(Expr; "(", left, " + ", right, ")")`.
macro_rules! tree {
    ($sort:expr; $($part:expr),* $(,)?) => {
        $crate::differential::tree::Tree::new($sort, vec![$($crate::differential::tree::Part::from($part)),*])
    };
}
pub(super) use tree;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_becomes_smaller_in_every_place() {
        let column = |text: &str| Tree::text(Sort::Expr, text);
        let sum = tree!(Sort::Expr; column("a"), " + ", column("b"));
        let query = tree!(Sort::Query; "SELECT ", (vec![sum, column("c")], ", ", 1), tree!(Sort::Piece; " FROM t").with_where());
        assert_eq!(query.to_string(), "SELECT a + b, c FROM t WHERE 1");
        let smaller: Vec<String> = query.smaller().iter().map(Tree::to_string).collect();
        for expected in [
            "SELECT c FROM t WHERE 1",
            "SELECT b, c FROM t WHERE 1",
            "SELECT a + b, c FROM t",
        ] {
            assert!(
                smaller.iter().any(|text| text == expected),
                "{expected} in {smaller:?}"
            );
        }
    }

    impl Tree {
        fn with_where(self) -> Tree {
            tree!(Sort::Piece; self, Some(tree!(Sort::Piece; " WHERE ", Tree::text(Sort::Expr, "1"))))
        }
    }
}
