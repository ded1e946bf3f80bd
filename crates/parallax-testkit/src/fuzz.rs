//! The fuzz targets: hostile bytes go in, nothing panics, nothing unsound comes out, no memory beyond the limits.
//!
//! They are plain functions, shared by the seeded mutator of `cargo xtask test fuzz` and by cargo-fuzz (the folder
//! `fuzz`). What they check of a format are the laws: both doors agree, batches are sound, errors are the data's.

use std::io::Read;
use std::time::{Duration, Instant};

use parallax_events::{Chain, Philox};
use parallax_formats::{FORMATS, Format, ReadOptions, SeekInput, read_npy, read_npz};

use crate::laws::format::damage::{clean, damage, tight};
use crate::laws::format::recorded::is_recording_of;
use crate::laws::format::{Door, FormatRow};
use crate::laws::{Broken, Lawful, caught, ensure};
use crate::{oracle, recordings};

/// The most bytes of a recording that the corpus holds.
const HEAD: usize = 16 << 10;

/// Bytes that may be anything, and what is done with them.
pub struct Target {
    /// Its name: that of a format, or `any`, `chain`, `tensors`.
    pub name: &'static str,
    /// Inputs to begin with.
    pub corpus: Vec<Vec<u8>>,
    run: Box<Run>,
}

type Run = dyn Fn(&[u8]) -> Lawful;

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target")
            .field("name", &self.name)
            .field("corpus", &self.corpus.len())
            .finish_non_exhaustive()
    }
}

/// Every target: one for each format that is read, and those that belong to none.
///
/// # Errors
/// If a recording that is here cannot be read.
pub fn targets() -> Result<Vec<Target>, Broken> {
    let mut targets = Vec::new();
    let mut all = Vec::new();
    for row in FormatRow::all(FORMATS) {
        let corpus = corpus_of(&row)?;
        all.extend(corpus.iter().take(1).cloned());
        let name = row.format.id();
        targets.push(Target {
            name,
            corpus,
            run: Box::new(move |bytes| one_format(&row, bytes)),
        });
    }
    let chains = CHAINS.map(|text| text.as_bytes().to_vec()).to_vec();
    let arrays = all
        .iter()
        .filter(|bytes| bytes.starts_with(b"\x93NUMPY") || bytes.starts_with(b"PK"));
    let arrays = arrays.cloned().collect();
    targets.push(Target {
        name: "chain",
        corpus: chains,
        run: Box::new(chain),
    });
    targets.push(Target {
        name: "tensors",
        corpus: arrays,
        run: Box::new(tensors),
    });
    targets.push(Target {
        name: "any",
        corpus: all,
        run: Box::new(any_format),
    });
    Ok(targets)
}

/// Its sample, a small file as it is written, and the heads of its recordings.
fn corpus_of(row: &FormatRow) -> Result<Vec<Vec<u8>>, Broken> {
    let mut corpus = row.inputs()?;
    for golden in oracle()? {
        let path = recordings::folder().join(&golden.id);
        if path.is_file() && is_recording_of(&path, row)? {
            let mut head = Vec::new();
            std::fs::File::open(&path)?
                .take(HEAD as u64)
                .read_to_end(&mut head)?;
            corpus.push(head);
        }
    }
    Ok(corpus)
}

const CHAINS: [&str; 6] = [
    "evt3",
    "csv columns=t,x,y,p unit=s separator=comma",
    "crop x=10 y=20 width=640 ! count every=20ms",
    "a text=\"quoted \\\" ! text\" rate=1.5Mev/s time=+1s..+2.5s # and a comment",
    "one a=-1 b=1e-3 ! two ! three c='single'",
    "x y=",
];

/// The bytes as one format.
pub fn one_format(row: &FormatRow, bytes: &[u8]) -> Lawful {
    let options = ReadOptions {
        limits: tight(),
        ..row.options()
    };
    let found = row.read(bytes, &options, Door::Bytes)?;
    clean(&found, "from memory")?;
    let pushed = row.read(bytes, &options, Door::Push(61))?;
    pushed.agree(&found, "pushed")
}

/// The bytes as the format that they are recognised as, under no name and under every extension.
pub fn any_format(bytes: &[u8]) -> Lawful {
    let options = ReadOptions {
        limits: tight(),
        chunk: 4096,
        ..ReadOptions::default()
    };
    let extensions = FORMATS
        .iter()
        .filter_map(|format| format.extensions.first().copied());
    for extension in std::iter::once(None).chain(extensions.map(Some)) {
        let Some(row) = FormatRow::all(FORMATS).into_iter().next() else {
            continue;
        };
        let found = (row.read)(bytes, extension, &options, Door::Bytes)?;
        clean(&found, &format!("{extension:?}"))?;
    }
    Ok(())
}

/// The bytes as a chain of ids and parameters: what parses is printed, and parses to the same again. Every format checks
/// its parameters.
pub fn chain(bytes: &[u8]) -> Lawful {
    let text = String::from_utf8_lossy(bytes);
    let Ok(chain) = Chain::parse(&text) else {
        return Ok(());
    };
    let printed = chain.to_string();
    let again =
        Chain::parse(&printed).map_err(|error| Broken(format!("{printed:?} does not parse: {error}")))?;
    ensure!(again == chain, "{printed:?} parses to something else");
    for link in &chain.links {
        if let Ok(format) = parallax_formats::format(&link.id) {
            let _ = Format::id(format);
            if let Ok(params) = format.declaration.check(link) {
                let printed = params.to_string();
                ensure!(Chain::parse(&printed).is_ok(), "{printed:?} does not parse");
            }
        }
    }
    Ok(())
}

/// The bytes as arrays of NumPy's.
pub fn tensors(mut bytes: &[u8]) -> Lawful {
    let archive = SeekInput::Bytes(bytes.to_vec().into());
    for error in [
        read_npy(&mut bytes, &tight()).err(),
        read_npz(archive, &tight()).err(),
    ]
    .into_iter()
    .flatten()
    {
        ensure!(
            error.kind() != parallax_events::ErrorKind::Internal,
            "a defect is reported: {error:?}"
        );
    }
    Ok(())
}

impl Target {
    /// Runs it on these bytes; a panic is a breach.
    ///
    /// # Errors
    /// What is broken.
    pub fn run(&self, bytes: &[u8]) -> Lawful {
        caught(|| (self.run)(bytes))
    }

    /// Runs it on damaged versions of its corpus until `time` is over, each drawn from `seed` and its number; at least
    /// one of each. Returns how many there were.
    ///
    /// # Errors
    /// The input that broke it, and how.
    pub fn run_for(&self, time: Duration, seed: u64) -> Result<u64, (Vec<u8>, Broken)> {
        let start = Instant::now();
        let random = Philox::new(seed, self.name);
        let mut version = 0;
        loop {
            for input in &self.corpus {
                // What damage leaves is damaged again: the later, the more.
                let mut bytes = damage(input, &random, version);
                for _ in 0..random.at(version)[3] % 4 {
                    version += 1;
                    bytes = damage(&bytes, &random, version);
                }
                if let Err(broken) = self.run(&bytes) {
                    return Err((bytes, broken));
                }
                version += 1;
            }
            if start.elapsed() >= time || self.corpus.is_empty() {
                return Ok(version);
            }
        }
    }
}
