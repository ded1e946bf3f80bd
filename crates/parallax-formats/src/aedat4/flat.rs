//! A checked look into a FlatBuffer: every offset is held against the bytes that are there.
//!
//! In: a buffer with its size in front, as AEDAT 4.0 has them. Out: places in it, or `None` where it leads outside or
//! contradicts itself. Nothing is allocated and nothing recurses.

/// A FlatBuffer and the type that it states.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flat<'a> {
    bytes: &'a [u8],
}

/// A table in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table<'a> {
    flat: Flat<'a>,
    at: usize,
    /// Where its list of fields is, and how long.
    fields: usize,
    fields_bytes: usize,
}

/// Some elements of equal size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Vector {
    /// Where the first one is.
    pub(super) start: usize,
    /// How many there are.
    pub(super) count: usize,
}

impl<'a> Flat<'a> {
    /// The buffer in `bytes`, which begin with its size, if it is of the type `identifier`.
    pub(super) fn with_size(bytes: &'a [u8], identifier: &[u8; 4]) -> Option<Self> {
        let size = u32::from_le_bytes(*bytes.first_chunk()?) as usize;
        Self::new(bytes.get(4..)?.get(..size)?, identifier)
    }

    /// The buffer in `bytes`, if it is of the type `identifier`.
    pub(super) fn new(bytes: &'a [u8], identifier: &[u8; 4]) -> Option<Self> {
        (bytes.get(4..8)? == identifier).then_some(Self { bytes })
    }

    /// The table that holds everything else.
    pub(super) fn root(self) -> Option<Table<'a>> {
        self.table(self.follow(0)?)
    }

    /// The table at `at`.
    pub(super) fn table(self, at: usize) -> Option<Table<'a>> {
        let back = i32::from_le_bytes(self.array(at)?);
        let fields = usize::try_from(i64::try_from(at).ok()? - i64::from(back)).ok()?;
        let fields_bytes = usize::from(u16::from_le_bytes(self.array(fields)?));
        Some(Table {
            flat: self,
            at,
            fields,
            fields_bytes,
        })
    }

    /// Where the offset at `at` leads.
    pub(super) fn follow(self, at: usize) -> Option<usize> {
        at.checked_add(u32::from_le_bytes(self.array(at)?) as usize)
    }

    /// The elements of `size` bytes each at `at`, all of which are there.
    pub(super) fn vector(self, at: usize, size: usize) -> Option<Vector> {
        let count = u32::from_le_bytes(self.array(at)?) as usize;
        let start = at.checked_add(4)?;
        let end = start.checked_add(count.checked_mul(size)?)?;
        (end <= self.bytes.len()).then_some(Vector { start, count })
    }

    /// The elements of a vector of `N` bytes each.
    pub(super) fn structures<const N: usize>(self, vector: Vector) -> &'a [[u8; N]] {
        let rest = self.bytes.get(vector.start..).unwrap_or_default();
        let (all, _) = rest.as_chunks::<N>();
        all.get(..vector.count).unwrap_or_default()
    }

    /// The text at `at`.
    pub(super) fn text(self, at: usize) -> Option<&'a str> {
        let Vector { start, count } = self.vector(at, 1)?;
        std::str::from_utf8(self.bytes.get(start..start + count)?).ok()
    }

    /// So many bytes at `at`.
    pub(super) fn array<const N: usize>(self, at: usize) -> Option<[u8; N]> {
        self.bytes.get(at..)?.first_chunk().copied()
    }
}

impl<'a> Table<'a> {
    /// Where the field number `index` is; `None` if it has its default value, or lies outside.
    fn field(self, index: usize) -> Option<usize> {
        let slot = 4 + index * 2;
        if slot + 2 > self.fields_bytes {
            return None;
        }
        match u16::from_le_bytes(self.flat.array(self.fields + slot)?) {
            0 => None,
            offset => Some(self.at + usize::from(offset)),
        }
    }

    /// The bytes of a number in field `index`, or those of its default.
    pub(super) fn number<const N: usize>(self, index: usize, default: [u8; N]) -> Option<[u8; N]> {
        match self.field(index) {
            None => Some(default),
            Some(at) => self.flat.array(at),
        }
    }

    /// Where the offset in field `index` leads; `None` if there is none.
    pub(super) fn target(self, index: usize) -> Option<usize> {
        self.flat.follow(self.field(index)?)
    }

    /// The elements of `size` bytes each in field `index`: none if the field is not there.
    pub(super) fn vector(self, index: usize, size: usize) -> Option<Vector> {
        match self.field(index) {
            None => Some(Vector { start: 0, count: 0 }),
            Some(at) => self.flat.vector(self.flat.follow(at)?, size),
        }
    }
}
