// The built-in modules by name, as `require` gives them. Filled by `boot`.

const modules = new Map();

export const register = (name, value) => modules.set(name, value);
export const builtin = (name) => modules.get(name);

/// Those that a user may ask for.
const hidden = (name) => name.startsWith('internal/');
export const isBuiltin = (name) => modules.has(name) && !hidden(name);
export const names = () => [...modules.keys()].filter((name) => !hidden(name));
