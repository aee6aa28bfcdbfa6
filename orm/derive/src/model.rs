//! What a struct's attributes say, checked.

use proc_macro2::Span;
use syn::{Data, DeriveInput, Expr, Field, Fields, Ident, LitStr, Path, Result, Type, Visibility};

use crate::attributes::{IndexWord, Item, RelationItem, RelationValue, items};

/// A struct to be mapped.
pub(crate) struct Entity {
    pub(crate) ident: Ident,
    pub(crate) vis: Visibility,
    pub(crate) table: String,
    pub(crate) columns: Vec<Column>,
    /// Fields that are no columns.
    pub(crate) skipped: Vec<(Ident, Type)>,
    pub(crate) constructor: bool,
    pub(crate) strict: bool,
    pub(crate) without_rowid: bool,
    pub(crate) indexes: Vec<Index>,
    pub(crate) checks: Vec<LitStr>,
    pub(crate) comment: Option<LitStr>,
    pub(crate) was: Option<LitStr>,
    pub(crate) relations: Vec<Relation>,
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
    pub(crate) deferrable: Option<Ident>,
    pub(crate) comment: Option<LitStr>,
    pub(crate) was: Option<LitStr>,
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

pub(crate) enum RelationKind {
    HasMany,
    HasOne,
    ManyToMany,
}

/// A relation declared beside the struct.
pub(crate) struct Relation {
    pub(crate) kind: RelationKind,
    pub(crate) name: Ident,
    pub(crate) target: Type,
    pub(crate) by: Option<Ident>,
    pub(crate) to: Option<Ident>,
    pub(crate) through: Option<Path>,
    pub(crate) order: Vec<(Ident, bool)>,
    pub(crate) cascade: (bool, bool, bool),
}

const ENTITY_ITEMS: &str =
    "`table`, `index(..)`, `unique(..)`, `check`, `comment`, `was`, `new`, `strict`, `without_rowid`";

const COLUMN_ITEMS: &str = "`primary_key`, `auto`, `name`, `unique`, `index`, `default`, `server_default`, `version`, \
     `on_delete`, `on_update`, `check`, `collate`, `sql_type`, `generated`, `stored`, `deferrable`, \
     `comment`, `was`, `skip`";

impl Entity {
    pub(crate) fn parse(input: &DeriveInput) -> Result<Entity> {
        let fields = named_fields(input)?;
        if let Some(parameter) = input.generics.params.first() {
            return Err(syn::Error::new_spanned(
                parameter,
                "an entity cannot be generic: each table has its own struct",
            ));
        }
        let mut entity = Entity {
            ident: input.ident.clone(),
            vis: input.vis.clone(),
            table: snake_case(&input.ident.to_string()),
            columns: Vec::new(),
            skipped: Vec::new(),
            constructor: true,
            strict: false,
            without_rowid: false,
            indexes: Vec::new(),
            checks: Vec::new(),
            comment: None,
            was: None,
            relations: Vec::new(),
        };
        for field in fields {
            entity.field(field)?;
        }
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
            entity.relations.push(relation(kind, attribute.parse_args()?)?);
        }
        entity.check(input)?;
        Ok(entity)
    }

    fn field(&mut self, field: &Field) -> Result<()> {
        let Some(ident) = field.ident.clone() else {
            return Err(syn::Error::new_spanned(field, "an entity's fields have names"));
        };
        let items = items(&field.attrs, "column")?;
        if items.iter().any(|item| item.name == "skip") {
            self.skipped.push((ident, field.ty.clone()));
            return Ok(());
        }
        let mut column = Column {
            field: ident,
            ty: field.ty.clone(),
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
        };
        for item in &items {
            column.item(item)?;
        }
        self.columns.push(column);
        Ok(())
    }

    fn item(&mut self, item: &Item) -> Result<()> {
        match item.name.to_string().as_str() {
            "table" => self.table = item.text()?.value(),
            "new" => self.constructor = item.flag()?,
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
        self.columns
            .iter()
            .position(|column| column.field == *field)
            .ok_or_else(|| syn::Error::new(field.span(), format!("`{}` has no column `{field}`", self.ident)))
    }

    fn check(&self, input: &DeriveInput) -> Result<()> {
        if !self.columns.iter().any(|column| column.primary_key) {
            let ident = &input.ident;
            return Err(syn::Error::new(
                ident.span(),
                format!(
                    "`{ident}` has no primary key: mark its key field, as in `#[column(primary_key)] id: Id<{ident}>`"
                ),
            ));
        }
        let versions: Vec<&Column> = self.columns.iter().filter(|column| column.version).collect();
        if let [_, second, ..] = versions.as_slice() {
            return Err(syn::Error::new(
                second.field.span(),
                "an entity has one version column",
            ));
        }
        if let Some(clash) = self
            .relations
            .iter()
            .find(|r| self.columns.iter().any(|c| c.field == r.name))
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

impl Column {
    fn item(&mut self, item: &Item) -> Result<()> {
        match item.name.to_string().as_str() {
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
            "was" => self.was = Some(item.text()?),
            _ => return Err(item.unknown(COLUMN_ITEMS)),
        }
        Ok(())
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

fn relation(kind: RelationKind, item: RelationItem) -> Result<Relation> {
    let mut relation = Relation {
        kind,
        name: item.name,
        target: item.target,
        by: None,
        to: None,
        through: None,
        order: Vec::new(),
        cascade: (false, false, false),
    };
    for option in item.options {
        match (option.name.to_string().as_str(), &option.value) {
            ("by", _) => relation.by = Some(option.field()?),
            ("to", _) => relation.to = Some(option.field()?),
            ("through", RelationValue::Path(path)) => relation.through = Some(path.clone()),
            ("order_by", RelationValue::Descending(path)) => {
                relation.order.push((path.require_ident()?.clone(), true))
            }
            ("order_by", _) => relation.order.push((option.field()?, false)),
            ("cascade", RelationValue::Text(text)) => relation.cascade = cascade(text)?,
            (name, _) => {
                let message = format!(
                    "unknown option `{name}`; known are `by`, `to`, `through`, `order_by` and `cascade = \"..\"`"
                );
                return Err(syn::Error::new(option.name.span(), message));
            }
        }
    }
    match (&relation.kind, &relation.by, &relation.through) {
        (RelationKind::ManyToMany, _, None) => Err(syn::Error::new(
            item.span,
            "name the entity between: `through = Membership`",
        )),
        (RelationKind::HasMany | RelationKind::HasOne, None, _) => {
            let message = "name the target's field that refers to this entity: `by = author`";
            Err(syn::Error::new(item.span, message))
        }
        _ => Ok(relation),
    }
}

/// (delete, delete-orphan, passive)
fn cascade(text: &LitStr) -> Result<(bool, bool, bool)> {
    let mut cascade = (false, false, false);
    for word in text.value().split(',').map(str::trim) {
        match word {
            "all" | "delete" => cascade.0 = true,
            "delete-orphan" => cascade = (true, true, cascade.2),
            "passive" => cascade.2 = true,
            "none" | "save" => {}
            other => {
                let message = format!(
                    "`{other}` is no cascade; known are `all`, `delete`, `delete-orphan`, `passive`, `none`"
                );
                return Err(syn::Error::new(text.span(), message));
            }
        }
    }
    Ok(cascade)
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
