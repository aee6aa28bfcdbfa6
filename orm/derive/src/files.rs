//! Files that are compiled into the binary.

use std::path::Path;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{LitStr, Result};

/// `[("name", include_str!("path")), ..]`, in the order of the names. The folder is found from the crate's manifest.
pub(crate) fn embed(folder: &LitStr) -> Result<TokenStream> {
    let root = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    let path = Path::new(&root).join(folder.value());
    let wrong = |why: std::io::Error| {
        syn::Error::new(folder.span(), format!("cannot read `{}`: {why}", path.display()))
    };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&path).map_err(wrong)? {
        let name = entry.map_err(wrong)?.file_name();
        match name.to_str() {
            Some(name) if name.ends_with(".sql") => names.push(name.to_owned()),
            _ => {}
        }
    }
    names.sort();
    let files = names.iter().map(|name| {
        let file = path.join(name);
        let file = file.to_string_lossy();
        quote! { (#name, ::core::include_str!(#file)) }
    });
    Ok(quote! { [#(#files),*] as [(&str, &str); _] })
}
