//! The web server of this machine: its address, its TLS, and its password.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use traffic::clock::Clock;
use traffic::runs::Environment;
use web::api::{Api, BASIC_AUTH, BasePath, Door, TraceUrl, metrics_router, router};
use web::logs::LogBuffer;
use web::serve::{self, Limits, Serving, Tls, TlsFiles, WebHost};

use crate::descriptors::Descriptors;
use crate::engine::Engine;
use crate::heartbeat::TokioHeartbeat;
use crate::options::{Options, named};
use crate::queue::TokioQueue;
use crate::settings::error::SettingsError;
use crate::store::SqliteStore;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebSettings {
    pub host: WebHost,
    pub port: u16,
    pub base_path: BasePath,
    /// Where the page's traces lead to.
    pub trace_url: TraceUrl,
    /// The option that has the port.
    port_option: &'static str,
    /// The certificate and its key; `None` for plain HTTP.
    pub tls: Option<TlsFiles>,
}

impl WebSettings {
    pub fn resolve(options: &Options) -> Result<Self, SettingsError> {
        Ok(Self {
            host: host(options)?,
            port: options.web.web_port,
            base_path: options.web.web_base_path.clone(),
            trace_url: options.own.trace_url.clone(),
            port_option: "--web-port",
            tls: tls(options)?,
        })
    }

    /// The server of `--prometheus-port`: the same address and certificate, another port.
    pub fn of_metrics(options: &Options) -> Result<Option<Self>, SettingsError> {
        let Some(port) = options.web.prometheus_port else {
            return Ok(None);
        };
        Ok(Some(Self {
            port,
            base_path: BasePath::default(),
            port_option: "--prometheus-port",
            ..Self::resolve(options)?
        }))
    }

    /// The URL for a browser on this machine.
    fn url(&self, address: SocketAddr) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let path = &self.base_path;
        if address.ip().is_unspecified() {
            return format!("{scheme}://localhost:{}{path}", address.port());
        }
        format!("{scheme}://{address}{path}")
    }
}

/// The password and the names of the server, from the environment and the options; an empty variable is the
/// same as none.
pub fn door(options: &Options, environment: &Environment) -> Result<Door, SettingsError> {
    let credentials = environment(BASIC_AUTH).filter(|credentials| !credentials.is_empty());
    let door = match credentials {
        Some(credentials) => Door::with_basic_auth(&credentials)?,
        None => Door::default(),
    };
    let door = match &options.own.web_names {
        Some(names) => door.with_names(names.clone()),
        None => door,
    };
    Ok(match &options.own.allowed_origins {
        Some(origins) => door.with_origins(origins.clone()),
        None => door,
    })
}

type LocalApi = Api<SqliteStore, TokioQueue, TokioHeartbeat>;

/// A server that has taken its port and read its certificate, and does not answer yet.
pub(crate) struct Server {
    web: WebSettings,
    listener: TcpListener,
    tls: Option<Tls>,
    limits: Limits,
}

impl Server {
    /// Reads the certificate and takes the port. `open` is the warning about who reaches it, if there is one.
    pub(crate) async fn bind(
        web: &WebSettings,
        open: Option<String>,
        descriptors: Descriptors,
    ) -> anyhow::Result<Self> {
        let tls = web.tls.as_ref().map(Tls::read).transpose()?;
        // clients compare a certificate with the wall clock, not with the clock of the runs
        let trouble = tls
            .as_ref()
            .and_then(|tls| tls.trouble(Clock::system().now()));
        if let Some(trouble) = trouble {
            tracing::warn!("{trouble}");
        }
        let (host, port) = (web.host, web.port);
        let listener = host.listen(port).await;
        let listener = listener.with_context(|| {
            format!(
                "cannot serve on {host}:{port}: choose another port with {}, or stop what uses it",
                web.port_option
            )
        })?;
        if let Some(open) = open {
            tracing::warn!("{open}");
        }
        Ok(Self {
            web: web.clone(),
            listener,
            tls,
            limits: descriptors.api(),
        })
    }

    pub(crate) fn start(self, engine: &Engine, door: Door, logs: LogBuffer) -> Running {
        let router = router(self.api(engine, door, logs));
        let router = self.web.base_path.over(self.web.trace_url.over(router));
        self.serve(router, "serving Locust's API at ", "")
    }

    /// Serves `/metrics` and nothing else.
    pub(crate) fn start_metrics(self, engine: &Engine, door: Door, logs: LogBuffer) -> Running {
        let router = metrics_router(self.api(engine, door, logs));
        self.serve(router, "serving metrics at ", "/metrics")
    }

    fn api(&self, engine: &Engine, door: Door, logs: LogBuffer) -> LocalApi {
        Api {
            control: Arc::clone(&engine.control),
            aggregation: Arc::clone(&engine.aggregation),
            logs,
            trouble: engine.trouble.clone(),
            door: door.with_places(self.limits.connections),
        }
    }

    fn serve(self, router: axum::Router, said: &str, path: &str) -> Running {
        if let Ok(address) = self.listener.local_addr() {
            tracing::info!("{said}{}{path}", self.web.url(address));
        }
        let serving = Serving {
            router,
            tls: self.tls,
            limits: self.limits,
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(serve::serve(self.listener, serving, async {
            // a server whose `Running` is dropped stops, too
            let _ = stopped.await;
        }));
        Running { stop, task }
    }
}

/// A server that answers until it is stopped.
pub(crate) struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    /// Answers the requests that have arrived, and stops.
    pub(crate) async fn stop(self) {
        let _ = self.stop.send(());
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the web server has failed");
        }
    }
}

fn host(options: &Options) -> Result<WebHost, SettingsError> {
    let host = &options.web.web_host;
    host.parse()
        .map_err(|_| SettingsError::WebHost(host.trim().into()))
}

/// As in Locust, an empty name is none; unlike there, one of the two is a mistake.
fn tls(options: &Options) -> Result<Option<TlsFiles>, SettingsError> {
    match (named(&options.web.tls_cert), named(&options.web.tls_key)) {
        (Some(certificate), Some(key)) => Ok(Some(TlsFiles { certificate, key })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(SettingsError::HalfOfTls("--tls-key")),
        (None, Some(_)) => Err(SettingsError::HalfOfTls("--tls-cert")),
    }
}
