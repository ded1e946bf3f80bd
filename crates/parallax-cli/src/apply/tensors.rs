//! A chain that ends in a representation: its tensors to a file.

use std::process::ExitCode;
use std::time::Instant;

use parallax::events::Pool;
use parallax::ops::Compose;
use parallax::{Error, Tensor};

use super::target::{Target, TensorOutput};
use super::{Arguments, Source, in_output, part};
use crate::damage::Damage;
use crate::output::Output;
use crate::progress::Bar;
use crate::{figures, stop, streams};

pub(super) fn run(
    arguments: &Arguments,
    compose: &Compose,
    target: Target,
    is_windowed: bool,
    pool: Pool<'_>,
) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let path = &arguments.output;
    let in_output = |error| in_output(error, path);
    let output = Output::create(path, arguments.force).map_err(in_output)?;
    let bar = Bar::new("apply");
    let mut source = Source::open(arguments, compose, &bar)?;
    let mut file = TensorOutput::new(target, output.writer(), is_windowed, arguments.colormap);
    let mut like = None;
    let mut keep = |tensor: Tensor| {
        stop::check()?;
        like.get_or_insert_with(|| describe(&tensor));
        file.push(tensor)
    };
    let damage = source
        .drive(|run, batch| run.push_tensors(batch, pool, &mut keep))
        .map_err(in_output)?;
    source.run.end_tensors(pool, &mut keep).map_err(in_output)?;
    let (seen, kept) = source.run.passed();
    let damage = Damage::weigh(damage, seen, &arguments.reading, &arguments.input, path)?;
    let count = file.len();
    let Some(like) = like else {
        let nothing =
            Error::param("the chain yields no tensor: the recording ends before the first window does")
                .with_hint("incomplete=true takes the window that the end cuts short");
        return Err(in_output(nothing).into());
    };
    file.finish().map_err(in_output)?;
    stop::check()?;
    let bytes = output.commit().map_err(in_output)?;
    drop(bar);

    let seconds = started.elapsed().as_secs_f64();
    let tensors = if count == 1 { "tensor" } else { "tensors" };
    streams::tell(&format!(
        "{}: {} {tensors} of {like} from {} events ({}) to {} in {seconds:.2} s, {}",
        path.display(),
        figures::count(count),
        part(kept, seen),
        source.format().id(),
        figures::bytes(bytes),
        figures::rate(seen as f64 / seconds)
    ));
    source.tell()?;
    damage.told(seen, path)?;
    Ok(ExitCode::SUCCESS)
}

/// `f32 [5, 480, 640] (time, y, x)`.
fn describe(tensor: &Tensor) -> String {
    format!(
        "{} {:?} ({})",
        tensor.dtype(),
        tensor.shape(),
        tensor.axes().join(", ")
    )
}
