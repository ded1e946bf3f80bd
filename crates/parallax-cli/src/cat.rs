//! `parallax cat FILE..`: events as text, one a line.
//!
//! In: recordings. Out: on standard output `t x y p` (with `--triggers` the external triggers, `t id value`)
//! separated by blanks, or a JSON object a line; t counts the unit of the recording. Nothing else is printed there,
//! so it is ready for awk and jq. `--tail` keeps so many events in memory, the rest is constant.

use std::collections::VecDeque;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use parallax::events::Trigger;
use parallax::{DvsColumns, Event, ReadOptions};

use crate::files;
use crate::inputs::InputArguments;
use crate::progress::Bar;
use crate::reading::{self, ReadArguments, in_file};
use crate::streams::Stdout;

/// So many bytes are gathered before they are written.
const BUFFER: usize = 64 << 10;

/// Print events as text, one a line.
///
/// A line is `t x y p`, or with --json an object with these keys: t in the unit of the recording (`parallax info` names
/// it), x and y in pixels from the top left corner, p 1 for ON and 0 for OFF.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  parallax cat recording.raw | head
  parallax cat --head 5 --json recording.raw
  parallax cat --time +1s..+1.001s recording.raw | awk '$4 == 1' | wc -l
  parallax cat --triggers recording.raw")]
pub(crate) struct Arguments {
    #[command(flatten)]
    inputs: InputArguments,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// The external triggers instead: `t id value`, the input's number and its value from then on
    #[arg(long)]
    triggers: bool,
    /// Only the first lines of each file
    #[arg(long, value_name = "LINES", conflicts_with = "tail")]
    head: Option<u64>,
    /// Only the last lines of each file
    #[arg(long, value_name = "LINES")]
    tail: Option<u64>,
    #[command(flatten)]
    reading: ReadArguments,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    files::for_each(&arguments.inputs, |path| {
        let mut printer = Printer {
            out: Stdout::new(),
            buffer: Vec::with_capacity(BUFFER + 128),
            is_json: arguments.json,
        };
        let outcome = print(path, arguments, &mut printer);
        // What was readable stands before the error.
        printer.flush()?;
        outcome
    })
}

fn print(path: &Path, arguments: &Arguments, printer: &mut Printer) -> anyhow::Result<()> {
    let bar = if std::io::stdout().is_terminal() {
        Bar::hidden()
    } else {
        Bar::new("cat")
    };
    let in_file = |error| in_file(error, path);
    let options = ReadOptions {
        triggers: arguments.triggers,
        ..arguments.reading.options(&bar)
    };
    let mut reader = reading::open(path, &options).map_err(in_file)?;
    let mut left = arguments.head.unwrap_or(u64::MAX);
    let tail = arguments
        .tail
        .map(|tail| usize::try_from(tail).unwrap_or(usize::MAX));
    let mut last: VecDeque<Line> = VecDeque::new();
    let mut outcome = Ok(());
    let mut is_over = false;
    while left > 0 && !is_over {
        let events = match reader.next_columns() {
            Ok(Some(events)) if !arguments.triggers => events,
            Ok(Some(_)) => DvsColumns::default(),
            Ok(None) => {
                is_over = true;
                DvsColumns::default()
            }
            Err(error) => {
                outcome = Err(in_file(error).into());
                is_over = true;
                DvsColumns::default()
            }
        };
        let most = usize::try_from(left).unwrap_or(usize::MAX);
        let events = events.slice(0..most);
        left -= events.len() as u64;
        match tail {
            None => printer.print(events.iter().map(Line::from))?,
            Some(tail) => keep(&mut last, events.iter().map(Line::from), tail),
        }
        if arguments.triggers {
            let triggers = reader.take_triggers();
            let lines = triggers.iter().take(most).map(Line::from);
            left -= lines.len() as u64;
            match tail {
                None => printer.print(lines)?,
                Some(tail) => keep(&mut last, lines, tail),
            }
        }
    }
    drop(bar);
    printer.print(last.into_iter())?;
    outcome
}

/// Keeps the last `tail` lines.
fn keep(last: &mut VecDeque<Line>, new: impl ExactSizeIterator<Item = Line>, tail: usize) {
    let before = new.len().saturating_sub(tail);
    let new = new.skip(before);
    let surplus = (last.len() + new.len()).saturating_sub(tail);
    last.drain(..surplus.min(last.len()));
    last.extend(new);
}

/// What stands on a line: `t x y p`, or `t id value`.
#[derive(Debug, Clone, Copy)]
struct Line {
    t: i64,
    rest: Rest,
}

#[derive(Debug, Clone, Copy)]
enum Rest {
    Event(u16, u16, u8),
    Trigger(u16, u8),
}

impl From<Event> for Line {
    fn from(event: Event) -> Self {
        Self {
            t: event.t,
            rest: Rest::Event(event.x, event.y, event.p),
        }
    }
}

impl From<Trigger> for Line {
    fn from(trigger: Trigger) -> Self {
        Self {
            t: trigger.t,
            rest: Rest::Trigger(trigger.id, trigger.value),
        }
    }
}

struct Printer {
    out: Stdout,
    buffer: Vec<u8>,
    is_json: bool,
}

impl Printer {
    fn print(&mut self, lines: impl Iterator<Item = Line>) -> anyhow::Result<()> {
        let mut digits = itoa::Buffer::new();
        for line in lines {
            self.buffer
                .extend_from_slice(if self.is_json { b"{\"t\":" } else { b"" });
            self.buffer.extend_from_slice(digits.format(line.t).as_bytes());
            match line.rest {
                Rest::Event(x, y, p) => {
                    self.field(b",\"x\":", digits.format(x));
                    self.field(b",\"y\":", digits.format(y));
                    self.field(b",\"p\":", digits.format(p));
                }
                Rest::Trigger(id, value) => {
                    self.field(b",\"id\":", digits.format(id));
                    self.field(b",\"value\":", digits.format(value));
                }
            }
            self.buffer
                .extend_from_slice(if self.is_json { b"}\n" } else { b"\n" });
            if self.buffer.len() >= BUFFER {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn field(&mut self, key: &[u8], value: &str) {
        self.buffer
            .extend_from_slice(if self.is_json { key } else { b" " });
        self.buffer.extend_from_slice(value.as_bytes());
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        self.out
            .write_all(&self.buffer)
            .and_then(|()| self.out.flush())
            .context("cannot write to standard output")?;
        self.buffer.clear();
        Ok(())
    }
}
