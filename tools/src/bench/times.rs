//! The times of one work's operations, and what is said of them: percentiles, the rate, the distribution.

use std::time::Duration;

/// Buckets in each factor of ten.
const BUCKETS_A_DECADE: usize = 4;
/// From a hundred nanoseconds ..
const NANOSECONDS_MIN: f64 = 100.0;
/// .. to ten seconds.
const DECADES: usize = 8;

/// Buckets of a distribution.
pub(super) const BUCKETS: usize = BUCKETS_A_DECADE * DECADES;

/// Times of operations, sorted, and how many things (rows) they did.
#[derive(Clone, Debug, Default)]
pub(super) struct Times {
    nanoseconds: Vec<u64>,
    total: Duration,
    /// Things done: operations, or rows that a scan read.
    things: u64,
}

impl Times {
    /// The times of operations that did one thing each.
    pub(super) fn of(times: Vec<Duration>) -> Times {
        let things = times.len() as u64;
        Times::of_things(times, things)
    }

    /// The times of operations that did so many things in all.
    pub(super) fn of_things(times: Vec<Duration>, things: u64) -> Times {
        let total = times.iter().sum();
        let nanoseconds = |time: &Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let mut nanoseconds: Vec<u64> = times.iter().map(nanoseconds).collect();
        nanoseconds.sort_unstable();
        Times {
            nanoseconds,
            total,
            things,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.nanoseconds.is_empty()
    }

    pub(super) fn count(&self) -> usize {
        self.nanoseconds.len()
    }

    pub(super) fn seconds(&self) -> f64 {
        self.total.as_secs_f64()
    }

    /// Things done in a second.
    pub(super) fn rate(&self) -> f64 {
        match self.seconds() {
            seconds if seconds > 0.0 => self.things as f64 / seconds,
            _ => 0.0,
        }
    }

    /// The time, in microseconds, that `share` of the operations took at most (nearest rank).
    pub(super) fn percentile(&self, share: f64) -> f64 {
        let rank = (share * self.nanoseconds.len() as f64).ceil() as usize;
        let at = rank.clamp(1, self.nanoseconds.len().max(1)) - 1;
        self.nanoseconds.get(at).map_or(0.0, |time| *time as f64 / 1e3)
    }

    /// The longest, in microseconds.
    pub(super) fn max(&self) -> f64 {
        self.percentile(1.0)
    }

    /// How many operations are in each bucket.
    pub(super) fn distribution(&self) -> [u64; BUCKETS] {
        let mut counts = [0; BUCKETS];
        for time in &self.nanoseconds {
            counts[bucket_of(*time as f64)] += 1;
        }
        counts
    }
}

fn bucket_of(nanoseconds: f64) -> usize {
    let place = (nanoseconds.max(NANOSECONDS_MIN) / NANOSECONDS_MIN).log10() * BUCKETS_A_DECADE as f64;
    (place as usize).min(BUCKETS - 1)
}

/// Where a bucket begins, in microseconds; the end of the one before it.
pub(super) fn bucket_start(bucket: usize) -> f64 {
    NANOSECONDS_MIN / 1e3 * 10_f64.powf(bucket as f64 / BUCKETS_A_DECADE as f64)
}

/// Where a time stands between the first bucket's start (0) and the last one's end (1).
pub(super) fn place(microseconds: f64) -> f64 {
    let nanoseconds = (microseconds * 1e3).max(NANOSECONDS_MIN);
    ((nanoseconds / NANOSECONDS_MIN).log10() / DECADES as f64).clamp(0.0, 1.0)
}

/// A time for people: three figures and its unit.
pub(super) fn words(microseconds: f64) -> String {
    let (value, unit) = match microseconds {
        time if time < 1.0 => (time * 1e3, "ns"),
        time if time < 1e3 => (time, "\u{b5}s"),
        time if time < 1e6 => (time / 1e3, "ms"),
        time => (time / 1e6, "s"),
    };
    match value {
        value if value < 10.0 && unit != "ns" => format!("{value:.2} {unit}"),
        value if value < 100.0 && unit != "ns" => format!("{value:.1} {unit}"),
        value => format!("{value:.0} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_nearest_rank() {
        let times = Times::of((1..=100).rev().map(Duration::from_micros).collect());
        let found = [0.5, 0.9, 0.99, 1.0].map(|share| times.percentile(share));
        assert_eq!(found, [50.0, 90.0, 99.0, 100.0]);
        assert_eq!((times.count(), times.max()), (100, 100.0));
        assert!((times.rate() - 100.0 / 0.00505).abs() < 1e-6);
        let one = Times::of(vec![Duration::from_millis(3)]);
        assert_eq!([one.percentile(0.5), one.max()], [3000.0, 3000.0]);
        assert_eq!(Times::default().percentile(0.5), 0.0);
    }

    #[test]
    fn each_time_is_in_the_bucket_that_covers_it() {
        for nanoseconds in [1_u64, 100, 177, 178, 999, 1_000, 123_456, 9_999_999_999, u64::MAX] {
            let bucket = bucket_of(nanoseconds as f64);
            let microseconds = nanoseconds as f64 / 1e3;
            assert!(bucket == 0 || bucket_start(bucket) <= microseconds * 1.000_001);
            assert!(bucket == BUCKETS - 1 || microseconds < bucket_start(bucket + 1) * 1.000_001);
        }
        let times = Times::of([5, 50, 50, 500].map(Duration::from_micros).to_vec());
        assert_eq!(times.distribution().iter().sum::<u64>(), 4);
    }

    #[test]
    fn times_have_three_figures() {
        let told = [0.25, 1.5, 15.25, 152.5, 1525.0, 2_000_000.0].map(words);
        assert_eq!(
            told,
            [
                "250 ns",
                "1.50 \u{b5}s",
                "15.2 \u{b5}s",
                "152 \u{b5}s",
                "1.52 ms",
                "2.00 s"
            ]
        );
    }
}
