//! State is a value of its own: saved, restored, reset, and never shared between streams.

use std::sync::Arc;

use parallax_events::{EventBatch, Meta, OpState, Philox, Pool, Report, Result};

use super::OperatorRow;
use super::answer::{Op, Run, answer};
use super::streams::{pieces, streams};
use crate::Scene;
use crate::laws::{Lawful, ensure};

/// Saving in the middle of a stream and going on with the saved state in a fresh one gives the uninterrupted answer; so
/// does going on with the state that was saved.
pub fn saved_state(row: &OperatorRow) -> Lawful {
    let streams = streams()?;
    row.each(|variant| {
        for (name, whole) in &streams {
            let wanted = answer(&variant.op, std::slice::from_ref(whole), whole.meta())?;
            let n = whole.len();
            for place in [0, 1, n / 3, n / 2, n - 1, n] {
                let Ok(mut run) = Run::new(&variant.op, whole.meta()) else {
                    break;
                };
                run.push(&whole.slice(..place))?;
                let saved = run.state.save();
                let Ok(mut fresh) = Run::new(&variant.op, whole.meta()) else {
                    break;
                };
                fresh.state.restore(&saved)?;
                ensure!(
                    fresh.state.save() == saved,
                    "{name}: restored at {place}, it saves other bytes"
                );
                std::mem::swap(&mut run.state, &mut fresh.state);
                run.push(&whole.slice(place..))?;
                run.finish()?
                    .agree(&wanted, &format!("{name}, restored at event {place} of {n}"))?;

                let Ok(mut run) = Run::new(&variant.op, whole.meta()) else {
                    break;
                };
                run.push(&whole.slice(..place))?;
                let _ = run.state.save();
                run.push(&whole.slice(place..))?;
                run.finish()?
                    .agree(&wanted, &format!("{name}, saved at event {place} of {n}"))?;
            }
        }
        Ok(())
    })
}

/// A damaged saved state is an error, or a state that works on without a panic; a truncated one is an error.
pub fn hostile_states(row: &OperatorRow) -> Lawful {
    let scene = Scene::builder().geometry(16, 12).edges(1).build()?;
    let (first, second) = (scene.batch().slice(..100), scene.batch().slice(100..));
    row.each(|variant| {
        let meta = scene.batch().meta();
        let mut run = Run::new(&variant.op, meta)?;
        run.push(&first)?;
        let saved = run.state.save();
        for len in (0..saved.len()).step_by(saved.len() / 200 + 1) {
            let mut run = Run::new(&variant.op, meta)?;
            ensure!(
                run.state.restore(&saved[..len]).is_err(),
                "the first {len} of {} bytes restore",
                saved.len()
            );
            // A refused state is still a state.
            run.push(&second)?;
            run.finish()?;
        }
        let longer = [saved.as_slice(), &[0]].concat();
        ensure!(
            Run::new(&variant.op, meta)?.state.restore(&longer).is_err(),
            "a state with a byte too many restores"
        );
        let random = Philox::new(4, &row.id);
        for version in 0..200 {
            let [place, value, ..] = random.at(version);
            let mut damaged = saved.clone();
            let Some(at) = (place as usize).checked_rem(damaged.len()) else {
                break;
            };
            damaged[at] = if value & 0x100 == 0 { 0xFF } else { value as u8 };
            let mut run = Run::new(&variant.op, meta)?;
            let _ = run.state.restore(&damaged);
            run.push(&second)?;
            run.finish()?;
        }
        Ok(())
    })
}

/// The state of another operator is an error or is not needed; never a panic.
pub fn foreign_states(row: &OperatorRow) -> Lawful {
    #[derive(Debug)]
    struct Foreign;
    impl OpState for Foreign {
        fn reset(&mut self) {}
        fn save(&self) -> Vec<u8> {
            vec![1, 2, 3]
        }
        fn restore(&mut self, _: &[u8]) -> Result<()> {
            Ok(())
        }
        fn as_any_mut(&mut self) -> &mut dyn std::any::Any {
            self
        }
    }
    let scene = Scene::builder().edges(1).build()?;
    row.each(|variant| {
        let meta: &Meta = scene.batch().meta();
        match &variant.op {
            Op::Events(op) => {
                let _ = op.apply(&mut Foreign, scene.batch());
                let _ = op.end(&mut Foreign, meta);
            }
            Op::Tensor(op) => {
                let pool = Pool::serial();
                let _ = op.accumulate(&mut Foreign, scene.batch().columns(), pool);
                let _ = op.accumulate_batch(&mut Foreign, scene.batch(), pool);
                let _ = op.tensor(&mut Foreign, meta, pool);
                let _ = op.view(&mut Foreign, pool);
                let _ = op.restart(&mut Foreign, parallax_events::Span::Events);
            }
        }
        Ok(())
    })
}

