//! Floor 1 of Parallax: the nouns. Event batches, tensors, time units, order, windows, parameters, errors.
#![forbid(unsafe_code)]

mod arrow;
mod batch;
mod builder;
mod error;
mod layout;
mod limits;
mod meta;
mod operator;
mod report;
mod time;

pub use arrow::{audio_schema, event_schema, imu_schema};
pub use batch::{DvsColumns, Event, EventBatch, EventChunk, Order};
pub use builder::{BatchBuilder, Committed, SpareColumns};
pub use error::{Error, ErrorKind, Result, nearest};
pub use layout::BatchLayout;
pub use limits::Limits;
pub use meta::{Geometry, Meta, Origin, TimeOrigin};
pub use operator::{EventOp, OpState, Represent, Stateless, state_as};
pub use report::{Finding, FindingKind, Report};
pub use time::{Micros, Millis, Nanos, TimeLiteral, TimeUnit};

// Parameters, chains, clocks and random numbers.
pub mod chain;
mod clock;
pub mod params;
mod random;
pub use chain::{Chain, ChainLink};
pub use clock::{Clock, ClockEstimator, ManualClock, MonotonicClock, SyncStatus, SystemClock, TimeBeacon};
pub use params::{Declaration, ParamKind, ParamSpec, Params, ParamsBuilder, TimeRange, Value};
pub use random::Philox;
