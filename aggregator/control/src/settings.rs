//! The settings of the control: the workload, the settings of its classes, and limits.

use std::iter;
use std::sync::Arc;

use serde::Deserialize;
use traffic::record::BlockSize;
use traffic::run::Share;
use traffic::run_rules::{InvalidField, RunRules, known_class};
use traffic::workload::{Shape, Threshold, UserClass, Workload};

use crate::run_labels::RunLabels;
use crate::said_host::{self, SaidHost};

/// The settings of the control; a swarm starts from them.
#[derive(Clone, Debug)]
pub struct ControlSettings {
    /// The workload of new runs, unless another one was chosen.
    pub workload: Arc<Workload>,
    /// The classes that run unless a swarm names others; an empty list is all.
    pub classes: Vec<String>,
    /// The load shape of every run unless a swarm names another, or none.
    pub shape: Option<String>,
    /// The host of every selected class unless a swarm names another.
    pub host: Option<String>,
    /// Settings that differ from the workload's, class by class; of several for one field the last holds.
    pub class_settings: Vec<ClassSettings>,
    /// What every run must obey.
    pub rules: RunRules,
    /// The functions that execute ticks, where their number has a limit.
    pub tick_functions: Option<TickFunctions>,
    /// The number of users that a tick executes.
    pub block_size: BlockSize,
    /// The seed of every run; `None` for random ones.
    pub seed: Option<u64>,
    /// What the figures of every run must stay below, beside the workload's own thresholds.
    pub thresholds: Vec<Threshold>,
    /// The name of every run that is started, until somebody gives it another.
    pub run_name: Option<String>,
}

/// The functions that execute ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TickFunctions {
    /// So many may run at once.
    pub at_once: u32,
    /// So many ticks go into one message.
    pub ticks_per_message: usize,
}

/// A class's settings, in the form of Locust's `--config-users`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassSettings {
    /// The name of the class.
    pub user_class_name: String,
    /// The weight among the classes without a fixed count; with 0 the class does not run.
    pub weight: Option<u32>,
    /// The exact number of users, or 0 to go by weight.
    pub fixed_count: Option<u32>,
    /// The base URL of its requests.
    pub host: Option<String>,
}

impl ClassSettings {
    /// Reads the value of Locust's `--config-users`: one JSON object, or an array of them.
    pub fn parse(json: &str) -> Result<Vec<Self>, InvalidField> {
        let parsed = match json.trim_start().starts_with('[') {
            true => serde_json::from_str(json),
            false => serde_json::from_str(json).map(|one| vec![one]),
        };
        parsed.map_err(|error| {
            let problem = format!(
                "is not a JSON object, or an array of them, with user_class_name, weight, \
                 fixed_count and host: {error}"
            );
            InvalidField::new("config-users", problem)
        })
    }
}

impl ControlSettings {
    /// A workload's own classes, weights and hosts, with generous limits and random seeds.
    pub fn new(workload: Arc<Workload>) -> Self {
        Self {
            workload,
            classes: Vec::new(),
            shape: None,
            host: None,
            class_settings: Vec::new(),
            rules: RunRules::default(),
            tick_functions: None,
            block_size: BlockSize::default(),
            seed: None,
            thresholds: Vec::new(),
            run_name: None,
        }
    }

    /// The settings, with the users and passwords of hosts in the keyring. Fails when a class is unknown, a host is no
    /// base URL, or no class is left to run.
    pub fn checked(mut self) -> Result<Self, InvalidField> {
        let keyring = self.rules.keyring.as_ref();
        let of_run = (None, &mut self.host);
        let of_classes = self.class_settings.iter_mut();
        let of_classes = of_classes.map(|class| (Some(&*class.user_class_name), &mut class.host));
        for (class, host) in iter::once(of_run).chain(of_classes) {
            if let Some(said) = host {
                let SaidHost { text, secret } = SaidHost::read(said)?.for_keyring(keyring)?;
                said_host::keep(keyring, class, secret.as_ref());
                *said = text;
            }
        }
        if let Some(name) = self.run_name.take() {
            let labels = RunLabels {
                name: Some(name),
                note: None,
            };
            let checked = labels.checked();
            checked
                .map_err(|InvalidField { problem, .. }| InvalidField::new("run_name", problem))?;
            self.run_name = labels.name.filter(|name| !name.trim().is_empty());
        }
        self.fits(&self.workload)?;
        Ok(self)
    }

