//! What a struct's attributes say, checked.

mod embedded;
mod relation;

use proc_macro2::Span;
use syn::{Data, DeriveInput, Expr, Field, Fields, Ident, LitStr, Path, Result, Type, Visibility};

use crate::attributes::{IndexWord, Item, items};
pub(crate) use embedded::{Embedded, Tagged, TaggedVariant};
use relation::relation;
pub(crate) use relation::{Filter, Link, Relation, RelationKind};

/// A struct to be mapped.
pub(crate) struct Entity {
    pub(crate) table: String,
    pub(crate) record: Record,
    pub(crate) strict: bool,
    pub(crate) without_rowid: bool,
    pub(crate) indexes: Vec<Index>,
    pub(crate) checks: Vec<LitStr>,
    pub(crate) validate: Vec<Path>,
    pub(crate) comment: Option<LitStr>,
    pub(crate) was: Option<LitStr>,
    pub(crate) relations: Vec<Relation>,
}

/// The fields of an entity or of an embedded struct.
pub(crate) struct Record {
    pub(crate) ident: Ident,
    pub(crate) vis: Visibility,
    pub(crate) members: Vec<Member>,
    /// Fields that are no columns.
    pub(crate) skipped: Vec<(Ident, Type)>,
    pub(crate) constructor: bool,
}

/// A field that is one column, or several.
pub(crate) enum Member {
    Column(Box<Column>),
    Flatten(Flatten),
}

/// A field whose columns are those of an embedded struct.
pub(crate) struct Flatten {
    pub(crate) field: Ident,
    /// The embedded type, without an `Option` around it.
    pub(crate) ty: Box<Type>,
    pub(crate) optional: bool,
    pub(crate) prefix: Option<LitStr>,
    pub(crate) default: Option<Box<Expr>>,
    pub(crate) on_delete: Option<Ident>,
    pub(crate) on_update: Option<Ident>,
}

/// A field that is a column.
pub(crate) struct Column {
    pub(crate) field: Ident,
    pub(crate) ty: Type,
    pub(crate) name: Option<LitStr>,
    pub(crate) primary_key: bool,
    /// `auto` said so: for types whose zero means "not assigned".
    pub(crate) auto: bool,
    pub(crate) unique: bool,
    pub(crate) index: bool,
    pub(crate) version: bool,
    pub(crate) default: Option<Expr>,
    pub(crate) server_default: Option<LitStr>,
    pub(crate) on_delete: Option<Ident>,
    pub(crate) on_update: Option<Ident>,
    pub(crate) check: Option<LitStr>,
    pub(crate) collate: Option<LitStr>,
    pub(crate) sql_type: Option<LitStr>,
    pub(crate) generated: Option<LitStr>,
    pub(crate) stored: bool,
    pub(crate) read_only: bool,
    pub(crate) immutable: bool,
    pub(crate) updated: bool,
    pub(crate) soft_delete: bool,
    pub(crate) group: Option<LitStr>,
    pub(crate) validate: Vec<Path>,
    pub(crate) deferrable: Option<Ident>,
    pub(crate) comment: Option<LitStr>,
    pub(crate) was: Option<LitStr>,
    /// What the field is defined by, where it is no column of the table.
    pub(crate) query: Option<Expr>,
}

/// An index or unique constraint over several fields.
#[derive(Default)]
pub(crate) struct Index {
    pub(crate) unique: bool,
    pub(crate) parts: Vec<IndexPart>,
    pub(crate) name: Option<LitStr>,
    pub(crate) predicate: Option<LitStr>,
    pub(crate) include: Vec<usize>,
}

pub(crate) enum IndexPart {
    Column(usize),
    Descending(usize),
    Expression(LitStr),
}

const ENTITY_ITEMS: &str = "`table`, `index(..)`, `unique(..)`, `check`, `comment`, `was`, `validate`, `new`, `strict`, `without_rowid`";

const FLATTEN_ITEMS: &str = "`flatten`, `prefix`, `default`, `on_delete`, `on_update`";

