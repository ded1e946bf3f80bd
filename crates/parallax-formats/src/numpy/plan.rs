//! Which part of an array is t, x, y and p.
//!
//! In: the header of an array and what the parameters say. Out: a [`Plan`]: where the four numbers of an event are, how
//! times are counted. Records with named fields are recognised by the names that other tools use, arrays of N x 4 (or
//! 4 x N) numbers by the parameter `columns`.

use parallax_events::{Error, Meta, Result, TimeOrigin};

use super::columns::{Cell, Cells, Timing};
use super::dtype::{Dtype, Field, Kind, Number};
use super::header::Header;
use crate::text::{Column, Layout, Unit, named};

/// How many times are looked at to see whether floats count seconds.
pub(super) const LOOK: u64 = 1024;

/// What the parameters say; what is absent is taken from the array.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    pub(super) columns: Option<Layout>,
    pub(super) unit: Option<Unit>,
}

/// How the events of an array are read.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// Where they are; of times that are floats in an unknown unit, the timing is still to be [settled](Plan::settle).
    pub(super) cells: Cells,
    /// How many events the header claims.
    pub(super) count: u64,
    pub(super) order: Order,
    pub(super) meta: Meta,
    /// Whether the unit of time is not known until times have been seen.
    pub(super) is_open: bool,
}

/// How the numbers lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// One record after another, each of so many bytes.
    Records(usize),
    /// One column after another; where each of t, x, y and p begins.
    Columns([u64; 4]),
}

/// The t, x, y and p among some columns, by index, and the unit that the name of t states.
struct Roles {
    places: [usize; 4],
    unit: Option<Unit>,
}

impl Plan {
    /// For an array with such a header.
    ///
    /// # Errors
    /// If it is no array of events; the error says what it is.
    pub(super) fn new(header: &Header, wanted: &Wanted) -> Result<Self> {
        match &header.dtype {
            Dtype::Record { fields, size } => records(header, fields, *size, wanted),
            Dtype::Number(number) => matrix(header, *number, wanted),
            Dtype::Other { descr, .. } => Err(Error::unsupported(format!("an array of \"{descr}\""))
                .with_hint("events are records with t, x, y and p, or N x 4 numbers; convert it first")),
        }
    }

    /// For four arrays, one each for t, x, y and p.
    pub(super) fn of_columns(cells: [Cell; 4], count: u64, unit: Option<Unit>) -> Result<Self> {
        Self::with(cells, count, Order::Columns([0; 4]), unit)
    }

    fn with(cells: [Cell; 4], count: u64, order: Order, unit: Option<Unit>) -> Result<Self> {
        let mut meta = Meta::default();
        let kind = cells[0].number.kind;
        let unit = match kind {
            Kind::Time { unit, since_1970 } => {
                if since_1970 {
                    meta.time_origin = TimeOrigin::Unix;
                }
                Some(unit)
            }
            Kind::Float => unit,
            Kind::Int | Kind::Uint => Some(unit.unwrap_or(Unit::Micros)),
            Kind::Bool => return Err(Error::unsupported("times that are booleans")),
        };
        let mut plan = Self {
            cells: Cells {
                cells,
                timing: Timing::Whole(1),
            },
            count,
            order,
            meta,
            is_open: unit.is_none(),
        };
        plan.set_unit(unit.unwrap_or(Unit::Micros));
        Ok(plan)
    }

    fn set_unit(&mut self, unit: Unit) {
        self.meta.time_unit = unit.kept();
        self.cells.timing = if self.cells.cells[0].number.kind == Kind::Float {
            Timing::Float(10_f64.powi(unit.power().into()))
        } else {
            Timing::Whole(10_i64.pow(unit.power().into()))
        };
    }

    /// Takes times as they are stored: the unit is known from elsewhere.
    pub(super) fn keep_as_stored(&mut self) {
        self.is_open = false;
        self.cells.timing = match self.cells.cells[0].number.kind {
            Kind::Float => Timing::Float(1.0),
            _ => Timing::Whole(1),
        };
    }

    /// Sees by the first [`LOOK`] times what floats count: seconds if any has a fraction, else microseconds.
    /// `bytes` begins with the cell t of the first record. Returns what was assumed.
    pub(super) fn settle(&mut self, bytes: &[u8]) -> Option<&'static str> {
        if !std::mem::take(&mut self.is_open) {
            return None;
        }
        let cell = self.cells.cells[0];
        let mut times = bytes
            .chunks(cell.stride)
            .take(LOOK as usize)
            .filter_map(|record| cell.float(record));
        if times.any(|time| time.fract() != 0.0 && time.is_finite()) {
            self.set_unit(Unit::Seconds);
            Some("times are seconds, since they have fractions; the parameter `unit` says otherwise")
        } else {
            self.set_unit(Unit::Micros);
            Some("times are microseconds, since they are whole; the parameter `unit` says otherwise")
        }
    }

    /// How many bytes the first times take that [`settle`](Self::settle) looks at.
    pub(super) fn look_bytes(&self) -> u64 {
        if self.is_open {
            self.count
                .min(LOOK)
                .saturating_mul(self.cells.cells[0].stride as u64)
        } else {
            0
        }
    }
}

