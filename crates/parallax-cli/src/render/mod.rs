//! `parallax render IN OUT`: the events as a picture (PNG) or as a film (GIF).
//!
//! In: a recording and how it is cut. Out: for a PNG one window; without `--time` and `--by-count` the one with the
//! most events on a grid that starts at the first event, which takes a pass over the recording of its own. For a GIF
//! all windows one after another, in constant memory. The same bytes for the same events everywhere.

mod film;
mod gif;
mod search;
mod still;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use parallax::events::Origin;
use parallax::ops::picture::{Background, Colormap, Picture, Raster, Size};
use parallax::{Error, ErrorKind, EventReader, Geometry, Nanos, Result, TimeUnit};

use crate::output;
use crate::progress::Bar;
use crate::reading::{self, ReadArguments, in_file};
use crate::{files, quantity};
use search::{Found, Search};

/// Draw events as a PNG picture or a GIF film.
///
/// A PNG shows one window of time: all of --time, or the --by-count first events, or else the window with the most
/// events, of the length --by-time, on a grid from the first event on. A GIF shows all windows one after another.
/// Each pixel shows how many ON and OFF events it had; the brightest hundredth of them are saturated.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  parallax render recording.raw picture.png
  parallax render --by-time 10ms --decay 5ms recording.raw picture.png
  parallax render --time +1s..+1.1s --colormap inferno recording.raw picture.png
  parallax render --time +0..+2s recording.raw film.gif
  parallax render --by-time 2ms --speed 0.05 --size 640 recording.raw slow.gif
  parallax render --by-count 20000 --rate 20 --frames 100 recording.raw film.gif")]
pub(crate) struct Arguments {
    /// The recording; - is standard input, which needs a known sensor size, for a PNG --time or --by-count too
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// The picture or film to make, by its extension .png or .gif; - is a PNG on standard output
    #[arg(value_name = "OUT")]
    output: PathBuf,
    /// A window lasts so long [default: 33ms]
    #[arg(long, visible_alias = "window", value_name = "TIME", value_parser = quantity::time)]
    by_time: Option<Nanos>,
    /// A window has so many events
    #[arg(long, value_name = "EVENTS", conflicts_with = "by_time", value_parser = clap::value_parser!(u64).range(1..))]
    by_count: Option<u64>,
    /// Let events fade with this time constant, counted back from the window's end; in a film they last beyond it
    #[arg(long, value_name = "TIME", value_parser = quantity::time)]
    decay: Option<Nanos>,
    /// ON and OFF in two colours (redblue), ON brighter and OFF darker (gray), or all events alike (viridis, inferno)
    #[arg(long, default_value = "redblue", value_parser = colormaps())]
    colormap: Colormap,
    /// What lies behind redblue
    #[arg(long, default_value = "dark", value_parser = backgrounds())]
    background: Background,
    /// How large the picture is: WxH in pixels, or the width alone; as large as the sensor if absent
    #[arg(long, value_name = "SIZE")]
    size: Option<Size>,
    /// Frames a second that a GIF plays, up to 50; by default windows of time play as fast as they were recorded, and
    /// those of a count at 25
    #[arg(long, value_name = "FPS", value_parser = pace)]
    rate: Option<f64>,
    /// How fast a GIF plays against the recording: 0.1 is ten times slower
    #[arg(long, value_name = "FACTOR", conflicts_with_all = ["rate", "by_count"], value_parser = pace)]
    speed: Option<f64>,
    /// The most frames of a GIF; reading stops there [default: 600]
    #[arg(long, value_name = "FRAMES", value_parser = clap::value_parser!(u64).range(1..))]
    frames: Option<u64>,
    /// Replace the output if it exists
    #[arg(long, short)]
    force: bool,
    #[command(flatten)]
    reading: ReadArguments,
}

/// How long a window is if nobody says.
const WINDOW: Nanos = Nanos(33_000_000);

/// The colour maps as values of an argument.
pub(crate) fn colormaps() -> impl TypedValueParser<Value = Colormap> {
    PossibleValuesParser::new(Colormap::NAMES).try_map(|name| name.parse())
}

fn backgrounds() -> impl TypedValueParser<Value = Background> {
    PossibleValuesParser::new(Background::NAMES).try_map(|name| name.parse())
}

