// The event loop: ticks, jobs, timers, finished file calls, streams, immediates. Each callback is one turn, after which
// ticks and jobs run until there are none.

import native from 'lib:internal/native';
import { context, runIn } from 'lib:internal/context';

const ticks = [];
let immediates = [];
let running = [];
const finished = [];
const watched = new Map();
const state = { referencedTimers: 0, referencedWatches: 0, fatal: (error) => { throw error; }, rejected: () => false };

export function onFatal(fatal, rejected) {
    state.fatal = fatal;
    state.rejected = rejected;
}

export function tick(callback, args) {
    ticks.push({ callback, args, context: context.current });
}

export function queueMicrotask(callback) {
    if (typeof callback !== 'function') {
        const error = new TypeError(`The "callback" argument must be of type function. Received ${callback === null ? 'null' : typeof callback}`);
        error.code = 'ERR_INVALID_ARG_TYPE';
        throw error;
    }
    resolved.then(() => {
        try {
            callback();
        } catch (error) {
            state.fatal(error);
        }
    });
}
const resolved = Promise.resolve();

/// Runs ticks and jobs until neither is left.
export function drain() {
    do {
        do {
            let next = 0;
            while (next < ticks.length) {
                const { callback, args, context: mine } = ticks[next++];
                try {
                    runIn(mine, callback, undefined, args);
                } catch (error) {
                    state.fatal(error);
                }
                if (next > 1024) {
                    ticks.splice(0, next);
                    next = 0;
                }
            }
            ticks.length = 0;
            native.runJobs();
        } while (ticks.length > 0);
    } while (state.rejected());
}

/// One turn.
export function turn(callback, self, args, mine) {
    try {
        runIn(mine, callback, self, args);
    } catch (error) {
        state.fatal(error);
    }
    drain();
}

// ---- timers: a heap by due time, then by order

const heap = [];
let order = 0;
let cancelled = 0;

const earlier = (a, b) => a.due < b.due || (a.due === b.due && a.order < b.order);

export function addTimer(timer, delay) {
    const entry = { timer, due: native.now() + delay, order: order++ };
    timer.entry = entry;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
        const up = (at - 1) >> 1;
        if (!earlier(entry, heap[up])) break;
        heap[at] = heap[up];
        at = up;
    }
    heap[at] = entry;
    if (timer.referenced) state.referencedTimers++;
}

/// Its entry stays in the heap until it comes up; many of these are swept.
export function removeTimer(timer) {
    if (!timer.entry) return;
    timer.entry.timer = null;
    timer.entry = null;
    if (timer.referenced) state.referencedTimers--;
    if (++cancelled > 64 && cancelled > heap.length / 2) {
        const kept = heap.filter((entry) => entry.timer).sort((a, b) => (earlier(a, b) ? -1 : 1));
        heap.length = 0;
        for (const entry of kept) heap.push(entry);
        cancelled = 0;
    }
}

export function referTimer(timer, referenced) {
    if (timer.referenced === referenced) return;
    timer.referenced = referenced;
    if (timer.entry) state.referencedTimers += referenced ? 1 : -1;
}

function popEntry() {
    const last = heap.pop();
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
        let down = 2 * at + 1;
        if (down >= heap.length) break;
        if (down + 1 < heap.length && earlier(heap[down + 1], heap[down])) down++;
        if (!earlier(heap[down], last)) break;
        heap[at] = heap[down];
        at = down;
    }
    heap[at] = last;
}

function firstEntry() {
    while (heap.length > 0 && !heap[0].timer) {
        popEntry();
        cancelled--;
    }
    return heap[0];
}

// A program that took no time to start runs its first timers before its first immediates, as one that did.
let slack = 1;

function runTimers() {
    const now = native.now() + slack;
    slack = 0;
    const last = order;
    for (let entry = firstEntry(); entry && entry.due <= now && entry.order < last; entry = firstEntry()) {
        popEntry();
        const { timer } = entry;
        timer.entry = null;
        if (timer.referenced) state.referencedTimers--;
        turn(timer.fire, timer, [], timer.context);
    }
}

// ---- immediates

export function addImmediate(immediate) {
    immediates.push(immediate);
}

function runImmediates() {
    [running, immediates] = [immediates, []];
    for (let next = 0; next < running.length; next++) {
        const immediate = running[next];
        if (immediate.callback) turn(immediate.fire, immediate, [], immediate.context);
    }
    running = [];
}

// ---- what is done and has to be told

/// Calls back in a turn of its own, as what another thread did would.
export function finish(callback, ...args) {
    finished.push({ callback, args, context: context.current });
}

function runFinished() {
    const now = finished.splice(0);
    for (const { callback, args, context: mine } of now) turn(callback, undefined, args, mine);
}

// ---- streams and programs

/// Calls back, once, when the pollable is ready.
export function watch(poll, callback, referenced = true) {
    watched.set(poll, { callback, referenced, context: context.current });
    if (referenced) state.referencedWatches++;
    return poll;
}

export function unwatch(poll) {
    const entry = watched.get(poll);
    if (!entry) return;
    watched.delete(poll);
    if (entry.referenced) state.referencedWatches--;
    native.closePoll(poll);
}

export function referWatch(poll, referenced) {
    const entry = watched.get(poll);
    if (!entry || entry.referenced === referenced) return;
    entry.referenced = referenced;
    state.referencedWatches += referenced ? 1 : -1;
}

function runWatched(wait) {
    if (watched.size === 0 && wait <= 0) return;
    for (const poll of native.poll([...watched.keys()], wait)) {
        const entry = watched.get(poll);
        if (!entry) continue;
        unwatch(poll);
        turn(entry.callback, undefined, [], entry.context);
    }
}

function waitTime() {
    if (immediates.some((immediate) => immediate.callback) || finished.length > 0 || !alive()) return 0;
    const entry = firstEntry();
    return entry ? Math.max(0, entry.due - native.now()) : -1;
}

export function alive() {
    return state.referencedTimers > 0 || state.referencedWatches > 0 || finished.length > 0
        || immediates.some((immediate) => immediate.callback && immediate.referenced);
}

/// Once through; for what has to wait within a call.
export function step() {
    runTimers();
    runFinished();
    runWatched(waitTime());
    runImmediates();
}

export function run() {
    drain();
    while (alive()) step();
}
