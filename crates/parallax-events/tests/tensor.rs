//! Tensors: what is refused, what is shared, and what Arrow sees.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int16Type;
use arrow_array::{Array, FixedSizeListArray, UInt8Array};
use arrow_buffer::Buffer;
use arrow_schema::{DataType, Field};
use parallax_events::{DType, Element, ErrorKind, Meta, Tensor};

const NO_AXES: [&str; 0] = [];

fn meta() -> Arc<Meta> {
    Arc::new(Meta::with_geometry(3, 2).unwrap())
}

fn kind<T: std::fmt::Debug>(result: parallax_events::Result<T>) -> ErrorKind {
    result.unwrap_err().kind()
}

#[test]
fn the_buffer_must_fit_the_shape() {
    let buffer = Buffer::from_vec(vec![0_i32; 6]);
    let tensor = Tensor::try_new(buffer.clone(), DType::I32, [2, 3], ["y", "x"], meta()).unwrap();
    assert_eq!(
        (tensor.len(), tensor.shape(), tensor.strides()),
        (6, &[2, 3][..], vec![3, 1])
    );
    assert_eq!(tensor.as_slice::<i32>().unwrap().as_ptr().cast(), buffer.as_ptr());
    assert_eq!(kind(tensor.as_slice::<f32>()), ErrorKind::Param);

    let refused = |shape: &[usize]| {
        kind(Tensor::try_new(
            buffer.clone(),
            DType::I32,
            shape,
            vec!["a"; shape.len()],
            meta(),
        ))
    };
    assert_eq!(refused(&[2, 4]), ErrorKind::Malformed);
    assert_eq!(refused(&[]), ErrorKind::Malformed);
    assert_eq!(refused(&[usize::MAX, usize::MAX]), ErrorKind::Limit);
    assert_eq!(refused(&[usize::MAX / 4]), ErrorKind::Limit);
    assert_eq!(refused(&[usize::MAX, usize::MAX, 0]), ErrorKind::Malformed);
    assert_eq!(
        kind(Tensor::try_new(
            buffer.clone(),
            DType::I32,
            [6],
            ["y", "x"],
            meta()
        )),
        ErrorKind::Param
    );
    let shifted = buffer.slice_with_length(1, 20);
    assert_eq!(
        kind(Tensor::try_new(shifted, DType::I32, [5], ["x"], meta())),
        ErrorKind::Malformed
    );
}

#[test]
fn scalars_and_empty_tensors_are_tensors() {
    let scalar = Tensor::from_vec(vec![1.5_f64], [], NO_AXES, meta()).unwrap();
    assert_eq!((scalar.len(), scalar.strides()), (1, vec![]));
    let empty = Tensor::zeros(DType::F32, [0, usize::MAX, 2], ["t", "y", "x"], meta()).unwrap();
    assert!(empty.is_empty());
    assert_eq!(empty.as_slice::<f32>().unwrap(), [0.0_f32; 0]);
    for tensor in [scalar, empty] {
        let (field, array) = tensor.to_arrow("v").unwrap();
        assert_eq!(array.len(), 1);
        assert_eq!(Tensor::from_arrow(&field, array.as_ref(), 0).unwrap(), tensor);
    }
}

fn round_trip<T: Element + PartialEq>(values: Vec<T>) {
    let tensor = Tensor::from_vec(values.clone(), [2, 1, 2], ["polarity", "y", "x"], meta())
        .unwrap()
        .with_time_span(Some((-5, i64::MAX)));
    assert_eq!(tensor.dtype(), T::DTYPE);
    assert_eq!(tensor.as_slice::<T>().unwrap(), values);
    let (field, array) = tensor.to_arrow("frame").unwrap();
    let back = Tensor::from_arrow(&field, array.as_ref(), 0).unwrap();
    assert_eq!(back, tensor);
    assert_eq!(back.buffer().as_ptr(), tensor.buffer().as_ptr());
    assert_eq!(DType::from_name(T::DTYPE.name()).unwrap(), T::DTYPE);

    let zeros = Tensor::zeros(T::DTYPE, [1000], ["x"], meta()).unwrap();
    assert_eq!(zeros.as_slice::<T>().unwrap(), vec![T::default(); 1000]);
}

#[test]
fn every_type_goes_through_arrow_without_a_copy() {
    round_trip::<u8>(vec![1, 2, 3, u8::MAX]);
    round_trip::<u16>(vec![1, 2, 3, u16::MAX]);
    round_trip::<i16>(vec![i16::MIN, 2, 3, -1]);
    round_trip::<i32>(vec![i32::MIN, 2, 3, -1]);
    round_trip::<f32>(vec![f32::MIN_POSITIVE, -0.0, f32::INFINITY, 0.1]);
    round_trip::<f64>(vec![f64::MIN_POSITIVE, -0.0, f64::INFINITY, 0.1]);
    assert!(
        DType::from_name("bool")
            .unwrap_err()
            .to_string()
            .contains("u8, u16")
    );
}

