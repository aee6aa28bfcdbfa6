//! Any bytes are a statement, or an error with words.
#![no_main]

use aludel_sql::syntax::parse_one;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Err(error) = parse_one(bytes) {
        assert!(!error.to_string().is_empty());
    }
});
