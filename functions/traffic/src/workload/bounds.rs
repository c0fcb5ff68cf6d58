//! The cost of a template's values, where the engine's own fuel does not count it.
//!
//! The filters here pass a value on and charge for it: for each element that it holds, however deep, and
//! for its text. They also make lists of what is only evaluated when it is asked for, so that such values do
//! not build on one another. `syntax` writes them into templates; no workload file can.

use minijinja::value::{DynObject, Kwargs, ObjectRepr, Value};
use minijinja::{Environment, Error, ErrorKind, State};

/// Passes a value on whose elements somebody is going to look at.
pub(super) const BOUNDED: &str = "__bounded";

/// Passes a value on whose ends, length or single elements somebody is going to look at.
pub(super) const INDEXED: &str = "__indexed";

/// Passes on what somebody is going to look at once for each item of a list.
pub(super) const REPEATED: &str = "__repeated";

/// The deepest nesting of lists and tables in one another.
const MAX_DEPTH: usize = 100;

/// The elements that cost one unit of fuel.
const ELEMENTS: u64 = 4;

/// The bytes of text that cost one unit of fuel, as in the engine.
const BYTES: u64 = 64;

/// The widest indent that `tojson` takes.
const MAX_INDENT: usize = 16;

/// Adds the filters, and those of the engine's own that need a bound.
pub(super) fn add_to(environment: &mut Environment<'static>) {
    environment.add_filter(BOUNDED, bounded);
    environment.add_filter(INDEXED, indexed);
    environment.add_filter(REPEATED, repeated);
    environment.add_filter("tojson", tojson);
    environment.remove_global("namespace");
}

fn bounded(state: &State, value: Value) -> Result<Value, Error> {
    let value = listed(state, value)?;
    let mut cost = Cost {
        left: state.fuel_levels().map_or(u64::MAX, |(_, left)| left),
        spent: 0,
    };
    let measured = cost.measure(&value, 0);
    state.consume_fuel(cost.fuel())?;
    measured.map(|()| value)
}

fn indexed(state: &State, value: Value) -> Result<Value, Error> {
    if let Some(text) = value.as_str() {
        state.consume_fuel(text.len() as u64 / BYTES)?;
    }
    listed(state, value)
}

fn repeated(state: &State, value: Value) -> Result<Value, Error> {
    let value = bounded(state, value)?;
    let holds = |object: &DynObject| {
        let mut items = object.try_iter().into_iter().flatten();
        items.any(|item| item.as_object().is_some())
    };
    if value.as_object().is_some_and(holds) {
        let message = "what is done to each item of a list takes no lists of lists";
        return Err(Error::new(ErrorKind::InvalidOperation, message));
    }
    Ok(value)
}

/// A list in place of what is evaluated anew each time that it is asked for.
fn listed(state: &State, value: Value) -> Result<Value, Error> {
    let repr = value.as_object().map(|object| object.repr());
    if repr != Some(ObjectRepr::Iterable) {
        return Ok(value);
    }
    let mut items = Vec::new();
    for item in value.try_iter()?.checked() {
        // a slot of a list is half a unit
        if items.len() % 2 == 0 {
            state.consume_fuel(1)?;
        }
        items.push(item?);
    }
    Ok(Value::from(items))
}

/// The cost of a value, counted until there is no fuel for it.
struct Cost {
    left: u64,
    /// In elements of [`ELEMENTS`].
    spent: u64,
}

impl Cost {
    fn fuel(&self) -> u64 {
        self.spent / ELEMENTS
    }

    fn measure(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        if let Some(text) = value.as_str() {
            self.spent += text.len() as u64 * ELEMENTS / BYTES;
            return Ok(());
        }
        let Some(object) = value.as_object() else {
            return Ok(());
        };
        if depth >= MAX_DEPTH {
            let message = format!("lists or tables are nested more than {MAX_DEPTH} deep");
            return Err(Error::new(ErrorKind::InvalidOperation, message));
        }
        match object.repr() {
            ObjectRepr::Seq | ObjectRepr::Iterable => {
                for item in object.try_iter().into_iter().flatten() {
                    self.element()?;
                    self.measure(&item, depth + 1)?;
                }
            }
            ObjectRepr::Map => {
                for (key, item) in object.try_iter_pairs().into_iter().flatten() {
                    self.element()?;
                    self.measure(&key, depth + 1)?;
                    self.measure(&item, depth + 1)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn element(&mut self) -> Result<(), Error> {
        self.spent += 1;
        if self.fuel() > self.left {
            return Err(Error::from(ErrorKind::OutOfFuel));
        }
        Ok(())
    }
}

/// The engine's `tojson`, with an indent that cannot fill the memory.
fn tojson(
    state: &State,
    value: Value,
    indent: Option<Value>,
    arguments: Kwargs,
) -> Result<Value, Error> {
    let wanted = match &indent {
        Some(indent) => Some(indent.clone()),
        None => arguments.get("indent")?,
    };
    if wanted
        .as_ref()
        .and_then(Value::as_usize)
        .is_some_and(|indent| indent > MAX_INDENT)
    {
        let message = format!("the indent of `tojson` is at most {MAX_INDENT}");
        return Err(Error::new(ErrorKind::InvalidOperation, message));
    }
    let value = bounded(state, value)?;
    let json = minijinja::filters::tojson(&value, indent, arguments)?;
    // writing it takes longer than copying it
    state.consume_fuel(json.as_str().map_or(0, str::len) as u64 / ELEMENTS)?;
    Ok(json)
}
