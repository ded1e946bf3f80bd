//! Reads events from Parquet: ours, and tables of others whose columns are recognisable.
//!
//! One row group is open at a time. Before it is, the headers of its pages are held against the limits. Row
//! groups that by their statistics lie outside the time range asked for are passed over; the exact cut is the
//! reader's. A range that counts from the first event never passes over the first group.

use arrow_schema::DataType;
use parallax_events::{Error, EventBatch, Limits, Meta, Params, Result, TimeRange, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::statistics::Statistics;

use super::{Content, EventColumns, guard, page_headers};
use crate::{BatchSource, ReadOptions, SeekInput};

/// The reader behind the row `parquet`.
pub(crate) struct ParquetSource {
    content: Content,
    metadata: ArrowReaderMetadata,
    columns: EventColumns,
    mask: ProjectionMask,
    /// The leaves of the schema that are read.
    leaves: Vec<usize>,
    limits: Limits,
    batch_size: usize,
    /// The row groups still to be read.
    groups: std::vec::IntoIter<usize>,
    open: Option<ParquetRecordBatchReader>,
    bytes_done: u64,
}

/// See [`Open::Seekable`](crate::Open::Seekable).
pub(crate) fn open(input: SeekInput, params: &Params, options: &ReadOptions) -> Result<Box<dyn BatchSource>> {
    let unit = params
        .optional_choice("unit")?
        .map(TimeUnit::from_name)
        .transpose()?;
    Ok(Box::new(ParquetSource::new(Content::new(input)?, unit, options)?))
}

impl ParquetSource {
    fn new(content: Content, unit: Option<TimeUnit>, options: &ReadOptions) -> Result<Self> {
        page_headers::check_footer(&content, &options.limits)?;
        let metadata = guard("Parquet footer", || {
            ArrowReaderMetadata::load(&content, ArrowReaderOptions::new()).map_err(read_error)
        })?;
        let (stored, states_unit) = stored_meta(metadata.metadata())?;
        if let Some(geometry) = stored.geometry {
            options
                .limits
                .check_geometry(geometry.width.into(), geometry.height.into())?;
        }
        let columns = EventColumns::find(metadata.schema(), stored, states_unit, unit)?;
        let mask = ProjectionMask::roots(metadata.parquet_schema(), columns.projection());
        let leaves = (0..metadata.parquet_schema().num_columns())
            .filter(|&leaf| mask.leaf_included(leaf))
            .collect();
        let groups = groups_in_time(&metadata, &columns, options.time);
        Ok(Self {
            content,
            columns,
            mask,
            leaves,
            limits: options.limits,
            batch_size: super::read_batch(options),
            groups: groups.into_iter(),
            metadata,
            open: None,
            bytes_done: 0,
        })
    }

    fn open_group(&self, index: usize) -> Result<ParquetRecordBatchReader> {
        let group = self.group(index)?;
        let rows = u64::try_from(group.num_rows())
            .map_err(|_| Error::malformed(format!("row group {index} has a negative number of rows")))?;
        for &leaf in &self.leaves {
            let chunk = group
                .columns()
                .get(leaf)
                .ok_or_else(|| Error::malformed("a row group lacks a column"))?;
            page_headers::check_chunk(&self.content, chunk, rows, &self.limits).map_err(|error| {
                error
                    .with_context("column", chunk.column_path().string())
                    .with_context("row group", index)
            })?;
        }
        guard("Parquet row group", || {
            ParquetRecordBatchReaderBuilder::new_with_metadata(self.content.clone(), self.metadata.clone())
                .with_row_groups(vec![index])
                .with_projection(self.mask.clone())
                .with_batch_size(self.batch_size)
                .build()
                .map_err(read_error)
        })
    }

    fn group(&self, index: usize) -> Result<&RowGroupMetaData> {
        let groups = self.metadata.metadata().row_groups();
        groups
            .get(index)
            .ok_or_else(|| Error::internal(format!("there is no row group {index}")))
    }
}

impl BatchSource for ParquetSource {
    fn meta(&self) -> &Meta {
        self.columns.meta()
    }

    fn next_batch(&mut self) -> Result<Option<EventBatch>> {
        loop {
            let Some(reader) = &mut self.open else {
                let Some(index) = self.groups.next() else {
                    return Ok(None);
                };
                // How far it is by the bytes of the groups before; good enough for a progress bar.
                let start = self
                    .group(index)?
                    .columns()
                    .first()
                    .map_or(0, |c| c.data_page_offset());
                self.bytes_done = u64::try_from(start).unwrap_or(0);
                self.open = Some(self.open_group(index)?);
                continue;
            };
            match guard("Parquet row group", || Ok(reader.next())) {
                Ok(Some(Ok(table))) => {
                    let batch = self.columns.events(&table)?;
                    if !batch.is_empty() {
                        return Ok(Some(batch));
                    }
                }
                Ok(Some(Err(error))) => {
                    self.stop();
                    return Err(Error::malformed("a row group does not decode").with_source(error));
                }
                Ok(None) => self.open = None,
                Err(error) => {
                    self.stop();
                    return Err(error);
                }
            }
        }
    }

    fn bytes_done(&self) -> u64 {
        if self.open.is_none() && self.groups.len() == 0 {
            self.content.len()
        } else {
            self.bytes_done
        }
    }
}

impl ParquetSource {
    /// Nothing more is handed out after an error.
    fn stop(&mut self) {
        self.open = None;
        self.groups = Vec::new().into_iter();
    }
}

/// The facts in the file's key-value metadata, and whether they state the unit of time.
fn stored_meta(metadata: &ParquetMetaData) -> Result<(Meta, bool)> {
    let pairs = metadata.file_metadata().key_value_metadata();
    let pairs: Vec<(&str, &str)> = pairs
        .into_iter()
        .flatten()
        .filter_map(|pair| Some((pair.key.as_str(), pair.value.as_deref()?)))
        .collect();
    let states_unit = pairs.iter().any(|(key, _)| *key == "parallax.time_unit");
    Ok((Meta::from_pairs(pairs)?, states_unit))
}

/// The row groups that may hold events of `time`.
fn groups_in_time(
    metadata: &ArrowReaderMetadata,
    columns: &EventColumns,
    time: Option<TimeRange>,
) -> Vec<usize> {
    let groups = metadata.metadata().row_groups();
    let all = 0..groups.len();
    let schema = metadata.parquet_schema();
    let root = columns.time_index();
    let (Some(time), Some(leaf)) = (
        time,
        (0..schema.num_columns()).find(|&leaf| schema.get_column_root_idx(leaf) == root),
    ) else {
        return all.collect();
    };
    // Unsigned integers have statistics in another order.
    if matches!(
        metadata
            .schema()
            .fields()
            .get(root)
            .map(|field| field.data_type()),
        Some(DataType::UInt64) | None
    ) {
        return all.collect();
    }
    let nanos = i128::from(columns.meta().time_unit.nanos());
    let span = |group: &RowGroupMetaData| match group.columns().get(leaf)?.statistics()? {
        Statistics::Int64(values) => Some((
            i128::from(*values.min_opt()?) * nanos,
            i128::from(*values.max_opt()?) * nanos,
        )),
        _ => None,
    };
    // Where a range that counts from the first event begins is only known to lie within the first group.
    let origin = if time.is_relative() {
        groups.first().and_then(span)
    } else {
        Some((0, 0))
    };
    let Some((earliest, latest)) = origin else {
        return all.collect();
    };
    let start = time.start().map(|start| i128::from(start.0) + earliest);
    let end = time.end().map(|end| i128::from(end.0) + latest);
    let may_hold = |group: &RowGroupMetaData| {
        span(group).is_none_or(|(min, max)| start.is_none_or(|s| max >= s) && end.is_none_or(|e| min < e))
    };
    all.filter(|&index| (index == 0 && time.is_relative()) || groups.get(index).is_some_and(may_hold))
        .collect()
}

/// Our error for one of the library while reading.
fn read_error(error: ParquetError) -> Error {
    match error {
        ParquetError::External(source) => match source.downcast::<Error>() {
            Ok(ours) => *ours,
            Err(source) => match source.downcast::<std::io::Error>() {
                Ok(io) => Error::from(*io),
                Err(other) => Error::malformed("the Parquet file does not decode").with_source(other),
            },
        },
        ParquetError::NYI(what) => {
            Error::unsupported(format!("the Parquet file needs what is not built in: {what}"))
        }
        other => Error::malformed("the Parquet file does not decode").with_source(other),
    }
}

impl std::fmt::Debug for ParquetSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ParquetSource")
            .field("columns", &self.columns)
            .field("groups", &self.groups)
            .finish_non_exhaustive()
    }
}
