/** The command line by which containerd calls a shim. Flags are Go's: `-id x`, `-id=x`, `--id x`. */

export interface Flags {
  namespace: string;
  /** containerd's gRPC socket. */
  address: string;
  /** containerd itself: the program that can send it an event. */
  publishBinary: string;
  id: string;
  /** Empty: the working directory is the bundle. */
  bundle: string;
  /** Where to serve, for one that is started by hand. */
  socket: string;
  debug: boolean;
  version: boolean;
  info: boolean;
  /** `start`, `delete`, or empty: serve. */
  action: string;
}

const TEXTS: Record<string, 'namespace' | 'address' | 'publishBinary' | 'id' | 'bundle' | 'socket'> = {
  namespace: 'namespace',
  address: 'address',
  'publish-binary': 'publishBinary',
  id: 'id',
  bundle: 'bundle',
  socket: 'socket',
};
const SWITCHES: Record<string, 'debug' | 'version' | 'info'> = { debug: 'debug', v: 'version', version: 'version', info: 'info' };

/** @throws Error on a flag that is not known, as Go's flag package words it */
export function parseFlags(words: readonly string[]): Flags {
  const flags: Flags = {
    namespace: '',
    address: '',
    publishBinary: '',
    id: '',
    bundle: '',
    socket: '',
    debug: false,
    version: false,
    info: false,
    action: '',
  };
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string;
    const [, name = '', value] = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    const text = TEXTS[name];
    const on = SWITCHES[name];
    if (text) {
      if (value === undefined && at + 1 >= words.length) throw new Error(`flag needs an argument: -${name}`);
      flags[text] = value ?? (words[++at] as string);
    } else if (on) flags[on] = !/^(0|f|false)$/i.test(value ?? '');
    else if (name) throw new Error(`flag provided but not defined: -${name}`);
    else {
      // Go stops at the first word that is no flag.
      flags.action = word;
      break;
    }
  }
  return flags;
}
