//! All windows one after another as a GIF, in one pass and constant memory.
//!
//! A window of time is over when the first event at or after its end comes; windows without events are frames too, so
//! that the film runs as time did. An event that comes late, because time goes back, is drawn in the frame that is
//! being made. The brightness follows the events slowly from frame to frame, so that films do not flicker.

use std::ops::ControlFlow;
use std::process::ExitCode;

use parallax::ops::picture::{Palette, Picture, saturation};
use parallax::{DvsColumns, Error, Result};

use super::gif::{GifWriter, SHORTEST_CENTIS};
use super::{Arguments, Source, WINDOW, gives_up, nothing_to_draw};
use crate::output::Output;
use crate::progress::Bar;
use crate::reading::{self, in_file};
use crate::{figures, stop, streams};

/// The most frames if nobody says.
const FRAMES: u64 = 600;
/// Frames a second of windows by count.
const RATE: f64 = 25.0;
/// The brightness goes this part of its way in each frame.
const ADAPTION: f32 = 0.125;

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let path = &arguments.output;
    let in_output = |error| reading::in_output(error, path);
    let (centis, speed) = pacing(arguments)?;
    let output = Output::create(path, arguments.force).map_err(in_output)?;
    let bar = Bar::new("render");
    let mut source = Source::open(arguments, &bar, false)?;
    let picture = source.picture()?;
    let palette = Palette::new(arguments.colormap, arguments.background);
    let size = picture.raster().size();
    let mut film = Film {
        writer: GifWriter::new(output.writer(), size, &palette.colors(), centis).map_err(in_output)?,
        cut: match arguments.by_count {
            Some(events) => Cut::Count(events),
            None => {
                let window = arguments.by_time.unwrap_or(WINDOW);
                Cut::Time((window.0 / source.unit.nanos()).max(1))
            }
        },
        picture,
        palette,
        is_upwards: source.is_upwards,
        frames: arguments.frames.unwrap_or(FRAMES),
        end: None,
        in_frame: 0,
        newest: 0,
        scale: None,
    };
    let (is_cut_short, damage) = loop {
        match source.reader.next_columns() {
            Ok(Some(events)) => {
                if film.add(events).map_err(in_output)?.is_break() {
                    break (true, None);
                }
            }
            Ok(None) => break (false, None),
            Err(error) if gives_up(&error, arguments) => return Err(in_file(error, &arguments.input).into()),
            Err(error) => break (false, Some(in_file(error, &arguments.input))),
        }
    };
    let Some((first, last)) = film.picture.span() else {
        return Err(damage.unwrap_or_else(|| nothing_to_draw(&arguments.input)).into());
    };
    if film.in_frame > 0 && !is_cut_short {
        let end = film.end.unwrap_or(film.newest);
        // What was the last frame that is allowed was the last there is.
        let _ = film.emit(end).map_err(in_output)?;
    }
    let (frames, drawn) = (film.writer.frames(), film.picture.events());
    film.writer.finish().map_err(in_output)?;
    stop::check()?;
    let bytes = output.commit().map_err(in_output)?;
    drop(bar);
    streams::tell(&format!(
        "{}: {size}{}, {} frames at {:.1} a second{}, {} events from {} to {}, {}",
        path.display(),
        source.note,
        figures::count(frames),
        100.0 / centis,
        speed
            .map(|speed| format!(" ({speed:.3} x real time)"))
            .unwrap_or_default(),
        figures::count(drawn),
        figures::seconds(first, source.unit),
        figures::seconds(last, source.unit),
        figures::bytes(bytes)
    ));
    if is_cut_short {
        streams::tell(&format!(
            "  stopped at {frames} frames; --frames allows more, --time chooses others"
        ));
    }
    match damage {
        None => Ok(ExitCode::SUCCESS),
        Some(error) => Err(anyhow::Error::new(error).context("the film shows what is before the damage")),
    }
}

