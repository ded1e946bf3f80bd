//! Ranges of time as the command reads them: `1s..2s`, `+0..+100ms`, `1s..`, `..`.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use super::quantity::{print_time, read_time};
use crate::chain::shown;
use crate::{Error, Nanos, Result, TimeUnit};

/// A half-open range of time: its start is inside, its end is not.
///
/// `a..b` is recorded time; `+a..+b` counts from the first event. Either end may be left out. A number needs a unit,
/// except 0. Printing and parsing are inverse.
///
/// ```
/// use parallax_events::{Nanos, TimeRange};
///
/// let range: TimeRange = "+0..+1.5ms".parse()?;
/// assert!(range.is_relative());
/// assert_eq!(range.bounds(Nanos(7_000))?, (Some(Nanos(7_000)), Some(Nanos(1_507_000))));
/// assert_eq!(range.to_string(), "+0ns..+1500us");
///
/// let error = "1000..2000".parse::<TimeRange>().unwrap_err();
/// assert!(error.to_string().contains("a time needs a unit, such as `1000ms`"));
/// # Ok::<(), parallax_events::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimeRange {
    start: Option<Nanos>,
    end: Option<Nanos>,
    relative: bool,
}

impl TimeRange {
    /// All time.
    pub const ALL: Self = Self {
        start: None,
        end: None,
        relative: false,
    };

    /// `start..end` in recorded time.
    ///
    /// # Errors
    /// [`ErrorKind::Param`](crate::ErrorKind::Param) if the end does not lie behind the start.
    pub fn absolute(start: Option<Nanos>, end: Option<Nanos>) -> Result<Self> {
        Self {
            start,
            end,
            relative: false,
        }
        .checked()
    }

    /// `+start..+end`, counted from the first event.
    ///
    /// # Errors
    /// [`ErrorKind::Param`](crate::ErrorKind::Param) if an end is negative or does not lie behind the start.
    pub fn relative(start: Option<Nanos>, end: Option<Nanos>) -> Result<Self> {
        let relative = start.is_some() || end.is_some();
        Self { start, end, relative }.checked()
    }

    /// The first nanosecond inside, as given.
    pub const fn start(&self) -> Option<Nanos> {
        self.start
    }

    /// The first nanosecond behind, as given.
    pub const fn end(&self) -> Option<Nanos> {
        self.end
    }

    /// Whether the ends count from the first event.
    pub const fn is_relative(&self) -> bool {
        self.relative
    }

    /// Start and end in recorded time, for a stream whose first event is at `first`.
    ///
    /// # Errors
    /// [`ErrorKind::Param`](crate::ErrorKind::Param) if an end leaves 64 bits of nanoseconds.
    pub fn bounds(&self, first: Nanos) -> Result<(Option<Nanos>, Option<Nanos>)> {
        let origin = if self.relative { first.0 } else { 0 };
        let shift = |time: Nanos| {
            time.0.checked_add(origin).map(Nanos).ok_or_else(|| {
                Error::param(format!(
                    "the time range {self} ends beyond what 64 bits of nanoseconds hold"
                ))
                .with_context("first event", format!("{first}"))
            })
        };
        Ok((
            self.start.map(shift).transpose()?,
            self.end.map(shift).transpose()?,
        ))
    }

    /// The ends as whole units of a stream's time, as far as 64 bits go: a time in this range lies in that, and no other
    /// does. An end that is left out is the first or the last number there is.
    pub fn in_units(&self, unit: TimeUnit) -> Range<i64> {
        // t units >= start ns exactly if t >= start rounded up to whole units; likewise for the end.
        let units = |nanos: Nanos| -(-i128::from(nanos.0)).div_euclid(i128::from(unit.nanos())) as i64;
        self.start.map_or(i64::MIN, units)..self.end.map_or(i64::MAX, units)
    }

    fn checked(self) -> Result<Self> {
        if let (Some(start), Some(end)) = (self.start, self.end)
            && start >= end
        {
            return Err(Error::param(format!("the time range {self} is empty"))
                .with_hint("its end, which is not inside, must lie behind its start"));
        }
        if self.relative && [self.start, self.end].iter().flatten().any(|time| time.0 < 0) {
            return Err(
                Error::param(format!("the time range {self} begins before the first event"))
                    .with_hint("`+` counts from the first event on"),
            );
        }
        Ok(self)
    }
}

impl FromStr for TimeRange {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refuse = |reason: String| {
            Error::param(format!("`{}` is no time range: {reason}", shown(text)))
                .with_hint("write `1s..2s` for recorded time, `+0..+100ms` to count from the first event")
        };
        let (start, end) = text
            .split_once("..")
            .ok_or_else(|| refuse("`..` is missing".to_owned()))?;
        let read = |end: &str| match end {
            "" => Ok(None),
            end => read_time(end)
                .map(|nanos| Some((Nanos(nanos), end.starts_with('+'))))
                .map_err(refuse),
        };
        match (read(start.trim())?, read(end.trim())?) {
            (Some((_, a)), Some((_, b))) if a != b => Err(refuse(
                "one end counts from the first event, the other does not".to_owned(),
            )),
            (start, end) => {
                let relative = start.or(end).is_some_and(|(_, relative)| relative);
                Self {
                    start: start.map(|(time, _)| time),
                    end: end.map(|(time, _)| time),
                    relative,
                }
                .checked()
            }
        }
    }
}

impl fmt::Display for TimeRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.relative { "+" } else { "" };
        let print = |time: Option<Nanos>| time.map(|time| format!("{sign}{}", print_time(time.0)));
        write!(
            f,
            "{}..{}",
            print(self.start).unwrap_or_default(),
            print(self.end).unwrap_or_default()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ends_may_be_absent_and_must_agree() {
        let parse = |text: &str| text.parse::<TimeRange>();
        assert_eq!(parse("..").unwrap(), TimeRange::ALL);
        assert_eq!(
            parse("1s..").unwrap(),
            TimeRange::absolute(Some(Nanos(1_000_000_000)), None).unwrap()
        );
        assert_eq!(
            parse("..+5us").unwrap(),
            TimeRange::relative(None, Some(Nanos(5_000))).unwrap()
        );
        assert_eq!(parse("-1s..0").unwrap().start(), Some(Nanos(-1_000_000_000)));
        assert_eq!(parse("1.5s..2s").unwrap().end(), Some(Nanos(2_000_000_000)));
        for text in [
            "",
            "1s",
            "1s...2s",
            "0..+1s",
            "+0..1s",
            "2s..1s",
            "1s..1s",
            "1..2",
            "1s..2s..3s",
            "a..b",
            "+-1s..+2s",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(TimeRange::relative(Some(Nanos(-1)), None).is_err());
        assert!(
            parse("+0..+9223372036854775807ns")
                .unwrap()
                .bounds(Nanos(1))
                .is_err()
        );
    }

    proptest! {
        #[test]
        fn parsing_undoes_printing(a: Option<i64>, b: Option<i64>, relative: bool) {
            let make = if relative { TimeRange::relative } else { TimeRange::absolute };
            if let Ok(range) = make(a.map(Nanos), b.map(Nanos)) {
                prop_assert_eq!(range.to_string().parse::<TimeRange>().unwrap(), range);
            }
        }

        #[test]
        fn no_text_panics(text in "[-+0-9.msu]{0,20}|\\PC{0,20}") {
            let _ = text.parse::<TimeRange>();
        }
    }
}
