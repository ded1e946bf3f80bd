//! What the elements of an array are: NumPy's `descr`, as a number or as a record of named fields.
//!
//! In: the value of `descr` in an NPY header. Out: a [`Dtype`] whose sizes and offsets are checked. Fields that are no
//! numbers (text, complex numbers, half precision, arrays inside a record) keep their place and are not readable.
//! Python objects are refused: they are stored by `pickle`, which runs code.

use parallax_events::{Error, Result};

use super::literal::Literal;
use crate::text::Unit;

/// The most fields that a record may have.
const FIELDS: usize = 4096;

/// What a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Int,
    Uint,
    Float,
    /// `timedelta64` or, counted from 1970, `datetime64`.
    Time {
        unit: Unit,
        since_1970: bool,
    },
}

/// One number in memory: what it is, its size in bytes, its byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) kind: Kind,
    pub(super) size: usize,
    pub(super) big_endian: bool,
}

/// An element of an array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Dtype {
    Number(Number),
    Record {
        fields: Vec<Field>,
        size: usize,
    },
    /// Something else of so many bytes.
    Other {
        size: usize,
        descr: String,
    },
}

/// A field of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) offset: usize,
    /// `None` if it is no single number.
    pub(super) number: Option<Number>,
}

impl Dtype {
    /// How many bytes an element takes.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Number(number) => number.size,
            Self::Record { size, .. } | Self::Other { size, .. } => *size,
        }
    }

    /// From the value of `descr`.
    pub(super) fn parse(descr: &Literal) -> Result<Self> {
        if let Some(text) = descr.text() {
            return simple(text);
        }
        let wrong = || Error::malformed("`descr` in the NPY header is no element type");
        let items = descr.items().ok_or_else(wrong)?;
        if items.len() > FIELDS {
            return Err(Error::limit(format!(
                "the NPY header has {} fields, more than {FIELDS}",
                items.len()
            )));
        }
        let (mut fields, mut offset) = (Vec::new(), 0_usize);
        for item in items {
            let (name, descr, shape) = match item.items() {
                Some([name, descr]) => (name, descr, None),
                Some([name, descr, shape]) => (name, descr, Some(shape)),
                _ => return Err(wrong()),
            };
            // A name may be the pair of a title and the name.
            let name = name.text().or_else(|| name.items()?.get(1)?.text());
            let name = name.ok_or_else(wrong)?.to_owned();
            let element = Self::parse(descr)?;
            let count = shape.map_or(Some(1), elements).ok_or_else(wrong)?;
            let size = element.size().checked_mul(count).ok_or_else(wrong)?;
            let number = match element {
                Self::Number(number) if count == 1 => Some(number),
                _ => None,
            };
            fields.push(Field { name, offset, number });
            offset = offset.checked_add(size).ok_or_else(wrong)?;
        }
        Ok(Self::Record { fields, size: offset })
    }
}

/// How many elements an array of this shape has.
fn elements(shape: &Literal) -> Option<usize> {
    let length = |literal: &Literal| match literal {
        Literal::Int(length) => usize::try_from(*length).ok(),
        _ => None,
    };
    match shape {
        Literal::Items(items) => items
            .iter()
            .try_fold(1_usize, |all, item| all.checked_mul(length(item)?)),
        single => length(single),
    }
}

/// `<i8`, `|u1`, `>f4`, `<m8[us]`, `|S10`.
fn simple(descr: &str) -> Result<Dtype> {
    let wrong = || Error::malformed(format!("\"{descr}\" in the NPY header is no element type"));
    let (big_endian, rest) = match descr.as_bytes().first() {
        Some(b'>') => (true, descr.get(1..)),
        Some(b'<' | b'|' | b'=') => (false, descr.get(1..)),
        _ => (false, Some(descr)),
    };
    let rest = rest.ok_or_else(wrong)?;
    let (kind, rest) = rest.split_at_checked(1).ok_or_else(wrong)?;
    if kind == "O" {
        return Err(
            Error::unsupported("the array holds Python objects, which only Python can read").with_hint(
                "load it there with allow_pickle=True and save t, x, y and p as arrays of numbers",
            ),
        );
    }
    let (digits, unit) = match rest.split_once('[') {
        Some((digits, unit)) => (digits, unit.strip_suffix(']')),
        None => (rest, None),
    };
    let size: usize = digits.parse().map_err(|_| wrong())?;
    let number = |kind| {
        Dtype::Number(Number {
            kind,
            size,
            big_endian,
        })
    };
    Ok(match (kind, size) {
        ("b", 1) => number(Kind::Bool),
        ("i", 1 | 2 | 4 | 8) => number(Kind::Int),
        ("u", 1 | 2 | 4 | 8) => number(Kind::Uint),
        ("f", 4 | 8) => number(Kind::Float),
        ("m" | "M", 8) if let Some(unit) = unit.and_then(Unit::from_name) => number(Kind::Time {
            unit,
            since_1970: kind == "M",
        }),
        ("U", _) => other(size.checked_mul(4).ok_or_else(wrong)?, descr),
        ("b" | "i" | "u" | "f" | "m" | "M" | "c" | "S" | "a" | "V", _) => other(size, descr),
        _ => return Err(wrong()),
    })
}

fn other(size: usize, descr: &str) -> Dtype {
    Dtype::Other {
        size,
        descr: descr.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Dtype> {
        Dtype::parse(&Literal::parse(text, 0)?)
    }

    /// Offsets and sizes are those that NumPy reports for the same types.
    #[test]
    fn records_are_laid_out_as_numpy_does() {
        let Dtype::Record { fields, size } =
            parse("[('x', '<u2'), ('', '|V2'), ('s', '<U3'), (('title', 't'), '>i8'), ('v', '<f4', (2, 3)), ('p', '|b1')]")
                .unwrap()
        else {
            panic!("no record")
        };
        assert_eq!(size, 2 + 2 + 12 + 8 + 24 + 1);
        let offsets: Vec<usize> = fields.iter().map(|field| field.offset).collect();
        assert_eq!(offsets, [0, 2, 4, 16, 24, 48]);
        assert_eq!(fields[3].name, "t");
        assert!(fields[3].number.unwrap().big_endian);
        assert_eq!(fields[4].number, None);
        assert_eq!(fields[5].number.unwrap().kind, Kind::Bool);
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        assert!(parse("'|O'").unwrap_err().to_string().contains("Python objects"));
        for wrong in [
            "'<i'",
            "'<q8'",
            "''",
            "'<'",
            "5",
            "[('a',)]",
            "[('a', '<u8', ('b',))]",
            "'<V99999999999999999999'",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        let huge = "[('a', '<V9223372036854775807'), ('b', '<V9223372036854775807'), ('c', '<V9223372036854775807')]";
        assert!(parse(huge).is_err());
    }
}
