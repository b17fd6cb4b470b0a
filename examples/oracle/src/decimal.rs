//! Decimals without floating point: what a host wrote is what is counted, digit by digit.

/// How many places a price is counted in.
const PLACES: usize = 8;

/// `12.5` is 1,250,000,000. Digits beyond the eighth place are dropped. `None` for a sign, an
/// exponent, anything else that is not `digits[.digits]`, and above `u128`.
pub(crate) fn with_eight_places(text: &str) -> Option<u128> {
    let (whole, fraction) = match text.split_once('.') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (text, ""),
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let kept = fraction.bytes().chain(core::iter::repeat(b'0')).take(PLACES);
    whole.bytes().chain(kept).try_fold(0_u128, |number, digit| {
        number.checked_mul(10)?.checked_add(u128::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::with_eight_places;

    #[test]
    fn decimals_are_counted_exactly() {
        assert_eq!(with_eight_places("12.5"), Some(1_250_000_000));
        assert_eq!(with_eight_places("0.00000001"), Some(1));
        assert_eq!(with_eight_places("3"), Some(300_000_000));
        assert_eq!(with_eight_places("1.999999999"), Some(199_999_999));
    }

    #[test]
    fn what_is_no_plain_decimal_is_refused() {
        for text in ["", ".", ".5", "5.", "-1", "+1", "1e3", "1,5", " 1", "0x10", "1.2.3", "٣"] {
            assert_eq!(with_eight_places(text), None, "{text}");
        }
        assert_eq!(with_eight_places(&"9".repeat(40)), None);
    }
}
