//! [`Caps`]: what may pass a pad, and the text of it: `events,width=1..1280,unit=us|ns`.
//!
//! In: what each pad can take or give. Out: what two pads have in common, or in which field they differ.
//!
//! A caps text is one medium or several with `;` between them; behind each, fields with `,` before them. A field is a
//! number, a range `1..1280` with both ends inside, a word, or words with `|` between them. `any` is everything. A
//! field that is not named is open.

use std::collections::BTreeMap;
use std::fmt;

use parallax_events::{Error, Result, nearest};

use crate::{Packet, Payload};

/// What a packet holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Media {
    /// Bytes of any meaning; the field `format` may say which.
    Bytes,
    /// Event batches; fields `width`, `height`, `unit`.
    Events,
    /// Tensors; field `dtype`.
    Tensor,
}

impl Media {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Bytes, Self::Events, Self::Tensor];

    /// The name in caps.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Events => "events",
            Self::Tensor => "tensor",
        }
    }

    /// The medium called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|media| media.name() == name)
    }
}

impl fmt::Display for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The values that a field may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// A whole number from the first to the second, both inside.
    Range(i64, i64),
    /// One of these words, the preferred one first.
    Words(Vec<String>),
}

impl Field {
    fn meet(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Range(a, b), Self::Range(c, d)) => {
                let (from, to) = (*a.max(c), *b.min(d));
                (from <= to).then_some(Self::Range(from, to))
            }
            (Self::Words(ours), Self::Words(theirs)) => {
                let both: Vec<String> = ours
                    .iter()
                    .filter(|word| theirs.contains(word))
                    .cloned()
                    .collect();
                (!both.is_empty()).then_some(Self::Words(both))
            }
            _ => None,
        }
    }

    fn allows_number(&self, number: i64) -> bool {
        matches!(self, Self::Range(from, to) if (*from..=*to).contains(&number))
    }

    fn allows_word(&self, word: &str) -> bool {
        matches!(self, Self::Words(words) if words.iter().any(|known| known == word))
    }

    fn parse(text: &str) -> Option<Self> {
        let number = |text: &str| text.parse::<i64>().ok();
        if let Some((from, to)) = text.split_once("..") {
            let (from, to) = (number(from)?, number(to)?);
            return (from <= to).then_some(Self::Range(from, to));
        }
        if let Some(number) = number(text) {
            return Some(Self::Range(number, number));
        }
        let words: Vec<String> = text.split('|').map(str::to_owned).collect();
        let is_word = |word: &String| {
            !word.is_empty()
                && word
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
        };
        let is_number = |word: &String| number(word).is_some();
        (words.iter().all(is_word) && !words.iter().any(is_number)).then_some(Self::Words(words))
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range(from, to) if from == to => write!(f, "{from}"),
            Self::Range(from, to) => write!(f, "{from}..{to}"),
            Self::Words(words) => f.write_str(&words.join("|")),
        }
    }
}

/// One medium and what its fields may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Structure {
    /// The medium.
    pub media: Media,
    /// The fields that are not open.
    pub fields: BTreeMap<String, Field>,
}

impl Structure {
    fn meet(&self, other: &Self) -> Option<Self> {
        if self.media != other.media {
            return None;
        }
        let mut fields = self.fields.clone();
        for (name, theirs) in &other.fields {
            let both = match self.fields.get(name) {
                Some(ours) => ours.meet(theirs)?,
                None => theirs.clone(),
            };
            fields.insert(name.clone(), both);
        }
        Some(Self {
            media: self.media,
            fields,
        })
    }
}

/// What may pass a pad: everything, or one of some alternatives, the preferred one first.
///
/// ```
/// use parallax_pipeline::Caps;
///
/// let camera = Caps::parse("events,width=640..1280")?;
/// let model = Caps::parse("events,width=1280,unit=us|ns")?;
/// assert_eq!(camera.meet(&model).to_string(), "events,unit=us|ns,width=1280");
/// assert_eq!(
///     camera.difference(&Caps::parse("events,width=320")?),
///     ("width".to_owned(), "640..1280".to_owned(), "320".to_owned())
/// );
/// # Ok::<(), parallax_events::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caps(Option<Vec<Structure>>);

impl Caps {
    /// Everything.
    pub const ANY: Self = Self(None);

    /// One medium with all its fields open.
    pub fn of(media: Media) -> Self {
        Self(Some(vec![Structure {
            media,
            fields: BTreeMap::new(),
        }]))
    }

