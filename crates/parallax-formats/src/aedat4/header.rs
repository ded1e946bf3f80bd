//! The header of an AEDAT 4.0 file: how its packets are compressed, where its table is, which streams it has.
//!
//! In: the FlatBuffer of the type `IOHE`, whose third field is XML with a node for every stream. Out: [`Header`].

use parallax_events::{Error, Geometry, Meta, Result, TimeOrigin};
use roxmltree::{Document, Node, ParsingOptions};

use super::compression::Compression;
use super::flat::Flat;

/// How many streams a file may list, and how many nodes its XML may have.
const STREAMS: usize = 1024;
const NODES: u32 = 1 << 16;

/// What our files name where the sensor is not known: the DV software wants a name.
pub(super) const NO_SOURCE: &str = "unknown";

/// What a header states.
#[derive(Debug, Clone)]
pub(super) struct Header {
    pub(super) compression: Compression,
    /// Where the table of packets begins, if the file was closed.
    pub(super) table: Option<u64>,
    pub(super) streams: Vec<Stream>,
}

/// One stream.
#[derive(Debug, Clone, Default)]
pub(super) struct Stream {
    pub(super) id: i32,
    pub(super) kind: Kind,
    name: Option<String>,
    geometry: Option<Geometry>,
    source: Option<String>,
}

/// What a stream holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Events,
    Frames,
    Imu,
    Triggers,
    /// A type that we do not know, by its name.
    Other(String),
}

impl Default for Kind {
    fn default() -> Self {
        Self::Other(String::new())
    }
}

impl Kind {
    fn from_identifier(identifier: &str) -> Self {
        match identifier {
            "EVTS" => Self::Events,
            "FRME" => Self::Frames,
            "IMUS" => Self::Imu,
            "TRIG" => Self::Triggers,
            other => Self::Other(other.chars().take(16).collect()),
        }
    }

    fn noun(&self) -> String {
        match self {
            Self::Events => "events".to_owned(),
            Self::Frames => "frames".to_owned(),
            Self::Imu => "IMU samples".to_owned(),
            Self::Triggers => "external triggers".to_owned(),
            Self::Other(name) => format!("packets of the type {name:?}"),
        }
    }
}

impl Header {
    /// From the FlatBuffer, which lies at the byte `offset`.
    ///
    /// # Errors
    /// If it is damaged, or compressed in a way that is not known.
    pub(super) fn parse(bytes: &[u8], offset: u64) -> Result<Self> {
        let damaged = |what: &str| Error::malformed(what).at_byte(offset);
        let root = Flat::new(bytes, b"IOHE").and_then(Flat::root);
        let parts = root.and_then(|root| {
            let compression = i32::from_le_bytes(root.number(0, [0; 4])?);
            let table = i64::from_le_bytes(root.number(1, (-1_i64).to_le_bytes())?);
            Some((compression, table, root))
        });
        let (number, table, root) = parts.ok_or_else(|| damaged("the header is no IOHE FlatBuffer"))?;
        let compression = Compression::from_number(number).ok_or_else(|| {
            Error::unsupported(format!(
                "packets with the compression {number}; 0 to 4 (none, LZ4, Zstandard) are known"
            ))
            .at_byte(offset)
        })?;
        let flat = Flat::new(bytes, b"IOHE");
        let text = flat.and_then(|flat| flat.text(root.target(2)?));
        let text = text.ok_or_else(|| damaged("the header lists no streams"))?;
        Ok(Self {
            compression,
            table: u64::try_from(table).ok(),
            streams: streams(text)
                .map_err(|what| damaged("the header's XML does not parse").with_source(what))?,
        })
    }

