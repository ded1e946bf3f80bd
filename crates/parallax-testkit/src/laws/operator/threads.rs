//! Threads and SIMD levels change nothing.

use parallax_events::{EventBatch, Pool};

use super::answer::{Answer, Run, answer, answer_on};
use super::streams::{pieces, streams};
use super::{Op, OperatorRow};
use crate::laws::{Broken, Lawful, across_levels, ensure};

/// Inside and with pools of 1, 2 and 5 threads the answer is the same bit for bit, and one operator may be used by
/// several threads at once.
pub fn thread_counts(row: &OperatorRow) -> Lawful {
    let streams = streams()?;
    row.each(|variant| {
        for (name, whole) in &streams {
            let run = || answer(&variant.op, &pieces(whole, 3000), whole.meta());
            let wanted = run()?;
            for threads in [1, 2, 5] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
                let pool = pool.map_err(|error| Broken(format!("no pool of {threads} threads: {error}")))?;
                for size in [3000, usize::MAX] {
                    let batches = pieces(whole, size);
                    let found = answer_on(&variant.op, &batches, whole.meta(), Pool::from(&pool))?;
                    found.agree(&wanted, &format!("{name} with a pool of {threads} threads"))?;
                }
                pool.install(run)?
                    .agree(&wanted, &format!("{name} in a pool of {threads} threads"))?;
            }
            std::thread::scope(|scope| {
                let others: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
                others.into_iter().try_for_each(|other| {
                    let found = other
                        .join()
                        .map_err(|_| Broken("a thread panicked".to_owned()))??;
                    found.agree(&wanted, &format!("{name} on four threads at once"))
                })
            })?;
        }
        Ok(())
    })
}

/// Where an operator [forks](parallax_events::EventOp::fork) its state, stretches of a stream may be worked on in any order,
/// with the answer and the state that they give one after another; and a fork for no events changes nothing.
pub fn forked_states(row: &OperatorRow) -> Lawful {
    let streams = streams()?;
    row.each(|variant| {
        let Op::Events(op) = &variant.op else {
            return Ok(());
        };
        for (name, whole) in &streams {
            let Ok(mut run) = Run::new(&variant.op, whole.meta()) else {
                continue;
            };
            let before = run.state.save();
            if op.fork(run.state.as_mut(), 0).is_none() {
                return Ok(());
            }
            ensure!(
                run.state.save() == before,
                "{name}: a fork for no events changes the state"
            );
            let pieces = pieces(whole, 333);
            let fork = |piece: &EventBatch| op.fork(run.state.as_mut(), piece.len());
            let Some(mut forks) = pieces.iter().map(fork).collect::<Option<Vec<_>>>() else {
                return Err(Broken(format!("{name}: it forks for no events only")));
            };
            let mut parts = Vec::new();
            for (state, piece) in forks.iter_mut().zip(&pieces).rev() {
                parts.push(op.apply(state.as_mut(), piece)?.to_events());
            }
            let found = Answer::Events(parts.into_iter().rev().flatten().collect());
            let mut whole_run = Run::new(&variant.op, whole.meta())?;
            whole_run.push(whole)?;
            ensure!(
                run.state.save() == whole_run.state.save(),
                "{name}: forked for all events, its state is another"
            );
            found.agree(&whole_run.finish()?, &format!("{name} by forked states"))?;
        }
        Ok(())
    })
}

/// The answers of every operator are the same under every SIMD level. `test` is the name of the calling test.
///
/// # Panics
/// If a level differs.
#[expect(clippy::panic, reason = "this is how a test fails")]
pub fn simd_levels(test: &str, rows: &[OperatorRow]) {
    if let Err(broken) = across_levels(test, || digests(rows)) {
        panic!("law {test} broken: {broken}");
    }
}

fn digests(rows: &[OperatorRow]) -> Result<String, Broken> {
    use sha2::{Digest, Sha256};
    let streams = streams()?;
    let mut digests = Vec::new();
    for row in rows {
        let hash = std::cell::RefCell::new(Sha256::new());
        row.each(|variant| {
            for (_, whole) in &streams {
                hash.borrow_mut()
                    .update(answer(&variant.op, std::slice::from_ref(whole), whole.meta())?.bytes());
            }
            Ok(())
        })?;
        let digest: String = hash
            .into_inner()
            .finalize()
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        digests.push(format!("{}={digest}", row.id));
    }
    Ok(digests.join(" "))
}
