//! The engine itself: scripts, modules, jobs, TypeScript, memory.

use crate::bindings::wasi::random::random;
use crate::{engine, typescript};
use rquickjs::context::EvalOptions;
use rquickjs::prelude::{Func, Opt};
use rquickjs::promise::PromiseState;
use rquickjs::{Ctx, Exception, Module, Object, Promise, Result, Value, qjs};

pub fn install(native: &Object<'_>) -> Result<()> {
    native.set("setHooks", Func::from(engine::set_hooks))?;
    native.set("setPromiseHook", Func::from(engine::set_promise_hook))?;
    native.set("evaluate", Func::from(evaluate))?;
    native.set("importModule", Func::from(import_module))?;
    native.set("declareModule", Func::from(declare_module))?;
    native.set("promiseState", Func::from(promise_state))?;
    native.set(
        "runJobs",
        Func::from(|ctx: Ctx<'_>| while ctx.execute_pending_job() {}),
    )?;
    native.set("seedRandom", Func::from(seed_random))?;
    native.set("collect", Func::from(|ctx: Ctx<'_>| ctx.run_gc()))?;
    native.set("memory", Func::from(memory))?;
    native.set("transpile", Func::from(typescript::transpile))?;
    native.set("mapPosition", Func::from(typescript::position))?;
    native.set("freshContext", Func::from(fresh_context))
}

/// A script's completion value. Sloppy unless it says otherwise, as in Node.js.
fn evaluate<'js>(
    ctx: Ctx<'js>,
    source: String,
    filename: String,
    strict: Opt<bool>,
) -> Result<Value<'js>> {
    let mut options = EvalOptions::default();
    options.strict = strict.0.unwrap_or(false);
    options.filename = Some(filename);
    ctx.eval_with_options(source, options)
}

unsafe extern "C" {
    /// Of QuickJS as `build/cc.py` changes it.
    fn swarm_flow_seed(context: *mut qjs::JSContext, seed: u64);
}

/// Draws the seed of `Math.random` anew.
fn seed_random(ctx: Ctx<'_>) {
    // SAFETY: the context is the one that runs this; any seed will do.
    unsafe { swarm_flow_seed(ctx.as_raw().as_ptr(), random::get_random_u64()) };
}

fn import_module<'js>(ctx: Ctx<'js>, id: String) -> Result<Promise<'js>> {
    Module::import(&ctx, id)
}

/// Only parses, so that a syntax error shows.
fn declare_module(ctx: Ctx<'_>, name: String, source: String) -> Result<()> {
    Module::declare(ctx, name, source).map(drop)
}

/// 0 pending, 1 fulfilled, 2 rejected.
fn promise_state(promise: Promise<'_>) -> u32 {
    match promise.state() {
        PromiseState::Pending => 0,
        PromiseState::Resolved => 1,
        PromiseState::Rejected => 2,
    }
}

/// Bytes that the heap has, and that are in use.
fn memory(ctx: Ctx<'_>) -> Vec<f64> {
    let mut usage = std::mem::MaybeUninit::<qjs::JSMemoryUsage>::zeroed();
    // SAFETY: the runtime is the one that runs this, and zeroed numbers are numbers.
    let usage = unsafe {
        qjs::JS_ComputeMemoryUsage(
            qjs::JS_GetRuntime(ctx.as_raw().as_ptr()),
            usage.as_mut_ptr(),
        );
        usage.assume_init()
    };
    let heap = core::arch::wasm32::memory_size::<0>() as f64 * 65_536.0;
    vec![
        heap,
        usage.malloc_size as f64,
        usage.memory_used_size as f64,
    ]
}

/// The global object of a new realm, for `vm`.
fn fresh_context<'js>(ctx: Ctx<'js>) -> Result<Value<'js>> {
    // SAFETY: a context of the same runtime; it is kept by the objects that are made in it.
    unsafe {
        let runtime = qjs::JS_GetRuntime(ctx.as_raw().as_ptr());
        let made = qjs::JS_NewContext(runtime);
        if made.is_null() {
            return Err(Exception::throw_message(&ctx, "out of memory"));
        }
        let global = qjs::JS_GetGlobalObject(made);
        Ok(Value::from_raw(ctx, global))
    }
}
