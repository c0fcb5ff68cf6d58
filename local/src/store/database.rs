//! The connection and its statements: the work of the store's thread, in SQL.
//!
//! Every statement is compiled once and kept. Unsigned numbers that may use all 64 bits (slots, nonces, revisions)
//! are stored by their bits, because SQLite has only signed ones.

use std::sync::Arc;

use bytes::Bytes;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Params, Row, ToSql};
use serde::de::DeserializeOwned;
use traffic::clock::Slot;
use traffic::ports::{Checkpoint, Cursor, RecordPage, Schedule, StoreError};
use traffic::record::{Block, Bucket, Record, RecordKey};
use traffic::run::{Run, RunId};

use super::error::store_error;
use super::names::Names;
use super::place::Place;

/// The most records that one call of [`Database::expire`] drops, so that writers need not wait long.
const EXPIRED_AT_ONCE: usize = 500;

pub(super) struct Database {
    pub(super) connection: Connection,
    pub(super) place: Place,
    runs: Names,
    classes: Names,
}

impl Database {
    pub(super) fn new(connection: Connection, place: Place) -> Self {
        Self {
            connection,
            place,
            runs: Names::new("run_names"),
            classes: Names::new("class_names"),
        }
    }

    /// Copies the write-ahead log into the file and closes it.
    pub(super) fn close(self) {
        let place = self.place;
        if let Err((_, error)) = self.connection.close() {
            tracing::error!(%place, %error, "the database could not be closed");
        }
    }

    /// The port's error for an error of SQLite.
    pub(super) fn error(&self, error: &rusqlite::Error) -> StoreError {
        store_error(&self.place, error)
    }

    /// Writes a run; false if the stored revision is not the one before.
    pub(super) fn put_run(
        &mut self,
        id: &RunId,
        revision: u64,
        body: &str,
    ) -> rusqlite::Result<bool> {
        self.put_revision("runs", id, revision, body)
    }

    fn put_revision(
        &mut self,
        table: &str,
        id: &RunId,
        revision: u64,
        body: impl ToSql,
    ) -> rusqlite::Result<bool> {
        let run = self.writable_run(id)?;
        let written = if revision == 1 {
            let insert = format!(
                "INSERT INTO {table} (run, revision, body) VALUES (?1, 1, ?2) ON CONFLICT DO NOTHING"
            );
            self.execute(&insert, (run, body))?
        } else {
            let update = format!(
                "UPDATE {table} SET revision = ?2, body = ?3 WHERE run = ?1 AND revision = ?4"
            );
            let before = bits(revision.wrapping_sub(1));
            self.execute(&update, (run, bits(revision), body, before))?
        };
        Ok(written == 1)
    }

    pub(super) fn run(&mut self, id: &RunId) -> rusqlite::Result<Option<Run>> {
        let sql = "SELECT body FROM run_names JOIN runs ON run = number WHERE name = ?1";
        self.first(sql, [&id.0], from_json)
    }

    pub(super) fn latest_run(&mut self) -> rusqlite::Result<Option<Run>> {
        self.first(
            "SELECT body FROM run_names JOIN runs ON run = number ORDER BY name DESC LIMIT 1",
            [],
            from_json,
        )
    }

    pub(super) fn run_ids(
        &mut self,
        before: Option<&RunId>,
        limit: usize,
    ) -> rusqlite::Result<Vec<RunId>> {
        let mut select = self.connection.prepare_cached(
            "SELECT name FROM run_names JOIN runs ON run = number
             WHERE ?1 IS NULL OR name < ?1 ORDER BY name DESC LIMIT ?2",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let before = before.map(|before| before.0.as_str());
        select
            .query_map((before, limit), |row| row.get(0).map(RunId))?
            .collect()
    }

    pub(super) fn put_workload(&mut self, version: &str, source: &str) -> rusqlite::Result<()> {
        self.place.check()?;
        self.execute(
            "INSERT INTO workloads (version, source) VALUES (?1, ?2)
             ON CONFLICT DO UPDATE SET source = excluded.source",
            (version, source),
        )?;
        Ok(())
    }

    pub(super) fn workload(&mut self, version: &str) -> rusqlite::Result<Option<String>> {
        let sql = "SELECT source FROM workloads WHERE version = ?1";
        self.first(sql, [version], |row| row.get(0))
    }

    /// Makes a workload's version the chosen one.
    pub(super) fn choose_workload(&mut self, version: &str) -> rusqlite::Result<()> {
        self.place.check()?;
        self.execute(
            "INSERT INTO chosen_workload (only, version) VALUES (1, ?1)
             ON CONFLICT DO UPDATE SET version = excluded.version",
            [version],
        )?;
        Ok(())
    }

    pub(super) fn chosen_workload(&mut self) -> rusqlite::Result<Option<String>> {
        self.first("SELECT version FROM chosen_workload", [], |row| row.get(0))
    }

    /// Writes records in one transaction: all of them or none.
    pub(super) fn put_records(&mut self, records: &[Record]) -> rusqlite::Result<()> {
        self.place.check()?;
        let written = self.try_put_records(records);
        if written.is_err() {
            // the numbers of names in a transaction that was rolled back are free again
            self.runs.forget();
            self.classes.forget();
        }
        written
    }

    fn try_put_records(&mut self, records: &[Record]) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        let mut insert = transaction.prepare_cached(
            "INSERT INTO records
                (run, bucket, class, block, slot, writer, sequence, requests, failures, payload)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT DO NOTHING",
        )?;
        for record in records {
            let key = &record.key;
            insert.execute((
                self.runs.number(&transaction, &key.run.0)?,
                ordered(key.bucket.0),
                self.classes.number(&transaction, &key.class)?,
                key.block.0,
                bits(key.slot.0),
                bits(key.writer),
                key.sequence,
                record.requests,
                record.failures,
                &record.payload[..],
            ))?;
        }
        drop(insert);
        transaction.commit()
    }

