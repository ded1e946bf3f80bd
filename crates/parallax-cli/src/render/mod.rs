//! `parallax render IN OUT.png`: the events of a window of time as a picture.
//!
//! In: a recording and a window; without `--time` the one with the most events on a grid that starts at the first event,
//! which takes a pass over the recording of its own. Out: a PNG, the same bytes for the same events everywhere.

mod colormap;
mod picture;
mod search;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use parallax::events::Origin;
use parallax::{Error, ErrorKind, EventReader, Geometry, Nanos, Result, TimeUnit};

use crate::output::{self, Output};
use crate::progress::Bar;
use crate::reading::{self, ReadArguments, in_file};
use crate::{figures, files, quantity, streams};
use colormap::{Background, Colormap};
use picture::Picture;
use search::{Found, Search, Window};

/// Draw the events of a window of time as a PNG picture.
///
/// Without --time it is the window with the most events: windows of the length --window lie end to end from the first
/// event on. Each pixel shows how many ON and OFF events it had; the brightest hundredth of them are saturated.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  parallax render recording.raw picture.png
  parallax render --window 10ms --decay 5ms recording.raw picture.png
  parallax render --time +1s..+1.1s --colormap inferno recording.raw picture.png
  parallax render --background light --geometry 240x180 events.txt picture.png")]
pub(crate) struct Arguments {
    /// The recording; - is standard input, which needs --time and a known sensor size
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// The picture to make; - is standard output
    #[arg(value_name = "OUT.png")]
    output: PathBuf,
    /// How long the busiest window is that is looked for
    #[arg(long, value_name = "TIME", default_value = "33ms", value_parser = quantity::time, conflicts_with = "time")]
    window: Nanos,
    /// Let events fade with this time constant, counted back from the window's last event
    #[arg(long, value_name = "TIME", value_parser = quantity::time)]
    decay: Option<Nanos>,
    /// ON and OFF in two colours (redblue), ON brighter and OFF darker (gray), or all events alike (viridis, inferno)
    #[arg(long, value_enum, default_value_t = Colormap::Redblue)]
    colormap: Colormap,
    /// What lies behind redblue
    #[arg(long, value_enum, default_value_t = Background::Dark)]
    background: Background,
    /// Replace the picture if it exists
    #[arg(long, short)]
    force: bool,
    #[command(flatten)]
    reading: ReadArguments,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let Arguments {
        input, output: path, ..
    } = arguments;
    let in_output = |error| reading::in_output(error, path);
    output::refuse_same_file(input, path)?;
    check_extension(path)?;
    let output = Output::create(path, arguments.force).map_err(in_output)?;
    let drawn = draw(arguments)?;
    let picture = &drawn.picture;
    if picture.events() == 0 {
        let nothing =
            Error::param("there are no events to draw").with_hint("`parallax info` shows where they are");
        return Err(drawn.damage.unwrap_or_else(|| in_file(nothing, input)).into());
    }
    let pixels = picture.pixels(arguments.colormap, arguments.background, drawn.is_upwards);
    write_png(output.writer(), picture.geometry(), &pixels).map_err(in_output)?;
    let bytes = output.commit().map_err(in_output)?;
    let span = picture.span().map(|(first, last)| {
        format!(
            " from {} to {}",
            figures::seconds(first, drawn.unit),
            figures::seconds(last, drawn.unit)
        )
    });
    streams::tell(&format!(
        "{}: {}{}, {} events{}, {}",
        path.display(),
        picture.geometry(),
        drawn.note,
        figures::count(picture.events()),
        span.unwrap_or_default(),
        figures::bytes(bytes)
    ));
    match drawn.damage {
        None => Ok(ExitCode::SUCCESS),
        Some(error) => Err(anyhow::Error::new(error).context("the picture shows what is before the damage")),
    }
}

