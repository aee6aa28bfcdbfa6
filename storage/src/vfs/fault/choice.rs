//! Which of the legal crash images is meant: one word that can be printed and read back.
//!
//! ```text
//!   none | all            every unsynced piece is lost | kept
//!   but3 | only3          all but piece 3 | piece 3 alone          (all names kept)
//!   first3                the first 3 pieces, in the order in which they were written
//!   names2                all pieces, the first 2 changes of names
//!   bits1f2               piece i is kept if bit i is set: counts through all subsets of few pieces
//!   seed9c1e              random: kept, lost, torn at a byte, garbage, stale, and a random number of names
//! ```

use std::fmt;
use std::str::FromStr;

/// The fate of one unsynced piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is on the disk.
    Kept,
    /// It is not.
    Lost,
    /// Its first bytes are.
    Head(usize),
    /// Its last bytes are.
    Tail(usize),
    /// Its place holds nonsense of this seed.
    Garbage(u64),
    /// If it lies past the durable end: the length is there, and in its place is what the sector of this number holds.
    Stale(u64),
}

/// Decides the fates at a loss of power.
pub trait Decide {
    /// How many of the `count` unsynced changes of names are kept, counted from the first.
    fn names(&mut self, count: usize) -> usize;

    /// The fate of piece `index`, of `len` bytes (0 for a change of length, which is kept or lost).
    fn piece(&mut self, index: usize, len: usize) -> Outcome;
}

/// A way to lose power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Choice {
    /// Nothing that was not synced is there.
    None,
    /// Everything is.
    All,
    /// Everything but this piece.
    But(usize),
    /// This piece and all names.
    Only(usize),
    /// So many pieces, in order, and all names.
    First(usize),
    /// All pieces and so many names.
    Names(usize),
    /// The pieces whose bits are set, and all names.
    Bits(u64),
    /// Chance, with all kinds of damage.
    Seed(u64),
}

impl Choice {
    /// What decides as this choice says.
    pub fn decider(self) -> impl Decide {
        Decider {
            choice: self,
            random: match self {
                Choice::Seed(seed) => seed,
                _ => 0,
            },
        }
    }
}

struct Decider {
    choice: Choice,
    random: u64,
}

impl Decider {
    fn next(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn chance(&mut self, len: usize) -> Outcome {
        let Choice::Seed(seed) = self.choice else {
            return Outcome::Lost;
        };
        // A run keeps few, half or most of the pieces, and damages none or some.
        let kept_of_8 = [1, 4, 4, 7][(seed % 4) as usize];
        let damages = seed / 4 % 2 == 1;
        let random = self.next();
        if len > 0 && damages && random >> 8 & 7 == 0 {
            let at = (random >> 16) as usize % len;
            return match random >> 11 & 3 {
                0 => Outcome::Head(at),
                1 => Outcome::Tail(at),
                2 => Outcome::Garbage(random),
                _ => Outcome::Stale(random >> 16),
            };
        }
        kept(random & 7 < kept_of_8)
    }
}

fn kept(is_kept: bool) -> Outcome {
    if is_kept { Outcome::Kept } else { Outcome::Lost }
}

impl Decide for Decider {
    fn names(&mut self, count: usize) -> usize {
        match self.choice {
            Choice::None => 0,
            Choice::Names(kept) => kept.min(count),
            Choice::Seed(_) => self.next() as usize % (count + 1),
            _ => count,
        }
    }

    fn piece(&mut self, index: usize, len: usize) -> Outcome {
        match self.choice {
            Choice::None => Outcome::Lost,
            Choice::All | Choice::Names(_) => Outcome::Kept,
            Choice::But(lost) => kept(index != lost),
            Choice::Only(only) => kept(index == only),
            Choice::First(count) => kept(index < count),
            Choice::Bits(bits) => kept(index < 64 && bits >> index & 1 == 1),
            Choice::Seed(_) => self.chance(len),
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Choice::None => f.write_str("none"),
            Choice::All => f.write_str("all"),
            Choice::But(piece) => write!(f, "but{piece}"),
            Choice::Only(piece) => write!(f, "only{piece}"),
            Choice::First(count) => write!(f, "first{count}"),
            Choice::Names(count) => write!(f, "names{count}"),
            Choice::Bits(bits) => write!(f, "bits{bits:x}"),
            Choice::Seed(seed) => write!(f, "seed{seed:x}"),
        }
    }
}

impl FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Choice, String> {
        let unknown = || format!("{text} is no way to lose power");
        let (word, number) = text.split_at(text.find(|c: char| c.is_ascii_digit()).unwrap_or(text.len()));
        let decimal = || number.parse().map_err(|_| unknown());
        let hex = |prefix| {
            let digits = text.strip_prefix(prefix).ok_or_else(unknown)?;
            u64::from_str_radix(digits, 16).map_err(|_| unknown())
        };
        match word {
            "none" if number.is_empty() => Ok(Choice::None),
            "all" if number.is_empty() => Ok(Choice::All),
            "but" => decimal().map(Choice::But),
            "only" => decimal().map(Choice::Only),
            "first" => decimal().map(Choice::First),
            "names" => decimal().map(Choice::Names),
            _ if text.starts_with("bits") => hex("bits").map(Choice::Bits),
            _ if text.starts_with("seed") => hex("seed").map(Choice::Seed),
            _ => Err(unknown()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_is_one_word() {
        for choice in [
            Choice::None,
            Choice::All,
            Choice::But(3),
            Choice::Only(0),
            Choice::First(12),
            Choice::Names(1),
            Choice::Bits(0xfab),
            Choice::Seed(0xdead_beef_dead_beef),
        ] {
            assert_eq!(choice.to_string().parse(), Ok(choice));
        }
        for bad in ["", "maybe", "but", "none1", "bitsx", "seed"] {
            assert!(bad.parse::<Choice>().is_err(), "{bad}");
        }
    }

    #[test]
    fn chance_reaches_every_outcome_and_repeats_itself() {
        let fates = |seed| -> Vec<Outcome> {
            let mut decider = Choice::Seed(seed).decider();
            (0..200).map(|piece| decider.piece(piece, 512)).collect()
        };
        assert_eq!(fates(7), fates(7));
        let all: Vec<Outcome> = (0..16).flat_map(fates).collect();
        let has = |test: fn(&Outcome) -> bool| assert!(all.iter().any(test));
        has(|fate| *fate == Outcome::Kept);
        has(|fate| *fate == Outcome::Lost);
        has(|fate| matches!(fate, Outcome::Head(_)));
        has(|fate| matches!(fate, Outcome::Tail(_)));
        has(|fate| matches!(fate, Outcome::Garbage(_)));
        has(|fate| matches!(fate, Outcome::Stale(_)));
    }
}
