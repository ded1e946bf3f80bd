//! `cargo xtask bench memory_pool`: nanoseconds of the steps that every buffer of a pipeline takes.
//!
//! Each figure is the median of five rounds, with the smallest and the largest; what the rounds did is checked
//! against the pool's own count.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use parallax_memory::{MemoryPool, PoolConfig};

const STEPS: u64 = 10_000_000;
const ROUNDS: usize = 5;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let pool = MemoryPool::new(&PoolConfig::new(64, 4096))?;
    let large = MemoryPool::new(&PoolConfig::new(1000, 64))?;
    println!("what                                 ns median [smallest, largest]");
    row("loan and return", || {
        drop(black_box(pool.loan()?));
        Ok(())
    })?;
    row("loan and return, 1000 slots", || {
        drop(black_box(large.loan()?));
        Ok(())
    })?;
    row("loan, 64 bytes, seal, return", || {
        let mut loan = pool.loan()?;
        loan.write_bytes(black_box(&[7; 64]))?;
        drop(black_box(loan.seal()));
        Ok(())
    })?;
    row("loan, a value moved in, return", || {
        drop(black_box(pool.loan()?.write(black_box([7_u64; 8]))?));
        Ok(())
    })?;
    let buffer = pool.loan()?.seal();
    row("clone and drop of a buffer", || {
        drop(black_box(black_box(&buffer).clone()));
        Ok(())
    })?;
    let owned = parallax_memory::Bytes::from(vec![0; 64]);
    row("clone and drop of bytes of a vector", || {
        drop(black_box(black_box(&owned).clone()));
        Ok(())
    })?;
    drop(buffer);
    let loans = pool.stats().loans;
    let wanted = STEPS * ROUNDS as u64 * 3 + 1;
    if loans != wanted || pool.stats().in_use != 0 {
        return Err(format!("{loans} loans instead of {wanted}, or some did not come back").into());
    }
    Ok(())
}

fn row(
    name: &str,
    mut step: impl FnMut() -> Result<(), parallax_memory::LoanError>,
) -> Result<(), parallax_memory::LoanError> {
    let mut rounds = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..STEPS {
            step()?;
        }
        rounds.push(start.elapsed().as_secs_f64() * 1e9 / STEPS as f64);
    }
    rounds.sort_by(f64::total_cmp);
    if let [smallest, .., largest] = rounds[..] {
        println!(
            "{name:<36} {:>5.1} [{smallest:.1}, {largest:.1}]",
            rounds[ROUNDS / 2]
        );
    }
    Ok(())
}
