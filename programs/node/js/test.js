// `node:test`: tests, suites, hooks and mocks, one after another, told as TAP or as `spec` does.

import process from 'lib:process';
import assert from 'lib:assert';
import native from 'lib:internal/native';
import { place } from 'lib:internal/trace';
import { reporter } from 'lib:internal/reporters';
import { mock, MockTracker } from 'lib:internal/mock';

export const settings = { reporter: undefined, patterns: [], skipPatterns: [], only: false, timeout: Infinity };
const state = { report: undefined, started: 0, active: false, failed: false, ended: false };
const counts = { tests: 0, suites: 0, pass: 0, fail: 0, cancelled: 0, skipped: 0, todo: 0, topLevel: 0 };

const emit = (type, data) => {
    state.report ??= reporter(settings.reporter);
    state.report(type, data);
};

class Failure extends Error {
    constructor(message, failureType, cause) {
        super(message, { cause });
        this.code = 'ERR_TEST_FAILURE';
        this.failureType = failureType;
    }
}

class Hooks {
    before = [];
    after = [];
    beforeEach = [];
    afterEach = [];
}

class Node {
    children = [];
    hooks = new Hooks();
    number = 0;
    told = 0;
    failedChildren = 0;
    finished = false;
    error;

    constructor(parent, kind, name, options, run, location) {
        Object.assign(this, { parent, kind, name, options, run, location, nesting: parent ? parent.nesting + 1 : -1 });
        this.skip = options.skip ?? false;
        this.todo = options.todo ?? false;
        this.only = options.only ?? false;
        this.startedBefore = false;
    }

    get abort() { return (this.controller ??= new AbortController()); }
    get fullName() { return this.parent?.parent ? `${this.parent.fullName} > ${this.name}` : this.name; }
    *path() {
        if (this.parent) yield* this.parent.path();
        yield this;
    }
}

const root = new Node(null, 'suite', '<root>', {}, () => {}, undefined);
let current = root;

function location() {
    const prepare = Error.prepareStackTrace;
    let found;
    Error.prepareStackTrace = (_, sites) => {
        const site = sites.find((each) => each.getFileName() && !each.getFileName().startsWith('lib:'));
        found = site && place(site);
    };
    void new Error().stack;
    Error.prepareStackTrace = prepare;
    return found;
}

function parse(name, options, run) {
    if (typeof name === 'function') [name, options, run] = [name.name, {}, name];
    else if (name !== null && typeof name === 'object') [name, options, run] = [options?.name ?? run?.name, name, options];
    else if (typeof options === 'function') [options, run] = [{}, options];
    return { name: `${name || run?.name || '<anonymous>'}`, options: options ?? {}, run: run ?? (() => {}) };
}

// ---- declaring

function declare(parent, kind, args, more) {
    const { name, options, run } = parse(...args);
    const node = new Node(parent, kind, name, { ...options, ...more }, run, location());
    node.number = parent.children.push(node);
    node.done = new Promise((resolve) => { node.resolve = resolve; });
    if (kind === 'suite') {
        const before = current;
        current = node;
        try {
            if (!node.skip) node.ready = run.call(contextOf(node), contextOf(node));
        } catch (error) {
            node.error = error;
        } finally {
            current = before;
        }
        // What an asynchronous suite declares later belongs to it while nothing else is declared.
        if (typeof node.ready?.then === 'function') node.ready.then(() => {}, (error) => { node.error = error; });
    }
    if (parent === root) schedule();
    return node.done;
}

const withKinds = (kind) => {
    const declareHere = (more) => (...args) => {
        const parent = current;
        return declare(parent, kind, args, more);
    };
    return Object.assign(declareHere(), { skip: declareHere({ skip: true }), todo: declareHere({ todo: true }), only: declareHere({ only: true }) });
};

export const test = withKinds('test');
export const suite = withKinds('suite');
export const it = test;
export const describe = suite;
const hook = (name) => (run, options) => { current.hooks[name].push({ run, options: options ?? {} }); };
export const [before, after, beforeEach, afterEach] = ['before', 'after', 'beforeEach', 'afterEach'].map(hook);

// ---- running

