//! Workloads by their versions, and which of them new runs are pinned to. They stay: a run may be
//! pinned to any, and they are few and small.

use traffic::ports::StoreError;

use super::item::Item;
use super::table::Table;

const WORKLOADS: &str = "workloads";

const SOURCE: &str = "source";

const SETTINGS: &str = "settings";

const CHOSEN: &str = "chosen workload";

const VERSION: &str = "version";

pub(super) async fn put(table: &Table, version: &str, source: &str) -> Result<(), StoreError> {
    let item = Item::new(WORKLOADS, version).packing_text(SOURCE, source);
    table.put("keep the workload", item).await
}

pub(super) async fn get(table: &Table, version: &str) -> Result<Option<String>, StoreError> {
    let item = table.get("read the workload", WORKLOADS, version).await?;
    item.map(|mut item| item.unpack_text(SOURCE)).transpose()
}

pub(super) async fn choose(table: &Table, version: &str) -> Result<(), StoreError> {
    let item = Item::new(SETTINGS, CHOSEN).text(VERSION, version);
    table.put("choose the workload", item).await
}

pub(super) async fn chosen(table: &Table) -> Result<Option<String>, StoreError> {
    let item = table
        .get("read which workload is chosen", SETTINGS, CHOSEN)
        .await?;
    let version = item.map(|item| item.read_text(VERSION).map(str::to_owned));
    version.transpose()
}
