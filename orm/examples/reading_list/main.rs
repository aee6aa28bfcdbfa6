//! A reading list: books, their authors and tags, what was read when, and the history of every change.
//!
//! ```text
//! cargo run --release -p aludel --example reading_list -- add "The Name of the Rose" --author "Umberto Eco" --pages 512 --tag novel
//! cargo run --release -p aludel --example reading_list -- finish 1 --rating 5
//! cargo run --release -p aludel --example reading_list -- stats
//! ```
//!
//! It runs on any backend: `--database URL`, or the environment variable `READING_LIST`. The schema comes by migrations, when the program
//! starts; the history by listeners of the engine, so that no command can forget it.

mod commands;
mod exchange;
mod history;
mod migrations;
mod model;

use std::path::PathBuf;
use std::process::ExitCode;

use aludel::prelude::*;
use clap::{Parser, Subcommand};
use jiff::civil::Date;

/// Keeps a list of books to read, and of those that were read.
#[derive(Parser)]
struct Arguments {
    /// The database: `sqlite:///books.db`, `postgres://..`, `mysql://..`
    #[arg(long, env = "READING_LIST", default_value = "sqlite:///reading_list.db")]
    database: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Puts a book on the list
    Add {
        title: String,
        #[arg(long)]
        author: String,
        #[arg(long)]
        pages: Option<i64>,
        #[arg(long = "tag")]
        tags: Vec<String>,
    },
    /// Changes a book
    Edit {
        id: i64,
        #[arg(long)]
        title: Option<String>,
        #[arg(long)]
        author: Option<String>,
        #[arg(long)]
        pages: Option<i64>,
    },
    /// Says that a book was read
    Finish {
        id: i64,
        /// From 1 to 5
        #[arg(long)]
        rating: Option<i64>,
        /// When; today if it is not said
        #[arg(long)]
        on: Option<Date>,
    },
    /// Gives a book tags
    Tag { id: i64, tags: Vec<String> },
    /// Takes tags from a book
    Untag { id: i64, tags: Vec<String> },
    /// Takes a book off the list
    Remove { id: i64 },
    /// Shows the list
    List {
        #[arg(long)]
        tag: Option<String>,
        #[arg(long)]
        author: Option<String>,
        #[arg(long)]
        unread: bool,
    },
    /// Looks for a text in titles, authors and tags
    Search { text: String },
    /// Counts
    Stats,
    /// Shows what was changed
    History { id: Option<i64> },
    /// Writes all books to a file of JSON lines
    Export { file: PathBuf },
    /// Reads books from such a file; those that are there already get the file's values
    Import { file: PathBuf },
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::open(&arguments.database)?;
    engine.migrate(&migrations::all())?;
    history::keep(&engine);
    let mut session = engine.session()?;
    match arguments.command {
        Command::Add {
            title,
            author,
            pages,
            tags,
        } => commands::add(&mut session, &title, &author, pages, &tags)?,
        Command::Edit {
            id,
            title,
            author,
            pages,
        } => commands::edit(&mut session, id, title, author, pages)?,
        Command::Finish { id, rating, on } => commands::finish(&mut session, id, rating, on)?,
        Command::Tag { id, tags } => commands::tag(&mut session, id, &tags)?,
        Command::Untag { id, tags } => commands::untag(&mut session, id, &tags)?,
        Command::Remove { id } => commands::remove(&mut session, id)?,
        Command::List { tag, author, unread } => commands::list(&mut session, tag, author, unread)?,
        Command::Search { text } => commands::search(&mut session, &text)?,
        Command::Stats => commands::stats(&mut session)?,
        Command::History { id } => history::show(&mut session, id)?,
        Command::Export { file } => exchange::export(&mut session, &file)?,
        Command::Import { file } => exchange::import(&mut session, &file)?,
    }
    Ok(())
}
