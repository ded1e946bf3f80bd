//! What the commands that read have in common: their options, and errors that name the file.

use std::path::Path;

use clap::Args;
use parallax::{Error, ErrorKind, EventReader, Geometry, OrderPolicy, ReadOptions, Result, TimeRange};

use crate::progress::Bar;
use crate::{files, quantity};

/// How to read.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Reading")]
pub(crate) struct ReadArguments {
    /// The input's format, as `id` or `id key=value ..`; recognised if absent [see: parallax formats]
    #[arg(long, value_name = "FORMAT")]
    from: Option<String>,
    /// Only events in this half-open range: `1s..2s` is recorded time, `+0..+100ms` counts from the first event
    #[arg(long, value_name = "A..B", allow_hyphen_values = true)]
    pub(crate) time: Option<TimeRange>,
    /// `keep` the recorded order, sort into the `strict` order of (t, y, x, p), or `check`: fail if it is another
    #[arg(long, value_name = "ORDER", default_value = "keep", value_parser = OrderPolicy::from_name)]
    pub(crate) order: OrderPolicy,
    /// Fail at the first fault of the data instead of reporting it
    #[arg(long)]
    pub(crate) strict: bool,
    /// The sensor's size, such as 1280x720, where the input does not state it
    #[arg(long, value_name = "WxH", value_parser = Geometry::parse)]
    pub(crate) geometry: Option<Geometry>,
    /// Read files instead of mapping them into memory
    #[arg(long)]
    no_mmap: bool,
    /// The most events in one batch, at most the default of 1048576; does not change the result
    #[arg(long, value_name = "EVENTS", default_value_t = ReadOptions::CHUNK as u64, hide_default_value = true,
          value_parser = clap::value_parser!(u64).range(1..))]
    chunk: u64,
    /// The most memory that one batch may take, such as 16MiB; can only make batches smaller
    #[arg(long, value_name = "SIZE", value_parser = quantity::size)]
    memory_limit: Option<u64>,
}

impl ReadArguments {
    /// The library's options, with `bar` told about progress.
    pub(crate) fn options(&self, bar: &Bar) -> ReadOptions {
        ReadOptions {
            format: self.from.clone(),
            chunk: usize::try_from(self.chunk)
                .unwrap_or(usize::MAX)
                .min(ReadOptions::CHUNK),
            memory_limit: self.memory_limit,
            time: self.time,
            strict: self.strict,
            order: self.order,
            geometry: self.geometry,
            mmap: !self.no_mmap,
            progress: Some(bar.callback()),
            ..ReadOptions::default()
        }
    }

    /// The same options as arguments, for a process of the command's own.
    pub(crate) fn forwarded(&self) -> Vec<String> {
        let mut all = Vec::new();
        let mut option = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                // In one word, since a value may begin with a dash.
                all.push(format!("{name}={value}"));
            }
        };
        option("--from", self.from.clone());
        option("--time", self.time.map(|time| time.to_string()));
        option("--order", Some(self.order.name().to_owned()));
        option(
            "--geometry",
            self.geometry
                .map(|size| format!("{}x{}", size.width, size.height)),
        );
        option("--chunk", Some(self.chunk.to_string()));
        option(
            "--memory-limit",
            self.memory_limit.map(|bytes| format!("{bytes}B")),
        );
        all.extend(self.strict.then(|| "--strict".to_owned()));
        all.extend(self.no_mmap.then(|| "--no-mmap".to_owned()));
        all
    }

    /// Whether the user would rather have nothing than a part.
    pub(crate) fn wants_all_or_nothing(&self) -> bool {
        self.strict || self.order == OrderPolicy::Check
    }
}

/// Opens `path`, where `-` is standard input.
pub(crate) fn open(path: &Path, options: &ReadOptions) -> Result<EventReader> {
    EventReader::open(files::input(path), options)
}

/// The extension of a file's name as formats know it: lower case, without the dot.
pub(crate) fn extension(path: &Path) -> Option<String> {
    path.extension()
        .and_then(|extension| extension.to_str())
        .map(str::to_ascii_lowercase)
}

/// The error with the input named, if it does not name a file yet and is about one.
pub(crate) fn in_file(error: Error, path: &Path) -> Error {
    named(error, "file", path)
}

/// The error with the output named, if it does not name a file yet and is about one.
pub(crate) fn in_output(error: Error, path: &Path) -> Error {
    named(error, "output", path)
}

fn named(error: Error, key: &'static str, path: &Path) -> Error {
    let is_named = error.context().any(|(key, _)| key == "file" || key == "output");
    if is_named || error.kind() == ErrorKind::Closed {
        error
    } else {
        error.with_context(key, path.display())
    }
}
