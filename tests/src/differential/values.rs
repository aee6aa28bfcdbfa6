//! The values that generated statements are made of.
//!
//! The *calm* ones are chosen so that no two of them are equal and yet different (1 and 1.0, 'a' and 'A' under NOCASE, 'a' and 'a ' under
//! RTRIM) and that sums of them are exact: what DISTINCT, GROUP BY, min and sum answer does not depend on the order of rows then. The *wild*
//! ones are the borders of every type; they are used where each row is looked at by itself.

use super::generator::Generator;

const CALM: &[&str] = &[
    "NULL",
    "NULL",
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "7",
    "10",
    "12",
    "-1",
    "-2",
    "-7",
    "100",
    "0.5",
    "1.5",
    "-2.5",
    "2.25",
    "10.75",
    "'a'",
    "'b'",
    "'abc'",
    "'abd'",
    "'Zebra'",
    "''",
    "'12x'",
    "'x%y'",
    "'a_c'",
    "'né'",
    "char(97, 0, 98)",
    "'long text that goes on'",
    "x''",
    "x'00'",
    "x'6162'",
    "x'ff'",
];

const WILD: &[&str] = &[
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775806",
    "-9223372036854775807",
    "4294967296",
    "2147483647",
    "-2147483648",
    "9007199254740992",
    "9007199254740993",
    "-9007199254740993",
    "1e308",
    "-1e308",
    "1e-308",
    "5e-324",
    "9e999",
    "-9e999",
    "0.1",
    "0.3",
    "1.0",
    "-0.0",
    "2.0",
    "1e15",
    "1e16",
    "123456789012345678",
    "9223372036854775808",
    "-9223372036854775809",
    "9.223372036854775807e18",
    "1.5e19",
    "0x7fffffffffffffff",
    "0xffffffffffffffff",
    "'1'",
    "'1.0'",
    "' 1 '",
    "'01'",
    "'1e2'",
    "'-5'",
    "'+5'",
    "'0x10'",
    "'9223372036854775808'",
    "'1e400'",
    "'.5'",
    "'5.'",
    "'1_000'",
    "'abc'",
    "'ABC'",
    "'abc  '",
    "'aBc'",
    "'inf'",
    "'nan'",
    "'true'",
    "CAST(x'610062' AS TEXT)",
    "'é'",
    "'É'",
    "'😀'",
    "'ß%_'",
    "CAST(x'ff' AS TEXT)",
    "CAST(x'e2829f' AS TEXT)",
    "x'31'",
    "x'616263'",
    "x'0001'",
    "zeroblob(3)",
    "x'c3a9'",
    "'1 2'",
    "'1e'",
    "'e1'",
    "char(9,10,32)||'7'",
    "TRUE",
    "FALSE",
];

impl Generator {
    /// A literal.
    pub(super) fn literal(&mut self) -> String {
        let wild = self.wild && self.random.percent(40);
        (*self.random.pick(if wild { WILD } else { CALM })).to_owned()
    }

    /// A value to be stored in a column of a declared type.
    pub(super) fn stored(&mut self, declared: &str) -> String {
        if self.random.percent(8) {
            return "NULL".to_owned();
        }
        if self.wild && self.random.percent(30) {
            return self.literal();
        }
        match declared {
            "INTEGER" | "INT" => self.random.below(14).to_string(),
            "REAL" => format!(
                "{}.{}",
                self.random.below(9),
                self.random.pick(&["5", "25", "75"])
            ),
            "TEXT" | "VARCHAR(9)" => {
                let texts = [
                    "'a'",
                    "'b'",
                    "'abc'",
                    "'abd'",
                    "'zebra'",
                    "''",
                    "'12x'",
                    "'x%y'",
                    "'a_c'",
                    "'né'",
                    "'q'",
                    "char(65, 0, 66)",
                    "char(97, 0, 67)",
                ];
                (*self.random.pick(&texts)).to_owned()
            }
            "BLOB" if self.random.percent(60) => {
                (*self.random.pick(&["x''", "x'00'", "x'6162'", "x'ff'"])).to_owned()
            }
            _ => (*self.random.pick(CALM)).to_owned(),
        }
    }

    /// A value that a column of a STRICT table takes.
    pub(super) fn stored_strictly(&mut self, declared: &str) -> String {
        match declared {
            "INTEGER" | "INT" | "REAL" | "TEXT" if self.wild => {
                self.wild = false;
                let value = self.stored(declared);
                self.wild = true;
                value
            }
            "BLOB" => (*self.random.pick(&["x''", "x'00'", "x'6162'", "NULL"])).to_owned(),
            declared => self.stored(declared),
        }
    }
}
