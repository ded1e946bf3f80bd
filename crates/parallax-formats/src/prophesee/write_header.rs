//! The text header of a RAW file that is written: both dialects, so that old and new readers find what they look for.

use parallax_events::Meta;

/// What else a header states, in the spelling of the maker's tools; a stream's facts keep the keys in lower case.
const FIELDS: [&str; 10] = [
    "date",
    "camera_integrator_name",
    "integrator_name",
    "plugin_integrator_name",
    "plugin_name",
    "firmware_version",
    "sensor_generation",
    "sensor_name",
    "serial_number",
    "system_ID",
];

/// The header of a stream with such facts, for the encoding called `name` and `version`: `EVT3` and `3.0`; with the order
/// of a word's halves where it has some.
pub(super) fn header(meta: &Meta, name: &str, version: &str, endianness: Option<&str>) -> String {
    let mut header = String::new();
    let mut line = |key: &str, value: &str| header.extend(["% ", key, " ", value, "\n"]);
    let field = |key: &str| {
        meta.extra
            .get(&key.to_ascii_lowercase())
            .filter(|value| is_line(value))
    };
    for key in FIELDS {
        // The system's number stands for a size where none is stated.
        if let Some(value) = field(key)
            && (key != "system_ID" || meta.geometry.is_some())
        {
            line(key, value);
        }
    }
    let named = ["sensor_name", "plugin_name", "sensor_generation"]
        .into_iter()
        .any(|key| field(key).is_some());
    if let Some(sensor) = meta.sensor.as_ref().filter(|sensor| !named && is_line(sensor)) {
        line("sensor_name", sensor);
    }
    line("evt", version);
    let mut format = name.to_owned();
    if let Some(endianness) = endianness {
        line("endianness", endianness);
        format.push_str(";endianness=");
        format.push_str(endianness);
    }
    if let Some(size) = meta.geometry {
        format.push_str(&format!(";height={};width={}", size.height, size.width));
        line("format", &format);
        line("geometry", &size.to_string());
    } else {
        line("format", &format);
    }
    header.push_str("% end\n");
    header
}

/// Whether a value can stand in a line and is read as it is.
fn is_line(value: &str) -> bool {
    !value.is_empty() && value.trim() == value && !value.contains(|c: char| c.is_control())
}
