//! Writes tensors as a table: a row for each, as Parquet or Arrow IPC.
//!
//! The columns are `start` and `end` (the span of time that a tensor stands for, half-open, a Duration in the unit of
//! the stream; null where it has none) and `tensor` (Arrow's canonical `arrow.fixed_shape_tensor`, with the shape and
//! the names of the axes in the field's metadata, and the facts of the stream beside them). All tensors have one type
//! and one shape: those of the first. A row group has 64 MiB of them or a single one, which is all that is held in
//! memory.

use std::io::Write;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{
    Array, ArrayRef, DurationMicrosecondArray, DurationMillisecondArray, DurationNanosecondArray,
    FixedSizeListArray, RecordBatch,
};
use arrow_ipc::writer::FileWriter;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use parallax_events::{Error, Result, Tensor, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use super::{ipc_write, parquet_write};

/// A row group of tensors is written when it has so many bytes.
const GROUP_BYTES: usize = 64 << 20;

type Output = Box<dyn Write + Send>;

/// The formats of a [`TensorTable`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TensorTableFormat {
    /// Apache Parquet, compressed with Zstd.
    Parquet,
    /// An Arrow IPC file (Feather 2), not compressed: it can be mapped.
    Arrow,
}

/// A table of tensors in the making: `start`, `end`, `tensor`. Nothing is complete until [`finish`](Self::finish).
///
/// ```
/// use std::sync::Arc;
/// use parallax_events::{Meta, Tensor};
/// use parallax_formats::{TensorTable, TensorTableFormat};
///
/// let frame = Tensor::from_vec(vec![0_u16, 1, 2, 3, 4, 5], [2, 3], ["y", "x"], Arc::new(Meta::default()))?;
/// let mut table = TensorTable::new(Box::new(std::io::sink()), TensorTableFormat::Parquet);
/// table.push(&frame.with_time_span(Some((0, 10_000))))?;
/// table.finish()?;
/// # Ok::<(), parallax_events::Error>(())
/// ```
pub struct TensorTable {
    format: TensorTableFormat,
    /// Until the first tensor tells the schema.
    output: Option<Output>,
    begun: Option<Begun>,
    rows: u64,
}

struct Begun {
    schema: SchemaRef,
    first: Tensor,
    writer: Writer,
    /// Bytes of tensors in the row group in the making.
    group: usize,
}

enum Writer {
    Parquet(Box<ArrowWriter<Output>>),
    Arrow(Box<FileWriter<Output>>),
}

impl TensorTable {
    /// A table that goes to `output`.
    pub fn new(output: Box<dyn Write + Send>, format: TensorTableFormat) -> Self {
        Self {
            format,
            output: Some(output),
            begun: None,
            rows: 0,
        }
    }

    /// How many tensors there are.
    pub fn len(&self) -> u64 {
        self.rows
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Adds a tensor.
    ///
    /// # Errors
    /// [`ErrorKind::Param`](parallax_events::ErrorKind) if its type, shape, axes or unit of time differ from those of
    /// the first; if it has more elements than Arrow's lists hold; if the output fails.
    pub fn push(&mut self, tensor: &Tensor) -> Result<()> {
        let begun = match &mut self.begun {
            Some(begun) => begun,
            empty => {
                let output = self.output.take().ok_or_else(finished)?;
                empty.insert(Begun::new(output, self.format, tensor)?)
            }
        };
        begun.push(tensor)?;
        self.rows += 1;
        Ok(())
    }

    /// Writes what is held back, and the trailer.
    ///
    /// # Errors
    /// [`ErrorKind::Param`](parallax_events::ErrorKind) if there is no tensor: nobody knows the type of the column;
    /// if the output fails.
    pub fn finish(self) -> Result<()> {
        let Some(begun) = self.begun else {
            return Err(Error::param("there is no tensor to write"));
        };
        let mut output = match begun.writer {
            Writer::Parquet(writer) => writer.into_inner().map_err(parquet_write::write_error)?,
            Writer::Arrow(writer) => writer.into_inner().map_err(ipc_write::write_error)?,
        };
        Ok(output.flush()?)
    }
}

impl std::fmt::Debug for TensorTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TensorTable")
            .field("format", &self.format)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

impl Begun {
    fn new(output: Output, format: TensorTableFormat, tensor: &Tensor) -> Result<Self> {
        // The span is that of a row, not of the column.
        let (field, column) = tensor.clone().with_time_span(None).to_arrow("tensor")?;
        let field = field.with_data_type(nullable(&column)?.data_type().clone());
        let duration = DataType::Duration(tensor.meta().time_unit.to_arrow());
        let mut metadata = tensor.meta().to_schema_metadata();
        metadata.insert(
            parquet_write::FORMAT_VERSION.0.to_owned(),
            parquet_write::FORMAT_VERSION.1.to_owned(),
        );
        let fields = vec![
            Field::new("start", duration.clone(), true),
            Field::new("end", duration, true),
            field,
        ];
        let schema = Arc::new(Schema::new_with_metadata(fields, metadata));
        let writer = match format {
            TensorTableFormat::Parquet => Writer::Parquet(Box::new(
                ArrowWriter::try_new(output, Arc::clone(&schema), Some(properties()?))
                    .map_err(parquet_write::write_error)?,
            )),
            TensorTableFormat::Arrow => Writer::Arrow(Box::new(
                FileWriter::try_new(output, &schema).map_err(ipc_write::write_error)?,
            )),
        };
        Ok(Self {
            schema,
            first: tensor.clone(),
            writer,
            group: 0,
        })
    }

