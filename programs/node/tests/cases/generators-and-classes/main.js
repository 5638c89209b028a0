class A { #p = 1; static s = 2; get p() { return this.#p; } static { this.t = 3; } *[Symbol.iterator]() { yield* [1, 2]; } async *gen() { yield 1; } }
const a = new A();
console.log(a, a.p, A.s, A.t, [...a], Object.groupBy ? 1 : 1, [3, 1, 2].toSorted(), 'x'.padStart(3, '-'), [1, [2, [3]]].flat(Infinity), { ...{ a: 1 }, b: 2 }, a?.q?.r ?? 'dflt', 2 ** 10, 0.1 + 0.2, (1234.5678).toFixed(2), 'aXbX'.replaceAll('X', '-'), /(?<y>\d{4})/.exec('in 2024').groups.y, new Date(Date.UTC(2024, 0, 15)).toISOString());
label: for (const i of [1, 2]) for (const j of [1, 2]) { if (j === 2) continue label; console.log(i, j); }
