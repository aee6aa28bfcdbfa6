//! The constant description of a table.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, Ident, Lit, LitStr};

use crate::model::{
    Column, Entity, Filter, Flatten, Index, IndexPart, Member, Record, Relation, RelationKind,
};

pub(super) fn meta(entity: &Entity) -> TokenStream {
    let Entity {
        record,
        table,
        strict,
        without_rowid,
        ..
    } = entity;
    let ident = &record.ident;
    let name = ident.to_string();
    let columns = columns(record);
    let keys = record.positions(|column| column.primary_key);
    let version = match record.positions(|column| column.version).pop() {
        Some(i) => quote! { ::core::option::Option::Some(#i) },
        None => quote! { ::core::option::Option::None },
    };
    let indexes = entity.indexes.iter().map(|index| index_meta(record, index));
    let (comment, was) = (optional(&entity.comment), optional(&entity.was));
    let checks = &entity.checks;
    // Only what is flattened can bring variants with tables of their own.
    let joined = match record.is_flat() {
        true => quote! { false },
        false => quote! { ::aludel::mapper::is_joined(COLUMNS) },
    };
    let relations = entity
        .relations
        .iter()
        .map(|relation| relation_meta(ident, relation));
    quote! {{
        const COLUMNS: &[::aludel::ColumnMeta] = #columns;
        &::aludel::EntityMeta {
            name: #name,
            table: #table,
            columns: COLUMNS,
            key: &[#(#keys),*],
            version: #version,
            soft_delete: ::aludel::mapper::soft_delete_column(COLUMNS),
            indexes: &[#(#indexes),*],
            checks: &[#(#checks),*],
            comment: #comment,
            was: #was,
            relations: &[#(#relations),*],
            joined: #joined,
            without_rowid: #without_rowid,
            strict: #strict,
        }
    }}
}

fn optional(text: &Option<LitStr>) -> TokenStream {
    match text {
        Some(text) => quote! { ::core::option::Option::Some(#text) },
        None => quote! { ::core::option::Option::None },
    }
}

fn index_meta(record: &Record, index: &Index) -> TokenStream {
    let unique = index.unique;
    let parts = index.parts.iter().map(|part| match part {
        IndexPart::Column(member) => {
            let i = record.start(*member);
            quote! { ::aludel::IndexPartMeta::Column(#i) }
        }
        IndexPart::Descending(member) => {
            let i = record.start(*member);
            quote! { ::aludel::IndexPartMeta::Descending(#i) }
        }
        IndexPart::Expression(sql) => quote! { ::aludel::IndexPartMeta::Expression(#sql) },
    });
    let mut meta = quote! { ::aludel::IndexMeta::new(const { &[#(#parts),*] }, #unique) };
    if let Some(name) = &index.name {
        meta.extend(quote! { .named(#name) });
    }
    if let Some(condition) = &index.predicate {
        meta.extend(quote! { .only_where(#condition) });
    }
    if !index.include.is_empty() {
        let include = index.include.iter().map(|member| record.start(*member));
        meta.extend(quote! { .include(const { &[#(#include),*] }) });
    }
    meta
}

/// All columns, as a constant slice. Those of embedded structs are only known to the compiler, so it puts them together.
pub(super) fn columns(record: &Record) -> TokenStream {
    let single_key = record.columns().filter(|column| column.primary_key).count() == 1;
    if record.is_flat() {
        let columns = record
            .columns()
            .map(|column| column_meta(record, column, single_key));
        return quote! { &[#(#columns),*] };
    }
    let parts = record.members.iter().map(|member| match member {
        Member::Column(column) => {
            let meta = column_meta(record, column, single_key);
            own_part(&meta)
        }
        Member::Flatten(flatten) => {
            let Flatten { ty, optional, .. } = flatten;
            let prefix = flatten.prefix();
            let columns = quote_spanned! {ty.span()=> <#ty as ::aludel::Embedded>::COLUMNS };
            let actions = actions(&flatten.on_delete, &flatten.on_update);
            let actions = actions.map(|actions| quote! { .actions(#actions) });
            quote! { ::aludel::mapper::Part::embedded(#columns, #prefix, #optional) #actions }
        }
    });
    joined(&parts.collect::<Vec<_>>())
}

/// A part of one column. A literal, as what is behind its reference must live as long as the constant.
pub(super) fn own_part(meta: &TokenStream) -> TokenStream {
    quote! { ::aludel::mapper::Part { columns: &[#meta], prefix: "", optional: false, actions: ::aludel::mapper::NO_ACTIONS, table: ::core::option::Option::None } }
}

/// The columns of several parts as one constant slice.
pub(super) fn joined(parts: &[TokenStream]) -> TokenStream {
    quote! {{
        const PARTS: &[::aludel::mapper::Part] = &[#(#parts),*];
        const NAMES: &[u8] = &::aludel::mapper::joined_names::<{ ::aludel::mapper::names_len(PARTS) }>(PARTS);
        const COLUMNS: &[::aludel::ColumnMeta] =
            &::aludel::mapper::joined_columns::<{ ::aludel::mapper::columns_len(PARTS) }>(PARTS, NAMES);
        COLUMNS
    }}
}

fn column_meta(record: &Record, column: &Column, single_key: bool) -> TokenStream {
    use syn::ext::IdentExt;
    let ty = &column.ty;
    let field = column.field.unraw().to_string();
    let mut meta = quote_spanned! {ty.span()=> <#ty as ::aludel::ColumnType>::COLUMN.of_field(#field) };
    if let Some(name) = &column.name {
        meta.extend(quote! { .named(#name) });
    }
    if column.primary_key {
        meta.extend(quote! { .primary_key() });
        if single_key {
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
    if let Some(actions) = actions(&column.on_delete, &column.on_update) {
        meta.extend(quote! { .actions(#actions) });
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
    if column.read_only {
        meta.extend(quote! { .read_only() });
    }
    if column.immutable {
        meta.extend(quote! { .immutable() });
    }
    if column.updated {
        let now = quote_spanned! {ty.span()=> <#ty as ::aludel::CurrentTime>::now };
        meta.extend(quote! { .updated(|| ::aludel::mapper::owned_value(&#now())) });
    }
    if column.soft_delete {
        let mark = quote_spanned! {ty.span()=> <#ty as ::aludel::mapper::DeletedMark>::mark };
        meta.extend(quote! { .soft_delete(|| ::aludel::mapper::owned_value(&#mark())) });
    }
    if let Some(group) = &column.group {
        meta.extend(quote! { .group(#group) });
    }
    if let Some(query) = &column.query {
        let handles = record.columns_name();
        let node = quote_spanned! {query.span()=>
            ::aludel::mapper::query_node::<#handles<::aludel::Required>, #ty>(source, #query)
        };
        meta.extend(quote! { .query(|source| #node) });
    }
    meta
}

/// The two actions of a foreign key, where one is said.
fn actions(on_delete: &Option<Ident>, on_update: &Option<Ident>) -> Option<TokenStream> {
    let no_action = Ident::new("NoAction", Span::call_site());
    let said = on_delete.is_some() || on_update.is_some();
    let (on_delete, on_update) = (
        on_delete.as_ref().unwrap_or(&no_action),
        on_update.as_ref().unwrap_or(&no_action),
    );
    said.then(|| quote! { ::aludel::ReferenceAction::#on_delete, ::aludel::ReferenceAction::#on_update })
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
pub(super) fn is_now(expression: &Expr) -> bool {
    matches!(expression, Expr::Call(call)
        if call.args.is_empty() && matches!(call.func.as_ref(), Expr::Path(path) if path.path.is_ident("now")))
}

/// The condition as a function of the sources.
fn filter(relation: &Relation) -> TokenStream {
    let (
        Some(Filter {
            condition,
            with_between,
        }),
        target,
    ) = (&relation.filter, &relation.target)
    else {
        return quote! { ::core::option::Option::None };
    };
    // What is wrong with the condition is an error there.
    let of = match (with_between, &relation.through) {
        (true, Some(through)) => {
            quote_spanned! {condition.span()=> ::aludel::relation::condition_with_link::<#target, #through, _>(target, between, #condition) }
        }
        _ => {
            quote_spanned! {condition.span()=> ::aludel::relation::condition::<#target, _>(target, #condition) }
        }
    };
    quote! { ::core::option::Option::Some(|target, between| { let _ = between; #of }) }
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
            (quote! { || ::aludel::mapper::ColumnNames::None }, through)
        }
    };
    let order = relation.order.iter().map(|(field, descending)| {
        let columns = columns_of(&quote! { #target });
        // The name is checked by naming the handle; the text is the column's.
        quote! { (|| #columns.#field.name(), #descending) }
    });
    let filter = filter(relation);
    let (delete, orphan, passive) = relation.cascade;
    let made_link = relation.link.is_some();
    quote! {
        ::aludel::RelationMeta {
            name: #name,
            kind: ::aludel::RelationKind::#kind,
            target: || <#target as ::aludel::Entity>::META,
            by: #by,
            through: #through,
            made_link: #made_link,
            order: &[#(#order),*],
            filter: #filter,
            cascade: ::aludel::Cascade::new(#delete, #orphan, #passive),
        }
    }
}
