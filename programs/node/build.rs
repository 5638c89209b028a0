//! Gathers the built-in modules: ours in `js/`, and those taken from the crate `wasm-rquickjs`, which the lock file
//! pins and nothing links.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, error::Error, fmt::Write as _, fs};

/// Taken JavaScript: the module's name and its file in the crate's `skeleton/src/builtin`.
const TAKEN_SCRIPTS: [(&str, &str); 59] = [
    ("abort_controller", "abort_controller.js"),
    ("assert", "assert.js"),
    ("base64-js", "base64.js"),
    ("buffer", "buffer.js"),
    ("constants", "constants.js"),
    ("diagnostics_channel", "diagnostics_channel.js"),
    ("encoding", "encoding.js"),
    ("events", "events.js"),
    ("http_blob", "fetch-blob-4.0.0.js"),
    ("http_form_data", "formdata-polyfill-4.0.10.js"),
    ("ieee754", "ieee754.js"),
    ("internal/binding/util", "internal/binding/util.js"),
    ("internal/errors", "internal/errors.js"),
    (
        "internal/normalize_encoding",
        "internal/normalize_encoding.js",
    ),
    (
        "internal/streams/add-abort-signal",
        "internal/streams/add-abort-signal.js",
    ),
    (
        "internal/streams/buffer_list",
        "internal/streams/buffer_list.js",
    ),
    ("internal/streams/compose", "internal/streams/compose.js"),
    ("internal/streams/destroy", "internal/streams/destroy.js"),
    ("internal/streams/duplex", "internal/streams/duplex.js"),
    (
        "internal/streams/end-of-stream",
        "internal/streams/end-of-stream.js",
    ),
    ("internal/streams/from", "internal/streams/from.js"),
    ("internal/streams/legacy", "internal/streams/legacy.js"),
    (
        "internal/streams/passthrough",
        "internal/streams/passthrough.js",
    ),
    ("internal/streams/pipeline", "internal/streams/pipeline.js"),
    ("internal/streams/readable", "internal/streams/readable.js"),
    ("internal/streams/state", "internal/streams/state.js"),
    (
        "internal/streams/transform",
        "internal/streams/transform.js",
    ),
    ("internal/streams/utils", "internal/streams/utils.js"),
    ("internal/streams/writable", "internal/streams/writable.js"),
    ("internal/timers", "internal/timers.js"),
    ("internal/url", "internal/url.js"),
    ("internal/util", "internal/util.js"),
    ("internal/util/debuglog", "internal/util/debuglog.js"),
    ("internal/util/inspect", "internal/util/inspect.js"),
    ("internal/util/types", "internal/util/types.js"),
    ("internal/validators", "internal/validators.js"),
    ("internal/weak_collections", "internal/weak_collections.js"),
    ("internal/webstreams/util", "internal/webstreams_util.js"),
    ("intl", "intl.js"),
    ("path", "path.js"),
    ("punycode", "punycode.js"),
    ("querystring", "querystring.js"),
    ("stream", "stream.js"),
    ("stream/consumers", "stream_consumers.js"),
    ("stream/promises", "stream_promises.js"),
    ("streams", "web-streams-polyfill-4.1.0.js"),
    ("string_decoder", "string_decoder.js"),
    ("structured_clone", "structured_clone.js"),
    ("trace_events", "trace_events.js"),
    ("url", "url.js"),
    ("util", "util.js"),
    ("webstreams", "webstreams.js"),
    ("zlib", "zlib.js"),
    ("inspector", "inspector.js"),
    ("cluster", "cluster.js"),
    ("repl", "repl.js"),
    ("internal/source_map_url", "internal/source_map_url.js"),
    ("internal/fs/utils", "internal/fs/utils.js"),
    ("internal/http", "internal/http.js"),
];

