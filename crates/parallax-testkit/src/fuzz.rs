//! The fuzz targets: hostile bytes go in, nothing panics, nothing unsound comes out, no memory beyond the limits.
//!
//! They are plain functions, shared by the seeded mutator of `cargo xtask test fuzz` and by cargo-fuzz (the folder
//! `fuzz`). What they check of a format are the laws: both doors agree, batches are sound, errors are the data's.

use std::io::Read;
use std::time::{Duration, Instant};

use parallax_events::{Chain, Philox};
use parallax_formats::{FORMATS, Format, ReadOptions, SeekInput, read_npy, read_npz};
use parallax_pipeline::{Pipeline, Registry};

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

/// Texts of pipelines with elements of `registry`.
pub fn pipelines(registry: &'static Registry) -> Target {
    Target {
        name: "pipeline",
        corpus: PIPELINES.map(|text| text.as_bytes().to_vec()).to_vec(),
        run: Box::new(|bytes| pipeline(bytes, registry)),
    }
}

const PIPELINES: [&str; 6] = [
    "fakesrc num_buffers=3 ! tee name=t ! queue max_buffers=2 ! identity ! fakesink t. ! nullsink",
    "filesrc location=a.raw ! decode ! refractory period=1ms ! window length=50ms ! voxel bins=5 ! fakesink",
    "fakesrc ! ( name=b queue leaky=downstream ! bin.( bytes ! valve skip=2 ) ) ! b1. ( name=b1 fakesink )",
    "merge name=m ! events,width=640..1280,unit=us|ns ! fakesink filesrc location=\"a b\" ! decode ! m.sink_1 m.src ! sink",
    "fakesrc core=1 priority=10 ! split name=s where=\"region x=0 y=0 w=64 h=64\" s.src_0 ! fakesink s.src_1 ! nullsink",
    "tcpsrc port=1 ! evt3dec batch=10 ! tap interval=1s ! filesink location=${HOME}/$${x}-%03d.csv # the end",
];

/// The bytes as the text of a pipeline: what parses is printed, parses to the same again, and can be drawn.
///
/// # Errors
/// What is broken.
pub fn pipeline(bytes: &[u8], registry: &Registry) -> Lawful {
    let text = String::from_utf8_lossy(bytes);
    let Ok(pipeline) = Pipeline::parse(&text, registry) else {
        return Ok(());
    };
    let printed = pipeline.to_text();
    let again = Pipeline::parse(&printed, registry)
        .map_err(|error| Broken(format!("{printed:?} does not parse: {error}")))?;
    let names = |pipeline: &Pipeline| {
        let mut names: Vec<String> = pipeline.names().map(str::to_owned).collect();
        names.sort_unstable();
        names
    };
    ensure!(
        again.links() == pipeline.links() && names(&again) == names(&pipeline),
        "{printed:?} parses to something else"
    );
    ensure!(
        again.to_text() == printed,
        "{printed:?} is printed as {:?}",
        again.to_text()
    );
    ensure!(
        again.to_dot().starts_with("digraph"),
        "{printed:?} cannot be drawn"
    );
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

/// Runs targets under a seeded mutator, as long as `PARALLAX_FUZZ_SECONDS` says in all (3; `cargo xtask test fuzz` says
/// more). `PARALLAX_FUZZ_SEED` is another seed than 1. An input that breaks something is written to the temporary folder;
/// with `PARALLAX_FUZZ_INPUT` and `PARALLAX_FUZZ_TARGET` it alone is run again. `package` is whose test this is.
///
/// # Errors
/// What is broken, and how to see it again.
pub fn survive(targets: &[Target], package: &str) -> Lawful {
    let number = |name: &str, otherwise: u64| match std::env::var(name) {
        Ok(text) => text
            .parse()
            .map_err(|_| Broken(format!("{name} is \"{text}\", not a number"))),
        Err(_) => Ok(otherwise),
    };
    if let (Ok(input), Ok(name)) = (
        std::env::var("PARALLAX_FUZZ_INPUT"),
        std::env::var("PARALLAX_FUZZ_TARGET"),
    ) {
        let mut named = targets.iter().filter(|target| target.name == name);
        return named.try_for_each(|target| target.run(&std::fs::read(&input)?));
    }
    let seed = number("PARALLAX_FUZZ_SEED", 1)?;
    let each = Duration::from_secs(number("PARALLAX_FUZZ_SECONDS", 3)?) / targets.len().max(1) as u32;
    let mut failed = Vec::new();
    for target in targets {
        ensure!(!target.corpus.is_empty(), "{} has no corpus", target.name);
        match target.run_for(each, seed) {
            Ok(count) => println!("fuzz {}: {count} inputs, seed {seed}", target.name),
            Err((bytes, broken)) => {
                let path = std::env::temp_dir().join(format!("parallax-fuzz-{}-{seed}.bin", target.name));
                std::fs::write(&path, bytes)?;
                failed.push(format!(
                    "{} with seed {seed}: {broken}\nalone: PARALLAX_FUZZ_TARGET={} PARALLAX_FUZZ_INPUT={} cargo test \
                     --package {package} --test fuzz",
                    target.name,
                    target.name,
                    path.display()
                ));
            }
        }
    }
    ensure!(failed.is_empty(), "{}", failed.join("\n"));
    Ok(())
}
