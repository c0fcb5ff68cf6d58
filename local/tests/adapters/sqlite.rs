//! The store on SQLite.

use local::store::SqliteStore;
use traffic::clock::Clock;
use traffic::contract;

#[tokio::test]
async fn a_temporary_database_keeps_the_contract() {
    contract::store::all(async || SqliteStore::temporary(Clock::system()).unwrap()).await;
}

#[tokio::test]
async fn a_database_file_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let number = std::cell::Cell::new(0);
    contract::store::all(|| {
        number.set(number.get() + 1);
        let file = folder.path().join(format!("{}.db", number.get()));
        async move { SqliteStore::open(&file, Clock::system()).unwrap() }
    })
    .await;
}
