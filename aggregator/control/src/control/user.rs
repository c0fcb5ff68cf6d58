//! The settings of a class by `POST /user`: weight, fixed count, host, and the tasks that run.
//!
//! They become part of the chosen workload's text, in a `[user]` table. So all processes on a store agree,
//! `GET /workload` shows them, a restart keeps them, and a run that is on goes on unchanged.

use toml_edit::{Array, DocumentMut, Item, Table, TableLike, Value};
use traffic::deployment::change::ATTEMPTS;
use traffic::ports::{Heartbeat, Queue, Store};
use traffic::run_rules::{InvalidField, known_class};
use traffic::workload::{UserClass, Workload, base_url};
use utoipa::ToSchema;

use super::workload_choice::WorkloadRefusal;
use super::{Control, Refusal};
use crate::said_host::{self, SaidHost};
use crate::settings::ControlSettings;

/// The comment before the first table that is added here.
const HEADING: &str =
    "\n# What POST /user has set: it holds in place of what the class itself says.\n";

/// The changes to a class's settings.
#[derive(Clone, Debug, PartialEq, Eq, ToSchema)]
#[schema(example = json!({"user_class_name": "ModelAUser", "weight": 2}))]
pub struct UserSettings {
    /// The name of the class.
    #[schema(example = "ModelAUser")]
    pub user_class_name: String,
    /// The weight among the classes without a fixed count; with 0 the class does not run.
    #[schema(value_type = Option<u32>, maximum = 10_000)]
    pub weight: Change<u32>,
    /// The exact number of users, or 0 to go by weight.
    #[schema(value_type = Option<u32>, maximum = 1_000_000)]
    pub fixed_count: Change<u32>,
    /// The base URL of its requests.
    #[schema(value_type = Option<String>)]
    pub host: Change<String>,
    /// The tasks that its users do, by name.
    #[schema(value_type = Option<Vec<String>>)]
    pub tasks: Change<Vec<String>>,
}

/// The change to one setting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// The setting stays as it is.
    #[default]
    Keep,
    /// The value of the class itself holds again.
    TakeBack,
    /// This value holds from now on.
    Set(T),
}

impl<T> Change<T> {
    /// The change, or `Keep` where the value `is_so` already.
    fn unless(self, is_so: impl FnOnce(&T) -> bool) -> Self {
        match self {
            Self::Set(value) if is_so(&value) => Self::Keep,
            change => change,
        }
    }
}

impl<S: Store, Q: Queue, H: Heartbeat> Control<S, Q, H> {
    /// Changes the settings of a class for the runs that start from now on.
    pub async fn set_user_class(&self, mut asked: UserSettings) -> Result<(), WorkloadRefusal> {
        let keyring = self.settings.rules.keyring.as_ref();
        let mut secret = None;
        if let Change::Set(host) = &mut asked.host {
            let said = SaidHost::read(host)?.for_keyring(keyring)?;
            (*host, secret) = (said.text, said.secret);
        }
        let class = asked.user_class_name.clone();
        for _ in 0..ATTEMPTS {
            let present = self.read_workload().await?;
            let source = edited(&self.settings, &present, asked.clone())?;
            if source == **present.source() {
                said_host::keep(keyring, Some(&class), secret.as_ref());
                return Ok(());
            }
            let version = present.version();
            match self.choose_workload(&source, Some(version)).await {
                Err(WorkloadRefusal::Changed(_)) => {}
                chosen => {
                    chosen?;
                    said_host::keep(keyring, Some(&class), secret.as_ref());
                    return Ok(());
                }
            }
        }
        Err(Refusal::Contended.into())
    }
}