    pub(super) fn records(
        &mut self,
        id: &RunId,
        bucket: Bucket,
        since: Option<Cursor>,
    ) -> rusqlite::Result<RecordPage> {
        let mut page = RecordPage {
            records: Vec::new(),
            cursor: since.unwrap_or(Cursor(0)),
        };
        let mut select = self.connection.prepare_cached(
            "SELECT number, class, block, slot, writer, sequence, requests, failures, payload
             FROM records WHERE run = (SELECT number FROM run_names WHERE name = ?1)
             AND bucket = ?2 AND number > ?3 ORDER BY number",
        )?;
        let mut rows = select.query((&id.0, ordered(bucket.0), ordered(page.cursor.0)))?;
        while let Some(row) = rows.next()? {
            page.cursor = Cursor(unsigned(row.get(0)?));
            let class = self.classes.name(&self.connection, row.get(1)?)?;
            page.records.push(parse_record(row, id, bucket, class)?);
        }
        Ok(page)
    }

    /// The latest slot with a record in a run's newest bucket.
    pub(super) fn last_recorded_slot(&mut self, id: &RunId) -> rusqlite::Result<Option<Slot>> {
        let slot: Option<Option<i64>> = self.first(
            "WITH its (run) AS (SELECT number FROM run_names WHERE name = ?1)
             SELECT MAX(slot) FROM records WHERE run = (SELECT run FROM its)
             AND bucket = (SELECT MAX(bucket) FROM records WHERE run = (SELECT run FROM its))",
            [&id.0],
            |row| row.get(0),
        )?;
        Ok(slot.flatten().map(unsigned).map(Slot))
    }

    /// The first bucket from `from` on that has records of a run, if any has.
    pub(super) fn next_bucket(
        &mut self,
        id: &RunId,
        from: Bucket,
    ) -> rusqlite::Result<Option<Bucket>> {
        let bucket: Option<Option<i64>> = self.first(
            "SELECT MIN(bucket) FROM records
             WHERE run = (SELECT number FROM run_names WHERE name = ?1) AND bucket >= ?2",
            (&id.0, ordered(from.0)),
            |row| row.get(0),
        )?;
        Ok(bucket.flatten().map(unsigned).map(Bucket))
    }

