//! One recording to one output.

use std::path::Path;
use std::time::Instant;

use parallax::events::{Origin, SharedPool};
use parallax::formats::{EventWriter, create, writable, written_as};
use parallax::{Error, EventReader, ReadOptions, Result, WriteOptions};

use super::Arguments;
use super::edit::Edit;
use super::origin;
use crate::damage::Damage;
use crate::output::{self, Output};
use crate::progress::Bar;
use crate::reading::{self, in_file};
use crate::{figures, files, stop, streams};

/// Converts `input` to `path`, and says so. `label` stands before the progress bar.
///
/// # Errors
/// If nothing was written, or if only what stands before some damage was.
pub(super) fn convert(arguments: &Arguments, input: &Path, path: &Path, label: String) -> anyhow::Result<()> {
    let started = Instant::now();
    let in_output = |error| reading::in_output(error, path);
    output::refuse_to_replace(&[input.to_owned()], path)?;
    let options = WriteOptions {
        format: arguments.to.clone(),
    };
    let extension = reading::extension(path);
    let (format, ..) = writable(extension.as_deref(), &options).map_err(in_output)?;
    let output = Output::create(path, arguments.force).map_err(in_output)?;

    let bar = Bar::new(label);
    let reading = ReadOptions {
        triggers: true,
        ..arguments.reading.options(&bar)
    };
    let mut reader = open(arguments, input, reading)?;
    let mut edit = Edit::new(&arguments.edit, &reader.meta()).map_err(|error| in_file(error, input))?;
    if edit.meta().origin != Origin::TopLeft && arguments.edit.changes_rows() {
        origin::require_stated(format, extension.as_deref(), &options).map_err(in_output)?;
    }
    let mut writer =
        create(output.writer(), extension.as_deref(), edit.meta(), &options).map_err(in_output)?;
    let holds_triggers = format.triggers.is_written();
    let Copied {
        events,
        triggers,
        damage,
    } = copy(&mut reader, &mut edit, writer.as_mut(), holds_triggers).map_err(in_output)?;
    let damage = Damage::weigh(damage, edit.seen, &arguments.reading, input, path)?;
    writer.finish().map_err(in_output)?;
    stop::check()?;
    let written = output.commit().map_err(in_output)?;
    drop(bar);

    let of_all = if edit.is_filter() {
        format!(" of {}", figures::count(edit.seen))
    } else {
        String::new()
    };
    let seconds = started.elapsed().as_secs_f64();
    streams::tell(&format!(
        "{}: {}{of_all} events, {} ({}) to {} ({}) in {seconds:.2} s, {}",
        path.display(),
        figures::count(events),
        figures::bytes(files::length(input, &reader).unwrap_or(0)),
        reader.format().id(),
        figures::bytes(written),
        format.id(),
        figures::rate(edit.seen as f64 / seconds)
    ));
    if arguments.to.is_none()
        && let Some(extension) = &extension
    {
        say_what_else(extension);
    }
    if triggers > 0 {
        let fate = if holds_triggers {
            "were written too".to_owned()
        } else {
            format!("were left out: {} holds none", format.id())
        };
        streams::tell(&format!(
            "  {} external triggers {fate}",
            figures::count(triggers)
        ));
    }
    for finding in reader.report().findings() {
        streams::tell(&format!("  {finding}"));
    }
    damage.told(events, path)
}

/// Says which other formats the output's name could mean, where there are some.
fn say_what_else(extension: &str) {
    let others: Vec<&str> = written_as(extension).skip(1).map(|format| format.id()).collect();
    if !others.is_empty() {
        let others = others.join(" or ");
        streams::tell(&format!("  .{extension} can also be {others}: name it with --to"));
    }
}

/// Opens the input; with `--origin raw` a format that would turn the rows is told to keep them.
fn open(arguments: &Arguments, input: &Path, options: ReadOptions) -> Result<EventReader> {
    let reader = reading::open(input, &options)?;
    if !arguments.edit.wants_raw_rows() || !origin::can_keep_rows(reader.format()) {
        return Ok(reader);
    }
    let format = match &options.format {
        Some(text) if text.contains("origin=") => return Ok(reader),
        Some(text) => format!("{text} origin=raw"),
        None if !files::input(input).is_file() => {
            let id = reader.format().id();
            return Err(
                Error::param("a pipe cannot be read twice, which --origin raw takes here")
                    .with_context("file", input.display())
                    .with_hint(format!("give --from '{id} origin=raw' instead")),
            );
        }
        None => format!("{} origin=raw", reader.format().id()),
    };
    reading::open(
        input,
        &ReadOptions {
            format: Some(format),
            ..options
        },
    )
}

/// What was copied, and the error of the input that ended it.
struct Copied {
    events: u64,
    triggers: u64,
    damage: Option<Error>,
}

/// Writes everything that is readable; external triggers are only counted where the output holds none.
///
/// # Errors
/// If a change or writing fails.
fn copy(
    reader: &mut EventReader,
    edit: &mut Edit,
    writer: &mut dyn EventWriter,
    holds_triggers: bool,
) -> Result<Copied> {
    let mut copied = Copied {
        events: 0,
        triggers: 0,
        damage: None,
    };
    let threads = SharedPool::for_all_cores()?;
    copied.damage = reader.for_each_batch(threads.pool(), |batch, triggers| {
        copied.triggers += triggers.len() as u64;
        if holds_triggers {
            writer.write_triggers(&edit.triggers(triggers)?)?;
        }
        let batch = edit.apply(batch)?;
        copied.events += batch.len() as u64;
        writer.write(&batch)
    })?;
    Ok(copied)
}
