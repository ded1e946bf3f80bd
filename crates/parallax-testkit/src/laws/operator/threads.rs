//! Threads and SIMD levels change nothing.

use parallax_events::{EventBlock, OpState, Pool};

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
/// as many at once as there are threads, with the answer and the state that they give one after another; and to be asked for
/// forks changes nothing.
pub fn forked_states(row: &OperatorRow) -> Lawful {
    const THREADS: usize = 5;
    let streams = streams()?;
    let threads = rayon::ThreadPoolBuilder::new().num_threads(THREADS).build();
    let threads = threads.map_err(|error| Broken(format!("no pool of {THREADS} threads: {error}")))?;
    row.each(|variant| {
        let Op::Events(op) = &variant.op else {
            return Ok(());
        };
        for (name, whole) in &streams {
            let Ok(mut run) = Run::new(&variant.op, whole.meta()) else {
                continue;
            };
            let state = run.state.as_mut();
            let before = state.save();
            if op.stretch(state, whole, Pool::from(&threads))?.is_none() {
                continue;
            }
            ensure!(
                state.save() == before,
                "{name}: to be asked for forks changes the state"
            );
            let pieces = pieces(whole, 333);
            let mut parts = vec![Vec::new(); pieces.len()];
            let mut forks: Vec<(usize, Box<dyn OpState>)> = Vec::new();
            let mut block = EventBlock::default();
            for (place, piece) in pieces.iter().enumerate() {
                block.load(piece);
                let fork = op.fork(state, &block)?;
                let must_run_now = fork.is_none();
                forks.extend(fork.map(|fork| (place, fork)));
                if must_run_now || forks.len() == THREADS || place + 1 == pieces.len() {
                    for (place, mut fork) in forks.drain(..).rev() {
                        parts[place] = op.apply(fork.as_mut(), &pieces[place])?.to_events();
                    }
                }
                if must_run_now {
                    parts[place] = op.apply(state, piece)?.to_events();
                }
            }
            let found = Answer::Events(parts.into_iter().flatten().collect());
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
