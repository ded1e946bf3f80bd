//! The text header of a Prophesee RAW file, parsed once into a typed value.
//!
//! Lines `% key value`. The end is `% end`; without one, the first byte that is not `%`, or a line with bytes that
//! no text has (binary data may start with the byte of `%`). Two dialects say the same: new ones
//! `format EVT3;height=720;width=1280`, old ones `evt 3.0` and `geometry 1280x720`, older ones only `system_ID`. Where
//! a header says both, they must agree.

use std::collections::BTreeMap;
use std::fmt;

use parallax_events::{Error, Geometry, Limits, Meta, Result};

use super::systems;

/// How the words of a RAW file encode events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Evt2,
    Evt21,
    Evt3,
    Evt4,
}

impl Encoding {
    /// From the version of an `evt` line.
    fn from_version(version: &str) -> Option<Self> {
        match version {
            "2" | "2.0" => Some(Self::Evt2),
            "2.1" => Some(Self::Evt21),
            "3" | "3.0" => Some(Self::Evt3),
            "4" | "4.0" => Some(Self::Evt4),
            _ => None,
        }
    }

    /// From the name in a `format` line.
    fn from_name(name: &str) -> Option<Self> {
        match name.to_ascii_uppercase().as_str() {
            "EVT2" => Some(Self::Evt2),
            "EVT21" => Some(Self::Evt21),
            "EVT3" => Some(Self::Evt3),
            "EVT4" => Some(Self::Evt4),
            _ => None,
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Evt2 => "EVT 2.0",
            Self::Evt21 => "EVT 2.1",
            Self::Evt3 => "EVT 3.0",
            Self::Evt4 => "EVT 4.0",
        })
    }
}

/// A fact, the words that state it, and the offset of their line.
#[derive(Debug, Clone)]
struct Stated<T> {
    fact: T,
    words: String,
    offset: u64,
}

/// Keeps `new`, or refuses it if it contradicts what was stated before.
fn state<T: PartialEq>(known: &mut Option<Stated<T>>, new: Stated<T>) -> Result<()> {
    match known {
        Some(old) if old.fact != new.fact => Err(Error::malformed(format!(
            "the header contradicts itself: `{}` at byte {}, then `{}`",
            old.words, old.offset, new.words
        ))
        .at_byte(new.offset)
        .with_hint("mend the header line that is wrong")),
        Some(_) => Ok(()),
        None => {
            *known = Some(new);
            Ok(())
        }
    }
}

/// What a RAW header states.
#[derive(Debug, Clone, Default)]
pub(crate) struct RawHeader {
    encoding: Option<Stated<Encoding>>,
    /// A `format` or `evt` that this build does not know.
    unknown: Option<Stated<()>>,
    geometry: Option<Stated<Geometry>>,
    width: Option<Stated<u16>>,
    height: Option<Stated<u16>>,
    fields: BTreeMap<String, String>,
    ended: bool,
    bytes: u64,
}

impl RawHeader {
    /// Takes in complete lines from the front of `bytes`, which follow what was taken in before, and returns how
    /// many bytes they were. `last` says that the input ends with them.
    ///
    /// # Errors
    /// If a line contradicts another or does not parse, the input ends inside a line, or the header is longer
    /// than `limits` allow.
    pub(crate) fn read(&mut self, bytes: &[u8], offset: u64, last: bool, limits: &Limits) -> Result<usize> {
        let mut at = 0;
        while !self.ended {
            let rest = bytes.get(at..).unwrap_or_default();
            match rest.first() {
                None => {
                    self.ended = last;
                    break;
                }
                Some(b'%') => {}
                Some(_) => {
                    self.ended = true;
                    break;
                }
            }
            let control = |byte: &u8| *byte < b' ' && *byte != b'\t' && *byte != b'\r';
            let end = rest.iter().position(control);
            let length = end.map_or(rest.len(), |end| end + 1) as u64;
            if self.bytes + length > limits.header_bytes {
                return Err(
                    Error::limit(format!("the header is longer than {} bytes", limits.header_bytes))
                        .at_byte(offset + at as u64)
                        .with_hint("is it a RAW file? If so, raise the limit `header_bytes`"),
                );
            }
            let line = match end.and_then(|end| rest.get(..=end)) {
                Some([line @ .., b'\n']) => match std::str::from_utf8(line) {
                    Ok(line) => line,
                    Err(_) => {
                        self.ended = true;
                        break;
                    }
                },
                Some(_) => {
                    self.ended = true;
                    break;
                }
                None if last && std::str::from_utf8(rest).is_ok() => {
                    return Err(Error::malformed("the input ends inside its header")
                        .at_byte(offset + bytes.len() as u64)
                        .with_hint("is the recording complete?"));
                }
                None => {
                    self.ended = last;
                    break;
                }
            };
            self.line(line, offset + at as u64)?;
            at += length as usize;
            self.bytes += length;
        }
        Ok(at)
    }

