//! The control: starts, changes and stops runs, keeps schedules, and chooses the workload of new runs.
//!
//! Reading requests is the API's part, executing the run the traffic crate's.

mod control;
mod desired_run;
mod iterations;
mod request;
mod run_labels;
mod said_host;
mod settings;
mod timespan;
mod workload_schema;

pub use control::schedules::ScheduleRefusal;
pub use control::swarm_form::{FormClass, SwarmForm};
pub use control::user::{Change, UserSettings};
pub use control::workload_choice::{MAX_UPLOAD, MAX_WORKLOAD, WorkloadRefusal};
pub use control::{Control, Refusal, Stop};
pub use desired_run::segments_of_shape;
pub use request::{SwarmRequest, Swarmed};
pub use run_labels::RunLabels;
pub use settings::{ClassSettings, ControlSettings, TickFunctions};
pub use timespan::{InvalidTimespan, parse_timespan};
pub use workload_schema::WORKLOAD_SCHEMA;
