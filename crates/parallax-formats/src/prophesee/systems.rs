//! Which sensor a `system_ID` of an old header means. Headers that need this have no geometry line.
//!
//! The numbers are those of the maker's open source library (OpenEB, `device_system_id.h`, Apache-2.0).

use parallax_events::Geometry;

const VGA: (u16, u16) = (640, 480);
const HD: (u16, u16) = (1280, 720);

/// Identity, sensor generation, width and height. Bit 7 marks an evaluation kit with the same sensor.
const SYSTEMS: &[(u64, &str, (u16, u16))] = &[
    (0x14, "Gen2", VGA),
    (0x15, "Gen3", VGA),
    (0x17, "Gen3", VGA),
    (0x19, "Gen3", VGA),
    (0x1A, "Gen4", HD),
    (0x1C, "Gen3.1", VGA),
    (0x1D, "Gen3", VGA),
    (0x1E, "Gen4", HD),
    (0x1F, "Gen4", HD),
    (0x20, "Gen4", HD),
    (0x21, "Gen3", VGA),
    (0x22, "Gen3.1", VGA),
    (0x23, "Gen3.1", VGA),
    (0x27, "Gen4.1", HD),
    (0x28, "Gen3.1", VGA),
    (0x29, "Gen3.1", VGA),
    (0x2E, "Gen4", HD),
    (0x30, "Gen4.1", HD),
    (0x31, "IMX636", HD),
    (0x32, "IMX636", HD),
    (0x34, "IMX637", VGA),
    (0x35, "IMX646", HD),
    (0x36, "IMX647", VGA),
    (0x3A, "IMX636", HD),
    (0x3B, "GenX320", (320, 320)),
    (0x40, "GenX320", (320, 320)),
];

/// The generation and the size of the sensor in the system called `id`.
pub(super) fn sensor(id: u64) -> Option<(&'static str, Geometry)> {
    let base = id & !0x80;
    let (_, generation, (width, height)) = SYSTEMS.iter().find(|(known, ..)| *known == base)?;
    Some((
        generation,
        Geometry {
            width: *width,
            height: *height,
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recordings_systems() {
        // The two recordings without a geometry line, and what is known of their cameras.
        assert_eq!(
            sensor(21).unwrap().1,
            Geometry {
                width: 640,
                height: 480
            }
        );
        assert_eq!(
            sensor(48).unwrap().1,
            Geometry {
                width: 1280,
                height: 720
            }
        );
        assert_eq!(sensor(0x80 | 0x17), sensor(0x17));
        assert_eq!(sensor(0), None);
        assert_eq!(sensor(u64::MAX), None);
    }
}
