//! Names as numbers: the name of a run or class is stored once, and its records carry a small integer.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::Connection;

/// A table of names, with a copy of the rows that were used.
pub(super) struct Names {
    table: &'static str,
    numbers: HashMap<Arc<str>, i64>,
    names: HashMap<i64, Arc<str>>,
}

impl Names {
    pub(super) fn new(table: &'static str) -> Self {
        Self {
            table,
            numbers: HashMap::new(),
            names: HashMap::new(),
        }
    }

    /// The number of a name; a new name gets one.
    pub(super) fn number(&mut self, connection: &Connection, name: &str) -> rusqlite::Result<i64> {
        if let Some(number) = self.numbers.get(name) {
            return Ok(*number);
        }
        let table = self.table;
        let insert = format!("INSERT INTO {table} (name) VALUES (?1) ON CONFLICT DO NOTHING");
        connection.prepare_cached(&insert)?.execute([name])?;
        let select = format!("SELECT number FROM {table} WHERE name = ?1");
        let mut select = connection.prepare_cached(&select)?;
        let number = select.query_row([name], |row| row.get(0))?;
        self.learn(number, name.into());
        Ok(number)
    }

    /// The name of a number.
    pub(super) fn name(
        &mut self,
        connection: &Connection,
        number: i64,
    ) -> rusqlite::Result<Arc<str>> {
        if let Some(name) = self.names.get(&number) {
            return Ok(Arc::clone(name));
        }
        let select = format!("SELECT name FROM {} WHERE number = ?1", self.table);
        let mut select = connection.prepare_cached(&select)?;
        let name: Arc<str> = select.query_row([number], |row| row.get(0))?;
        self.learn(number, Arc::clone(&name));
        Ok(name)
    }

    /// Forgets all rows: the numbers of a transaction that was rolled back are free again.
    pub(super) fn forget(&mut self) {
        self.numbers.clear();
        self.names.clear();
    }

    fn learn(&mut self, number: i64, name: Arc<str>) {
        self.numbers.insert(Arc::clone(&name), number);
        self.names.insert(number, name);
    }
}
