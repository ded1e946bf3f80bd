//! Events, triggers, audio and IMU samples as Arrow: the schemas, with [`Meta`] in the schema's metadata.
//!
//! | stream | columns |
//! | --- | --- |
//! | events | `t: Duration(unit), x: UInt16, y: UInt16, p: UInt8` |
//! | external triggers | `t: Duration(unit), id: UInt16, value: UInt8` |
//! | audio | `t: Duration(unit), samples: FixedSizeList(Float32, channels)` |
//! | IMU | `t: Duration(unit), ax, ay, az: Float32 (m/s²), gx, gy, gz: Float32 (rad/s)` |
//!
//! No column has nulls. A batch becomes a [`RecordBatch`] without a copy, and back again where the columns
//! have these types; the narrower and signed types of other tools are converted, each value checked.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType, Int8Type,
    Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, PrimitiveArray, RecordBatch};
use arrow_buffer::{ArrowNativeType, ScalarBuffer};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::{Error, EventBatch, Meta, Result, TimeUnit};

fn time_field(unit: TimeUnit) -> Field {
    Field::new("t", DataType::Duration(unit.to_arrow()), false)
}

/// The schema of an event stream.
pub fn event_schema(meta: &Meta) -> SchemaRef {
    let fields = vec![
        time_field(meta.time_unit),
        Field::new("x", DataType::UInt16, false),
        Field::new("y", DataType::UInt16, false),
        Field::new("p", DataType::UInt8, false),
    ];
    Arc::new(Schema::new_with_metadata(fields, meta.to_schema_metadata()))
}

/// The schema of a table of external triggers.
pub fn trigger_schema(meta: &Meta) -> SchemaRef {
    let fields = vec![
        time_field(meta.time_unit),
        Field::new("id", DataType::UInt16, false),
        Field::new("value", DataType::UInt8, false),
    ];
    Arc::new(Schema::new_with_metadata(fields, meta.to_schema_metadata()))
}

/// The schema of an audio stream: at each time one sample a channel.
///
/// # Errors
/// If `meta` does not state the number of channels.
pub fn audio_schema(meta: &Meta) -> Result<SchemaRef> {
    let channels = meta.channels.ok_or_else(|| {
        Error::param("the stream does not state its number of channels").with_hint("set Meta::channels")
    })?;
    let sample = Arc::new(Field::new_list_field(DataType::Float32, false));
    let fields = vec![
        time_field(meta.time_unit),
        Field::new(
            "samples",
            DataType::FixedSizeList(sample, i32::from(channels)),
            false,
        ),
    ];
    Ok(Arc::new(Schema::new_with_metadata(
        fields,
        meta.to_schema_metadata(),
    )))
}

/// The schema of an inertial stream: accelerations in m/s², then rates of turn in rad/s.
pub fn imu_schema(meta: &Meta) -> SchemaRef {
    let mut fields = vec![time_field(meta.time_unit)];
    fields
        .extend(["ax", "ay", "az", "gx", "gy", "gz"].map(|name| Field::new(name, DataType::Float32, false)));
    Arc::new(Schema::new_with_metadata(fields, meta.to_schema_metadata()))
}

impl EventBatch {
    /// The batch as Arrow, sharing the memory.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use parallax_events::{EventBatch, Meta};
    ///
    /// let batch = EventBatch::try_new(vec![5], vec![3], vec![1], vec![1], Arc::new(Meta::default()))?;
    /// let table = batch.to_record_batch()?;
    /// assert_eq!(table.num_columns(), 4);
    /// assert_eq!(EventBatch::from_record_batch(&table)?, batch);
    /// # Ok::<(), parallax_events::Error>(())
    /// ```
    pub fn to_record_batch(&self) -> Result<RecordBatch> {
        let [t, x, y, p] = self.buffers();
        let columns = vec![
            time_array(t.into(), self.meta().time_unit),
            primitive::<UInt16Type>(x.into()),
            primitive::<UInt16Type>(y.into()),
            primitive::<UInt8Type>(p.into()),
        ];
        Ok(RecordBatch::try_new(event_schema(self.meta()), columns)?)
    }

    /// A batch from Arrow columns `t`, `x`, `y`, `p`, sharing the memory where the types are ours.
    ///
    /// `t` may be a Duration of any unit, or a 64-bit integer in the unit that the schema's metadata state
    /// (else microseconds). Other integer types and booleans are converted; polarities may be 0/1, -1/+1 or
    /// boolean.
    ///
    /// # Errors
    /// Names the column that is missing, has nulls, has another type, or holds a value that does not fit.
    pub fn from_record_batch(table: &RecordBatch) -> Result<Self> {
        let schema = table.schema();
        let mut meta = Meta::from_schema_metadata(schema.metadata())?;
        let t = time_column(table, &mut meta)?;
        let x = integers::<UInt16Type>(required_column(table, "x")?, "x")?;
        let y = integers::<UInt16Type>(required_column(table, "y")?, "y")?;
        let p = polarities(required_column(table, "p")?)?;
        Self::try_new(t, x, y, p, Arc::new(meta))
    }
}

