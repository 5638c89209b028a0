//! Functions that take file names apart and put them together, as text.

use super::text::join;

/// Whether the function is one of these.
pub fn run<'a>(out: &mut String, name: &str, argument: &impl Fn(usize) -> &'a str) -> bool {
    let words = |index: usize| argument(index).split_ascii_whitespace();
    match name {
        "dir" => join(out, words(0).map(folder)),
        "notdir" => join(out, words(0).map(|word| split(word).1)),
        "suffix" => join(out, words(0).map(suffix).filter(|end| !end.is_empty())),
        "basename" => join(
            out,
            words(0).map(|word| word.strip_suffix(suffix(word)).unwrap_or(word)),
        ),
        "addprefix" => {
            let all: Vec<String> = words(1).map(|w| format!("{}{w}", argument(0))).collect();
            out.push_str(&all.join(" "));
        }
        "addsuffix" => {
            let all: Vec<String> = words(1).map(|w| format!("{w}{}", argument(0))).collect();
            out.push_str(&all.join(" "));
        }
        "join" => {
            let (mut heads, mut tails) = (words(0), words(1));
            let pairs = std::iter::from_fn(|| match (heads.next(), tails.next()) {
                (None, None) => None,
                (head, tail) => Some(format!(
                    "{}{}",
                    head.unwrap_or_default(),
                    tail.unwrap_or_default()
                )),
            });
            out.push_str(&pairs.collect::<Vec<_>>().join(" "));
        }
        _ => return false,
    }
    true
}

/// The folder with its `/`, and the name.
fn split(word: &str) -> (&str, &str) {
    word.split_at(word.rfind('/').map_or(0, |at| at + 1))
}

fn folder(word: &str) -> &str {
    match split(word).0 {
        "" => "./",
        folder => folder,
    }
}

/// From the last dot of the name on.
fn suffix(word: &str) -> &str {
    let name = split(word).1;
    name.rfind('.')
        .map_or("", |at| name.get(at..).unwrap_or_default())
}
