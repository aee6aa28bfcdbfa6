//! What entities and embedded structs have in common: fields as columns.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, Ident, Lit};

use super::meta::is_now;
use crate::model::{Column, Flatten, Member, Record, last_segment};

impl Record {
    /// The place of a field's first column among all columns: a number, or a constant expression after fields that are
    /// several columns.
    pub(super) fn start(&self, member: usize) -> TokenStream {
        let before = self.members.iter().take(member);
        let own = before
            .clone()
            .filter(|member| matches!(member, Member::Column(_)))
            .count();
        let embedded = before.filter_map(|member| match member {
            Member::Column(_) => None,
            Member::Flatten(flatten) => Some(flatten.width()),
        });
        quote! { #own #(+ #embedded)* }
    }

    /// The places of those columns.
    pub(super) fn positions(&self, which: impl Fn(&Column) -> bool) -> Vec<TokenStream> {
        let is_it = |member: &Member| matches!(member, Member::Column(column) if which(column));
        let found = self
            .members
            .iter()
            .enumerate()
            .filter(|(_, member)| is_it(member));
        found.map(|(i, _)| self.start(i)).collect()
    }

    /// A `match` on the column's number, with one arm for each field: `arm` gets the field and its first column.
    fn by_column(
        &self,
        arm: impl Fn(&Member, &TokenStream) -> TokenStream,
        otherwise: &TokenStream,
    ) -> TokenStream {
        let starts: Vec<TokenStream> = (0..self.members.len()).map(|i| self.start(i)).collect();
        let arms = self
            .members
            .iter()
            .zip(&starts)
            .enumerate()
            .map(|(i, (member, start))| {
                let value = arm(member, start);
                quote! { #i => #value }
            });
        let number = match self.is_flat() {
            true => quote! { column },
            false => quote! { ::aludel::mapper::member_of(const { &[#(#starts),*] }, column) },
        };
        quote! {
            match #number {
                #(#arms,)*
                _ => #otherwise,
            }
        }
    }

    /// The body of `encode(&self, column)`.
    pub(super) fn encode(&self) -> TokenStream {
        let arm = |member: &Member, start: &TokenStream| match member {
            Member::Column(column) => encode(column),
            Member::Flatten(Flatten {
                field, ty, optional, ..
            }) => {
                let encode = quote_spanned! {ty.span()=> <#ty as ::aludel::Embedded>::encode };
                match optional {
                    false => quote! { #encode(&self.#field, column - (#start)) },
                    true => quote! {
                        match &self.#field {
                            ::core::option::Option::Some(inner) => #encode(inner, column - (#start)),
                            ::core::option::Option::None => ::aludel::Value::Null,
                        }
                    },
                }
            }
        };
        self.by_column(arm, &quote! { ::aludel::Value::Null })
    }

    /// The body of `set(&mut self, column, value)`.
    pub(super) fn set(&self) -> TokenStream {
        let arm = |member: &Member, start: &TokenStream| match member {
            Member::Column(column) => {
                let (field, ty) = (&column.field, &column.ty);
                let decode = quote_spanned! {ty.span()=> <#ty as ::aludel::ColumnType>::decode };
                quote! { self.#field = #decode(value)? }
            }
            Member::Flatten(Flatten {
                field,
                ty,
                optional: false,
                ..
            }) => {
                let set = quote_spanned! {ty.span()=> <#ty as ::aludel::Embedded>::set };
                quote! { #set(&mut self.#field, column - (#start), value)? }
            }
            Member::Flatten(Flatten { field, .. }) => {
                quote! { ::aludel::mapper::set_optional(&mut self.#field, column - (#start), value)? }
            }
        };
        self.by_column(arm, &quote! { {} })
    }

    /// `field: value read from the row` for each field; `meta` names the table's description, `first` is where the columns
    /// begin in it.
    pub(super) fn decode(&self, meta: &TokenStream, first: Option<&TokenStream>) -> Vec<TokenStream> {
        let plus = first.map(|first| quote! { #first + });
        let read = self.members.iter().enumerate().map(|(i, member)| {
            let (field, start) = (member.field(), self.start(i));
            let at = quote! { #plus #start };
            let value = match member {
                Member::Column(column) => {
                    let ty = &column.ty;
                    let read = quote_spanned! {ty.span()=> <#ty as ::aludel::ColumnType>::read };
                    quote! { #read(row, #meta, #at)? }
                }
                Member::Flatten(Flatten { ty, optional, .. }) => {
                    let decode = quote_spanned! {ty.span()=> <#ty as ::aludel::Embedded>::decode };
                    match optional {
                        false => quote! { #decode(row, #meta, #at)? },
                        true => quote! { ::aludel::mapper::decode_optional::<#ty>(row, #meta, #at)? },
                    }
                }
            };
            quote! { #field: #value }
        });
        read.chain(self.skipped.iter().map(|(field, ty)| default_of(field, ty)))
            .collect()
    }

    /// The fields of the struct of column handles.
    pub(super) fn handle_fields(&self) -> Vec<TokenStream> {
        let vis = &self.vis;
        let field = |member: &Member| match member {
            Member::Column(column) => {
                let (field, ty) = (&column.field, &column.ty);
                let doc = format!("The column `{}`.", column.column_name());
                let of = quote_spanned! {ty.span()=>
                    ::aludel::Column<<M as ::aludel::Mode>::Of<#ty, <#ty as ::aludel::ColumnType>::Nullable>>
                };
                quote! { #[doc = #doc] #vis #field: #of }
            }
            Member::Flatten(Flatten {
                field, ty, optional, ..
            }) => {
                let doc = format!("The columns of `{field}`.");
                let mode = match optional {
                    true => quote! { ::aludel::Optional },
                    false => quote! { M },
                };
                let of = quote_spanned! {ty.span()=> <#ty as ::aludel::Embedded>::Columns<#mode> };
                quote! { #[doc = #doc] #vis #field: #of }
            }
        };
        // An unknown type in the last place would make the struct's size unknown, which is five errors more.
        let (own, embedded): (Vec<&Member>, Vec<&Member>) = self
            .members
            .iter()
            .filter(|member| !member.is_query())
            .partition(|member| matches!(member, Member::Column(_)));
        embedded.into_iter().chain(own).map(field).collect()
    }

    /// Their names, each where its type is.
    pub(super) fn handle_names(&self) -> Vec<Ident> {
        let name = |member: &Member| match member {
            Member::Column(column) => at_type(&column.field, &column.ty),
            Member::Flatten(flatten) => at_type(&flatten.field, &flatten.ty),
        };
        let members = self.members.iter().filter(|member| !member.is_query());
        members.map(name).collect()
    }

    /// Their values, for the source `source`; `metas` names all columns, where names are not known here.
    pub(super) fn handles(&self, metas: &TokenStream, named: bool) -> Vec<TokenStream> {
        let handle = |(i, member): (usize, &Member)| {
            let start = self.start(i);
            match member {
                Member::Column(column) => {
                    let (field, name) = (at_type(&column.field, &column.ty), column.column_name());
                    let name = match named {
                        true => quote! { #name },
                        false => quote! { ::aludel::mapper::name_of(#metas, #start) },
                    };
                    quote_spanned! {column.ty.span()=> #field: ::aludel::Column::new(source, #name) }
                }
                Member::Flatten(Flatten { field, ty, .. }) => {
                    let columns = quote_spanned! {ty.span()=> <#ty as ::aludel::Embedded>::columns };
                    let field = at_type(field, ty);
                    quote_spanned! {ty.span()=> #field: #columns(source, ::aludel::mapper::from(#metas, #start)) }
                }
            }
        };
        let members = self.members.iter().enumerate();
        members
            .filter(|(_, member)| !member.is_query())
            .map(handle)
            .collect()
    }

    /// The body of `validate(&self)` and whether it does anything; `whole` are checks of the struct as such.
    pub(super) fn validate(&self, whole: &[syn::Path]) -> (TokenStream, TokenStream) {
        let ident = &self.ident;
        let fields = self.columns().flat_map(|column| {
            let (field, name) = (&column.field, column.field.to_string());
            let optional = column.is_option();
            column.validate.iter().map(move |check| match optional {
                true => quote_spanned! {check.span()=>
                    if let ::core::option::Option::Some(value) = &self.#field {
                        ::aludel::mapper::checked(#name, #check(value))?;
                    }
                },
                false => {
                    quote_spanned! {check.span()=> ::aludel::mapper::checked(#name, #check(&self.#field))?; }
                }
            })
        });
        let embedded = self.members.iter().filter_map(|member| match member {
            Member::Column(_) => None,
            Member::Flatten(Flatten {
                field,
                ty,
                optional: false,
                ..
            }) => {
                let validate = quote_spanned! {ty.span()=> <#ty as ::aludel::Embedded>::validate };
                Some(quote! { #validate(&self.#field)?; })
            }
            Member::Flatten(Flatten { field, .. }) => Some(quote! {
                if let ::core::option::Option::Some(inner) = &self.#field {
                    ::aludel::Embedded::validate(inner)?;
                }
            }),
        });
        let whole = whole.iter().map(|check| {
            quote_spanned! {check.span()=>
                let check: fn(&#ident) -> ::core::result::Result<(), _> = #check;
                ::aludel::mapper::checked("", check(self))?;
            }
        });
        let body: Vec<TokenStream> = fields.chain(embedded).chain(whole).collect();
        let flattened = self.members.iter().filter_map(|member| match member {
            Member::Column(_) => None,
            Member::Flatten(Flatten { ty, .. }) => {
                Some(quote_spanned! {ty.span()=> || <#ty as ::aludel::Embedded>::VALIDATED })
            }
        });
        let own = body.len() > flattened.clone().count();
        (quote! { #(#body)* }, quote! { #own #(#flattened)* })
    }

    /// The name of the struct of column handles.
    pub(super) fn columns_name(&self) -> Ident {
        format_ident!("{}Columns", self.ident)
    }
}

impl Flatten {
    /// How many columns it is.
    fn width(&self) -> TokenStream {
        let ty = &self.ty;
        quote_spanned! {ty.span()=> <#ty as ::aludel::Embedded>::COLUMNS.len() }
    }

    pub(super) fn prefix(&self) -> String {
        self.prefix.as_ref().map_or_else(String::new, syn::LitStr::value)
    }
}

/// The field's name where its type is, so that what is wrong with the type is one error, there.
pub(super) fn at_type(field: &Ident, ty: &syn::Type) -> Ident {
    let mut field = field.clone();
    field.set_span(ty.span());
    field
}

/// A struct of column handles is Copy, whatever its mode. `fields` are names where the types are: a type that is no column
/// is found out at each of them and not at the whole.
pub(super) fn copy(name: &Ident, fields: &[Ident]) -> TokenStream {
    let copies = fields
        .iter()
        .map(|field| quote_spanned! {field.span()=> #field: self.#field });
    quote! {
        #[automatically_derived]
        impl<M: ::aludel::Mode> ::core::clone::Clone for #name<M> {
            #[allow(clippy::non_canonical_clone_impl)]
            fn clone(&self) -> Self {
                #name { #(#copies,)* }
            }
        }

        #[automatically_derived]
        impl<M: ::aludel::Mode> ::core::marker::Copy for #name<M> {}
    }
}

/// One thing alone, or a tuple of several.
pub(super) fn tuple(parts: &[TokenStream]) -> TokenStream {
    match parts {
        [only] => only.clone(),
        several => quote! { (#(#several,)*) },
    }
}

pub(super) fn key_type(column: &Column) -> TokenStream {
    let ty = &column.ty;
    quote_spanned! {ty.span()=> <#ty as ::aludel::mapper::KeyColumn>::Key }
}

pub(super) fn key_part(column: &Column) -> TokenStream {
    let (field, ty) = (&column.field, &column.ty);
    let part = quote_spanned! {ty.span()=> <#ty as ::aludel::mapper::KeyColumn>::key_of(&self.#field)? };
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

pub(super) fn default_of(field: &Ident, ty: &syn::Type) -> TokenStream {
    quote_spanned! {ty.span()=> #field: <#ty as ::core::default::Default>::default() }
}

pub(super) fn constructor(record: &Record) -> TokenStream {
    let Record {
        ident,
        vis,
        members,
        skipped,
        ..
    } = record;
    let doc = format!(
        "A new `{ident}` of its required columns. Left out are keys that the database assigns, `Option`s (`None`), columns \
         with a default, and the version."
    );
    let parameters = members.iter().filter_map(|member| {
        let (field, ty) = match member {
            Member::Column(column) if column.is_given() => return None,
            Member::Flatten(flatten) if flatten.is_given() => return None,
            Member::Column(column) => (&column.field, &column.ty),
            Member::Flatten(flatten) => (&flatten.field, flatten.ty.as_ref()),
        };
        let taken_as_it_is = matches!(member, Member::Column(column) if is_primitive(column));
        Some(match taken_as_it_is {
            true => quote! { #field: #ty },
            false => quote! { #field: impl ::core::convert::Into<#ty> },
        })
    });
    let values = members.iter().map(|member| {
        let (field, value) = (member.field(), initial_of(member));
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

fn initial_of(member: &Member) -> TokenStream {
    match member {
        Member::Column(column) => initial(column),
        Member::Flatten(Flatten {
            field,
            default,
            optional,
            ..
        }) => match default {
            Some(default) => quote! { #default },
            None if *optional => quote! { ::core::option::Option::None },
            None => quote! { ::core::convert::Into::into(#field) },
        },
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
