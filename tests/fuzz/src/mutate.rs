//! Mutations: what an attacker does to a message without the keys to make one, and what a broken
//! sender does by itself. Not here: which of them went deep, which only coverage could tell.

use crate::Chance;

/// The most mutations on top of each other.
const STACKED_MAX: usize = 6;
/// Bytes that stand at the edge of something.
const EDGES: [u8; 10] = [0, 1, 2, 0x0a, 0x20, 0x7f, 0x80, 0xc0, 0xfe, 0xff];
/// Lengths that stand at the edge of something.
const LENGTHS: [u64; 10] =
    [0, 1, 31, 33, 0xff, 0xffff, 0x7fff_ffff, 0xffff_ffff, 1 << 32, u64::MAX];

/// An input made of one of the corpus, which is not empty, by a few mutations; never longer than
/// `max`.
pub fn mutate(chance: &mut Chance, corpus: &[Vec<u8>], max: usize) -> Vec<u8> {
    if chance.once_in(256) {
        return (0..chance.below(max.min(512))).map(|_| chance.byte()).collect();
    }
    let mut input = chance.pick(corpus).clone();
    // Mostly one or two: what is changed everywhere is refused at the first look.
    let stacked = 1 + chance.below(STACKED_MAX).min(chance.below(STACKED_MAX));
    for _ in 0..stacked {
        once(chance, corpus, &mut input);
    }
    input.truncate(max);
    input
}

fn once(chance: &mut Chance, corpus: &[Vec<u8>], input: &mut Vec<u8>) {
    match chance.below(16) {
        0..=2 => flip(chance, input),
        3..=4 => set(chance, input),
        5 => input.truncate(chance.below(input.len() + 1)),
        6 => extend(chance, input),
        7..=8 => splice(chance, corpus, input),
        9..=10 => transplant(chance, corpus, input),
        11..=12 => length(chance, input),
        13 => remove(chance, input),
        14 => repeat(chance, input),
        _ => swap(chance, input),
    }
}

fn flip(chance: &mut Chance, input: &mut [u8]) {
    if !input.is_empty() {
        let at = chance.below(input.len());
        input[at] ^= 1 << chance.below(8);
    }
}

fn set(chance: &mut Chance, input: &mut [u8]) {
    if input.is_empty() {
        return;
    }
    let at = chance.below(input.len());
    input[at] = match chance.below(4) {
        0 => chance.byte(),
        1 => input[at].wrapping_add(1),
        2 => input[at].wrapping_sub(1),
        _ => *chance.pick(&EDGES),
    };
}

fn extend(chance: &mut Chance, input: &mut Vec<u8>) {
    let more = 1 + chance.below(64);
    let zeros = chance.once_in(2);
    input.extend((0..more).map(|_| if zeros { 0 } else { chance.byte() }));
}

/// The beginning of this and the end of another.
fn splice(chance: &mut Chance, corpus: &[Vec<u8>], input: &mut Vec<u8>) {
    let other = chance.pick(corpus);
    let from = chance.below(other.len() + 1);
    // At the same place, half the time: messages of one type have their fields there.
    let to = if chance.once_in(2) { from.min(input.len()) } else { chance.below(input.len() + 1) };
    input.truncate(to);
    input.extend_from_slice(&other[from..]);
}

/// A piece of another, over or into this.
fn transplant(chance: &mut Chance, corpus: &[Vec<u8>], input: &mut Vec<u8>) {
    let other = chance.pick(corpus);
    let from = chance.below(other.len());
    let piece = &other[from..(from + 1 + chance.below(128)).min(other.len())];
    if chance.once_in(3) {
        let at = chance.below(input.len() + 1);
        input.splice(at..at, piece.iter().copied());
    } else if let Some(place) = input.get_mut(from..from + piece.len()) {
        place.copy_from_slice(piece);
    }
}

/// Another number where a length may stand: two, four or eight bytes of either order.
fn length(chance: &mut Chance, input: &mut [u8]) {
    let width = *chance.pick(&[2, 4, 4, 8]);
    if input.len() < width {
        return;
    }
    let at = likely_length(chance, input, width);
    let field = &mut input[at..at + width];
    let little = chance.once_in(2) || width == 4;
    let mut bytes = [0; 8];
    if little {
        bytes[..width].copy_from_slice(field);
    } else {
        bytes[..width].iter_mut().zip(field.iter().rev()).for_each(|(to, from)| *to = *from);
    }
    let now = u64::from_le_bytes(bytes);
    let next = match chance.below(5) {
        0 => now.wrapping_add(1),
        1 => now.wrapping_sub(1),
        2 => now.wrapping_mul(2),
        _ => *chance.pick(&LENGTHS),
    };
    let next = next.to_le_bytes();
    if little {
        field.copy_from_slice(&next[..width]);
    } else {
        field.iter_mut().rev().zip(next).for_each(|(to, from)| *to = from);
    }
}

/// A place that reads as a length of what is left, if a few tries find one.
fn likely_length(chance: &mut Chance, input: &[u8], width: usize) -> usize {
    let last = input.len() - width;
    for _ in 0..8 {
        let at = chance.below(last + 1);
        let low = u16::from_le_bytes([input[at], input[at + 1]]) as usize;
        let high = input[at + 2..at + width].iter().all(|byte| *byte == 0);
        if high && low > 0 && low <= input.len() - at {
            return at;
        }
    }
    chance.below(last + 1)
}

fn remove(chance: &mut Chance, input: &mut Vec<u8>) {
    let from = chance.below(input.len());
    let to = (from + 1 + chance.below(40)).min(input.len());
    input.drain(from.min(to)..to);
}

fn repeat(chance: &mut Chance, input: &mut Vec<u8>) {
    let from = chance.below(input.len());
    let to = (from + 1 + chance.below(256)).min(input.len());
    let piece = input[from.min(to)..to].to_vec();
    for _ in 0..=chance.below(4) {
        input.splice(to..to, piece.iter().copied());
    }
}

fn swap(chance: &mut Chance, input: &mut [u8]) {
    let width = *chance.pick(&[1, 8, 32]);
    if input.len() < 2 * width {
        return;
    }
    let first = chance.below(input.len() - 2 * width + 1);
    let second = first + width + chance.below(input.len() - first - 2 * width + 1);
    let (left, right) = input.split_at_mut(second);
    left[first..first + width].swap_with_slice(&mut right[..width]);
}
