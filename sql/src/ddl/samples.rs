//! Which entries of an index stand for the others in sqlite_stat4: SQLite's choice, entry by entry.
//!
//! ```text
//!   entries in order ──▶ periodic: every n/9th, whatever it is
//!                   └──▶ for each prefix of columns, the value that most entries share: when its run ends, it
//!                        is taken if it shares more than the least of those taken
//! ```
//!
//! At most 24 are kept. Of values that equally many share, a pseudo-random number decides that depends on the index's size and width
//! only, so that the same index has the same samples.

/// The most samples of an index.
const SAMPLES_MAX: usize = 24;

/// An entry, and how many entries are like it and before it, for each prefix of its columns.
#[derive(Clone, Debug, Default)]
pub(super) struct Sample {
    /// Entries that agree with it; 0 while that is not known yet.
    pub(super) equal: Vec<u64>,
    /// Entries before those.
    pub(super) less: Vec<u64>,
    /// Different prefixes before it.
    pub(super) less_distinct: Vec<u64>,
    /// The record.
    pub(super) entry: Vec<u8>,
    periodic: bool,
    /// The prefix for which it was taken.
    column: usize,
    hash: u32,
}

impl Sample {
    fn of_width(width: usize) -> Sample {
        Sample {
            equal: vec![0; width],
            less: vec![0; width],
            less_distinct: vec![0; width],
            ..Sample::default()
        }
    }

    /// Takes over another, reusing memory.
    fn assign(&mut self, other: &Sample) {
        self.equal.clone_from(&other.equal);
        self.less.clone_from(&other.less);
        self.less_distinct.clone_from(&other.less_distinct);
        self.entry.clone_from(&other.entry);
        (self.periodic, self.column, self.hash) = (other.periodic, other.column, other.hash);
    }

    /// Whether it is to be preferred to a sample for the same prefix that is shared as often.
    fn is_better_after(&self, other: &Sample) -> bool {
        let rest = self.column + 1..self.equal.len();
        let differs = rest
            .map(|place| self.equal[place].cmp(&other.equal[place]))
            .find(|order| order.is_ne());
        differs.unwrap_or_else(|| self.hash.cmp(&other.hash)).is_gt()
    }

    /// Whether it is to be preferred to another.
    fn is_better(&self, other: &Sample) -> bool {
        let (own, others) = (self.equal[self.column], other.equal[other.column]);
        own > others
            || own == others
                && (self.column < other.column || self.column == other.column && self.is_better_after(other))
    }
}

/// What is gathered of an index while its entries pass.
pub(super) struct Tally {
    rows: u64,
    current: Sample,
    sampling: Option<Sampling>,
}

struct Sampling {
    taken: Vec<Sample>,
    /// The best candidate for each prefix.
    best: Vec<Sample>,
    /// The least of those taken, when there are enough.
    least: usize,
    period: u64,
    random: u32,
    /// How many leading counts of some sample may still be 0.
    unknown_max: usize,
}

impl Tally {
    /// Nothing yet of an index with `width` columns and about `entries` entries.
    pub(super) fn new(width: usize, entries: u64, samples: bool) -> Tally {
        let sampling = Sampling {
            taken: Vec::new(),
            best: (0..width)
                .map(|column| Sample {
                    column,
                    ..Sample::of_width(width)
                })
                .collect(),
            least: 0,
            period: entries / (SAMPLES_MAX as u64 / 3 + 1) + 1,
            random: 0x689e_962d_u32.wrapping_mul(width as u32) ^ 0xd094_4565_u32.wrapping_mul(entries as u32),
            unknown_max: 0,
        };
        Tally {
            rows: 0,
            current: Sample::of_width(width),
            sampling: samples.then_some(sampling),
        }
    }

    /// The next entry, which agrees with the one before it in `same` leading columns.
    pub(super) fn push(&mut self, same: usize, entry: &[u8]) {
        let current = &mut self.current;
        if self.rows == 0 {
            current.equal.fill(1);
        } else {
            if let Some(sampling) = &mut self.sampling {
                sampling.end_runs(current, same);
            }
            for count in &mut current.equal[..same] {
                *count += 1;
            }
            for place in same..current.equal.len() {
                current.less_distinct[place] += 1;
                current.less[place] += current.equal[place];
                current.equal[place] = 1;
            }
        }
        self.rows += 1;
        if let Some(sampling) = &mut self.sampling {
            current.entry.clear();
            current.entry.extend_from_slice(entry);
            sampling.consider(current, same);
        }
    }