    /// Whether the header is behind.
    pub(crate) fn is_complete(&self) -> bool {
        self.ended
    }

    /// Whether there was a header at all.
    pub(crate) fn is_present(&self) -> bool {
        self.bytes > 0
    }

    /// The encoding, if the header states one that is known.
    pub(crate) fn encoding(&self) -> Option<Encoding> {
        if self.unknown.is_some() {
            None
        } else {
            self.encoding.as_ref().map(|stated| stated.fact)
        }
    }

    /// The line that states the encoding, known or not, and its offset.
    pub(crate) fn encoding_line(&self) -> Option<(&str, u64)> {
        let unknown = self
            .unknown
            .as_ref()
            .map(|stated| (stated.words.as_str(), stated.offset));
        unknown.or(self
            .encoding
            .as_ref()
            .map(|stated| (stated.words.as_str(), stated.offset)))
    }

    /// The sensor's size, and from which `system_ID` it was taken if it is not stated itself.
    pub(crate) fn geometry(&self) -> (Option<Geometry>, Option<u64>) {
        if let Some(stated) = &self.geometry {
            return (Some(stated.fact), None);
        }
        let id = self.field("system_id").and_then(|id| id.parse().ok());
        match id.and_then(|id| Some((id, systems::sensor(id)?))) {
            Some((id, (_, geometry))) => (Some(geometry), Some(id)),
            None => (None, None),
        }
    }

    /// The facts for the stream.
    pub(crate) fn meta(&self) -> Meta {
        let named = ["sensor_name", "plugin_name", "sensor_generation"]
            .into_iter()
            .find_map(|key| self.field(key));
        let generation = self
            .field("system_id")
            .and_then(|id| id.parse().ok())
            .and_then(systems::sensor);
        let sensor = named
            .or(generation.map(|(generation, _)| generation))
            .map(str::to_owned);
        Meta {
            geometry: self.geometry().0,
            sensor,
            extra: self.fields.clone(),
            ..Meta::default()
        }
    }

    fn field(&self, key: &str) -> Option<&str> {
        self.fields.get(key).map(String::as_str)
    }

    fn line(&mut self, line: &str, offset: u64) -> Result<()> {
        let words = line.trim_start_matches('%').trim();
        let (key, value) = match words.split_once(char::is_whitespace) {
            Some((key, value)) => (key.to_ascii_lowercase(), value.trim()),
            None => (words.to_ascii_lowercase(), ""),
        };
        let stated = |words: &str| Stated {
            fact: (),
            words: words.to_owned(),
            offset,
        };
        match key.as_str() {
            "" => return Ok(()),
            "end" if value.is_empty() => {
                self.ended = true;
                return Ok(());
            }
            "format" => self.format(value, &stated(words))?,
            "evt" => match Encoding::from_version(value) {
                Some(fact) => state(&mut self.encoding, stated(words).with(fact))?,
                None => self.unknown = Some(stated(words)),
            },
            "geometry" => {
                let fact = Geometry::parse(value).map_err(|e| wrong(words, offset).with_source(e))?;
                state(&mut self.geometry, stated(words).with(fact))?;
            }
            "width" | "height" => self.side(&key, value, &stated(words))?,
            _ => {}
        }
        // The first statement stands; the ones that matter were compared above.
        self.fields.entry(key).or_insert_with(|| value.to_owned());
        Ok(())
    }

    /// `EVT3;height=720;width=1280`.
    fn format(&mut self, value: &str, stated: &Stated<()>) -> Result<()> {
        let mut parts = value.split(';').map(str::trim);
        match parts.next().and_then(Encoding::from_name) {
            Some(fact) => state(&mut self.encoding, stated.with(fact))?,
            None => self.unknown = Some(stated.clone()),
        }
        for part in parts {
            if let Some((key, value)) = part.split_once('=') {
                self.side(&key.trim().to_ascii_lowercase(), value.trim(), stated)?;
            }
        }
        Ok(())
    }