const COLUMN_ITEMS: &str = "`primary_key`, `auto`, `name`, `unique`, `index`, `default`, `server_default`, `version`, \
     `on_delete`, `on_update`, `check`, `collate`, `sql_type`, `generated`, `stored`, `deferrable`, \
     `comment`, `was`, `read_only`, `immutable`, `created`, `updated`, `soft_delete`, `group`, `validate`, \
     `query`, `flatten`, `skip`";

impl Entity {
    pub(crate) fn parse(input: &DeriveInput) -> Result<Entity> {
        if let Some(parameter) = input.generics.params.first() {
            return Err(syn::Error::new_spanned(
                parameter,
                "an entity cannot be generic: each table has its own struct",
            ));
        }
        let mut entity = Entity {
            table: snake_case(&input.ident.to_string()),
            record: Record::parse(input)?,
            strict: false,
            without_rowid: false,
            indexes: Vec::new(),
            checks: Vec::new(),
            validate: Vec::new(),
            comment: None,
            was: None,
            relations: Vec::new(),
        };
        for item in items(&input.attrs, "entity")? {
            entity.item(&item)?;
        }
        for attribute in &input.attrs {
            let kind = match attribute.path().get_ident().map(ToString::to_string).as_deref() {
                Some("has_many") => RelationKind::HasMany,
                Some("has_one") => RelationKind::HasOne,
                Some("many_to_many") => RelationKind::ManyToMany,
                _ => continue,
            };
            let owner = &entity.record.ident;
            entity
                .relations
                .push(relation(owner, kind, attribute.parse_args()?)?);
        }
        entity.check(input)?;
        Ok(entity)
    }

    fn item(&mut self, item: &Item) -> Result<()> {
        match item.name.to_string().as_str() {
            "table" => self.table = item.text()?.value(),
            "new" => self.record.constructor = item.flag()?,
            "validate" => self.validate.push(item.path()?),
            "strict" => self.strict = item.flag()?,
            "without_rowid" => self.without_rowid = item.flag()?,
            "check" => self.checks.push(item.text()?),
            "comment" => self.comment = Some(item.text()?),
            "was" => self.was = Some(item.text()?),
            "index" | "unique" => {
                let index = self.index(item)?;
                self.indexes.push(index);
            }
            _ => return Err(item.unknown(ENTITY_ITEMS)),
        }
        Ok(())
    }

    fn index(&self, item: &Item) -> Result<Index> {
        let mut index = Index {
            unique: item.name == "unique",
            ..Index::default()
        };
        for word in item.list()? {
            match word {
                IndexWord::Field(field) => index.parts.push(IndexPart::Column(self.position(field)?)),
                IndexWord::Descending(field) => {
                    index.parts.push(IndexPart::Descending(self.position(field)?))
                }
                IndexWord::Expression(sql) => index.parts.push(IndexPart::Expression(sql.clone())),
                IndexWord::Option(option, text) if option == "name" => index.name = Some(text.clone()),
                IndexWord::Option(_, text) => index.predicate = Some(text.clone()),
                IndexWord::Include(fields) => {
                    for field in fields {
                        index.include.push(self.position(field)?);
                    }
                }
            }
        }
        if index.parts.is_empty() {
            return Err(item.wrong(&format!("name the fields: `{}(field, field)`", item.name)));
        }
        Ok(index)
    }

    fn position(&self, field: &Ident) -> Result<usize> {
        let is_it = |member: &Member| matches!(member, Member::Column(column) if column.field == *field && column.query.is_none());
        let ident = &self.record.ident;
        self.record
            .members
            .iter()
            .position(is_it)
            .ok_or_else(|| syn::Error::new(field.span(), format!("`{ident}` has no column `{field}`")))
    }

    fn check(&self, input: &DeriveInput) -> Result<()> {
        if !self.record.columns().any(|column| column.primary_key) {
            let ident = &input.ident;
            return Err(syn::Error::new(
                ident.span(),
                format!(
                    "`{ident}` has no primary key: mark its key field, as in `#[column(primary_key)] id: Id<{ident}>`"
                ),
            ));
        }
        self.record
            .at_most_one(|column| column.version, "an entity has one version column")?;
        self.record.at_most_one(
            |column| column.soft_delete,
            "an entity has one `soft_delete` column",
        )?;
        if let Some(clash) = self
            .relations
            .iter()
            .find(|r| self.record.members.iter().any(|member| *member.field() == r.name))
        {
            let message = format!(
                "`{}` is a column already: give the relation another name",
                clash.name
            );
            return Err(syn::Error::new(clash.name.span(), message));
        }
        Ok(())
    }
}

