//! Misuses that must not compile, and what the compiler says to them. Update the goldens with `TRYBUILD=overwrite`.

#[test]
#[cfg_attr(
    any(feature = "json", feature = "uuid", feature = "decimal"),
    ignore = "messages name the types that there are, and these features add some: tests/run runs it without them"
)]
fn misuses_do_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}

/// Nobody reads a long message to its end.
#[test]
fn messages_are_short() {
    let goldens = std::fs::read_dir("tests/compile_fail").expect("the folder of goldens");
    let long: Vec<String> = goldens
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "stderr"))
        .filter(|path| std::fs::read_to_string(path).expect("a text").lines().count() > 30)
        .map(|path| path.display().to_string())
        .collect();
    assert_eq!(long, [""; 0]);
}
