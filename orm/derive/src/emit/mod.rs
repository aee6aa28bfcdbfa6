//! From the model to the code that is emitted.
//!
//! All tokens that stand for a field's type carry the field's place, so that a type that cannot be a column is one
//! error, at the field.

mod embedded;
mod link;
mod meta;
mod record;

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Ident;
use syn::spanned::Spanned;

use crate::model::{Column, Entity, Record, Relation, RelationKind};
pub(crate) use embedded::{embedded, tagged};
use record::{constructor, copy, key_part, key_type, tuple};

/// Everything for one entity.
pub(crate) fn entity(entity: &Entity) -> TokenStream {
    let columns_struct = columns_struct(entity);
    let implementation = implementation(entity);
    let constructor = entity.record.constructor.then(|| constructor(&entity.record));
    let links = entity
        .relations
        .iter()
        .filter_map(|relation| link::link(entity, relation));
    quote! {
        #columns_struct
        #implementation
        #constructor
        #(#links)*
    }
}

fn columns_struct(entity: &Entity) -> TokenStream {
    let Entity {
        record, relations, ..
    } = entity;
    let (ident, vis, name) = (&record.ident, &record.vis, record.columns_name());
    let mut names = record.handle_names();
    names.extend(relations.iter().map(|relation| relation.name.clone()));
    let copy = copy(&name, &names);
    let doc = format!("The columns of [`{ident}`], as queries hand them to closures.");
    let fields = record.handle_fields();
    let relation_fields = relations.iter().map(|relation| {
        let (field, ty) = (&relation.name, relation_type(ident, relation));
        let doc = format!("The relation `{field}`.");
        quote! { #[doc = #doc] #vis #field: #ty }
    });
    let handles = record.handles(&quote! { <#ident as ::aludel::Entity>::META.columns }, true);
    let relation_handles = relations.iter().enumerate().map(|(i, relation)| {
        let field = &relation.name;
        quote! { #field: ::aludel::relation::RelationHandle::new(source, &<#ident as ::aludel::Entity>::META.relations[#i]) }
    });
    // There is a primary key.
    let first = record.columns().find(|column| column.query.is_none());
    let first = first.map(|column| &column.field);
    quote! {
        #[doc = #doc]
        #[allow(dead_code, clippy::type_complexity)]
        #vis struct #name<M: ::aludel::Mode = ::aludel::Required> {
            #(#fields,)*
            #(#relation_fields,)*
        }

        #copy

        #[automatically_derived]
        impl<M: ::aludel::Mode> ::aludel::Columns for #name<M> {
            type Entity = #ident;
            type Mode = M;

            fn at(source: ::aludel::SourceId) -> Self {
                #name { #(#handles,)* #(#relation_handles,)* }
            }

            fn source(&self) -> ::aludel::SourceId {
                self.#first.source()
            }
        }
    }
}

fn relation_type(from: &Ident, relation: &Relation) -> TokenStream {
    let target = &relation.target;
    match relation.kind {
        RelationKind::HasMany => quote! { ::aludel::relation::HasMany<#from, #target> },
        RelationKind::HasOne => quote! { ::aludel::relation::HasOne<#from, #target> },
        RelationKind::ManyToMany => quote! { ::aludel::relation::ManyToMany<#from, #target> },
    }
}

fn implementation(entity: &Entity) -> TokenStream {
    let Entity { record, table, .. } = entity;
    let (ident, columns_name) = (&record.ident, record.columns_name());
    let meta = meta::meta(entity);
    let own_meta = quote! { <#ident as ::aludel::Entity>::META };
    let keys: Vec<&Column> = record.columns().filter(|column| column.primary_key).collect();
    let key_columns: Vec<String> = keys.iter().map(|column| column.column_name()).collect();
    let key_column = key_columns.first();
    let key_parts: Vec<TokenStream> = keys.iter().map(|column| key_type(column)).collect();
    let key_type = tuple(&key_parts);
    let places = record.positions(|column| column.primary_key);
    let decode_key: Vec<TokenStream> = keys
        .iter()
        .zip(&places)
        .map(|(column, i)| {
            let ty = &column.ty;
            quote_spanned! {ty.span()=> <#ty as ::aludel::mapper::KeyColumn>::read_key(row, #own_meta, #i)? }
        })
        .collect();
    let decode_key = tuple(&decode_key);
    let key: Vec<TokenStream> = keys.iter().map(|column| key_part(column)).collect();
    let key = tuple(&key);
    // Where the first part's type is: what is wrong with that is one error, there.
    let place = keys
        .first()
        .map_or_else(proc_macro2::Span::call_site, |column| column.ty.span());
    let key_read = quote_spanned! {place=> ::aludel::Result<Self::Key> };
    let key_if_any = quote_spanned! {place=> ::core::option::Option<Self::Key> };
    let (encode, set, decode) = (record.encode(), record.set(), record.decode(&own_meta, None));
    let restore = restore(record);
    let validate = validate(entity);
    quote! {
        #[automatically_derived]
        impl ::aludel::Entity for #ident {
            type Key = #key_type;
            type Columns<M: ::aludel::Mode> = #columns_name<M>;
            const META: &'static ::aludel::EntityMeta = #meta;
            const TABLE: &'static str = #table;
            const KEY_COLUMN: &'static str = #key_column;
            const KEY_COLUMNS: &'static [&'static str] = &[#(#key_columns),*];

            fn encode(&self, column: usize) -> ::aludel::Value<'_> {
                #encode
            }

            fn set(
                &mut self,
                column: usize,
                value: ::aludel::Value<'_>,
            ) -> ::core::result::Result<(), ::aludel::DecodeError> {
                #set
                ::core::result::Result::Ok(())
            }

            fn decode(row: &::aludel::RowReader<'_>) -> ::aludel::Result<Self> {
                ::core::result::Result::Ok(#ident { #(#decode,)* })
            }

            fn decode_key(row: &::aludel::RowReader<'_>) -> #key_read {
                ::core::result::Result::Ok(#decode_key)
            }

            fn key(&self) -> #key_if_any {
                ::core::option::Option::Some(#key)
            }

            #restore
            #validate
        }
    }
}

/// Fields that are no columns stay as they are when the others are overwritten.
fn restore(record: &Record) -> Option<TokenStream> {
    let skipped: Vec<&Ident> = record.skipped.iter().map(|(field, _)| field).collect();
    (!skipped.is_empty()).then(|| {
        quote! {
            fn restore(&mut self, row: &::aludel::RowReader<'_>) -> ::aludel::Result<()> {
                let mut fresh = <Self as ::aludel::Entity>::decode(row)?;
                #(::core::mem::swap(&mut fresh.#skipped, &mut self.#skipped);)*
                *self = fresh;
                ::core::result::Result::Ok(())
            }
        }
    })
}

fn validate(entity: &Entity) -> Option<TokenStream> {
    let (body, validated) = entity.record.validate(&entity.validate);
    (!body.is_empty()).then(|| {
        quote! {
            const VALIDATED: bool = #validated;

            fn validate(&self) -> ::core::result::Result<(), ::aludel::mapper::Invalid> {
                #body
                ::core::result::Result::Ok(())
            }
        }
    })
}
