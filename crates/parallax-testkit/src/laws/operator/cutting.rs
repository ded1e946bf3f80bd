//! How a stream is cut into batches changes nothing, down to none at all.

use std::sync::Arc;

use parallax_events::{Event, EventBatch, Meta};

use super::answer::{Answer, Op, Run, answer};
use super::streams::{pieces, random_pieces, streams};
use super::{OperatorRow, Variant};
use crate::Scene;
use crate::laws::{Broken, Lawful, ensure};

/// The operator knows its own id, and what it prints of its parameters makes it again.
pub fn declared(row: &OperatorRow) -> Lawful {
    row.each(|variant| {
        let params = match &variant.op {
            Op::Events(op) => op.params(),
            Op::Tensor(op) => op.params(),
        };
        ensure!(params.id() == row.id, "it calls itself {}", params.id());
        let Some(known) = row.row else { return Ok(()) };
        ensure!(
            !known.title().is_empty() && !known.title().ends_with('.'),
            "its title is {:?}",
            known.title()
        );
        let text = params.to_string();
        let again = match known.build {
            parallax_ops::Build::Events(_) => parallax_ops::event_op(&text).map(|op| op.params().to_string()),
            parallax_ops::Build::Tensor(_) => {
                parallax_ops::represent(&text).map(|op| op.params().to_string())
            }
        };
        ensure!(
            again.as_ref().ok() == Some(&text),
            "printed as `{text}`, it is made again as {again:?}"
        );
        Ok(())
    })
}

/// Batches of 1, 7, 64 and 1000 events, and cuts drawn by a seed with empty batches among them, give what one batch
/// gives. That holds for refusals too.
pub fn any_split(row: &OperatorRow) -> Lawful {
    let streams = streams()?;
    row.each(|variant| {
        for (name, whole) in &streams {
            let wanted = answer(&variant.op, std::slice::from_ref(whole), whole.meta())?;
            for size in [1, 7, 64, 1000] {
                let found = answer(&variant.op, &pieces(whole, size), whole.meta())?;
                found.agree(&wanted, &format!("{name} in batches of {size}"))?;
            }
            for seed in 0..4 {
                let found = answer(&variant.op, &random_pieces(whole, seed), whole.meta())?;
                found.agree(&wanted, &format!("{name} in batches drawn by seed {seed}"))?;
            }
        }
        Ok(())
    })
}

/// No batch, an empty batch and a single event: no error, and a tensor has the shape that it always has.
pub fn nothing_and_one(row: &OperatorRow) -> Lawful {
    row.each(|variant| {
        let meta = Arc::new(Meta::with_geometry(64, 48)?);
        let shape = |answer: &Answer| match answer {
            Answer::Tensor(tensor) => Some((tensor.dtype(), tensor.shape().to_vec())),
            _ => None,
        };
        let none = answer(&variant.op, &[], &meta)?;
        let empty = answer(&variant.op, &[EventBatch::empty(Arc::clone(&meta))], &meta)?;
        empty.agree(&none, "one empty batch")?;
        let corner = EventBatch::from_events(&[Event::new(i64::MAX, 63, 47, 1)], Arc::clone(&meta))?;
        let first = EventBatch::from_events(&[Event::new(i64::MIN, 0, 0, 0)], Arc::clone(&meta))?;
        for one in [&corner, &first] {
            let found = answer(&variant.op, std::slice::from_ref(one), &meta)?;
            ensure!(!matches!(found, Answer::Refused(_)), "it refuses a single event");
            ensure!(
                shape(&found) == shape(&none),
                "the shape for one event is {:?}",
                shape(&found)
            );
        }
        // The whole span of time that 64 bits hold: refused or not, in whatever batches.
        let wide = answer(&variant.op, &[first.clone(), corner.clone()], &meta)?;
        let both = EventBatch::concat(&[first, corner])?;
        answer(&variant.op, &[both], &meta)?.agree(&wide, "the ends of time in one batch")
    })
}

/// One batch of more than a million events gives what batches of 64 Ki give.
pub fn huge_batch(row: &OperatorRow) -> Lawful {
    let scene = Scene::builder()
        .geometry(128, 96)
        .seed(13)
        .edges(3)
        .noise_rate(50.0)
        .build()?;
    let events = scene.batch().to_events();
    let count = (1 << 20) + 3;
    let repeated = |index: usize| {
        let (round, event) = (index / events.len(), events[index % events.len()]);
        Event::new(event.t + 100_000 * round as i64, event.x, event.y, event.p)
    };
    let all: Vec<Event> = (0..count).map(repeated).collect();
    let whole = EventBatch::from_events(&all, Arc::clone(scene.batch().meta()))?;
    row.each(|variant| {
        let wanted = answer(&variant.op, std::slice::from_ref(&whole), whole.meta())?;
        let found = answer(&variant.op, &pieces(&whole, 64 << 10), whole.meta())?;
        found.agree(&wanted, "a million events in batches of 64 Ki")
    })
}

/// Without a sensor size the operator works, or says that it needs `geometry`.
pub fn needs_are_said(row: &OperatorRow) -> Lawful {
    row.each(|variant: &Variant| {
        let meta = Arc::new(Meta::default());
        match Run::new(&variant.op, &meta) {
            Err(error) => {
                let text = error.to_string();
                let said = error.kind() == parallax_events::ErrorKind::Param && text.contains("geometry");
                ensure!(
                    said,
                    "without a sensor size it says {error:?}, which does not name `geometry`"
                );
                Ok(())
            }
            Ok(mut run) => {
                let far = [
                    Event::new(0, u16::MAX, u16::MAX, 1),
                    Event::new(1, 0, u16::MAX, 0),
                ];
                run.push(&EventBatch::from_events(&far, Arc::clone(&meta))?)?;
                run.finish()
                    .map(|_| ())
                    .map_err(|broken| Broken(format!("without a sensor size: {broken}")))
            }
        }
    })
}
