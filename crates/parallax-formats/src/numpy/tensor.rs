//! Tensors as NPY files and NPZ archives, for NumPy, and back.
//!
//! Out: arrays in C order, little-endian, of the tensor's element type. An NPZ archive keeps the names of the axes, the
//! spans of time and the facts of the stream in the member `meta`; an NPY file has no place for them. In: arrays of the
//! element types that tensors have, of either byte order; booleans become 0 and 1.

use std::io::{Read, Write};
use std::sync::Arc;

use arrow_buffer::Buffer;
use parallax_events::{DType, Error, Limits, Meta, Result, Tensor};

use super::dtype::{Dtype, Kind, Number};
use super::header::{Header, Parsed, header_bytes};
use super::npz_read::Contents;
use super::npz_write::add_pairs;
use super::zip_read;
use super::zip_write::{Archive, Body, NpzCompression};
use crate::SeekInput;
use crate::columnar::Content;
use crate::spool::Spool;

/// Writes `tensor` as an NPY file, of the tensor's shape. The names of its axes and its facts are not kept.
///
/// ```
/// use std::sync::Arc;
/// use parallax_events::{Limits, Meta, Tensor};
/// use parallax_formats::{read_npy, write_npy};
///
/// let frame = Tensor::from_vec(vec![0_u16, 1, 2, 3, 4, 5], [2, 3], ["y", "x"], Arc::new(Meta::default()))?;
/// let mut file = Vec::new();
/// write_npy(&mut file, &frame)?;
/// assert_eq!(read_npy(&mut file.as_slice(), &Limits::default())?.as_slice::<u16>()?[4], 4);
/// # Ok::<(), parallax_events::Error>(())
/// ```
///
/// # Errors
/// If the output fails.
pub fn write_npy(output: &mut dyn Write, tensor: &Tensor) -> Result<()> {
    output.write_all(&header_bytes(descr(tensor.dtype()), tensor.shape()))?;
    little_endian(tensor, |bytes| Ok(output.write_all(bytes)?))?;
    Ok(output.flush()?)
}

/// Writes tensors of one shape as one NPY file, stacked along a new first axis: windows of a recording, for one. They
/// are held back in a temporary file until their number is known, 4 MiB of them in memory.
///
/// ```
/// use std::sync::Arc;
/// use parallax_events::{Limits, Meta, Tensor};
/// use parallax_formats::{NpyStack, read_npy};
///
/// let mut file = Vec::new();
/// let mut stack = NpyStack::new(&mut file);
/// for value in 0..3_u8 {
///     stack.push(&Tensor::from_vec(vec![value; 4], [2, 2], ["y", "x"], Arc::new(Meta::default()))?)?;
/// }
/// stack.finish()?;
/// assert_eq!(read_npy(&mut file.as_slice(), &Limits::default())?.shape(), [3, 2, 2]);
/// # Ok::<(), parallax_events::Error>(())
/// ```
#[derive(Debug)]
pub struct NpyStack<W: Write> {
    output: W,
    spool: Spool,
    /// Type and shape of the first.
    like: Option<(DType, Vec<usize>)>,
    count: usize,
}

impl<W: Write> NpyStack<W> {
    /// A stack that goes to `output`.
    pub fn new(output: W) -> Self {
        Self {
            output,
            spool: Spool::new(),
            like: None,
            count: 0,
        }
    }

    /// How many tensors there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds a tensor.
    ///
    /// # Errors
    /// [`ErrorKind::Param`](parallax_events::ErrorKind) if its type or shape differ from those of the first; if the
    /// temporary file cannot be written.
    pub fn push(&mut self, tensor: &Tensor) -> Result<()> {
        let (dtype, shape) = self
            .like
            .get_or_insert_with(|| (tensor.dtype(), tensor.shape().to_vec()));
        if (*dtype, shape.as_slice()) != (tensor.dtype(), tensor.shape()) {
            return Err(Error::param(format!(
                "a tensor of {} {:?} on a stack of {dtype} {shape:?}",
                tensor.dtype(),
                tensor.shape()
            ))
            .with_hint("state the sensor's size, so that all have one shape"));
        }
        little_endian(tensor, |bytes| self.spool.put(bytes))?;
        self.count += 1;
        Ok(())
    }