#[test]
fn arrow_sees_the_canonical_extension_type() {
    let tensor = Tensor::from_vec(vec![1_i16, 2, 3, 4, 5, 6], [2, 3], ["y", "x"], meta()).unwrap();
    let (field, array) = tensor.to_arrow("frame").unwrap();
    // As Arrow's format documentation has it, under "Fixed shape tensor".
    assert_eq!(
        field.metadata()["ARROW:extension:name"],
        "arrow.fixed_shape_tensor"
    );
    assert_eq!(
        field.metadata()["ARROW:extension:metadata"],
        r#"{"shape":[2,3],"dim_names":["y","x"]}"#
    );
    let DataType::FixedSizeList(element, 6) = field.data_type() else {
        panic!("{}", field.data_type())
    };
    assert_eq!(element.data_type(), &DataType::Int16);
    assert_eq!(array.data_type(), field.data_type());
    let values = array.as_fixed_size_list().values().clone();
    assert_eq!(
        values.as_primitive::<Int16Type>().values(),
        &[1_i16, 2, 3, 4, 5, 6]
    );
}

/// Three tensors of 2 x 2 in one column, as another program writes them.
fn foreign(metadata: &str) -> (Field, FixedSizeListArray) {
    let element = Arc::new(Field::new("item", DataType::UInt8, true));
    let values = Arc::new(UInt8Array::from_iter_values(0..12));
    let list = FixedSizeListArray::new(Arc::clone(&element), 4, values, None);
    let field = Field::new("v", DataType::FixedSizeList(element, 4), true).with_metadata(
        [
            ("ARROW:extension:name", "arrow.fixed_shape_tensor"),
            ("ARROW:extension:metadata", metadata),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned())),
    );
    (field, list)
}

#[test]
fn columns_of_others_are_read_row_by_row() {
    let (field, list) = foreign(r#"{"shape":[2,2]}"#);
    let tensor = Tensor::from_arrow(&field, &list, 2).unwrap();
    assert_eq!(tensor.as_slice::<u8>().unwrap(), [8, 9, 10, 11]);
    assert_eq!(tensor.axes(), ["axis0", "axis1"]);
    assert_eq!(tensor.time_span(), None);
    let sliced = list.slice(1, 2);
    assert_eq!(
        Tensor::from_arrow(&field, &sliced, 0)
            .unwrap()
            .as_slice::<u8>()
            .unwrap(),
        [4, 5, 6, 7]
    );
    assert_eq!(kind(Tensor::from_arrow(&field, &list, 3)), ErrorKind::NotFound);
}

#[test]
fn contradictions_are_refused() {
    for (metadata, expected) in [
        ("", ErrorKind::Malformed),
        ("{}", ErrorKind::Malformed),
        (r#"{"shape":[2,3]}"#, ErrorKind::Malformed),
        (r#"{"shape":[-4]}"#, ErrorKind::Malformed),
        (r#"{"shape":[18446744073709551615,4]}"#, ErrorKind::Limit),
        (r#"{"shape":[2,2],"dim_names":["x"]}"#, ErrorKind::Param),
        (r#"{"shape":[2,2],"permutation":[1,0]}"#, ErrorKind::Unsupported),
    ] {
        let (field, list) = foreign(metadata);
        assert_eq!(kind(Tensor::from_arrow(&field, &list, 0)), expected, "{metadata}");
    }
    let (field, list) = foreign(r#"{"shape":[2,2],"permutation":[0,1]}"#);
    assert!(Tensor::from_arrow(&field, &list, 0).is_ok());
    assert_eq!(
        kind(Tensor::from_arrow(&field, &UInt8Array::from(vec![1]), 0)),
        ErrorKind::Malformed
    );
    let plain = Field::new("v", field.data_type().clone(), true);
    assert_eq!(kind(Tensor::from_arrow(&plain, &list, 0)), ErrorKind::Unsupported);
}

#[test]
fn a_region_is_given_back_by_its_last_holder_alone() {
    let tensor = Tensor::zeros(DType::U8, [2, 3], ["y", "x"], meta()).unwrap();
    let address = tensor.buffer().as_ptr();
    // Somebody sees the elements, or has a tensor of the same memory.
    let seen = tensor.buffer().clone();
    let tensor = *tensor.try_into_region().unwrap_err();
    assert_eq!((tensor.buffer().as_ptr(), tensor.shape()), (address, &[2, 3][..]));
    drop(seen);
    let twin = tensor.clone();
    let tensor = *tensor.try_into_region().unwrap_err();
    assert_eq!(tensor, twin);
    drop(twin);
    let region = tensor.try_into_region().unwrap();
    assert_eq!((region.as_slice().as_ptr(), region.len()), (address, 6));
    // Memory of somebody else's is not given away.
    let tensor = Tensor::from_vec(vec![1_u8], [1], ["x"], meta()).unwrap();
    assert!(tensor.try_into_region().is_err());
}
