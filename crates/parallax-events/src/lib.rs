//! Floor 1 of Parallax: the nouns. Event batches, tensors, time units, order, windows, parameters, errors.
#![forbid(unsafe_code)]

mod error;

pub use error::{Error, ErrorKind, Result, nearest};
