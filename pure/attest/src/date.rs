//! Dates for people: RFC 3339 in UTC, to the second. Not here: a clock, time zones, leap seconds.

use sotto_types::Time;

const DAY: u64 = 86_400;
/// The last second of the year 9999, where RFC 3339 ends.
const END: u64 = 253_402_300_799;

/// `2026-11-20T12:50:00Z`. Times after the year 9999 are shown as its last second.
pub fn rfc3339(time: Time) -> String {
    let seconds = time.0.min(END);
    let (year, month, day) = civil(seconds / DAY);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Reads a date as `2026-11-20T12:50:00Z`, `2026-11-20T12:50Z` or `2026-11-20`: UTC, from 1970 to
/// 9999. `None` for anything else.
pub fn parse(text: &str) -> Option<Time> {
    let (date, clock) = match text.split_once(['T', 't']) {
        Some((date, clock)) => (date, clock.strip_suffix(['Z', 'z'])?),
        None => (text, "00:00"),
    };
    let [year, month, day] = numbers(date, '-', &[4, 2, 2])?.try_into().ok()?;
    let [hour, minute, second] = match clock.len() {
        5 => [numbers(clock, ':', &[2, 2])?, vec![0]].concat(),
        _ => numbers(clock, ':', &[2, 2, 2])?,
    }
    .try_into()
    .ok()?;
    if year < 1970 || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // The days before the year, and then day by day: simple, and at most 366 steps.
    let first = days_before(year);
    let days = (first..first + 366).find(|days| civil(*days) == (year, month, day))?;
    Some(Time(days * DAY + hour * 3600 + minute * 60 + second))
}

fn numbers(text: &str, separator: char, widths: &[usize]) -> Option<Vec<u64>> {
    let parts: Vec<&str> = text.split(separator).collect();
    let fits = parts.len() == widths.len()
        && parts.iter().zip(widths).all(|(part, width)| {
            part.len() == *width && part.bytes().all(|byte| byte.is_ascii_digit())
        });
    if !fits {
        return None;
    }
    parts.iter().map(|part| part.parse().ok()).collect()
}

/// Days from 1970-01-01 to the first of January of `year`.
const fn days_before(year: u64) -> u64 {
    let last = year - 1;
    let leaps = last / 4 - last / 100 + last / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400);
    (year - 1970) * 365 + leaps
}

/// Year, month and day of a count of days since 1970-01-01 (the proleptic Gregorian calendar, in
/// eras of 400 years that begin in March).
const fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400;
    (if month <= 2 { year + 1 } else { year }, month, day)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::{parse, rfc3339};
    use sotto_types::Time;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let known = [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_765_324_800, "2025-12-10T00:00:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ];
        for (seconds, text) in known {
            assert_eq!(rfc3339(Time(seconds)), text);
            assert_eq!(parse(text), Some(Time(seconds)), "{text}");
        }
        assert_eq!(rfc3339(Time(u64::MAX)), "9999-12-31T23:59:59Z");
    }

    #[test]
    fn every_day_is_read_as_it_is_written() {
        for day in 0..60_000 {
            let time = Time(day * 86_400 + day % 86_400);
            assert_eq!(parse(&rfc3339(time)), Some(time));
        }
    }

    #[test]
    fn shorter_forms_are_read_and_others_are_not() {
        assert_eq!(parse("2025-12-10"), Some(Time(1_765_324_800)));
        assert_eq!(parse("2025-12-10T00:01Z"), Some(Time(1_765_324_860)));
        let wrong = [
            "",
            "T",
            "2025",
            "2025-12-10T00:00:00",
            "2025-12-10T00:00:00+01:00",
            "2025-02-29",
            "2025-13-01",
            "2025-00-10",
            "2025-12-00",
            "2025-12-10T24:00Z",
            "2025-12-10T00:60Z",
            "2025-12-10T00:00:60Z",
            "1969-12-31",
            "10000-01-01",
            "+025-12-10",
            "2025-12-1é",
            "2025-12-10T00Z",
            "2025-12-10T00:00:00.5Z",
            "2025-12-10 00:00:00Z",
        ];
        for text in wrong {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