impl Record {
    pub(crate) fn parse(input: &DeriveInput) -> Result<Record> {
        let mut record = Record {
            ident: input.ident.clone(),
            vis: input.vis.clone(),
            members: Vec::new(),
            skipped: Vec::new(),
            constructor: true,
        };
        for field in named_fields(input)? {
            record.field(field)?;
        }
        Ok(record)
    }

    /// The fields that are one column each.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &Column> {
        self.members.iter().filter_map(|member| match member {
            Member::Column(column) => Some(column.as_ref()),
            Member::Flatten(_) => None,
        })
    }

    /// Is every field one column?
    pub(crate) fn is_flat(&self) -> bool {
        self.columns().count() == self.members.len()
    }

    fn at_most_one(&self, which: impl Fn(&Column) -> bool, message: &str) -> Result<()> {
        match self.columns().filter(|column| which(column)).nth(1) {
            Some(second) => Err(syn::Error::new(second.field.span(), message)),
            None => Ok(()),
        }
    }

    fn field(&mut self, field: &Field) -> Result<()> {
        let Some(ident) = field.ident.clone() else {
            return Err(syn::Error::new_spanned(field, "an entity's fields have names"));
        };
        let items = items(&field.attrs, "column")?;
        let has = |name: &str| items.iter().any(|item| item.name == name);
        if has("skip") {
            self.skipped.push((ident, field.ty.clone()));
            return Ok(());
        }
        self.members.push(match has("flatten") {
            true => Member::Flatten(Flatten::parse(ident, &field.ty, &items)?),
            false => Member::Column(Box::new(Column::parse(ident, &field.ty, &items)?)),
        });
        Ok(())
    }
}

impl Member {
    /// Has it no column of the table?
    pub(crate) fn is_query(&self) -> bool {
        matches!(self, Member::Column(column) if column.query.is_some())
    }

    pub(crate) fn field(&self) -> &Ident {
        match self {
            Member::Column(column) => &column.field,
            Member::Flatten(flatten) => &flatten.field,
        }
    }
}

impl Flatten {
    fn parse(field: Ident, ty: &Type, items: &[Item]) -> Result<Flatten> {
        let inner = option_of(ty);
        let mut flatten = Flatten {
            field,
            ty: Box::new(inner.unwrap_or(ty).clone()),
            optional: inner.is_some(),
            prefix: None,
            default: None,
            on_delete: None,
            on_update: None,
        };
        for item in items {
            match item.name.to_string().as_str() {
                "flatten" => drop(item.flag()?),
                "prefix" => flatten.prefix = Some(item.text()?),
                "default" => flatten.default = Some(Box::new(item.expression()?)),
                "on_delete" => flatten.on_delete = Some(action(item)?),
                "on_update" => flatten.on_update = Some(action(item)?),
                other => {
                    let message = format!(
                        "`{}` is flattened into several columns, so `{other}` has no meaning here: put it on a field of the \
                         embedded struct; known are {FLATTEN_ITEMS}",
                        flatten.field
                    );
                    return Err(item.wrong(&message));
                }
            }
        }
        Ok(flatten)
    }

    /// Does `new` leave it out?
    pub(crate) fn is_given(&self) -> bool {
        self.optional || self.default.is_some()
    }
}

impl Column {
    fn parse(field: Ident, ty: &Type, items: &[Item]) -> Result<Column> {
        let mut column = Column {
            field,
            ty: ty.clone(),
            name: None,
            primary_key: false,
            auto: false,
            unique: false,
            index: false,
            version: false,
            default: None,
            server_default: None,
            on_delete: None,
            on_update: None,
            check: None,
            collate: None,
            sql_type: None,
            generated: None,
            stored: false,
            deferrable: None,
            comment: None,
            was: None,
            read_only: false,
            immutable: false,
            updated: false,
            soft_delete: false,
            group: None,
            validate: Vec::new(),
            query: None,
        };
        for item in items {
            column.item(item)?;
        }
        column.check()?;
        Ok(column)
    }

