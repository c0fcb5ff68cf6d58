//! Names as numbers: a run's or class's name is stored once, its records carry a small integer.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};

/// One table of names, and what is known of it.
pub(super) struct Names {
    sql: &'static Statements,
    numbers: HashMap<Arc<str>, i64>,
    names: HashMap<i64, Arc<str>>,
}

struct Statements {
    insert: &'static str,
    number: &'static str,
    name: &'static str,
}

static RUNS: Statements = Statements {
    insert: "INSERT INTO run_names (name) VALUES (?1) ON CONFLICT DO NOTHING",
    number: "SELECT number FROM run_names WHERE name = ?1",
    name: "SELECT name FROM run_names WHERE number = ?1",
};

static CLASSES: Statements = Statements {
    insert: "INSERT INTO class_names (name) VALUES (?1) ON CONFLICT DO NOTHING",
    number: "SELECT number FROM class_names WHERE name = ?1",
    name: "SELECT name FROM class_names WHERE number = ?1",
};

impl Names {
    /// The names of runs.
    pub(super) fn of_runs() -> Self {
        Self::new(&RUNS)
    }

    /// The names of classes.
    pub(super) fn of_classes() -> Self {
        Self::new(&CLASSES)
    }

    /// The number of a name, given now if it is new.
    pub(super) fn number(&mut self, connection: &Connection, name: &str) -> rusqlite::Result<i64> {
        if let Some(number) = self.numbers.get(name) {
            return Ok(*number);
        }
        connection
            .prepare_cached(self.sql.insert)?
            .execute([name])?;
        self.find(connection, name)?
            .ok_or(rusqlite::Error::QueryReturnedNoRows)
    }

    /// The number of a name, if it has one.
    pub(super) fn find(
        &mut self,
        connection: &Connection,
        name: &str,
    ) -> rusqlite::Result<Option<i64>> {
        if let Some(number) = self.numbers.get(name) {
            return Ok(Some(*number));
        }
        let number = connection
            .prepare_cached(self.sql.number)?
            .query_row([name], |row| row.get(0))
            .optional()?;
        if let Some(number) = number {
            self.learn(number, name.into());
        }
        Ok(number)
    }

    /// The name that a number was given to.
    pub(super) fn name(
        &mut self,
        connection: &Connection,
        number: i64,
    ) -> rusqlite::Result<Arc<str>> {
        if let Some(name) = self.names.get(&number) {
            return Ok(Arc::clone(name));
        }
        let name: Arc<str> = connection
            .prepare_cached(self.sql.name)?
            .query_row([number], |row| row.get(0))?;
        self.learn(number, Arc::clone(&name));
        Ok(name)
    }

    /// Forgets what is known: numbers given in a transaction that was rolled back are free again.
    pub(super) fn forget(&mut self) {
        self.numbers.clear();
        self.names.clear();
    }

    fn new(sql: &'static Statements) -> Self {
        Self {
            sql,
            numbers: HashMap::new(),
            names: HashMap::new(),
        }
    }

    fn learn(&mut self, number: i64, name: Arc<str>) {
        self.numbers.insert(Arc::clone(&name), number);
        self.names.insert(number, name);
    }
}
