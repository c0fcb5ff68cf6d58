//! The protocol's server: the list of tools, and their calls.

use std::sync::Arc;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData,
    Implementation, ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig,
    ToolAnnotations,
};
use rmcp::service::RequestContext;
use rmcp::{RoleServer, ServerHandler};
use serde_json::Value;

use crate::call::{Api, request};
use crate::tools::{self, Tool};

/// What an agent is told of the server before it calls anything.
const INSTRUCTIONS: &str = "Cicada sends demo traffic to a target as Locust does. A run has a number of simulated users \
     of the workload's classes. Start one, read its statistics, ledger and A/B comparison, and stop it. Times are in \
     milliseconds. Whoever starts users sends requests to a real target: start few unless told otherwise.";

/// The server of one API.
#[derive(Clone)]
pub(crate) struct Server {
    api: Api,
    tools: Arc<[Tool]>,
}

impl Server {
    pub(crate) fn new(api: Api) -> Self {
        Self {
            api,
            tools: tools::all().into(),
        }
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().build();
        let mut info = ServerConfig::new(capabilities);
        info.server_info =
            Implementation::new("cicada", env!("CARGO_PKG_VERSION")).with_title("Cicada");
        info.instructions = Some(INSTRUCTIONS.to_owned());
        info
    }

    async fn list_tools(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tools = self.tools.iter().map(|tool| {
            let hints = ToolAnnotations::new()
                .read_only(tool.only_reads())
                .destructive(matches!(tool.name, "replace_workload" | "delete_schedule"));
            rmcp::model::Tool::new(tool.name, tool.description, Arc::new(tool.schema()))
                .with_annotations(hints)
        });
        Ok(ListToolsResult::with_all_items(tools.collect()))
    }

    /// What the API refuses is an answer that the agent reads, in the API's words.
    async fn call_tool(
        &self,
        called: CallToolRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let tool = self.tools.iter().find(|tool| tool.name == called.name);
        let Some(tool) = tool else {
            let known: Vec<_> = self.tools.iter().map(|tool| tool.name).collect();
            let message = format!(
                "there is no tool {:?}: there are {}",
                called.name,
                known.join(", ")
            );
            return Err(ErrorData::invalid_params(message, None));
        };
        let arguments = called.arguments.unwrap_or_default();
        let answer = match request(tool, &arguments) {
            Ok(request) => self.api.send(request).await,
            Err(mistake) => Err(mistake),
        };
        let result = match answer {
            Ok((status, text)) if status.is_success() => {
                let structured: Option<Value> = serde_json::from_str(&text).ok();
                let structured = structured.filter(Value::is_object);
                let content = vec![ContentBlock::text(text)];
                // as in Locust, a swarm that is refused has status 200
                let is_refused = structured
                    .as_ref()
                    .is_some_and(|told| told["success"] == false);
                let mut result = if is_refused {
                    CallToolResult::error(content)
                } else {
                    CallToolResult::success(content)
                };
                result.structured_content = structured;
                result
            }
            Ok((_, text)) | Err(text) => CallToolResult::error(vec![ContentBlock::text(text)]),
        };
        Ok(result.into())
    }
}