    /// What contradicts itself.
    fn check(&self) -> Result<()> {
        let field = &self.field;
        let wrong = |message: String| Err(syn::Error::new(field.span(), message));
        let behaviour = match self {
            Column { updated: true, .. } => Some("updated"),
            Column {
                soft_delete: true, ..
            } => Some("soft_delete"),
            Column { read_only: true, .. } => Some("read_only"),
            _ => None,
        };
        if self.group.is_some() && last_segment(&self.ty).is_none_or(|name| name != "Deferred") {
            return wrong(format!(
                "`{field}` comes with every query, so it has no group to be loaded with: make its type `Deferred<..>`"
            ));
        }
        if let (Some(_), Some(of_columns)) = (&self.query, self.of_columns_only()) {
            return wrong(format!(
                "`{field}` is what a query says and no column of the table, so `{of_columns}` has no meaning here"
            ));
        }
        match behaviour {
            Some(behaviour) if self.primary_key => wrong(format!(
                "`{field}` is the primary key, so it cannot be `{behaviour}`"
            )),
            Some(behaviour) if self.generated.is_some() => wrong(format!(
                "`{field}` is computed by the database, so it cannot be `{behaviour}`"
            )),
            Some("updated") if self.immutable => wrong(format!(
                "`{field}` is set by each update, so it cannot be `created` or `immutable`: make it two fields"
            )),
            _ => Ok(()),
        }
    }

    fn item(&mut self, item: &Item) -> Result<()> {
        match item.name.to_string().as_str() {
            "read_only" => self.read_only = item.flag()?,
            "immutable" => self.immutable = item.flag()?,
            "created" => {
                self.immutable = item.flag()?;
                self.default = Some(now());
            }
            "updated" => {
                self.updated = item.flag()?;
                self.default = Some(now());
            }
            "soft_delete" => self.soft_delete = item.flag()?,
            "group" => self.group = Some(item.text()?),
            "validate" => self.validate.push(item.path()?),
            "prefix" => {
                return Err(
                    item.wrong("`prefix` goes with `flatten`; one column is renamed by `name = \"..\"`")
                );
            }
            "primary_key" => self.primary_key = item.flag()?,
            "auto" => self.auto = item.flag()?,
            "unique" => self.unique = item.flag()?,
            "index" => self.index = item.flag()?,
            "version" => self.version = item.flag()?,
            "stored" => self.stored = item.flag()?,
            "name" => self.name = Some(item.text()?),
            "default" => self.default = Some(item.expression()?),
            "server_default" => self.server_default = Some(item.text()?),
            "on_delete" => self.on_delete = Some(action(item)?),
            "on_update" => self.on_update = Some(action(item)?),
            "check" => self.check = Some(item.text()?),
            "collate" => self.collate = Some(item.text()?),
            "sql_type" => self.sql_type = Some(item.text()?),
            "generated" => self.generated = Some(item.text()?),
            "deferrable" => self.deferrable = Some(deferrable(item)?),
            "comment" => self.comment = Some(item.text()?),
            "query" => self.query = Some(item.expression()?),
            "was" => self.was = Some(item.text()?),
            _ => return Err(item.unknown(COLUMN_ITEMS)),
        }
        Ok(())
    }

