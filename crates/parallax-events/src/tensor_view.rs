//! A tensor that is lent: [`TensorView`].
//!
//! In go cells that somebody else owns, out come their shape and their elements, borrowed; or a [`Tensor`] with a copy
//! of them, for whoever wants to keep it.

use std::sync::Arc;

use parallax_memory::Region;

use crate::tensor::bytes_of;
use crate::{AxisName, DType, Element, Error, Meta, Result, Tensor};

/// An array of numbers with a shape, in C order, with named axes, borrowed from whoever made it.
///
/// ```
/// use parallax_events::TensorView;
///
/// let axes = ["y".into(), "x".into()];
/// let view = TensorView::new(&[0_i16, 1, 2, 3, 4, 5], &[2, 3], &axes)?;
/// assert_eq!(view.as_slice::<i16>()?[4], 4);
/// assert_eq!(view.to_tensor(Default::default())?.strides(), [3, 1]);
/// # Ok::<(), parallax_events::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TensorView<'a> {
    bytes: &'a [u8],
    dtype: DType,
    shape: &'a [usize],
    axes: &'a [AxisName],
    time_span: Option<(i64, i64)>,
}

impl<'a> TensorView<'a> {
    /// These cells with a shape.
    ///
    /// # Errors
    /// [`ErrorKind::Param`](crate::ErrorKind) if there are not as many cells as the shape asks for, or not as many axis
    /// names as axes.
    pub fn new<T: Element>(cells: &'a [T], shape: &'a [usize], axes: &'a [AxisName]) -> Result<Self> {
        let bytes: &[u8] = bytemuck::cast_slice(cells);
        if shape.len() != axes.len() || bytes_of(T::DTYPE, shape)? != bytes.len() {
            return Err(Error::param(format!(
                "{} cells and {} axis names for a tensor of shape {shape:?}",
                cells.len(),
                axes.len()
            )));
        }
        Ok(Self {
            bytes,
            dtype: T::DTYPE,
            shape,
            axes,
            time_span: None,
        })
    }

    /// The same cells with the span of time that they stand for: half-open, in the stream's unit.
    #[must_use]
    pub fn with_time_span(mut self, span: Option<(i64, i64)>) -> Self {
        self.time_span = span;
        self
    }

    /// The type of the elements.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// How many elements each axis has, outermost first.
    pub fn shape(&self) -> &'a [usize] {
        self.shape
    }

    /// The names of the axes, outermost first.
    pub fn axes(&self) -> &'a [AxisName] {
        self.axes
    }

    /// The span of time it stands for, half-open, in the stream's unit, if known.
    pub fn time_span(&self) -> Option<(i64, i64)> {
        self.time_span
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.bytes.len() / self.dtype.size()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The elements as they lie in memory.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The elements, borrowed.
    ///
    /// # Errors
    /// [`ErrorKind::Param`](crate::ErrorKind) if they are of another type.
    pub fn as_slice<T: Element>(&self) -> Result<&'a [T]> {
        if T::DTYPE != self.dtype {
            return Err(Error::param(format!(
                "the tensor holds {}, not {}",
                self.dtype,
                T::DTYPE
            )));
        }
        bytemuck::try_cast_slice(self.bytes).map_err(|error| Error::internal(error.to_string()))
    }

    /// A tensor with a copy of the cells.
    ///
    /// # Errors
    /// As [`Tensor::try_new`].
    pub fn to_tensor(&self, meta: Arc<Meta>) -> Result<Tensor> {
        let mut region = Region::new(self.bytes.len())?;
        region.as_mut_slice().copy_from_slice(self.bytes);
        let tensor = Tensor::from_region(region, self.dtype, self.shape, self.axes.iter().cloned(), meta)?;
        Ok(tensor.with_time_span(self.time_span))
    }
}
