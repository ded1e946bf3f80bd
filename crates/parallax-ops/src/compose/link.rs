//! From a parsed chain to operators.

use std::sync::Arc;

use parallax_events::{Chain, ChainLink, Error, Result};

use super::ending::Ending;
use super::{Compose, Mode};
use crate::operator::of_link;
use crate::{Build, Operator};

pub(super) fn built(chain: &Chain) -> Result<Compose> {
    let mut ops = Vec::new();
    let mut ending = None;
    for link in &chain.links {
        if ending.is_some() {
            let error = Error::param(format!("`{}` comes behind a representation", link.id))
                .with_hint("a representation yields tensors, so it stands at the end");
            return Err(link.point(link.id_span, error));
        }
        let row: &Operator = of_link(link)?;
        match row.build {
            Build::Events(build) => {
                let params = row.declaration.check(link)?;
                ops.push(build(params).map_err(|error| at(link, error))?);
            }
            Build::Tensor(build) => {
                let params = row.declaration.check(link)?;
                let represent = build(params).map_err(|error| at(link, error))?;
                ending = Some(Arc::new(Ending::new(represent)));
            }
        }
    }
    Ok(Compose {
        ops: ops.into(),
        ending,
        mode: Mode::Exact,
    })
}

/// An operator that refuses parameters which are each allowed does not know where they stand.
fn at(link: &ChainLink, error: Error) -> Error {
    link.point(link.id_span, error)
}
