const fs = require('fs');
const w = fs.createWriteStream('big.txt');
for (let i = 0; i < 5000; i++) w.write('line ' + i + '\n');
w.end(() => {
  let n = 0, lines = 0;
  fs.createReadStream('big.txt', { encoding: 'utf8' }).on('data', (d) => { n += d.length; lines += d.split('\n').length - 1; }).on('close', () => console.log(n, lines, fs.statSync('big.txt').size));
});
