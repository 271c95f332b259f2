/** The program minirun-runc: the runtime's command line, with the narrator of the layer above. */
import { closeSync, openSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { main, type Surroundings } from '../runc/commands/main.ts';
import { OCI_VERSION } from '../runc/spec/features.ts';
import { packageVersion } from './version.ts';

/** What it can do where the machine can, in the form of crun's last line. */
const FEATURES = '+SYSTEMD +SELINUX +APPARMOR +CAP +SECCOMP +EBPF +CRIU';

const surroundings: Surroundings = {
  version() {
    return `minirun-runc version ${packageVersion()}\ncommit: v${packageVersion()}\nspec: ${OCI_VERSION}\n${FEATURES}\n`;
  },
  async explain(error) {
    const { explainFailure } = await import('../explain/causes.ts');
    return explainFailure(error)
      .split('\n')
      .map((line) => (/[.!?]$/.test(line) ? line : `${line}.`))
      .join(' ');
  },
  async narrate(to, title) {
    const { narrator } = await import('../explain/narrate.ts');
    const folder = to !== undefined && statSync(to, { throwIfNoEntry: false })?.isDirectory();
    const fd = to === undefined ? 2 : openSync(folder ? join(to, `${title.split(' ')[1]}.txt`) : to, 'a', 0o600);
    writeSync(fd, `\n== ${title}\n`);
    const observer = narrator({ write: (text) => writeSync(fd, text), colour: false, width: 100, numbers: false });
    return {
      observer,
      close() {
        if (fd !== 2) closeSync(fd);
      },
    };
  },
};

void main(process.argv.slice(2), surroundings).then((code) => {
  process.exitCode = code;
  process.exit();
});
