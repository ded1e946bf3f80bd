//! What was wrong with the data, counted and located. Dirty data is a report, not a failure.
//!
//! Every reader returns one. With `strict`, the first finding that [is a fault](FindingKind::is_fault)
//! becomes the error of the read.

use std::fmt;

use serde::Serialize;

use crate::{Error, Result};

/// What kind of oddity was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FindingKind {
    /// Data before the first time stamp, which therefore have no time. Normal at the start of a RAW file.
    BeforeFirstTime,
    /// Valid words of types that this reader does not hand out (triggers, IMU samples, vendor words).
    OtherData,
    /// Words of no known type.
    UnknownWord,
    /// A time stamp before its predecessor.
    TimeBack,
    /// A time word of the sensor that steps back and is no wrap. The last one counts; whether events are out of
    /// order for it, [`TimeBack`](Self::TimeBack) says.
    ClockBack,
    /// An event outside the declared geometry; it is not handed out.
    OutsideGeometry,
    /// The input ends inside a word, a record or a block.
    TruncatedTail,
    /// A line or record that does not parse; it is skipped.
    BadRecord,
    /// Two statements of the same fact differ; the finding says which one won.
    Conflict,
    /// A fact that the input does not state was taken from elsewhere.
    Assumed,
    /// Events that an operator dropped since there were more than a rate allows; the finding says by which policy.
    RateLimited,
}

impl FindingKind {
    /// Whether `strict` reading refuses it. Normal start-up words and other data are no fault.
    pub const fn is_fault(self) -> bool {
        !matches!(
            self,
            Self::BeforeFirstTime | Self::OtherData | Self::Assumed | Self::RateLimited
        )
    }

    /// A short text for a person.
    pub const fn title(self) -> &'static str {
        match self {
            Self::BeforeFirstTime => "data before the first time stamp dropped",
            Self::OtherData => "other data skipped",
            Self::UnknownWord => "unknown words skipped",
            Self::TimeBack => "time goes back",
            Self::ClockBack => "the sensor's clock steps back",
            Self::OutsideGeometry => "events outside the sensor dropped",
            Self::TruncatedTail => "truncated at the end",
            Self::BadRecord => "unreadable records skipped",
            Self::Conflict => "contradiction",
            Self::Assumed => "assumed",
            Self::RateLimited => "events over the rate limit dropped",
        }
    }
}

/// One kind of oddity with how often and where first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is.
    pub kind: FindingKind,
    /// How often.
    pub count: u64,
    /// The byte offset of the first one, where the input has offsets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_byte: Option<u64>,
    /// The index of the event at (or before) which the first one stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_event: Option<u64>,
    /// What exactly, from the first one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// The findings of one read.
///
/// ```
/// use parallax_events::{FindingKind, Report};
///
/// let mut report = Report::default();
/// report.note(FindingKind::TimeBack, 1, Some(4_096), Some(20_121), || "811 us, then 800 us".into());
/// report.note(FindingKind::TimeBack, 2, Some(9_000), None, String::new);
/// assert_eq!(report.count(FindingKind::TimeBack), 3);
/// assert!(report.first_fault().is_some());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Report {
    findings: Vec<Finding>,
}

impl Report {
    /// Adds `count` oddities of one kind. `first_byte`, `first_event` and `detail` are those of the first of
    /// them, and are kept only if this kind is new; `detail` is called only then. Findings of the kinds
    /// `Conflict`, `Assumed`, `OtherData` and `RateLimited` are told apart by their detail.
    pub fn note(
        &mut self,
        kind: FindingKind,
        count: u64,
        first_byte: Option<u64>,
        first_event: Option<u64>,
        detail: impl FnOnce() -> String,
    ) {
        if count == 0 {
            return;
        }
        let by_detail = matches!(
            kind,
            FindingKind::Conflict | FindingKind::Assumed | FindingKind::OtherData | FindingKind::RateLimited
        );
        if by_detail {
            let detail = detail();
            match self
                .findings
                .iter_mut()
                .find(|f| f.kind == kind && f.detail == detail)
            {
                Some(known) => known.count = known.count.saturating_add(count),
                None => self.findings.push(Finding {
                    kind,
                    count,
                    first_byte,
                    first_event,
                    detail,
                }),
            }
            return;
        }
        match self.findings.iter_mut().find(|f| f.kind == kind) {
            Some(known) => known.count = known.count.saturating_add(count),
            None => self.findings.push(Finding {
                kind,
                count,
                first_byte,
                first_event,
                detail: detail(),
            }),
        }
    }

    /// All findings, in the order in which their kinds first came up.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Whether nothing at all was noted.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    /// How often `kind` came up.
    pub fn count(&self, kind: FindingKind) -> u64 {
        self.findings
            .iter()
            .filter(|f| f.kind == kind)
            .map(|f| f.count)
            .sum()
    }

    /// The first finding that strict reading refuses.
    pub fn first_fault(&self) -> Option<&Finding> {
        self.findings.iter().find(|f| f.kind.is_fault())
    }

    /// The first fault as the error that strict reading returns.
    pub fn check_strict(&self) -> Result<()> {
        let Some(fault) = self.first_fault() else {
            return Ok(());
        };
        let mut error =
            Error::malformed(fault.to_string()).with_hint("read without `strict` to go on past it");
        if let Some(offset) = fault.first_byte {
            error = error.at_byte(offset);
        }
        Err(error)
    }

    /// Adds the findings of `other`, whose event indices start `first_event` events into this stream.
    pub fn absorb(&mut self, other: &Self, first_event: u64) {
        for f in &other.findings {
            let event = f.first_event.map(|index| index.saturating_add(first_event));
            self.note(f.kind, f.count, f.first_byte, event, || f.detail.clone());
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.title())?;
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        if self.count > 1 {
            write!(f, " ({} times)", self.count)?;
        }
        if let Some(event) = self.first_event {
            write!(f, ", first at event {event}")?;
        }
        Ok(())
    }
}
