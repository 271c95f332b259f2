// Runs in the sandbox of one contender. Its argument: { folder, calls }, the calls each a list of words,
// to be made one after another in the folder. Prints a list of milliseconds.
'use strict';
const { spawnSync } = require('node:child_process');

const { folder, calls } = JSON.parse(process.argv[2]);
const times = calls.map((words) => {
  const begin = performance.now();
  const { status, stderr } = spawnSync(words[0], words.slice(1), { cwd: folder, encoding: 'utf8' });
  const time = performance.now() - begin;
  if (status !== 0) throw new Error(`${words.join(' ')}: ${status}: ${stderr}`);
  return time;
});
console.log(JSON.stringify(times));