function schedule() {
    if (state.active) return;
    state.active = true;
    state.started ||= native.now();
    setImmediate(async () => {
        if (!root.startedBefore) {
            root.startedBefore = true;
            await runHooks(root, 'before').catch((error) => { root.error = error; });
        }
        while (root.told < root.children.length) await runNode(root.children[root.told]);
        state.active = false;
    });
}

const call = (run, self, args) => (run.length > args.length
    ? new Promise((resolve, reject) => { run.call(self, ...args, (error) => (error ? reject(error) : resolve())); })
    : run.call(self, ...args));

function limited(promise, ms, signal) {
    if (typeof promise?.then !== 'function') return promise;
    return new Promise((resolve, reject) => {
        const timer = ms !== undefined && ms !== Infinity && setTimeout(() => reject(new Failure(`test timed out after ${ms}ms`, 'testTimeoutFailure')), ms);
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
        promise.then(resolve, reject).finally(() => timer && clearTimeout(timer));
    });
}

async function runHooks(node, name) {
    for (const { run, options } of node.hooks[name]) await limited(call(run, contextOf(node), [contextOf(node)].slice(0, 1)), options.timeout);
}

const matches = (node, patterns) => patterns.some((pattern) => pattern.test(node.name) || pattern.test(node.fullName.replaceAll(' > ', ' ')));
const wanted = (node) => settings.patterns.length === 0 || [...node.path()].slice(1).some((each) => matches(each, settings.patterns)) || node.children.some(wanted);
const hasOnly = (node) => node.only || node.children.some(hasOnly);

function leftOut(node) {
    if (settings.only && !hasOnly(node) && ![...node.path()].some((each) => each.only)) return 'only';
    if (settings.skipPatterns.length > 0 && matches(node, settings.skipPatterns)) return 'name';
    return wanted(node) ? undefined : 'name';
}

async function runNode(node) {
    const { parent } = node;
    parent.told += 1;
    if (leftOut(node)) {
        node.resolve();
        return;
    }
    node.reported = parent.count = (parent.count ?? 0) + 1;
    emit('test:start', { name: node.name, nesting: node.nesting });
    const start = native.now();
    node.running = true;
    state.current = node;
    let failure;
    if (!node.skip) {
        try {
            if (node.kind === 'suite') await runSuite(node);
            else await runTest(node);
        } catch (error) {
            failure = error instanceof Failure ? error : new Failure(message(error), 'testCodeFailure', error);
        }
        if (!failure && node.failedChildren > 0) failure = new Failure(`${node.failedChildren} subtest${node.failedChildren > 1 ? 's' : ''} failed`, 'subtestsFailed');
    }
    node.running = false;
    finish(node, failure, native.now() - start);
}

const message = (error) => (error instanceof Error || (error !== null && typeof error === 'object' && 'message' in error) ? error.message : `${String(error)}`);

async function runSuite(node) {
    if (typeof node.ready?.then === 'function') await node.ready;
    if (node.error) throw node.error;
    try {
        await runHooks(node, 'before');
    } catch (error) {
        for (const child of node.children) {
            node.told += 1;
            cancel(child);
        }
        throw new Failure(message(error), 'hookFailed', error);
    }
    while (node.told < node.children.length) await runNode(node.children[node.told]);
    await runHooks(node, 'after');
}

async function runTest(node) {
    const context = contextOf(node);
    const chain = [...node.path()].slice(0, -1);
    let failure;
    try {
        for (const each of chain) await eachHooks(each, 'beforeEach', context);
        await runHooks(node, 'before');
        node.body = true;
        await limited(call(node.run, context, [context]), node.options.timeout ?? settings.timeout, node.options.signal);
        await subtests(node);
        if (node.plan !== undefined && node.plan !== node.asserted) {
            throw new Failure(`plan expected ${node.plan} assertions but received ${node.asserted}`, 'testCodeFailure');
        }
    } catch (error) {
        failure = { error };
    }
    while (node.told < node.children.length) cancel(node.children[node.told++]);
    for (const run of [
        () => runHooks(node, 'after'),
        ...chain.toReversed().map((each) => () => eachHooks(each, 'afterEach', context)),
    ]) {
        try {
            await run();
        } catch (error) {
            failure ??= { error: new Failure(message(error), 'hookFailed', error) };
        }
    }
    node.mock?.restoreAll();
    node.controller?.abort();
    if (failure) throw failure.error;
}