    /// How many entries passed.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// How many different prefixes of so many columns passed.
    pub(super) fn distinct(&self, columns: usize) -> u64 {
        self.current
            .less_distinct
            .get(columns - 1)
            .map_or(1, |less| less + 1)
    }

    /// Whether a second value of the first column has come.
    pub(super) fn has_several(&self) -> bool {
        self.current.less_distinct.first().is_some_and(|less| *less > 0)
    }

    /// The samples, in the order of the index.
    pub(super) fn into_samples(mut self) -> Vec<Sample> {
        let Some(mut sampling) = self.sampling.take().filter(|_| self.rows > 0) else {
            return Vec::new();
        };
        sampling.end_runs(&self.current, 0);
        sampling.taken
    }
}

impl Sampling {
    /// The runs of equal prefixes longer than `same` columns have ended: their best candidates are known.
    fn end_runs(&mut self, current: &Sample, same: usize) {
        let width = current.equal.len();
        for column in (same..width.saturating_sub(1)).rev() {
            self.best[column].equal[column] = current.equal[column];
            let wanted = self.taken.len() < SAMPLES_MAX
                || self
                    .taken
                    .get(self.least)
                    .is_some_and(|least| self.best[column].is_better(least));
            if wanted {
                let mut best = std::mem::take(&mut self.best[column]);
                self.take(&best, column);
                best.column = column;
                self.best[column] = best;
            }
        }
        if same < self.unknown_max {
            for sample in &mut self.taken {
                for place in same..width {
                    if sample.equal[place] == 0 {
                        sample.equal[place] = current.equal[place];
                    }
                }
            }
            self.unknown_max = same;
        }
    }

    /// A new entry: it may be due, and a candidate.
    fn consider(&mut self, current: &mut Sample, same: usize) {
        self.random = self.random.wrapping_mul(1_103_515_245).wrapping_add(12345);
        current.hash = self.random;
        let Some(last) = current.equal.len().checked_sub(1) else {
            return;
        };
        let before = current.less[last];
        if before / self.period != (before + 1) / self.period {
            (current.periodic, current.column) = (true, 0);
            self.take(current, last);
            current.periodic = false;
        }
        for column in 0..last {
            current.column = column;
            if column >= same || current.is_better_after(&self.best[column]) {
                self.best[column].assign(current);
            }
        }
    }

    /// Takes a sample whose first `unknown` counts are not known yet.
    fn take(&mut self, new: &Sample, unknown: usize) {
        self.unknown_max = self.unknown_max.max(unknown);
        if !new.periodic {
            let mut upgraded: Option<usize> = None;
            for place in (0..self.taken.len()).rev() {
                if self.taken[place].equal[new.column] != 0 {
                    continue;
                }
                // One with this prefix was taken already.
                if self.taken[place].periodic {
                    return;
                }
                if upgraded.is_none_or(|known| self.taken[place].is_better(&self.taken[known])) {
                    upgraded = Some(place);
                }
            }
            if let Some(place) = upgraded {
                let known = &mut self.taken[place];
                known.column = new.column;
                known.equal[new.column] = new.equal[new.column];
                self.find_least();
                return;
            }
        }
        let mut room = Sample::default();
        if self.taken.len() >= SAMPLES_MAX {
            room = self.taken.remove(self.least);
        }
        room.assign(new);
        room.equal[..unknown].fill(0);
        self.taken.push(room);
        self.find_least();
    }

    fn find_least(&mut self) {
        if self.taken.len() < SAMPLES_MAX {
            return;
        }
        let mut least: Option<usize> = None;
        for (place, sample) in self
            .taken
            .iter()
            .enumerate()
            .filter(|(_, sample)| !sample.periodic)
        {
            if least.is_none_or(|known| self.taken[known].is_better(sample)) {
                least = Some(place);
            }
        }
        self.least = least.unwrap_or(0);
    }
}
