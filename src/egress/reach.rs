//! What a request to the model would have the model's service itself do: fetch, search, connect,
//! run. That is a way around the allow list, since the service reaches the whole internet.

use serde_json::Value;

/// Tools that the client runs, or that stay within the conversation, by the beginnings of their
/// types. Whatever else there is or will be is the service's own.
const CLIENT_TOOLS: [&str; 7] = [
    "custom",
    "bash_",
    "text_editor_",
    "memory_",
    "computer_",
    "tool_search_tool_",
    "advisor_",
];

/// What in a request reaches beyond the model; `None`: nothing.
pub(super) fn beyond(request: &Value) -> Option<String> {
    let tools = request.get("tools").and_then(Value::as_array);
    for tool in tools.into_iter().flatten() {
        let kind = match tool.get("type") {
            None => continue,
            Some(kind) => kind.as_str().unwrap_or_default(),
        };
        if !CLIENT_TOOLS.iter().any(|known| kind.starts_with(known)) {
            let kind = crate::text::one_line(kind, 60);
            return Some(format!("a tool of the service's own ({kind})"));
        }
    }
    for field in ["mcp_servers", "container"] {
        if request.get(field).is_some_and(|given| !is_nothing(given)) {
            return Some(format!("\"{field}\""));
        }
    }
    let parts = ["messages", "system"]
        .iter()
        .filter_map(|f| request.get(*f));
    parts
        .into_iter()
        .any(fetches)
        .then(|| "content that is fetched from an address".to_owned())
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

/// Whether any block's `source` names an address. What a tool was called with, and what it said, is
/// text to the service.
fn fetches(value: &Value) -> bool {
    match value {
        Value::Array(list) => list.iter().any(fetches),
        Value::Object(map) => {
            let source = map.get("source").and_then(|source| source.get("type"));
            if source.is_some_and(|kind| kind == "url") {
                return true;
            }
            map.iter()
                .any(|(name, inside)| name != "input" && fetches(inside))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_ordinary_request_stays_with_the_model() {
        for request in [
            json!({}),
            json!({"tools": [{"name": "Bash", "input_schema": {}}, {"type": "custom", "name": "x"},
                             {"type": "bash_20250124", "name": "bash"}],
                   "mcp_servers": [], "container": null}),
            json!({"messages": [{"role": "user", "content": [
                {"type": "image", "source": {"type": "base64", "data": ""}},
                {"type": "tool_use", "name": "Write", "input": {"source": {"type": "url"}}},
                {"type": "text", "text": "{\"source\":{\"type\":\"url\"}}"}]}]}),
        ] {
            assert_eq!(beyond(&request), None, "{request}");
        }
    }

    #[test]
    fn what_lets_the_service_fetch_or_connect_is_named() {
        let source = json!({"type": "document", "source": {"type": "url", "url": "https://x"}});
        let result = json!({"type": "tool_result", "content": [source.clone()]});
        for (request, words) in [
            (
                json!({"tools": [{"type": "web_fetch_20250910"}]}),
                "web_fetch",
            ),
            (
                json!({"tools": [{"type": "web_search_20250305"}]}),
                "web_search",
            ),
            (
                json!({"tools": [{"type": "code_execution_20250825"}]}),
                "code_execution",
            ),
            (
                json!({"tools": [{"type": "what_comes_next"}]}),
                "what_comes_next",
            ),
            (json!({"tools": [{"type": 7}]}), "service's own"),
            (
                json!({"mcp_servers": [{"url": "https://x"}]}),
                "mcp_servers",
            ),
            (json!({"container": "c"}), "container"),
            (
                json!({"messages": [{"role": "user", "content": [source]}]}),
                "fetched",
            ),
            (
                json!({"messages": [{"role": "user", "content": [result]}]}),
                "fetched",
            ),
        ] {
            let found = beyond(&request).unwrap_or_default();
            assert!(found.contains(words), "{request}: {found}");
        }
    }
}