/// Those that were started, and those that they start.
async function subtests(node) {
    for (let chain; chain !== node.chain;) {
        chain = node.chain;
        await chain;
    }
}

async function eachHooks(node, name, context) {
    for (const { run, options } of node.hooks[name]) await limited(call(run, context, [context]), options.timeout);
}

function cancel(node) {
    node.reported = node.parent.count = (node.parent.count ?? 0) + 1;
    emit('test:start', { name: node.name, nesting: node.nesting });
    finish(node, new Failure('test did not finish before its parent and was cancelled', 'cancelledByParent'), 0);
}

function finish(node, failure, duration) {
    if (node.finished) return;
    node.finished = true;
    if (node.count) emit('test:plan', { nesting: node.nesting + 1, count: node.count });
    const todo = node.todo;
    if (node.kind === 'suite') counts.suites += 1;
    else {
        counts.tests += 1;
        if (node.skip) counts.skipped += 1;
        else if (todo) counts.todo += 1;
        else if (!failure) counts.pass += 1;
        else if (failure.failureType === 'cancelledByParent' || failure.failureType === 'testTimeoutFailure') counts.cancelled += 1;
        else counts.fail += 1;
    }
    if (node.parent === root) counts.topLevel += 1;
    if (failure && !todo && !node.skip) {
        node.parent.failedChildren += 1;
        state.failed = true;
    }
    emit(failure && !node.skip ? 'test:fail' : 'test:pass', {
        name: node.name, nesting: node.nesting, testNumber: node.reported, skip: node.skip || undefined, todo: todo || undefined, location: node.location,
        details: { duration_ms: duration, type: node.kind, error: failure },
    });
    for (const note of node.notes ?? []) emit('test:diagnostic', { message: note, nesting: node.nesting });
    node.resolve();
}

// ---- what a test gets

const contexts = new WeakMap();

function contextOf(node) {
    let context = contexts.get(node);
    if (!context) contexts.set(node, (context = node.kind === 'suite' ? new SuiteContext(node) : new TestContext(node)));
    return context;
}