/// The workload's text with the changes.
fn edited(
    settings: &ControlSettings,
    workload: &Workload,
    asked: UserSettings,
) -> Result<String, InvalidField> {
    let asked = checked(settings, workload, asked)?;
    let mut document = workload.toml().parse::<DocumentMut>().map_err(|error| {
        let problem = format!("cannot be edited ({}): use PUT /workload", error.message());
        InvalidField::new("workload", problem)
    })?;
    let mut implicit = Table::new();
    implicit.set_implicit(true);
    let users = document.entry("user").or_insert(Item::Table(implicit));
    if let Some(users) = users.as_table_like_mut() {
        let mut table = Table::new();
        if users.is_empty() {
            table.decor_mut().set_prefix(HEADING);
        }
        let name = &asked.user_class_name;
        let own = users.entry(name).or_insert(Item::Table(table));
        if let Some(own) = own.as_table_like_mut() {
            let number = |number: u32| Value::from(i64::from(number));
            put(own, "weight", asked.weight, number);
            put(own, "fixed_count", asked.fixed_count, number);
            put(own, "host", asked.host, Value::from);
            put(own, "tasks", asked.tasks, |tasks| {
                Array::from_iter(tasks).into()
            });
            if own.is_empty() {
                users.remove(name);
            }
        }
        if users.is_empty() {
            document.remove("user");
        }
    }
    Ok(workload.with_toml(&document.to_string()))
}

fn put<T>(table: &mut dyn TableLike, key: &str, change: Change<T>, value: impl Fn(T) -> Value) {
    match change {
        Change::Keep => {}
        Change::TakeBack => {
            table.remove(key);
        }
        Change::Set(set) => {
            table.insert(key, Item::Value(value(set)));
        }
    }
}

/// The changes, checked. A value that a class has already is kept, because Locust's page sends all fields.
fn checked(
    settings: &ControlSettings,
    workload: &Workload,
    asked: UserSettings,
) -> Result<UserSettings, InvalidField> {
    known_class(workload, "user_class_name", &asked.user_class_name)?;
    let Some(class) = workload.class(&asked.user_class_name) else {
        return Ok(asked);
    };
    let share = settings.share(class);
    Ok(UserSettings {
        weight: asked.weight.unless(|weight| *weight == share.weight),
        fixed_count: asked
            .fixed_count
            .unless(|count| *count == share.fixed_count),
        host: host(settings, class, asked.host)?,
        tasks: tasks(class, asked.tasks)?,
        user_class_name: asked.user_class_name,
    })
}

fn host(
    settings: &ControlSettings,
    class: &UserClass,
    asked: Change<String>,
) -> Result<Change<String>, InvalidField> {
    let Change::Set(host) = asked else {
        return Ok(asked);
    };
    let host = SaidHost::read(&host)?.text.trim().to_owned();
    if host.is_empty() {
        return Ok(Change::TakeBack);
    }
    let configured = settings.class_host(class.name());
    let present = match configured.filter(|_| !class.set().host) {
        Some(configured) => base_url(configured).ok(),
        None => Some(class.host().url().clone()),
    };
    Ok(Change::Set(host).unless(|host| base_url(host).ok() == present))
}

fn tasks(
    class: &UserClass,
    asked: Change<Vec<String>>,
) -> Result<Change<Vec<String>>, InvalidField> {
    const FIELD: &str = "tasks";
    let Change::Set(asked) = asked else {
        return Ok(asked);
    };
    let names = class.task_names();
    let all = || {
        let names: Vec<&str> = names.iter().map(|name| &**name).collect();
        names.join(", ")
    };
    if asked.is_empty() {
        let problem = format!("names none: leave at least one of {}", all());
        return Err(InvalidField::new(FIELD, problem));
    }
    let unknown = asked
        .iter()
        .find(|asked| !names.iter().any(|name| **name == ***asked));
    if let Some(unknown) = unknown {
        let unknown: String = unknown.chars().take(100).collect();
        let problem = format!(
            "names {unknown:?}, which {} does not have: it has {}",
            class.name(),
            all()
        );
        return Err(InvalidField::new(FIELD, problem));
    }
    // in the order of the file, each once
    let chosen = names
        .iter()
        .filter(|name| asked.iter().any(|asked| *asked == ***name));
    let chosen: Vec<String> = chosen.map(ToString::to_string).collect();
    if chosen.len() == names.len() {
        return Ok(Change::TakeBack);
    }
    Ok(Change::Set(chosen))
}