fn pace(text: &str) -> Result<f64> {
    let wrong = || Error::param(format!("\"{text}\" is no number above 0, at most 1000000"));
    let value: f64 = text.parse().map_err(|_| wrong())?;
    if value > 1e-6 && value <= 1e6 {
        Ok(value)
    } else {
        Err(wrong())
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let path = &arguments.output;
    output::refuse_to_replace(std::slice::from_ref(&arguments.input), path)?;
    match reading::extension(path).as_deref() {
        Some("gif") => film::run(arguments),
        extension if extension == Some("png") || path == Path::new("-") => {
            let flag = match arguments {
                Arguments { rate: Some(_), .. } => "--rate",
                Arguments { speed: Some(_), .. } => "--speed",
                Arguments { frames: Some(_), .. } => "--frames",
                _ => return still::run(arguments),
            };
            Err(Error::param(format!("{flag} is for films"))
                .with_hint("let the output's name end in .gif")
                .into())
        }
        _ => Err(Error::unsupported("pictures are written as PNG, films as GIF")
            .with_context("output", path.display())
            .with_hint("let the output's name end in .png or .gif")
            .into()),
    }
}

/// A recording that is about to be drawn.
struct Source<'a> {
    arguments: &'a Arguments,
    reader: EventReader,
    geometry: Geometry,
    /// What there is to say about the geometry.
    note: &'static str,
    unit: TimeUnit,
    is_upwards: bool,
    /// What a pass over the recording found, if one was made.
    found: Option<Found>,
}

impl<'a> Source<'a> {
    /// Opens the recording; looks through it if the sensor's size is not known, or if `is_searched`.
    fn open(arguments: &'a Arguments, bar: &Bar, is_searched: bool) -> Result<Self> {
        let input = &arguments.input;
        let options = arguments.reading.options(bar);
        let mut reader = reading::open(input, &options)?;
        let meta = reader.meta();
        let found = if is_searched || meta.geometry.is_none() {
            let found = look(&mut reader, arguments, is_searched)?;
            reader = reading::open(input, &options)?;
            Some(found)
        } else {
            None
        };
        let (geometry, note) = match (meta.geometry, found.as_ref().and_then(|found| found.extent)) {
            (Some(geometry), _) => (geometry, ""),
            (None, Some(extent)) => (
                extent,
                " (as far as events reach; --geometry sets the sensor's size)",
            ),
            (None, None) => (Geometry { width: 1, height: 1 }, ""),
        };
        Ok(Self {
            arguments,
            reader,
            geometry,
            note,
            unit: meta.time_unit,
            is_upwards: meta.origin == Origin::BottomLeft,
            found,
        })
    }

    fn picture(&self) -> Result<Picture> {
        let raster = Raster::new(self.geometry, self.arguments.size)?;
        let ticks = |time: Nanos| time.0 as f64 / self.unit.nanos() as f64;
        Ok(Picture::new(raster, self.arguments.decay.map(ticks)))
    }
}

/// The pass that finds the busiest window and how far the events reach.
fn look(reader: &mut EventReader, arguments: &Arguments, is_searched: bool) -> Result<Found> {
    let input = &arguments.input;
    if !files::input(input).is_file() {
        let needed = if is_searched {
            "--time=A..B"
        } else {
            "--geometry=WxH"
        };
        return Err(
            Error::param("a pipe cannot be read twice, which finding the window and the size takes")
                .with_context("file", input.display())
                .with_hint(format!("give {needed}")),
        );
    }
    let window = arguments.by_time.unwrap_or(WINDOW);
    let mut search = Search::new(window, reader.meta().time_unit);
    loop {
        match reader.next_columns() {
            Ok(Some(events)) => search.add(events),
            Err(error) if gives_up(&error, arguments) => return Err(in_file(error, input)),
            // Damage is met again, and told, when the picture is drawn.
            Ok(None) | Err(_) => return Ok(search.finish()),
        }
    }
}

/// Whether the error ends everything, so that not even what was read before is drawn.
fn gives_up(error: &Error, arguments: &Arguments) -> bool {
    error.kind() == ErrorKind::Closed || arguments.reading.wants_all_or_nothing()
}

/// The error of a recording without an event in the window.
fn nothing_to_draw(input: &Path) -> Error {
    let nothing =
        Error::param("there are no events to draw").with_hint("`parallax info` shows where they are");
    in_file(nothing, input)
}