/// A one-dimensional array of records.
fn records(header: &Header, fields: &[Field], size: usize, wanted: &Wanted) -> Result<Plan> {
    if header.shape.iter().filter(|&&length| length != 1).count() > 1 {
        return Err(shape_error(header));
    }
    let count = header.shape.iter().product();
    let roles = match &wanted.columns {
        Some(layout) => roles_of(layout, fields.len(), "fields")?,
        None => roles_by_name(fields)?,
    };
    let mut cells = Vec::with_capacity(4);
    for place in roles.places {
        // The place is that of a field.
        let Some(Field { name, offset, number }) = fields.get(place) else {
            return Err(Error::internal("a field that is not there"));
        };
        let number = number.ok_or_else(|| {
            Error::unsupported(format!("the field \"{name}\" is no single number"))
                .with_hint("events are integers, floats or booleans; convert it first")
        })?;
        cells.push(Cell {
            number,
            offset: *offset,
            stride: size,
        });
    }
    let cells = <[Cell; 4]>::try_from(cells).map_err(|_| Error::internal("not four fields"))?;
    Plan::with(cells, count, Order::Records(size), wanted.unit.or(roles.unit))
}

/// N x 4 or 4 x N numbers.
fn matrix(header: &Header, number: Number, wanted: &Wanted) -> Result<Plan> {
    let usual = Layout::default();
    let layout = wanted.columns.as_ref().unwrap_or(&usual);
    let width = layout.columns().len();
    let Roles { places, .. } = roles_of(layout, width, "columns")?;
    let (count, by_records) = match header.shape[..] {
        [count, columns] if columns == width as u64 => (count, !header.fortran),
        [columns, count] if columns == width as u64 => (count, header.fortran),
        _ => return Err(shape_error(header)),
    };
    let size = number.size;
    if by_records {
        let stride = size * width;
        let cells = places.map(|place| Cell {
            number,
            offset: place * size,
            stride,
        });
        Plan::with(cells, count, Order::Records(stride), wanted.unit)
    } else {
        // The header has been checked to claim no more bytes than 63 bits count.
        let starts = places.map(|place| place as u64 * count * size as u64);
        let cells = [Cell {
            number,
            offset: 0,
            stride: size,
        }; 4];
        Plan::with(cells, count, Order::Columns(starts), wanted.unit)
    }
}

fn roles_of(layout: &Layout, count: usize, what: &str) -> Result<Roles> {
    let columns = layout.columns();
    if columns.len() != count {
        return Err(Error::param(format!(
            "the parameter `columns` names {} columns, the array has {count} {what}",
            columns.len()
        ))
        .with_hint("name each of them, `_` for one to skip: columns=x,y,t,p"));
    }
    // The layout has each of the four once.
    let place = |wanted| {
        columns
            .iter()
            .position(|&column| column == wanted)
            .unwrap_or_default()
    };
    Ok(Roles {
        places: [Column::T, Column::X, Column::Y, Column::P].map(place),
        unit: None,
    })
}

fn roles_by_name(fields: &[Field]) -> Result<Roles> {
    let mut places = [None; 4];
    let mut unit = None;
    for (index, field) in fields.iter().enumerate() {
        let (place, stated) = match named(&field.name.to_ascii_lowercase()) {
            Some((Column::T, stated)) => (0, stated),
            Some((Column::X, _)) => (1, None),
            Some((Column::Y, _)) => (2, None),
            Some((Column::P, _)) => (3, None),
            Some((Column::Other, _)) | None => continue,
        };
        if places[place].is_none() {
            places[place] = Some(index);
            unit = unit.or(stated);
        }
    }
    let [Some(t), Some(x), Some(y), Some(p)] = places else {
        let names: Vec<&str> = fields.iter().take(64).map(|field| field.name.as_str()).collect();
        return Err(
            Error::not_found("the records have no fields for each of t, x, y and p").with_hint(format!(
                "their fields are: {}; say which is what: columns=t,x,y,p",
                names.join(", ")
            )),
        );
    };
    Ok(Roles {
        places: [t, x, y, p],
        unit,
    })
}

fn shape_error(header: &Header) -> Error {
    let lengths: Vec<String> = header.shape.iter().map(u64::to_string).collect();
    Error::unsupported(format!("an array of shape ({}) holds no events", lengths.join(", ")))
        .with_hint("events are records with t, x, y and p, or N x 4 numbers; for others name the columns: columns=t,x,y,p,_")
}
