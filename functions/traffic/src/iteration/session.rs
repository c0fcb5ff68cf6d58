//! A user's session within an iteration: begun before the first request where there is none, begun anew where a status
//! has ended it, and ended when the user leaves.

use super::{Answered, Ended, Iterating, Sender, Turn};
use crate::iteration::trace::Trace;
use crate::journal::Journal;
use crate::ports::{RecordStore, RunStore};
use crate::random::{Draws, mix};
use crate::record::Fate;
use crate::run_end::RunEnd;
use crate::sessions::UserSession;
use crate::transport::Transport;
use crate::workload::{Scope, SessionRules, Step};

/// Keeps the draws of a session's requests apart from those of the iteration that it begins with.
const SESSION_STREAM: u64 = 0x5e55_0000_0000_0001;

impl Sender {
    /// Sends the requests with which a user's session ends, if it has begun.
    pub(crate) async fn leave<T: Transport, S: RunStore + RecordStore>(
        &self,
        transport: &T,
        journal: &Journal<S>,
        turn: Turn,
        run_end: &RunEnd<S>,
        session: &mut UserSession,
    ) {
        let class = self.class();
        let stop = class.session().and_then(SessionRules::stop);
        let Some(stop) = stop.filter(|_| session.has_begun()) else {
            return;
        };
        let draws = Draws::keyed(mix(turn.class_key ^ SESSION_STREAM), turn.user, u64::MAX);
        let mut scope = Scope::new(class, stop, turn.user, turn.iteration, draws)
            .due_at(turn.due_at(&journal.clock));
        scope.enter(&session.values);
        // no iteration, so nobody is told of one
        let trace = Trace::begin(None, (&journal.clock, &*self.workload), |_| {
            unreachable!("nobody asks")
        });
        let mut leaving = Iterating {
            sender: self,
            transport,
            journal,
            turn,
            task: stop,
            run_end,
            trace: &trace,
            session: Some(session),
            has_begun: false,
            has_renewed: false,
            is_leaving: true,
        };
        let mut walk = scope.walk(stop);
        while let Ok(Some(index)) = leaving.next(&mut walk, &mut scope) {
            let step = (&stop.steps()[index], &self.stop[index]);
            if leaving.step(step.0, step.1, &mut scope).await.is_err() {
                break;
            }
        }
        session.end();
    }
}

impl<'i, T: Transport, S: RunStore + RecordStore> Iterating<'i, T, S> {
    /// Brings the user's session into an iteration that begins, which has one then.
    pub(super) async fn enter_session(&mut self, scope: &mut Scope) -> Result<(), Ended> {
        let Some(rules) = self.sender.class().session() else {
            return Ok(());
        };
        let (base, now) = (&self.sender.target.base, self.journal.clock.now());
        let session = self.session.as_deref();
        if session.is_some_and(|session| session.holds(rules, base, now)) {
            if let Some(session) = session {
                scope.enter(&session.values);
            }
            return Ok(());
        }
        // few iterations begin a session: the others have no room for it
        Box::pin(self.begin_session(rules, scope)).await
    }

    /// Keeps what a request has captured anew of the session's values; a status may end the session.
    pub(super) fn keep_in_session(&mut self, step: &Step, answered: Answered, scope: &Scope) {
        let (Some(rules), Some(session)) = (self.sender.class().session(), &mut self.session)
        else {
            return;
        };
        if matches!(answered, Answered::Passed(_)) && step.captures_any(rules.kept()) {
            scope.keep(rules.kept(), &mut session.values);
        }
        if (answered.status()).is_some_and(|status| rules.restarts_on(status)) {
            session.end();
        }
    }

    /// Begins the session anew if a status has ended it, once in an iteration.
    pub(super) async fn renew_session(&mut self, scope: &mut Scope) -> Result<(), Ended> {
        let has_ended = |session: &UserSession| !session.has_begun();
        if self.has_renewed || !self.session.as_deref().is_some_and(has_ended) {
            return Ok(());
        }
        self.has_renewed = true;
        match self.sender.class().session() {
            Some(rules) => Box::pin(self.begin_session(rules, scope)).await,
            None => Ok(()),
        }
    }

    /// Sends the requests with which a session begins.
    async fn begin_session(
        &mut self,
        rules: &'i SessionRules,
        scope: &mut Scope,
    ) -> Result<(), Ended> {
        let (sender, turn) = (self.sender, self.turn);
        let Some(session) = self.session.as_deref_mut() else {
            return Ok(());
        };
        session.clear(rules);
        if let Some(start) = rules.start() {
            let key = mix(turn.class_key ^ SESSION_STREAM);
            let draws = Draws::keyed(key, turn.user, turn.iteration);
            let mut own = Scope::new(sender.class(), start, turn.user, turn.iteration, draws)
                .due_at(turn.due_at(&self.journal.clock));
            let mut walk = own.walk(start);
            let task = std::mem::replace(&mut self.task, start);
            while let Some(index) = self
                .next(&mut walk, &mut own)
                .map_err(|_| Ended(Some(Fate::Failed)))?
            {
                let (step, prepared) = (&start.steps()[index], &sender.start[index]);
                match self.step(step, prepared, &mut own).await {
                    Ok(Answered::Failed(_)) | Err(Ended(Some(Fate::Done))) => {
                        return Err(Ended(Some(Fate::Failed)));
                    }
                    Ok(_) => {}
                    Err(ended) => return Err(ended),
                }
            }
            self.task = task;
            if let Some(session) = self.session.as_deref_mut() {
                own.keep(rules.kept(), &mut session.values);
            }
        }
        let now = self.journal.clock.now();
        if let Some(session) = self.session.as_deref_mut() {
            session.begin(now, &sender.target.base);
            scope.enter(&session.values);
        }
        Ok(())
    }
}

impl Answered {
    fn status(self) -> Option<reqwest::StatusCode> {
        match self {
            Self::NotSent => None,
            Self::Passed(status) => Some(status),
            Self::Failed(status) => status,
        }
    }
}
