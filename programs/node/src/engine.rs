//! The one engine: made while the program is built, found in memory when it starts.

use crate::{library, natives};
use rquickjs::loader::{ImportAttributes, Loader, Resolver};
use rquickjs::module::Declared;
use rquickjs::{
    CatchResultExt, Context, Ctx, Error, Function, Module, Object, Persistent, Result, Runtime,
    Value, qjs,
};
use std::cell::{OnceCell, RefCell};
use std::ptr::NonNull;

/// What C code may use of the stack in linear memory, which has 4 MiB, before JavaScript gets a `RangeError`.
/// At that depth it has used less than the 32 MiB that a runner gives WebAssembly.
const STACK_BYTES_MAX: usize = 3 << 20;

/// A collection when this much was allocated since the last one. QuickJS's own 256 KiB makes short programs collect
/// the whole image again and again.
const COLLECT_BYTES: usize = 64 << 20;

thread_local! {
    static ENGINE: OnceCell<Engine> = const { OnceCell::new() };
    static PROMISE_HOOK: RefCell<Option<Persistent<Function<'static>>>> = const { RefCell::new(None) };
    static HOOKS: RefCell<Option<Hooks>> = const { RefCell::new(None) };
}

struct Engine {
    context: Context,
    #[expect(dead_code, reason = "keeps the engine alive")]
    runtime: Runtime,
}

/// Functions of the JavaScript side that the engine calls.
#[derive(Clone)]
struct Hooks {
    main: Persistent<Function<'static>>,
    resolve: Persistent<Function<'static>>,
    load: Persistent<Function<'static>>,
    meta: Persistent<Function<'static>>,
    rejection: Persistent<Function<'static>>,
}

/// Makes the engine and evaluates the built-in modules. A fault ends the build, so it may trap.
pub fn initialise() {
    if let Err(message) = try_initialise() {
        eprintln!("node: the built-in modules do not load: {message}");
        std::process::abort();
    }
}

fn try_initialise() -> std::result::Result<(), String> {
    let text = |error: Error| error.to_string();
    let runtime = Runtime::new().map_err(text)?;
    runtime.set_max_stack_size(STACK_BYTES_MAX);
    runtime.set_gc_threshold(COLLECT_BYTES);
    runtime.set_loader(Modules, Modules);
    runtime.set_host_promise_rejection_tracker(Some(Box::new(
        |ctx, promise, reason, is_handled| {
            let _ = on_rejection(&ctx, promise, reason, is_handled);
        },
    )));
    let context = Context::full(&runtime).map_err(text)?;
    context.with(|ctx| boot(&ctx).catch(&ctx).map_err(|error| format!("{error:?}")))?;
    runtime.run_gc();
    ENGINE.with(|engine| {
        engine
            .set(Engine { context, runtime })
            .map_err(|_| "made twice".to_owned())
    })
}

fn boot(ctx: &Ctx<'_>) -> Result<()> {
    ctx.globals().set("__native", natives::object(ctx)?)?;
    Module::import(ctx, "lib:boot")?.finish::<()>()?;
    while ctx.execute_pending_job() {}
    ctx.globals().remove("__native")
}

/// Runs the program to its end; its exit code.
pub fn run() -> i32 {
    // An image has it; a component as the compiler made it has not.
    if ENGINE.with(|engine| engine.get().is_none()) {
        initialise();
    }
    let code = ENGINE.with(|engine| {
        let engine = engine.get()?;
        engine.context.with(|ctx| {
            let main = hooks()?.main.restore(&ctx).ok()?;
            main.call::<_, i32>(())
                .catch(&ctx)
                .map_err(|error| eprintln!("node: {error}"))
                .ok()
        })
    });
    code.unwrap_or(70)
}

pub fn set_hooks<'js>(ctx: Ctx<'js>, hooks: Object<'js>) -> Result<()> {
    let get = |name: &str| {
        let hook: Function = hooks.get(name)?;
        Ok::<_, Error>(Persistent::save(&ctx, hook))
    };
    let hooks = Hooks {
        main: get("main")?,
        resolve: get("resolve")?,
        load: get("load")?,
        meta: get("meta")?,
        rejection: get("rejection")?,
    };
    HOOKS.with(|kept| kept.replace(Some(hooks)));
    Ok(())
}

