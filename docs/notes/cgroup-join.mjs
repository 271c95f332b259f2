/** What it costs to move this process into a cgroup of version 1, by either file. `--times` prints them. */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';

const mount = readFileSync('/proc/self/mountinfo', 'utf8')
  .split('\n')
  .find((line) => / - cgroup .*\bmemory\b/.test(line));
const tree = mount.split(' ')[4];
const own = tree + /^\d+:[^:]*\bmemory\b[^:]*:(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))[1];
const folder = `${tree}/minirun-note-${process.pid}`;

/** The kernel keeps the lock ready for a while after it was used: without a pause, the second use is cheap. */
const pause = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 150);
const median = (times) => times.sort((a, b) => a - b)[times.length >> 1];

function milliseconds(file, text) {
  pause();
  const start = process.hrtime.bigint();
  writeFileSync(`${folder}/${file}`, text);
  const time = Number(process.hrtime.bigint() - start) / 1e6;
  writeFileSync(`${own}/${file}`, text);
  return time;
}

mkdirSync(folder);
const [tasks, procs] = [[], []];
for (let i = 0; i < 15; i++) {
  tasks.push(milliseconds('tasks', '0'));
  procs.push(milliseconds('cgroup.procs', String(process.pid)));
}
rmdirSync(folder);
if (process.argv[2] === '--times') console.log(`tasks ${median(tasks).toFixed(3)} ms, cgroup.procs ${median(procs).toFixed(3)} ms`);
console.log(`writing 0 to tasks is at least three times as fast: ${median(tasks) * 3 < median(procs)}`);
