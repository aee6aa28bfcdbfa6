//! The entity between two others that has nothing of its own but two foreign keys: `#[many_to_many(groups: Group, link =
//! UserGroup)]`.
//!
//! It is an ordinary entity, derived like one that is written out, so all that works through an entity works here.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Ident, LitStr};

use crate::model::{Entity, Link, Relation, snake_case};

/// The struct of the link, where the relation has one made.
pub(super) fn link(entity: &Entity, relation: &Relation) -> Option<TokenStream> {
    let Link { name, table } = relation.link.as_ref()?;
    let (by, to) = (relation.by.as_ref()?, relation.to.as_ref()?);
    let (owner, vis, target) = (&entity.record.ident, &entity.record.vis, &relation.target);
    let table = table
        .as_ref()
        .map_or_else(|| snake_case(&name.to_string()), LitStr::value);
    let doc = format!("The link of the relation `{}` of [`{owner}`].", relation.name);
    let (by_doc, to_doc) = (end(by), end(to));
    let (by_column, to_column) = (column(by), column(to));
    Some(quote! {
        #[doc = #doc]
        #[derive(Clone, Debug, PartialEq, ::aludel::Entity)]
        #[entity(table = #table)]
        #vis struct #name {
            #[doc = #by_doc]
            #[column(primary_key, name = #by_column)]
            #vis #by: ::aludel::Fk<#owner>,
            #[doc = #to_doc]
            #[column(primary_key, name = #to_column, index)]
            #vis #to: ::aludel::Fk<#target>,
        }
    })
}

fn end(field: &Ident) -> String {
    format!("The end `{field}`.")
}

fn column(field: &Ident) -> String {
    use syn::ext::IdentExt;
    format!("{}_id", field.unraw())
}
