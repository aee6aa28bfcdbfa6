//! Colours that stay apart: for all eyes, and on paper that knows no colour where there is an order.
//!
//! What pages are used for has its colours in [`crate::inspect::vocabulary`]; here are those of owners and of scales. A test looks at each
//! palette as people do who lack one of the three kinds of cones, and asks that no two colours come closer than what is told apart at a glance.

/// Colours from low to high that stay apart in grey and for all eyes.
pub(crate) const SCALE: [(&str, u8); 6] = [
    ("#440154", 53),
    ("#414487", 60),
    ("#2a788e", 30),
    ("#22a884", 36),
    ("#7ad151", 113),
    ("#fde725", 226),
];

/// The step of [`SCALE`] for a part of a hundred.
pub(crate) fn scale_step(part: u8) -> usize {
    (usize::from(part.min(100)) * SCALE.len() / 101).min(SCALE.len() - 1)
}

/// Owners with a colour of their own.
pub(crate) const OWNERS_MAX: usize = 8;

/// Colours of owners, the largest first.
pub(crate) const OWNERS: [(&str, u8); OWNERS_MAX] = [
    ("#348df4", 33),
    ("#ffd427", 221),
    ("#116e48", 29),
    ("#f9450e", 202),
    ("#f183d6", 212),
    ("#673506", 52),
    ("#0b2c65", 18),
    ("#8148aa", 97),
];

/// The colour of all other owners together.
pub(crate) const OTHERS: (&str, u8) = ("#909090", 247);

/// The colour of what has no owner, or no place on the scale.
pub(crate) const NONE: (&str, u8) = ("#e6e6e6", 255);

/// Red, green and blue of a colour that CSS writes as `#rrggbb`.
pub(crate) fn channels(colour: &str) -> Option<[u8; 3]> {
    let digits = colour.strip_prefix('#')?;
    let channel = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    Some([channel(0)?, channel(2)?, channel(4)?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::PageUse;

    type Vector = [f64; 3];
    type Matrix = [Vector; 3];

    /// What is left of light's three numbers for people without one kind of cone (Machado, Oliveira and Fernandes 2009), and for all others.
    const EYES: [(&str, Matrix); 4] = [
        ("all cones", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
        (
            "deuteranopia",
            [
                [0.367322, 0.860646, -0.227968],
                [0.280085, 0.672501, 0.047413],
                [-0.011820, 0.042940, 0.968881],
            ],
        ),
        (
            "protanopia",
            [
                [0.152286, 1.052583, -0.204868],
                [0.114503, 0.786281, 0.099216],
                [-0.003882, -0.048116, 1.051998],
            ],
        ),
        (
            "tritanopia",
            [
                [1.255528, -0.076749, -0.178779],
                [-0.078411, 0.930809, 0.147602],
                [0.004733, 0.691367, 0.303900],
            ],
        ),
    ];

    fn times(matrix: &Matrix, vector: Vector) -> Vector {
        matrix.map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum())
    }

    /// A colour's light, as one kind of eyes has it, in CIE L*a*b*, where equal distances look equal.
    fn seen(colour: [u8; 3], eyes: &Matrix) -> Vector {
        const TO_XYZ: Matrix = [
            [0.412_456_4, 0.357_576_1, 0.180_437_5],
            [0.212_672_9, 0.715_152_2, 0.072_175_0],
            [0.019_333_9, 0.119_192_0, 0.950_304_1],
        ];
        let light = colour.map(|channel| {
            let c = f64::from(channel) / 255.0;
            if c <= 0.04045 {
                c / 12.92
            } else {
                ((c + 0.055) / 1.055).powf(2.4)
            }
        });
        let light = times(eyes, light).map(|c| c.clamp(0.0, 1.0));
        let [x, y, z] = times(&TO_XYZ, light);
        let [x, y, z] = [x / 0.95047, y, z / 1.08883].map(|c| {
            if c > 0.008856 {
                c.cbrt()
            } else {
                7.787 * c + 16.0 / 116.0
            }
        });
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    /// The colours of a terminal with 256 of them, those behind the first sixteen.
    fn of_terminal(number: u8) -> [u8; 3] {
        const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
        if number >= 232 {
            return [8 + 10 * (number - 232); 3];
        }
        let place = usize::from(number - 16);
        [STEPS[place / 36], STEPS[place / 6 % 6], STEPS[place % 6]]
    }

    #[track_caller]
    fn stay_apart(what: &str, colours: &[[u8; 3]], least: f64) {
        for (eyes, matrix) in &EYES {
            let seen: Vec<Vector> = colours.iter().map(|colour| seen(*colour, matrix)).collect();
            for (index, a) in seen.iter().enumerate() {
                for (other, b) in seen.iter().enumerate().skip(index + 1) {
                    let distance = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
                    assert!(
                        distance >= least,
                        "{what}: {index} and {other} are {distance:.1} apart with {eyes}"
                    );
                }
            }
        }
    }

    fn both(colours: impl Iterator<Item = (&'static str, u8)>) -> (Vec<[u8; 3]>, Vec<[u8; 3]>) {
        colours
            .map(|(css, terminal)| (channels(css).unwrap(), of_terminal(terminal)))
            .unzip()
    }

    #[test]
    fn no_two_uses_look_alike_to_anybody() {
        let uses = PageUse::ALL.map(PageUse::words);
        let (css, terminal) = both(uses.iter().map(|words| (words.colour, words.terminal)));
        stay_apart("uses", &css, 22.0);
        stay_apart("uses in a terminal", &terminal, 18.0);
    }

    #[test]
    fn no_two_owners_look_alike_to_anybody() {
        let (css, terminal) = both(OWNERS.into_iter().chain([OTHERS, NONE]));
        stay_apart("owners", &css, 22.0);
        stay_apart("owners in a terminal", &terminal, 18.0);
    }

    #[test]
    fn the_steps_of_a_scale_get_brighter_for_everybody() {
        for (eyes, matrix) in &EYES {
            let bright: Vec<f64> = SCALE
                .iter()
                .map(|(css, _)| seen(channels(css).unwrap(), matrix)[0])
                .collect();
            assert!(
                bright.windows(2).all(|pair| pair[0] + 5.0 < pair[1]),
                "{eyes}: {bright:?}"
            );
        }
        let (css, _) = both(SCALE.into_iter());
        stay_apart("scale", &css, 17.0);
    }
}
