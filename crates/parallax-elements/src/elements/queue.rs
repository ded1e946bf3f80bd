//! The border between two threads: what stands behind it runs on a thread of its own.

use parallax_events::{Declaration, Error, ParamSpec, Params, Result};
use parallax_pipeline::{Built, ElementRow, Leaky, Ports, QueueConfig};

pub(crate) static ELEMENT: ElementRow = ElementRow::plain(&DECLARATION, Ports::FILTER, build);

static DECLARATION: Declaration = Declaration::new(
    "queue",
    "Lets what stands behind it run on a thread of its own",
    &[
        ParamSpec::int("max_buffers").range(1, 1 << 20).default(16).doc("The most packets that wait"),
        ParamSpec::size("max_bytes").optional().doc("The most bytes that wait; one packet may always wait"),
        ParamSpec::time("max_time").optional().doc("The longest span of stream time that waits"),
        ParamSpec::choice("leaky", &["no", "upstream", "downstream"])
            .default("no")
            .doc("When full: hold the sender back, drop the newest, or drop the oldest"),
    ],
);

fn build(params: Params) -> Result<Built> {
    let leaky = match params.choice("leaky")? {
        "upstream" => Leaky::Upstream,
        "downstream" => Leaky::Downstream,
        _ => Leaky::No,
    };
    let buffers = usize::try_from(params.int("max_buffers")?).map_err(|_| Error::internal("out of range"))?;
    Ok(Built::Queue(QueueConfig {
        buffers,
        bytes: params.optional_size("max_bytes")?,
        time: params.optional_time("max_time")?,
        leaky,
    }))
}
