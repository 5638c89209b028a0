import native from 'lib:internal/native';

let origin = 0;
let originTime = 0;
let entries = [];

export function renew() {
    origin = native.now();
    originTime = native.wallTime();
    entries = [];
}

export class PerformanceEntry {
    constructor(name, entryType, startTime, duration, detail) {
        Object.assign(this, { name, entryType, startTime, duration });
        if (detail !== undefined) this.detail = detail;
    }
    toJSON() { return { ...this }; }
}
export class PerformanceMark extends PerformanceEntry {}
export class PerformanceMeasure extends PerformanceEntry {}

const observers = new Set();

function record(entry) {
    entries.push(entry);
    for (const observer of observers) observer.take(entry);
    return entry;
}

const timeOf = (mark) => {
    if (typeof mark === 'number') return mark;
    const found = entries.findLast((entry) => entry.entryType === 'mark' && entry.name === mark);
    if (!found) throw new DOMException(`The "${mark}" performance mark has not been set`, 'SyntaxError');
    return found.startTime;
};

class Performance {
    get timeOrigin() { return originTime; }
    get nodeTiming() { return { name: 'node', entryType: 'node', startTime: 0, duration: this.now(), bootstrapComplete: 0, environment: 0, loopStart: 0, loopExit: -1, idleTime: 0 }; }
    now() { return native.now() - origin; }
    mark(name, options = {}) { return record(new PerformanceMark(`${name}`, 'mark', options.startTime ?? this.now(), 0, options.detail ?? null)); }
    measure(name, start, end) {
        let detail = null;
        let duration;
        if (start !== null && typeof start === 'object') ({ start, end, duration, detail = null } = start);
        const from = start === undefined ? 0 : timeOf(start);
        const to = end !== undefined ? timeOf(end) : duration !== undefined ? from + duration : this.now();
        return record(new PerformanceMeasure(name, 'measure', from, to - from, detail));
    }
    clearMarks(name) { entries = entries.filter((entry) => entry.entryType !== 'mark' || (name !== undefined && entry.name !== name)); }
    clearMeasures(name) { entries = entries.filter((entry) => entry.entryType !== 'measure' || (name !== undefined && entry.name !== name)); }
    getEntries() { return [...entries].sort((a, b) => a.startTime - b.startTime); }
    getEntriesByName(name, type) { return this.getEntries().filter((entry) => entry.name === name && (!type || entry.entryType === type)); }
    getEntriesByType(type) { return this.getEntries().filter((entry) => entry.entryType === type); }
    eventLoopUtilization() { return { idle: 0, active: 0, utilization: 0 }; }
    timerify(callback) { return callback; }
    toJSON() { return { timeOrigin: this.timeOrigin, nodeTiming: this.nodeTiming }; }
}
export const performance = new Performance();

export class PerformanceObserver {
    static supportedEntryTypes = ['mark', 'measure'];
    #callback;
    #kinds = [];
    #seen = [];
    constructor(callback) { this.#callback = callback; }
    observe({ entryTypes, type }) {
        this.#kinds = entryTypes ?? [type];
        observers.add(this);
    }
    disconnect() { observers.delete(this); }
    takeRecords() { return this.#seen.splice(0); }
    take(entry) {
        if (!this.#kinds.includes(entry.entryType)) return;
        if (this.#seen.push(entry) > 1) return;
        setImmediate(() => {
            const list = this.takeRecords();
            if (list.length === 0) return;
            this.#callback({
                getEntries: () => list,
                getEntriesByName: (name) => list.filter((each) => each.name === name),
                getEntriesByType: (kind) => list.filter((each) => each.entryType === kind),
            }, this);
        });
    }
}

const histogram = () => ({ min: 0, max: 0, mean: 0, stddev: 0, exceeds: 0, count: 0, percentile: () => 0, percentiles: new Map(), enable: () => true, disable: () => true, reset() {}, record() {}, recordDelta() {} });
export const monitorEventLoopDelay = histogram;
export const createHistogram = histogram;
export const constants = {};

export default { performance, PerformanceObserver, PerformanceEntry, PerformanceMark, PerformanceMeasure, monitorEventLoopDelay, createHistogram, constants };
