const { AsyncLocalStorage } = require('async_hooks');
const als = new AsyncLocalStorage();
const wait = (ms) => new Promise((r) => setTimeout(r, ms));
async function job(id) { await wait(40 * (3 - id)); await null; console.log(id, als.getStore()); }
als.run('A', () => job(1)); als.run('B', () => job(2));
als.run('C', () => setTimeout(() => process.nextTick(() => console.log(als.getStore())), 200));
console.log(als.getStore());
