const e = new Error('with more', { cause: new Error('inner') });
e.code = 'E_X';
e.data = { a: 1 };
console.log(e.cause.message, Object.keys(e));
throw e;
