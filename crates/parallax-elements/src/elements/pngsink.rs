//! Draws events or tensors as PNG pictures, as `parallax render` and `apply` do.
//!
//! With a number in the location, such as `frame-%05d.png`, each packet is a picture: put `window` before it to say how
//! long one lasts. Without, all events of the stream are one picture, which is written at its end; of tensors there may
//! then be only one. The brightest hundredth of the lit pixels is saturated, in each picture anew.

use std::path::Path;

use parallax_events::{
    Declaration, Error, EventBatch, Nanos, Origin, ParamSpec, Params, Result, Span, Tensor,
};
use parallax_formats::{OutputFile, write_png};
use parallax_ops::picture::{Background, Colormap, Picture, Raster, Size, tensor_pixels};
use parallax_pipeline::{Built, Caps, Context, ElementRow, Media, Packet, Payload, Ports, Sink};

use crate::location::Location;

pub(crate) static ELEMENT: ElementRow = ElementRow::plain(&DECLARATION, Ports::SINK, build);

static DECLARATION: Declaration = Declaration::new(
    "pngsink",
    "Draws events or tensors as PNG pictures",
    &[
        ParamSpec::text("location").doc("Path of the picture, with %05d in it of one picture a packet"),
        ParamSpec::choice("colormap", Colormap::NAMES).optional()
            .doc("Colours; if absent redblue, and inferno for tensors without values below 0"),
        ParamSpec::choice("background", Background::NAMES).default("dark").doc("What lies behind redblue"),
        ParamSpec::text("size").optional().doc("Size of pictures of events, as WxH or the width alone; the sensor's if absent"),
        ParamSpec::time("decay").min(Nanos(1)).optional()
            .doc("Time constant with which events fade, up to the end of the picture and beyond it into the next"),
        ParamSpec::bool("overwrite").default(false).doc("Whether files that are there already are replaced"),
    ],
)
.with_doc(
    "With a number in the location each packet is a picture, so put `window` before it; without, all \
     events of the stream are one. The brightest hundredth of the lit pixels is saturated.",
);

fn build(params: Params) -> Result<Built> {
    let wrong = |error: Error| error.with_context("parameter", "size of pngsink");
    Ok(Built::sink(PngSink {
        location: Location::parse(params.text("location")?)?,
        colormap: params.optional_choice("colormap")?.map(str::parse).transpose()?,
        background: params.choice("background")?.parse()?,
        size: params.optional_text("size")?.map(str::parse).transpose().map_err(wrong)?,
        decay: params.optional_time("decay")?,
        overwrite: params.bool("overwrite")?,
        count: 0,
        events: None,
        context: None,
    }))
}

#[derive(Debug)]
struct PngSink {
    location: Location,
    colormap: Option<Colormap>,
    background: Background,
    size: Option<Size>,
    decay: Option<Nanos>,
    overwrite: bool,
    /// Pictures so far.
    count: u64,
    /// What is drawn of events, from the first batch on.
    events: Option<Drawing>,
    context: Option<Context>,
}

#[derive(Debug)]
struct Drawing {
    picture: Picture,
    is_upwards: bool,
    /// The end of what the picture shows.
    end: i64,
}

impl PngSink {
    fn drawing(&mut self, batch: &EventBatch) -> Result<&mut Drawing> {
        let meta = batch.meta();
        match &mut self.events {
            Some(drawing) => Ok(drawing),
            none => {
                let geometry = meta.geometry.ok_or_else(|| {
                    Error::param("the events do not state the size of their sensor, which a picture needs")
                        .with_hint("give `decode` sensor_width= and sensor_height=")
                })?;
                let ticks = |time: Nanos| time.0 as f64 / meta.time_unit.nanos() as f64;
                Ok(none.insert(Drawing {
                    picture: Picture::new(Raster::new(geometry, self.size)?, self.decay.map(ticks)),
                    is_upwards: meta.origin == Origin::BottomLeft,
                    end: 0,
                }))
            }
        }
    }

    fn draw(&mut self, batch: &EventBatch, span: Option<Span>) -> Result<()> {
        let is_numbered = self.location.is_numbered();
        let drawing = self.drawing(batch)?;
        drawing.picture.add(batch.columns(), ..);
        if let Some((_, last)) = drawing.picture.span() {
            drawing.end = last;
        }
        if !is_numbered {
            return Ok(());
        }
        if let Some(Span::Time { end, .. }) = span {
            drawing.end = end;
        }
        self.write_drawing()
    }

    fn write_drawing(&mut self) -> Result<()> {
        let colormap = self.colormap.unwrap_or(Colormap::Redblue);
        let Some(Drawing { picture, is_upwards, end }) = &mut self.events else { return Ok(()) };
        let pixels = picture.pixels(*end, colormap, self.background, *is_upwards);
        let size = picture.raster().size();
        picture.next_frame();
        self.write(size, &pixels)
    }

    fn draw_tensor(&mut self, tensor: &Tensor) -> Result<()> {
        if self.count > 0 && !self.location.is_numbered() {
            return Err(Error::param("the file holds one picture and there are more tensors")
                .with_hint("write %05d into the location for one picture each"));
        }
        let (size, pixels) = tensor_pixels(tensor, self.colormap, self.background)?;
        self.write(size, &pixels)
    }

    fn write(&mut self, size: parallax_events::Geometry, pixels: &[u8]) -> Result<()> {
        let path = self.location.path(self.count);
        let mut output = OutputFile::create(&path, self.overwrite)
            .map_err(|error| if path.exists() && !self.overwrite {
                error.with_hint("choose another name, or say overwrite=true")
            } else {
                error
            })?;
        write_png(&mut output, size, pixels).map_err(|error| named(error, &path))?;
        output.commit()?;
        self.count += 1;
        Ok(())
    }
}

fn named(error: Error, path: &Path) -> Error {
    error.with_context("output", path.display())
}

impl Sink for PngSink {
    fn accepts(&self) -> Caps {
        Caps::of(Media::Events).or(Caps::of(Media::Tensor))
    }

    fn start(&mut self, context: &Context) -> Result<()> {
        self.count = 0;
        self.events = None;
        self.context = Some(context.clone());
        Ok(())
    }

    fn consume(&mut self, packet: Packet) -> Result<()> {
        let span = packet.metadata.value::<Span>().copied();
        match &packet.payload {
            Payload::Events(batch) => self.draw(batch, span),
            Payload::Tensor(tensor) => self.draw_tensor(tensor),
            other => Err(Error::param(format!("`pngsink` takes events or tensors, not {}", other.media()))
                .with_hint("put `decode` before it")),
        }
    }

    fn end(&mut self) -> Result<()> {
        if !self.location.is_numbered() && self.events.is_some() {
            self.write_drawing()?;
        }
        if let (0, Some(context)) = (self.count, &self.context) {
            context.warn("nothing came that could be drawn, so there is no picture");
        }
        Ok(())
    }

    fn stop(&mut self) {
        self.events = None;
    }
}
