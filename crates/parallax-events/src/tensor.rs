//! Tensors: what a representation yields. An Arrow buffer with an element type, a shape and axis names.
//!
//! In goes a buffer or a `Vec`, out come borrowed slices, or Arrow's canonical `arrow.fixed_shape_tensor`
//! extension type, both without a copy. The elements lie in C order: the last axis is the closest.
//!
//! The surprise: Arrow's list sizes are 32-bit, so a tensor of more than 2³¹ - 1 elements has no Arrow form,
//! and one column cell is the whole tensor: [`Tensor::to_arrow`] makes an array of length 1.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arrow_array::types::{
    ArrowPrimitiveType, Float32Type, Float64Type, Int16Type, Int32Type, UInt8Type, UInt16Type,
};
use arrow_array::{Array, ArrayRef, FixedSizeListArray, PrimitiveArray};
use arrow_buffer::{ArrowNativeType, Buffer};
use arrow_schema::{DataType, Field};
use parallax_memory::{Bytes, Region};
use serde::{Deserialize, Serialize};

use crate::{Error, Meta, Result};

/// The type of a tensor's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DType {
    /// Unsigned, 8 bits.
    U8,
    /// Unsigned, 16 bits.
    U16,
    /// Signed, 16 bits.
    I16,
    /// Signed, 32 bits.
    I32,
    /// IEEE 754, 32 bits.
    F32,
    /// IEEE 754, 64 bits.
    F64,
}

impl DType {
    /// Every element type.
    pub const ALL: [Self; 6] = [Self::U8, Self::U16, Self::I16, Self::I32, Self::F32, Self::F64];

    /// `u8`, `u16`, `i16`, `i32`, `f32` or `f64`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }

    /// The element type called `name`, or an error that lists the known ones.
    ///
    /// # Errors
    /// [`ErrorKind::Param`](crate::ErrorKind) for any other name.
    pub fn from_name(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|dtype| dtype.name() == name)
            .ok_or_else(|| {
                Error::param(format!("unknown element type \"{name}\""))
                    .with_hint("the types are u8, u16, i16, i32, f32, f64")
            })
    }

    /// How many bytes an element takes.
    pub const fn size(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::I32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// The same type in Arrow's words.
    pub const fn to_arrow(self) -> DataType {
        match self {
            Self::U8 => DataType::UInt8,
            Self::U16 => DataType::UInt16,
            Self::I16 => DataType::Int16,
            Self::I32 => DataType::Int32,
            Self::F32 => DataType::Float32,
            Self::F64 => DataType::Float64,
        }
    }

    /// The type that Arrow calls `data_type`.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`](crate::ErrorKind) for a type that no tensor has.
    pub fn from_arrow(data_type: &DataType) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|dtype| dtype.to_arrow() == *data_type)
            .ok_or_else(|| {
                Error::unsupported(format!("a tensor of {data_type}"))
                    .with_hint("cast it to u8, u16, i16, i32, f32 or f64 first")
            })
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A Rust type that tensors are made of.
pub trait Element: ArrowNativeType + bytemuck::Pod {
    /// The type in a tensor's words.
    const DTYPE: DType;
}

macro_rules! elements {
    ($($type:ty => $dtype:expr),*) => {
        $(impl Element for $type {
            const DTYPE: DType = $dtype;
        })*
    };
}
elements!(u8 => DType::U8, u16 => DType::U16, i16 => DType::I16, i32 => DType::I32, f32 => DType::F32, f64 => DType::F64);

/// The name of an axis, such as `"time"`, `"polarity"`, `"y"`, `"x"`.
pub type AxisName = Cow<'static, str>;

/// An array of numbers with a shape, in C order, with named axes.
///
/// ```
/// use std::sync::Arc;
/// use parallax_events::{Meta, Tensor};
///
/// let frame = Tensor::from_vec(vec![0_u16, 1, 2, 3, 4, 5], [2, 3], ["y", "x"], Arc::new(Meta::default()))?;
/// assert_eq!(frame.strides(), [3, 1]);
/// assert_eq!(frame.as_slice::<u16>()?[4], 4);
/// let (field, array) = frame.to_arrow("frame")?;
/// assert_eq!(Tensor::from_arrow(&field, array.as_ref(), 0)?, frame);
/// # Ok::<(), parallax_events::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Tensor {
    buffer: Buffer,
    /// The same memory, if it is a region that may be had back.
    region: Option<Box<Bytes>>,
    dtype: DType,
    shape: Vec<usize>,
    axes: Vec<AxisName>,
    time_span: Option<(i64, i64)>,
    meta: Arc<Meta>,
}

