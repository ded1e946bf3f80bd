//! `cargo xtask bench zero_copy`: handing content on by reference, beside copying it.
//!
//! Each figure is the median of five rounds, with the smallest and the largest, in nanoseconds for one content; that the
//! references point at the same bytes and the copies hold the same bytes is checked in the same run.

use std::error::Error;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use parallax_memory::{Bytes, MemoryPool, PoolConfig};

const ROUNDS: usize = 5;

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome {
    println!("{:<44} ns median [smallest, largest]", "what");
    for (size, steps) in [(4 << 10, 1_000_000), (64 << 10, 200_000), (1 << 20, 10_000)] {
        let pool = MemoryPool::new(&PoolConfig::new(8, size))?;
        let mut loan = pool.loan()?;
        for (index, byte) in loan.as_mut_slice().iter_mut().enumerate() {
            *byte = (index % 251) as u8;
        }
        loan.set_len(size)?;
        let content = loan.seal();
        let name = |what: &str| format!("{what}, {} KiB", size >> 10);
        row(&name("handed to four by reference"), steps, || {
            let four: [Bytes; 4] = std::array::from_fn(|_| content.clone());
            expect(four.iter().all(|one| one.as_ptr() == content.as_ptr()))?;
            drop(black_box(four));
            Ok(())
        })?;
        row(&name("a half of it, by reference"), steps, || {
            let half = black_box(&content).slice(size / 2..);
            expect(half.as_ptr() == content[size / 2..].as_ptr())?;
            drop(black_box(half));
            Ok(())
        })?;
        row(&name("as an Arrow buffer"), steps, || {
            let arrow = black_box(&content).clone().into_arrow(..);
            expect(arrow.as_ptr() == content.as_ptr())?;
            drop(black_box(arrow));
            Ok(())
        })?;
        row(&name("copied into another slot"), steps, || {
            let mut copy = pool.loan()?;
            copy.write_bytes(black_box(&content))?;
            expect(copy.as_slice().last() == content.last())?;
            drop(black_box(copy.seal()));
            Ok(())
        })?;
        drop(content);
        expect(pool.stats().in_use == 0)?;
    }
    Ok(())
}

fn expect(held: bool) -> Outcome {
    if held {
        Ok(())
    } else {
        Err("it is not the same memory".into())
    }
}

fn row(name: &str, steps: u32, mut step: impl FnMut() -> Outcome) -> Outcome {
    let mut rounds = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..steps {
            step()?;
        }
        rounds.push(start.elapsed().as_secs_f64() * 1e9 / f64::from(steps));
    }
    rounds.sort_by(f64::total_cmp);
    if let [smallest, .., largest] = rounds[..] {
        println!(
            "{name:<44} {:>9.1} [{smallest:.1}, {largest:.1}]",
            rounds[ROUNDS / 2]
        );
    }
    Ok(())
}
