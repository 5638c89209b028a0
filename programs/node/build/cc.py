"""A C compiler for WASI: zig's, given what cargo gives a compiler. Other C than QuickJS's it compiles as it is.

QuickJS is changed on the way. It has a limit of the stack: see `quickjs.h`. A name in UTF-8 is not taken for another in
Latin-1. Whoever follows promises is told of each function that waits for one, when it begins to wait and around its run;
without that no context outlives an `await`. And the seed of `Math.random` can be set.
"""

import subprocess
import sys
from pathlib import Path

CHANGES = {
    # Parsers and JSON take far more of WebAssembly's stack than of this one, whose limit stops them. They ask for 1000 bytes.
    "    sp = js_get_stack_pointer() - alloca_size;\n": """\
    if (alloca_size == 1000)
        alloca_size = 2 << 20;
    sp = js_get_stack_pointer() - alloca_size;
""",
    "    if (js_check_stack_overflow(ctx->rt, 0)) {\n        return JS_ThrowStackOverflow(ctx);\n    }\n\n    if (pr) {": """\
    if (js_check_stack_overflow(ctx->rt, 1000)) {
        return JS_ThrowStackOverflow(ctx);
    }

    if (pr) {""",
    "    prop = JS_UNDEFINED;\n\n    if (js_check_stack_overflow(ctx->rt, 0)) {\n        JS_ThrowStackOverflow(ctx);\n        goto exception;": """\
    prop = JS_UNDEFINED;

    if (js_check_stack_overflow(ctx->rt, 1000)) {
        JS_ThrowStackOverflow(ctx);
        goto exception;""",
    "    if (len == 0 || !is_digit(*str)) {\n        // TODO(chqrlie)": """\
    size_t ascii = 0;
    while (ascii < len && (signed char)str[ascii] >= 0)
        ascii++;
    if (ascii == len && (len == 0 || !is_digit(*str))) {
        // TODO(chqrlie)""",
    "        rd->handler = js_dup(handler);\n": """\
        rd->handler = js_dup(handler);
        if (ctx->rt->promise_hook && !JS_IsUndefined(handler))
            ctx->rt->promise_hook(ctx, JS_PROMISE_HOOK_INIT, handler, JS_UNDEFINED, ctx->rt->promise_hook_opaque);
""",
    "        res = JS_Call(ctx, handler, JS_UNDEFINED, 1, &arg);\n": """\
        if (ctx->rt->promise_hook)
            ctx->rt->promise_hook(ctx, JS_PROMISE_HOOK_BEFORE, handler, JS_UNDEFINED, ctx->rt->promise_hook_opaque);
        res = JS_Call(ctx, handler, JS_UNDEFINED, 1, &arg);
        if (ctx->rt->promise_hook)
            ctx->rt->promise_hook(ctx, JS_PROMISE_HOOK_AFTER, handler, JS_UNDEFINED, ctx->rt->promise_hook_opaque);
""",
}


SEED = """
/* The seed of `Math.random` is drawn when a context is made, so that of an image is known. */
void swarm_flow_seed(JSContext *ctx, uint64_t seed)
{
    ctx->random_state = seed ? seed : 1;
}
"""


def changed(source):
    """The file to compile instead, beside it."""
    text = source.read_text()
    for old, new in CHANGES.items():
        if text.count(old) != 1:
            sys.exit(f"{source} is not the QuickJS that cc.py knows: it has {text.count(old)} times\n{old}")
        text = text.replace(old, new)
    result = source.with_name("changed-" + source.name)
    result.write_text(text + SEED)
    return result


def main():
    arguments = ["-target", "wasm32-wasi", "-fno-sanitize=all"]
    for argument in sys.argv[1:]:
        if argument.startswith("--target="):
            continue
        source = Path(argument)
        if source.suffix == ".c" and (source.parent / "quickjs-opcode.h").exists():
            arguments += ["-O3", "-DNDEBUG", "-include", str(Path(__file__).resolve().parent / "quickjs.h")]
            if source.name == "quickjs.c":
                argument = str(changed(source))
        arguments.append(argument)
    sys.exit(subprocess.call([sys.executable, "-m", "ziglang", "cc", *arguments]))


if __name__ == "__main__":
    main()