    /// The same with the alternatives of `other` behind.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self.0, other.0) {
            (Some(mut ours), Some(theirs)) => {
                ours.extend(theirs);
                Self(Some(ours))
            }
            _ => Self::ANY,
        }
    }

    /// The same with a word for a field of every alternative.
    #[must_use]
    pub fn with_word(mut self, name: &str, word: &str) -> Self {
        for structure in self.0.iter_mut().flatten() {
            structure
                .fields
                .insert(name.to_owned(), Field::Words(vec![word.to_owned()]));
        }
        self
    }

    /// Whether nothing can pass.
    pub fn is_empty(&self) -> bool {
        self.0.as_ref().is_some_and(Vec::is_empty)
    }

    /// The alternatives; `None` for everything.
    pub fn alternatives(&self) -> Option<&[Structure]> {
        self.0.as_deref()
    }

    /// What both allow; empty if nothing.
    #[must_use]
    pub fn meet(&self, other: &Self) -> Self {
        match (&self.0, &other.0) {
            (None, _) => other.clone(),
            (_, None) => self.clone(),
            (Some(ours), Some(theirs)) => {
                let mut both = Vec::new();
                for met in ours.iter().flat_map(|a| theirs.iter().filter_map(|b| a.meet(b))) {
                    if !both.contains(&met) {
                        both.push(met);
                    }
                }
                Self(Some(both))
            }
        }
    }

    /// The first field in which two caps that have nothing in common differ: its name (`media` for the medium), what
    /// these say and what the others do.
    pub fn difference(&self, other: &Self) -> (String, String, String) {
        let (ours, theirs) = (
            self.0.as_deref().unwrap_or_default(),
            other.0.as_deref().unwrap_or_default(),
        );
        for (a, b) in ours.iter().flat_map(|a| theirs.iter().map(move |b| (a, b))) {
            if a.media != b.media {
                continue;
            }
            for (name, field) in &a.fields {
                if let Some(wanted) = b.fields.get(name)
                    && field.meet(wanted).is_none()
                {
                    return (name.clone(), field.to_string(), wanted.to_string());
                }
            }
        }
        ("media".to_owned(), media_of(ours), media_of(theirs))
    }

    /// An error that names the field unless the packet may pass.
    ///
    /// # Errors
    /// [`ErrorKind::Param`](parallax_events::ErrorKind) says what came and what was agreed.
    pub fn check(&self, packet: &Packet) -> Result<()> {
        let Some(alternatives) = &self.0 else {
            return Ok(());
        };
        let mut fault = None;
        for structure in alternatives {
            match structure.fault(&packet.payload) {
                None => return Ok(()),
                Some(found) => fault = fault.or(Some(found)),
            }
        }
        let (field, found) =
            fault.unwrap_or_else(|| ("media".to_owned(), packet.payload.media().to_string()));
        Err(Error::param(format!(
            "`{field}` of the stream is {found}; `{self}` was agreed"
        )))
    }

    /// The caps that `text` writes.
    ///
    /// # Errors
    /// [`ErrorKind::Param`](parallax_events::ErrorKind) names the part that does not parse.
    pub fn parse(text: &str) -> Result<Self> {
        if text.trim() == "any" {
            return Ok(Self::ANY);
        }
        let structures = text.split(';').map(|part| parse_structure(part.trim()));
        Ok(Self(Some(structures.collect::<Result<_>>()?)))
    }
}

impl Structure {
    /// The first field that keeps the payload out, and its value there.
    fn fault(&self, payload: &Payload) -> Option<(String, String)> {
        if payload.media() != self.media {
            return Some(("media".to_owned(), payload.media().to_string()));
        }
        let unknown = || "not known".to_owned();
        for (name, field) in &self.fields {
            let number = |value: Option<u16>| match value {
                Some(value) if field.allows_number(i64::from(value)) => None,
                value => Some(value.map_or_else(unknown, |value| value.to_string())),
            };
            let word = |word: &str| (!field.allows_word(word)).then(|| word.to_owned());
            let found = match (payload, name.as_str()) {
                (Payload::Events(batch), "width") => number(batch.meta().geometry.map(|g| g.width)),
                (Payload::Events(batch), "height") => number(batch.meta().geometry.map(|g| g.height)),
                (Payload::Events(batch), "unit") => word(batch.meta().time_unit.name()),
                (Payload::Tensor(tensor), "dtype") => word(tensor.dtype().name()),
                // What bytes mean cannot be seen in them.
                _ => None,
            };
            if let Some(found) = found {
                return Some((name.clone(), found));
            }
        }
        None
    }
}

fn media_of(structures: &[Structure]) -> String {
    let names: Vec<&str> = structures
        .iter()
        .map(|structure| structure.media.name())
        .collect();
    if names.is_empty() {
        "nothing".to_owned()
    } else {
        names.join(" or ")
    }
}

fn parse_structure(text: &str) -> Result<Structure> {
    let mut parts = text.split(',').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let media = Media::from_name(name).ok_or_else(|| {
        let known = Media::ALL.map(Media::name);
        let near = if name.len() <= 64 {
            nearest(name, known)
        } else {
            None
        };
        let near = near
            .map(|near| format!("did you mean `{near}`? "))
            .unwrap_or_default();
        Error::param("caps begin with a medium").with_hint(format!("{near}known: {}", known.join(", ")))
    })?;
    let mut fields = BTreeMap::new();
    for part in parts {
        let wrong = || {
            Error::param(format!("a field of the caps `{media}` does not parse"))
                .with_hint("write name=value, such as width=640, width=1..1280 or unit=us|ns")
        };
        let (name, value) = part.split_once('=').ok_or_else(wrong)?;
        let known: &[&str] = match media {
            Media::Bytes => &["format"],
            Media::Events => &["width", "height", "unit"],
            Media::Tensor => &["dtype"],
        };
        if !known.contains(&name) {
            return Err(Error::param(format!("the caps `{media}` have no such field"))
                .with_hint(format!("known: {}", known.join(", "))));
        }
        let field = Field::parse(value).ok_or_else(wrong)?;
        if fields.insert(name.to_owned(), field).is_some() {
            return Err(Error::param(format!("the field `{name}` is given twice")));
        }
    }
    Ok(Structure { media, fields })
}

impl fmt::Display for Structure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.media)?;
        self.fields
            .iter()
            .try_for_each(|(name, field)| write!(f, ",{name}={field}"))
    }
}

impl fmt::Display for Caps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => f.write_str("any"),
            Some(structures) if structures.is_empty() => f.write_str("nothing"),
            Some(structures) => {
                let texts: Vec<String> = structures.iter().map(ToString::to_string).collect();
                f.write_str(&texts.join(";"))
            }
        }
    }
}
