//! Where tensors go: NPY, NPZ, Parquet, Arrow, or one PNG.

use std::io::Write;

use parallax::formats::{NpyStack, NpzCompression, TensorTable, TensorTableFormat, write_npy, write_npz};
use parallax::{Error, Result, Tensor};

use super::{Arguments, plane};
use crate::reading;
use crate::render::Colormap;

/// The most bytes that the arrays of an NPZ archive may have together: they are held in memory.
const MOST_NPZ_BYTES: usize = 1 << 30;

type Output = Box<dyn Write + Send>;

/// The kinds of files that hold tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Npy,
    Npz,
    Parquet,
    Arrow,
    Png,
}

/// Each with the extensions that mean it; the first is its name.
const TARGETS: [(Target, &[&str]); 5] = [
    (Target::Npy, &["npy"]),
    (Target::Npz, &["npz"]),
    (Target::Parquet, &["parquet", "pq"]),
    (Target::Arrow, &["arrow", "feather", "ipc"]),
    (Target::Png, &["png"]),
];

impl Target {
    /// The kind that the arguments name, or that the output's extension means.
    ///
    /// # Errors
    /// If it is none of them.
    pub(super) fn wanted(arguments: &Arguments) -> Result<Self> {
        let find = |word: &str| {
            let found = TARGETS.iter().find(|(_, words)| words.contains(&word));
            found.map(|(target, _)| *target)
        };
        let extension = reading::extension(&arguments.output);
        let word = arguments.to.as_deref().or(extension.as_deref());
        word.and_then(find).ok_or_else(|| {
            let known: Vec<&str> = TARGETS
                .iter()
                .filter_map(|(_, words)| words.first().copied())
                .collect();
            Error::unsupported(match word {
                Some(word) => format!("the chain yields tensors, which are not written as `{word}`"),
                None => "the chain yields tensors, and the output has no extension that tells how".to_owned(),
            })
            .with_context("output", arguments.output.display())
            .with_hint(format!("choose one of {}", known.join(", ")))
        })
    }
}

/// A file of tensors in the making.
pub(super) struct TensorFile {
    kind: Kind,
    colormap: Option<Colormap>,
    count: u64,
}

enum Kind {
    /// One array of the tensor's own shape.
    One(Output),
    Stack(NpyStack<Output>),
    Archive(Output, Vec<Tensor>),
    Table(TensorTable),
    Picture(Output),
}

impl TensorFile {
    /// A file that goes to `output`; `is_windowed` if there may be any number of tensors.
    pub(super) fn new(target: Target, output: Output, is_windowed: bool, colormap: Option<Colormap>) -> Self {
        let kind = match target {
            Target::Npy if is_windowed => Kind::Stack(NpyStack::new(output)),
            Target::Npy => Kind::One(output),
            Target::Npz => Kind::Archive(output, Vec::new()),
            Target::Parquet => Kind::Table(TensorTable::new(output, TensorTableFormat::Parquet)),
            Target::Arrow => Kind::Table(TensorTable::new(output, TensorTableFormat::Arrow)),
            Target::Png => Kind::Picture(output),
        };
        Self {
            kind,
            colormap,
            count: 0,
        }
    }

    /// How many tensors there are.
    pub(super) fn len(&self) -> u64 {
        self.count
    }

    /// Adds a tensor.
    ///
    /// # Errors
    /// If the file cannot hold it beside the others, or the output fails.
    pub(super) fn push(&mut self, tensor: Tensor) -> Result<()> {
        let is_first = self.count == 0;
        self.count += 1;
        match &mut self.kind {
            Kind::One(output) if is_first => write_npy(output, &tensor),
            Kind::Picture(output) if is_first => plane::write(output, &tensor, self.colormap),
            Kind::One(_) | Kind::Picture(_) => {
                Err(Error::param("the file holds one tensor and there are more")
                    .with_hint("choose one window with --time, or write .npy, .npz, .parquet or .arrow"))
            }
            Kind::Stack(stack) => stack.push(&tensor),
            Kind::Table(table) => table.push(&tensor),
            Kind::Archive(_, tensors) => {
                tensors.push(tensor);
                let bytes: usize = tensors.iter().map(|tensor| tensor.buffer().len()).sum();
                if bytes > MOST_NPZ_BYTES {
                    return Err(Error::limit(
                        "the arrays of an NPZ archive would take more than 1 GiB of memory",
                    )
                    .with_hint("write .npy, .parquet or .arrow, which are streamed"));
                }
                Ok(())
            }
        }
    }

    /// Writes what is held back.
    ///
    /// # Errors
    /// If the output fails.
    pub(super) fn finish(self) -> Result<()> {
        match self.kind {
            Kind::One(mut output) | Kind::Picture(mut output) => Ok(output.flush()?),
            Kind::Stack(stack) => stack.finish(),
            Kind::Table(table) => table.finish(),
            Kind::Archive(mut output, tensors) => {
                let name = |index: usize| match tensors.len() {
                    1 => "tensor".to_owned(),
                    _ => format!("tensor_{index:06}"),
                };
                let names: Vec<String> = (0..tensors.len()).map(name).collect();
                let arrays: Vec<(&str, &Tensor)> = names.iter().map(String::as_str).zip(&tensors).collect();
                write_npz(&mut output, &arrays, NpzCompression::Deflate)
            }
        }
    }
}
