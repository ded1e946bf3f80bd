//! [`Location`]: where a sink writes: one file, or with a number in its name a file for each packet.

use std::path::{Path, PathBuf};

use parallax_events::{Error, Result};

/// The path of one file, or the paths of many: `frame-%05d.png` is `frame-00000.png`, `frame-00001.png` and so on, with
/// at least so many digits; `%%` is a percent sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Location {
    One(PathBuf),
    Numbered {
        before: String,
        digits: usize,
        behind: String,
    },
}

impl Location {
    /// # Errors
    /// [`ErrorKind::Param`](parallax_events::ErrorKind) if there is a `%` that is none of these, or more than one number.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let wrong = |what: &str| {
            Error::param(format!("the location \"{text}\" {what}"))
                .with_hint("write one %d or %05d where the number goes, %% for a percent sign")
        };
        let (mut parts, mut digits) = (vec![String::new()], None);
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('%') {
            let part = parts.last_mut().ok_or_else(|| Error::internal("no part"))?;
            part.push_str(before);
            if let Some(behind) = behind.strip_prefix('%') {
                part.push('%');
                rest = behind;
                continue;
            }
            let (width, behind) = behind
                .split_once('d')
                .ok_or_else(|| wrong("has a `%` without a `d`"))?;
            let width = match width.strip_prefix('0') {
                Some(width) => width.parse().ok().filter(|width| (1..=18).contains(width)),
                None => width.is_empty().then_some(1),
            };
            if digits.is_some() {
                return Err(wrong("has two numbers"));
            }
            digits = Some(width.ok_or_else(|| wrong("has a number that is neither %d nor such as %05d"))?);
            parts.push(String::new());
            rest = behind;
        }
        if let Some(part) = parts.last_mut() {
            part.push_str(rest);
        }
        Ok(match (digits, <[String; 2]>::try_from(parts)) {
            (Some(digits), Ok([before, behind])) => Self::Numbered {
                before,
                digits,
                behind,
            },
            (_, Err(parts)) => Self::One(parts.concat().into()),
            (None, Ok(parts)) => Self::One(parts.concat().into()),
        })
    }

    /// Whether there is a file for each packet.
    pub(crate) fn is_numbered(&self) -> bool {
        matches!(self, Self::Numbered { .. })
    }

    /// The path of the file `number`.
    pub(crate) fn path(&self, number: u64) -> PathBuf {
        match self {
            Self::One(path) => path.clone(),
            Self::Numbered {
                before,
                digits,
                behind,
            } => format!("{before}{number:0digits$}{behind}").into(),
        }
    }

    /// The extension of the files, in lower case.
    pub(crate) fn extension(&self) -> Option<String> {
        let path = self.path(0);
        let extension = Path::new(&path).extension()?.to_str()?;
        Some(extension.to_ascii_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_where_they_are_wanted() {
        for (text, wanted) in [
            ("a.png", "a.png"),
            ("%d", "7"),
            ("f-%05d.png", "f-00007.png"),
            ("100%%-%03d.PNG", "100%-007.PNG"),
            ("50%%.csv", "50%.csv"),
        ] {
            let location = Location::parse(text).unwrap();
            assert_eq!(location.path(7), Path::new(wanted), "{text}");
            assert_eq!(location.is_numbered(), text.contains('d'), "{text}");
        }
        assert_eq!(
            Location::parse("x%02d.PNG").unwrap().extension().as_deref(),
            Some("png")
        );
        assert_eq!(
            Location::parse("x%02d").unwrap().path(12_345),
            Path::new("x12345")
        );
        for wrong in ["%", "a%s", "%5d", "%d-%d", "%0d", "%099d", "%xd", "a%"] {
            let error = Location::parse(wrong).unwrap_err().to_string();
            assert!(error.contains("location"), "{wrong}: {error}");
        }
    }
}
