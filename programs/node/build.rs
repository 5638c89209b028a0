//! Gathers the built-in modules: ours in `js/`, and those taken from the crate `wasm-rquickjs`, which the lock file
//! pins and nothing links.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, error::Error, fmt::Write as _, fs};

/// Taken JavaScript: the module's name and its file in the crate's `skeleton/src/builtin`.
const TAKEN_SCRIPTS: [(&str, &str); 61] = [
    ("abort_controller", "abort_controller.js"),
    ("assert", "assert.js"),
    ("base64-js", "base64.js"),
    ("buffer", "buffer.js"),
    ("constants", "constants.js"),
    ("diagnostics_channel", "diagnostics_channel.js"),
    ("domain", "domain.js"),
    ("encoding", "encoding.js"),
    ("events", "events.js"),
    ("http_blob", "fetch-blob-4.0.0.js"),
    ("http_form_data", "formdata-polyfill-4.0.10.js"),
    ("ieee754", "ieee754.js"),
    ("internal/binding/util", "internal/binding/util.js"),
    ("internal/errors", "internal/errors.js"),
    ("internal/normalize_encoding", "internal/normalize_encoding.js"),
    ("internal/streams/add-abort-signal", "internal/streams/add-abort-signal.js"),
    ("internal/streams/buffer_list", "internal/streams/buffer_list.js"),
    ("internal/streams/compose", "internal/streams/compose.js"),
    ("internal/streams/destroy", "internal/streams/destroy.js"),
    ("internal/streams/duplex", "internal/streams/duplex.js"),
    ("internal/streams/end-of-stream", "internal/streams/end-of-stream.js"),
    ("internal/streams/from", "internal/streams/from.js"),
    ("internal/streams/legacy", "internal/streams/legacy.js"),
    ("internal/streams/passthrough", "internal/streams/passthrough.js"),
    ("internal/streams/pipeline", "internal/streams/pipeline.js"),
    ("internal/streams/readable", "internal/streams/readable.js"),
    ("internal/streams/state", "internal/streams/state.js"),
    ("internal/streams/transform", "internal/streams/transform.js"),
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
    ("console", "console.js"),
    ("inspector", "inspector.js"),
    ("cluster", "cluster.js"),
    ("repl", "repl.js"),
    ("internal/source_map_url", "internal/source_map_url.js"),
    ("internal/fs/utils", "internal/fs/utils.js"),
    ("internal/http", "internal/http.js"),
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
    println!("cargo:rerun-if-changed=js");
    println!("cargo:rerun-if-changed=Cargo.lock");
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let taken = taken(&here)?;
    let mut library = String::from("pub static SCRIPTS: &[(&str, &str)] = &[\n");
    for (name, file) in own(&here.join("js"))? {
        let _ = writeln!(library, "({name:?}, include_str!({file:?})),");
    }
    for (name, file) in TAKEN_SCRIPTS {
        let file = existing(taken.join(file))?;
        let _ = writeln!(library, "({name:?}, include_str!({file:?})),");
    }
    library.push_str("];\n");
    let out = PathBuf::from(env::var("OUT_DIR")?);
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

fn existing(file: PathBuf) -> Result<PathBuf, Box<dyn Error>> {
    if file.exists() { Ok(file) } else { Err(format!("{} is missing in the crate", file.display()).into()) }
}

/// Where cargo keeps the crate that the modules are taken from.
fn taken(here: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let output = Command::new(env::var("CARGO")?)
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(here)
        .output()?;
    if !output.status.success() {
        return Err(format!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr)).into());
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
