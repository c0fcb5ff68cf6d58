//! The sessions of a process's users: what each has kept from its `start` requests, and its cookies.
//!
//! A session belongs to a run and is lost with its process. Which requests begin and end one is the workload's.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use reqwest::Url;

use crate::clock::Timestamp;
use crate::random::UserKey;
use crate::run::RunId;
use crate::transport::Jar;
use crate::workload::{SessionRules, SessionValues};

/// One user's session.
#[derive(Debug, Default)]
pub(crate) struct UserSession {
    pub(crate) values: SessionValues,
    pub(crate) jar: Option<Arc<Jar>>,
    begun: Option<Begun>,
}

/// When a session was begun, and at which host.
#[derive(Debug)]
struct Begun {
    at: Timestamp,
    base: Url,
}

impl UserSession {
    /// True if the session can be gone on with.
    pub(crate) fn has_begun(&self) -> bool {
        self.begun.is_some()
    }

    /// True if the session is good for an iteration that begins now.
    pub(crate) fn holds(&self, rules: &SessionRules, base: &Url, now: Timestamp) -> bool {
        self.begun.as_ref().is_some_and(|begun| {
            let age = now.since(begun.at);
            begun.base == *base && rules.lasts().is_none_or(|lasts| age < lasts)
        })
    }

    /// Forgets everything: the session is to be begun anew.
    pub(crate) fn clear(&mut self, rules: &SessionRules) {
        *self = Self {
            jar: rules.cookies().then(Arc::default),
            ..Self::default()
        };
    }

    /// Its first requests were sent.
    pub(crate) fn begin(&mut self, at: Timestamp, base: &Url) {
        let base = base.clone();
        self.begun = Some(Begun { at, base });
    }

    /// The session is over: it is to be begun anew before the next request.
    pub(crate) fn end(&mut self) {
        self.begun = None;
    }
}

/// A session that one iteration at a time has.
pub(crate) type Shared = Arc<tokio::sync::Mutex<UserSession>>;

/// The sessions of a process's users.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<OfRun>);

#[derive(Debug, Default)]
struct OfRun {
    /// The newest run that has any.
    run: Option<RunId>,
    users: HashMap<UserKey, Shared>,
}

impl Sessions {
    /// The session of a user, and whether it is new. Those of earlier runs are forgotten.
    pub(crate) fn of(&self, run: &RunId, user: UserKey) -> (Shared, bool) {
        let mut sessions = self.0.lock();
        if sessions.run.as_ref().is_none_or(|newest| newest < run) {
            sessions.run = Some(run.clone());
            sessions.users.clear();
        }
        let mut is_new = false;
        let session = sessions.users.entry(user).or_insert_with(|| {
            is_new = true;
            Shared::default()
        });
        (Arc::clone(session), is_new)
    }

    /// Forgets a user's session.
    pub(crate) fn forget(&self, user: UserKey) {
        self.0.lock().users.remove(&user);
    }
}
