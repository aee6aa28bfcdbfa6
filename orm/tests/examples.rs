//! The examples print the same on each backend, with nothing changed but the URL.

mod support;

use std::path::PathBuf;
use std::process::Command;

use support::servers;

/// The example's program, which `cargo test` has built beside this one.
fn program(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let program = own.ancestors().nth(2).unwrap().join("examples").join(name);
    assert!(
        program.exists(),
        "{} is not there: `cargo build --examples` makes it",
        program.display()
    );
    program
}

/// Runs an example on a new database of each backend that there is.
#[track_caller]
fn prints(name: &str, expected: &str) {
    on_each_url(|url, folder| {
        let run = Command::new(program(name))
            .arg(url)
            .current_dir(folder)
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&run.stderr);
        assert!(run.status.success(), "{url}: {errors}");
        assert_eq!(String::from_utf8_lossy(&run.stdout), expected, "{url}: {errors}");
    });
}

/// The URL of a new database of each backend that there is, and a folder for files.
#[track_caller]
fn on_each_url(test: impl Fn(&str, &std::path::Path)) {
    let folder = tempfile::tempdir().unwrap();
    let mut urls: Vec<String> = support::backends()
        .into_iter()
        .map(|memory| {
            let (scheme, _) = memory.split_once("::").unwrap();
            format!("{scheme}:///{}", folder.path().join(scheme).display())
        })
        .collect();
    let servers = servers::all();
    let places: Vec<servers::Place<'_>> = servers.iter().map(servers::Place::new).collect();
    urls.extend(places.iter().map(servers::Place::url));
    for url in urls {
        test(&url, folder.path());
    }
}

#[test]
fn quickstart() {
    prints("quickstart", "Mike\nNick\nMick\nNike\n");
}

#[test]
fn tour() {
    prints(
        "tour",
        "1 Mike\n\
         hello: 101 likes\n\
         Mike is popular\n\
         [(\"Mick\", 0), (\"Mike\", 1), (\"Nick\", 0), (\"Nike\", 0)]\n\
         Mike wrote 1 post(s)\n\
         0 posts are left\n",
    );
}

/// A session at the terminal, with what each command (after `$`) prints.
#[test]
fn reading_list() {
    let golden = include_str!("goldens/reading_list.txt");
    on_each_url(|url, folder| {
        let mut session = String::new();
        for command in golden.lines().filter_map(|line| line.strip_prefix("$ ")) {
            let run = Command::new(program("reading_list"))
                .args(["--database", url])
                .args(words(command))
                .current_dir(folder)
                .output()
                .unwrap();
            session += &format!("$ {command}\n");
            session += &String::from_utf8_lossy(&run.stdout);
            session += &String::from_utf8_lossy(&run.stderr);
        }
        assert_eq!(session.trim_end(), golden.trim_end(), "{url}");
    });
}

/// The words of a command; those between quotes are one.
fn words(command: &str) -> Vec<String> {
    let parts = command.split('"').enumerate();
    parts
        .flat_map(|(i, part)| match i % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect(),
            _ => vec![part.to_owned()],
        })
        .collect()
}

/// What the README shows is what the examples are.
#[test]
fn the_readme_shows_them() {
    let readme = include_str!("../../README.md");
    for example in [
        include_str!("../examples/quickstart.rs"),
        include_str!("../examples/tour.rs"),
    ] {
        let code = example.split_once("\n\n").unwrap().1;
        assert!(readme.contains(code), "the README lacks this:\n{code}");
    }
}
