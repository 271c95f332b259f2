/** The program minirun-runc: the runtime's command line, with the narrator of the layer above. */
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
  async narrate(to, call, warn) {
    const { openRuncNarration } = await import('./runc-narration.ts');
    return openRuncNarration(to, call, warn);
  },
};

void main(process.argv.slice(2), surroundings).then((code) => {
  process.exitCode = code;
  process.exit();
});
