//! Where tensors go: a file of tensors, or one picture.

use std::io::Write;

use parallax::formats::{Stacking, TensorFile, TensorFormat, write_png};
use parallax::ops::picture::{Background, Colormap, tensor_pixels};
use parallax::{Error, Result, Tensor};

use super::Arguments;
use crate::reading;

type Output = Box<dyn Write + Send>;

/// The kinds of files that show or hold tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Tensors(TensorFormat),
    Png,
}

impl Target {
    /// The kind that the arguments name, or that the output's extension means.
    ///
    /// # Errors
    /// If it is none of them.
    pub(super) fn wanted(arguments: &Arguments) -> Result<Self> {
        let extension = reading::extension(&arguments.output);
        let word = arguments.to.as_deref().or(extension.as_deref());
        let find = |word| match word {
            "png" => Some(Self::Png),
            word => TensorFormat::from_word(word).map(Self::Tensors),
        };
        word.and_then(find).ok_or_else(|| {
            let known: Vec<&str> = TensorFormat::names().chain(["png"]).collect();
            Error::unsupported(match word {
                Some(word) => format!("the chain yields tensors, which are not written as `{word}`"),
                None => "the chain yields tensors, and the output has no extension that tells how".to_owned(),
            })
            .with_context("output", arguments.output.display())
            .with_hint(format!("choose one of {}", known.join(", ")))
        })
    }
}

/// An output of tensors in the making.
pub(super) enum TensorOutput {
    Tensors(TensorFile),
    /// Where the picture goes, how it looks, and whether it has been drawn.
    Picture(Output, Option<Colormap>, bool),
}

impl TensorOutput {
    /// Tensors that go to `output`; `is_windowed` if there may be any number of them.
    pub(super) fn new(target: Target, output: Output, is_windowed: bool, colormap: Option<Colormap>) -> Self {
        let stacking = if is_windowed {
            Stacking::Always
        } else {
            Stacking::Never
        };
        match target {
            Target::Tensors(format) => Self::Tensors(TensorFile::new(format, output, stacking)),
            Target::Png => Self::Picture(output, colormap, false),
        }
    }

    /// How many tensors there are.
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Tensors(file) => file.len(),
            Self::Picture(_, _, is_drawn) => u64::from(*is_drawn),
        }
    }

    /// Adds a tensor.
    ///
    /// # Errors
    /// If the output cannot hold it beside the others, or fails.
    pub(super) fn push(&mut self, tensor: Tensor) -> Result<()> {
        match self {
            Self::Tensors(file) => file.push(&tensor),
            Self::Picture(output, colormap, is_drawn @ false) => {
                *is_drawn = true;
                let (size, pixels) = tensor_pixels(&tensor, *colormap, Background::Dark)?;
                write_png(output, size, &pixels)
            }
            Self::Picture(..) => Err(Error::param("the file holds one tensor and there are more")
                .with_hint("choose one window with --time, or write .npy, .npz, .parquet or .arrow")),
        }
    }

    /// Writes what is held back.
    ///
    /// # Errors
    /// If the output fails.
    pub(super) fn finish(self) -> Result<()> {
        match self {
            Self::Tensors(file) => file.finish(),
            Self::Picture(mut output, ..) => Ok(output.flush()?),
        }
    }
}