    /// An attribute that only a column of a table can have.
    fn of_columns_only(&self) -> Option<&'static str> {
        let all = [
            (self.primary_key, "primary_key"),
            (self.auto, "auto"),
            (self.unique, "unique"),
            (self.index, "index"),
            (self.version, "version"),
            (self.server_default.is_some(), "server_default"),
            (self.on_delete.is_some(), "on_delete"),
            (self.on_update.is_some(), "on_update"),
            (self.check.is_some(), "check"),
            (self.collate.is_some(), "collate"),
            (self.sql_type.is_some(), "sql_type"),
            (self.generated.is_some(), "generated"),
            (self.stored, "stored"),
            (self.deferrable.is_some(), "deferrable"),
            (self.comment.is_some(), "comment"),
            (self.was.is_some(), "was"),
            (self.read_only, "read_only"),
            (self.immutable, "immutable"),
            (self.updated, "updated"),
            (self.soft_delete, "soft_delete"),
        ];
        all.into_iter().find(|(said, _)| *said).map(|(_, name)| name)
    }

    /// The column's name in the database.
    pub(crate) fn column_name(&self) -> String {
        use syn::ext::IdentExt;
        self.name
            .as_ref()
            .map_or_else(|| self.field.unraw().to_string(), LitStr::value)
    }

    /// Does `new` leave it out, because something else gives its value?
    pub(crate) fn is_given(&self) -> bool {
        self.is_auto_key()
            || self.version
            || self.default.is_some()
            || self.generated.is_some()
            || self.read_only
            || self.soft_delete
            || self.query.is_some()
            || self.is_option()
    }

    pub(crate) fn is_auto_key(&self) -> bool {
        self.primary_key
            && (self.auto || self.is_option() || last_segment(&self.ty).is_some_and(|name| name == "Id"))
    }

    pub(crate) fn is_option(&self) -> bool {
        last_segment(&self.ty).is_some_and(|name| name == "Option")
    }

    /// `auto` on a type that has no "not assigned" of its own: zero stands for it.
    pub(crate) fn zero_is_unassigned(&self) -> bool {
        self.auto && !self.is_option() && last_segment(&self.ty).is_none_or(|name| name != "Id")
    }
}

/// The name of the type, without its path and arguments.
pub(crate) fn last_segment(ty: &Type) -> Option<String> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
        Type::Group(group) => last_segment(&group.elem),
        _ => None,
    }
}

/// The `T` of `Option<T>`.
fn option_of(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Option")?;
    match &last.arguments {
        syn::PathArguments::AngleBracketed(arguments) => match arguments.args.first()? {
            syn::GenericArgument::Type(inner) => Some(inner),
            _ => None,
        },
        _ => None,
    }
}

/// `now()`, as `default = now()` has it.
fn now() -> Expr {
    syn::parse_quote!(now())
}

fn named_fields(input: &DeriveInput) -> Result<Vec<&Field>> {
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => Ok(fields.named.iter().collect()),
            _ => Err(syn::Error::new_spanned(
                &input.ident,
                "an entity is a struct with named fields",
            )),
        },
        _ => Err(syn::Error::new_spanned(
            &input.ident,
            "an entity is a struct: one table, one struct",
        )),
    }
}

/// The variant of `ReferenceAction`.
fn action(item: &Item) -> Result<Ident> {
    let text = item.text()?;
    let variant = match text.value().to_ascii_lowercase().as_str() {
        "cascade" => "Cascade",
        "set null" => "SetNull",
        "set default" => "SetDefault",
        "restrict" => "Restrict",
        "no action" => "NoAction",
        other => {
            let message = format!(
                "`{other}` is no action; known are `cascade`, `set null`, `set default`, `restrict`, `no action`"
            );
            return Err(syn::Error::new(text.span(), message));
        }
    };
    Ok(Ident::new(variant, Span::call_site()))
}

/// The variant of `Deferrable`: `deferrable` alone is checked at the commit only where the transaction asks for it.
fn deferrable(item: &Item) -> Result<Ident> {
    if let Ok(flag) = item.flag() {
        return Ok(Ident::new(
            if flag { "Immediate" } else { "No" },
            Span::call_site(),
        ));
    }
    let text = item.text()?;
    let variant = match text.value().to_ascii_lowercase().as_str() {
        "immediate" => "Immediate",
        "deferred" => "Deferred",
        other => {
            let message = format!("`{other}` is no time; known are `immediate` and `deferred`");
            return Err(syn::Error::new(text.span(), message));
        }
    };
    Ok(Ident::new(variant, Span::call_site()))
}

/// `BlogPost` as `blog_post`.
pub(crate) fn snake_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    let chars: Vec<char> = name.chars().collect();
    for (i, &c) in chars.iter().enumerate() {
        let after_lower = i > 0 && !chars[i - 1].is_uppercase();
        let before_lower = chars.get(i + 1).is_some_and(|next| next.is_lowercase());
        if c.is_uppercase() && i > 0 && (after_lower || before_lower) {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::snake_case;

    #[test]
    fn table_names() {
        assert_eq!(snake_case("User"), "user");
        assert_eq!(snake_case("BlogPost"), "blog_post");
        assert_eq!(snake_case("HTTPLog"), "http_log");
    }
}