/// Hundredths of a second that a frame stands, and how fast that is against the recording, where it is steady.
///
/// # Errors
/// If that is faster than GIFs are shown.
fn pacing(arguments: &Arguments) -> Result<(f64, Option<f64>)> {
    let window_centis = arguments.by_time.unwrap_or(WINDOW).0 as f64 / 1e7;
    let is_by_time = arguments.by_count.is_none();
    let (centis, is_asked) = match (arguments.rate, arguments.speed) {
        (Some(rate), _) => (100.0 / rate, true),
        (None, Some(speed)) => (window_centis / speed, true),
        (None, None) if is_by_time => (window_centis.max(SHORTEST_CENTIS), false),
        (None, None) => (100.0 / RATE, false),
    };
    if is_asked && centis < SHORTEST_CENTIS {
        return Err(Error::param(format!(
            "{:.1} frames a second are more than the 50 that GIFs are shown at",
            100.0 / centis
        ))
        .with_hint("lower --rate or --speed, or make the windows longer with --by-time"));
    }
    Ok((centis, is_by_time.then_some(window_centis / centis)))
}

/// Where a frame ends.
#[derive(Debug, Clone, Copy)]
enum Cut {
    /// After so many ticks of the stream's unit.
    Time(i64),
    /// After so many events.
    Count(u64),
}

struct Film {
    writer: GifWriter,
    picture: Picture,
    palette: Palette,
    is_upwards: bool,
    cut: Cut,
    /// The most frames.
    frames: u64,
    /// Where the frame in the making ends; `None` before the first event.
    end: Option<i64>,
    /// How many events the frame in the making has.
    in_frame: u64,
    /// The last event's time.
    newest: i64,
    /// The value that is fully lit.
    scale: Option<f32>,
}

impl Film {
    /// Draws these events; `Break` when there are as many frames as allowed.
    ///
    /// # Errors
    /// If the output fails.
    fn add(&mut self, events: DvsColumns<'_>) -> Result<ControlFlow<()>> {
        let mut start = 0;
        while let Some(&t) = events.t.get(start) {
            let run = match self.cut {
                Cut::Time(length) => {
                    let mut end = *self.end.get_or_insert_with(|| t.saturating_add(length));
                    while t >= end && end < i64::MAX {
                        if self.emit(end)?.is_break() {
                            return Ok(ControlFlow::Break(()));
                        }
                        end = end.saturating_add(length);
                        self.end = Some(end);
                    }
                    let rest = events.t.get(start..).unwrap_or_default();
                    let run = rest.iter().position(|&t| t >= end && end < i64::MAX);
                    run.unwrap_or(rest.len())
                }
                Cut::Count(length) => {
                    if self.in_frame == length && self.emit(self.newest)?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                    usize::try_from(length - self.in_frame).unwrap_or(usize::MAX)
                }
            };
            let part = events.slice(start..start.saturating_add(run));
            self.picture.add(part, ..);
            self.in_frame += part.len() as u64;
            self.newest = part.t.last().copied().unwrap_or(self.newest);
            start += part.len();
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Writes the frame as seen at the time `end`; `Break` when it was the last that is allowed.
    fn emit(&mut self, end: i64) -> Result<ControlFlow<()>> {
        stop::check()?;
        let cells = self.picture.seen_at(end);
        if let Some(wanted) = saturation(&cells) {
            let scale = self.scale.unwrap_or(wanted);
            self.scale = Some(scale + (wanted - scale) * ADAPTION);
        }
        let scale = self.scale.unwrap_or(1.0);
        let indices: Vec<u8> = cells
            .iter()
            .map(|(on, off)| self.palette.index(on / scale, off / scale))
            .collect();
        self.writer
            .write(self.picture.raster().enlarge(&indices, self.is_upwards))?;
        self.picture.next_frame();
        self.in_frame = 0;
        Ok(if self.writer.frames() >= self.frames {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    }
}
