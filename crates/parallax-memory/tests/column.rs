//! What a [`Column`] promises, held against a plain `Vec`.

use parallax_memory::{Column, Region};

#[test]
fn a_column_is_a_vector() {
    let mut column = Column::<i64>::with_capacity(0).unwrap();
    let mut vector = Vec::new();
    let mut state = 1_u64;
    for step in 0..60_000_i64 {
        // Knuth's generator: which operation, and how much of it.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        match state >> 60 {
            0..=8 => {
                column.push(step).unwrap();
                vector.push(step);
            }
            9..=13 => {
                let values: Vec<i64> = (0..(state >> 40) as i64 % 50).map(|index| step ^ index).collect();
                column.extend_from_slice(&values).unwrap();
                vector.extend_from_slice(&values);
            }
            14 => {
                let len = vector.len() - (state >> 50) as usize % 3 % (vector.len() + 1);
                column.truncate(len);
                vector.truncate(len);
            }
            _ => {
                column.reserve(17).unwrap();
                column.spare_mut()[..17].fill(step);
                column.set_len(column.len() + 17).unwrap();
                vector.extend([step; 17]);
            }
        }
        assert_eq!(column.len(), vector.len());
        assert!(column.capacity() >= column.len());
        assert_eq!(column.spare_mut().len(), column.capacity() - column.len());
    }
    assert!(size_of_val(&vector[..]) > 2 << 20, "the test reaches pages");
    assert_eq!(column.as_slice(), vector);
    column.as_mut_slice()[3] = 77;
    vector[3] = 77;
    let expected: Vec<u8> = vector.iter().flat_map(|value| value.to_le_bytes()).collect();
    assert_eq!(&column.into_bytes()[..], expected);
}

#[test]
fn the_length_is_checked() {
    let mut column = Column::<u16>::with_capacity(10).unwrap();
    assert_eq!(column.capacity(), 10);
    assert_eq!(column.spare_mut(), [0; 10]);
    column.set_len(10).unwrap();
    let error = column.set_len(11).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    assert_eq!(column.len(), 10);
    column.clear();
    assert!(column.is_empty());
    assert_eq!(column.capacity(), 10);
}

#[test]
fn impossible_capacities_are_errors() {
    for capacity in [usize::MAX, usize::MAX / 8, usize::MAX / 16 + 1] {
        let error = Column::<u64>::with_capacity(capacity).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::OutOfMemory);
        let mut column = Column::<u64>::with_capacity(1).unwrap();
        column.push(5).unwrap();
        assert_eq!(
            column.reserve(capacity).unwrap_err().kind(),
            std::io::ErrorKind::OutOfMemory
        );
        assert_eq!(column.as_slice(), [5]);
    }
}

#[test]
fn memory_is_used_again() {
    let mut column = Column::<i64>::with_capacity(1 << 19).unwrap();
    let room = column.capacity();
    column.set_len(room - 10).unwrap();
    let address = column.as_slice().as_ptr().addr();
    let region = column.into_bytes().try_into_region().unwrap();
    let again = Column::<u16>::from_region(region);
    assert_eq!(again.capacity(), room * 4);
    assert_eq!(again.as_slice().as_ptr().addr(), address);
    assert!(again.is_empty());
    assert_eq!(Column::<u64>::from_region(Region::new(63).unwrap()).capacity(), 7);
}

#[test]
fn room_left_over_is_given_back() {
    let mut column = Column::<u8>::with_capacity(8 << 20).unwrap();
    column.extend_from_slice(&[1; 100]).unwrap();
    let bytes = column.into_bytes();
    assert_eq!(&bytes[..], [1; 100]);
    assert_eq!(bytes.try_into_region().unwrap().len(), 100);
}
