//! Durations and sizes as operators write them: `30s`, `1h 5m`, `1.5min`, `1024MiB`.

use std::time::Duration;

use super::error::{Error, ErrorKind, Result};

const TIME: &[(&[&str], f64)] = &[
    (&["ms", "millisecond", "milliseconds"], 1e-3),
    (&["s", "sec", "secs", "second", "seconds"], 1.0),
    (&["m", "min", "mins", "minute", "minutes"], 60.0),
    (&["h", "hour", "hours"], 3600.0),
    (&["d", "day", "days"], 86_400.0),
];

const SIZE: &[(&[&str], f64)] = &[
    (&["B", ""], 1.0),
    (&["kB", "KB"], 1e3),
    (&["MB"], 1e6),
    (&["GB"], 1e9),
    (&["TB"], 1e12),
    (&["KiB", "K"], 1024.0),
    (&["MiB", "M"], 1_048_576.0),
    (&["GiB", "G"], 1_073_741_824.0),
    (&["TiB", "T"], 1_099_511_627_776.0),
];

/// The longest duration taken: 10 years. More is a mistake in a unit.
const LONGEST: f64 = 10.0 * 365.0 * 86_400.0;

/// Reads a duration: one or more numbers with units, added up (`"1h 5m"`).
pub fn parse(text: &str) -> Result<Duration> {
    let seconds =
        sum(text, TIME, false).filter(|s| s.is_finite() && (0.0..=LONGEST).contains(s)).ok_or_else(|| {
            Error::new(ErrorKind::Argument, format!("`{text}` is not a duration"))
                .help("write a number and a unit: 500ms, 30s, 20min, 2h, 1h 5m")
        })?;
    Ok(Duration::from_secs_f64(seconds))
}

/// Reads a size in bytes: one number with a unit (`"8GiB"`, `"500 MB"`, `"4096"`).
pub fn parse_size(text: &str) -> Result<u64> {
    sum(text, SIZE, true).filter(|b| b.is_finite() && (0.0..9.0e15).contains(b)).map(|b| b as u64).ok_or_else(
        || {
            Error::new(ErrorKind::Argument, format!("`{text}` is not a size"))
                .help("write a number and a unit: 4096, 500MB, 1024MiB, 8GiB")
        },
    )
}

fn sum(text: &str, units: &[(&[&str], f64)], single: bool) -> Option<f64> {
    let mut rest = text.trim();
    let mut total = 0.0;
    let mut parts = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number: f64 = rest[..end].parse().ok()?;
        rest = rest[end..].trim_start();
        let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let unit = &rest[..end];
        let (_, factor) = units.iter().find(|(names, _)| names.contains(&unit))?;
        total += number * factor;
        rest = rest[end..].trim_start();
        parts += 1;
    }
    (parts == 1 || (parts > 1 && !single)).then_some(total)
}

/// A duration for people, with the two largest units: `3m 30s`, `1h 5m`, `250ms`.
pub fn show(duration: Duration) -> String {
    let ms = duration.as_millis();
    if ms < 1000 {
        return format!("{ms}ms");
    }
    let s = duration.as_secs();
    if s < 60 {
        let tenth = (ms % 1000) / 100;
        return if s < 10 && tenth > 0 { format!("{s}.{tenth}s") } else { format!("{s}s") };
    }
    let pair = |a: u64, an: &str, b: u64, bn: &str| match b {
        0 => format!("{a}{an}"),
        _ => format!("{a}{an} {b}{bn}"),
    };
    match s {
        ..3600 => pair(s / 60, "m", s % 60, "s"),
        3600..86_400 => pair(s / 3600, "h", s % 3600 / 60, "m"),
        _ => pair(s / 86_400, "d", s % 86_400 / 3600, "h"),
    }
}

/// Seconds as journals keep them, for people; what is no duration shows as `0ms`.
pub fn show_seconds(seconds: f64) -> String {
    show(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

/// A size for people: `1.0 GiB`, `512 B`.
pub fn show_size(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1024.0 {
            return if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") };
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_operators_write() {
        for (text, seconds) in [
            ("30s", 30.0),
            ("20min", 1200.0),
            ("1h 5m", 3900.0),
            ("1.5min", 90.0),
            ("250ms", 0.25),
            ("2d", 172_800.0),
            ("10 s", 10.0),
        ] {
            assert_eq!(parse(text).unwrap().as_secs_f64(), seconds, "{text}");
        }
        assert_eq!(parse_size("8GiB").unwrap(), 8 << 30);
        assert_eq!(parse_size("1024MiB").unwrap(), 1 << 30);
        assert_eq!(parse_size("4096").unwrap(), 4096);
    }

    #[test]
    fn refuses_what_could_mean_two_things() {
        for text in ["", "30", "s", "-5s", "30 x", "1e3s", "9999999999h", "1..5s", "5m m"] {
            assert_eq!(parse(text).unwrap_err().kind(), ErrorKind::Argument, "{text}");
        }
        for text in ["", "GiB", "1GiB 2MiB", "12 parsecs", "99999999TiB"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn shows_two_units_at_most() {
        for (seconds, text) in [
            (0.25, "250ms"),
            (3.5, "3.5s"),
            (42.0, "42s"),
            (210.0, "3m 30s"),
            (3900.0, "1h 5m"),
            (172_800.0, "2d"),
        ] {
            assert_eq!(show(Duration::from_secs_f64(seconds)), text);
            assert_eq!(show_seconds(seconds), text);
        }
        assert_eq!(show_seconds(-1.0), "0ms");
        assert_eq!(show_seconds(f64::NAN), "0ms");
    }
}
