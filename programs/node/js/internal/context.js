// The values of every AsyncLocalStorage, as one map that is replaced and never changed. `current` goes with each callback.

export const context = { current: undefined };

export function runIn(mine, callback, self, args) {
    if (mine === context.current) return Reflect.apply(callback, self, args);
    const before = context.current;
    context.current = mine;
    try {
        return Reflect.apply(callback, self, args);
    } finally {
        context.current = before;
    }
}
