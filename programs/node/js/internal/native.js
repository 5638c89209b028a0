// What `src/natives` gives. Only built-in modules can import it.
export default globalThis.__native;
