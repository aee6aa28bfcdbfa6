//! `#[derive(ColumnType)]`: newtypes and enums as columns.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DataEnum, DeriveInput, Fields, Ident, Result};

use crate::attributes::items;
use crate::model::snake_case;

const KNOWN: &str = "`key`, `integer`, and `name` on a variant";

/// The implementation for a struct of one field or an enum without fields.
pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let (mut key, mut integer) = (false, false);
    for item in items(&input.attrs, "column_type")? {
        match item.name.to_string().as_str() {
            "key" => key = item.flag()?,
            "integer" => integer = item.flag()?,
            _ => return Err(item.unknown(KNOWN)),
        }
    }
    let ident = &input.ident;
    let body = match &input.data {
        Data::Struct(data) => newtype(ident, &data.fields)?,
        Data::Enum(data) if integer => integer_enum(ident, data)?,
        Data::Enum(data) => text_enum(ident, data)?,
        Data::Union(_) => return Err(syn::Error::new_spanned(ident, "a union cannot be a column")),
    };
    let key = key.then(|| {
        quote! {
            impl ::aludel::KeyPart for #ident {
                fn key_part(&self) -> ::core::option::Option<Self> {
                    ::core::option::Option::Some(::core::clone::Clone::clone(self))
                }
            }
        }
    });
    let element = matches!(&input.data, Data::Enum(_)).then(|| {
        quote! { impl ::aludel::types::Element for #ident {} }
    });
    Ok(quote! {
        #[automatically_derived]
        impl ::aludel::ColumnType for #ident {
            type Base = #ident;
            type Nullable = ::core::option::Option<#ident>;
            #body
        }
        #key
        #element
        ::aludel::column_literals!(#ident);
    })
}

fn newtype(ident: &Ident, fields: &Fields) -> Result<TokenStream> {
    let mut all = fields.iter();
    let (Some(field), None) = (all.next(), all.next()) else {
        return Err(syn::Error::new_spanned(
            ident,
            "a column type wraps exactly one field, or is an enum",
        ));
    };
    let ty = &field.ty;
    let (member, build) = match &field.ident {
        Some(name) => (quote! { #name }, quote! { |inner| #ident { #name: inner } }),
        None => (quote! { 0 }, quote! { #ident }),
    };
    Ok(quote! {
        const KIND: ::aludel::Kind = <#ty as ::aludel::ColumnType>::KIND;

        fn encode(&self) -> ::aludel::Value<'_> {
            ::aludel::ColumnType::encode(&self.#member)
        }

        fn decode(value: ::aludel::Value<'_>) -> ::core::result::Result<Self, ::aludel::DecodeError> {
            <#ty as ::aludel::ColumnType>::decode(value).map(#build)
        }
    })
}

/// The variants, none of which has fields, and their names in the database.
fn variants(data: &DataEnum) -> Result<Vec<(&Ident, String)>> {
    let mut all = Vec::new();
    for variant in &data.variants {
        if !variant.fields.is_empty() {
            return Err(syn::Error::new_spanned(
                variant,
                "a variant with fields cannot be kept in one column",
            ));
        }
        let mut name = snake_case(&variant.ident.to_string());
        for item in items(&variant.attrs, "column_type")? {
            match item.name.to_string().as_str() {
                "name" => name = item.text()?.value(),
                _ => return Err(item.unknown(KNOWN)),
            }
        }
        all.push((&variant.ident, name));
    }
    Ok(all)
}

fn text_enum(ident: &Ident, data: &DataEnum) -> Result<TokenStream> {
    let variants = variants(data)?;
    let (idents, names): (Vec<&Ident>, Vec<String>) = variants.into_iter().unzip();
    let expected = format!("one of {}", names.join(", "));
    Ok(quote! {
        const KIND: ::aludel::Kind = ::aludel::Kind::Enum(&[#(#names),*]);

        fn encode(&self) -> ::aludel::Value<'_> {
            ::aludel::Value::from(match self {
                #(#ident::#idents => #names,)*
            })
        }

        fn decode(value: ::aludel::Value<'_>) -> ::core::result::Result<Self, ::aludel::DecodeError> {
            if let ::aludel::Value::Text(text) = &value {
                match ::core::convert::AsRef::<str>::as_ref(text) {
                    #(#names => return ::core::result::Result::Ok(#ident::#idents),)*
                    _ => {}
                }
            }
            ::core::result::Result::Err(::aludel::DecodeError::new(#expected, &value))
        }
    })
}

fn integer_enum(ident: &Ident, data: &DataEnum) -> Result<TokenStream> {
    let idents: Vec<&Ident> = variants(data)?.into_iter().map(|(ident, _)| ident).collect();
    let expected = format!("the number of a `{ident}`");
    Ok(quote! {
        const KIND: ::aludel::Kind = ::aludel::Kind::Int(32);

        fn encode(&self) -> ::aludel::Value<'_> {
            ::aludel::Value::Int(match self {
                #(#ident::#idents => #ident::#idents as i64,)*
            })
        }

        fn decode(value: ::aludel::Value<'_>) -> ::core::result::Result<Self, ::aludel::DecodeError> {
            if let ::aludel::Value::Int(number) = value {
                #(if number == #ident::#idents as i64 {
                    return ::core::result::Result::Ok(#ident::#idents);
                })*
            }
            ::core::result::Result::Err(::aludel::DecodeError::new(#expected, &value))
        }
    })
}
