//! Misuses that must not compile, and what the compiler says to them. Update the goldens with `TRYBUILD=overwrite`.

#[test]
#[cfg_attr(
    any(feature = "json", feature = "uuid", feature = "decimal"),
    ignore = "messages name the types that there are, and these features add some: tests/run runs it without them"
)]
fn misuses_do_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
