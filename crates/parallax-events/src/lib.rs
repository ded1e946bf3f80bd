//! Floor 1 of Parallax: the nouns. Event batches, tensors, time units, order, windows, parameters, errors.
#![forbid(unsafe_code)]

mod arrow;
mod batch;
mod block;
mod builder;
mod error;
mod layout;
mod limits;
mod meta;
mod operator;
mod report;
mod represent;
mod slot;
mod time;
mod trigger;

pub use arrow::{audio_schema, event_schema, imu_schema, trigger_schema};
pub use batch::{DvsColumns, Event, EventBatch, EventChunk, Order};
pub use block::{EventBlock, EventColumns, Lookup, PixelsMut, Relay, Stretch, Turns};
pub use builder::{
    BatchBuilder, BatchPart, BuilderMark, Committed, FilledPart, OwnedColumns, PartRooms, SpareColumns,
};
pub use error::{Error, ErrorKind, Result, nearest};
pub use layout::BatchLayout;
pub use limits::Limits;
pub use meta::{Geometry, Meta, Origin, TimeOrigin};
pub use operator::{EventOp, OpState, Stateless, state_as};
pub use report::{Finding, FindingKind, Report};
pub use represent::{Represent, Span};
pub use time::{Micros, Millis, Nanos, TimeLiteral, TimeUnit};
pub use trigger::{Trigger, Triggers};

// Parameters, chains, clocks and random numbers.
pub mod chain;
mod clock;
pub mod params;
mod random;
pub use chain::{Chain, ChainLink};
pub use clock::{Clock, ClockEstimator, ManualClock, MonotonicClock, SyncStatus, SystemClock, TimeBeacon};
pub use params::{Declaration, ParamKind, ParamSpec, Params, ParamsBuilder, TimeRange, Value};
pub use random::{Philox, normal_quantile};

// Order, windows, tensors and the packed form.
mod order;
mod pack;
mod pool;
mod tensor;
mod tensor_view;
mod window;
pub use order::{OrderPolicy, StrictCheck, check_strict_order, ensure_strict_order, strict_permutation};
pub use pack::{PackedEvents, pack, unpack};
pub use pool::{Pool, SharedPool};
pub use tensor::{AxisName, DType, Element, Tensor};
pub use tensor_view::TensorView;
pub use window::{
    CompletedWindows, TimeSpan, Window, WindowCursor, WindowSlices, WindowSpec, Windows, windows_of,
};
