//! A chain from events to events: to any format that is written.

use std::process::ExitCode;
use std::time::Instant;

use parallax::events::Pool;
use parallax::formats::{create, writable};
use parallax::ops::Compose;
use parallax::{BatchBuilder, WriteOptions};

use super::{Arguments, Source, in_output, part};
use crate::damage::Damage;
use crate::output::Output;
use crate::progress::Bar;
use crate::{figures, reading, stop, streams};

pub(super) fn run(arguments: &Arguments, compose: &Compose, pool: Pool<'_>) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let path = &arguments.output;
    let in_output = |error| in_output(error, path);
    let options = WriteOptions {
        format: arguments.to.clone(),
    };
    let extension = reading::extension(path);
    let (format, ..) = writable(extension.as_deref(), &options)
        .map_err(|error| match extension.as_deref() {
            Some("png" | "npz") => {
                error.with_hint("the chain yields events: end it in a representation, such as frame")
            }
            _ => error,
        })
        .map_err(in_output)?;
    let output = Output::create(path, arguments.force).map_err(in_output)?;

    let bar = Bar::new("apply");
    let mut source = Source::open(arguments, compose, &bar)?;
    let meta = source.run.output_meta().clone();
    let mut writer = create(output.writer(), extension.as_deref(), &meta, &options).map_err(in_output)?;
    let damage = source
        .drive(|run, batch| writer.write(&run.apply(batch, pool)?))
        .map_err(in_output)?;
    let mut held = BatchBuilder::growing()?;
    source.run.end(pool, &mut held).map_err(in_output)?;
    if !held.is_empty() {
        writer.write(&held.finish(&meta)?).map_err(in_output)?;
    }
    let (seen, kept) = source.run.passed();
    let damage = Damage::weigh(damage, seen, &arguments.reading, &arguments.input, path)?;
    writer.finish().map_err(in_output)?;
    stop::check()?;
    let bytes = output.commit().map_err(in_output)?;
    drop(bar);

    let seconds = started.elapsed().as_secs_f64();
    streams::tell(&format!(
        "{}: {} events ({}) to {} ({}) in {seconds:.2} s, {}",
        path.display(),
        part(kept, seen),
        source.format().id(),
        figures::bytes(bytes),
        format.id(),
        figures::rate(seen as f64 / seconds)
    ));
    source.tell()?;
    damage.told(seen, path)?;
    Ok(ExitCode::SUCCESS)
}
