//! What the aggregator reads from the environment: its stage, what swarms may ask for, who may come in,
//! and where and how the container serves.

use std::sync::Arc;

use ::web::api::{BASIC_AUTH, Door, Names, Origins};
use aws::environment::{FanOutSettings, SettingError, StoreSettings, Variables, run_rules};
use control::{ControlSettings, TickFunctions};
use traffic::record::BlockSize;
use traffic::run_rules::InvalidField;
use traffic::workload::{Workload, WorkloadErrors};

mod web;

pub use web::{Web, trace_url};

/// The names that the aggregator is called by.
const WEB_NAMES: &str = "CICADA_WEB_NAMES";

/// The origins of other pages that may ask the aggregator.
const ALLOWED_ORIGINS: &str = "CICADA_ALLOWED_ORIGINS";

/// The number of users that a tick executes.
const BLOCK_SIZE: &str = "CICADA_BLOCK_SIZE";

/// The functions that may execute ticks at once.
const MAX_CONCURRENCY: &str = "CICADA_MAX_CONCURRENCY";

/// True if the container creates the table, which a template has not made.
const CREATE_TABLE: &str = "CICADA_CREATE_TABLE";

/// A mistake in the aggregator's settings, in one line.
#[derive(Debug, thiserror::Error)]
pub enum Misconfigured {
    /// A variable is missing, or cannot be used.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// A variable's value has a mistake in it.
    #[error(transparent)]
    Field(#[from] InvalidField),
    /// The built-in workload cannot be used with the hosts that the environment gives it.
    #[error(transparent)]
    Workload(#[from] WorkloadErrors),
}

/// The aggregator's settings: its stage's ports are those of functions, or of processes.
#[derive(Clone, Debug)]
pub struct AggregatorSettings<P = FanOutSettings> {
    /// The stage's ports.
    pub stage: P,
    /// The settings of the control, which new runs start from.
    pub control: ControlSettings,
    /// The password and the names of the server.
    pub door: Door,
}

/// The table of a stage whose ticks processes execute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableSettings {
    /// The table.
    pub store: StoreSettings,
    /// True if it is created unless it exists.
    pub is_made: bool,
}

impl AggregatorSettings {
    /// Reads them.
    pub fn read(variables: &Variables) -> Result<Self, Misconfigured> {
        let stage = FanOutSettings::read(variables)?;
        let ticks_per_message = stage.queue.ticks_per_message;
        let mut settings = Self::with_stage(stage, variables)?;
        let at_once = variables.parsed(
            MAX_CONCURRENCY,
            |at_once: &u32| *at_once > 0,
            "write how many functions may execute ticks at once, or leave it out",
        )?;
        settings.control.tick_functions = at_once.map(|at_once| TickFunctions {
            at_once,
            ticks_per_message,
        });
        Ok(settings)
    }
}

impl AggregatorSettings<TableSettings> {
    /// Reads those of a stage whose ticks processes execute.
    pub fn of_processes(variables: &Variables) -> Result<Self, Misconfigured> {
        let is_made = variables.parsed(
            CREATE_TABLE,
            |_: &bool| true,
            "write true to have the table made, or leave it out",
        )?;
        let stage = TableSettings {
            store: StoreSettings::read(variables)?,
            is_made: is_made.unwrap_or(false),
        };
        Self::with_stage(stage, variables)
    }
}

impl<P> AggregatorSettings<P> {
    fn with_stage(stage: P, variables: &Variables) -> Result<Self, Misconfigured> {
        Ok(Self {
            stage,
            control: control(variables)?,
            door: door(variables)?,
        })
    }

    /// The same, for a process that can be reached from outside.
    ///
    /// # Errors
    /// When there is no password: `instead` says what to do.
    pub fn with_password(self, instead: &str) -> Result<Self, Misconfigured> {
        if self.door.asks_for_password() {
            return Ok(self);
        }
        let missing = SettingError::Missing {
            variable: BASIC_AUTH,
            instead: instead.to_owned(),
        };
        Err(missing.into())
    }
}

fn door(variables: &Variables) -> Result<Door, InvalidField> {
    let door = match variables.secret(BASIC_AUTH) {
        Some(password) => Door::with_basic_auth(password.reveal())?,
        None => Door::default(),
    };
    let names = variables.text(WEB_NAMES).unwrap_or_default();
    let origins = variables.text(ALLOWED_ORIGINS).unwrap_or_default();
    let door = door.with_names(names.parse::<Names>()?);
    Ok(door.with_origins(origins.parse::<Origins>()?))
}

fn control(variables: &Variables) -> Result<ControlSettings, Misconfigured> {
    let lookup = variables.lookup();
    let workload = Workload::built_in(&|name: &str| lookup(name))?;
    let users = variables.parsed(
        BLOCK_SIZE,
        |users| BlockSize::new(*users).is_some(),
        "write a number of users from 1 to 100, or leave it out for 100",
    )?;
    Ok(ControlSettings {
        rules: run_rules(variables)?,
        block_size: users.and_then(BlockSize::new).unwrap_or_default(),
        ..ControlSettings::new(Arc::new(workload))
    })
}
