//! The events: one recording again and again, on its own sensor and folded onto a smaller one.

use std::sync::Arc;

use parallax_events::{EventBatch, Meta, Order};
use parallax_formats::{EventReader, ReadOptions};

/// Which of the two sensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sensor {
    /// 1280 x 720, as recorded.
    Full,
    /// 640 x 480: `x % 640`, `y % 480`.
    Folded,
}

pub(crate) struct Recordings {
    full: EventBatch,
    folded: EventBatch,
}

impl Recordings {
    /// So many events, one recording after another in time; `None` if it is not here.
    pub(crate) fn read(events: usize) -> Option<Self> {
        let folder = std::env::var_os("PARALLAX_RECORDINGS")?;
        let path = std::path::Path::new(&folder).join("faery/evt3.raw");
        if !path.is_file() {
            return None;
        }
        let options = ReadOptions {
            order: parallax_events::OrderPolicy::Strict,
            ..ReadOptions::default()
        };
        let once = EventReader::open(&path, &options).unwrap().read_all().unwrap();
        let (columns, (first, last)) = (once.columns(), once.span().unwrap());
        let (mut t, mut x, mut y, mut p) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        while t.len() < events {
            let shift = (last - first + 100) * (t.len() / columns.len()) as i64 - first;
            let rest = columns.slice(0..columns.len().min(events - t.len()));
            t.extend(rest.t.iter().map(|t| t + shift));
            x.extend(rest.x);
            y.extend(rest.y);
            p.extend(rest.p);
        }
        let folded = EventBatch::try_new(
            t.clone(),
            x.iter().map(|x| x % 640).collect::<Vec<u16>>(),
            y.iter().map(|y| y % 480).collect::<Vec<u16>>(),
            p.clone(),
            Arc::new(Meta::with_geometry(640, 480).unwrap()),
        );
        let full = EventBatch::try_new(t, x, y, p, Arc::new(Meta::with_geometry(1280, 720).unwrap()));
        let (full, folded) = (full.unwrap(), folded.unwrap());
        assert!(full.order() >= Order::Time && folded.order() >= Order::Time);
        Some(Self { full, folded })
    }

    pub(crate) fn of(&self, sensor: Sensor) -> &EventBatch {
        match sensor {
            Sensor::Full => &self.full,
            Sensor::Folded => &self.folded,
        }
    }
}
