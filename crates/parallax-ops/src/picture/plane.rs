//! One tensor as a picture: its last two axes are rows and columns, the planes of the others lie side by side.
//!
//! The planes of the third axis from the end follow each other to the right, those of the axes before it downwards. The
//! values are scaled as those of `render` are: the largest hundredth is saturated. Not-a-number is 0.

use parallax_events::{DType, Error, Geometry, Origin, Result, Tensor};

use super::{Background, Colormap, MOST_PIXELS, saturation};

/// The size of the picture of `tensor`, and its pixels: RGB, row after row from the top. Without a map, values below 0
/// are blue and others red; if there are none below 0, they go from black to pale yellow.
///
/// # Errors
/// [`ErrorKind::Unsupported`](parallax_events::ErrorKind) if its last axes are not y and x, `Limit` if it is too large
/// for a picture.
pub fn tensor_pixels(
    tensor: &Tensor,
    colormap: Option<Colormap>,
    background: Background,
) -> Result<(Geometry, Vec<u8>)> {
    let shape = tensor.shape();
    let axes: Vec<&str> = tensor.axes().iter().map(AsRef::as_ref).collect();
    let ([planes @ .., height, width], [.., "y", "x"]) = (shape, axes.as_slice()) else {
        return Err(Error::unsupported(format!(
            "a tensor with the axes ({}) is no picture: the last two are to be y and x",
            axes.join(", ")
        )));
    };
    let across = planes.last().copied().unwrap_or(1);
    let down: usize = planes.iter().rev().skip(1).product();
    let too_large = || Error::limit(format!("a picture of a tensor of {shape:?} is too large"));
    let side = |planes: usize, pixels: usize| {
        let pixels = planes
            .checked_mul(pixels)
            .and_then(|pixels| u16::try_from(pixels).ok());
        pixels.ok_or_else(too_large)
    };
    let size = Geometry::new(side(across, *width)?, side(down, *height)?)?;
    if size.pixels() > MOST_PIXELS {
        return Err(too_large());
    }
    let values = values(tensor)?;
    let is_signed = values.iter().any(|value| *value < 0.0);
    let colormap = colormap.unwrap_or(if is_signed {
        Colormap::Redblue
    } else {
        Colormap::Inferno
    });
    let lit: Vec<(f32, f32)> = values
        .iter()
        .map(|value| (value.max(0.0), (-value).max(0.0)))
        .collect();
    let scale = saturation(&lit).unwrap_or(1.0);
    let is_upwards = tensor.meta().origin == Origin::BottomLeft;
    let mut pixels = Vec::with_capacity(size.pixels() * 3);
    for block in lit.chunks(across * height * width) {
        for row in 0..*height {
            let row = if is_upwards { height - 1 - row } else { row };
            for plane in block.chunks(height * width) {
                let row = plane.get(row * width..(row + 1) * width).unwrap_or_default();
                for (on, off) in row {
                    pixels.extend(colormap.color(on / scale, off / scale, background));
                }
            }
        }
    }
    Ok((size, pixels))
}

fn values(tensor: &Tensor) -> Result<Vec<f32>> {
    fn all<T: parallax_events::Element>(tensor: &Tensor, number: fn(T) -> f32) -> Result<Vec<f32>> {
        Ok(tensor
            .as_slice::<T>()?
            .iter()
            .map(|value| number(*value))
            .collect())
    }
    let mut values = match tensor.dtype() {
        DType::U8 => all::<u8>(tensor, f32::from),
        DType::U16 => all::<u16>(tensor, f32::from),
        DType::I16 => all::<i16>(tensor, f32::from),
        DType::I32 => all::<i32>(tensor, |value| value as f32),
        DType::F32 => all::<f32>(tensor, |value| value),
        DType::F64 => all::<f64>(tensor, |value| value as f32),
    }?;
    values
        .iter_mut()
        .filter(|value| !value.is_finite())
        .for_each(|value| *value = 0.0);
    Ok(values)
}
