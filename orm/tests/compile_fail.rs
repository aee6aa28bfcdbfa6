//! Misuses that must not compile, and what the compiler says to them. Update the goldens with `TRYBUILD=overwrite`.

#[test]
fn misuses_do_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
