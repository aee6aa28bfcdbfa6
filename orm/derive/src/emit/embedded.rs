//! `#[derive(Embedded)]`: structs whose fields are columns of the entities that they are flattened into, and enums of such
//! structs, told apart by a column.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Ident;
use syn::spanned::Spanned;

use super::meta;
use super::record::{at_type, constructor, copy};
use crate::model::{Record, Tagged, TaggedVariant};

/// Everything for an embedded struct.
pub(crate) fn embedded(record: &Record) -> TokenStream {
    let (ident, vis, name) = (&record.ident, &record.vis, record.columns_name());
    let copy = copy(&name, &record.handle_names());
    let doc = format!("The columns of [`{ident}`], as queries hand them to closures.");
    let fields = record.handle_fields();
    let handles = record.handles(&quote! { metas }, false);
    let columns = meta::columns(record);
    let (encode, set) = (record.encode(), record.set());
    let decode = record.decode(&quote! { meta }, Some(&quote! { first }));
    let (validate, validated) = record.validate(&[]);
    let constructor = record.constructor.then(|| constructor(record));
    quote! {
        #[doc = #doc]
        #[allow(dead_code, clippy::type_complexity)]
        #vis struct #name<M: ::aludel::Mode = ::aludel::Required> {
            #(#fields,)*
        }

        #copy

        #[automatically_derived]
        impl ::aludel::Embedded for #ident {
            type Columns<M: ::aludel::Mode> = #name<M>;
            const COLUMNS: &'static [::aludel::ColumnMeta] = #columns;
            const VALIDATED: bool = #validated;

            fn columns<M: ::aludel::Mode>(
                source: ::aludel::SourceId,
                metas: &'static [::aludel::ColumnMeta],
            ) -> Self::Columns<M> {
                #name { #(#handles,)* }
            }

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

            fn decode(
                row: &::aludel::RowReader<'_>,
                meta: &'static ::aludel::EntityMeta,
                first: usize,
            ) -> ::aludel::Result<Self> {
                ::core::result::Result::Ok(#ident { #(#decode,)* })
            }

            fn validate(&self) -> ::core::result::Result<(), ::aludel::mapper::Invalid> {
                #validate
                ::core::result::Result::Ok(())
            }
        }

        #constructor
    }
}

