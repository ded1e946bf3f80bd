//! Finding a format: by id, by extension, by content.

use parallax_events::{Chain, Error, Params, Result, chain};

use crate::{Create, EventWriter, Evidence, FORMATS, Format, Open, Probe, ReadOptions, WriteOptions};

/// The format called `id`, or an error that lists the known ones and names the nearest.
///
/// ```
/// assert_eq!(parallax_formats::format("evt3")?.extensions, ["raw"]);
/// assert!(parallax_formats::format("evt33").unwrap_err().to_string().contains("evt3"));
/// # Ok::<(), parallax_events::Error>(())
/// ```
pub fn format(id: &str) -> Result<&'static Format> {
    chain::resolve("format", id, FORMATS, |format| format.id()).copied()
}

/// The parameters for `format` out of `text`, which is `id` or `id key=value ..`; all defaults if absent.
pub(crate) fn params(format: &'static Format, text: Option<&str>) -> Result<Params> {
    match text {
        None => format.declaration.defaults(),
        Some(text) => {
            let chain = Chain::parse(text)?;
            let [link] = chain.links.as_slice() else {
                return Err(Error::param(format!("\"{text}\" names more than one format")));
            };
            format.declaration.check(link)
        }
    }
}

/// The format that `text` (`id` or `id key=value ..`) names.
fn named(text: &str) -> Result<&'static Format> {
    let chain = Chain::parse(text)?;
    match chain.links.first() {
        Some(link) => format(&link.id),
        None => Err(Error::param("the name of the format is empty")),
    }
}

/// The format to read `probe` as: the one that was asked for, else the one that is surest.
pub(crate) fn choose(
    probe: &Probe<'_>,
    options: &ReadOptions,
) -> Result<(&'static Format, Params, Evidence)> {
    if let Some(text) = &options.format {
        let format = named(text)?;
        return Ok((
            format,
            params(format, Some(text))?,
            Evidence::new(100, "asked for"),
        ));
    }
    if probe.head.is_empty() && probe.whole {
        return Err(Error::malformed("the input is empty")
            .at_byte(0)
            .with_hint("is the recording complete?"));
    }
    let (format, evidence) = recognise(probe).ok_or_else(|| {
        let known: Vec<&str> = readable().map(Format::id).collect();
        Error::unsupported("the format is not recognised, neither by content nor by extension")
            .at_byte(0)
            .with_hint(format!(
                "name it with the option format, one of: {}",
                known.join(", ")
            ))
    })?;
    Ok((format, params(format, None)?, evidence))
}

/// The surest format, and why; among equals one that claims the extension, then the first in the list.
pub fn recognise(probe: &Probe<'_>) -> Option<(&'static Format, Evidence)> {
    let mut best: Option<((u8, bool), &'static Format, Evidence)> = None;
    for format in readable() {
        if let Some(evidence) = (format.sniff)(probe) {
            let claims = probe.extension.is_some_and(|e| format.extensions.contains(&e));
            let rank = (evidence.score, claims);
            if best.as_ref().is_none_or(|(known, ..)| rank > *known) {
                best = Some((rank, format, evidence));
            }
        }
    }
    best.map(|(_, format, evidence)| (format, evidence))
}

fn readable() -> impl Iterator<Item = &'static Format> {
    FORMATS
        .iter()
        .copied()
        .filter(|format| !matches!(format.open, Open::Never))
}

/// The formats that are written to files of this extension; the first is meant where none is named.
///
/// ```
/// let ids: Vec<&str> = parallax_formats::written_as("raw").map(|format| format.id()).collect();
/// assert_eq!(ids, ["evt2", "evt21", "evt3"]);
/// ```
pub fn written_as(extension: &str) -> impl Iterator<Item = &'static Format> {
    let writable = FORMATS.iter().copied().filter(|format| format.create.is_some());
    writable.filter(move |format| format.extensions.contains(&extension))
}

/// The format to write, and its parameters: the one that was asked for, else the first that is
/// [written](written_as) to files of the output's extension.
///
/// # Errors
/// If none writes this extension, or the format cannot be written; both list those that can.
pub fn writable(
    extension: Option<&str>,
    options: &WriteOptions,
) -> Result<(&'static Format, Params, Create)> {
    let able = || -> Vec<&'static str> {
        FORMATS
            .iter()
            .filter(|f| f.create.is_some())
            .map(|f| f.id())
            .collect()
    };
    let format = match (&options.format, extension) {
        (Some(text), _) => named(text)?,
        (None, Some(extension)) => written_as(extension).next().ok_or_else(|| {
            Error::unsupported(format!(
                "no format that can be written has the extension \".{extension}\""
            ))
            .with_hint(format!("name the format, one of: {}", able().join(", ")))
        })?,
        (None, None) => {
            return Err(
                Error::param("the output has no extension that would tell its format")
                    .with_hint(format!("name the format, one of: {}", able().join(", "))),
            );
        }
    };
    let Some(create) = format.create else {
        return Err(
            Error::unsupported(format!("the format {} can be read, not written", format.id()))
                .with_hint(format!("these can be written: {}", able().join(", "))),
        );
    };
    Ok((format, params(format, options.format.as_deref())?, create))
}

/// Starts writing a stream to `output` in the format that `extension` or the options name.
///
/// # Errors
/// As [`writable`], and if the output fails.
pub fn create(
    output: Box<dyn std::io::Write + Send>,
    extension: Option<&str>,
    meta: &parallax_events::Meta,
    options: &WriteOptions,
) -> Result<Box<dyn EventWriter>> {
    let (_, params, create) = writable(extension, options)?;
    create(output, meta, &params, options)
}
