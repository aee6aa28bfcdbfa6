//! What `#[derive(Embedded)]` is put on: a struct, or an enum of structs.

use syn::{Data, DeriveInput, Fields, Ident, LitStr, Result, Type, Visibility};

use super::{Column, Record, snake_case};
use crate::attributes::items;

/// An enum whose variants are embedded structs, told apart by a column.
pub(crate) struct Tagged {
    pub(crate) ident: Ident,
    pub(crate) vis: Visibility,
    /// The column's name.
    pub(crate) tag: String,
    pub(crate) variants: Vec<TaggedVariant>,
}

pub(crate) struct TaggedVariant {
    pub(crate) ident: Ident,
    pub(crate) vis: Visibility,
    /// Its name in the struct of column handles.
    pub(crate) field: Ident,
    /// The embedded struct; none for a variant without fields.
    pub(crate) ty: Option<Type>,
    /// What stands in the column.
    pub(crate) value: String,
    pub(crate) prefix: String,
    /// The table that its columns are in, where they have one of their own.
    pub(crate) table: Option<LitStr>,
}

/// What `#[derive(Embedded)]` is put on.
pub(crate) enum Embedded {
    Struct(Record),
    Enum(Tagged),
}

impl Embedded {
    pub(crate) fn parse(input: &DeriveInput) -> Result<Embedded> {
        if let Some(parameter) = input.generics.params.first() {
            return Err(syn::Error::new_spanned(
                parameter,
                "an embedded type cannot be generic",
            ));
        }
        if let Data::Enum(data) = &input.data {
            return Tagged::parse(input, data).map(Embedded::Enum);
        }
        let mut record = Record::parse(input)?;
        for item in items(&input.attrs, "embedded")? {
            match item.name.to_string().as_str() {
                "new" => record.constructor = item.flag()?,
                _ => return Err(item.unknown("`new` on a struct, `tag` on an enum")),
            }
        }
        for column in record.columns() {
            let said = match column {
                Column {
                    primary_key: true, ..
                } => "the primary key",
                Column { version: true, .. } => "the version",
                Column { query: Some(_), .. } => "defined by a query",
                _ => continue,
            };
            let message = format!(
                "`{}` cannot be {said}: that is a field of the entity itself, not of what is embedded in it",
                column.field
            );
            return Err(syn::Error::new(column.field.span(), message));
        }
        Ok(Embedded::Struct(record))
    }
}

impl Tagged {
    fn parse(input: &DeriveInput, data: &syn::DataEnum) -> Result<Tagged> {
        let ident = input.ident.clone();
        let mut tag = None;
        for item in items(&input.attrs, "embedded")? {
            match item.name.to_string().as_str() {
                "tag" => tag = Some(item.text()?.value()),
                _ => return Err(item.unknown("`tag` on an enum, `new` on a struct")),
            }
        }
        let Some(tag) = tag else {
            let message = format!(
                "`{ident}` needs a column that says which variant a row has: `#[embedded(tag = \"kind\")]`"
            );
            return Err(syn::Error::new(ident.span(), message));
        };
        let variants = data
            .variants
            .iter()
            .map(|variant| TaggedVariant::parse(variant, &input.vis))
            .collect::<Result<_>>()?;
        Ok(Tagged {
            ident,
            vis: input.vis.clone(),
            tag,
            variants,
        })
    }
}

impl TaggedVariant {
    fn parse(variant: &syn::Variant, vis: &Visibility) -> Result<TaggedVariant> {
        let name = snake_case(&variant.ident.to_string());
        let mut fields = variant.fields.iter();
        let ty = match (&variant.fields, fields.next(), fields.next()) {
            (Fields::Unit, ..) => None,
            (Fields::Unnamed(_), Some(field), None) => Some(field.ty.clone()),
            _ => {
                let message = format!(
                    "a variant wraps one embedded struct, or has no fields: write `{0}({0})` and put the fields into a struct \
                     that derives `Embedded`",
                    variant.ident
                );
                return Err(syn::Error::new_spanned(variant, message));
            }
        };
        let mut parsed = TaggedVariant {
            ident: variant.ident.clone(),
            vis: vis.clone(),
            field: Ident::new(&name, variant.ident.span()),
            ty,
            value: name,
            prefix: String::new(),
            table: None,
        };
        for item in items(&variant.attrs, "embedded")? {
            match item.name.to_string().as_str() {
                "value" => parsed.value = item.text()?.value(),
                "prefix" => parsed.prefix = item.text()?.value(),
                "table" => parsed.table = Some(item.text()?),
                _ => return Err(item.unknown("`value`, `prefix` and `table` on a variant")),
            }
        }
        if let (Some(table), None) = (&parsed.table, &parsed.ty) {
            let message = format!(
                "`{}` has no columns to keep in a table of its own: leave `table` out",
                parsed.ident
            );
            return Err(syn::Error::new(table.span(), message));
        }
        Ok(parsed)
    }

    /// The variant as a pattern, with that inside of it.
    pub(crate) fn pattern(&self, of: &Ident, inside: &proc_macro2::TokenStream) -> proc_macro2::TokenStream {
        let ident = &self.ident;
        match self.ty {
            Some(_) => quote::quote! { #of::#ident(#inside) },
            None => quote::quote! { #of::#ident },
        }
    }
}
