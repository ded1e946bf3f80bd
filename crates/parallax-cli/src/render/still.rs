//! One window as a PNG.

use std::process::ExitCode;

use parallax::formats::write_png;

use super::search::{Found, Window};
use super::{Arguments, Source, gives_up, nothing_to_draw};
use crate::output::Output;
use crate::progress::Bar;
use crate::reading::{self, in_file};
use crate::{figures, streams};

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let path = &arguments.output;
    let in_output = |error| reading::in_output(error, path);
    let output = Output::create(path, arguments.force).map_err(in_output)?;
    let bar = Bar::new("render");
    let is_searched =
        arguments.by_count.is_none() && (arguments.reading.time.is_none() || arguments.by_time.is_some());
    let mut source = Source::open(arguments, &bar, is_searched)?;
    let mut picture = source.picture()?;
    let window = match &source.found {
        Some(Found {
            busiest: Some(window),
            ..
        }) if is_searched => *window,
        _ => Window::ALL,
    };
    let mut left = arguments.by_count.unwrap_or(u64::MAX);
    let damage = loop {
        if left == 0 {
            break None;
        }
        match source.reader.next_columns() {
            Ok(Some(events)) => {
                let events = events.slice(0..usize::try_from(left).unwrap_or(usize::MAX));
                left -= events.len() as u64;
                picture.add(events, window.range());
            }
            Ok(None) => break None,
            Err(error) if gives_up(&error, arguments) => return Err(in_file(error, &arguments.input).into()),
            Err(error) => break Some(in_file(error, &arguments.input)),
        }
    };
    let Some((first, last)) = picture.span() else {
        return Err(damage.unwrap_or_else(|| nothing_to_draw(&arguments.input)).into());
    };
    let pixels = picture.pixels(last, arguments.colormap, arguments.background, source.is_upwards);
    write_png(&mut output.writer(), picture.raster().size(), &pixels).map_err(in_output)?;
    let bytes = output.commit().map_err(in_output)?;
    drop(bar);
    streams::tell(&format!(
        "{}: {}{}, {} events from {} to {}, {}",
        path.display(),
        picture.raster().size(),
        source.note,
        figures::count(picture.events()),
        figures::seconds(first, source.unit),
        figures::seconds(last, source.unit),
        figures::bytes(bytes)
    ));
    match damage {
        None => Ok(ExitCode::SUCCESS),
        Some(error) => Err(anyhow::Error::new(error).context("the picture shows what is before the damage")),
    }
}
