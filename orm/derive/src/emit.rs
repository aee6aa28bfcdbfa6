//! From the model to the code that is emitted.
//!
//! All tokens that stand for a field's type carry the field's place, so that a type that cannot be a column is one
//! error, at the field.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, Ident, Lit, LitStr};

use crate::model::{Column, Entity, Index, IndexPart, Relation, RelationKind, last_segment};

/// Everything for one entity.
pub(crate) fn entity(entity: &Entity) -> TokenStream {
    let columns_struct = columns_struct(entity);
    let implementation = implementation(entity);
    let constructor = entity.constructor.then(|| constructor(entity));
    quote! {
        #columns_struct
        #implementation
        #constructor
    }
}

fn columns_struct(entity: &Entity) -> TokenStream {
    let Entity {
        ident,
        vis,
        columns,
        relations,
        ..
    } = entity;
    let name = format_ident!("{ident}Columns");
    let doc = format!("The columns of [`{ident}`], as queries hand them to closures.");
    let fields = columns.iter().map(|column| {
        let (field, ty) = (&column.field, &column.ty);
        let doc = format!("The column `{}`.", column.column_name());
        let of = quote_spanned! {ty.span()=> ::aludel::Column<<M as ::aludel::Mode>::Of<#ty>> };
        quote! { #[doc = #doc] #vis #field: #of }
    });
    let relation_fields = relations.iter().map(|relation| {
        let (field, ty) = (&relation.name, relation_type(ident, relation));
        let doc = format!("The relation `{field}`.");
        quote! { #[doc = #doc] #vis #field: #ty }
    });
    let handles = columns.iter().map(|column| {
        let (field, name) = (&column.field, column.column_name());
        quote! { #field: ::aludel::Column::new(source, #name) }
    });
    let relation_handles = relations.iter().enumerate().map(|(i, relation)| {
        let field = &relation.name;
        quote! { #field: ::aludel::relation::RelationHandle::new(source, &<#ident as ::aludel::Entity>::META.relations[#i]) }
    });
    let first = &columns[0].field;
    quote! {
        #[doc = #doc]
        #[allow(dead_code)]
        #vis struct #name<M: ::aludel::Mode = ::aludel::Required> {
            #(#fields,)*
            #(#relation_fields,)*
        }

        #[automatically_derived]
        impl<M: ::aludel::Mode> ::core::clone::Clone for #name<M> {
            fn clone(&self) -> Self {
                *self
            }
        }

        #[automatically_derived]
        impl<M: ::aludel::Mode> ::core::marker::Copy for #name<M> {}

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
    let Entity {
        ident,
        table,
        columns,
        skipped,
        ..
    } = entity;
    let columns_name = format_ident!("{ident}Columns");
    let meta = meta(entity);
    let keys: Vec<(usize, &Column)> = columns
        .iter()
        .enumerate()
        .filter(|(_, column)| column.primary_key)
        .collect();
    let key_column = keys[0].1.column_name();
    let key_parts: Vec<TokenStream> = keys.iter().map(|(_, column)| key_type(column)).collect();
    let key_type = tuple(&key_parts);
    let encode = columns.iter().enumerate().map(|(i, column)| {
        let value = encode(column);
        quote! { #i => #value }
    });
    let set = columns.iter().enumerate().map(|(i, column)| {
        let (field, ty) = (&column.field, &column.ty);
        let decode = quote_spanned! {ty.span()=> <#ty as ::aludel::ColumnType>::decode };
        quote! { #i => self.#field = #decode(value)? }
    });
    let decode = columns.iter().enumerate().map(|(i, column)| {
        let (field, ty) = (&column.field, &column.ty);
        let read = quote_spanned! {ty.span()=> row.column::<#ty> };
        quote! { #field: #read(<#ident as ::aludel::Entity>::META, #i)? }
    });
    let defaults = skipped.iter().map(|(field, ty)| default_of(field, ty));
    let decode_key: Vec<TokenStream> = keys
        .iter()
        .zip(&key_parts)
        .map(|((i, column), part)| quote_spanned! {column.ty.span()=> row.column::<#part>(<#ident as ::aludel::Entity>::META, #i)? })
        .collect();
    let decode_key = tuple(&decode_key);
    let key: Vec<TokenStream> = keys.iter().map(|(_, column)| key_part(column)).collect();
    let key = tuple(&key);
    quote! {
        #[automatically_derived]
        impl ::aludel::Entity for #ident {
            type Key = #key_type;
            type Columns<M: ::aludel::Mode> = #columns_name<M>;
            const META: &'static ::aludel::EntityMeta = #meta;
            const TABLE: &'static str = #table;
            const KEY_COLUMN: &'static str = #key_column;

            fn encode(&self, column: usize) -> ::aludel::Value<'_> {
                match column {
                    #(#encode,)*
                    _ => ::aludel::Value::Null,
                }
            }

            fn set(
                &mut self,
                column: usize,
                value: ::aludel::Value<'_>,
            ) -> ::core::result::Result<(), ::aludel::DecodeError> {
                match column {
                    #(#set,)*
                    _ => {}
                }
                ::core::result::Result::Ok(())
            }

            fn decode(row: &::aludel::RowReader<'_>) -> ::aludel::Result<Self> {
                ::core::result::Result::Ok(#ident { #(#decode,)* #(#defaults,)* })
            }

            fn decode_key(row: &::aludel::RowReader<'_>) -> ::aludel::Result<Self::Key> {
                ::core::result::Result::Ok(#decode_key)
            }

            fn key(&self) -> ::core::option::Option<Self::Key> {
                ::core::option::Option::Some(#key)
            }
        }
    }
}

/// One thing alone, or a tuple of several.
fn tuple(parts: &[TokenStream]) -> TokenStream {
    match parts {
        [only] => only.clone(),
        several => quote! { (#(#several,)*) },
    }
}

fn key_type(column: &Column) -> TokenStream {
    let ty = &column.ty;
    quote_spanned! {ty.span()=> <#ty as ::aludel::ColumnType>::Base }
}

fn key_part(column: &Column) -> TokenStream {
    let (field, ty) = (&column.field, &column.ty);
    let part = quote_spanned! {ty.span()=> <#ty as ::aludel::KeyPart>::key_part(&self.#field)? };
    if column.zero_is_unassigned() {
        quote! { if self.#field == 0 { return ::core::option::Option::None } else { #part } }
    } else {
        part
    }
}

fn encode(column: &Column) -> TokenStream {
    let (field, ty) = (&column.field, &column.ty);
    let value = quote_spanned! {ty.span()=> <#ty as ::aludel::ColumnType>::encode(&self.#field) };
    if column.zero_is_unassigned() {
        quote! { if self.#field == 0 { ::aludel::Value::Null } else { #value } }
    } else {
        value
    }
}

fn default_of(field: &Ident, ty: &syn::Type) -> TokenStream {
    quote_spanned! {ty.span()=> #field: <#ty as ::core::default::Default>::default() }
}

fn meta(entity: &Entity) -> TokenStream {
    let Entity {
        ident,
        table,
        strict,
        without_rowid,
        ..
    } = entity;
    let name = ident.to_string();
    let columns = entity.columns.iter().map(|column| column_meta(entity, column));
    let keys = entity
        .columns
        .iter()
        .enumerate()
        .filter(|(_, column)| column.primary_key)
        .map(|(i, _)| i);
    let version = match entity.columns.iter().position(|column| column.version) {
        Some(i) => quote! { ::core::option::Option::Some(#i) },
        None => quote! { ::core::option::Option::None },
    };
    let indexes = entity.indexes.iter().map(index_meta);
    let (comment, was) = (optional(&entity.comment), optional(&entity.was));
    let checks = &entity.checks;
    let relations = entity
        .relations
        .iter()
        .map(|relation| relation_meta(ident, relation));
    quote! {
        &::aludel::EntityMeta {
            name: #name,
            table: #table,
            columns: &[#(#columns),*],
            key: &[#(#keys),*],
            version: #version,
            indexes: &[#(#indexes),*],
            checks: &[#(#checks),*],
            comment: #comment,
            was: #was,
            relations: &[#(#relations),*],
            without_rowid: #without_rowid,
            strict: #strict,
        }
    }
}

fn optional(text: &Option<LitStr>) -> TokenStream {
    match text {
        Some(text) => quote! { ::core::option::Option::Some(#text) },
        None => quote! { ::core::option::Option::None },
    }
}

fn index_meta(index: &Index) -> TokenStream {
    let Index { unique, include, .. } = index;
    let parts = index.parts.iter().map(|part| match part {
        IndexPart::Column(i) => quote! { ::aludel::IndexPartMeta::Column(#i) },
        IndexPart::Descending(i) => quote! { ::aludel::IndexPartMeta::Descending(#i) },
        IndexPart::Expression(sql) => quote! { ::aludel::IndexPartMeta::Expression(#sql) },
    });
    let mut meta = quote! { ::aludel::IndexMeta::new(&[#(#parts),*], #unique) };
    if let Some(name) = &index.name {
        meta.extend(quote! { .named(#name) });
    }
    if let Some(condition) = &index.predicate {
        meta.extend(quote! { .only_where(#condition) });
    }
    if !include.is_empty() {
        meta.extend(quote! { .include(&[#(#include),*]) });
    }
    meta
}

fn column_meta(entity: &Entity, column: &Column) -> TokenStream {
    use syn::ext::IdentExt;
    let ty = &column.ty;
    let field = column.field.unraw().to_string();
    let mut meta = quote_spanned! {ty.span()=> ::aludel::ColumnMeta::of::<#ty>(#field) };
    if let Some(name) = &column.name {
        meta.extend(quote! { .named(#name) });
    }
    if column.primary_key {
        meta.extend(quote! { .primary_key() });
        let single = entity.columns.iter().filter(|column| column.primary_key).count() == 1;
        if single {
            let said = column.auto;
            meta.extend(
                quote_spanned! {ty.span()=> .auto(#said || <#ty as ::aludel::ColumnType>::AUTO_KEY) },
            );
        }
    }
    if column.unique {
        meta.extend(quote! { .unique() });
    }
    if column.index {
        meta.extend(quote! { .indexed() });
    }
    if let Some(default) = declared_default(column) {
        meta.extend(quote! { .default(::aludel::DefaultValue::#default) });
    }
    if let Some(sql_type) = &column.sql_type {
        meta.extend(quote! { .sql_type(#sql_type) });
    }
    if column.on_delete.is_some() || column.on_update.is_some() {
        let no_action = Ident::new("NoAction", Span::call_site());
        let on_delete = column.on_delete.as_ref().unwrap_or(&no_action);
        let on_update = column.on_update.as_ref().unwrap_or(&no_action);
        meta.extend(
            quote! { .actions(::aludel::ReferenceAction::#on_delete, ::aludel::ReferenceAction::#on_update) },
        );
    }
    if let Some(time) = &column.deferrable {
        meta.extend(quote! { .deferrable(::aludel::Deferrable::#time) });
    }
    if let Some(comment) = &column.comment {
        meta.extend(quote! { .comment(#comment) });
    }
    if let Some(was) = &column.was {
        meta.extend(quote! { .was(#was) });
    }
    if let Some(check) = &column.check {
        meta.extend(quote! { .check(#check) });
    }
    if let Some(collate) = &column.collate {
        meta.extend(quote! { .collation(#collate) });
    }
    if let Some(generated) = &column.generated {
        let stored = column.stored;
        meta.extend(quote! { .generated(#generated, #stored) });
    }
    meta
}

/// The default that the table declares: what is a literal, `now()`, or said by `server_default`.
fn declared_default(column: &Column) -> Option<TokenStream> {
    if let Some(sql) = &column.server_default {
        return Some(quote! { Sql(#sql) });
    }
    let default = column.default.as_ref()?;
    if is_now(default) {
        return Some(quote! { Now });
    }
    let (negative, literal) = match default {
        Expr::Unary(syn::ExprUnary {
            op: syn::UnOp::Neg(_),
            expr,
            ..
        }) => (true, expr.as_ref()),
        other => (false, other),
    };
    let Expr::Lit(syn::ExprLit { lit, .. }) = literal else {
        return None;
    };
    let minus = negative.then(|| quote! { - });
    match lit {
        Lit::Str(text) => Some(quote! { Text(#text) }),
        Lit::Bool(flag) => Some(quote! { Bool(#flag) }),
        Lit::Int(number) => {
            let digits = syn::LitInt::new(number.base10_digits(), number.span());
            Some(quote! { Int(#minus #digits) })
        }
        Lit::Float(number) => {
            let digits = syn::LitFloat::new(&format!("{}_f64", number.base10_digits()), number.span());
            Some(quote! { Real(#minus #digits) })
        }
        _ => None,
    }
}

/// `now()`
fn is_now(expression: &Expr) -> bool {
    matches!(expression, Expr::Call(call)
        if call.args.is_empty() && matches!(call.func.as_ref(), Expr::Path(path) if path.path.is_ident("now")))
}

fn relation_meta(ident: &Ident, relation: &Relation) -> TokenStream {
    let Relation { name, target, .. } = relation;
    let name = name.to_string();
    let kind = match relation.kind {
        RelationKind::HasMany => quote! { HasMany },
        RelationKind::HasOne => quote! { HasOne },
        RelationKind::ManyToMany => quote! { ManyToMany },
    };
    let columns_of = |ty: &TokenStream| {
        quote! { <<#ty as ::aludel::Entity>::Columns<::aludel::Required> as ::aludel::Columns>::at(::aludel::SourceId::NONE) }
    };
    let (by, through) = match &relation.through {
        None => {
            let columns = columns_of(&quote! { #target });
            let by = relation
                .by
                .as_ref()
                .map(|by| quote! { ::aludel::relation::foreign_key::<#ident, _>(#columns.#by) });
            (quote! { || #by }, quote! { ::core::option::Option::None })
        }
        Some(through) => {
            let columns = columns_of(&quote! { #through });
            let end = |field: &Option<Ident>, of: TokenStream| match field {
                Some(field) => quote! { ::aludel::relation::foreign_key::<#of, _>(#columns.#field) },
                None => quote! { ::aludel::relation::link_column::<#of, #through>() },
            };
            let by = end(&relation.by, quote! { #ident });
            let to = end(&relation.to, quote! { #target });
            let through = quote! {
                ::core::option::Option::Some((|| <#through as ::aludel::Entity>::META, || (#by, #to)))
            };
            (quote! { || "" }, through)
        }
    };
    let order = relation.order.iter().map(|(field, descending)| {
        let columns = columns_of(&quote! { #target });
        // The name is checked by naming the handle; the text is the column's.
        quote! { (|| #columns.#field.name(), #descending) }
    });
    let (delete, orphan, passive) = relation.cascade;
    quote! {
        ::aludel::RelationMeta {
            name: #name,
            kind: ::aludel::RelationKind::#kind,
            target: || <#target as ::aludel::Entity>::META,
            by: #by,
            through: #through,
            order: &[#(#order),*],
            cascade: ::aludel::Cascade::new(#delete, #orphan, #passive),
        }
    }
}

fn constructor(entity: &Entity) -> TokenStream {
    let Entity {
        ident,
        vis,
        columns,
        skipped,
        ..
    } = entity;
    let doc = format!(
        "A new `{ident}` of its required columns. Left out are keys that the database assigns, `Option`s (`None`), columns \
         with a default, and the version."
    );
    let parameters = columns.iter().filter(|column| !column.is_given()).map(|column| {
        let (field, ty) = (&column.field, &column.ty);
        let ty = if is_primitive(column) {
            quote! { #ty }
        } else {
            quote! { impl ::core::convert::Into<#ty> }
        };
        quote! { #field: #ty }
    });
    let values = columns.iter().map(|column| {
        let (field, value) = (&column.field, initial(column));
        quote! { #field: #value }
    });
    let defaults = skipped.iter().map(|(field, ty)| default_of(field, ty));
    quote! {
        impl #ident {
            #[doc = #doc]
            #[allow(dead_code, clippy::too_many_arguments)]
            #vis fn new(#(#parameters),*) -> Self {
                #ident { #(#values,)* #(#defaults,)* }
            }
        }
    }
}

/// The value of a column in `new`.
fn initial(column: &Column) -> TokenStream {
    let (field, ty) = (&column.field, &column.ty);
    match &column.default {
        Some(default) if is_now(default) => {
            quote_spanned! {ty.span()=> <#ty as ::aludel::CurrentTime>::now() }
        }
        Some(default) => {
            let text = matches!(default, Expr::Lit(syn::ExprLit { lit: Lit::Str(_), .. }));
            let value = if text {
                quote! { ::core::convert::Into::into(#default) }
            } else {
                quote! { #default }
            };
            let none = matches!(default, Expr::Path(path) if path.path.is_ident("None"));
            if column.is_option() && !none {
                quote! { ::core::option::Option::Some(#value) }
            } else {
                value
            }
        }
        None if column.version => quote! { 1 },
        None if column.is_given() => {
            quote_spanned! {ty.span()=> <#ty as ::core::default::Default>::default() }
        }
        None if is_primitive(column) => quote! { #field },
        None => quote! { ::core::convert::Into::into(#field) },
    }
}

/// A parameter of such a type is taken as it is: with `Into`, a literal's type could not be told.
fn is_primitive(column: &Column) -> bool {
    const PRIMITIVES: [&str; 11] = [
        "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f32", "f64", "bool",
    ];
    last_segment(&column.ty).is_some_and(|name| PRIMITIVES.contains(&name.as_str()))
}
