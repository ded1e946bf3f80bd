//! One error for the whole library: few kinds that a caller can act on, and the facts needed to act.
//!
//! A kind says what the caller can do, the message what happened, the context where, the offset at which
//! byte, the hint what to do next. Each door maps [`ErrorKind`] with one table (exit codes, Python
//! exceptions, gRPC status).

use std::fmt;

/// The result of everything in Parallax that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a caller can do about an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The operating system refused: permissions, a full disk, a broken device.
    Io,
    /// The input is not what it claims to be. Mend the file, or read leniently.
    Malformed,
    /// The input is valid, but this build cannot handle it. Convert it first.
    Unsupported,
    /// A bound of [`Limits`](crate::Limits) was met. Raise the limit, or read in chunks.
    Limit,
    /// A parameter is wrong: unknown, out of range, of another type, or missing.
    Param,
    /// A file, an id or a column does not exist.
    NotFound,
    /// The other side has ended, or the caller asked to stop.
    Closed,
    /// It did not happen in time.
    Timeout,
    /// Another process or machine broke the protocol or died.
    Peer,
    /// A defect of Parallax. Please report it.
    Internal,
}

impl ErrorKind {
    /// Every kind, in the order of the tables that doors make from them.
    pub const ALL: [Self; 10] = [
        Self::Io,
        Self::Malformed,
        Self::Unsupported,
        Self::Limit,
        Self::Param,
        Self::NotFound,
        Self::Closed,
        Self::Timeout,
        Self::Peer,
        Self::Internal,
    ];

    /// The kind's name in text and JSON: lower case, one word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Io => "io",
            Self::Malformed => "malformed",
            Self::Unsupported => "unsupported",
            Self::Limit => "limit",
            Self::Param => "param",
            Self::NotFound => "not-found",
            Self::Closed => "closed",
            Self::Timeout => "timeout",
            Self::Peer => "peer",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What went wrong, where, and what to do next.
///
/// ```
/// use parallax_events::{Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::Malformed, "the header has no end")
///     .with_context("file", "a.raw")
///     .at_byte(16_384)
///     .with_hint("is it a Prophesee RAW file?");
/// assert_eq!(
///     error.to_string(),
///     "the header has no end (file: a.raw, at byte 16384); is it a Prophesee RAW file?"
/// );
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    context: Vec<(&'static str, String)>,
    offset: Option<u64>,
    hint: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of `kind`. The message starts in lower case and ends without a full stop.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            context: Vec::new(),
            offset: None,
            hint: None,
            source: None,
        }))
    }

    /// Shorthand for [`ErrorKind::Malformed`].
    pub fn malformed(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Malformed, message)
    }

    /// Shorthand for [`ErrorKind::Unsupported`].
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unsupported, message)
    }

    /// Shorthand for [`ErrorKind::Limit`].
    pub fn limit(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Limit, message)
    }

    /// Shorthand for [`ErrorKind::Param`].
    pub fn param(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Param, message)
    }

    /// Shorthand for [`ErrorKind::NotFound`].
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    /// Shorthand for [`ErrorKind::Internal`].
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// Adds where it happened, innermost first: `("file", "a.raw")`, `("column", "t")`.
    #[must_use]
    pub fn with_context(mut self, key: &'static str, value: impl fmt::Display) -> Self {
        self.0.context.push((key, value.to_string()));
        self
    }

    /// Adds the byte offset in the input, counted from its first byte.
    #[must_use]
    pub fn at_byte(mut self, offset: u64) -> Self {
        self.0.offset = Some(offset);
        self
    }

    /// Adds what to do next.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Adds the error that caused this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What happened, without context, offset and hint.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where it happened, as key and value, innermost first.
    pub fn context(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.context.iter().map(|(key, value)| (*key, value.as_str()))
    }

    /// The byte offset in the input, if the error has one.
    pub fn offset(&self) -> Option<u64> {
        self.0.offset
    }

    /// What to do next, if the error knows.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        let mut open = false;
        let mut part = |f: &mut fmt::Formatter<'_>, text: fmt::Arguments<'_>| {
            let lead = if std::mem::replace(&mut open, true) {
                ", "
            } else {
                " ("
            };
            write!(f, "{lead}{text}")
        };
        for (key, value) in &self.0.context {
            part(f, format_args!("{key}: {value}"))?;
        }
        if let Some(offset) = self.0.offset {
            part(f, format_args!("at byte {offset}"))?;
        }
        if open {
            f.write_str(")")?;
        }
        if let Some(source) = &self.0.source {
            write!(f, ": {source}")?;
        }
        if let Some(hint) = &self.0.hint {
            write!(f, "; {hint}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {self}", self.0.kind)
    }
}

impl std::error::Error for Error {
    // The text of the source is part of `Display`; a reporter that walks the chain would print it twice.
}

impl From<std::io::Error> for Error {
    /// A missing file is [`ErrorKind::NotFound`], everything else [`ErrorKind::Io`].
    fn from(error: std::io::Error) -> Self {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => ErrorKind::NotFound,
            std::io::ErrorKind::TimedOut => ErrorKind::Timeout,
            _ => ErrorKind::Io,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<parallax_memory::LoanError> for Error {
    /// No slot, or one that is too small, is [`ErrorKind::Limit`]; what does not fit its type [`ErrorKind::Malformed`].
    fn from(error: parallax_memory::LoanError) -> Self {
        use parallax_memory::LoanError as Loan;
        let kind = match error {
            Loan::Exhausted { .. } | Loan::TooLarge { .. } => ErrorKind::Limit,
            _ => ErrorKind::Malformed,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<arrow_schema::ArrowError> for Error {
    fn from(error: arrow_schema::ArrowError) -> Self {
        Self::new(ErrorKind::Malformed, error.to_string())
    }
}

/// The known word nearest to `word`, for "did you mean": at most a third of its letters differ.
///
/// ```
/// assert_eq!(parallax_events::nearest("regoin", ["region", "polarity"]), Some("region"));
/// assert_eq!(parallax_events::nearest("zebra", ["region", "polarity"]), None);
/// ```
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = (word.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (edit_distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Optimal string alignment distance: a swap of two neighbours counts as one edit.
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let change = usize::from(a[i - 1] != b[j - 1]);
            row[j] = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + change);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}
