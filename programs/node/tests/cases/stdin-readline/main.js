const rl = require('readline').createInterface({ input: process.stdin });
(async () => { let i = 0; for await (const line of rl) console.log(++i, line); })();
