//! `on_start` and `on_stop` as the requests with which a user's session begins and ends.
//!
//! A workload's user has one way to begin: on the others a request has failed, and the user begins anew. So of the
//! ways through `on_start` the one that gets farthest is the session's, and what it leaves in `self` is kept.

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::convert::way;
use crate::emit::TaskText;
use crate::judgement::{Good, Judgement};
use crate::keeping::{are_drawn, is_drawn, kept, kept_pieces};
use crate::passages::{differences, failure_of, farthest, kept_of, parting, ways_of};
use crate::problem::Problem;
use crate::ratio::Ratio;
use crate::reader::{Mode, Reader};
use crate::run::Passage;
use crate::session::SessionCapture;
use crate::value::{Function, Value};
use crate::variant::Way;
use crate::variants::variants;

impl<'a> Reader<'a> {
    /// What users of these classes, a class and the sets that it enters, do first; nothing if they send nothing.
    ///
    /// What they keep is known from then on.
    pub(crate) fn session_start(&mut self, entered: &[usize]) -> Option<TaskText<'a>> {
        let methods = self.methods(entered, &["__init__", "on_start"]);
        let place = self.place_of(&methods.last()?.1);
        let told = self.problems.borrow().len();
        let mut passages = self.ways("on_start", &methods, Mode::Start)?;
        let has_problems = self.problems.borrow().len() > told;
        let Some(main) = farthest(&passages).filter(|_| !has_problems) else {
            if !has_problems {
                let message = "every way through on_start ends with a failure: no user has a task";
                self.tell(place.saying(message));
            }
            // what follows is looked at all the same
            self.keep(&passages[0], &BTreeSet::new(), &place);
            return None;
        };
        let mut differing = BTreeSet::new();
        for index in 0..passages.len() {
            if index != main {
                let [chosen, other] = [main, index].map(|at| passages[at].clone());
                passages[index] = self.cut(&chosen, other, &place, &mut differing);
            }
        }
        let chosen = passages[main].clone();
        self.keep(&chosen, &differing, &place);
        if chosen.run.requests.is_empty() || self.problems.borrow().len() > told {
            return None;
        }
        let Some(ways) = ways_of(passages, &chosen.run) else {
            self.tell(
                place.saying("on_start goes on after a failure in more than one way: end it there"),
            );
            return None;
        };
        self.session_task("on_start", ways, &place)
    }

    /// What users of these classes do last; nothing if they send nothing.
    pub(crate) fn session_stop(&mut self, entered: &[usize]) -> Option<TaskText<'a>> {
        let mut methods = self.methods(entered, &["on_stop"]);
        methods.reverse();
        let place = self.place_of(&methods.first()?.1);
        let told = self.problems.borrow().len();
        let passages = self.ways("on_stop", &methods, Mode::Stop)?;
        if self.problems.borrow().len() > told {
            return None;
        }
        let ways = passages.into_iter().map(way).collect();
        self.session_task("on_stop", ways, &place)
    }

    fn methods(&self, entered: &[usize], names: &[&str]) -> Vec<(usize, Rc<Function<'a>>)> {
        let all = entered
            .iter()
            .flat_map(|class| names.iter().map(|name| (*class, *name)));
        let functions = all.filter_map(|(class, name)| match self.class_attribute(class, name) {
            Some(Value::Function(function)) => Some((class, function)),
            _ => None,
        });
        functions.collect()
    }

    /// The requests that all users of a class send once.
    fn session_task(
        &mut self,
        name: &str,
        ways: Vec<Way<'a>>,
        place: &Problem,
    ) -> Option<TaskText<'a>> {
        match variants(ways) {
            Ok(all) if all.iter().all(|variant| variant.requests.is_empty()) => None,
            Ok(all) if all.len() == 1 => Some(TaskText {
                name: name.to_owned(),
                file: place.file.clone(),
                line: place.line,
                count: Ratio::ONE,
                tags: BTreeSet::new(),
                variants: all,
            }),
            Ok(_) => {
                self.tell(place.saying(format!(
                    "`{name}` sends other requests from user to user: in a workload all users of a class send the same ones"
                )));
                None
            }
            Err(undecidable) => {
                self.tell_undecidable(undecidable);
                None
            }
        }
    }

    /// A way that is not the session's, up to the request whose response ends it, if one does. What else it leaves
    /// otherwise in `self` is noted.
    fn cut(
        &mut self,
        main: &Passage<'a>,
        mut other: Passage<'a>,
        place: &Problem,
        differing: &mut BTreeSet<String>,
    ) -> Passage<'a> {
        let ends = match failure_of(&other.run) {
            Some(at) => Some(at),
            None => {
                let at = self.denied(main, &other, place, differing);
                if let Some(at) = at {
                    other.run.requests[at].judgement = Judgement::Denied;
                }
                at
            }
        };
        let Some(at) = ends else {
            return other;
        };
        let is_known = |request: &crate::run::Request| {
            let mut known = main.run.requests.iter();
            known.any(|known| (&known.method, &known.name) == (&request.method, &request.name))
        };
        if let Some(more) = other.run.requests[at + 1..]
            .iter()
            .find(|more| !is_known(more))
        {
            self.tell(Problem {
                file: self.files[more.file].name.clone(),
                line: more.line,
                column: None,
                message: "this is sent after a request of on_start has failed: a workload's user begins anew then"
                    .to_owned(),
            });
        }
        other.run.requests.truncate(at + 1);
        other
            .run
            .decisions
            .retain(|decision| decision.after <= at + 1);
        other
    }

    /// The request whose response leaves a user without what it has on the session's way.
    fn denied(
        &mut self,
        main: &Passage<'a>,
        other: &Passage<'a>,
        place: &Problem,
        differing: &mut BTreeSet<String>,
    ) -> Option<usize> {
        let names = differences(main, other);
        let has_headers = main.headers == other.headers;
        let is_shorter = other.has_ended || other.run.requests.len() < main.run.requests.len();
        if names.is_empty() && has_headers && !is_shorter {
            return None;
        }
        if let Some(parting) = parting(&main.run, &other.run) {
            let judgement = other.run.requests.get(parting.request);
            let is_unsaid = judgement.is_some_and(|request| request.judgement == Judgement::Unsaid);
            let is_sure =
                |holds| Judgement::Unsaid.good(Some((parting.condition, holds))) == Good::Always;
            let lacks = is_shorter
                || kept_of(other) < kept_of(main)
                || is_sure(parting.holds) && !is_sure(!parting.holds);
            if is_unsaid && lacks {
                let not = if parting.holds { "not " } else { "" };
                let message = format!(
                    "a response is a failure here if `{}` is {not}true of it, as its user has no session then",
                    parting.condition
                );
                let file = self.files[parting.file].name.clone();
                self.notes.insert((file, parting.line, message));
                return Some(parting.request);
            }
        }
        if other.has_ended {
            let message =
                "on_start raises an exception which no response says: a workload's users all begin";
            self.tell(place.saying(message));
        }
        if !has_headers {
            let message = "the headers that on_start sets are not the same for all users: a workload's users have the \
                           same headers";
            self.tell(place.saying(message));
        }
        differing.extend(names);
        None
    }

    /// Keeps what a way leaves in `self` and in the client.
    fn keep(&mut self, passage: &Passage<'a>, differing: &BTreeSet<String>, place: &Problem) {
        let sends = !passage.run.requests.is_empty();
        let poison = |message: String| Value::Poison(Rc::new(place.saying(message)));
        const ONCE: &str = "is drawn once for each user, which a workload's user keeps only if its on_start sends requests: draw it \
                            in the task";
        let headers = passage.headers.iter();
        if let Some((name, _)) = headers
            .clone()
            .find(|(_, pieces)| !sends && are_drawn(pieces))
        {
            self.tell(place.saying(format!("the header `{name}` {ONCE}")));
        }
        self.session.headers = headers
            .map(|(name, pieces)| (name.clone(), kept_pieces(pieces)))
            .collect();
        if sends {
            self.session.draws.clone_from(&passage.run.draws);
        }
        let requests = passage.run.requests.iter().enumerate();
        let captures = requests
            .flat_map(|(at, request)| request.captures.iter().map(move |capture| (at, capture)));
        self.session.captures = captures
            .map(|(request, (name, code))| SessionCapture {
                request,
                name: name.clone(),
                code: code.clone(),
            })
            .collect();
        for (name, value) in &passage.started {
            let value = match kept(value, 0) {
                _ if !sends && is_drawn(value) => poison(format!("`self.{name}` {ONCE}")),
                Some(value) => value,
                None => poison(format!(
                    "`self.{name}` is nested too deeply: make it simpler"
                )),
            };
            self.started.insert(name.clone(), value);
        }
        for name in differing {
            let message = format!(
                "`self.{name}` is not the same on every way through on_start: a workload's user keeps what the responses \
                 say and what is drawn from lists"
            );
            self.started.insert(name.clone(), poison(message));
        }
    }
}
