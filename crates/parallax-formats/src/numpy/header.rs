//! The header of an NPY file: what its elements are, how many, in which order.
//!
//! In: the first bytes of a file of version 1.0, 2.0 or 3.0. Out: a [`Header`], or how many bytes are needed for one.
//! Its numbers are claims: nothing is allocated by them. Source: `numpy.lib.format`, "Format Version 1.0" to "3.0".

use parallax_events::{Error, Limits, Result};

use super::dtype::Dtype;
use super::literal::Literal;

/// What every NPY file begins with.
pub(crate) const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// The data begin at a multiple of this, so that a mapped file is aligned.
const ALIGNMENT: usize = 64;

/// The most axes that NumPy knows.
const AXES: usize = 64;

/// An array, as its header describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) dtype: Dtype,
    /// Whether the first axis is the closest, not the last.
    pub(super) fortran: bool,
    pub(super) shape: Vec<u64>,
    /// Where the data begin.
    pub(super) data: usize,
}

/// What the first bytes of a file give.
#[derive(Debug)]
pub(super) enum Parsed {
    /// At least so many bytes are needed.
    Needs(usize),
    Header(Header),
}

impl Header {
    /// Reads the header at the beginning of `bytes`.
    pub(super) fn parse(bytes: &[u8], limits: &Limits) -> Result<Parsed> {
        let Some(front) = bytes.get(..MAGIC.len() + 4) else {
            return Ok(Parsed::Needs(MAGIC.len() + 4));
        };
        if !front.starts_with(MAGIC) {
            return Err(Error::malformed("it does not begin as an NPY file does").at_byte(0));
        }
        let (begin, length) = match front.get(6..) {
            Some(&[1, _, a, b]) => (10, u32::from(u16::from_le_bytes([a, b]))),
            Some(&[2 | 3, _, a, b]) => {
                let Some(&[c, d]) = bytes.get(10..12) else {
                    return Ok(Parsed::Needs(12));
                };
                (12, u32::from_le_bytes([a, b, c, d]))
            }
            Some(&[major, minor, ..]) => {
                return Err(Error::unsupported(format!("NPY files of version {major}.{minor}")).at_byte(6));
            }
            _ => return Ok(Parsed::Needs(12)),
        };
        if u64::from(length) > limits.header_bytes {
            return Err(Error::limit(format!(
                "an NPY header of {length} bytes, the limit is {}",
                limits.header_bytes
            ))
            .at_byte(8));
        }
        let data = begin + usize::try_from(length).unwrap_or(usize::MAX);
        let Some(text) = bytes.get(begin..data) else {
            return Ok(Parsed::Needs(data));
        };
        // Latin-1 before version 3.0.
        let text: String = if bytes.get(6) == Some(&3) {
            String::from_utf8_lossy(text).into_owned()
        } else {
            text.iter().map(|&byte| char::from(byte)).collect()
        };
        Self::of(&Literal::parse(&text, begin as u64)?, data).map(Parsed::Header)
    }

    fn of(literal: &Literal, data: usize) -> Result<Self> {
        let Literal::Dict(pairs) = literal else {
            return Err(Error::malformed("the NPY header is no dictionary").at_byte(10));
        };
        let value = |key: &str| {
            let found = pairs.iter().find(|(name, _)| name == key).map(|(_, value)| value);
            found.ok_or_else(|| Error::malformed(format!("the NPY header lacks `{key}`")).at_byte(10))
        };
        let wrong =
            |key: &str| Error::malformed(format!("`{key}` in the NPY header is not what it should be"));
        let dtype = Dtype::parse(value("descr")?)?;
        let Literal::Bool(fortran) = *value("fortran_order")? else {
            return Err(wrong("fortran_order"));
        };
        let shape = value("shape")?.items().ok_or_else(|| wrong("shape"))?;
        if shape.len() > AXES {
            return Err(wrong("shape"));
        }
        let lengths = shape.iter().map(|length| match length {
            Literal::Int(length) => Ok(*length),
            _ => Err(wrong("shape")),
        });
        let shape = lengths.collect::<Result<Vec<u64>>>()?;
        // An axis without elements makes the array empty, however long the others are.
        let bytes = if shape.contains(&0) {
            Some(0)
        } else {
            let size = dtype.size() as u64;
            shape
                .iter()
                .try_fold(size, |all, &length| all.checked_mul(length))
        };
        if bytes.is_none_or(|bytes| bytes > i64::MAX as u64) {
            return Err(Error::malformed(format!(
                "the NPY header claims the shape {shape:?}, more than any file holds"
            )));
        }
        Ok(Self {
            dtype,
            fortran,
            shape,
            data,
        })
    }

    /// How many bytes the data take.
    pub(super) fn data_bytes(&self) -> u64 {
        if self.shape.contains(&0) {
            return 0;
        }
        // Checked when it was read.
        self.shape.iter().fold(self.dtype.size() as u64, |all, &length| {
            all.saturating_mul(length)
        })
    }
}

/// The bytes before the data of a C-order array: version 1.0, or 2.0 if it is too long for that.
pub(super) fn header_bytes(descr: &str, shape: &[usize]) -> Vec<u8> {
    let mut lengths: String = shape.iter().map(|length| format!("{length}, ")).collect();
    // As Python writes a tuple: `(3,)`, `(3, 4)`.
    lengths.truncate(lengths.len().saturating_sub(if shape.len() == 1 { 1 } else { 2 }));
    let text = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': ({lengths}), }}");
    let mut begin = MAGIC.len() + 4;
    // The newline at the end counts.
    let mut end = (begin + text.len() + 1).next_multiple_of(ALIGNMENT);
    let is_long = end - begin > usize::from(u16::MAX);
    if is_long {
        begin += 2;
        end = (begin + text.len() + 1).next_multiple_of(ALIGNMENT);
    }
    let mut bytes = MAGIC.to_vec();
    if is_long {
        bytes.extend([2, 0]);
        bytes.extend(((end - begin) as u32).to_le_bytes());
    } else {
        bytes.extend([1, 0]);
        bytes.extend(((end - begin) as u16).to_le_bytes());
    }
    bytes.extend(text.bytes());
    bytes.resize(end - 1, b' ');
    bytes.push(b'\n');
    bytes
}