/// After a reset anywhere in a stream the operator is as new.
pub fn reset_is_fresh(row: &OperatorRow) -> Lawful {
    let streams = streams()?;
    row.each(|variant| {
        for (name, whole) in &streams {
            let wanted = answer(&variant.op, std::slice::from_ref(whole), whole.meta())?;
            for place in [0, 1, whole.len() / 2, whole.len()] {
                let Ok(mut used) = Run::new(&variant.op, whole.meta()) else {
                    break;
                };
                used.push(&whole.slice(..place))?;
                used.state.reset();
                let Ok(mut run) = Run::new(&variant.op, whole.meta()) else {
                    break;
                };
                run.state = used.state;
                run.push(whole)?;
                run.finish()?
                    .agree(&wanted, &format!("{name}, reset after {place} events"))?;
            }
        }
        Ok(())
    })
}

/// What an operator reports of a stream does not depend on how the stream is cut, is part of the saved state and clean
/// after a reset, and asking for it changes nothing.
pub fn reports(row: &OperatorRow) -> Lawful {
    let streams = streams()?;
    row.each(|variant| {
        let Op::Events(op) = &variant.op else {
            return Ok(());
        };
        let asked = |state: &mut dyn OpState| -> Result<Report> {
            let mut report = Report::default();
            op.report(state, &mut report)?;
            Ok(report)
        };
        for (name, whole) in &streams {
            let Ok(mut run) = Run::new(&variant.op, whole.meta()) else {
                continue;
            };
            run.push(whole)?;
            let wanted = asked(run.state.as_mut())?;
            ensure!(
                asked(run.state.as_mut())? == wanted,
                "{name}: asked again, it reports something else"
            );
            for size in [1, 64] {
                let mut run = Run::new(&variant.op, whole.meta())?;
                for piece in pieces(whole, size) {
                    run.push(&piece)?;
                }
                ensure!(
                    asked(run.state.as_mut())? == wanted,
                    "{name}: in batches of {size} it reports something else"
                );
            }
            let mut fresh = Run::new(&variant.op, whole.meta())?;
            fresh.state.restore(&run.state.save())?;
            ensure!(
                asked(fresh.state.as_mut())? == wanted,
                "{name}: restored, it reports something else"
            );
            run.state.reset();
            ensure!(
                asked(run.state.as_mut())?.is_clean(),
                "{name}: after a reset it reports something"
            );
        }
        Ok(())
    })
}

/// One operator serves several streams in turn, and each gets the answer that it would get alone.
pub fn many_streams(row: &OperatorRow) -> Lawful {
    let streams = streams()?;
    row.each(|variant| {
        let mut runs = Vec::new();
        for (name, whole) in &streams {
            let Ok(run) = Run::new(&variant.op, whole.meta()) else {
                continue;
            };
            let wanted = answer(&variant.op, std::slice::from_ref(whole), whole.meta())?;
            runs.push((name, pieces(whole, 100), run, wanted));
        }
        let rounds = runs.iter().map(|(_, pieces, ..)| pieces.len()).max().unwrap_or(0);
        let none: EventBatch = EventBatch::empty(Arc::default());
        for round in 0..rounds {
            for (_, pieces, run, _) in &mut runs {
                let piece = pieces.get(round).unwrap_or(&none);
                if !piece.is_empty() {
                    run.push(piece)?;
                }
            }
        }
        for (name, _, run, wanted) in runs {
            run.finish()?
                .agree(&wanted, &format!("{name}, among other streams"))?;
        }
        Ok(())
    })
}
