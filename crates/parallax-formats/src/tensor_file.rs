//! [`TensorFile`]: any number of tensors to one file, NPY, NPZ, Parquet or Arrow.

use std::io::Write;

use parallax_events::{Error, Result, Tensor};

use crate::{NpyStack, NpzCompression, TensorTable, TensorTableFormat, write_npy, write_npz};

/// The most bytes that the arrays of an NPZ archive may have together: they are held in memory.
const MOST_NPZ_BYTES: usize = 1 << 30;

/// The kinds of files that hold tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TensorFormat {
    /// A NumPy array.
    Npy,
    /// An archive of NumPy arrays: `tensor`, or `tensor_000000` and so on.
    Npz,
    /// A table with a row for each tensor.
    Parquet,
    /// A table with a row for each tensor.
    Arrow,
}

impl TensorFormat {
    /// Each with the words that mean it: its name, then the other extensions.
    pub const WORDS: &[(Self, &[&str])] = &[
        (Self::Npy, &["npy"]),
        (Self::Npz, &["npz"]),
        (Self::Parquet, &["parquet", "pq"]),
        (Self::Arrow, &["arrow", "feather", "ipc"]),
    ];

    /// The kind that a name or an extension means.
    pub fn from_word(word: &str) -> Option<Self> {
        let found = Self::WORDS.iter().find(|(_, words)| words.contains(&word));
        found.map(|(format, _)| *format)
    }

    /// The names, for messages.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::WORDS.iter().filter_map(|(_, words)| words.first().copied())
    }
}

/// What an NPY file is if there may be several tensors. The other kinds hold any number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stacking {
    /// One array of the tensor's own shape; a second tensor is an error.
    Never,
    /// The tensors one behind another on a new first axis, be it only one.
    Always,
    /// One array of the tensor's own shape, or several on a new first axis.
    IfSeveral,
}

/// A file of tensors in the making.
pub struct TensorFile {
    kind: Kind,
    count: u64,
}

type Output = Box<dyn Write + Send>;

enum Kind {
    One(Output),
    /// The output and the first tensor, until it is known whether there are more.
    First(Option<(Output, Option<Tensor>)>),
    Stack(NpyStack<Output>),
    Archive(Output, Vec<Tensor>),
    Table(TensorTable),
}

impl TensorFile {
    /// A file that goes to `output`.
    pub fn new(format: TensorFormat, output: Box<dyn Write + Send>, stacking: Stacking) -> Self {
        let kind = match (format, stacking) {
            (TensorFormat::Npy, Stacking::Never) => Kind::One(output),
            (TensorFormat::Npy, Stacking::Always) => Kind::Stack(NpyStack::new(output)),
            (TensorFormat::Npy, Stacking::IfSeveral) => Kind::First(Some((output, None))),
            (TensorFormat::Npz, _) => Kind::Archive(output, Vec::new()),
            (TensorFormat::Parquet, _) => Kind::Table(TensorTable::new(output, TensorTableFormat::Parquet)),
            (TensorFormat::Arrow, _) => Kind::Table(TensorTable::new(output, TensorTableFormat::Arrow)),
        };
        Self { kind, count: 0 }
    }

    /// How many tensors there are.
    pub fn len(&self) -> u64 {
        self.count
    }

    /// Whether there is none yet.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds a tensor.
    ///
    /// # Errors
    /// If the file cannot hold it beside the others, or the output fails.
    pub fn push(&mut self, tensor: &Tensor) -> Result<()> {
        let is_first = self.count == 0;
        self.count += 1;
        match &mut self.kind {
            Kind::One(output) if is_first => write_npy(output, tensor),
            Kind::One(_) => Err(Error::param("the file holds one tensor and there are more")
                .with_hint("choose one window, or write .npz, .parquet or .arrow")),
            Kind::First(held) => match held.take() {
                Some((output, None)) => {
                    *held = Some((output, Some(tensor.clone())));
                    Ok(())
                }
                Some((output, Some(first))) => {
                    let mut stack = NpyStack::new(output);
                    stack.push(&first)?;
                    stack.push(tensor)?;
                    self.kind = Kind::Stack(stack);
                    Ok(())
                }
                None => Err(Error::internal("a file of tensors that has failed is written on")),
            },
            Kind::Stack(stack) => stack.push(tensor),
            Kind::Table(table) => table.push(tensor),
            Kind::Archive(_, tensors) => {
                tensors.push(tensor.clone());
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
    pub fn finish(self) -> Result<()> {
        match self.kind {
            Kind::One(mut output) => Ok(output.flush()?),
            Kind::First(held) => {
                let Some((mut output, first)) = held else {
                    return Err(Error::internal("a file of tensors that has failed is finished"));
                };
                if let Some(first) = first {
                    write_npy(&mut output, &first)?;
                }
                Ok(output.flush()?)
            }
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

impl std::fmt::Debug for TensorFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TensorFile")
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}