    /// Writes the file. A stack of no tensors is an array of shape (0,).
    ///
    /// # Errors
    /// If the output fails.
    pub fn finish(mut self) -> Result<()> {
        let (dtype, shape) = self.like.unwrap_or((DType::F32, Vec::new()));
        let shape = [&[self.count], shape.as_slice()].concat();
        self.output.write_all(&header_bytes(descr(dtype), &shape))?;
        self.spool.pour(&mut self.output)?;
        Ok(self.output.flush()?)
    }
}

/// Reads an NPY file as a tensor; its axes are called `axis0`, `axis1` and so on.
///
/// # Errors
/// If it is no NPY file, is cut off, holds what no tensor does, or is larger than `limits.block_bytes`.
pub fn read_npy(input: &mut dyn Read, limits: &Limits) -> Result<Tensor> {
    let mut front = Vec::new();
    let header = loop {
        let missing = match Header::parse(&front, limits)? {
            Parsed::Header(header) => break header,
            Parsed::Needs(len) => len - front.len(),
        };
        let got = Read::take(&mut *input, missing as u64).read_to_end(&mut front)?;
        if got < missing {
            return Err(Error::malformed("the NPY header is cut off").at_byte(front.len() as u64));
        }
    };
    let size = header.data_bytes();
    limits.check_block(size, header.data as u64)?;
    // By what comes, not by what is claimed.
    let mut bytes = Vec::new();
    Read::take(&mut *input, size).read_to_end(&mut bytes)?;
    tensor_of(&header, bytes, None, Arc::default())
}

/// Writes tensors as an NPZ archive, each under its name, with the names of their axes, their spans of time, and the
/// facts of the first one's stream.
///
/// # Errors
/// [`ErrorKind::Param`](parallax_events::ErrorKind) if two have one name, or one is called `meta`; if the output fails.
pub fn write_npz(
    output: &mut dyn Write,
    tensors: &[(&str, &Tensor)],
    compression: NpzCompression,
) -> Result<()> {
    let mut archive = Archive::new(output);
    let mut pairs = tensors
        .first()
        .map(|(_, tensor)| tensor.meta().to_pairs())
        .unwrap_or_default();
    for (index, (name, tensor)) in tensors.iter().enumerate() {
        let is_taken = tensors.iter().take(index).any(|(other, _)| other == name);
        if is_taken || *name == "meta" || name.is_empty() || name.len() > 1000 {
            return Err(
                Error::param(format!("the array \"{name}\" cannot have this name"))
                    .with_hint("names are not empty, not `meta`, and each is there once"),
            );
        }
        let mut body = Body::new(compression);
        little_endian(tensor, |bytes| body.put(bytes))?;
        archive.add(
            &format!("{name}.npy"),
            &header_bytes(descr(tensor.dtype()), tensor.shape()),
            body,
        )?;
        pairs.push((format!("{AXES}{name}"), tensor.axes().join(",")));
        if let Some((start, end)) = tensor.time_span() {
            pairs.push((format!("{TIME_SPAN}{name}"), format!("{start}..{end}")));
        }
    }
    add_pairs(&mut archive, pairs, compression)?;
    archive.finish()?;
    Ok(())
}

/// Reads every array of an NPZ archive that a tensor can hold, by name. The others are passed over.
///
/// # Errors
/// If it is no ZIP archive, an array is damaged, or one is larger than `limits.block_bytes`.
pub fn read_npz(input: SeekInput, limits: &Limits) -> Result<Vec<(String, Tensor)>> {
    let content = Content::new(input)?;
    let entries = zip_read::entries(&content, limits)?;
    let archive = Contents {
        content,
        entries,
        limits: *limits,
    };
    let pairs = archive.pairs()?;
    let value = |key: String| {
        pairs
            .iter()
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value.as_str())
    };
    let meta = Arc::new(Meta::from_pairs(
        pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())),
    )?);
    let mut tensors = Vec::new();
    for entry in &archive.entries {
        let Some(name) = entry.name.strip_suffix(".npy") else {
            continue;
        };
        let header = archive.header(entry)?;
        if name == "meta" || element(&header).is_none() {
            continue;
        }
        let size = header.data_bytes();
        limits.check_block(size, 0)?;
        let mut member = entry.open(&archive.content)?;
        member.skip(header.data as u64)?;
        // By what comes, not by what is claimed.
        let (mut bytes, mut block) = (Vec::new(), vec![0; BLOCK]);
        while (bytes.len() as u64) < size {
            let part = BLOCK.min((size - bytes.len() as u64) as usize);
            let got = member.read(block.get_mut(..part).unwrap_or_default())?;
            if got == 0 {
                break;
            }
            bytes.extend_from_slice(block.get(..got).unwrap_or_default());
        }
        let axes = value(format!("{AXES}{name}")).map(|text| text.split(',').map(str::to_owned).collect());
        let span = value(format!("{TIME_SPAN}{name}")).and_then(|text| {
            let (start, end) = text.split_once("..")?;
            Some((start.parse().ok()?, end.parse().ok()?))
        });
        let tensor = tensor_of(&header, bytes, axes, Arc::clone(&meta))
            .map_err(|error| error.with_context("array", name))?;
        tensors.push((name.to_owned(), tensor.with_time_span(span)));
    }
    Ok(tensors)
}

