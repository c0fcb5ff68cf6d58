//! The trace of one iteration: puts it into the requests, and tells the observer, if there is one, what
//! became of them.
//!
//! An iteration may be dropped while it waits for a response, by the stop timeout. What it has said to
//! its target is told all the same: what is dropped is cut off.

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::header::{self, HeaderValue};
use reqwest::{Method, Request, StatusCode, Url};

use crate::clock::{Clock, Timestamp};
use crate::record::{Fate, Measured, RequestName};
use crate::stream::Streamed;
use crate::telemetry::{GenAi, Iteration, IterationEnd, Observer, RequestEnd};
use crate::trace_context::{SpanContext, SpanId, TRACEPARENT, TraceId};
use crate::workload::Workload;

/// The error of a request that was dropped before its response was there.
const CUT_OFF: &str = "cut off by the end of the run";

/// One iteration's trace; tells of its end when dropped.
pub(super) struct Trace<'a> {
    id: TraceId,
    sampled: bool,
    watched: Option<Watched<'a>>,
}

/// An observer, and what it is told besides.
struct Watched<'a> {
    observer: &'a dyn Observer,
    clock: &'a Clock,
    /// It knows what is a secret.
    workload: &'a Workload,
    iteration: Iteration<'a>,
    began_at: Timestamp,
    fate: Fate,
    /// The first error.
    error: OnceLock<String>,
}

impl<'a> Trace<'a> {
    /// A new trace; `iteration` says which iteration it is of, if anybody wants to know.
    pub(super) fn begin(
        observer: Option<&'a dyn Observer>,
        (clock, workload): (&'a Clock, &'a Workload),
        iteration: impl FnOnce(SpanContext) -> Iteration<'a>,
    ) -> Self {
        let id = TraceId::random();
        let sampled = observer.is_none_or(|observer| observer.samples(id));
        let watched = observer.map(|observer| Watched {
            observer,
            clock,
            workload,
            iteration: iteration(SpanContext {
                trace: id,
                span: SpanId::random(),
                sampled,
            }),
            began_at: clock.now(),
            fate: Fate::CutOff,
            error: OnceLock::new(),
        });
        Self {
            id,
            sampled,
            watched,
        }
    }

    /// Puts the trace into a request, unless the workload has put one of its own there.
    pub(super) fn enter(&self, request: &mut Request) -> Entered {
        let own = SpanContext {
            trace: self.id,
            span: SpanId::random(),
            sampled: self.sampled,
        };
        match request.headers_mut().entry(TRACEPARENT) {
            header::Entry::Vacant(entry) => {
                entry.insert(own.traceparent());
                Entered {
                    carried: Some(own),
                    own: Some(own),
                }
            }
            header::Entry::Occupied(entry) => Entered {
                carried: SpanContext::parse(entry.get()),
                own: None,
            },
        }
    }

    /// The watch of a request that is about to be sent; nothing if nobody wants to know.
    pub(super) fn watch<'b>(
        &'b self,
        entered: Entered,
        (name, gen_ai): (&'b RequestName, Option<GenAi<'b>>),
        request: &Request,
        sent_at: Timestamp,
        lateness: Option<Duration>,
    ) -> Option<Watch<'b>> {
        let watched = self.watched.as_ref()?;
        Some(Watch {
            watched,
            entered,
            name,
            gen_ai,
            method: request.method().clone(),
            url: watched.workload.mask_url(request.url()).into_owned(),
            user_agent: request.headers().get(header::USER_AGENT).cloned(),
            sent_at,
            lateness,
            told: false,
        })
    }

    /// Notes that something other than a request went wrong.
    pub(super) fn failed(&self, error: &str) {
        if let Some(watched) = &self.watched {
            watched.failed(error);
        }
    }

    /// Ends the iteration.
    pub(super) fn end(mut self, fate: Fate) -> Fate {
        if let Some(watched) = &mut self.watched {
            watched.fate = fate;
        }
        fate
    }
}

impl Watched<'_> {
    fn failed(&self, error: &str) {
        self.error.get_or_init(|| error.to_owned());
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        self.observer.iteration(
            &self.iteration,
            &IterationEnd {
                began_at: self.began_at,
                ended_at: self.clock.now(),
                fate: self.fate,
                error: self.error.get().map(String::as_str),
            },
        );
    }
}

/// The trace that a request carries.
#[derive(Clone, Copy)]
pub(super) struct Entered {
    carried: Option<SpanContext>,
    /// The same, if it is ours.
    own: Option<SpanContext>,
}

impl Entered {
    /// The trace that a failure of the request leads to, if that is kept.
    pub(super) fn leads_to(self) -> Option<TraceId> {
        let carried = self.carried.filter(|carried| carried.sampled);
        carried.map(|carried| carried.trace)
    }
}

/// How a request has ended, as far as it had an answer.
#[derive(Clone, Copy, Default)]
pub(super) struct Answer<'a> {
    pub(super) status: Option<StatusCode>,
    pub(super) first_byte: Option<Duration>,
    pub(super) streamed: Option<&'a Streamed>,
    pub(super) measured: &'a [Measured],
}

/// A request under way that an observer will be told of, at the latest when this is dropped.
pub(super) struct Watch<'a> {
    watched: &'a Watched<'a>,
    entered: Entered,
    name: &'a RequestName,
    gen_ai: Option<GenAi<'a>>,
    method: Method,
    url: Url,
    user_agent: Option<HeaderValue>,
    sent_at: Timestamp,
    lateness: Option<Duration>,
    told: bool,
}

impl Watch<'_> {
    /// Tells what became of the request.
    pub(super) fn end(mut self, response_time: Duration, answer: Answer<'_>, error: Option<&str>) {
        self.tell(response_time, answer, error);
    }

    fn tell(&mut self, response_time: Duration, answer: Answer<'_>, error: Option<&str>) {
        self.told = true;
        if let Some(error) = error {
            self.watched.failed(error);
        }
        let end = RequestEnd {
            context: self.entered.own,
            name: self.name,
            method: &self.method,
            url: &self.url,
            user_agent: self.user_agent.as_ref(),
            sent_at: self.sent_at,
            response_time,
            first_byte: answer.first_byte,
            streamed: answer.streamed,
            measured: answer.measured,
            gen_ai: self.gen_ai,
            lateness: self.lateness,
            status: answer.status,
            error,
        };
        (self.watched.observer).request(&self.watched.iteration, &end);
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if !self.told {
            let response_time = self.watched.clock.now().since(self.sent_at);
            self.tell(response_time, Answer::default(), Some(CUT_OFF));
        }
    }
}
