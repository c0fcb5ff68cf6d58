//! The arguments of a request.

use ruff_python_ast::ExprCall;

use crate::reader::{Read, Reader};
use crate::value::Value;

/// What a request's arguments say.
#[derive(Default)]
pub(crate) struct Fields<'a> {
    pub(crate) url: Option<Value<'a>>,
    pub(crate) name: Option<Value<'a>>,
    pub(crate) json: Option<Value<'a>>,
    pub(crate) data: Option<Value<'a>>,
    pub(crate) params: Option<Value<'a>>,
    pub(crate) headers: Vec<(String, Value<'a>)>,
    pub(crate) auth: Option<(String, String)>,
    pub(crate) timeout: Option<f64>,
    pub(crate) follows: Option<bool>,
    pub(crate) catches: bool,
    pub(crate) insecure: bool,
}

impl<'a> Fields<'a> {
    pub(crate) fn set(
        &mut self,
        reader: &mut Reader<'a>,
        node: &'a ExprCall,
        name: &str,
        value: Value<'a>,
    ) -> Read<()> {
        if reader.is_fast() && matches!(name, "timeout" | "verify") {
            return reader.stop(node, format!("FastHttpUser has no `{name}` of a request"));
        }
        match name {
            "url" | "path" => self.url = Some(value),
            "name" => self.name = Some(value),
            "json" => self.json = Some(value),
            "data" => self.data = Some(value),
            "params" => self.params = Some(value),
            "headers" => match value {
                Value::None => {}
                Value::Dict(dict) => {
                    for (key, value) in dict.items.borrow().iter() {
                        let Some(key) = key.show() else {
                            return reader.unknown(node);
                        };
                        self.headers.push((key, value.clone()));
                    }
                }
                _ => return reader.unknown(node),
            },
            "auth" => match value.elements().as_deref() {
                Some([user, password]) => {
                    let user = reader.constant(node, user.clone())?;
                    let password = reader.constant(node, password.clone())?;
                    match (user, password) {
                        (Value::Str(user), Value::Str(password)) => {
                            self.auth = Some((user.to_string(), password.to_string()));
                        }
                        _ => return reader.unknown(node),
                    }
                }
                _ => {
                    return reader.stop(
                        node,
                        "a workload knows `auth` as a pair of user and password only",
                    );
                }
            },
            "timeout" => match reader.constant(node, value)? {
                Value::None => {}
                value => match value.number().filter(|time| *time >= 0.001) {
                    Some(time) => self.timeout = Some(time),
                    None => {
                        return reader.stop(node, "a workload's timeout is one number of seconds");
                    }
                },
            },
            "allow_redirects" => match reader.constant(node, value)?.truth() {
                Some(follows) => self.follows = Some(follows),
                None => return reader.unknown(node),
            },
            "catch_response" => match reader.constant(node, value)?.truth() {
                Some(catches) => self.catches = catches,
                None => return reader.unknown(node),
            },
            "verify" => match reader.constant(node, value)? {
                Value::Bool(verifies) => self.insecure = !verifies,
                _ => return reader.unknown(node),
            },
            "stream" if value.truth() == Some(false) => {}
            "context" => reader.note(node, "`context` is left out"),
            _ => return reader.stop(node, format!("a workload has no `{name}` of a request")),
        }
        Ok(())
    }
}
