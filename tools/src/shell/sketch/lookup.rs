//! What a block's names can be: its columns, and whether a name is unknown.

use super::{Block, NameUse, Output, Role, Rows, Sketch, Source};
use crate::shell::names::Names;

/// Subqueries inside subqueries are followed so far for their columns.
const DEPTH_MAX: usize = 16;

/// A column that can be named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// The table or alias that has it.
    pub(crate) source: String,
    /// Its declared type; may be empty.
    pub(crate) declared: String,
}

impl Sketch {
    /// A block, then those around it.
    fn chain(&self, block: usize) -> impl Iterator<Item = &Block> {
        let mut next = Some(block);
        std::iter::from_fn(move || {
            let block = self.blocks.get(next?)?;
            next = block.parent;
            Some(block)
        })
    }

    /// The columns that a name in the block may stand for; `None` when a source does not tell its columns.
    pub(crate) fn columns(&self, block: usize, names: &Names) -> Option<Vec<Column>> {
        let mut columns = Vec::new();
        for source in self.chain(block).flat_map(|block| &block.sources) {
            columns.extend(self.source_columns(source, block, names, 0)?);
        }
        Some(columns)
    }

    /// The columns of the source that is called `qualifier`; outer `None` when there is no such source, inner when it does not tell.
    pub(crate) fn columns_of(
        &self,
        block: usize,
        qualifier: &str,
        names: &Names,
    ) -> Option<Option<Vec<Column>>> {
        let source = self
            .chain(block)
            .flat_map(|block| &block.sources)
            .find(|source| source.is_called(qualifier))?;
        Some(self.source_columns(source, block, names, 0))
    }

    /// What sources are called in the block and around it.
    pub(crate) fn source_names(&self, block: usize) -> Vec<&str> {
        self.chain(block)
            .flat_map(|block| &block.sources)
            .filter_map(Source::name)
            .collect()
    }

    /// Names of common tables that can be seen in the block.
    pub(crate) fn common_tables(&self, block: usize) -> Vec<&str> {
        self.chain(block)
            .flat_map(|block| &block.common_tables)
            .map(|table| table.name.as_str())
            .collect()
    }

    /// Names that the block's own columns have by AS.
    pub(crate) fn aliases(&self, block: usize) -> impl Iterator<Item = &str> {
        let outputs = self.blocks.get(block).map(|block| block.outputs.as_slice());
        outputs
            .unwrap_or_default()
            .iter()
            .filter_map(|output| match output {
                Output::Alias(name) => Some(name.as_str()),
                _ => None,
            })
    }

    fn source_columns(
        &self,
        source: &Source,
        block: usize,
        names: &Names,
        depth: usize,
    ) -> Option<Vec<Column>> {
        if depth > DEPTH_MAX {
            return None;
        }
        let called = source.name().unwrap_or_default();
        match &source.rows {
            Rows::Opaque => None,
            Rows::Block(inner) => self.block_columns(*inner, called, names, depth + 1),
            Rows::Table { database, name } => {
                let common = self
                    .chain(block)
                    .flat_map(|block| &block.common_tables)
                    .find(|table| database.is_none() && table.name.eq_ignore_ascii_case(name));
                if let Some(common) = common {
                    if !common.columns.is_empty() {
                        let column = |name: &String| Column::of(name, called);
                        return Some(common.columns.iter().map(column).collect());
                    }
                    return self.block_columns(common.block?, called, names, depth + 1);
                }
                let table = names.table(database.as_deref(), name)?;
                let columns = table.columns.iter().map(|column| Column {
                    name: column.name.clone(),
                    source: called.to_owned(),
                    declared: column.declared.clone(),
                });
                Some(columns.collect())
            }
        }
    }

    /// What a block puts out, as columns of a source called `called`.
    fn block_columns(&self, block: usize, called: &str, names: &Names, depth: usize) -> Option<Vec<Column>> {
        let body = self.blocks.get(block)?;
        let mut columns = Vec::new();
        for output in &body.outputs {
            let matching: Vec<&Source> = match output {
                Output::Alias(name) | Output::Column(name) => {
                    columns.push(Column::of(name, called));
                    continue;
                }
                Output::Unnamed => continue,
                Output::Star => body.sources.iter().collect(),
                Output::TableStar(table) => body.sources.iter().filter(|s| s.is_called(table)).collect(),
            };
            for source in matching {
                let inner = self.source_columns(source, block, names, depth + 1)?;
                columns.extend(inner.into_iter().map(|column| Column {
                    source: called.to_owned(),
                    ..column
                }));
            }
        }
        Some(columns)
    }

