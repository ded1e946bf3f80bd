//! Keeps the events inside any of several rectangles, where they are.

use parallax_events::{
    Declaration, Error, Event, EventBlock, EventOp, Meta, OpState, ParamSpec, Params, Pool, Result, Stateless,
};

use super::profile;
use crate::{Build, Operator};

pub(crate) static OPERATOR: Operator = Operator { declaration: &DECLARATION, build: Build::Events(build) };

static DECLARATION: Declaration = Declaration::new(
    "regions",
    "Keeps the events inside any of several rectangles",
    &[
        ParamSpec::text("boxes")
            .default("")
            .doc("`x,y,w,h` of each, with blanks between: \"0,0,64,48 100,20,8,8\"; none keeps everything"),
        ParamSpec::choice("keep", &["inside", "outside"]).default("inside").doc("Which events are kept"),
    ],
)
.with_doc(
    "x and y are the left column and the top row, w and h how many columns and rows, as in `region`. Coordinates and the \
     sensor's size stay as they are. An event in several rectangles comes out once. As evlib's `filter_multiple_rois`, \
     whose bounds are both inside and which lets everything pass if the list is empty.",
)
.with_tags(profile::ALL);

fn build(params: Params) -> Result<Box<dyn EventOp>> {
    let boxes: Vec<Rectangle> =
        params.text("boxes")?.split_whitespace().map(Rectangle::parse).collect::<Result<_>>()?;
    let outside = params.choice("keep")? == "outside";
    Ok(Box::new(Regions { params, boxes, outside }))
}

#[derive(Debug)]
struct Regions {
    params: Params,
    boxes: Vec<Rectangle>,
    outside: bool,
}

#[derive(Debug, Clone, Copy)]
struct Rectangle {
    x: u16,
    y: u16,
    /// One less than the width and the height.
    last: (u16, u16),
}

impl Rectangle {
    fn parse(word: &str) -> Result<Self> {
        let numbers: Vec<u32> = word.split(',').map(|part| part.parse().unwrap_or(u32::MAX)).collect();
        let corner = |value: u32| u16::try_from(value).ok();
        let last = |size: u32| size.checked_sub(1).and_then(corner);
        if let &[x, y, w, h] = numbers.as_slice()
            && let (Some(x), Some(y), Some(right), Some(below)) = (corner(x), corner(y), last(w), last(h))
        {
            return Ok(Self { x, y, last: (right, below) });
        }
        Err(Error::param(format!("`boxes` of `regions` has `{word}`"))
            .with_context("allowed", "x,y,w,h with x and y from 0 to 65535, w and h from 1 to 65536"))
    }

    #[inline(always)]
    fn contains(self, event: Event) -> bool {
        let (x, y) = (event.x.wrapping_sub(self.x), event.y.wrapping_sub(self.y));
        event.x >= self.x && event.y >= self.y && x <= self.last.0 && y <= self.last.1
    }
}

impl EventOp for Regions {
    fn params(&self) -> &Params {
        &self.params
    }

    fn state(&self, _: &Meta) -> Result<Box<dyn OpState>> {
        Ok(Box::new(Stateless))
    }

    fn fork(&self, _: &mut dyn OpState, _: &EventBlock) -> Result<Option<Box<dyn OpState>>> {
        Ok(Some(Box::new(Stateless)))
    }

    fn run(&self, _: &mut dyn OpState, block: &mut EventBlock, _: Pool<'_>) -> Result<()> {
        if !self.boxes.is_empty() {
            block.retain(|event| self.boxes.iter().any(|one| one.contains(event)) != self.outside);
        }
        Ok(())
    }
}
