//! What the built-in modules cannot do in JavaScript: small functions on one object, which only they see.

mod bytes;
mod crypto;
mod files;
mod http;
mod process;
mod script;
mod streams;
mod table;

use rquickjs::{Ctx, Object, Result};

pub fn object<'js>(ctx: &Ctx<'js>) -> Result<Object<'js>> {
    let native = Object::new(ctx.clone())?;
    bytes::install(&native)?;
    crypto::install(ctx, &native)?;
    files::install(ctx, &native)?;
    http::install(&native)?;
    process::install(&native)?;
    script::install(&native)?;
    streams::install(&native)?;
    Ok(native)
}
