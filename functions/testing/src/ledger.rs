//! The sum that holds in every ledger, as `/ledger` answers it.

use serde_json::Value;

/// Planned is recorded, skipped, missing and pending together, for every class and in total.
pub fn assert_adds_up(ledger: &Value) {
    let number = |account: &Value, field: &str| account[field].as_u64().expect("a count");
    let classes = ledger["classes"].as_object().expect("classes by name");
    for account in std::iter::once(ledger).chain(classes.values()) {
        let parts = ["recorded", "skipped", "missing", "pending"];
        let sum: u64 = parts.iter().map(|part| number(account, part)).sum();
        assert_eq!(number(account, "planned"), sum, "{account:#}");
        assert_eq!(number(account, "unplanned"), 0, "{account:#}");
    }
}
