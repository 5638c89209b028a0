//! What a reader of a page sees. Only as much of HTML is known as it takes to leave out what nobody reads: a model understands the rest.

/// The text of a page; what is no HTML stays as it is.
pub fn text(page: &str) -> String {
    let start: String = page
        .chars()
        .take(1000)
        .collect::<String>()
        .to_ascii_lowercase();
    if !(start.contains("<html") || start.contains("<!doctype html")) {
        return page.to_owned();
    }
    let mut text = String::new();
    let mut rest = page;
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        rest = after_tag(after, &mut text);
    }
    text.push_str(rest);
    plain(&text)
}

/// Elements whose content is not read.
const UNREAD: [&str; 4] = ["script", "style", "svg", "template"];
const INLINE: [&str; 12] = [
    "a", "b", "i", "em", "strong", "code", "span", "sub", "sup", "small", "abbr", "u",
];

/// What follows a tag, whose first `<` was taken.
fn after_tag<'a>(tag: &'a str, text: &mut String) -> &'a str {
    if let Some(comment) = tag.strip_prefix("!--") {
        return comment.split_once("-->").map_or("", |(_, rest)| rest);
    }
    let name: String = tag
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_ascii_lowercase();
    let rest = tag.split_once('>').map_or("", |(_, rest)| rest);
    if UNREAD.contains(&name.as_str()) {
        let end = format!("</{name}");
        // ASCII alone changes its case, so places stay.
        let at = rest.to_ascii_lowercase().find(&end);
        return at
            .and_then(|at| rest.get(at..))
            .map_or("", |rest| rest.split_once('>').map_or("", |(_, rest)| rest));
    }
    let closed = tag.trim_start_matches('/');
    let closed: String = closed
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_ascii_lowercase();
    if !INLINE.contains(&closed.as_str()) {
        text.push('\n');
    }
    rest
}

/// Without entities and empty lines.
fn plain(text: &str) -> String {
    let text = text
        .replace("&nbsp;", " ")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"");
    let text = text.replace("&#39;", "'").replace("&amp;", "&");
    let lines = text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_html_the_text_is_left() {
        let page = "<!DOCTYPE html><html><head><title>T</title><style>p { color: red }</style></head><body><!-- <p>no</p> -->\
                    <SCRIPT>if (a < b) {}</SCRIPT><p>One &amp; <b>two</b>,\n three</p><p>four &lt;p&gt;</p></body></html>";
        assert_eq!(text(page), "T\nOne & two,\nthree\nfour <p>");
        assert_eq!(text("{\"a\": \"<b>\"}"), "{\"a\": \"<b>\"}");
        assert_eq!(text("<html><script>never ends"), "");
    }
}
