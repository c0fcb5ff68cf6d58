//! What the aggregator reads from the environment: its stage, what swarms may ask for, who may come in,
//! and where and how the container serves.

use std::sync::Arc;

use ::web::api::{BASIC_AUTH, Door, Names, Origins};
use aws::environment::{FanOutSettings, RunLimits, SettingError, StoreSettings, Variables};
use control::{InvalidField, Limits, Settings as ControlSettings};
use traffic::host_allowlist::{ALLOWED_HOSTS, AllowedHosts};
use traffic::record::BlockSize;
use traffic::workload::{Workload, WorkloadErrors};

mod web;

pub use web::Web;

/// The names that the aggregator is called by.
const WEB_NAMES: &str = "CICADA_WEB_NAMES";

/// The origins of other pages that may ask the aggregator.
const ALLOWED_ORIGINS: &str = "CICADA_ALLOWED_ORIGINS";

/// How many users a tick executes.
const BLOCK_SIZE: &str = "CICADA_BLOCK_SIZE";

/// Whether a container makes the table, where no template has.
const CREATE_TABLE: &str = "CICADA_CREATE_TABLE";

/// Why the aggregator does not start as it is set up: each is one line.
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

/// What the aggregator works with: ports of functions, or of processes.
#[derive(Clone, Debug)]
pub struct Settings<P = FanOutSettings> {
    /// The stage's ports.
    pub stage: P,
    /// What runs start from.
    pub control: ControlSettings,
    /// Who may come in.
    pub door: Door,
}

/// The table of a stage whose ticks processes execute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableSettings {
    /// The table.
    pub store: StoreSettings,
    /// Whether it is made, unless it is there.
    pub is_made: bool,
}

impl Settings {
    /// Reads them.
    ///
    /// # Errors
    /// The first mistake there is.
    pub fn read(variables: &Variables) -> Result<Self, Misconfigured> {
        Self::with_stage(FanOutSettings::read(variables)?, variables)
    }
}

impl Settings<TableSettings> {
    /// Reads those of a stage whose ticks processes execute.
    ///
    /// # Errors
    /// The first mistake there is.
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

impl<P> Settings<P> {
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
    let allowed_hosts = variables.text(ALLOWED_HOSTS).unwrap_or_default();
    let users = variables.parsed(
        BLOCK_SIZE,
        |users| BlockSize::new(*users).is_some(),
        "write a number of users from 1 to 100, or leave it out for 100",
    )?;
    Ok(ControlSettings {
        limits: limits(variables)?,
        allowed_hosts: allowed_hosts
            .parse::<AllowedHosts>()
            .map_err(|invalid| InvalidField::new(ALLOWED_HOSTS, invalid.to_string()))?,
        block_size: users.and_then(BlockSize::new).unwrap_or_default(),
        ..ControlSettings::new(Arc::new(workload))
    })
}

fn limits(variables: &Variables) -> Result<Limits, SettingError> {
    let default = Limits::default();
    let RunLimits {
        max_users,
        max_spawn_rate,
    } = RunLimits::read(variables)?;
    Ok(Limits {
        max_users: max_users.unwrap_or(default.max_users),
        max_spawn_rate: max_spawn_rate.unwrap_or(default.max_spawn_rate),
        ..default
    })
}
