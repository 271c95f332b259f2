/** Which of the descriptors 0 to 2 Node has marked close-on-exec (O_CLOEXEC is 02000000 in fdinfo). */
import { readFileSync } from 'node:fs';

for (const fd of [0, 1, 2]) {
  const flags = Number.parseInt(/^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))[1], 8);
  console.log(`${fd}: ${flags & 0o2000000 ? 'close-on-exec' : 'kept'}`);
}
