//! Relations declared beside the struct.

use proc_macro2::Span;
use syn::{Expr, ExprClosure, Ident, LitStr, Path, Result, Type, parse_quote};

use super::{last_segment, snake_case};
use crate::attributes::{RelationItem, RelationValue};

pub(crate) enum RelationKind {
    HasMany,
    HasOne,
    ManyToMany,
}

/// The entity between two others that has nothing of its own: `link = UserGroup`.
pub(crate) struct Link {
    pub(crate) name: Ident,
    pub(crate) table: Option<LitStr>,
}

/// A relation declared beside the struct.
pub(crate) struct Relation {
    pub(crate) kind: RelationKind,
    pub(crate) name: Ident,
    pub(crate) target: Type,
    pub(crate) by: Option<Ident>,
    pub(crate) to: Option<Ident>,
    pub(crate) through: Option<Path>,
    /// The entity between is made here, not written out.
    pub(crate) link: Option<Link>,
    pub(crate) order: Vec<(Ident, bool)>,
    pub(crate) cascade: (bool, bool, bool),
    pub(crate) filter: Option<Filter>,
}

/// `filter = |target| ..`, or for a many-to-many `filter = |target, between| ..`.
pub(crate) struct Filter {
    pub(crate) condition: Expr,
    /// It takes the columns of the entity between as well.
    pub(crate) with_between: bool,
}

pub(super) fn relation(owner: &Ident, kind: RelationKind, item: RelationItem) -> Result<Relation> {
    let (mut link, mut table) = (None, None);
    let mut relation = Relation {
        kind,
        name: item.name,
        target: item.target,
        by: None,
        to: None,
        through: None,
        link: None,
        order: Vec::new(),
        cascade: (false, false, false),
        filter: None,
    };
    for option in item.options {
        match (option.name.to_string().as_str(), &option.value) {
            ("by", _) => relation.by = Some(option.field()?),
            ("to", _) => relation.to = Some(option.field()?),
            ("through", RelationValue::Path(path)) => relation.through = Some(path.clone()),
            ("link", _) => link = Some(option.field()?),
            ("table", RelationValue::Text(text)) => table = Some(text.clone()),
            ("order_by", RelationValue::Descending(path)) => {
                relation.order.push((path.require_ident()?.clone(), true))
            }
            ("order_by", _) => relation.order.push((option.field()?, false)),
            ("cascade", RelationValue::Text(text)) => relation.cascade = cascade(text)?,
            ("filter", RelationValue::Closure(closure)) => {
                relation.filter = Some(filter(&relation.kind, closure)?)
            }
            ("filter", RelationValue::Path(path)) => {
                relation.filter = Some(Filter {
                    condition: parse_quote!(#path),
                    with_between: false,
                })
            }
            (name, _) => {
                let message = format!(
                    "unknown option `{name}`; known are `by`, `to`, `through`, `link`, `table`, `order_by`, `filter` and `cascade = \"..\"`"
                );
                return Err(syn::Error::new(option.name.span(), message));
            }
        }
    }
    if let (Some(filter), true) = (&relation.filter, relation.cascade != (false, false, false)) {
        let message = "a relation with a `filter` has no cascade, which would leave the other rows behind: declare the cascade on \
                       a relation without one, which can be beside this";
        return Err(syn::Error::new_spanned(&filter.condition, message));
    }
    link_of(owner, &mut relation, link, table)?;
    match (&relation.kind, &relation.by, &relation.through) {
        (RelationKind::ManyToMany, _, None) => Err(syn::Error::new(
            item.span,
            "name the entity between: `through = Membership`, or `link = Membership` to have one made",
        )),
        (RelationKind::HasMany | RelationKind::HasOne, None, _) => {
            let message = "name the target's field that refers to this entity: `by = author`";
            Err(syn::Error::new(item.span, message))
        }
        _ => Ok(relation),
    }
}

/// `link = UserGroup` makes the entity between, with a field for each end: `by` and `to`, or the ends' names.
fn link_of(owner: &Ident, relation: &mut Relation, link: Option<Ident>, table: Option<LitStr>) -> Result<()> {
    let Some(name) = link else {
        return match table {
            Some(table) => Err(syn::Error::new(
                table.span(),
                "`table` names the table of `link = ..`, which is missing",
            )),
            None => Ok(()),
        };
    };
    if !matches!(relation.kind, RelationKind::ManyToMany) || relation.through.is_some() {
        let message = "`link` is for `many_to_many` without `through`";
        return Err(syn::Error::new(name.span(), message));
    }
    let field = |of: &str| Ident::new(&snake_case(of), Span::call_site());
    let by = relation.by.take().unwrap_or_else(|| field(&owner.to_string()));
    let to = match (relation.to.take(), last_segment(&relation.target)) {
        (Some(to), _) => to,
        (None, Some(target)) => field(&target),
        (None, None) => {
            return Err(syn::Error::new(
                name.span(),
                "name the target's field: `to = group`",
            ));
        }
    };
    if by == to {
        let message = format!(
            "both fields of `{name}` would be `{by}`: name them, as in `by = follower, to = followed`"
        );
        return Err(syn::Error::new(name.span(), message));
    }
    relation.through = Some(name.clone().into());
    (relation.by, relation.to) = (Some(by), Some(to));
    relation.link = Some(Link { name, table });
    Ok(())
}

fn filter(kind: &RelationKind, closure: &ExprClosure) -> Result<Filter> {
    let with_between = match (closure.inputs.len(), kind) {
        (1, _) => false,
        (2, RelationKind::ManyToMany) => true,
        _ => {
            let message = "a filter is about one row of the target: `|p| p.published.eq(true)`, and for a `many_to_many` about the \
                           row between as well: `|g, m| m.role.eq(\"owner\")`";
            return Err(syn::Error::new_spanned(closure, message));
        }
    };
    Ok(Filter {
        condition: closure.clone().into(),
        with_between,
    })
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