    /// Drops some of the records in buckets before `before`; true if there may be more.
    pub(super) fn expire(&mut self, before: Bucket) -> rusqlite::Result<bool> {
        // a cross join keeps its order: run by run, each by its oldest buckets
        let dropped = self.execute(
            "DELETE FROM records WHERE number IN (
                SELECT records.number FROM run_names
                CROSS JOIN records ON records.run = run_names.number AND records.bucket < ?1
                LIMIT ?2)",
            (ordered(before.0), EXPIRED_AT_ONCE as i64),
        )?;
        Ok(dropped == EXPIRED_AT_ONCE)
    }

    /// Deletes runs, their plans and checkpoints: all or none.
    pub(super) fn delete_run(&mut self, ids: &[RunId]) -> rusqlite::Result<()> {
        self.place.check()?;
        let transaction = self.connection.transaction()?;
        for table in ["runs", "plans", "checkpoints"] {
            let delete = format!(
                "DELETE FROM {table} WHERE run = (SELECT number FROM run_names WHERE name = ?1)"
            );
            let mut delete = transaction.prepare_cached(&delete)?;
            for id in ids {
                delete.execute([&id.0])?;
            }
        }
        transaction.commit()
    }

    /// Deletes some of a run's records; true if there may be more.
    pub(super) fn delete_records(&mut self, id: &RunId) -> rusqlite::Result<bool> {
        self.place.check()?;
        let deleted = self.execute(
            "DELETE FROM records WHERE number IN (
                SELECT number FROM records
                WHERE run = (SELECT number FROM run_names WHERE name = ?1) LIMIT ?2)",
            (&id.0, EXPIRED_AT_ONCE as i64),
        )?;
        Ok(deleted == EXPIRED_AT_ONCE)
    }

    /// Deletes the names of runs that nothing is left of.
    pub(super) fn delete_names(&mut self, ids: &[RunId]) -> rusqlite::Result<()> {
        self.place.check()?;
        for id in ids {
            self.execute("DELETE FROM run_names WHERE name = ?1", [&id.0])?;
        }
        self.runs.forget();
        Ok(())
    }

    /// Writes a checkpoint; false if the stored revision is not the one before.
    pub(super) fn put_checkpoint(
        &mut self,
        id: &RunId,
        checkpoint: &Checkpoint,
    ) -> rusqlite::Result<bool> {
        self.put_revision("checkpoints", id, checkpoint.revision, &checkpoint.body[..])
    }

    pub(super) fn checkpoint(&mut self, id: &RunId) -> rusqlite::Result<Option<Checkpoint>> {
        let sql = "SELECT revision, body FROM run_names JOIN checkpoints ON run = number
                   WHERE name = ?1";
        self.first(sql, [&id.0], |row| {
            Ok(Checkpoint {
                revision: unsigned(row.get(0)?),
                body: row.get::<_, Vec<u8>>(1)?.into(),
            })
        })
    }

    pub(super) fn planned_until(&mut self, id: &RunId) -> rusqlite::Result<Option<Slot>> {
        let sql = "SELECT planned_until FROM run_names JOIN plans ON run = number WHERE name = ?1";
        self.first(sql, [&id.0], |row| row.get(0).map(unsigned).map(Slot))
    }

    /// Moves `planned_until` of a run; false if it is not at `from`.
    pub(super) fn advance_planned(
        &mut self,
        id: &RunId,
        from: Option<Slot>,
        to: Slot,
    ) -> rusqlite::Result<bool> {
        let run = self.writable_run(id)?;
        let to = bits(to.0);
        let moved = match from {
            None => self.execute(
                "INSERT INTO plans (run, planned_until) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                (run, to),
            )?,
            Some(from) => self.execute(
                "UPDATE plans SET planned_until = ?2 WHERE run = ?1 AND planned_until = ?3",
                (run, to, bits(from.0)),
            )?,
        };
        Ok(moved == 1)
    }

    pub(super) fn schedules(&mut self) -> rusqlite::Result<Vec<Schedule>> {
        let sql = "SELECT body FROM schedules ORDER BY name";
        let mut select = self.connection.prepare_cached(sql)?;
        select.query_map([], from_json)?.collect()
    }

    pub(super) fn put_schedule(&mut self, name: &str, body: &str) -> rusqlite::Result<()> {
        self.place.check()?;
        self.execute(
            "INSERT INTO schedules (name, body) VALUES (?1, ?2)
             ON CONFLICT DO UPDATE SET body = excluded.body",
            (name, body),
        )?;
        Ok(())
    }

    /// Deletes a schedule; false if there is none of this name.
    pub(super) fn delete_schedule(&mut self, name: &str) -> rusqlite::Result<bool> {
        self.place.check()?;
        Ok(self.execute("DELETE FROM schedules WHERE name = ?1", [name])? == 1)
    }

    fn writable_run(&mut self, id: &RunId) -> rusqlite::Result<i64> {
        self.place.check()?;
        self.runs.number(&self.connection, &id.0)
    }

    fn execute(&self, sql: &str, parameters: impl Params) -> rusqlite::Result<usize> {
        self.connection.prepare_cached(sql)?.execute(parameters)
    }

    fn first<T>(
        &self,
        sql: &str,
        parameters: impl Params,
        parse: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Option<T>> {
        self.connection
            .prepare_cached(sql)?
            .query_row(parameters, parse)
            .optional()
    }
}

/// The first column, which is JSON.
fn from_json<T: DeserializeOwned>(row: &Row<'_>) -> rusqlite::Result<T> {
    let body = row.get_ref(0)?.as_str()?;
    serde_json::from_str(body)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error)))
}

fn parse_record(
    row: &Row<'_>,
    run: &RunId,
    bucket: Bucket,
    class: Arc<str>,
) -> rusqlite::Result<Record> {
    Ok(Record {
        key: RecordKey {
            run: run.clone(),
            bucket,
            class,
            block: Block(row.get(2)?),
            slot: Slot(unsigned(row.get(3)?)),
            writer: unsigned(row.get(4)?),
            sequence: row.get(5)?,
        },
        requests: row.get(6)?,
        failures: row.get(7)?,
        payload: Bytes::copy_from_slice(row.get_ref(8)?.as_blob()?),
    })
}

/// All 64 bits as SQLite's signed integer.
fn bits(number: u64) -> i64 {
    i64::from_ne_bytes(number.to_ne_bytes())
}

/// The way back from [`bits`].
fn unsigned(number: i64) -> u64 {
    u64::from_ne_bytes(number.to_ne_bytes())
}

/// A number whose order counts; those above SQLite's range come last.
fn ordered(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