    /// One side of the sensor; with the other one, its size.
    fn side(&mut self, key: &str, value: &str, stated: &Stated<()>) -> Result<()> {
        let slot = match key {
            "width" => &mut self.width,
            "height" => &mut self.height,
            _ => return Ok(()),
        };
        let fact: u16 = value.parse().map_err(|_| wrong(&stated.words, stated.offset))?;
        state(slot, stated.with(fact))?;
        if let (Some(width), Some(height)) = (&self.width, &self.height) {
            let fact = Geometry::new(width.fact, height.fact)
                .map_err(|e| wrong(&stated.words, stated.offset).with_source(e))?;
            state(&mut self.geometry, stated.with(fact))?;
        }
        Ok(())
    }
}

impl Stated<()> {
    fn with<T>(&self, fact: T) -> Stated<T> {
        Stated {
            fact,
            words: self.words.clone(),
            offset: self.offset,
        }
    }
}

fn wrong(words: &str, offset: u64) -> Error {
    Error::malformed(format!("the header line `{words}` does not parse")).at_byte(offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header in `text`, fed in pieces of `size`, and how long it was.
    fn read(text: &[u8], size: usize) -> Result<(RawHeader, usize)> {
        let mut header = RawHeader::default();
        let (mut at, mut end) = (0, 0);
        while !header.is_complete() {
            end = (end + size).min(text.len());
            at += header.read(&text[at..end], at as u64, end == text.len(), &Limits::default())?;
        }
        Ok((header, at))
    }

    #[test]
    fn both_dialects_state_the_same() {
        let new = b"% format EVT3;height=720;width=1280\n% end\n\x00\x80";
        let old = b"% evt 3.0\n% geometry 1280x720\n\x00\x80";
        for text in [new.as_slice(), old] {
            for size in [1, 3, 1000] {
                let (header, length) = read(text, size).unwrap();
                assert_eq!(header.encoding(), Some(Encoding::Evt3));
                assert_eq!(
                    header.geometry(),
                    (
                        Some(Geometry {
                            width: 1280,
                            height: 720
                        }),
                        None
                    )
                );
                assert_eq!(length, text.len() - 2);
            }
        }
    }

    #[test]
    fn contradictions_name_both_sides() {
        let error = read(b"% evt 2.0\n% format EVT3\n", 7).unwrap_err();
        assert_eq!(error.offset(), Some(10));
        assert!(
            error
                .message()
                .contains("`evt 2.0` at byte 0, then `format EVT3`"),
            "{error}"
        );
        let error = read(b"% geometry 640x480\n% format EVT3;height=720;width=1280\n", 7).unwrap_err();
        assert!(error.message().contains("contradicts"), "{error}");
        assert!(read(b"% geometry 0x0\n", 7).is_err());
        assert!(read(b"% format EVT3;height=70000;width=1\n", 7).is_err());
    }

    #[test]
    fn binary_data_that_starts_like_a_line() {
        // The byte of '%', then a control byte before any line end; then one that is no UTF-8.
        for data in [b"%\x80\n\x00".as_slice(), b"%\x01ab\n", b"%\xff\xfe"] {
            let text = [b"% evt 3.0\n", data].concat();
            for size in [1, 2, 100] {
                let (header, length) = read(&text, size).unwrap();
                assert!(header.is_present());
                assert_eq!(length, 10, "{data:?} in pieces of {size}");
            }
        }
        // With an end line, even a line of text is data.
        let (_, length) = read(b"% evt 3.0\n% end\n% evt 2.0\n", 3).unwrap();
        assert_eq!(length, 16);
    }

    #[test]
    fn the_end_and_the_limit() {
        assert_eq!(read(b"% evt 3", 2).unwrap_err().offset(), Some(7));
        assert!(!read(b"", 1).unwrap().0.is_present());
        let limits = Limits {
            header_bytes: 16,
            ..Limits::default()
        };
        let error = RawHeader::default()
            .read(&[b'%'; 17], 0, false, &limits)
            .unwrap_err();
        assert_eq!(error.kind(), parallax_events::ErrorKind::Limit);
    }

    #[test]
    fn keys_become_facts() {
        let (header, _) = read(
            b"% Date 2020-09-25 07:48:31\r\n% system_ID 21\n% plugin_name gen3\n",
            9,
        )
        .unwrap();
        let meta = header.meta();
        assert_eq!(meta.sensor.as_deref(), Some("gen3"));
        assert_eq!(
            meta.extra.get("date").map(String::as_str),
            Some("2020-09-25 07:48:31")
        );
        assert_eq!(
            header.geometry(),
            (
                Some(Geometry {
                    width: 640,
                    height: 480
                }),
                Some(21)
            )
        );
    }
}