    /// Refuses a workload that lacks a class or the shape of these settings, or of which no class would run.
    pub(super) fn fits(&self, workload: &Workload) -> Result<(), InvalidField> {
        for class in &self.class_settings {
            known_class(workload, "config-users", &class.user_class_name)?;
        }
        for name in &self.classes {
            known_class(workload, "user_classes", name)?;
        }
        self.shares(workload, &self.selected(workload))?;
        if let Some(name) = &self.shape {
            known_shape(workload, name)?;
        }
        for row in self.thresholds.iter().filter_map(|one| one.row.as_deref()) {
            if !workload.has_request(row) {
                let problem =
                    format!("names {row:?}, and the workload has no request of this name");
                return Err(InvalidField::new("threshold", problem));
            }
        }
        Ok(())
    }

    /// The names of the classes of a workload that run unless a swarm names others, sorted.
    pub fn selected(&self, workload: &Workload) -> Vec<String> {
        if self.classes.is_empty() {
            let names = workload.classes().iter().map(|class| class.name());
            return names.map(ToString::to_string).collect();
        }
        let mut names = self.classes.clone();
        names.sort();
        names.dedup();
        names
    }

    /// The classes' shares of the users; those without a weight do not run, as in Locust.
    pub(super) fn shares(
        &self,
        workload: &Workload,
        selected: &[String],
    ) -> Result<Vec<Share>, InvalidField> {
        let classes = selected.iter().filter_map(|name| workload.class(name));
        let shares = classes.map(|class| self.share(class));
        let shares: Vec<Share> = shares
            .filter(|share| share.weight > 0 || share.fixed_count > 0)
            .collect();
        if shares.is_empty() {
            let problem = "leaves no class with a weight above 0: select another class";
            return Err(InvalidField::new("user_classes", problem));
        }
        Ok(shares)
    }

    /// A class's share of the users.
    pub(super) fn share(&self, class: &UserClass) -> Share {
        let configured = |value: fn(&ClassSettings) -> Option<u32>| {
            self.of_class(class.name()).filter_map(value).last()
        };
        // a value by `POST /user` is newer than the settings of the process
        let weight = configured(|class| class.weight).filter(|_| !class.set().weight);
        let fixed_count = configured(|class| class.fixed_count);
        let fixed_count = fixed_count.filter(|_| !class.set().fixed_count);
        let weight = weight.unwrap_or_else(|| class.weight());
        Share::new(
            class.name(),
            if self.has_equal_weights() { 1 } else { weight },
            fixed_count.unwrap_or_else(|| class.fixed_count()),
        )
    }

    /// True if every class has weight 1, also against `class_settings`, in each workload.
    pub(super) fn has_equal_weights(&self) -> bool {
        self.workload.has_equal_weights()
    }

    /// The host of a class in these settings, if there is one.
    pub(super) fn class_host(&self, class: &str) -> Option<&str> {
        let of_class = self.of_class(class);
        let hosts = of_class.filter_map(|class| class.host.as_deref());
        hosts.last().filter(|host| !host.is_empty())
    }

    fn of_class(&self, class: &str) -> impl Iterator<Item = &ClassSettings> {
        let of_class = move |settings: &&ClassSettings| settings.user_class_name == class;
        self.class_settings.iter().filter(of_class)
    }
}

/// The shape of this name; the message about an unknown one names those that the workload has.
pub(super) fn known_shape<'w>(
    workload: &'w Workload,
    name: &str,
) -> Result<&'w Shape, InvalidField> {
    if let Some(shape) = workload.shape(name) {
        return Ok(shape);
    }
    let meant = workload.shape_like(name);
    let meant = meant.map_or(String::new(), |meant| {
        format!(", perhaps {meant} was meant")
    });
    let shapes = workload.shapes().iter();
    let known: Vec<&str> = shapes.map(|shape| &**shape.name()).collect();
    let known = match known[..] {
        [] => "none: leave it out".to_owned(),
        _ => known.join(", "),
    };
    let name: String = name.chars().take(100).collect();
    let problem = format!("names the unknown shape {name:?}{meant}; the workload has {known}");
    Err(InvalidField::new("shape_class", problem))
}