    /// The stream to hand out: the one called `wanted`, else the first of events; `None` if there is none.
    ///
    /// # Errors
    /// If `wanted` is no stream of events; the error lists those that are.
    pub(super) fn choose(&self, wanted: Option<i64>) -> Result<Option<&Stream>> {
        let mut events = self.streams.iter().filter(|stream| stream.kind == Kind::Events);
        let Some(wanted) = wanted else {
            return Ok(events.next());
        };
        let found = self
            .streams
            .iter()
            .find(|stream| i64::from(stream.id) == wanted && stream.kind == Kind::Events);
        if found.is_none() {
            let all: Vec<String> = self.streams.iter().map(Stream::describe).collect();
            return Err(Error::param(format!("stream={wanted} is no stream of events"))
                .with_hint(format!("the streams are: {}", all.join("; "))));
        }
        Ok(found)
    }

    /// The facts of a stream, and which others there are.
    pub(super) fn meta(&self, chosen: Option<&Stream>) -> Meta {
        let all = self.streams.iter();
        Meta {
            time_origin: TimeOrigin::Unix,
            geometry: chosen.and_then(|stream| stream.geometry),
            sensor: chosen.and_then(|stream| stream.source.clone()),
            extra: all
                .map(|stream| (format!("stream.{}", stream.id), stream.describe()))
                .chain([("compression".to_owned(), self.compression.name().to_owned())])
                .collect(),
            ..Meta::default()
        }
    }
}

impl Stream {
    /// `0: events (events), 346x260`.
    pub(super) fn describe(&self) -> String {
        let mut text = format!("{}: {}", self.id, self.kind.noun());
        if let Some(name) = &self.name {
            text.push_str(&format!(" ({name})"));
        }
        if let Some(geometry) = self.geometry {
            text.push_str(&format!(", {geometry}"));
        }
        text
    }

    /// What the report calls those that are not handed out.
    pub(super) fn finding(&self) -> String {
        format!("{} of stream {}", self.kind.noun(), self.id)
    }
}

/// The streams in `dv/outInfo`.
fn streams(text: &str) -> Result<Vec<Stream>, String> {
    let options = ParsingOptions {
        nodes_limit: NODES,
        ..ParsingOptions::default()
    };
    // Some writers count the closing zero as part of the text.
    let document = Document::parse_with_options(text.trim_end_matches('\0'), options)
        .map_err(|error| error.to_string())?;
    let Some(list) = child(document.root_element(), "outInfo") else {
        return Ok(Vec::new());
    };
    let mut streams: Vec<Stream> = Vec::new();
    for node in list.children().filter(|node| node.has_tag_name("node")) {
        let Some(id) = node.attribute("name").and_then(|name| name.parse().ok()) else {
            continue;
        };
        if streams.iter().any(|known| known.id == id) {
            return Err(format!("stream {id} is listed twice"));
        }
        if streams.len() >= STREAMS {
            return Err(format!("more than {STREAMS} streams are listed"));
        }
        let info = child(node, "info");
        let stated = |key| info.and_then(|info| value(info, key));
        let side = |key| stated(key).and_then(|text| text.parse::<u16>().ok());
        let sides = side("sizeX").zip(side("sizeY"));
        streams.push(Stream {
            id,
            kind: Kind::from_identifier(value(node, "typeIdentifier").unwrap_or_default()),
            name: value(node, "originalOutputName").map(str::to_owned),
            geometry: sides.and_then(|(width, height)| Geometry::new(width, height).ok()),
            source: stated("source")
                .filter(|source| *source != NO_SOURCE)
                .map(str::to_owned),
        });
    }
    Ok(streams)
}

fn child<'a, 'b>(node: Node<'a, 'b>, name: &str) -> Option<Node<'a, 'b>> {
    node.children()
        .find(|node| node.has_tag_name("node") && node.attribute("name") == Some(name))
}

fn value<'a>(node: Node<'a, '_>, key: &str) -> Option<&'a str> {
    node.children()
        .find(|node| node.has_tag_name("attr") && node.attribute("key") == Some(key))?
        .text()
        .map(str::trim)
        .filter(|text| !text.is_empty())
}
