//! The table `cicada_results` in PostgreSQL: made if it is not there, and filled by COPY, a batch in one statement.
//!
//! Each row has the number of its writer and its own, and both are the key. So a batch whose fate a lost connection left
//! open is sent once more: if the database has it, it says that the key is taken.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::SinkExt as _;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;
use traffic::error_chain::one_line;

use super::row::{COLUMNS, Row, write_copy};

/// The types of [`COLUMNS`].
const TYPES: [&str; COLUMNS.len()] = [
    "text NOT NULL",
    "timestamptz NOT NULL",
    "text NOT NULL",
    "bigint",
    "bigint",
    "text",
    "text",
    "text",
    "integer",
    "double precision NOT NULL",
    "bigint NOT NULL",
    "text",
    "double precision",
    "double precision",
    "bigint",
    "bigint",
    "bigint",
    "double precision",
    "text",
];

/// A batch that is not written in this time is given up, with its connection.
const WRITES_WITHIN: Duration = Duration::from_secs(30);

/// The table, and the connection to it while there is one.
pub(super) struct Table {
    config: Config,
    tls: MakeRustlsConnect,
    client: Option<Client>,
    process: i64,
    /// The number of the next row.
    next: i64,
}

/// A batch that was not written.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub(super) struct TableError {
    text: String,
    /// False if it never will be.
    pub(super) may_pass: bool,
}

impl Table {
    /// Nothing is connected yet.
    pub(super) fn new(config: Config) -> anyhow::Result<Self> {
        Ok(Self {
            config,
            tls: MakeRustlsConnect::new(traffic::tls::for_services()?),
            client: None,
            process: rand::random(),
            next: 0,
        })
    }

    /// Writes rows; all of them or, with an error, none that the same call would not find again.
    pub(super) async fn write(&mut self, rows: &[Row]) -> Result<(), TableError> {
        let mut text = Vec::new();
        let written = write_copy(rows, self.process, self.next, &mut text);
        written.map_err(|error| TableError::new(error.to_string()))?;
        let copied = tokio::time::timeout(WRITES_WITHIN, self.copy(text.into()));
        match copied.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => {}
            Ok(Err(error)) => {
                let refused = error.code().is_some_and(is_about_the_rows);
                if refused {
                    self.next += rows.len() as i64;
                }
                let mut text = one_line(&error);
                if error.code() == Some(&SqlState::UNDEFINED_COLUMN) {
                    text.push_str(": rename that table, and one of cicada's is made");
                }
                return Err(TableError {
                    may_pass: !refused,
                    ..TableError::new(text)
                });
            }
            Err(_) => {
                self.client = None;
                return Err(TableError::new("it does not answer in time".to_owned()));
            }
        }
        self.next += rows.len() as i64;
        Ok(())
    }

    async fn copy(&mut self, text: Bytes) -> Result<(), tokio_postgres::Error> {
        let client = match self.client.take() {
            Some(client) if !client.is_closed() => client,
            _ => self.connected().await?,
        };
        let columns = COLUMNS.join(", ");
        let statement = format!(
            "COPY cicada_results (process, number, {columns}) FROM STDIN WITH (FORMAT csv)"
        );
        let mut copying = pin!(client.copy_in(&*statement).await?);
        copying.send(text).await?;
        copying.finish().await?;
        self.client = Some(client);
        Ok(())
    }

    /// A new connection to a database that has the table.
    async fn connected(&self) -> Result<Client, tokio_postgres::Error> {
        let (client, connection) = self.config.connect(self.tls.clone()).await?;
        tokio::spawn(async move {
            // whoever uses the client has the same error
            let _ = connection.await;
        });
        // who may write into a table may not always make one
        let found = client
            .simple_query("SELECT to_regclass('cicada_results')")
            .await?;
        let is_there = found.iter().any(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).is_some(),
            _ => false,
        });
        if !is_there {
            client.batch_execute(&statement()).await?;
        }
        Ok(client)
    }
}

impl TableError {
    fn new(text: String) -> Self {
        Self {
            text,
            may_pass: true,
        }
    }
}

/// True if a row has a value that its column does not take.
fn is_about_the_rows(code: &SqlState) -> bool {
    code.code().starts_with("22")
}

/// The statement that makes the table.
fn statement() -> String {
    let columns: String = COLUMNS
        .iter()
        .zip(TYPES)
        .map(|(name, kind)| format!("{name} {kind}, "))
        .collect();
    format!(
        "CREATE TABLE IF NOT EXISTS cicada_results \
         (process bigint, number bigint, {columns}PRIMARY KEY (process, number))"
    )
}