    /// Whether nothing that is known has the name.
    pub(crate) fn is_unknown(&self, name: &NameUse, names: &Names) -> bool {
        match name.role {
            Role::Table => self.is_unknown_table(name, names),
            Role::Column => self.is_unknown_column(name, names),
            Role::TargetColumn => self
                .columns(name.block, names)
                .is_some_and(|columns| !columns.is_empty() && !has_column(&columns, &name.text)),
            Role::Qualifier => self.is_unknown_qualifier(name, names),
            Role::Function => !is_listed(&names.functions, &name.text),
            Role::Index => !is_listed(&names.indexes, &name.text),
            Role::Trigger => !is_listed(&names.triggers, &name.text),
            Role::Pragma => !is_listed(&names.pragmas, &name.text),
            Role::Database => !names.is_database(&name.text),
            _ => false,
        }
    }

    fn is_unknown_table(&self, name: &NameUse, names: &Names) -> bool {
        let database = name.qualifiers.last().map(String::as_str);
        names.table(database, &name.text).is_none()
            && !names.is_module(&name.text)
            && !self
                .common_tables(name.block)
                .iter()
                .any(|own| own.eq_ignore_ascii_case(&name.text))
    }

    fn is_unknown_column(&self, name: &NameUse, names: &Names) -> bool {
        if name.quoted || is_rowid(&name.text) {
            return false;
        }
        if let Some(qualifier) = name.qualifiers.last() {
            let columns = self.columns_of(name.block, qualifier, names).flatten();
            return columns.is_some_and(|columns| !has_column(&columns, &name.text));
        }
        let literal = ["true", "false"]
            .iter()
            .any(|word| word.eq_ignore_ascii_case(&name.text));
        let own_sources = self
            .blocks
            .get(name.block)
            .is_some_and(|block| !block.sources.is_empty());
        if literal || !own_sources || self.is_source_or_alias(name) {
            return false;
        }
        self.columns(name.block, names)
            .is_some_and(|columns| !has_column(&columns, &name.text))
    }

    /// Whether it names a source (`MATCH` takes a table's name for a column), or a column of this query or one around it.
    fn is_source_or_alias(&self, name: &NameUse) -> bool {
        let same = |own: &str| own.eq_ignore_ascii_case(&name.text);
        let first = |block: &Block| block.first.and_then(|first| self.blocks.get(first));
        self.source_names(name.block).into_iter().any(same)
            || self.chain(name.block).any(|block| {
                block.names_output(same) || first(block).is_some_and(|first| first.names_output(same))
            })
    }

    fn is_unknown_qualifier(&self, name: &NameUse, names: &Names) -> bool {
        let special = ["new", "old", "excluded"];
        let is_special = special.iter().any(|word| word.eq_ignore_ascii_case(&name.text));
        let blocks_have_sources = self.chain(name.block).any(|block| !block.sources.is_empty());
        !is_special
            && blocks_have_sources
            && !names.is_database(&name.text)
            && !self
                .source_names(name.block)
                .iter()
                .any(|own| own.eq_ignore_ascii_case(&name.text))
    }
}

impl Block {
    /// Whether it gives a column such a name by AS.
    fn names_output(&self, same: impl Fn(&str) -> bool) -> bool {
        self.outputs
            .iter()
            .any(|output| matches!(output, Output::Alias(own) if same(own)))
    }
}

impl Source {
    /// What columns are qualified with.
    pub(crate) fn name(&self) -> Option<&str> {
        match (&self.alias, &self.rows) {
            (Some(alias), _) => Some(alias),
            (None, Rows::Table { name, .. }) => Some(name),
            _ => None,
        }
    }

    fn is_called(&self, name: &str) -> bool {
        self.name().is_some_and(|own| own.eq_ignore_ascii_case(name))
    }
}

impl Column {
    fn of(name: &str, source: &str) -> Column {
        Column {
            name: name.to_owned(),
            source: source.to_owned(),
            declared: String::new(),
        }
    }
}

fn has_column(columns: &[Column], name: &str) -> bool {
    is_rowid(name)
        || columns
            .iter()
            .any(|column| column.name.eq_ignore_ascii_case(name))
}

fn is_rowid(name: &str) -> bool {
    ["rowid", "oid", "_rowid_", "rank"]
        .iter()
        .any(|word| word.eq_ignore_ascii_case(name))
}

fn is_listed(list: &[String], name: &str) -> bool {
    list.iter().any(|own| own.eq_ignore_ascii_case(name))
}