/// Times as a Duration of this unit.
pub(crate) fn time_array(t: ScalarBuffer<i64>, unit: TimeUnit) -> ArrayRef {
    match unit {
        TimeUnit::Millis => primitive::<DurationMillisecondType>(t),
        TimeUnit::Micros => primitive::<DurationMicrosecondType>(t),
        TimeUnit::Nanos => primitive::<DurationNanosecondType>(t),
    }
}

/// The values of the column `t`, whose unit goes into `meta` if the column states one.
pub(crate) fn time_column(table: &RecordBatch, meta: &mut Meta) -> Result<ScalarBuffer<i64>> {
    let time = required_column(table, "t")?;
    if let DataType::Duration(unit) = time.data_type() {
        meta.time_unit = TimeUnit::from_arrow(*unit)?;
        Ok(time_values(time, meta.time_unit))
    } else {
        integers::<Int64Type>(time, "t")
    }
}

pub(crate) fn primitive<T: ArrowPrimitiveType>(values: ScalarBuffer<T::Native>) -> ArrayRef {
    Arc::new(PrimitiveArray::<T>::new(values, None))
}

pub(crate) fn required_column<'a>(table: &'a RecordBatch, name: &'static str) -> Result<&'a ArrayRef> {
    let Some(column) = table.column_by_name(name) else {
        let schema = table.schema();
        let known: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
        return Err(Error::not_found(format!("there is no column {name}"))
            .with_hint(format!("the columns are: {}", known.join(", "))));
    };
    if column.null_count() > 0 {
        return Err(Error::malformed("the column has nulls").with_context("column", name));
    }
    Ok(column)
}

fn time_values(time: &ArrayRef, unit: TimeUnit) -> ScalarBuffer<i64> {
    match unit {
        TimeUnit::Millis => time.as_primitive::<DurationMillisecondType>().values().clone(),
        TimeUnit::Micros => time.as_primitive::<DurationMicrosecondType>().values().clone(),
        TimeUnit::Nanos => time.as_primitive::<DurationNanosecondType>().values().clone(),
    }
}

/// The values of any integer column as those of `T`: shared if it is one of `T`, else converted and checked.
pub(crate) fn integers<T: ArrowPrimitiveType>(
    column: &ArrayRef,
    name: &'static str,
) -> Result<ScalarBuffer<T::Native>>
where
    T::Native: TryFrom<i128> + ArrowNativeType,
{
    if *column.data_type() == T::DATA_TYPE {
        return Ok(column.as_primitive::<T>().values().clone());
    }
    fn wide<S: ArrowPrimitiveType<Native: Into<i128>>>(column: &ArrayRef) -> Vec<i128> {
        column
            .as_primitive::<S>()
            .values()
            .iter()
            .map(|&v| v.into())
            .collect()
    }
    let values = match column.data_type() {
        DataType::Int8 => wide::<Int8Type>(column),
        DataType::Int16 => wide::<Int16Type>(column),
        DataType::Int32 => wide::<Int32Type>(column),
        DataType::Int64 => wide::<Int64Type>(column),
        DataType::UInt8 => wide::<UInt8Type>(column),
        DataType::UInt16 => wide::<UInt16Type>(column),
        DataType::UInt32 => wide::<UInt32Type>(column),
        DataType::UInt64 => wide::<UInt64Type>(column),
        other => {
            return Err(Error::unsupported(format!("a column of type {other}"))
                .with_context("column", name)
                .with_hint("cast it to an integer type first"));
        }
    };
    values
        .into_iter()
        .enumerate()
        .map(|(index, value)| {
            T::Native::try_from(value).map_err(|_| {
                Error::malformed(format!("{value} of row {index} is out of range"))
                    .with_context("column", name)
            })
        })
        .collect::<Result<Vec<_>>>()
        .map(ScalarBuffer::from)
}

/// Polarities as 0 or 1, from 0/1, -1/+1 or booleans.
fn polarities(column: &ArrayRef) -> Result<ScalarBuffer<u8>> {
    match column.data_type() {
        DataType::UInt8 => integers::<UInt8Type>(column, "p"),
        DataType::Boolean => Ok(column.as_boolean().values().iter().map(u8::from).collect()),
        _ => Ok(integers::<Int8Type>(column, "p")?
            .iter()
            .map(|&p| if p == -1 { 0 } else { p as u8 })
            .collect()),
    }
}
