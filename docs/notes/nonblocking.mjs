/** Whether using process.stdout changes the pipe for everybody who has it (O_NONBLOCK is 04000 in fdinfo). */
import { readFileSync, writeSync } from 'node:fs';

const flags = () => Number.parseInt(/^flags:\s*(\d+)/m.exec(readFileSync('/proc/self/fdinfo/1', 'utf8'))[1], 8);
const mode = () => (flags() & 0o4000 ? 'non-blocking' : 'blocking');

writeSync(1, `at the start: ${mode()}\n`);
process.stdout.listenerCount('error'); // any use makes the stream
writeSync(1, `after process.stdout was used: ${mode()}\n`);
