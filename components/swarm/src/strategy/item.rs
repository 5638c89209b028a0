//! Puts an item into the words of a task.

use serde::de::IgnoredAny;
use serde_json::Value;

const PLACE: &str = "{{item}}";

/// The text with the item in the place of each `{{item}}`. In a JSON value the item is escaped as its strings are.
///
/// The text is not parsed and written anew: that would change the order of fields and long numbers. It is not
/// needed either, for in JSON `{{` stands in strings only.
pub fn substitute(context: &str, item: &str) -> String {
    if !context.contains(PLACE) {
        return context.to_owned();
    }
    if serde_json::from_str::<IgnoredAny>(context).is_err() {
        return context.replace(PLACE, item);
    }
    let quoted = Value::from(item).to_string();
    let inner = quoted
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    context.replace(PLACE, inner.unwrap_or(item))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_takes_its_place_and_quotes_stay_right() {
        for (context, item, expected) in [
            ("count {{item}}, {{item}}", "a b", "count a b, a b"),
            ("no place", "a", "no place"),
            ("{{ item }}", "a", "{{ item }}"),
            ("{{item}}", "{{item}}x", "{{item}}x"),
            (
                r#"{"b": "{{item}}", "a": 10000000000000000000000.50}"#,
                "say \"hi\"\n",
                r#"{"b": "say \"hi\"\n", "a": 10000000000000000000000.50}"#,
            ),
            (
                r#"["{{item}}", {"{{item}}": 1}]"#,
                r"\",
                r#"["\\", {"\\": 1}]"#,
            ),
            (r#""{{item}}""#, "\"", r#""\"""#),
            // Not JSON before: the item may be what makes it so.
            (r#"{"n": {{item}}}"#, "5", r#"{"n": 5}"#),
        ] {
            assert_eq!(substitute(context, item), expected, "{context}");
        }
    }
}