const AXES: &str = "parallax.axes.";
const TIME_SPAN: &str = "parallax.time_span.";

/// How many bytes are turned or read at once; a multiple of every element's size.
const BLOCK: usize = 64 << 10;

/// The element type in NumPy's words.
fn descr(dtype: DType) -> &'static str {
    match dtype {
        DType::U8 => "'|u1'",
        DType::U16 => "'<u2'",
        DType::I16 => "'<i2'",
        DType::I32 => "'<i4'",
        DType::F32 => "'<f4'",
        DType::F64 => "'<f8'",
    }
}

/// The element type of an array, if a tensor has it.
fn element(header: &Header) -> Option<(DType, Number)> {
    let Dtype::Number(number) = header.dtype else {
        return None;
    };
    let dtype = match (number.kind, number.size) {
        (Kind::Bool | Kind::Uint, 1) => DType::U8,
        (Kind::Uint, 2) => DType::U16,
        (Kind::Int, 2) => DType::I16,
        (Kind::Int, 4) => DType::I32,
        (Kind::Float, 4) => DType::F32,
        (Kind::Float, 8) => DType::F64,
        _ => return None,
    };
    Some((dtype, number))
}

fn tensor_of(
    header: &Header,
    mut bytes: Vec<u8>,
    axes: Option<Vec<String>>,
    meta: Arc<Meta>,
) -> Result<Tensor> {
    let Some((dtype, number)) = element(header) else {
        return Err(Error::unsupported("an array of other elements than tensors have")
            .with_hint("convert it to u8, u16, i16, i32, f32 or f64 first"));
    };
    if bytes.len() as u64 != header.data_bytes() {
        return Err(Error::malformed(format!(
            "the array of {} bytes is cut off after {}",
            header.data_bytes(),
            bytes.len()
        )));
    }
    let shape: Option<Vec<usize>> = header
        .shape
        .iter()
        .map(|&length| usize::try_from(length).ok())
        .collect();
    let shape = shape.ok_or_else(|| Error::limit("the array does not fit into memory"))?;
    if header.fortran && shape.iter().filter(|&&length| length != 1).count() > 1 {
        return Err(
            Error::unsupported("an array in Fortran order").with_hint("save numpy.ascontiguousarray of it")
        );
    }
    if number.big_endian != cfg!(target_endian = "big") {
        bytes.chunks_exact_mut(number.size).for_each(<[u8]>::reverse);
    }
    let axes = axes.filter(|axes| axes.len() == shape.len());
    let axes = axes.unwrap_or_else(|| (0..shape.len()).map(|axis| format!("axis{axis}")).collect());
    // A vector of bytes need not be aligned for its elements; Arrow's own memory is.
    Tensor::try_new(Buffer::from_slice_ref(&bytes), dtype, shape, axes, meta)
}

/// Hands the elements to `put`, little-endian.
fn little_endian(tensor: &Tensor, mut put: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    for block in tensor.buffer().chunks(BLOCK) {
        if cfg!(target_endian = "big") {
            let mut turned = block.to_vec();
            turned
                .chunks_exact_mut(tensor.dtype().size())
                .for_each(<[u8]>::reverse);
            put(&turned)?;
        } else {
            put(block)?;
        }
    }
    Ok(())
}
