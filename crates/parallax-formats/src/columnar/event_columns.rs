//! Which columns of a table are the events, under the names that other tools give them.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit as ArrowTimeUnit};
use parallax_events::{Error, EventBatch, Meta, Result, TimeOrigin, TimeUnit};

/// The names that each of t, x, y, p goes by, best first; compared without regard to case.
const NAMES: [(&str, &[&str]); 4] = [
    ("t", &["t", "timestamp", "timestamps", "time", "ts", "t_us"]),
    ("x", &["x", "col", "column"]),
    ("y", &["y", "row"]),
    ("p", &["p", "polarity", "polarities", "pol", "on"]),
];

/// Where t, x, y and p are in a table, and the facts under which they are events.
#[derive(Debug)]
pub(crate) struct EventColumns {
    /// The indices of t, x, y, p.
    indices: [usize; 4],
    meta: Arc<Meta>,
    /// The schema of the table as [`EventBatch::from_record_batch`] wants it.
    schema: SchemaRef,
}

impl EventColumns {
    /// Recognises the columns by their names. `stored` are the facts that the file states; times that are plain
    /// integers count in `unit` if the file does not state theirs (`states_unit`).
    ///
    /// # Errors
    /// If one is missing (the message lists what there is), or t has a type that is no time.
    pub(crate) fn find(
        schema: &Schema,
        stored: Meta,
        states_unit: bool,
        unit: Option<TimeUnit>,
    ) -> Result<Self> {
        let mut indices = [0; 4];
        let mut fields = Vec::new();
        let mut meta = stored;
        for (place, (role, names)) in indices.iter_mut().zip(NAMES) {
            let found = names.iter().find_map(|name| {
                schema
                    .fields()
                    .iter()
                    .position(|field| field.name().eq_ignore_ascii_case(name))
            });
            let Some((index, field)) = found.and_then(|index| Some((index, schema.fields().get(index)?)))
            else {
                return Err(missing(role, names, schema));
            };
            *place = index;
            if !is_number(field.data_type()) {
                return Err(Error::unsupported(format!(
                    "the column {} is of type {}",
                    field.name(),
                    field.data_type()
                ))
                .with_hint(
                    "event columns are integers, durations, time stamps or booleans; convert it first",
                ));
            }
            let mut data_type = field.data_type().clone();
            if role == "t" {
                match data_type {
                    DataType::Timestamp(unit, _) => {
                        data_type = DataType::Duration(unit);
                        meta.time_unit = TimeUnit::from_arrow(unit)?;
                        meta.time_origin = TimeOrigin::Unix;
                    }
                    DataType::Duration(unit) => meta.time_unit = TimeUnit::from_arrow(unit)?,
                    _ if !states_unit => meta.time_unit = unit.unwrap_or_default(),
                    _ => {}
                }
            }
            fields.push(Field::new(role, data_type, field.is_nullable()));
        }
        let schema = Arc::new(Schema::new_with_metadata(fields, meta.to_schema_metadata()));
        Ok(Self {
            indices,
            meta: Arc::new(meta),
            schema,
        })
    }

    /// The facts of the events.
    pub(crate) fn meta(&self) -> &Arc<Meta> {
        &self.meta
    }

    /// The index of the column t in the file's schema.
    pub(crate) fn time_index(&self) -> usize {
        self.indices[0]
    }

    /// The indices of the columns in the file's schema, ascending: what to read of it.
    pub(crate) fn projection(&self) -> Vec<usize> {
        let mut indices = self.indices.to_vec();
        indices.sort_unstable();
        indices.dedup();
        indices
    }

    /// The events of a table that has just the columns of [`projection`](Self::projection), in that order.
    ///
    /// # Errors
    /// If a column has nulls or a type that is no integer, or a value is out of range.
    pub(crate) fn events(&self, table: &RecordBatch) -> Result<EventBatch> {
        let projection = self.projection();
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(4);
        for index in self.indices {
            let place = projection.iter().position(|&known| known == index);
            let column = place.and_then(|place| table.columns().get(place));
            let column = column.ok_or_else(|| Error::malformed("a column of the table is missing"))?;
            columns.push(as_duration(column));
        }
        let table = RecordBatch::try_new(Arc::clone(&self.schema), columns)?;
        EventBatch::from_record_batch(&table)?.with_meta(Arc::clone(&self.meta))
    }
}

fn missing(role: &str, names: &[&str], schema: &Schema) -> Error {
    let known: Vec<&str> = schema
        .fields()
        .iter()
        .take(64)
        .map(|field| field.name().as_str())
        .collect();
    Error::not_found(format!(
        "the table has no column {role} (nor one called {})",
        names.get(1..).unwrap_or_default().join(", ")
    ))
    .with_hint(format!("its columns are: {}", known.join(", ")))
}

/// Whether a column is one flat sequence of numbers.
fn is_number(data_type: &DataType) -> bool {
    data_type.is_integer()
        || matches!(
            data_type,
            DataType::Boolean | DataType::Duration(_) | DataType::Timestamp(_, _)
        )
}

/// A point in time as the length of time since its origin: the same numbers.
fn as_duration(column: &ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::Timestamp(ArrowTimeUnit::Millisecond, _) => Arc::new(
            column
                .as_primitive::<TimestampMillisecondType>()
                .reinterpret_cast::<DurationMillisecondType>(),
        ),
        DataType::Timestamp(ArrowTimeUnit::Microsecond, _) => Arc::new(
            column
                .as_primitive::<TimestampMicrosecondType>()
                .reinterpret_cast::<DurationMicrosecondType>(),
        ),
        DataType::Timestamp(ArrowTimeUnit::Nanosecond, _) => Arc::new(
            column
                .as_primitive::<TimestampNanosecondType>()
                .reinterpret_cast::<DurationNanosecondType>(),
        ),
        _ => Arc::clone(column),
    }
}