    fn push(&mut self, tensor: &Tensor) -> Result<()> {
        let like = |tensor: &Tensor| (tensor.dtype(), tensor.shape().to_vec(), tensor.axes().to_vec());
        let (wanted, found) = (like(&self.first), like(tensor));
        let unit = self.first.meta().time_unit;
        if wanted != found || tensor.meta().time_unit != unit {
            return Err(Error::param(format!(
                "a tensor of {} {:?} in a table of {} {:?}",
                found.0, found.1, wanted.0, wanted.1
            ))
            .with_hint("state the sensor's size, so that all have one shape"));
        }
        let (_, values) = tensor.to_arrow("tensor")?;
        let (start, end) = tensor.time_span().unzip();
        let columns = vec![duration(start, unit), duration(end, unit), nullable(&values)?];
        let row = RecordBatch::try_new(Arc::clone(&self.schema), columns)?;
        match &mut self.writer {
            Writer::Parquet(writer) => {
                writer.write(&row).map_err(parquet_write::write_error)?;
                self.group += tensor.buffer().len();
                if self.group >= GROUP_BYTES {
                    writer.flush().map_err(parquet_write::write_error)?;
                    self.group = 0;
                }
                Ok(())
            }
            Writer::Arrow(writer) => writer.write(&row).map_err(ipc_write::write_error),
        }
    }
}

fn properties() -> Result<WriterProperties> {
    Ok(WriterProperties::builder()
        .set_created_by(concat!("parallax version ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(
            ZstdLevel::try_new(1).map_err(parquet_write::write_error)?,
        ))
        .set_statistics_enabled(EnabledStatistics::None)
        .set_dictionary_enabled(false)
        .set_max_row_group_row_count(None)
        .build())
}

/// The same column with elements that may be null, though none is: pyarrow's tensor type has them so, and takes a
/// Parquet column for tensors only then.
fn nullable(column: &ArrayRef) -> Result<ArrayRef> {
    let list = column
        .as_fixed_size_list_opt()
        .ok_or_else(|| Error::internal("a tensor that is no list"))?;
    let element = Arc::new(Field::new_list_field(list.value_type(), true));
    let values = Arc::clone(list.values());
    Ok(Arc::new(FixedSizeListArray::try_new_with_length(
        element,
        list.value_length(),
        values,
        None,
        list.len(),
    )?))
}

/// One time as a column.
fn duration(time: Option<i64>, unit: TimeUnit) -> ArrayRef {
    match unit {
        TimeUnit::Millis => Arc::new(DurationMillisecondArray::from(vec![time])),
        TimeUnit::Nanos => Arc::new(DurationNanosecondArray::from(vec![time])),
        _ => Arc::new(DurationMicrosecondArray::from(vec![time])),
    }
}

fn finished() -> Error {
    Error::internal("a table of tensors was used after an error")
}