/// Calls back when a promise is made (0), and before (1) and after (2) what waits for it runs.
pub fn set_promise_hook<'js>(ctx: Ctx<'js>, hook: Function<'js>) {
    let hook = Persistent::save(&ctx, hook);
    PROMISE_HOOK.with(|kept| kept.replace(Some(hook)));
    // SAFETY: the runtime is the one that runs this. `Runtime::set_promise_hook` would ask for a lock that `run` holds.
    unsafe {
        let runtime = qjs::JS_GetRuntime(ctx.as_raw().as_ptr());
        qjs::JS_SetPromiseHook(runtime, Some(on_promise), std::ptr::null_mut());
    }
}

unsafe extern "C" fn on_promise(
    context: *mut qjs::JSContext,
    event: qjs::JSPromiseHookType,
    promise: qjs::JSValue,
    _: qjs::JSValue,
    _: *mut std::ffi::c_void,
) {
    let event = match event {
        qjs::JSPromiseHookType_JS_PROMISE_HOOK_INIT => 0,
        qjs::JSPromiseHookType_JS_PROMISE_HOOK_BEFORE => 1,
        qjs::JSPromiseHookType_JS_PROMISE_HOOK_AFTER => 2,
        _ => return,
    };
    let (Some(context), Some(hook)) = (
        NonNull::new(context),
        PROMISE_HOOK.with(|hook| hook.borrow().clone()),
    ) else {
        return;
    };
    // SAFETY: the engine lends the context and the promise for this call.
    let (ctx, promise) = unsafe {
        let ctx = Ctx::from_raw(context);
        let promise = Value::from_raw(ctx.clone(), qjs::JS_DupValue(context.as_ptr(), promise));
        (ctx, promise)
    };
    let _ = hook
        .restore(&ctx)
        .and_then(|hook| hook.call::<_, ()>((event, promise)));
}

fn hooks() -> Option<Hooks> {
    HOOKS.with(|hooks| hooks.borrow().clone())
}

fn on_rejection<'js>(
    ctx: &Ctx<'js>,
    promise: Value<'js>,
    reason: Value<'js>,
    is_handled: bool,
) -> Result<()> {
    let Some(hooks) = hooks() else { return Ok(()) };
    hooks
        .rejection
        .restore(ctx)?
        .call((promise, reason, is_handled))
}

/// Finds modules. A built-in one sees built-in ones; all others are the JavaScript side's affair.
struct Modules;

fn type_of(attributes: Option<&ImportAttributes<'_>>) -> Option<String> {
    attributes.and_then(|attributes| attributes.get_type().ok().flatten())
}

impl Resolver for Modules {
    fn resolve<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        base: &str,
        name: &str,
        attributes: Option<ImportAttributes<'js>>,
    ) -> Result<String> {
        let within = base.starts_with(library::SCHEME) || base.starts_with("node:");
        let (false, Some(hooks)) = (within || base.is_empty(), hooks()) else {
            return Ok(if within && !name.starts_with("file:") {
                library::resolve(name)
            } else {
                name.to_owned()
            });
        };
        let resolve = hooks.resolve.restore(ctx)?;
        resolve.call((base, name, type_of(attributes.as_ref())))
    }
}

impl Loader for Modules {
    fn load<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        name: &str,
        attributes: Option<ImportAttributes<'js>>,
    ) -> Result<Module<'js, Declared>> {
        if let Some(module) = library::declare(ctx, name) {
            return module;
        }
        let hooks = hooks().ok_or_else(|| Error::new_loading(name))?;
        let source: String = hooks
            .load
            .restore(ctx)?
            .call((name, type_of(attributes.as_ref())))?;
        let module = Module::declare(ctx.clone(), name, source)?;
        hooks
            .meta
            .restore(ctx)?
            .call::<_, ()>((module.meta()?, name))?;
        Ok(module)
    }
}