impl Tensor {
    /// A tensor of the elements in `buffer`, without copying them. An empty shape is a single number.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`](crate::ErrorKind) if the buffer has another size than the shape asks for or is
    /// not aligned for its elements; [`ErrorKind::Param`](crate::ErrorKind) if there are not as many axis names as axes.
    pub fn try_new(
        buffer: Buffer,
        dtype: DType,
        shape: impl Into<Vec<usize>>,
        axes: impl IntoIterator<Item = impl Into<AxisName>>,
        meta: Arc<Meta>,
    ) -> Result<Self> {
        let (shape, axes) = (
            shape.into(),
            axes.into_iter().map(Into::into).collect::<Vec<AxisName>>(),
        );
        if shape.len() != axes.len() {
            return Err(Error::param(format!(
                "{} axis names for {} axes",
                axes.len(),
                shape.len()
            )));
        }
        let bytes = bytes_of(dtype, &shape)?;
        if buffer.len() != bytes {
            return Err(Error::malformed(format!(
                "a buffer of {} bytes for a tensor of {bytes}: {dtype} of shape {shape:?}",
                buffer.len()
            )));
        }
        if buffer.as_ptr().align_offset(dtype.size()) != 0 {
            return Err(Error::malformed(format!(
                "the buffer is not aligned to the {} bytes of {dtype}",
                dtype.size()
            )));
        }
        Ok(Self {
            buffer,
            region: None,
            dtype,
            shape,
            axes,
            time_span: None,
            meta,
        })
    }

    /// A tensor of these elements, without copying them.
    ///
    /// # Errors
    /// As [`try_new`](Self::try_new).
    pub fn from_vec<T: Element>(
        values: Vec<T>,
        shape: impl Into<Vec<usize>>,
        axes: impl IntoIterator<Item = impl Into<AxisName>>,
        meta: Arc<Meta>,
    ) -> Result<Self> {
        Self::try_new(Buffer::from_vec(values), T::DTYPE, shape, axes, meta)
    }

    /// A tensor of the elements in `region`, without copying them. [`try_into_region`](Self::try_into_region) gives it back.
    ///
    /// # Errors
    /// As [`try_new`](Self::try_new).
    pub fn from_region(
        region: Region,
        dtype: DType,
        shape: impl Into<Vec<usize>>,
        axes: impl IntoIterator<Item = impl Into<AxisName>>,
        meta: Arc<Meta>,
    ) -> Result<Self> {
        let bytes = region.seal();
        let tensor = Self::try_new(bytes.clone().into_arrow(..), dtype, shape, axes, meta)?;
        Ok(Self {
            region: Some(Box::new(bytes)),
            ..tensor
        })
    }

    /// The memory of the elements, to write again, if it is a region (as that of every operator's tensor) and nobody else
    /// holds it.
    ///
    /// # Errors
    /// The tensor itself otherwise.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use parallax_events::{DType, Meta, Tensor};
    ///
    /// let mut region = Tensor::zeros(DType::U8, [2], ["x"], Arc::new(Meta::default()))?.try_into_region().unwrap();
    /// region.as_mut_slice()[0] = 1;
    /// # Ok::<(), parallax_events::Error>(())
    /// ```
    pub fn try_into_region(mut self) -> Result<Region, Box<Self>> {
        let Some(bytes) = self.region.take() else {
            return Err(Box::new(self));
        };
        // This handle is one of those that must be gone.
        self.buffer = Buffer::default();
        bytes.try_into_region().map_err(|bytes| {
            self.buffer = bytes.clone().into_arrow(..);
            self.region = Some(Box::new(bytes));
            Box::new(self)
        })
    }

