// Runs in the sandbox of one contender: times what is started from its argument, a JSON list of
// { words, cwd, times }, one after another; `*` in a word or in cwd is the round's number. Prints milliseconds, a list for each.
'use strict';
const { spawnSync } = require('node:child_process');

const { rounds, calls } = JSON.parse(process.argv[2]);
const times = calls.map(() => []);
for (let round = 0; round < rounds; round++) {
  calls.forEach(({ words, cwd }, n) => {
    const filled = words.map((word) => word.replaceAll('*', String(round)));
    const begin = performance.now();
    const { status, stderr } = spawnSync(filled[0], filled.slice(1), { cwd: cwd.replaceAll('*', String(round)), encoding: 'utf8' });
    times[n].push(performance.now() - begin);
    if (status !== 0) throw new Error(`${filled.join(' ')}: ${status}: ${stderr}`);
  });
}
console.log(JSON.stringify(times));
