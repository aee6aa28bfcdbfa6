//! Boxes: an entry of a leaf, or what encloses the entries of a node below.

use super::{DIMENSIONS_MAX, Shape};
use crate::value::{ValueRef, number};

/// A coordinate as a node stores it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Coordinate {
    Real(f32),
    Integer(i32),
}

impl Coordinate {
    /// From the four bytes of a node.
    pub(super) fn from_bits(bits: u32, integers: bool) -> Coordinate {
        match integers {
            true => Coordinate::Integer(bits as i32),
            false => Coordinate::Real(f32::from_bits(bits)),
        }
    }

    pub(super) fn bits(self) -> u32 {
        match self {
            Coordinate::Real(real) => real.to_bits(),
            Coordinate::Integer(integer) => integer as u32,
        }
    }

    /// The largest coordinate that is not above `value`, so that a box never gets smaller by rounding.
    pub(super) fn at_most(value: ValueRef<'_>, integers: bool) -> Coordinate {
        if integers {
            return Coordinate::Integer(number::integer_of(value) as i32);
        }
        let wanted = number::real_of(value);
        let nearest = wanted as f32;
        Coordinate::Real(match f64::from(nearest) > wanted {
            true => (wanted * if wanted < 0.0 { AWAY } else { TOWARDS }) as f32,
            false => nearest,
        })
    }

    /// The smallest coordinate that is not below `value`.
    pub(super) fn at_least(value: ValueRef<'_>, integers: bool) -> Coordinate {
        if integers {
            return Coordinate::Integer(number::integer_of(value) as i32);
        }
        let wanted = number::real_of(value);
        let nearest = wanted as f32;
        Coordinate::Real(match f64::from(nearest) < wanted {
            true => (wanted * if wanted < 0.0 { TOWARDS } else { AWAY }) as f32,
            false => nearest,
        })
    }

    /// As a number that comparisons and areas are computed with.
    #[inline]
    pub(super) fn number(self) -> f64 {
        match self {
            Coordinate::Real(real) => f64::from(real),
            Coordinate::Integer(integer) => f64::from(integer),
        }
    }

    /// How far `high` lies above `low`: a real difference is rounded as its coordinates are.
    fn span(low: Coordinate, high: Coordinate) -> f64 {
        match (low, high) {
            (Coordinate::Real(low), Coordinate::Real(high)) => f64::from(high - low),
            (low, high) => high.number() - low.number(),
        }
    }
}

/// Factors to the next coordinate towards zero, and away from it.
const TOWARDS: f64 = 1.0 - 1.0 / 16_777_216.0;
const AWAY: f64 = 1.0 + 1.0 / 16_777_216.0;

/// A box with the number that it belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    /// The rowid of an entry, or the number of the node below.
    pub rowid: i64,
    /// Lower and upper bound of each dimension in turn.
    pub bounds: [Coordinate; DIMENSIONS_MAX * 2],
}

impl Default for Cell {
    fn default() -> Cell {
        Cell {
            rowid: 0,
            bounds: [Coordinate::Real(0.0); DIMENSIONS_MAX * 2],
        }
    }
}

impl Cell {
    fn pairs<'c>(&'c self, shape: &Shape) -> impl DoubleEndedIterator<Item = (Coordinate, Coordinate)> + 'c {
        let bounds = &self.bounds[..shape.dimensions * 2];
        bounds.chunks_exact(2).map(|pair| (pair[0], pair[1]))
    }

    /// The product of the sides, the last dimension first: rounding depends on the order.
    pub(super) fn area(&self, shape: &Shape) -> f64 {
        let spans = self.pairs(shape).rev();
        spans.fold(1.0, |area, (low, high)| area * Coordinate::span(low, high))
    }

    /// The sum of the sides.
    pub(super) fn margin(&self, shape: &Shape) -> f64 {
        let spans = self.pairs(shape).rev();
        spans.fold(0.0, |margin, (low, high)| margin + (high.number() - low.number()))
    }

    /// Grows to enclose `other`.
    pub(super) fn unite(&mut self, other: &Cell, shape: &Shape) {
        for dimension in 0..shape.dimensions {
            let (low, high) = (dimension * 2, dimension * 2 + 1);
            if other.bounds[low].number() < self.bounds[low].number() {
                self.bounds[low] = other.bounds[low];
            }
            if other.bounds[high].number() > self.bounds[high].number() {
                self.bounds[high] = other.bounds[high];
            }
        }
    }

    /// Whether it encloses `other`.
    pub(super) fn contains(&self, other: &Cell, shape: &Shape) -> bool {
        let mut pairs = self.pairs(shape).zip(other.pairs(shape));
        pairs.all(|(own, other)| {
            let outside = other.0.number() < own.0.number() || other.1.number() > own.1.number();
            !outside
        })
    }

    /// The area that it has in common with `other`.
    pub(super) fn overlap(&self, other: &Cell, shape: &Shape) -> f64 {
        let mut overlap = 1.0;
        for (own, other) in self.pairs(shape).zip(other.pairs(shape)) {
            let low = own.0.number().max(other.0.number());
            let high = own.1.number().min(other.1.number());
            if high < low {
                return 0.0;
            }
            overlap *= high - low;
        }
        overlap
    }
}
