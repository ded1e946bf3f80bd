//! Formats and operators as elements: their rows, made from the rows that they declare themselves.

mod decoder;
mod encoder;
mod events;
mod memory;
mod tensor;

pub(crate) use events::{events_of, timed};
use parallax_events::{Declaration, ParamSpec};
use parallax_formats::{FORMATS, Format, Open};
use parallax_ops::{Build, OPERATORS, Operator};
use parallax_pipeline::{ElementRow, Media, Ports};

/// A row for each. They are made once and live as long as the program, as rows do.
pub(crate) fn rows() -> Vec<&'static ElementRow> {
    let mut rows: Vec<&'static ElementRow> = vec![&decoder::DECODE];
    for format in FORMATS {
        if !matches!(format.open, Open::Never) {
            rows.push(decoder_row(format));
        }
        if format.create.is_some() {
            rows.push(encoder_row(format));
        }
    }
    rows.extend(OPERATORS.iter().map(|operator| operator_row(operator)));
    rows
}

fn decoder_row(format: &'static Format) -> &'static ElementRow {
    let mut params: Vec<ParamSpec> = format.declaration.params().to_vec();
    params.extend_from_slice(decoder::PARAMS);
    let declaration = declared(
        format!("{}dec", format.id()),
        format!("Decodes {}", format.title()),
        params,
    );
    Box::leak(Box::new(ElementRow {
        converts: Some((Media::Bytes, Media::Events)),
        copies: decoder::COPIES,
        ..ElementRow::plain(declaration, Ports::FILTER, decoder::build)
    }))
}

fn encoder_row(format: &'static Format) -> &'static ElementRow {
    let params = format.declaration.params().to_vec();
    let declaration = declared(
        format!("{}enc", format.id()),
        format!("Encodes {}", format.title()),
        params,
    );
    Box::leak(Box::new(ElementRow {
        converts: Some((Media::Events, Media::Bytes)),
        copies: "events into the bytes of the format",
        ..ElementRow::plain(declaration, Ports::FILTER, encoder::build)
    }))
}

fn operator_row(operator: &'static Operator) -> &'static ElementRow {
    let (converts, build): (_, parallax_pipeline::Build) = match operator.build {
        Build::Events(_) => (None, events::build),
        Build::Tensor(_) => (Some((Media::Events, Media::Tensor)), tensor::build),
    };
    let copies = match operator.build {
        Build::Events(_) => "the events that stay, into a new batch, unless it only narrows the range",
        Build::Tensor(_) => "",
    };
    Box::leak(Box::new(ElementRow {
        converts,
        copies,
        ..ElementRow::plain(operator.declaration, Ports::FILTER, build)
    }))
}

fn declared(id: String, title: String, params: Vec<ParamSpec>) -> &'static Declaration {
    Box::leak(Box::new(Declaration::new(id.leak(), title.leak(), params.leak())))
}
