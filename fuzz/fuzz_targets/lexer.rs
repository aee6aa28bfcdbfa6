//! Any bytes become tokens that lie inside the text, one behind the other, up to an end.
#![no_main]

use aludel_sql::syntax::lexer::Lexer;
use aludel_sql::syntax::token::TokenKind;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut lexer = Lexer::new(bytes, 0);
    let mut before = 0;
    loop {
        let token = lexer.next_token();
        if matches!(token.kind, TokenKind::End) {
            break;
        }
        assert!(before <= token.start && token.start <= token.end);
        assert!(token.end as usize <= bytes.len());
        assert!(token.end > before, "no progress");
        before = token.end;
    }
});
