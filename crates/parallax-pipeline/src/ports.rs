//! [`Ports`]: the pads of an element, and their names: `sink`, `sink_0`.., `src`, `src_0`..

use parallax_events::{Error, Result};

/// The most pads that may be asked for on one side.
const MOST: usize = 256;

/// How many pads of each side an element has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    /// Pads that take: none, `sink`, or as many `sink_0`, `sink_1`, .. as are asked for, up to this many.
    pub inputs: usize,
    /// Pads that give: none, `src`, or as many `src_0`, `src_1`, .. as are asked for, up to this many.
    pub outputs: usize,
}

impl Ports {
    /// Gives on one pad.
    pub const SOURCE: Self = Self {
        inputs: 0,
        outputs: 1,
    };
    /// Takes on one pad and gives on one.
    pub const FILTER: Self = Self {
        inputs: 1,
        outputs: 1,
    };
    /// Takes on one pad.
    pub const SINK: Self = Self {
        inputs: 1,
        outputs: 0,
    };
    /// Takes on one pad and gives on as many as are asked for.
    pub const BRANCHES: Self = Self {
        inputs: 1,
        outputs: MOST,
    };
    /// Takes on as many pads as are asked for and gives on one.
    pub const AGGREGATOR: Self = Self {
        inputs: MOST,
        outputs: 1,
    };

    /// The name of an output pad.
    pub fn output_name(self, index: usize) -> String {
        name("src", self.outputs, index)
    }

    /// The name of an input pad.
    pub fn input_name(self, index: usize) -> String {
        name("sink", self.inputs, index)
    }

    /// Which output pad is called `name`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](parallax_events::ErrorKind) says which names there are.
    pub fn output(self, name: &str) -> Result<usize> {
        find("src", self.outputs, name).ok_or_else(|| {
            Error::not_found("no such output pad").with_hint(known("src", "gives", self.outputs))
        })
    }

    /// Which input pad is called `name`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](parallax_events::ErrorKind) says which names there are.
    pub fn input(self, name: &str) -> Result<usize> {
        find("sink", self.inputs, name).ok_or_else(|| {
            Error::not_found("no such input pad").with_hint(known("sink", "takes", self.inputs))
        })
    }
}

fn name(side: &str, most: usize, index: usize) -> String {
    if most == 1 {
        side.to_owned()
    } else {
        format!("{side}_{index}")
    }
}

fn find(side: &str, most: usize, name: &str) -> Option<usize> {
    let rest = name.strip_prefix(side)?;
    let index = match most {
        1 => rest.is_empty().then_some(0),
        // One way to write a number: `src_01` is no pad.
        _ => rest.strip_prefix('_').and_then(|number| {
            number
                .parse()
                .ok()
                .filter(|index: &usize| index.to_string() == number)
        }),
    };
    index.filter(|&index| index < most)
}

fn known(side: &str, does: &str, most: usize) -> String {
    match most {
        0 => format!("it {does} nothing"),
        1 => format!("known: {side}"),
        most => format!("known: {side}_0 to {side}_{}", most - 1),
    }
}
