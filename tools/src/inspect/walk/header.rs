//! The database header and the length of the file.

use aludel_storage::format::PageNo;
use aludel_storage::format::page_checksum::{self, Verdict};

use super::Walk;
use crate::inspect::finding::Finding;
use crate::inspect::page::{half, word};
use crate::inspect::vocabulary::Code;

impl Walk<'_> {
    /// Looks at the first hundred bytes and at what they say of the file's length.
    pub(super) fn header(&mut self) {
        if self.image.page_count() == 0 {
            return;
        }
        let first = std::mem::take(&mut self.first);
        self.fixed_bytes(&first);
        self.numbers(&first);
        self.length(&first);
        self.checksums(&first);
        self.first = first;
    }

    fn wrong(&mut self, code: Code, offset: usize, message: &str, expected: i64, found: impl TryInto<i64>) {
        let finding = Finding::new(code, message)
            .on(1)
            .at(offset)
            .values(expected, found);
        self.find(finding);
    }

    fn fixed_bytes(&mut self, first: &[u8]) {
        const MAGIC: &[u8] = b"SQLite format 3\0";
        let differs = first
            .iter()
            .zip(MAGIC)
            .position(|(found, expected)| found != expected);
        if let Some(at) = differs {
            let message = "the file does not begin with \"SQLite format 3\"";
            self.wrong(Code::BadMagic, at, message, i64::from(MAGIC[at]), first[at]);
        }
        let stored = half(first, 16);
        if !matches!(stored, 1 | 512 | 1024 | 2048 | 4096 | 8192 | 16384 | 32768) {
            let message = "the page size is none of 512 to 65536";
            self.wrong(
                Code::BadPageSize,
                16,
                message,
                self.page_size as i64,
                stored as u64,
            );
        }
        for (at, expected) in [(18, 2), (19, 2)] {
            if first[at] > expected || first[at] == 0 {
                let message = "the version of the file format is not known";
                self.wrong(Code::BadVersion, at, message, i64::from(expected), first[at]);
            }
        }
        if self.page_size - usize::from(first[20]) < 480 {
            self.wrong(
                Code::BadReserved,
                20,
                "more bytes are reserved than pages can spare",
                0,
                first[20],
            );
        }
        for (at, expected) in [(21, 64), (22, 32), (23, 32)] {
            if first[at] != expected {
                let message = "a payload fraction is not what it always is";
                self.wrong(
                    Code::BadPayloadFractions,
                    at,
                    message,
                    i64::from(expected),
                    first[at],
                );
            }
        }
    }

    fn numbers(&mut self, first: &[u8]) {
        let format = word(first, 44);
        if format > 4 {
            self.wrong(
                Code::BadSchemaFormat,
                44,
                "the schema format is not one of 0 to 4",
                4,
                format,
            );
        }
        let encoding = word(first, 56);
        // An empty database has none yet.
        let is_new = encoding == 0 && format == 0;
        if !(is_new || (1..=3).contains(&encoding)) {
            self.wrong(
                Code::BadEncoding,
                56,
                "the text encoding is not one of 1 to 3",
                1,
                encoding,
            );
        }
        if word(first, 64) != 0 && word(first, 52) == 0 {
            let message = "incremental vacuum is on, but there is no pointer map";
            self.wrong(Code::IncrementalVacuum, 64, message, 0, word(first, 64));
        }
        if let Some(at) = first
            .get(72..92)
            .and_then(|bytes| bytes.iter().position(|byte| *byte != 0))
        {
            let message = "a byte that has to be zero is not";
            self.wrong(Code::NonzeroExpansion, 72 + at, message, 0, first[72 + at]);
        }
    }

    fn length(&mut self, first: &[u8]) {
        let (told, held) = (word(first, 28), self.image.page_count());
        let is_valid = told != 0 && word(first, 24) == word(first, 92);
        if !is_valid {
            let message = "the page count of the header is out of date";
            self.wrong(Code::PageCountStale, 28, message, i64::from(held), told);
        } else if told > held {
            let message = format!("the header counts {told} pages, but only {held} are there");
            self.wrong(Code::FileTooShort, 28, &message, i64::from(told), held);
        } else if told < held {
            let message = format!("{} pages lie behind the last of the database", held - told);
            self.wrong(Code::TrailingPages, 28, &message, i64::from(told), held);
        }
        let rest = self.image.file_len() % self.page_size as u64;
        if self.image.is_plain() && rest != 0 {
            let message = "the file does not end with a whole page";
            let finding = Finding::new(Code::PartialPage, message).on(held);
            self.find(finding.values(self.page_size as u64, rest));
        }
    }

    /// Page checksums, in files that have them.
    fn checksums(&mut self, first: &[u8]) {
        if !page_checksum::is_tagged(first) {
            return;
        }
        let sealed = page_checksum::is_sealed(first);
        let mut bytes = Vec::new();
        for number in 1..=self.page_count {
            let Some(no) = PageNo::new(number).filter(|_| number != self.lock_byte_page()) else {
                continue;
            };
            if !self.read(number, &mut bytes) {
                continue;
            }
            if page_checksum::verdict(no, &bytes, sealed) == Verdict::Damaged {
                self.find(Finding::new(Code::Checksum, "the page is not what was written").on(number));
            }
        }
    }
}
