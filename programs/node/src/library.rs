//! The built-in modules: JavaScript by name, and the native modules under those that are taken.

use rquickjs::module::Declared;
use rquickjs::{Ctx, Module, Result};

mod scripts {
    include!(concat!(env!("OUT_DIR"), "/library.rs"));
}

#[allow(
    warnings,
    clippy::all,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::allow_attributes_without_reason,
    reason = "of the crate that they are taken from"
)]
mod taken {
    include!(concat!(env!("OUT_DIR"), "/taken.rs"));
}

/// Names of built-in modules begin with this; no code of a user can import them by it.
pub const SCHEME: &str = "lib:";

pub fn declare<'js>(ctx: &Ctx<'js>, name: &str) -> Option<Result<Module<'js, Declared>>> {
    let short = name.strip_prefix(SCHEME)?;
    let ctx = ctx.clone();
    Some(match short {
        "encoding_native" => Module::declare_def::<taken::encoding::js_native_module, _>(ctx, name),
        "internal/binding/util_native" => {
            Module::declare_def::<taken::internal_binding_util::js_native_module, _>(ctx, name)
        }
        "intl_native" => Module::declare_def::<taken::intl::js_native_module, _>(ctx, name),
        "string_decoder_native" => {
            Module::declare_def::<taken::string_decoder::js_native_module, _>(ctx, name)
        }
        "url_native" => Module::declare_def::<taken::url::js_native_module, _>(ctx, name),
        "zlib_native" => Module::declare_def::<taken::zlib::js_native_module, _>(ctx, name),
        _ => Module::declare(ctx, name, script(short)?),
    })
}

fn script(name: &str) -> Option<&'static str> {
    scripts::SCRIPTS
        .iter()
        .find_map(|(known, source)| (*known == name).then_some(*source))
}

/// The module that a built-in module means by a specifier.
pub fn resolve(specifier: &str) -> String {
    let name = specifier
        .strip_prefix("__wasm_rquickjs_builtin/")
        .or_else(|| specifier.strip_prefix("node:"))
        .or_else(|| specifier.strip_prefix(SCHEME))
        .unwrap_or(specifier);
    format!("{SCHEME}{name}")
}