    /// A tensor of zeros.
    ///
    /// # Errors
    /// As [`try_new`](Self::try_new); [`ErrorKind::Limit`](crate::ErrorKind) if it does not fit into the address
    /// space.
    pub fn zeros(
        dtype: DType,
        shape: impl Into<Vec<usize>>,
        axes: impl IntoIterator<Item = impl Into<AxisName>>,
        meta: Arc<Meta>,
    ) -> Result<Self> {
        let shape = shape.into();
        let bytes = bytes_of(dtype, &shape)?;
        Self::from_region(Region::new(bytes)?, dtype, shape, axes, meta)
    }

    /// The same tensor with the span of time that it stands for: half-open `[start, end)`, in the stream's
    /// unit.
    #[must_use]
    pub fn with_time_span(mut self, span: Option<(i64, i64)>) -> Self {
        self.time_span = span;
        self
    }

    /// The elements, without their shape, sharing the memory.
    pub fn buffer(&self) -> &Buffer {
        &self.buffer
    }

    /// The type of the elements.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// How many elements each axis has, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The names of the axes, outermost first.
    pub fn axes(&self) -> &[AxisName] {
        &self.axes
    }

    /// The span of time it stands for, half-open, in the stream's unit, if known.
    pub fn time_span(&self) -> Option<(i64, i64)> {
        self.time_span
    }

