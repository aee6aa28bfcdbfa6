//! The attributes' own syntax: names with values, lists in parentheses.

use proc_macro2::Span;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, ExprClosure, Ident, LitStr, Path, Result, Token, Type, parenthesized};

/// One item of `#[entity(..)]` or `#[column(..)]`: `name`, `name = value` or `name(a, b)`.
pub(crate) struct Item {
    pub(crate) name: Ident,
    pub(crate) value: ItemValue,
}

pub(crate) enum ItemValue {
    None,
    Value(Expr),
    List(Vec<IndexWord>),
}

/// A word inside of `index(..)` or `unique(..)`.
pub(crate) enum IndexWord {
    /// `field`
    Field(Ident),
    /// `-field`: from the greatest to the least.
    Descending(Ident),
    /// `"lower(name)"`
    Expression(LitStr),
    /// `name = ".."`, `where = ".."`
    Option(Ident, LitStr),
    /// `include(a, b)`
    Include(Vec<Ident>),
}

impl Parse for IndexWord {
    fn parse(input: ParseStream<'_>) -> Result<IndexWord> {
        if input.peek(LitStr) {
            return Ok(IndexWord::Expression(input.parse()?));
        }
        if input.peek(Token![-]) {
            input.parse::<Token![-]>()?;
            return Ok(IndexWord::Descending(input.parse()?));
        }
        let word: Ident = input.call(syn::ext::IdentExt::parse_any)?;
        if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            return match word.to_string().as_str() {
                "name" | "where" => Ok(IndexWord::Option(word, input.parse()?)),
                other => {
                    let message =
                        format!("unknown option `{other}`; known are `name`, `where` and `include(..)`");
                    Err(syn::Error::new(word.span(), message))
                }
            };
        }
        if word == "include" && input.peek(syn::token::Paren) {
            let content;
            parenthesized!(content in input);
            let fields = Punctuated::<Ident, Token![,]>::parse_terminated(&content)?;
            return Ok(IndexWord::Include(fields.into_iter().collect()));
        }
        Ok(IndexWord::Field(word))
    }
}

impl Parse for Item {
    fn parse(input: ParseStream<'_>) -> Result<Item> {
        // `default` and the like may be keywords one day: take any identifier.
        let name = input.call(syn::ext::IdentExt::parse_any)?;
        let value = if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            ItemValue::Value(input.parse()?)
        } else if input.peek(syn::token::Paren) {
            let content;
            parenthesized!(content in input);
            ItemValue::List(
                Punctuated::<IndexWord, Token![,]>::parse_terminated(&content)?
                    .into_iter()
                    .collect(),
            )
        } else {
            ItemValue::None
        };
        Ok(Item { name, value })
    }
}

impl Item {
    /// The text of `name = "text"`.
    pub(crate) fn text(&self) -> Result<LitStr> {
        match &self.value {
            ItemValue::Value(Expr::Lit(syn::ExprLit {
                lit: syn::Lit::Str(text),
                ..
            })) => Ok(text.clone()),
            _ => Err(self.wrong(&format!("write `{} = \"..\"`", self.name))),
        }
    }

    /// The expression of `name = expression`.
    pub(crate) fn expression(&self) -> Result<Expr> {
        match &self.value {
            ItemValue::Value(expression) => Ok(expression.clone()),
            _ => Err(self.wrong(&format!("write `{} = ..`", self.name))),
        }
    }

    /// The path of `name = path`.
    pub(crate) fn path(&self) -> Result<Path> {
        match &self.value {
            ItemValue::Value(Expr::Path(path)) => Ok(path.path.clone()),
            _ => Err(self.wrong(&format!("write `{} = function`", self.name))),
        }
    }

    /// The words of `name(a, b)`.
    pub(crate) fn list(&self) -> Result<&[IndexWord]> {
        match &self.value {
            ItemValue::List(fields) if !fields.is_empty() => Ok(fields),
            _ => Err(self.wrong(&format!("write `{}(field, field)`", self.name))),
        }
    }

    /// `name`, `name = true` or `name = false`.
    pub(crate) fn flag(&self) -> Result<bool> {
        match &self.value {
            ItemValue::None => Ok(true),
            ItemValue::Value(Expr::Lit(syn::ExprLit {
                lit: syn::Lit::Bool(flag),
                ..
            })) => Ok(flag.value),
            _ => Err(self.wrong(&format!("write `{}` alone", self.name))),
        }
    }

    pub(crate) fn wrong(&self, message: &str) -> syn::Error {
        syn::Error::new(self.name.span(), message)
    }

    /// For a name that is not known.
    pub(crate) fn unknown(&self, known: &str) -> syn::Error {
        self.wrong(&format!("unknown attribute `{}`; known are {known}", self.name))
    }
}

/// The items of all attributes of that name.
pub(crate) fn items(attributes: &[Attribute], name: &str) -> Result<Vec<Item>> {
    let mut all = Vec::new();
    for attribute in attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident(name))
    {
        all.extend(attribute.parse_args_with(Punctuated::<Item, Token![,]>::parse_terminated)?);
    }
    Ok(all)
}

/// `#[has_many(posts: Post, by = author, ..)]` and its like.
pub(crate) struct RelationItem {
    pub(crate) span: Span,
    pub(crate) name: Ident,
    pub(crate) target: Type,
    pub(crate) options: Vec<RelationOption>,
}

pub(crate) struct RelationOption {
    pub(crate) name: Ident,
    pub(crate) value: RelationValue,
}

pub(crate) enum RelationValue {
    Path(Path),
    Text(LitStr),
    /// `order_by = -id`: descending.
    Descending(Path),
    /// `filter = |p| p.published.eq(true)`
    Closure(ExprClosure),
}

impl Parse for RelationItem {
    fn parse(input: ParseStream<'_>) -> Result<RelationItem> {
        let span = input.span();
        let name = input.parse()?;
        input.parse::<Token![:]>()?;
        let target = input.parse()?;
        let mut options = Vec::new();
        while input.peek(Token![,]) {
            input.parse::<Token![,]>()?;
            if input.is_empty() {
                break;
            }
            options.push(input.parse()?);
        }
        Ok(RelationItem {
            span,
            name,
            target,
            options,
        })
    }
}

impl Parse for RelationOption {
    fn parse(input: ParseStream<'_>) -> Result<RelationOption> {
        let name = input.parse()?;
        input.parse::<Token![=]>()?;
        let value = if input.peek(LitStr) {
            RelationValue::Text(input.parse()?)
        } else if input.peek(Token![-]) {
            input.parse::<Token![-]>()?;
            RelationValue::Descending(input.parse()?)
        } else if input.peek(Token![|]) || input.peek(Token![||]) {
            RelationValue::Closure(input.parse()?)
        } else {
            RelationValue::Path(input.parse()?)
        };
        Ok(RelationOption { name, value })
    }
}

impl RelationOption {
    /// The field of `by = author`.
    pub(crate) fn field(&self) -> Result<Ident> {
        match &self.value {
            RelationValue::Path(path) => path.require_ident().cloned(),
            _ => Err(syn::Error::new(
                self.name.span(),
                format!("write `{} = field`", self.name),
            )),
        }
    }
}