/// Everything for an enum whose variants are told apart by a column.
pub(crate) fn tagged(tagged: &Tagged) -> TokenStream {
    let Tagged {
        ident,
        vis,
        tag,
        variants,
    } = tagged;
    let name = quote::format_ident!("{ident}Columns");
    let doc = format!("The columns of [`{ident}`], as queries hand them to closures.");
    let tag_doc = format!("The column `{tag}`: which variant it is.");
    let tag_field = quote::format_ident!("{tag}");
    let payloads: Vec<(&TaggedVariant, &syn::Type)> = variants
        .iter()
        .filter_map(|variant| Some((variant, variant.ty.as_ref()?)))
        .collect();
    let names = payloads.iter().map(|(variant, ty)| at_type(&variant.field, ty));
    let names: Vec<Ident> = std::iter::once(tag_field.clone()).chain(names).collect();
    let copy = copy(&name, &names);
    let fields = payloads.iter().map(|(variant, ty)| {
        let (field, doc) = (
            &variant.field,
            format!("The columns of the variant `{}`.", variant.ident),
        );
        let of = quote_spanned! {ty.span()=> <#ty as ::aludel::Embedded>::Columns<::aludel::Optional> };
        quote! { #[doc = #doc] #vis #field: #of }
    });
    let starts: Vec<TokenStream> = (0..payloads.len()).map(|n| start(&payloads, n)).collect();
    let handles = payloads.iter().zip(&starts).map(|((variant, ty), start)| {
        let field = &variant.field;
        quote! { #field: <#ty as ::aludel::Embedded>::columns(source, ::aludel::mapper::from(metas, #start)) }
    });
    let is_variant = variants.iter().map(|variant| is_variant(variant, &tag_field));
    let tag_column = quote! { ::aludel::ColumnMeta::of::<::std::string::String>(#tag) };
    let parts: Vec<TokenStream> = std::iter::once(meta::own_part(&tag_column))
        .chain(
            payloads
                .iter()
                .zip(&starts)
                .map(|((variant, ty), start)| part(variant, ty, start)),
        )
        .collect();
    let columns = meta::joined(&parts);
    let tags = variants.iter().map(|variant| {
        let (pattern, value) = (variant.pattern(ident, &quote! { .. }), &variant.value);
        quote! { #pattern => #value }
    });
    let known = variants
        .iter()
        .map(|variant| format!("'{}'", variant.value))
        .collect::<Vec<_>>()
        .join(", ");
    let expected = format!("one of {known}");
    let encode = by_payload(ident, &payloads, &starts, |start| {
        quote! { ::aludel::Embedded::encode(inner, column - (#start)) }
    });
    let set = by_payload(ident, &payloads, &starts, |start| {
        quote! { ::aludel::Embedded::set(inner, column - (#start), value) }
    });
    let decode = variants.iter().map(|variant| {
        let (variant_ident, value) = (&variant.ident, &variant.value);
        let at = payloads.iter().zip(&starts).find(|((other, _), _)| std::ptr::eq(*other, variant));
        match at {
            None => quote! { #value => #ident::#variant_ident },
            Some(((_, ty), start)) => quote! {
                #value => #ident::#variant_ident(<#ty as ::aludel::Embedded>::decode(row, meta, first + #start)?)
            },
        }
    });
    let validate = payloads.iter().map(|(variant, _)| {
        let variant_ident = &variant.ident;
        quote! { #ident::#variant_ident(inner) => ::aludel::Embedded::validate(inner) }
    });
    let validated = payloads
        .iter()
        .map(|(_, ty)| quote! { || <#ty as ::aludel::Embedded>::VALIDATED });
    quote! {
        #[doc = #doc]
        #[allow(dead_code, clippy::type_complexity)]
        #vis struct #name<M: ::aludel::Mode = ::aludel::Required> {
            #[doc = #tag_doc]
            #vis #tag_field: ::aludel::Column<
                <M as ::aludel::Mode>::Of<::std::string::String, ::core::option::Option<::std::string::String>>,
            >,
            #(#fields,)*
        }

        #copy

        impl<M: ::aludel::Mode> #name<M> {
            #(#is_variant)*
        }

        #[automatically_derived]
        impl ::aludel::Embedded for #ident {
            type Columns<M: ::aludel::Mode> = #name<M>;
            const COLUMNS: &'static [::aludel::ColumnMeta] = #columns;
            const VALIDATED: bool = false #(#validated)*;

            fn columns<M: ::aludel::Mode>(
                source: ::aludel::SourceId,
                metas: &'static [::aludel::ColumnMeta],
            ) -> Self::Columns<M> {
                #name {
                    #tag_field: ::aludel::Column::new(source, ::aludel::mapper::name_of(metas, 0)),
                    #(#handles,)*
                }
            }

            fn encode(&self, column: usize) -> ::aludel::Value<'_> {
                if column == 0 {
                    return ::aludel::Value::from(match self { #(#tags,)* });
                }
                match (::aludel::mapper::member_of(const { &[0usize, #(#starts),*] }, column), self) {
                    #(#encode,)*
                    _ => ::aludel::Value::Null,
                }
            }

            fn set(
                &mut self,
                column: usize,
                value: ::aludel::Value<'_>,
            ) -> ::core::result::Result<(), ::aludel::DecodeError> {
                if column == 0 {
                    let tag = ::aludel::Embedded::encode(&*self, 0);
                    return ::aludel::mapper::same_variant(&tag, &value);
                }
                match (::aludel::mapper::member_of(const { &[0usize, #(#starts),*] }, column), self) {
                    #(#set,)*
                    _ => ::aludel::mapper::set_absent(&value),
                }
            }

            fn decode(
                row: &::aludel::RowReader<'_>,
                meta: &'static ::aludel::EntityMeta,
                first: usize,
            ) -> ::aludel::Result<Self> {
                let tag = row.column::<::std::string::String>(meta, first)?;
                ::core::result::Result::Ok(match tag.as_str() {
                    #(#decode,)*
                    _ => return ::core::result::Result::Err(row.unknown_variant(meta, first, #expected)),
                })
            }

            fn validate(&self) -> ::core::result::Result<(), ::aludel::mapper::Invalid> {
                match self {
                    #(#validate,)*
                    #[allow(unreachable_patterns)]
                    _ => ::core::result::Result::Ok(()),
                }
            }
        }
    }
}

/// The columns of a variant, among those of the enum.
fn part(variant: &TaggedVariant, ty: &syn::Type, start: &TokenStream) -> TokenStream {
    let (prefix, value) = (&variant.prefix, &variant.value);
    let columns = quote_spanned! {ty.span()=> <#ty as ::aludel::Embedded>::COLUMNS };
    let part = quote! { ::aludel::mapper::Part::embedded(#columns, #prefix, true) };
    match &variant.table {
        None => part,
        Some(table) => quote_spanned! {table.span()=>
            #part.in_table(const { &::aludel::mapper::VariantTable { table: #table, value: #value, after_tag: #start } })
        },
    }
}

/// The place of a variant's first column: after the tag and the variants before it.
fn start(payloads: &[(&TaggedVariant, &syn::Type)], n: usize) -> TokenStream {
    let before = payloads.iter().take(n).map(|(_, ty)| {
        quote_spanned! {ty.span()=> <#ty as ::aludel::Embedded>::COLUMNS.len() }
    });
    quote! { 1usize #(+ #before)* }
}

fn by_payload(
    ident: &Ident,
    payloads: &[(&TaggedVariant, &syn::Type)],
    starts: &[TokenStream],
    value: impl Fn(&TokenStream) -> TokenStream,
) -> Vec<TokenStream> {
    let arms = payloads
        .iter()
        .zip(starts)
        .enumerate()
        .map(|(n, ((variant, _), start))| {
            let (number, variant, value) = (n + 1, &variant.ident, value(start));
            quote! { (#number, #ident::#variant(inner)) => #value }
        });
    arms.collect()
}

/// `e.role.is_manager()`
fn is_variant(variant: &TaggedVariant, tag: &Ident) -> TokenStream {
    let name = quote::format_ident!("is_{}", variant.field);
    let (vis, value) = (&variant.vis, &variant.value);
    let doc = format!("Is it the variant `{}`?", variant.ident);
    quote! {
        #[doc = #doc]
        #[allow(dead_code)]
        #vis fn #name(self) -> ::aludel::Expr<bool> {
            ::aludel::mapper::is_variant(self.#tag.source(), self.#tag.name(), #value)
        }
    }
}
