//! Hands on every payload untouched: the same memory, by reference.

use parallax_events::{Declaration, Params, Result};

use crate::{Built, Element, ElementRow, Payload};

pub(crate) static ELEMENT: ElementRow = ElementRow { declaration: &DECLARATION, aliases: &["identity"], build };

static DECLARATION: Declaration = Declaration::new("passthrough", "Hands on every payload untouched", &[]);

fn build(_: Params) -> Result<Built> {
    Ok(Built::Element(Box::new(Passthrough)))
}

#[derive(Debug)]
struct Passthrough;

impl Element for Passthrough {
    fn process(&mut self, payload: Payload) -> Result<Option<Payload>> {
        Ok(Some(payload))
    }
}
