//! The names of spans, attributes and metrics. Those of `gen_ai` are the GenAI conventions', which are still in development
//! and live in a repository of their own, so that no crate has them that is not deprecated. Those of `swarm_flow` are ours.

pub const INVOKE_WORKFLOW: &str = "invoke_workflow";
pub const INVOKE_AGENT: &str = "invoke_agent";
pub const EXECUTE_TOOL: &str = "execute_tool";
pub const CHAT: &str = "chat";

pub const OPERATION_NAME: &str = "gen_ai.operation.name";
pub const WORKFLOW_NAME: &str = "gen_ai.workflow.name";
pub const AGENT_NAME: &str = "gen_ai.agent.name";
pub const CONVERSATION_ID: &str = "gen_ai.conversation.id";
pub const TOOL_NAME: &str = "gen_ai.tool.name";
pub const TOOL_CALL_ID: &str = "gen_ai.tool.call.id";
pub const PROVIDER_NAME: &str = "gen_ai.provider.name";
pub const REQUEST_MODEL: &str = "gen_ai.request.model";
pub const REQUEST_MAX_TOKENS: &str = "gen_ai.request.max_tokens";
pub const REQUEST_TEMPERATURE: &str = "gen_ai.request.temperature";
pub const RESPONSE_MODEL: &str = "gen_ai.response.model";
pub const FINISH_REASONS: &str = "gen_ai.response.finish_reasons";
pub const INPUT_TOKENS: &str = "gen_ai.usage.input_tokens";
pub const CACHED_INPUT_TOKENS: &str = "gen_ai.usage.cache_read.input_tokens";
pub const OUTPUT_TOKENS: &str = "gen_ai.usage.output_tokens";
pub const REASONING_TOKENS: &str = "gen_ai.usage.reasoning.output_tokens";
pub const TOKEN_TYPE: &str = "gen_ai.token.type";
pub const INPUT_MESSAGES: &str = "gen_ai.input.messages";
pub const OUTPUT_MESSAGES: &str = "gen_ai.output.messages";
pub const ERROR_TYPE: &str = "error.type";
pub const EXIT_CODE: &str = "process.exit.code";
pub const METHOD: &str = "http.request.method";
pub const ROUTE: &str = "http.route";
pub const STATUS: &str = "http.response.status_code";
pub const SCHEME: &str = "url.scheme";
pub const MCP_METHOD: &str = "mcp.method.name";

pub const RUN_ID: &str = "swarm_flow.run.id";
pub const STRATEGY: &str = "swarm_flow.run.strategy";
pub const OUTCOME: &str = "swarm_flow.outcome";
pub const TASK_ID: &str = "swarm_flow.task.id";
pub const TASK_INDEX: &str = "swarm_flow.task.index";
pub const TASK_ATTEMPT: &str = "swarm_flow.task.attempt";
pub const WORKSPACE_ID: &str = "swarm_flow.workspace.id";
pub const AGENT_DIGEST: &str = "swarm_flow.agent.digest";
pub const CAPABILITY: &str = "swarm_flow.capability";

pub const WORKFLOW_DURATION: &str = "gen_ai.workflow.duration";
pub const INVOKE_AGENT_DURATION: &str = "gen_ai.invoke_agent.duration";
pub const EXECUTE_TOOL_DURATION: &str = "gen_ai.execute_tool.duration";
pub const CLIENT_DURATION: &str = "gen_ai.client.operation.duration";
pub const CLIENT_TOKENS: &str = "gen_ai.client.token.usage";
pub const REQUEST_DURATION: &str = "http.server.request.duration";
pub const SANDBOXES: &str = "swarm_flow.sandboxes.live";
pub const TASKS: &str = "swarm_flow.tasks";
pub const DENIALS: &str = "swarm_flow.policy.denials";

#[cfg(test)]
mod tests {
    #[test]
    fn each_name_is_in_the_documentation() {
        let documented = include_str!("../../../docs/telemetry.md");
        let names = include_str!("names.rs").lines();
        let names = names.filter(|line| line.starts_with("pub const "));
        for name in names.filter_map(|line| line.split('"').nth(1)) {
            assert!(documented.contains(&format!("`{name}")), "{name}");
        }
    }
}