/// A picture, and what there is to say about it.
struct Drawn {
    picture: Picture,
    unit: TimeUnit,
    is_upwards: bool,
    note: String,
    damage: Option<Error>,
}

fn draw(arguments: &Arguments) -> Result<Drawn> {
    let input = &arguments.input;
    let bar = Bar::new("render");
    let options = arguments.reading.options(&bar);
    let mut reader = reading::open(input, &options)?;
    let meta = reader.meta();
    let search = if arguments.reading.time.is_none() || meta.geometry.is_none() {
        let found = look(&mut reader, arguments)?;
        reader = reading::open(input, &options)?;
        Some(found)
    } else {
        None
    };
    let (geometry, note) = match (meta.geometry, search.as_ref().and_then(|found| found.extent)) {
        (Some(geometry), _) => (geometry, ""),
        (None, Some(extent)) => (
            extent,
            " (as far as events reach; --geometry sets the sensor's size)",
        ),
        (None, None) => (Geometry { width: 1, height: 1 }, ""),
    };
    let window = match (arguments.reading.time, search) {
        (
            None,
            Some(Found {
                busiest: Some(window),
                ..
            }),
        ) => window,
        _ => Window::ALL,
    };
    let mut picture = Picture::new(
        geometry,
        arguments
            .decay
            .map(|decay| decay.0 as f64 / meta.time_unit.nanos() as f64),
    )?;
    let damage = loop {
        match reader.next_columns() {
            Ok(Some(events)) => picture.add(events, window),
            Ok(None) => break None,
            Err(error) if gives_up(&error, arguments) => return Err(in_file(error, input)),
            Err(error) => break Some(in_file(error, input)),
        }
    };
    let is_upwards = meta.origin == Origin::BottomLeft;
    Ok(Drawn {
        picture,
        unit: meta.time_unit,
        is_upwards,
        note: note.to_owned(),
        damage,
    })
}

/// The pass that finds the busiest window and how far the events reach.
fn look(reader: &mut EventReader, arguments: &Arguments) -> Result<Found> {
    let input = &arguments.input;
    if !files::input(input).is_file() {
        let needed = if arguments.reading.time.is_none() {
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
    let mut search = Search::new(arguments.window, reader.meta().time_unit);
    loop {
        match reader.next_columns() {
            Ok(Some(events)) => search.add(events),
            Err(error) if gives_up(&error, arguments) => return Err(in_file(error, input)),
            // Damage is met again, and told, when the picture is drawn.
            Ok(None) | Err(_) => return Ok(search.finish()),
        }
    }
}

fn gives_up(error: &Error, arguments: &Arguments) -> bool {
    error.kind() == ErrorKind::Closed || arguments.reading.wants_all_or_nothing()
}

fn check_extension(path: &Path) -> Result<()> {
    let extension = path.extension().map(std::ffi::OsStr::to_ascii_lowercase);
    if path == Path::new("-") || extension.is_some_and(|extension| extension == "png") {
        return Ok(());
    }
    Err(Error::unsupported("pictures are written as PNG only")
        .with_context("file", path.display())
        .with_hint("let the output's name end in .png"))
}

/// RGB, 8 bits each, row after row from the top. Filter and level are fixed, so the bytes are too.
fn write_png(mut output: Box<dyn Write + Send>, geometry: Geometry, pixels: &[u8]) -> Result<()> {
    let mut encode = || -> std::result::Result<(), png::EncodingError> {
        let mut encoder = png::Encoder::new(&mut output, geometry.width.into(), geometry.height.into());
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_filter(png::Filter::Sub);
        encoder.set_deflate_compression(png::DeflateCompression::Level(6));
        let mut writer = encoder.write_header()?;
        writer.write_image_data(pixels)?;
        writer.finish()
    };
    encode().map_err(|error| match error {
        png::EncodingError::IoError(error) => error.into(),
        other => Error::internal(format!("the picture could not be encoded: {other}")),
    })?;
    Ok(output.flush()?)
}