class SuiteContext {
    #node;
    constructor(node) { this.#node = node; }
    get name() { return this.#node.name; }
    get fullName() { return this.#node.fullName; }
    get signal() { return this.#node.abort.signal; }
    get filePath() { return this.#node.location?.file; }
}

class TestContext {
    #node;
    #assert;
    constructor(node) { this.#node = node; }
    get name() { return this.#node.name; }
    get fullName() { return this.#node.fullName; }
    get signal() { return this.#node.abort.signal; }
    get filePath() { return this.#node.location?.file; }
    get error() { return this.#node.error; }
    get passed() { return this.#node.finished && !this.#node.error; }
    get mock() { return (this.#node.mock ??= new MockTracker()); }
    get assert() {
        if (this.#assert) return this.#assert;
        const node = this.#node;
        this.#assert = {};
        for (const name of Object.keys(assert)) {
            if (typeof assert[name] !== 'function' || name === 'AssertionError' || name === 'strict' || name === 'CallTracker') continue;
            this.#assert[name] = (...args) => {
                node.asserted = (node.asserted ?? 0) + 1;
                return assert[name](...args);
            };
        }
        return this.#assert;
    }
    diagnostic(text) { (this.#node.notes ??= []).push(`${text}`); }
    skip(text) { this.#node.skip = text ?? true; }
    todo(text) { this.#node.todo = text ?? true; }
    plan(count) {
        this.#node.plan = count;
        this.#node.asserted ??= 0;
    }
    runOnly() {}
    before(run, options) { this.#node.hooks.before.push({ run, options: options ?? {} }); }
    after(run, options) { this.#node.hooks.after.push({ run, options: options ?? {} }); }
    beforeEach(run, options) { this.#node.hooks.beforeEach.push({ run, options: options ?? {} }); }
    afterEach(run, options) { this.#node.hooks.afterEach.push({ run, options: options ?? {} }); }
    async waitFor(condition, { interval = 50, timeout = 1000 } = {}) {
        const end = native.now() + timeout;
        for (;;) {
            try {
                return await condition();
            } catch (error) {
                if (native.now() > end) throw new Error('waitFor() timed out', { cause: error });
                await new Promise((resolve) => { setTimeout(resolve, interval); });
            }
        }
    }
    get test() {
        const node = this.#node;
        const sub = (more) => (...args) => {
            if (node.plan !== undefined) node.asserted += 1;
            const done = declare(node, 'test', args, more);
            // The test waits for it: it runs now, or when those before it are done.
            node.chain = (node.chain ?? Promise.resolve()).then(async () => {
                const child = node.children[node.told];
                if (child && !node.finished) await runNode(child);
            });
            return done;
        };
        return Object.assign(sub(), { skip: sub({ skip: true }), todo: sub({ todo: true }), only: sub({ only: true }) });
    }
}

// ---- the end

/// Everything that there was to do is done: true if that made more to do.
export function settle() {
    if (state.started === 0 || state.ended) return false;
    if (state.active) {
        // Nothing is left that could go on with it.
        for (const node of pending(root)) {
            finish(node, new Failure('Promise resolution is still pending but the event loop has already resolved', 'cancelledByParent'), 0);
        }
    }
    end();
    return false;
}

function* pending(node) {
    for (const child of node.children) {
        yield* pending(child);
        if (!child.finished) {
            if (!child.reported) {
                child.reported = node.count = (node.count ?? 0) + 1;
                emit('test:start', { name: child.name, nesting: child.nesting });
            }
            yield child;
        }
    }
}

function end() {
    if (state.ended || state.started === 0) return;
    state.ended = true;
    emit('test:plan', { nesting: 0, count: counts.topLevel });
    emit('test:summary', { counts, duration_ms: native.now() - state.started });
    if (state.failed || root.error) process.exitCode ||= 1;
}

/// Errors that come out of a turn belong to the test that runs, if one does.
export function blame(error) {
    const node = state.current;
    if (!state.active || !node?.running || node.kind !== 'test') return false;
    const failure = new Failure(message(error), 'uncaughtException', error);
    finish(node, failure, 0);
    node.running = false;
    return true;
}

process.on('exit', () => {
    if (state.started !== 0 && !state.ended) settle();
});

/// Results of another program, told as this one's own.
export function relay(type, data) {
    state.started ||= native.now();
    if (type === 'test:summary') {
        for (const name of Object.keys(counts)) if (name !== 'topLevel') counts[name] += data.counts[name];
        if (data.counts.fail + data.counts.cancelled > 0) state.failed = true;
        return;
    }
    if (type === 'test:plan' && data.nesting === 0) return;
    if ((type === 'test:pass' || type === 'test:fail') && data.nesting === 0) data = { ...data, testNumber: ++counts.topLevel };
    emit(type, data);
}

/// A file of tests that failed as a whole.
export function relayFailure(name, text, duration) {
    state.failed = true;
    state.started ||= native.now();
    counts.tests += 1;
    counts.fail += 1;
    counts.topLevel += 1;
    emit('test:start', { name, nesting: 0 });
    emit('test:fail', { name, nesting: 0, testNumber: counts.topLevel, location: { file: name, line: 1, column: 1 }, details: { duration_ms: duration, type: 'test', error: Object.assign(new Failure(text, 'testCodeFailure'), { stack: undefined }) } });
}

export function relayPass(name, duration) {
    state.started ||= native.now();
    counts.tests += 1;
    counts.pass += 1;
    counts.topLevel += 1;
    emit('test:start', { name, nesting: 0 });
    emit('test:pass', { name, nesting: 0, testNumber: counts.topLevel, details: { duration_ms: duration, type: 'test' } });
}

export const finishRelay = () => {
    state.started ||= native.now();
    end();
};

export { mock };
const run = () => { throw Object.assign(new Error('run() is not available in a sandbox; use `node --test`'), { code: 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM' }); };
export default Object.assign(test, { test, it, suite, describe, before, after, beforeEach, afterEach, mock, run, snapshot: { setDefaultSnapshotSerializers() {}, setResolveSnapshotPath() {} }, assert: { register() {} } });
