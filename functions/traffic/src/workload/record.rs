//! A record of a pool that comes from a file: values by the names of columns, which all records share.

use std::sync::Arc;

use minijinja::value::{Enumerator, Object, Value};

/// The names of a file's columns.
pub(super) type Columns = Arc<[Arc<str>]>;

/// One line of a file.
#[derive(Debug)]
pub(super) struct Record {
    columns: Columns,
    values: Box<[Value]>,
}

impl Record {
    /// A record with a value for each column.
    pub(super) fn value(columns: &Columns, values: Vec<Value>) -> Value {
        Value::from_object(Self {
            columns: Arc::clone(columns),
            values: values.into(),
        })
    }
}

impl Object for Record {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let column = self.columns.iter().position(|column| **column == *key)?;
        self.values.get(column).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let columns = self.columns.iter();
        Enumerator::Values(
            columns
                .map(|column| Value::from(Arc::clone(column)))
                .collect(),
        )
    }
}
