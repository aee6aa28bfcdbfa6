//! Cutting a command's arguments into words.

/// A word of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// Without its quotes.
    pub(crate) text: String,
    /// Where it begins in the line, its quote included.
    pub(crate) start: usize,
}

/// The words of a line: blanks separate them; single quotes keep everything as it is, double quotes know `\n`, `\t`, `\\` and `\"`. A quote that is
/// never closed reaches to the end.
pub(crate) fn words(line: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut chars = line.char_indices().peekable();
    loop {
        while chars.next_if(|(_, c)| c.is_whitespace()).is_some() {}
        let Some(&(start, first)) = chars.peek() else {
            return words;
        };
        let mut text = String::new();
        if matches!(first, '\'' | '"') {
            chars.next();
            while let Some((_, c)) = chars.next() {
                match c {
                    c if c == first => break,
                    '\\' if first == '"' => text.extend(chars.next().map(|(_, c)| unescaped(c))),
                    c => text.push(c),
                }
            }
        } else {
            while let Some((_, c)) = chars.next_if(|(_, c)| !c.is_whitespace()) {
                text.push(c);
            }
        }
        words.push(Word { text, start });
    }
}

fn unescaped(c: char) -> char {
    match c {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_words_together() {
        let cut = |line: &str| words(line).into_iter().map(|word| word.text).collect::<Vec<_>>();
        assert_eq!(cut("  a 'b c' \"d\\te\\\"\"  "), ["a", "b c", "d\te\""]);
        assert_eq!(cut("it's"), ["it's"]);
        assert_eq!(cut("'open"), ["open"]);
        assert_eq!(cut(""), Vec::<String>::new());
        assert_eq!(words("a 'b'")[1].start, 2);
    }
}