    /// The facts of the stream it was made from.
    pub fn meta(&self) -> &Arc<Meta> {
        &self.meta
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.buffer.len() / self.dtype.size()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// How many elements apart the neighbours on each axis lie, outermost first.
    pub fn strides(&self) -> Vec<usize> {
        let mut strides = vec![1_usize; self.shape.len()];
        for axis in (1..self.shape.len()).rev() {
            // Cannot overflow unless an axis has no elements: then no stride is ever used.
            strides[axis - 1] = strides[axis].saturating_mul(self.shape[axis]);
        }
        strides
    }

    /// The elements, borrowed.
    ///
    /// # Errors
    /// [`ErrorKind::Param`](crate::ErrorKind) if they are of another type.
    pub fn as_slice<T: Element>(&self) -> Result<&[T]> {
        if T::DTYPE != self.dtype {
            return Err(Error::param(format!(
                "the tensor holds {}, not {}",
                self.dtype,
                T::DTYPE
            )));
        }
        bytemuck::try_cast_slice(&self.buffer).map_err(|error| Error::internal(error.to_string()))
    }

    /// The tensor as an Arrow column called `name` of length 1, of the extension type
    /// `arrow.fixed_shape_tensor`, sharing the memory. `Meta` and the time span are in the field's metadata.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`](crate::ErrorKind) if it has more elements than Arrow's 32-bit list sizes count.
    pub fn to_arrow(&self, name: &str) -> Result<(Field, ArrayRef)> {
        let size = i32::try_from(self.len())
            .map_err(|_| Error::unsupported(format!("an Arrow tensor of {} elements", self.len())))?;
        let values: ArrayRef = match self.dtype {
            DType::U8 => self.values::<UInt8Type>(),
            DType::U16 => self.values::<UInt16Type>(),
            DType::I16 => self.values::<Int16Type>(),
            DType::I32 => self.values::<Int32Type>(),
            DType::F32 => self.values::<Float32Type>(),
            DType::F64 => self.values::<Float64Type>(),
        };
        let element = Arc::new(Field::new_list_field(self.dtype.to_arrow(), false));
        let list = FixedSizeListArray::try_new_with_length(Arc::clone(&element), size, values, None, 1)?;

        let shape = Shape {
            shape: self.shape.clone(),
            dim_names: Some(self.axes.iter().map(ToString::to_string).collect()),
            permutation: None,
        };
        let mut metadata: HashMap<String, String> = self.meta.to_pairs().into_iter().collect();
        metadata.insert(EXTENSION_NAME.to_owned(), FIXED_SHAPE_TENSOR.to_owned());
        let shape = serde_json::to_string(&shape).map_err(|error| Error::internal(error.to_string()))?;
        metadata.insert(EXTENSION_METADATA.to_owned(), shape);
        if let Some((start, end)) = self.time_span {
            metadata.insert(TIME_SPAN.to_owned(), format!("{start}..{end}"));
        }
        let field = Field::new(name, DataType::FixedSizeList(element, size), false).with_metadata(metadata);
        Ok((field, Arc::new(list)))
    }

    fn values<T: ArrowPrimitiveType>(&self) -> ArrayRef {
        Arc::new(PrimitiveArray::<T>::new(self.buffer.clone().into(), None))
    }

    /// The tensor in one row of an Arrow column of the extension type `arrow.fixed_shape_tensor`, sharing the
    /// memory. Axes without names are called `axis0`, `axis1` and so on.
    ///
    /// # Errors
    /// If the column is of another type, its metadata contradict it, the row does not exist or is null, or
    /// the axes are permuted.
    pub fn from_arrow(field: &Field, column: &dyn Array, row: usize) -> Result<Self> {
        let metadata = field.metadata();
        if metadata.get(EXTENSION_NAME).map(String::as_str) != Some(FIXED_SHAPE_TENSOR) {
            return Err(Error::unsupported("a column that is no fixed-shape tensor")
                .with_context("column", field.name()));
        }
        let wrong = |text: &str| Error::malformed(text).with_context("column", field.name());
        let Some(list) = column.as_any().downcast_ref::<FixedSizeListArray>() else {
            return Err(wrong(
                "a fixed-shape tensor that is not stored as a fixed-size list",
            ));
        };
        if row >= list.len() {
            return Err(
                Error::not_found(format!("there is no row {row} among {}", list.len()))
                    .with_context("column", field.name()),
            );
        }
        let values = list.value(row);
        if list.is_null(row) || values.null_count() > 0 {
            return Err(wrong("a tensor with nulls"));
        }
        let text = metadata.get(EXTENSION_METADATA).map_or("", String::as_str);
        let Shape {
            shape,
            dim_names,
            permutation,
        } = serde_json::from_str(text)
            .map_err(|error| wrong("the tensor's shape does not parse").with_source(error))?;
        if permutation.is_some_and(|order| !order.iter().copied().eq(0..shape.len())) {
            return Err(
                Error::unsupported("a tensor with permuted axes").with_context("column", field.name())
            );
        }
        let axes = dim_names.unwrap_or_else(|| (0..shape.len()).map(|axis| format!("axis{axis}")).collect());

        let data = values.to_data();
        let dtype = DType::from_arrow(data.data_type())?;
        let Some(buffer) = data.buffers().first() else {
            return Err(wrong("a tensor without a buffer"));
        };
        let bytes = buffer.slice_with_length(data.offset() * dtype.size(), data.len() * dtype.size());
        let span = metadata.get(TIME_SPAN).map(|text| {
            let (start, end) = text.split_once("..")?;
            Some((start.parse().ok()?, end.parse().ok()?))
        });
        if span == Some(None) {
            return Err(wrong("the tensor's time span does not parse"));
        }
        let meta = Arc::new(Meta::from_schema_metadata(metadata)?);
        Ok(Self::try_new(bytes, dtype, shape, axes, meta)?.with_time_span(span.flatten()))
    }
}

impl PartialEq for Tensor {
    fn eq(&self, other: &Self) -> bool {
        let facts = |tensor: &Self| (tensor.dtype, tensor.time_span);
        facts(self) == facts(other)
            && (&self.shape, &self.axes, &self.meta) == (&other.shape, &other.axes, &other.meta)
            && self.buffer == other.buffer
    }
}

const EXTENSION_NAME: &str = "ARROW:extension:name";
const EXTENSION_METADATA: &str = "ARROW:extension:metadata";
const FIXED_SHAPE_TENSOR: &str = "arrow.fixed_shape_tensor";
const TIME_SPAN: &str = "parallax.time_span";

/// The extension's metadata, as Arrow's format documentation lists them under "Canonical Extension Types".
#[derive(Serialize, Deserialize)]
struct Shape {
    shape: Vec<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dim_names: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    permutation: Option<Vec<usize>>,
}

pub(crate) fn bytes_of(dtype: DType, shape: &[usize]) -> Result<usize> {
    // An axis without elements makes the tensor empty, however long the others are.
    if shape.contains(&0) {
        return Ok(0);
    }
    shape
        .iter()
        .try_fold(dtype.size(), |bytes, &length| bytes.checked_mul(length))
        .filter(|&bytes| isize::try_from(bytes).is_ok())
        .ok_or_else(|| {
            Error::limit(format!(
                "a tensor of {dtype} of shape {shape:?} does not fit into memory"
            ))
        })
}
