//! A part of the mutants, drawn by a seed: the same seed draws the same ones.

use std::str::FromStr;

/// How many are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sample {
    /// So many.
    Count(usize),
    /// So many of a hundred.
    Percent(usize),
}

impl FromStr for Sample {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no sample: write how many, as 100, or a part, as 10%");
        let sample = match text.strip_suffix('%') {
            Some(part) => Sample::Percent(part.parse().map_err(|_| wrong())?),
            None => Sample::Count(text.parse().map_err(|_| wrong())?),
        };
        match sample {
            Sample::Count(0) | Sample::Percent(0 | 101..) => Err(wrong()),
            fine => Ok(fine),
        }
    }
}

impl Sample {
    /// Draws from `all`, and keeps their order.
    pub(super) fn draw<T>(self, seed: u64, all: Vec<T>) -> Vec<T> {
        let wanted = match self {
            Sample::Count(count) => count.min(all.len()),
            Sample::Percent(part) => (all.len() * part).div_ceil(100),
        };
        let mut state = seed;
        let mut drawn: Vec<(u64, usize, T)> =
            all.into_iter().enumerate().map(|(n, it)| (next(&mut state), n, it)).collect();
        drawn.sort_by_key(|(ticket, n, _)| (*ticket, *n));
        drawn.truncate(wanted);
        drawn.sort_by_key(|(_, n, _)| *n);
        drawn.into_iter().map(|(.., it)| it).collect()
    }
}

/// The next number of Steele, Lea and Flood's SplitMix64.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_draws_the_same_part_in_order() {
        let all: Vec<usize> = (0..200).collect();
        let ten = Sample::Percent(10).draw(7, all.clone());
        assert_eq!((ten.len(), ten.is_sorted()), (20, true));
        assert_eq!(ten, Sample::Count(20).draw(7, all.clone()));
        assert_ne!(ten, Sample::Count(20).draw(8, all.clone()));
        assert_eq!(Sample::Count(500).draw(1, all.clone()), all);
    }

    #[test]
    fn what_is_no_sample_is_refused() {
        for text in ["0", "0%", "101%", "-1", "x", "", "5.5%"] {
            assert!(text.parse::<Sample>().is_err(), "{text}");
        }
    }
}