/// What is wrong in a taken module: its file, the text, and the text instead.
const CHANGES: [(&str, &str, &str); 4] = [
    // A zero byte is written as one.
    ("url.js", "/[!'\\(\\)~]|%20|%00/g", "/[!'\\(\\)~]|%20/g"),
    // What a caller leaves out: the colon, the question mark and the number sign.
    (
        "url.js",
        "    const protocol = urlObject.protocol || '';\n    let pathname",
        "    let protocol = urlObject.protocol || '';\n    if (protocol && !protocol.endsWith(':')) protocol += ':';\n    let pathname",
    ),
    (
        "url.js",
        "    if (urlObject.search) {\n        result += urlObject.search;\n    } else if",
        "    if (urlObject.search) {\n        result += urlObject.search.replace(/^(?!\\?)/, '?');\n    } else if",
    ),
    (
        "url.js",
        "    if (urlObject.hash) {\n        result += urlObject.hash;\n    }\n\n    return result;\n}\n\nconst SLASHED",
        "    if (urlObject.hash) {\n        result += urlObject.hash.replace(/^(?!#)/, '#');\n    }\n\n    return result;\n}\n\nconst SLASHED",
    ),
];

/// Taken Rust: what those modules call.
const TAKEN_NATIVES: [(&str, &str); 6] = [
    ("encoding", "encoding.rs"),
    ("internal_binding_util", "internal_binding_util.rs"),
    ("intl", "intl.rs"),
    ("string_decoder", "string_decoder.rs"),
    ("url", "url.rs"),
    ("zlib", "zlib.rs"),
];

fn main() -> Result<(), Box<dyn Error>> {
    // QuickJS recurses on the stack in linear memory; see `STACK_BYTES_MAX` in `engine.rs`.
    println!("cargo:rustc-link-arg=-zstack-size=4194304");
    println!("cargo:rerun-if-changed=js");
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let taken = taken(&here)?;
    let mut library = String::from("pub static SCRIPTS: &[(&str, &str)] = &[\n");
    for (name, file) in own(&here.join("js"))? {
        let _ = writeln!(library, "({name:?}, include_str!({file:?})),");
    }
    let out = PathBuf::from(env::var("OUT_DIR")?);
    for (name, file) in TAKEN_SCRIPTS {
        let file = changed(&taken, file, &out)?;
        let _ = writeln!(library, "({name:?}, include_str!({file:?})),");
    }
    library.push_str("];\n");
    fs::write(out.join("library.rs"), library)?;

    let mut natives = String::new();
    for (name, file) in TAKEN_NATIVES {
        let file = existing(taken.join(file))?;
        let _ = writeln!(natives, "#[path = {file:?}]\npub mod {name};");
    }
    fs::write(out.join("taken.rs"), natives)?;
    Ok(())
}

/// The modules in a folder, `js/fs/promises.js` as `fs/promises`; in order, so that the image is.
fn own(folder: &Path) -> Result<Vec<(String, PathBuf)>, Box<dyn Error>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "js") {
                let name = path.strip_prefix(folder)?.with_extension("");
                found.push((name.to_string_lossy().into_owned(), path));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The file as it is, or a copy with what is wrong in it put right.
fn changed(taken: &Path, file: &str, out: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let path = existing(taken.join(file))?;
    let mut text = None;
    for (_, from, to) in CHANGES.iter().filter(|(changed, ..)| *changed == file) {
        let before = match text {
            Some(text) => text,
            None => fs::read_to_string(&path)?,
        };
        if before.matches(from).count() != 1 {
            return Err(format!("{} does not have once: {from}", path.display()).into());
        }
        text = Some(before.replace(from, to));
    }
    let Some(text) = text else { return Ok(path) };
    let copy = out.join(file.replace('/', "-"));
    fs::write(&copy, text)?;
    Ok(copy)
}

fn existing(file: PathBuf) -> Result<PathBuf, Box<dyn Error>> {
    if file.exists() {
        Ok(file)
    } else {
        Err(format!("{} is missing in the crate", file.display()).into())
    }
}

/// Where cargo keeps the crate that the modules are taken from.
fn taken(here: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let output = Command::new(env::var("CARGO")?)
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(here)
        .output()?;
    if !output.status.success() {
        return Err(format!(
            "cargo metadata failed: {}",
            String::from_utf8_lossy(&output.stderr)
        )
        .into());
    }
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    metadata["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|package| package["name"] == "wasm-rquickjs")
        .and_then(|package| Path::new(package["manifest_path"].as_str()?).parent())
        .map(|folder| folder.join("skeleton/src/builtin"))
        .ok_or_else(|| "cargo knows no package wasm-rquickjs".into())
}
