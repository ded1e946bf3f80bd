//! The fuzz targets under a seeded mutator, as long as `PARALLAX_FUZZ_SECONDS` says (3; `cargo xtask test fuzz` says 30).
//!
//! `PARALLAX_FUZZ_SEED` is another seed than 1. An input that breaks something is written to the temporary folder; with
//! `PARALLAX_FUZZ_INPUT` and `PARALLAX_FUZZ_TARGET` it alone is run again.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::time::Duration;

use parallax_testkit::fuzz::targets;

fn number(name: &str, otherwise: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{name} is \"{text}\", not a number")),
        Err(_) => otherwise,
    }
}

#[test]
fn every_target_survives() {
    let targets = targets().unwrap();
    if let (Ok(input), Ok(name)) = (
        std::env::var("PARALLAX_FUZZ_INPUT"),
        std::env::var("PARALLAX_FUZZ_TARGET"),
    ) {
        let target = targets.iter().find(|target| target.name == name).unwrap();
        target.run(&std::fs::read(input).unwrap()).unwrap();
        return;
    }
    let seconds = number("PARALLAX_FUZZ_SECONDS", 3);
    let seed = number("PARALLAX_FUZZ_SEED", 1);
    let each = Duration::from_secs(seconds) / targets.len() as u32;
    let mut failed = Vec::new();
    for target in &targets {
        assert!(!target.corpus.is_empty(), "{} has no corpus", target.name);
        match target.run_for(each, seed) {
            Ok(count) => println!("fuzz {}: {count} inputs, seed {seed}", target.name),
            Err((bytes, broken)) => {
                let path = std::env::temp_dir().join(format!("parallax-fuzz-{}-{seed}.bin", target.name));
                std::fs::write(&path, bytes).unwrap();
                failed.push(format!(
                    "{} with seed {seed}: {broken}\nalone: PARALLAX_FUZZ_TARGET={} PARALLAX_FUZZ_INPUT={} cargo test \
                     --package parallax-formats --test fuzz",
                    target.name,
                    target.name,
                    path.display()
                ));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
