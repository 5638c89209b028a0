setTimeout(() => { throw new Error('later'); }, 1);
process.on('exit', (c) => console.log('code', c));
