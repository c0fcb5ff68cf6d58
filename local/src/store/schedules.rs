//! The schedules in the database: when runs start and stop outlives the process.

use rusqlite::types::Type;
use traffic::ports::{Schedule, StoreError};

use super::SqliteStore;
use super::database::Database;

impl SqliteStore {
    /// All schedules, by name.
    pub(crate) async fn schedules(&self) -> Result<Vec<Schedule>, StoreError> {
        self.run_task(Database::schedules).await
    }

    /// Writes a schedule, in place of the one of its name.
    pub(crate) async fn put_schedule(&self, schedule: &Schedule) -> Result<(), StoreError> {
        let name = schedule.name.clone();
        let body = serde_json::to_string(schedule).expect("a schedule has only texts");
        self.run_task(move |database| database.put_schedule(&name, &body))
            .await
    }

    /// Deletes a schedule; false if there is none of this name.
    pub(crate) async fn delete_schedule(&self, name: &str) -> Result<bool, StoreError> {
        let name = name.to_owned();
        self.run_task(move |database| database.delete_schedule(&name))
            .await
    }
}

impl Database {
    fn schedules(&mut self) -> rusqlite::Result<Vec<Schedule>> {
        let sql = "SELECT body FROM schedules ORDER BY name";
        let mut select = self.connection.prepare_cached(sql)?;
        let rows = select.query_map([], |row| {
            let body = row.get_ref(0)?.as_str()?;
            serde_json::from_str(body).map_err(|error| {
                rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error))
            })
        })?;
        rows.collect()
    }

    fn put_schedule(&mut self, name: &str, body: &str) -> rusqlite::Result<()> {
        self.place.check()?;
        self.execute(
            "INSERT INTO schedules (name, body) VALUES (?1, ?2)
             ON CONFLICT DO UPDATE SET body = excluded.body",
            (name, body),
        )?;
        Ok(())
    }

    fn delete_schedule(&mut self, name: &str) -> rusqlite::Result<bool> {
        self.place.check()?;
        let deleted = self.execute("DELETE FROM schedules WHERE name = ?1", [name])?;
        Ok(deleted == 1)
    }
}
