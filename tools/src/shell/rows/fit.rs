//! How wide each column of a grid may be.
//!
//! ```text
//!   natural widths   4  11  200  90        room 80
//!   cap              4  11   32  33        the widest give way, all to the same cap
//! ```

/// A column is not made narrower than this; a grid that would need it is no grid any more.
const WIDTH_MIN: usize = 10;

/// The widths that fit, or `None` if the columns could not be read any more. `room` is what is left for values.
pub(super) fn fit(natural: &[usize], room: usize) -> Option<Vec<usize>> {
    if natural.iter().sum::<usize>() <= room {
        return Some(natural.to_vec());
    }
    let least: usize = natural.iter().map(|width| (*width).min(WIDTH_MIN)).sum();
    if least > room {
        return None;
    }
    let cap = cap_for(natural, room);
    let mut widths: Vec<usize> = natural.iter().map(|width| (*width).min(cap)).collect();
    let mut left = room - widths.iter().sum::<usize>();
    for (width, natural) in widths.iter_mut().zip(natural) {
        if left > 0 && *width < *natural {
            *width += 1;
            left -= 1;
        }
    }
    Some(widths)
}

/// The largest cap with which all columns fit.
fn cap_for(natural: &[usize], room: usize) -> usize {
    let mut sorted = natural.to_vec();
    sorted.sort_unstable();
    let mut left = room;
    for (place, width) in sorted.iter().enumerate() {
        let share = left / (sorted.len() - place);
        if *width > share {
            return share.max(WIDTH_MIN);
        }
        left -= width;
    }
    sorted.last().copied().unwrap_or(WIDTH_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widest_give_way_and_the_room_is_used() {
        assert_eq!(fit(&[4, 11, 20], 80), Some(vec![4, 11, 20]));
        assert_eq!(fit(&[4, 11, 200, 90], 80), Some(vec![4, 11, 33, 32]));
        assert_eq!(fit(&[100, 100], 15), None);
        assert_eq!(fit(&[3, 100], 13), Some(vec![3, 10]));
    }

    #[test]
    fn what_fits_is_never_wider_than_the_room() {
        let mut seed = 7_u64;
        for _ in 0..2000 {
            let mut next = || {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (seed >> 40) as usize
            };
            let natural: Vec<usize> = (0..1 + next() % 12).map(|_| 1 + next() % 60).collect();
            let room = next() % 200;
            if let Some(widths) = fit(&natural, room) {
                assert!(
                    widths.iter().sum::<usize>() <= room,
                    "{natural:?} in {room}: {widths:?}"
                );
                assert!(
                    widths
                        .iter()
                        .zip(&natural)
                        .all(|(width, natural)| width <= natural && *width > 0)
                );
            }
        }
    }
}
