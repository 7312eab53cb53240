//! Bytes of a file that nobody keeps: each is a function of the file's name and of its place.

use sha2::{Digest as _, Sha256, Sha512};

use crate::base::permit::hex;

/// Bytes made at once.
const PIECE: u64 = 64 << 10;
/// What an image of the format is once unpacked.
const VIRTUAL_SIZE: u64 = 10 << 30;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content {
    seed: u64,
    size: u64,
    qcow2: bool,
    spoilt: bool,
}

impl Content {
    /// So many bytes that a name decides; `format` decides how they begin.
    pub fn of(name: &str, size: u64, format: &str) -> Self {
        let seed = Sha256::digest(name).iter().take(8).fold(0, |seed, byte| seed << 8 | u64::from(*byte));
        Content { seed, size, qcow2: format == "qcow2", spoilt: false }
    }

    /// How many bytes there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The same but for its last byte.
    #[must_use]
    pub fn spoilt(self) -> Self {
        Content { spoilt: true, ..self }
    }

    /// Its SHA-512, hexadecimal.
    pub fn sha512(self) -> String {
        let mut digest = Sha512::new();
        self.pieces(0, self.size).for_each(|piece| digest.update(piece));
        hex(&digest.finalize())
    }

    /// The bytes from one to before another, piece by piece.
    pub fn pieces(self, from: u64, until: u64) -> impl Iterator<Item = Vec<u8>> + Send {
        let until = until.min(self.size);
        let piece = move |start: u64| self.piece(start, (until - start).min(PIECE));
        std::iter::successors(Some(from), |start| start.checked_add(PIECE))
            .take_while(move |start| *start < until)
            .map(piece)
    }

    fn piece(self, from: u64, length: u64) -> Vec<u8> {
        let words = from / 8..(from + length).div_ceil(8);
        let mut bytes: Vec<u8> = Vec::with_capacity(length as usize + 16);
        words.for_each(|n| bytes.extend_from_slice(&scramble(self.seed ^ n).to_le_bytes()));
        bytes.drain(..(from % 8) as usize);
        bytes.truncate(length as usize);
        let mut put = |place: u64, byte: u8| {
            let there = place.checked_sub(from).and_then(|n| bytes.get_mut(n as usize));
            there.into_iter().for_each(|b| *b = byte);
        };
        if self.qcow2 {
            (0..).zip(header()).for_each(|(place, byte)| put(place, byte));
        }
        if self.spoilt {
            put(self.size.saturating_sub(1), 0);
        }
        bytes
    }
}

/// How a qcow2 begins: what it is, its version, no backing file, clusters of 64 KiB, and what it is once unpacked.
fn header() -> impl Iterator<Item = u8> {
    let (magic, version, clusters) = (*b"QFI\xfb", 3u32.to_be_bytes(), 16u32.to_be_bytes());
    magic.into_iter().chain(version).chain([0; 12]).chain(clusters).chain(VIRTUAL_SIZE.to_be_bytes())
}

/// SplitMix64's function of a counter.
fn scramble(counter: u64) -> u64 {
    let mut z = counter.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(content: Content, from: u64) -> Vec<u8> {
        content.pieces(from, content.size()).flatten().collect()
    }

    #[test]
    fn a_rest_is_the_end_of_the_whole_wherever_it_begins() {
        let content = Content::of("image", 3 * PIECE + 5, "qcow2");
        let whole = bytes(content, 0);
        assert_eq!(whole.len() as u64, content.size());
        assert!(whole.starts_with(b"QFI\xfb\0\0\0\x03"));
        assert_eq!(whole[24..32], VIRTUAL_SIZE.to_be_bytes());
        for from in [1, 7, 8, 27, PIECE - 1, PIECE, 2 * PIECE + 3, content.size() - 1, content.size()] {
            assert_eq!(bytes(content, from), whole[from as usize..], "from {from}");
        }
    }

    #[test]
    fn a_name_decides_it_and_one_spoilt_byte_is_another_digest() {
        let content = Content::of("image", 1000, "raw");
        assert_eq!(content.sha512(), Content::of("image", 1000, "raw").sha512());
        assert_ne!(content.sha512(), Content::of("other", 1000, "raw").sha512());
        assert_ne!(content.sha512(), content.spoilt().sha512());
        assert_eq!(bytes(content, 0)[..999], bytes(content.spoilt(), 0)[..999]);
        assert_eq!(bytes(Content::of("nothing", 0, "qcow2"), 0), b"");
    }
}
