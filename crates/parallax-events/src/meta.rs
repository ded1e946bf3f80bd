//! What is true of a whole stream: it travels once, beside the events, and as Arrow schema metadata.

use std::collections::BTreeMap;
use std::fmt;

use arrow_schema::Metadata;
use serde::{Deserialize, Serialize};

use crate::{Error, Result, TimeUnit};

/// The sensor's size in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Geometry {
    /// Columns: every x is below it.
    pub width: u16,
    /// Rows: every y is below it.
    pub height: u16,
}

impl Geometry {
    /// A sensor of `width` x `height` pixels; neither may be zero.
    pub fn new(width: u16, height: u16) -> Result<Self> {
        if width == 0 || height == 0 {
            return Err(Error::param(format!(
                "a sensor of {width} x {height} pixels has no pixels"
            )));
        }
        Ok(Self { width, height })
    }

    /// `WxH`, as `1280x720`.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = || {
            Error::param(format!("\"{text}\" is no sensor size"))
                .with_hint("write it as WxH, such as 1280x720")
        };
        let (width, height) = text.split_once(['x', 'X']).ok_or_else(wrong)?;
        let number = |part: &str| part.trim().parse::<u16>().map_err(|_| wrong());
        Self::new(number(width)?, number(height)?)
    }

    /// How many pixels there are.
    pub fn pixels(self) -> usize {
        usize::from(self.width) * usize::from(self.height)
    }
}

impl fmt::Display for Geometry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// What t = 0 means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimeOrigin {
    /// The sensor's or the recording's own start.
    #[default]
    StreamStart,
    /// 1970-01-01T00:00:00Z.
    Unix,
}

/// Where (0, 0) is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// x to the right, y downwards: what every reader hands out unless told to keep what is stored.
    #[default]
    TopLeft,
    /// x to the right, y upwards.
    BottomLeft,
}

/// The facts of a stream. Readers fill in what their input states and leave the rest open.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Meta {
    /// The unit of every time in the stream.
    pub time_unit: TimeUnit,
    /// What t = 0 means.
    pub time_origin: TimeOrigin,
    /// The sensor's size, if known. Events then lie inside it.
    pub geometry: Option<Geometry>,
    /// Where (0, 0) is.
    pub origin: Origin,
    /// How many channels an audio or IMU stream has.
    pub channels: Option<u16>,
    /// The sensor's name, as the input states it.
    pub sensor: Option<String>,
    /// What else the input states: serial number, date, firmware. Keys are lower case.
    pub extra: BTreeMap<String, String>,
}

const TIME_UNIT: &str = "parallax.time_unit";
const TIME_ORIGIN: &str = "parallax.time_origin";
const WIDTH: &str = "parallax.width";
const HEIGHT: &str = "parallax.height";
const ORIGIN: &str = "parallax.origin";
const CHANNELS: &str = "parallax.channels";
const SENSOR: &str = "parallax.sensor";
const EXTRA: &str = "parallax.extra.";

impl Meta {
    /// No facts but the sensor's size.
    pub fn with_geometry(width: u16, height: u16) -> Result<Self> {
        Ok(Self {
            geometry: Some(Geometry::new(width, height)?),
            ..Self::default()
        })
    }

    /// The geometry, or the error of an operator that needs one: it says how to give it.
    pub fn require_geometry(&self) -> Result<Geometry> {
        self.geometry.ok_or_else(|| {
            Error::param("the stream does not state its sensor size")
                .with_hint("give it when reading: `--geometry 1280x720` of the command, `geometry` of the reader and its element")
        })
    }

    /// As key and value, for the metadata of an Arrow schema or of a Parquet file.
    pub fn to_pairs(&self) -> Vec<(String, String)> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        let mut put = |key: &str, value: String| pairs.push((key.to_owned(), value));
        put(TIME_UNIT, self.time_unit.name().to_owned());
        put(
            TIME_ORIGIN,
            match self.time_origin {
                TimeOrigin::StreamStart => "stream-start".to_owned(),
                TimeOrigin::Unix => "unix".to_owned(),
            },
        );
        put(
            ORIGIN,
            match self.origin {
                Origin::TopLeft => "top-left".to_owned(),
                Origin::BottomLeft => "bottom-left".to_owned(),
            },
        );
        if let Some(geometry) = self.geometry {
            put(WIDTH, geometry.width.to_string());
            put(HEIGHT, geometry.height.to_string());
        }
        if let Some(channels) = self.channels {
            put(CHANNELS, channels.to_string());
        }
        if let Some(sensor) = &self.sensor {
            put(SENSOR, sensor.clone());
        }
        for (key, value) in &self.extra {
            put(&format!("{EXTRA}{key}"), value.clone());
        }
        pairs
    }

    /// The inverse of [`to_pairs`](Self::to_pairs). Keys of others are ignored; a value of ours that does not
    /// parse is an error.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self> {
        let mut meta = Self::default();
        let (mut width, mut height) = (None, None);
        for (key, value) in pairs {
            let wrong = || Error::malformed(format!("the metadata key {key} has the value \"{value}\""));
            let number = || value.parse::<u16>().map_err(|_| wrong());
            match key {
                TIME_UNIT => meta.time_unit = TimeUnit::from_name(value).map_err(|_| wrong())?,
                TIME_ORIGIN => {
                    meta.time_origin = match value {
                        "stream-start" => TimeOrigin::StreamStart,
                        "unix" => TimeOrigin::Unix,
                        _ => return Err(wrong()),
                    }
                }
                ORIGIN => {
                    meta.origin = match value {
                        "top-left" => Origin::TopLeft,
                        "bottom-left" => Origin::BottomLeft,
                        _ => return Err(wrong()),
                    }
                }
                WIDTH => width = Some(number()?),
                HEIGHT => height = Some(number()?),
                CHANNELS => meta.channels = Some(number()?),
                SENSOR => meta.sensor = Some(value.to_owned()),
                _ => {
                    if let Some(key) = key.strip_prefix(EXTRA) {
                        meta.extra.insert(key.to_owned(), value.to_owned());
                    }
                }
            }
        }
        meta.geometry = match (width, height) {
            (Some(width), Some(height)) => Some(Geometry::new(width, height).map_err(|_| {
                Error::malformed(format!("the metadata claim a sensor of {width} x {height}"))
            })?),
            (None, None) => None,
            _ => {
                return Err(Error::malformed(
                    "the metadata state only one of width and height",
                ));
            }
        };
        Ok(meta)
    }

    /// As the metadata of an Arrow schema.
    pub fn to_schema_metadata(&self) -> Metadata {
        self.to_pairs().into_iter().collect()
    }

    /// From the metadata of an Arrow schema.
    pub fn from_schema_metadata(metadata: &Metadata) -> Result<Self> {
        Self::from_pairs(metadata.iter().map(|(key, value)| (key.as_str(), value.as_str())))
    }
}
